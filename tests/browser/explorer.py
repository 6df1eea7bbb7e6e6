"""An explorer in an open lesson, operated by keyboard as a reader without a mouse does."""

import io
import re

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from PIL import Image

from tests.browser.lesson import LessonPage

TABS = 30  # no explorer has more controls
# Corners of a lasso around a map, in shares of its width and height; the key stays outside.
LASSO = ((0.25, 0.02), (0.98, 0.02), (0.98, 0.98), (0.25, 0.98), (0.25, 0.03))

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

    def point_at_a_dot(self) -> None:
        """Move the mouse to a dot of the map. Fails where none is drawn."""
        x, y = self._until(self._a_dot, "no dot of the map is drawn")
        self._lesson.page.mouse.move(x - 3, y)
        self._lesson.page.mouse.move(x, y, steps=3)

    def _a_dot(self) -> tuple[float, float] | None:
        """Where the map has a small coloured square; not at its left, where the key is."""
        canvas = self._root.locator("canvas").first
        canvas.scroll_into_view_if_needed()
        seen = np.asarray(Image.open(io.BytesIO(canvas.screenshot())).convert("RGB"), dtype=int)
        coloured = np.ptp(seen, axis=-1) > 80
        coloured[:, : coloured.shape[1] // 3] = False
        inside = sliding_window_view(coloured, (5, 5)).all(axis=(2, 3))
        if not inside.any():
            return None
        row, column = map(float, np.argwhere(inside)[0] + 2)
        box = canvas.bounding_box()
        return box["x"] + column, box["y"] + row

    def draw_around_the_map(self) -> None:
        """Choose the lasso, draw it around all but the edge of the map, and let go of it again."""
        canvas = self._root.locator("canvas").first
        canvas.scroll_into_view_if_needed()
        box, mouse = canvas.bounding_box(), self._lesson.page.mouse
        self._root.get_by_title("Activate lasso selection").click()
        for number, (across, down) in enumerate(LASSO):
            place = box["x"] + across * box["width"], box["y"] + down * box["height"]
            mouse.move(*place, steps=10)
            if not number:
                mouse.down()
        mouse.up()
        self._root.get_by_title("Activate pan & zoom").click()

    def matches(self, pattern: str) -> re.Match:
        """Wait until a text of this pattern can be read in the explorer."""
        return self._until(
            lambda: re.search(pattern, self._root.inner_text()),
            f"nothing like {pattern!r} can be read",
        )

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
        """`has_pictures` of the explorers that have one."""
        self.has_pictures(1)

    def has_pictures(self, number: int) -> None:
        """Fails where there is one more: where text that was typed has become an element."""
        pictures = self._root.locator("img").count()
        assert pictures == number, f"{self.name}: there are {pictures} pictures"

    def photograph(self, when: str) -> None:
        """Take a picture of the explorer alone."""
        self._root.screenshot(path=self._lesson.shot(f"{self._label}-{when}"))

    def _until(self, look, what: str):
        return self._lesson.until(look, f"{self.name}: {what}")
