"""Where things go, and how words fit: boxes, widths of words, lines that turn corners.

The unit is a pixel of the picture as it is shown.
"""

import textwrap
from dataclasses import dataclass

import numpy as np
from matplotlib.path import Path

from course_utils.plots import lettering
from img.draw.style import PIXEL, shade

TURN = 8  # the radius of a line's turn


@dataclass(frozen=True)
class Box:
    """Where something is: the middle, the width and the height."""

    x: float
    y: float
    width: float
    height: float

    @property
    def left(self) -> tuple[float, float]:
        return self.x - self.width / 2, self.y

    @property
    def right(self) -> tuple[float, float]:
        return self.x + self.width / 2, self.y

    @property
    def top(self) -> tuple[float, float]:
        return self.x, self.y - self.height / 2

    @property
    def bottom(self) -> tuple[float, float]:
        return self.x, self.y + self.height / 2


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """How wide one line of words is, in pixels."""
    return lettering.width(text, size * PIXEL, weight) / PIXEL


def fitted(text: str, room: float, size: float) -> str:
    """The text, its end cut off where it is wider than `room` pixels."""
    return lettering.shorten(text, room * PIXEL, size * PIXEL)


def wrapped(text: str, characters: int, lines: int) -> str:
    """The text in lines of at most so many characters; what needs more lines is cut."""
    found = textwrap.wrap(text, characters)
    if len(found) > lines:
        found = [*found[: lines - 1], found[lines - 1] + " …"]
    return "\n".join(found)


def signed(value: float, form: str = ".2f") -> str:
    """A number with a real minus sign."""
    return f"{value:{form}}".replace("-", "−")


def dark(role: str) -> dict[str, str]:
    """Options for words in the dark colour of a role."""
    return {"colour": shade(role), "weight": "bold"}


def turning(points) -> Path:
    """A line through the points, its corners rounded."""
    points = [np.asarray(point, dtype=float) for point in points]
    places, codes = [points[0]], [Path.MOVETO]
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        places += [_towards(corner, before), corner, _towards(corner, after)]
        codes += [Path.LINETO, Path.CURVE3, Path.CURVE3]
    return Path([*places, points[-1]], [*codes, Path.LINETO])


def _towards(corner: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Where the line to another point leaves the turn at a corner."""
    way = other - corner
    length = np.hypot(*way)
    return corner + way / length * min(TURN, length / 2)
