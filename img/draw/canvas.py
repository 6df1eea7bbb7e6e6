"""The empty picture and what is put on it: words, boxes, arrows, strips and matrices of numbers.

The unit is a pixel of the picture as it is shown, 720 pixels wide; y runs downwards. Boxes are
placed by their middle. Words that do not fit into their box are an error, not a surprise.
"""

import itertools
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, FancyBboxPatch, PathPatch, Polygon, Rectangle

from course_utils.errors import BadInput
from course_utils.plots import DIVERGING, contrast
from img.draw.layout import Box, text_width, turning
from img.draw.style import (
    BODY,
    BOLD,
    FINE,
    FONT,
    GREY,
    INK,
    MARGIN,
    MONO,
    PALE,
    PIXEL,
    PLAIN,
    ROLES,
    SHARPNESS,
    SMALL,
    TITLE,
    WIDTH,
    tint,
)

LINE = 1.35  # from one line of words to the next, in sizes of the letters
HEAD = 8  # the length of an arrow's head
DASHES = (0, (4, 2))
FROZEN = "❄"


class Arrow(PathPatch):
    """The line of an arrow; `points` are its corners, the end with the head last."""

    points: Sequence[tuple[float, float]]


class Canvas:
    """A picture of this height with its title, which says in a few words what there is to see."""

    def __init__(self, height: float, title: str):
        inches = PIXEL / 72
        size = (WIDTH * inches, height * inches)
        self.fig = Figure(figsize=size, dpi=SHARPNESS / inches)
        self.ax = self.fig.add_axes((0, 0, 1, 1))
        self.ax.set(xlim=(0, WIDTH), ylim=(height, 0))
        self.ax.set_axis_off()
        self.words(MARGIN, 30, title, size=TITLE, weight="bold", align="left")

    # ------------------------------------------------------------------------------------ words

    def words(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = BODY,
        colour: str = INK,
        align: str = "center",
        weight: str = "normal",
        font: str = FONT,
        turned: bool = False,
        ground: str = "none",
    ) -> None:
        """Lines of text, as a block whose middle is at `y`; `align` says what is at `x`.

        `turned` ones are read from below; `align` is then "bottom", "center" or "top", at `y`.
        """
        lines = text.split("\n")
        look = {"fontsize": size * PIXEL, "color": colour, "weight": weight, "family": font}
        if ground != "none":  # what would run through the words is covered
            look["bbox"] = {"facecolor": ground, "edgecolor": "none", "pad": 1}
        for number, line in enumerate(lines):
            offset = (number - (len(lines) - 1) / 2) * LINE * size
            if turned:  # read from below
                self.ax.text(
                    x + offset + 0.36 * size, y, line, rotation=90, ha="right", va=align, **look
                )
            else:  # by the baseline, so that words with and without a "g" stand on one line
                self.ax.text(x, y + offset + 0.36 * size, line, ha=align, va="baseline", **look)

    def code(self, x: float, y: float, text: str, *, size: float = SMALL, **options) -> None:
        """Words of a program."""
        self.words(x, y, text, size=size, font=MONO, **options)

    # ------------------------------------------------------------------------------------ boxes

    def question(self, x, y, width, height, text: str, **options) -> Box:
        """A pill: what someone asks."""
        edge = {"edgecolor": ROLES["question"], "facecolor": tint("question", 0.12)}
        return self._box(x, y, width, height, text, min(height / 2, 20), edge, **options)

    def answer(self, x, y, width, height, text: str, **options) -> Box:
        """A page with a folded corner: what is found."""
        fold, left, right = min(12, height / 4), x - width / 2, x + width / 2
        top, bottom = y - height / 2, y + height / 2
        look = {"edgecolor": ROLES["answer"], "linewidth": PLAIN, "joinstyle": "round"}
        outline = [(left, top), (right - fold, top), (right, top + fold), (right, bottom)]
        page = Polygon([*outline, (left, bottom)], facecolor=tint("answer", 0.1), **look)
        corner = [(right - fold, top), (right - fold, top + fold), (right, top + fold)]
        self.ax.add_artist(page)
        self.ax.add_artist(Polygon(corner, facecolor=tint("answer", 0.35), **look))
        return self._labelled(Box(x, y, width, height), text, **options)

    def step(
        self, x, y, width, height, text: str, role: str = "", dashed: bool = False, **options
    ) -> Box:
        """A box for something that is done; `role` colours it, without one it is white."""
        edge = {"edgecolor": GREY, "facecolor": "white", "linestyle": DASHES if dashed else "-"}
        if role:
            edge = {"edgecolor": ROLES[role], "facecolor": tint(role)}
        return self._box(x, y, width, height, text, 6, edge, **options)

    def frozen(self, x, y, width, height, text: str, **options) -> Box:
        """A box for weights that stay as they are: grey, with a snowflake."""
        edge = {"edgecolor": ROLES["frozen"], "facecolor": tint("frozen", 0.13)}
        box = self._box(x, y, width, height, text, 6, edge, **options)
        self.words(x + width / 2 - 14, y - height / 2 + 14, FROZEN, size=16)
        return box

    def trained(self, x, y, width, height, text: str, **options) -> Box:
        """A box for weights that training changes: amber, with a heavy edge."""
        edge = {"edgecolor": ROLES["trained"], "facecolor": tint("trained"), "linewidth": BOLD}
        return self._box(x, y, width, height, text, 6, edge, **options)

    def token(self, x, y, width, height, text: str, **options) -> Box:
        """A small box: one token."""
        edge = {"edgecolor": ROLES["token"], "facecolor": tint("token", 0.15), "linewidth": FINE}
        return self._box(x, y, width, height, text, 3, edge, **{"size": SMALL, **options})

    def special(self, x, y, width, height, text: str, **options) -> Box:
        """A token that stands for no word, such as [CLS]: white, with a broken edge."""
        edge = {"edgecolor": ROLES["token"], "facecolor": "white", "linestyle": DASHES}
        return self._box(x, y, width, height, text, 3, edge, **{"size": SMALL, **options})

    def score(self, x, y, width, height, text: str, **options) -> Box:
        """A box with a number that compares two texts."""
        edge = {"edgecolor": ROLES["score"], "facecolor": tint("score")}
        return self._box(x, y, width, height, text, 12, edge, **{"weight": "bold", **options})

    def store(self, x, y, width, height, text: str) -> Box:
        """A drum: vectors on disk."""
        look = {"facecolor": tint("vector"), "edgecolor": ROLES["vector"], "linewidth": PLAIN}
        lid = 20  # the height of the ellipse at the top
        left, right = x - width / 2, x + width / 2
        top, bottom = y - height / 2 + lid / 2, y + height / 2 - lid / 2
        turn = np.linspace(0, np.pi, 50)
        rim = np.stack([x + width / 2 * np.cos(turn), bottom + lid / 2 * np.sin(turn)], axis=1)
        self.ax.add_artist(Polygon([(left, top), (right, top), *rim], **look))
        self.ax.add_artist(Ellipse((x, top), width, lid, **look))
        return self._labelled(Box(x, y, width, height), text, weight="bold")

    def area(self, x, y, width, height, colour: str = "#F6F6F6") -> Box:
        """A quiet ground for what belongs together."""
        return self._box(x, y, width, height, "", 10, {"facecolor": colour, "edgecolor": "none"})

    def _box(self, x, y, width, height, text, radius, look, **options) -> Box:
        shape = FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle=f"round,pad=0,rounding_size={radius}",
            **{"linewidth": PLAIN, **look},
        )
        self.ax.add_artist(shape)  # add_patch would change what the axes show
        return self._labelled(Box(x, y, width, height), text, **options)

    def _labelled(self, box: Box, text: str, **options) -> Box:
        look = {"size": BODY, "weight": "normal", **options}
        for line in text.split("\n"):
            wide = text_width(line, look["size"], look["weight"])
            if wide > box.width - 6:
                raise BadInput(f"{line!r} is {wide:.0f} wide, its box {box.width:.0f}.")
        if text:
            self.words(box.x, box.y, text, **look)
        return box

    # ----------------------------------------------------------------------------------- arrows

    def arrow(
        self,
        *points: tuple[float, float],
        colour: str = GREY,
        label: str = "",
        at: tuple[float, float] | None = None,
        width: float = PLAIN,
        dashed: bool = False,
        **options,
    ) -> None:
        """A line through the points with a head at the last; `label` stands at `at`."""
        ends = np.array(points, dtype=float)
        along = ends[-1] - ends[-2]
        along /= np.hypot(*along)
        across = np.array([-along[1], along[0]])
        foot = ends[-1] - HEAD * along
        look = {"fill": False, "edgecolor": colour, "linewidth": width}
        line = Arrow(turning([*ends[:-1], foot]), linestyle=DASHES if dashed else "-", **look)
        line.points = [tuple(map(float, point)) for point in points]
        self.ax.add_artist(line)
        head = [ends[-1], foot + HEAD / 2 * across, foot - HEAD / 2 * across]
        self.ax.add_artist(Polygon(head, facecolor=colour, edgecolor="none"))
        if label:
            middle = (ends[0] + ends[-1]) / 2
            self.words(
                *(middle if at is None else at), label, **{"size": SMALL, "colour": GREY, **options}
            )

    def line(self, *points, colour: str = GREY, width: float = FINE, dashed: bool = False) -> None:
        """A plain line, which points nowhere."""
        look = {"fill": False, "edgecolor": colour, "linewidth": width}
        self.ax.add_artist(PathPatch(turning(points), linestyle=DASHES if dashed else "-", **look))

    def bracket(self, left: float, right: float, y: float, text: str, drop: float = 8) -> None:
        """A bracket under what lies between `left` and `right`, and its name."""
        self.line((left, y - drop), (left, y), (right, y), (right, y - drop))
        self.words((left + right) / 2, y + 12, text, size=SMALL, colour=GREY)

    # ---------------------------------------------------------------------------------- numbers

    def strip(self, x, y, values, width, height, *, role="vector", reach=None, down=False) -> Box:
        """Numbers of a vector as a strip of coloured cells: red above 0, blue below, white at 0.

        `reach` is the value of the darkest colour, by default the largest of these.
        """
        values = np.asarray(values, dtype=float)
        reach = np.abs(values).max() if reach is None else reach
        grid = values[:, None] if down else values[None, :]
        self._cells(Box(x, y, width, height), grid, colormaps[DIVERGING], -reach, reach)
        self.frame(Box(x, y, width, height), ROLES[role], PLAIN)
        return Box(x, y, width, height)

    def hatched(self, x, y, width, height) -> Box:
        """A strip of numbers that do not count."""
        look = {"facecolor": "white", "edgecolor": PALE, "hatch": "////", "linewidth": FINE}
        self.ax.add_artist(Rectangle((x - width / 2, y - height / 2), width, height, **look))
        return Box(x, y, width, height)

    def matrix(
        self, x, y, values, cell: float, colours, low, high, *, form=None, size=SMALL
    ) -> Box:
        """A matrix of numbers as cells; `form` turns each into the words in it."""
        values = np.asarray(values, dtype=float)
        rows, columns = values.shape
        box = Box(x, y, columns * cell, rows * cell)
        self._cells(box, values, colours, low, high)
        self.frame(box, PALE, FINE)
        for (row, column), value in np.ndenumerate(values):
            ground = colours(np.clip((value - low) / (high - low), 0, 1))
            # One of the two always has a contrast of 4.5; ink is not dark enough.
            ink = "white" if contrast("white", ground) > contrast("black", ground) else "black"
            if form and form(value):
                self.words(*self.cell(box, cell, row, column), form(value), size=size, colour=ink)
        return box

    def cell(self, box: Box, cell: float, row: int, column: int) -> tuple[float, float]:
        """The middle of a cell of a matrix."""
        left, top = box.left[0], box.top[1]
        return left + (column + 0.5) * cell, top + (row + 0.5) * cell

    def outline(self, box: Box, cell: float, row: int, column: int, colour: str = INK) -> None:
        """A heavy edge around a cell of a matrix."""
        x, y = self.cell(box, cell, row, column)
        self.frame(Box(x, y, cell - 2, cell - 2), colour, BOLD)

    def _cells(self, box: Box, grid, colours, low, high) -> None:
        rows, columns = grid.shape
        across = np.linspace(box.left[0], box.right[0], columns + 1)
        down = np.linspace(box.top[1], box.bottom[1], rows + 1)
        corners = [
            [(left, top), (right, top), (right, bottom), (left, bottom)]
            for top, bottom in itertools.pairwise(down)
            for left, right in itertools.pairwise(across)
        ]
        grounds = colours(np.clip((grid.ravel() - low) / (high - low), 0, 1))
        look = {"facecolors": grounds, "edgecolors": "white", "linewidths": FINE}
        self.ax.add_artist(PolyCollection(corners, **look))

    def frame(self, box: Box, colour: str, width: float) -> None:
        """The edge of a rectangle."""
        corner = (box.left[0], box.top[1])
        look = {"fill": False, "edgecolor": colour, "linewidth": width, "joinstyle": "round"}
        self.ax.add_artist(Rectangle(corner, box.width, box.height, **look))
