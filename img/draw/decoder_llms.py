"""decoder-llms: the mask is all that differs, and what it does to the vector of an early word."""

import numpy as np
from matplotlib.patches import Rectangle

from course_utils import embed, similarity
from img.draw.canvas import Canvas
from img.draw.layout import Box
from img.draw.style import BOLD, FINE, GREY, INK, PALE, PLAIN, SMALL, tint

WORD = "bat"
TWINS = ("The bat flew out of the cave.", "The bat broke when he hit the ball.")
TOKENS = "The bat flew out of the cave .".split()
ROW = TOKENS.index(WORD)
SHOWN = 24  # of the 384 or 576 numbers
CELL, TOP = 24, 142
MODELS = {"encoder": "contextual encoder", "decoder": "language model"}
KINDS = {"encoder": (174, "MiniLM, looks both ways"), "decoder": (530, "SmolLM2, looks back only")}


def measure() -> dict:
    """The word's vector at the last layer in two sentences that open alike, under both masks."""
    vectors = {
        name: embed.word_vectors(TWINS, WORD, role=role)[:, -1] for name, role in MODELS.items()
    }
    return {
        "vectors": {name: two[:, :SHOWN].tolist() for name, two in vectors.items()},
        "cosines": {
            name: float(similarity.cosine_matrix(two)[0, 1]) for name, two in vectors.items()
        },
    }


def draw(found: dict):
    art = Canvas(520, "Under a causal mask, an early word cannot know what follows")
    for name, (x, looks) in KINDS.items():
        art.words(x - 150, 68, name, weight="bold", align="left")
        art.words(x - 78, 68, looks, colour=GREY, align="left")
        _mask(art, x + 8, causal=name == "decoder")
        _bats(art, x, found["vectors"][name], found["cosines"][name])
    return art.fig


def _mask(art: Canvas, x: float, causal: bool) -> None:
    """Who may look at whom: a row looks at the filled columns."""
    size = CELL * len(TOKENS)
    left = x - size / 2
    allowed = np.tri(len(TOKENS)) if causal else np.ones((len(TOKENS), len(TOKENS)))
    for (row, column), may in np.ndenumerate(allowed):
        look = {"facecolor": tint("token", 0.45) if may else "white", "edgecolor": "white"}
        corner = (left + column * CELL, TOP + row * CELL)
        art.ax.add_artist(Rectangle(corner, CELL, CELL, linewidth=PLAIN, **look))
    art.frame(Box(x, TOP + size / 2, size, size), PALE, FINE)
    for number, token in enumerate(TOKENS):
        middle = (number + 0.5) * CELL
        look = {"weight": "bold"} if number == ROW else {"colour": GREY}
        art.words(left - 8, TOP + middle, token, size=SMALL, align="right", **look)
        art.words(
            left + middle, TOP - 8, token, size=SMALL, turned=True, align="bottom", colour=GREY
        )
    seen = {ROW: "sees two", len(TOKENS) - 1: "sees all"} if causal else {ROW: "sees all"}
    for row, how in seen.items():
        y = TOP + (row + 0.5) * CELL
        art.frame(Box(x, y, size, CELL), INK, BOLD)
        art.words(x + size / 2 + 8, y, how, size=SMALL, align="left")


def _bats(art: Canvas, x: float, two, cosine: float) -> None:
    left, reach = x - 150, np.quantile(np.abs(two), 0.9)  # a decoder has outliers
    art.words(left, 376, f"the vector of “{WORD}” in", size=SMALL, colour=GREY, align="left")
    for y, text, numbers in zip((404, 458), TWINS, two, strict=True):
        art.words(left, y - 4, text, size=SMALL, align="left")
        art.strip(left + 112, y + 18, numbers, 224, 20, reach=reach)
    art.score(left + 274, 449, 64, 30, f"{cosine:.2f}")
    art.words(left + 274, 418, "cosine", size=SMALL, colour=GREY)
