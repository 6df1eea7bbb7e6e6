"""Sentence-Embedding: pooling, column by column."""

import numpy as np

from course_utils import embed
from img.draw.canvas import Canvas
from img.draw.style import GREY, SMALL

TEXTS = ("A bat sleeps.", "Unglamorous bats hang upside down.")  # the second one makes padding
PADDING = 2  # rows of it that are shown
SHOWN = 24  # of the 384 numbers
TOP, CELL = 96, 26
LEFT, WIDTH = 152, 384
WAYS = {
    "cls": ("CLS", "the first row"),
    "mean": ("mean", "of the rows where\nmask = 1"),
    "max": ("max", "the largest of each\ncolumn, mask = 1"),
}


def measure() -> dict:
    """The states of a padded text after the last layer, and three ways to pool them."""
    run = embed.hidden_states(TEXTS, "sentence encoder")
    states = run.states[:, -1]  # [2, T, 384]
    pooled = {way: embed.pool(states, run.mask, way)[0, :SHOWN].tolist() for way in WAYS}
    return {
        "tokens": run.tokens[0],
        "states": states[0, : len(run.tokens[0]), :SHOWN].tolist(),
        "pooled": pooled,
    }


def draw(found: dict):
    art = Canvas(510, "Pooling turns the matrix into one vector, column by column")
    states = np.array(found["states"])
    reach = np.percentile(np.abs(states), 98)
    middle = LEFT + WIDTH / 2
    tokens = [*found["tokens"], *["[PAD]"] * PADDING]
    art.words(124, TOP - 14, "mask", size=SMALL, colour=GREY)
    art.words(middle, TOP - 14, "states [T, 384]", size=SMALL, colour=GREY)
    for row, token in enumerate(tokens):
        y = TOP + (row + 0.5) * CELL
        real = row < len(states)
        shape = art.special if token.startswith("[") else art.token
        shape(62, y, 76, CELL - 4, token)
        art.words(124, y, "1" if real else "0", colour="black" if real else GREY)
        if real:
            art.strip(middle, y, states[row], WIDTH, CELL - 4, reach=reach)
        else:
            art.hatched(middle, y, WIDTH, CELL - 4)
    end = TOP + CELL * len(tokens)
    quiet = {"size": SMALL, "colour": GREY, "align": "left"}
    art.words(LEFT + WIDTH + 16, end - CELL, "padding:\nnot counted", **quiet)
    arrow = (middle, end + 8), (middle, end + 44)
    art.arrow(*arrow, label="one number a column: [384]", at=(middle + 12, end + 24), align="left")
    for number, (way, (name, how)) in enumerate(WAYS.items()):
        y = end + 66 + 50 * number
        weight = "bold" if way == "mean" else "normal"
        art.words(LEFT - 16, y, name, weight=weight, align="right")
        art.strip(middle, y, found["pooled"][way], WIDTH, CELL, reach=reach)
        art.words(LEFT + WIDTH + 16, y, how, **quiet)
    return art.fig
