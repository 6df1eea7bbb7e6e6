"""The browser tests can fail, and what they start comes to an end.

A notebook full of troubles is opened, run and operated as a lesson is, and each must be noticed.
"""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from tests.browser.explorer import explorers
from tests.browser.lab import LabServer
from tests.browser.lesson import LessonPage

OUTSIDE = "http://192.0.2.1/picture.png"  # reserved for documentation (RFC 5737)
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="

# Cells by their ids. The last but one raises, so the last is not run.
TROUBLES = {
    "pid": "import os\nfrom pathlib import Path\nPath({pid!r}).write_text(str(os.getpid()))",
    "imports": "import ipywidgets, sys\nfrom IPython.display import HTML, Javascript, display",
    "warns": "print('a warning', file=sys.stderr)",
    "console": "Javascript('console.error(\"this went wrong\")')",
    "page": "Javascript('setTimeout(() => { throw new Error(\"that went wrong\"); })')",
    "dialog": "Javascript('alert(\"look here\")')",
    "elsewhere": f'HTML(\'<img alt="from afar" src="{OUTSIDE}">\')',
    "wide": f'HTML(\'<img alt="too wide" src="{PIXEL}" style="width:3000px;max-width:none">\')',
    "fits": f'HTML(\'<img alt="fits" src="{PIXEL}" style="width:30px">\')',
    "promise": "display({'text/plain': '[explorer] promised, and not there'}, raw=True)",
    "callback": "button = ipywidgets.Button(description='press me')\n"
    "button.on_click(lambda _: print('told', file=sys.stderr))\n"
    "button.on_click(lambda _: 1 / 0)\nbutton",
    "raises": "raise LookupError('not here')",
    "after": "print('never')",
}
# What `problems` says of them, each line of it.
NOTICED = {
    "a warning in a cell": r"cell 'warns' wrote to stderr: a warning",
    "an error in a cell": r"cell 'raises' raised LookupError: not here",
    "a cell after it": r"cell 'after' was not run to its end",
    "a warning in a callback": r"a callback wrote to stderr: told",
    "an error in a callback": r"a callback raised ZeroDivisionError: .*",
    "an error in the console": r"the console says: this went wrong .*",
    "an error in the page": r"the page raised that went wrong",
    "a dialog": r"a dialog opened: look here",
    "a request to another machine": rf"the page asked another machine: {re.escape(OUTSIDE)}",
    "its failure": rf"the console says: Failed to load .*PROXY.* \({re.escape(OUTSIDE)}\)",
}


@dataclass(frozen=True)
class Seen:
    """What the harness said of the troubles, and what it had started."""

    problems: list[str]
    pictures: list[str]
    promised: int
    shown: int
    server: int
    kernel: int
    scratch: Path


def write(folder: Path, cells: dict[str, str]) -> None:
    """A course of one notebook, `notebooks/troubles.ipynb`."""
    path = folder / "notebooks" / "troubles.ipynb"
    path.parent.mkdir()
    code = [nbformat.v4.new_code_cell(source, id=name) for name, source in cells.items()]
    notebook = nbformat.v4.new_notebook(cells=code)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def seen(browser, tmp_path_factory) -> Seen:
    """The notebook opened, run and operated; page and server are closed again."""
    folder, scratch = tmp_path_factory.mktemp("troubles"), tmp_path_factory.mktemp("scratch")
    pid = folder / "pid"
    write(folder, TROUBLES | {"pid": TROUBLES["pid"].format(pid=str(pid))})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(scratch))
        with (
            LabServer(folder) as server,
            LessonPage(browser, server, "troubles.ipynb", folder) as lesson,
        ):
            lesson.open()
            lesson.run_all()
            lesson.page.get_by_role("button", name="press me").press("Enter")
            lesson.until(lambda: "a callback raised" in str(lesson.problems()), "it did not raise")
            return Seen(
                problems=lesson.problems(),
                pictures=lesson.picture_problems(),
                promised=lesson.promised_explorers(),
                shown=len(explorers(lesson)),
                server=server.pid,
                kernel=int(pid.read_text()),
                scratch=scratch,
            )


@pytest.mark.parametrize("trouble", NOTICED)
def test_a_trouble_is_noticed(trouble, seen):
    assert any(re.fullmatch(NOTICED[trouble], problem) for problem in seen.problems), seen.problems


def test_nothing_else_is_noticed(seen):
    for problem in seen.problems:
        assert any(re.fullmatch(pattern, problem) for pattern in NOTICED.values()), problem


def test_a_picture_that_is_missing_or_too_wide_is_noticed_and_one_that_fits_is_not(seen):
    missing, wide = seen.pictures
    assert re.fullmatch(r"picture 1 \(“from afar”\) is not drawn: .*", missing)
    assert re.fullmatch(r"picture 2 \(“too wide”\) is 3000 pixels wide, .*", wide)


def test_an_explorer_that_is_promised_and_not_there_is_noticed(seen):
    assert (seen.promised, seen.shown) == (1, 0)


def test_server_and_kernel_have_ended_and_left_nothing(seen):
    for process in (seen.server, seen.kernel):
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    with pytest.raises(ProcessLookupError):
        os.killpg(seen.server, 0)
    assert list(seen.scratch.iterdir()) == []
