"""A learner's text in a figure: only characters that the font has, and no more than fits.

Widths are in points, so that a text of many wide letters is cut earlier than one of narrow ones.
"""

import functools

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import text_to_path

from course_utils.plots.style import STYLE

CUT = "…"


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
    room -= width(CUT, size, weight)
    while len(text) > 1 and width(text, size, weight) > room:
        text = text[:-1]
    return text.rstrip() + CUT


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


@functools.cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(STYLE["font.family"])).get_charmap())
