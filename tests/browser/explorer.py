"""An explorer in an open lesson, operated by keyboard as a reader without a mouse does."""

from tests.browser.lesson import LessonPage

TABS = 30  # no explorer has more controls

NAME = "root => [...root.classList].find(name => name.startsWith('explorer-')) ?? 'without a name'"
# The pixels, as text: the address of a picture changes even where the picture stays the same.
PIXELS = """root => {
  const img = root.querySelector('img');
  if (!img?.complete || !img.naturalWidth) return null;
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [img.naturalWidth, img.naturalHeight];
  canvas.getContext('2d').drawImage(img, 0, 0);
  return canvas.toDataURL();
}"""
# The control that stands beside a label, found as a reader finds it, or the button that has it.
CONTROL = """(root, label) => [...root.querySelectorAll('.widget-label')]
  .find(name => name.textContent === label)
  ?.parentElement.querySelector('input, textarea, select, [role=slider]')
  ?? [...root.querySelectorAll('button')].find(button => button.textContent === label)"""
FOCUS = f"(root, label) => ({CONTROL})(root, label)?.focus()"
FOCUSED = f"(root, label) => document.activeElement === ({CONTROL})(root, label)"
VALUE = f"""(root, label) => {{
  const control = ({CONTROL})(root, label);
  return control?.value ?? control?.getAttribute('aria-valuetext') ?? null;
}}"""


def explorers(lesson: LessonPage) -> list["Explorer"]:
    """All explorers of a lesson, in their order."""
    count = lesson.page.locator(".course-explorer").count()
    return [Explorer(lesson, index) for index in range(count)]


class Explorer:
    """Explorer number `index` of a lesson. `name` is the CSS class that tells which one it is."""

    def __init__(self, lesson: LessonPage, index: int):
        self._lesson = lesson
        self._keyboard = lesson.page.keyboard
        self._root = lesson.page.locator(".course-explorer").nth(index)
        self.name: str = self._root.evaluate(NAME)
        self._label = f"{index + 1}-{self.name}"

    def value(self, label: str) -> str:
        """What the control with this label holds."""
        value = self._root.evaluate(VALUE, label)
        assert value is not None, f"{self.name}: there is no control {label!r}"
        return value

    def focus(self, label: str) -> None:
        """Put the focus on the control with this label, from wherever it is: the way in."""
        self._root.evaluate(FOCUS, label)
        assert self._root.evaluate(FOCUSED, label), f"{self.name}: {label!r} takes no focus"

    def tab_to(self, label: str, backwards: bool = False) -> None:
        """Press Tab, or Shift+Tab, until the focus is on the control with this label."""
        for _ in range(TABS):
            if self._root.evaluate(FOCUSED, label):
                return
            self._keyboard.press("Shift+Tab" if backwards else "Tab")
        raise AssertionError(f"{self.name}: Tab does not lead to {label!r}")

    def press(self, key: str) -> None:
        """Press a key, such as "ArrowLeft"."""
        self._keyboard.press(key)

    def choose(self, key: str) -> None:
        """Open the focused dropdown, press a key in it, and take what it led to.

        A dropdown that is not open gets no arrow key: JupyterLab takes it to go to another cell
        (github.com/jupyter-widgets/ipywidgets/issues/3912).
        """
        for each in ("Space", key, "Enter"):
            self._keyboard.press(each)

    def retype(self, text: str, hand_over: str = "Enter") -> None:
        """Type over the text of the focused field, and hand it over with a key.

        A field of several lines takes Enter for a line break, and "Tab" to hand over.
        """
        self._keyboard.press("ControlOrMeta+A")
        self._keyboard.press("Delete")
        self._keyboard.type(text)
        self._keyboard.press(hand_over)

    def picture(self) -> str:
        """The pixels of the picture, once it is drawn."""
        return self._until(lambda: self._root.evaluate(PIXELS), "the picture is not drawn")

    def changed(self, before: str) -> str:
        """The pixels of the picture, once they are no longer `before`."""
        self._until(lambda: self.picture() != before, "the picture has not changed")
        return self.picture()

    def shows(self, pixels: str) -> None:
        """Wait until the picture is this one."""
        self._until(lambda: self.picture() == pixels, "the picture is another than expected")

    def message(self) -> str:
        """The message, as a reader sees it; "" for none."""
        return self._root.locator(".explorer-message").inner_text().strip()

    def says(self, text: str) -> None:
        """Wait until the message holds this text."""
        self._until(lambda: text in self.message(), f"no message holds {text!r}")

    def reads(self, text: str) -> None:
        """Wait until this text can be read in the explorer."""
        self._until(lambda: text in self._root.inner_text(), f"{text!r} cannot be read")

    def is_silent(self) -> None:
        """Wait until there is no message."""
        self._until(lambda: not self.message(), "the message stays")

    def has_one_picture(self) -> None:
        """Fails where there is a second one: where text that was typed has become an element."""
        pictures = self._root.locator("img").count()
        assert pictures == 1, f"{self.name}: there are {pictures} pictures"

    def photograph(self, when: str) -> None:
        """Take a picture of the explorer alone."""
        self._root.screenshot(path=self._lesson.shot(f"{self._label}-{when}"))

    def _until(self, look, what: str):
        return self._lesson.until(look, f"{self.name}: {what}")
