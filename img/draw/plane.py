"""Points of a square, and how they look: for the two pictures of approximate search."""

import functools
from collections.abc import Sequence

import numpy as np

from img.draw.canvas import Canvas
from img.draw.layout import text_width
from img.draw.style import BOLD, GREY, INK, ROLES, SMALL, shade

POINTS, QUESTIONS = 200, 1000
LOOKS = {
    "not compared": {"marker": "s", "ms": 2.2, "color": GREY, "mew": 0},
    "compared": {"marker": "o", "ms": 4.6, "color": shade("vector"), "mew": 0},
    "centre": {"marker": "P", "ms": 6, "color": INK, "mec": "white", "mew": 0.5},
    "begins here": {"marker": "D", "ms": 5.5, "color": INK, "mec": "white", "mew": 0.5},
    "question": {"marker": "*", "ms": 11, "color": ROLES["question"], "mec": "white", "mew": 0.5},
    "nearest point": {"marker": "o", "ms": 9.5, "mfc": "none", "mec": ROLES["score"], "mew": BOLD},
}


@functools.cache
def points() -> tuple[np.ndarray, np.ndarray]:
    """Points `[n, 2]` and questions `[q, 2]`, float32: places of a square, drawn at random."""
    generator = np.random.default_rng(0)
    return tuple(generator.random((count, 2), dtype=np.float32) for count in (POINTS, QUESTIONS))


def nearest(index, questions: np.ndarray) -> np.ndarray:
    """int64 `[q]`: the row of the point that an index of faiss gives as the nearest to each."""
    return index.search(questions, 1)[1][:, 0]


@functools.cache
def exact() -> np.ndarray:
    """int64 `[q]`: the nearest point to each question, by comparing it with all."""
    import faiss

    places, questions = points()
    index = faiss.IndexFlatL2(2)
    index.add(places)
    return nearest(index, questions)


class Square:
    """The square in a picture: its upper left corner, and its side in pixels."""

    def __init__(self, art: Canvas, left: float, top: float, side: float):
        self.art, self.left, self.top, self.side = art, left, top, side

    def at(self, places) -> np.ndarray:
        """Pixels `[..., 2]` of places `[..., 2]` between 0 and 1, y upwards."""
        x, y = np.moveaxis(np.asarray(places, dtype=float), -1, 0)
        return np.stack([self.left + x * self.side, self.top + (1 - y) * self.side], axis=-1)

    def dots(self, places, kind: str) -> None:
        """Mark places `[n, 2]` as one of `LOOKS`."""
        self.art.ax.plot(*self.at(places).T, linestyle="none", **LOOKS[kind])


def legend(art: Canvas, y: float, kinds: Sequence[str], gap: float = 30) -> None:
    """One row, in the middle of the picture, that names what the marks are."""
    widths = [18 + text_width(kind, SMALL) for kind in kinds]
    x = (art.ax.get_xlim()[1] - sum(widths) - gap * (len(kinds) - 1)) / 2
    for kind, width in zip(kinds, widths, strict=True):
        art.ax.plot(x + 6, y, linestyle="none", **LOOKS[kind])
        art.words(x + 18, y, kind, size=SMALL, align="left")
        x += width + gap
