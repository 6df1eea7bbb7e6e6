"""A notebook, open in JupyterLab in a browser: run it, operate it, and hear what goes wrong."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

VIEWPORT = {"width": 1280, "height": 1400}
HERE = {"127.0.0.1", "localhost", "::1"}
WITHIN_THE_PAGE = {"data", "blob", "about"}  # addresses that no request is sent for
SECONDS_TO_OPEN = 120
SECONDS_TO_RUN = 600  # a lesson takes a tenth of that; this ends one that hangs
SECONDS_TO_ANSWER = 60  # for one step of an explorer

# `window.course` is ours: what these scripts leave for each other.
OPENED = """() => {
  const context = window.jupyterapp?.shell.currentWidget?.context;
  const session = context?.sessionContext, kernel = session?.session?.kernel;
  if (!context?.isReady || !session?.isReady) return false;
  if (kernel?.connectionStatus !== 'connected' || kernel.status !== 'idle') return false;
  const heard = [];
  window.course = { kernel, heard, run: null };
  // What a widget's callback raises or warns of is shown in no cell. "No such comm" is none:
  // JupyterLab asks a new kernel for its widgets, which it cannot tell without ipywidgets.
  kernel.iopubMessage.connect((_, { header, content, parent_header }) => {
    if (parent_header.msg_type === 'execute_request') return;
    if (header.msg_type === 'error') heard.push(`raised ${content.ename}: ${content.evalue}`);
    if (content.name === 'stderr' && !content.text.startsWith('No such comm'))
      heard.push(`wrote to stderr: ${content.text.trim()}`);
  });
  return true;
}"""
# Whether the tab is marked as changed, once all that the kernel says of its language has come in.
CHANGED = """async () => {
  const { sessionContext, model } = window.jupyterapp.shell.currentWidget.context;
  await sessionContext.session.kernel.info;
  await new Promise(resolve => setTimeout(resolve, 1000));
  return model.dirty;
}"""
SAVE = "async () => { await window.jupyterapp.shell.currentWidget.context.save(); }"
# Not awaited: a command may never end. Stored outputs and counts go first, so that what stands
# there afterwards is of this run.
RUN_ALL = """() => {
  const { commands } = window.jupyterapp;
  commands.execute('notebook:clear-all-cell-outputs')
    .then(() => commands.execute('notebook:run-all-cells'))
    .then(() => { window.course.run = 'ended'; }, error => { window.course.run = String(error); });
}"""
# The same for some cells; all others keep their stored outputs.
RUN_SOME = """ids => {
  const { commands, shell } = window.jupyterapp, { content } = shell.currentWidget;
  const run = async () => {
    for (const [index, cell] of content.widgets.entries()) {
      if (!ids.includes(cell.model.id)) continue;
      content.activeCellIndex = index;
      content.deselectAll();
      await commands.execute('notebook:clear-cell-output');
      await commands.execute('notebook:run-cell');
    }
  };
  run()
    .then(() => { window.course.run = 'ended'; }, error => { window.course.run = String(error); });
}"""
RUN_ENDED = """() => {
  const { kernel, run } = window.course, { status, isDisposed } = kernel;
  if (isDisposed || ['autorestarting', 'restarting', 'dead', 'terminating'].includes(status))
    return `the kernel is ${isDisposed ? 'gone' : status}`;
  return status === 'idle' && run;
}"""
CELLS = """() => window.jupyterapp.shell.currentWidget.content.widgets
  .map(cell => cell.model)
  .filter(model => model.type === 'code' && model.sharedModel.getSource().trim())
  .map(model => ({
    id: model.id,
    ran: model.executionCount !== null,
    outputs: model.outputs.toJSON().map(output => ({
      type: output.output_type,
      error: `${output.ename}: ${output.evalue}`,
      stderr: output.name === 'stderr' ? [output.text].flat().join('').trim() : '',
      plain: [output.data?.['text/plain'] ?? ''].flat().join(''),
    })),
  }))"""
# Where to scroll to for each picture of the screen: to a cell, so that none is cut in two but those
# that are higher than a screen.
SCREENS = """panel => {
  const scroller = panel.querySelector('.jp-WindowedPanel-outer'), height = scroller.clientHeight;
  const above = scroller.getBoundingClientRect().top - scroller.scrollTop, tops = [0];
  for (const cell of panel.querySelectorAll('.jp-Cell')) {
    const box = cell.getBoundingClientRect(), top = box.top - above, bottom = box.bottom - above;
    if (bottom > tops.at(-1) + height && top > tops.at(-1)) tops.push(top);
    while (bottom > tops.at(-1) + height) tops.push(tops.at(-1) + height);
  }
  return tops;
}"""
LOADED = "() => [...document.querySelectorAll('.jp-Cell img')].every(img => img.complete)"
# A picture must lie within each box around it, up to its cell: what sticks out may be cut off.
PICTURES = """() => [...document.querySelectorAll('.jp-Cell img')].flatMap((img, index) => {
  const cell = img.closest('.jp-Cell'), name = `picture ${index + 1} (“${img.alt}”)`;
  if (!img.naturalWidth) return [`${name} is not drawn: ${img.src.slice(0, 100)}`];
  const { left, right } = img.getBoundingClientRect();
  for (let box = img.parentElement; ; box = box.parentElement) {
    const outer = box.getBoundingClientRect();
    if (left < outer.left - 1 || right > outer.right + 1)
      return [`${name} is ${Math.round(right - left)} pixels wide, ` +
              `“${box.className}” around it ${Math.round(outer.width)}`];
    if (box === cell) return [];
  }
})"""


class LessonPage:
    """A notebook of a `LabServer` in a page of its own; a context manager that closes the page.

    All that should not happen is kept from the first moment on; `problems` tells it. Screenshots go
    to `folder`, their names start with the notebook's.
    """

    def __init__(self, browser, server, notebook: str, folder: Path):
        self.name = Path(notebook).stem
        self._address = server.page_of(notebook)
        self._folder = folder
        self._noticed: list[str] = []
        self.page = browser.new_page(viewport=VIEWPORT)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._notice(f"the page raised {error}"))
        self.page.on("crash", lambda _page: self._notice("the page crashed"))
        self.page.on("request", lambda request: self._watch(request.url))
        self.page.on("websocket", lambda websocket: self._watch(websocket.url))
        self.page.on("dialog", self._dismiss)

    def __enter__(self) -> "LessonPage":
        return self

    def __exit__(self, *_error) -> None:
        self.page.close()

    def open(self) -> None:
        """Open the notebook and wait until its kernel is really connected.

        The toolbar calls the kernel idle before there is one, and running cells then opens a dialog
        that nobody answers.
        """
        self.page.goto(self._address)
        self.until(
            lambda: self.page.evaluate(OPENED),
            "the notebook has no connected kernel",
            SECONDS_TO_OPEN,
        )

    def is_changed(self) -> bool:
        """Whether the tab shows unsaved changes."""
        return self.page.evaluate(CHANGED)

    def save(self) -> None:
        """Save the notebook."""
        self.page.evaluate(SAVE)

    def run_all(self) -> None:
        """Run all cells, wait until the last has ended or one has failed, and take pictures."""
        self._run(RUN_ALL)

    def run_some(self, ids: Sequence[str]) -> None:
        """As `run_all`, of these code cells alone; the others show their stored outputs."""
        self._run(RUN_SOME, ids)

    def _run(self, script: str, ids: Sequence[str] = ()) -> None:
        self.page.evaluate(script, list(ids))
        try:
            ended = self.until(
                lambda: self.page.evaluate(RUN_ENDED), "the cells are not all run", SECONDS_TO_RUN
            )
            if ended != "ended":
                self._notice(f"running the cells came to nothing: {ended}")
        finally:
            self.photograph()

    def problems(self) -> list[str]:
        """One line for each thing that should not be there; empty for a lesson that is fine."""
        found = []
        for cell in self.page.evaluate(CELLS):
            if not cell["ran"]:
                found.append(f"cell '{cell['id']}' was not run to its end")
            for output in cell["outputs"]:
                if output["type"] == "error":
                    found.append(f"cell '{cell['id']}' raised {output['error']}")
                if output["stderr"]:
                    found.append(f"cell '{cell['id']}' wrote to stderr: {output['stderr']}")
        heard = self.page.evaluate("() => window.course.heard")
        return found + [f"a callback {each}" for each in heard] + self._noticed

    def picture_problems(self) -> list[str]:
        """One line for each picture that is not drawn or is wider than what it stands in."""
        self.until(lambda: self.page.evaluate(LOADED), "some pictures are not loaded")
        return self.page.evaluate(PICTURES)

    def promised_explorers(self) -> int:
        """How many outputs are explorers, whether or not the page shows them as widgets."""
        outputs = [output for cell in self.page.evaluate(CELLS) for output in cell["outputs"]]
        return sum(output["plain"].startswith("[explorer]") for output in outputs)

    def photograph(self) -> None:
        """Pictures of the whole notebook, a screen each."""
        panel = self.page.locator(".jp-NotebookPanel:visible")
        scroller = panel.locator(".jp-WindowedPanel-outer")
        for number, top in enumerate(panel.evaluate(SCREENS), start=1):
            scroller.evaluate("(box, top) => { box.scrollTop = top; }", top)
            self.page.screenshot(path=self.shot(f"screen-{number:02}"))

    def shot(self, what: str) -> Path:
        """The file for a screenshot."""
        return self._folder / f"{self.name}-{what}.png"

    def until(self, look: Callable, what: str, seconds: float = SECONDS_TO_ANSWER):
        """What `look()` returns, once it is true.

        Raises AssertionError, which says `what` is wrong, where that never comes.
        """
        deadline = time.monotonic() + seconds
        while not (found := look()):
            if time.monotonic() > deadline:
                seen = "; ".join(self._noticed) or "nothing"
                raise AssertionError(f"{self.name}: {what} after {seconds} s. Noticed: {seen}.")
            self.page.wait_for_timeout(100)
        return found

    def _notice(self, problem: str) -> None:
        self._noticed.append(problem)

    def _hear(self, message) -> None:
        if message.type in ("error", "assert"):
            source = message.location.get("url", "")
            self._notice(f"the console says: {message.text} ({source})")

    def _watch(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in WITHIN_THE_PAGE and parts.hostname not in HERE:
            self._notice(f"the page asked another machine: {url}")

    def _dismiss(self, dialog) -> None:
        self._notice(f"a dialog opened: {dialog.message}")
        dialog.dismiss()
