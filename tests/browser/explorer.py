"""An explorer in an open lesson, operated by keyboard as a reader without a mouse does."""

from pathlib import Path

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
FOCUSED = """(root, selector) =>
  root.contains(document.activeElement) && document.activeElement.matches(selector)"""


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

    def focus(self, selector: str) -> None:
        """Put the focus on the first control that the selector finds."""
        self._root.locator(selector).first.focus()

    def tab_to(self, selector: str) -> None:
        """Press Tab until the focus is on a control that the selector finds."""
        for _ in range(TABS):
            self._keyboard.press("Tab")
            if self._root.evaluate(FOCUSED, selector):
                return
        raise AssertionError(f"{self.name}: Tab does not lead to {selector}")

    def press(self, key: str) -> None:
        """Press a key, such as "ArrowLeft"."""
        self._keyboard.press(key)

    def retype(self, text: str) -> None:
        """Type over the text of the focused field, and hand it over with Enter."""
        self._keyboard.press("ControlOrMeta+A")
        self._keyboard.press("Delete")
        self._keyboard.type(text)
        self._keyboard.press("Enter")

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

    def says(self, text: str = "") -> None:
        """Wait until there is a message, and this text can be read in it."""
        self._until(
            lambda: self.message() and text in self.message(),
            f"no message holds {text!r}" if text else "there is no message",
        )

    def is_silent(self) -> None:
        """Wait until there is no message."""
        self._until(lambda: not self.message(), "the message stays")

    def count(self, selector: str) -> int:
        """How many elements the selector finds."""
        return self._root.locator(selector).count()

    def photograph(self, when: str) -> Path:
        """Take a picture of the explorer alone."""
        path = self._lesson.shot(f"{self._label}-{when}")
        self._root.screenshot(path=path)
        return path

    def _until(self, look, what: str):
        return self._lesson.until(look, f"{self.name}: {what}")
