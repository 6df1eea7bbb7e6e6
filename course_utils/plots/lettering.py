"""A learner's text in a figure: only characters that the font has, and no more than fits.

Widths are in points, so that a text of many wide letters is cut earlier than one of narrow ones.
"""

import functools

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

from course_utils.plots.style import STYLE

CUT = "…"
BEFORE = 24  # characters that an excerpt shows before its word, about


def drawable(text: str) -> str:
    """The text with a box for each character that the font of the figures lacks, such as emoji.

    matplotlib would draw a box too, and warn. Line breaks stay.
    """
    known = _glyphs()
    return "".join(letter if letter == "\n" or ord(letter) in known else "□" for letter in text)


def width(text: str, size: float, weight: str = "normal") -> float:
    """How wide one line of drawable text is in points, in the figures' font of this size."""
    font = FontProperties(family=STYLE["font.family"], size=size, weight=weight)
    return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]


def widest(texts, size: float = 11, weight: str = "normal") -> float:
    """The width of the widest of these, in inches."""
    return max(width(str(text), size, weight) for text in texts) / 72


def shorten(text: str, room: float, size: float, weight: str = "normal") -> str:
    """The text as it can be drawn, its end cut off where it is wider than `room` points."""
    text = drawable(text)
    if width(text, size, weight) <= room:
        return text
    fits = _fitting(text, room - width(CUT, size, weight), size, weight)
    return text[:fits].rstrip() + CUT


def wrapped(text: str, room: float, size: float, weight: str = "normal") -> str:
    """The text as it can be drawn in lines of at most `room` points; a word alone may be wider."""
    first, *words = drawable(text).split(" ")
    lines = [first]
    for word in words:
        # 3 % more, because letters begin at whole pixels
        if 1.03 * width(f"{lines[-1]} {word}", size, weight) > room:
            lines.append(word)
        else:
            lines[-1] += f" {word}"
    return "\n".join(lines)


def excerpt(text: str, place: tuple[int, int], room: float, size: float) -> str:
    """The text in at most two lines of `room` points; of a long one, the part around a word.

    `place` is the `(start, end)` of the word, which is cut only where it alone is too wide.
    """
    text = drawable(text)
    start, end = place
    first, second = _line(text, room, size)
    _, rest = _line(second, room, size)
    if rest and end > len(text) - len(rest) - len(CUT):
        begin = text.find(" ", max(0, start - BEFORE), start) + 1 or start
        first, second = _line(f"{CUT}\u00a0{text[begin:]}", room, size)  # never "…" alone in a line
    return f"{first}\n{shorten(second, room, size)}" if second else first


def _line(text: str, room: float, size: float) -> tuple[str, str]:
    """What stands on the first line of the text, and the rest."""
    fits = _fitting(text, room, size)
    if fits < len(text):
        fits = text.rfind(" ", 1, fits + 1) if " " in text[1 : fits + 1] else fits
    return text[:fits], text[fits:].lstrip()


def _fitting(text: str, room: float, size: float, weight: str = "normal") -> int:
    """How many of the first characters fit into `room` points; at least one."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if width(text[:middle], size, weight) <= room:
            low = middle
        else:
            high = middle - 1
    return low


@functools.cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(STYLE["font.family"])).get_charmap())
