"""Similarity-Search: a question in the middle, all documents at their distance from it."""

import numpy as np
from matplotlib.patches import Circle

from img.draw import examples
from img.draw.canvas import Canvas
from img.draw.layout import dark, fitted, wrapped
from img.draw.style import BODY, GREY, MARGIN, PALE, PLAIN, ROLES, SMALL, WIDTH

K = 5
MIDDLE, RADIUS = (226, 286), 176  # the radius of a score of 0
RINGS = (0.5, 0.25, 0.0)
LIST, RIGHT = 456, WIDTH - MARGIN


def measure() -> dict:
    """Scores of all held-out documents, and a direction for each: their two main directions."""
    question, answers = examples.search_vectors()
    scores = answers @ question
    rest = answers - scores[:, None] * question  # what a document is apart from the question
    directions = np.linalg.svd(rest - rest.mean(0), full_matrices=False)[2][:2]
    directions *= np.sign(directions[range(2), np.abs(directions).argmax(1)])[:, None]
    x, y = ((rest - rest.mean(0)) @ directions.T).T
    best = np.argsort(-scores, kind="stable")[:K]
    return {
        "documentation": examples.documentation(),
        "scores": scores.tolist(),
        "turns": (np.arctan2(y, x) / (2 * np.pi)).tolist(),
        "best": best.tolist(),
        "names": [examples.held_out()[row].name for row in best],
    }


def draw(found: dict):
    art = Canvas(540, "Search: score all documents, keep the nearest")
    scores, best = np.array(found["scores"]), found["best"]
    for ring in RINGS:
        look = {"fill": False, "edgecolor": PALE, "linewidth": PLAIN}
        art.ax.add_artist(Circle(MIDDLE, (1 - ring) * RADIUS, **look))
    turns = 2 * np.pi * np.array(found["turns"])
    x = MIDDLE[0] + (1 - scores) * RADIUS * np.cos(turns)
    y = MIDDLE[1] - (1 - scores) * RADIUS * np.sin(turns)
    others = np.delete(np.arange(len(scores)), best)
    art.ax.plot(x[others], y[others], "s", ms=1.6, color=GREY, alpha=0.55, mew=0)
    for ring in RINGS:
        look = {"size": 11.5, "colour": GREY, "ground": "white"}
        art.words(MIDDLE[0] + (1 - ring) * RADIUS, MIDDLE[1], f"{ring:.2f}", **look)
    for row in best:
        art.line(MIDDLE, (x[row], y[row]), colour=ROLES["score"], width=PLAIN)
    for rank, row in enumerate(best, start=1):
        art.answer(x[row], y[row], 18, 20, str(rank), size=SMALL)
    art.ax.plot(*MIDDLE, "o", ms=9, color=ROLES["question"])
    art.words(MIDDLE[0] - 14, MIDDLE[1], "question", align="right", size=SMALL, **dark("question"))
    _list(art, scores, best, found["names"])
    note = "Distance from the middle: 1 − score.\nDirection: PCA of what is left."
    art.words(LIST, 500, note, size=SMALL, colour=GREY, align="left")
    return art.fig


def _list(art: Canvas, scores, best: list[int], names: list[str]) -> None:
    """The nearest documents, ranked."""
    middle = (LIST + RIGHT) / 2
    text = wrapped(examples.QUESTION, 28, lines=2)
    art.question(middle, 96, RIGHT - LIST, 60, text, size=SMALL)
    for rank, (row, name) in enumerate(zip(best, names, strict=True), start=1):
        y = 122 + 56 * rank
        package, _, own = name.rpartition(".")
        art.answer(LIST + 12, y, 24, 28, str(rank), size=SMALL)
        art.words(LIST + 36, y - 8, fitted(own, 150, BODY), align="left")
        art.words(LIST + 36, y + 10, package, size=SMALL, colour=GREY, align="left")
        art.words(RIGHT, y, f"{scores[row]:.2f}", align="right", **dark("score"))
    art.words(LIST, 458, f"the nearest of {len(scores)}", weight="bold", align="left")
