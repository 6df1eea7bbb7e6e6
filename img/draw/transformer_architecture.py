"""Transformer-architecture: MiniLM layer by layer, and what happens inside one attention head.

The same steps, with the same names, as the layer that L2 rebuilds from the weights.
"""

from course_utils import embed
from img.draw.canvas import Canvas
from img.draw.layout import Box
from img.draw.style import GREY, PALE, SMALL, ramp

SENTENCE = "The bat flew out of the cave."
LAYER, HEAD = 1, 3  # counted from 1; the head that L2 finds to look at the token before
LEFT, WIDE = 190, 196
RIGHT, CELL = 540, 15
QUERY, KEY, VALUE = 448, 540, 644


def measure() -> dict:
    """The attention weights of one head on a short sentence."""
    run = embed.hidden_states(SENTENCE, attention=True)
    return {
        "tokens": run.tokens[0],
        "weights": run.attention[0, LAYER - 1, HEAD - 1].tolist(),
    }


def draw(found: dict):
    art = Canvas(686, "A layer adds to each token's vector, twice")
    attention = _layers(art, found["tokens"])
    zoom = art.area(RIGHT, 362, 312, 600)
    right, left = attention.right[0], zoom.left[0]
    art.line((right, attention.top[1]), (left, zoom.top[1] + 8), colour=PALE)
    art.line((right, attention.bottom[1]), (left, zoom.bottom[1] - 8), colour=PALE)
    _head(art, found)
    return art.fig


def _layers(art: Canvas, tokens: list[str]) -> Box:
    """The model from top to bottom; returns the box of attention."""
    frame = art.area(LEFT, 414, 332, 368)
    art.words(frame.right[0] - 14, 580, "6 layers", align="right", weight="bold")
    x = LEFT - 104
    for token in (*tokens[:3], "…", tokens[-1]):
        wide = 20 if token == "…" else 44
        if token == "…":
            art.words(x + wide / 2, 76, token)
        else:
            shape = art.special if token.startswith("[") else art.token
            shape(x + wide / 2, 76, wide, 24, token, size=11.5)
        x += wide + 4
    table = art.step(LEFT, 150, WIDE, 48, "rows of token, position\nand type, added", "token")
    norm = art.step(LEFT, 204, WIDE, 26, "layer norm", size=SMALL)
    attention = art.step(LEFT, 306, WIDE, 48, "attention\n12 heads of 32", "vector")
    first = art.step(LEFT, 378, WIDE, 26, "add, layer norm", size=SMALL)
    forward = art.step(LEFT, 472, WIDE, 48, "feed-forward, GELU\n384 → 1536 → 384", "vector")
    second = art.step(LEFT, 544, WIDE, 26, "add, layer norm", size=SMALL)
    for start, end, label in (
        ((LEFT, 88), table.top, "ids [T]"),
        (table.bottom, norm.top, ""),
        (norm.bottom, attention.top, "x [T, 384]"),
        (attention.bottom, first.top, "[T, 384]"),
        (first.bottom, forward.top, "[T, 384]"),
        (forward.bottom, second.top, "[T, 384]"),
        (second.bottom, (LEFT, 634), "[T, 384]"),
    ):
        at = (LEFT + 10, min((start[1] + end[1]) / 2, start[1] + 20))
        art.arrow(start, end, label=label, at=at, align="left")
    for branch, box in ((262, first), (430, second)):
        art.arrow((LEFT, branch), (60, branch), (60, box.y), box.left)
    art.words(LEFT, 650, "states [T, 384]", weight="bold")
    return attention


def _head(art: Canvas, found: dict) -> None:
    """One attention head, from x to its share of the result."""
    top, size = 328, CELL * len(found["tokens"])
    art.words(RIGHT, 80, "inside: x [T, 384]", size=SMALL, weight="bold")
    art.line((QUERY, 98), (VALUE, 98))
    query, key, value = (
        art.step(x, 136, 74, 32, name, "vector")
        for x, name in ((QUERY, "query"), (KEY, "key"), (VALUE, "value"))
    )
    for part in (query, key, value):
        art.arrow((part.x, 98), part.top)
    scores = art.score((QUERY + KEY) / 2, 204, KEY - QUERY + 74, 32, "q · k / √32", weight="normal")
    softmax = art.step(scores.x, 266, scores.width, 32, "+ mask, softmax by row", size=SMALL)
    box = art.matrix(RIGHT - 22, top + size / 2, found["weights"], CELL, ramp("score"), 0, 1)
    for number, token in enumerate(found["tokens"]):
        y = top + (number + 0.5) * CELL
        art.words(box.left[0] - 6, y, token, size=11, align="right")
    name = f"layer {LAYER}, head {HEAD}"
    art.words(box.x - 10, top + size + 18, name, size=SMALL, colour=GREY, align="right")
    mixed = art.step(RIGHT, 530, 282, 32, "weights · v", "vector")
    joined = art.step(RIGHT, 598, 282, 32, "12 heads side by side, linear", "vector", size=SMALL)
    for start, end, label, side in (
        (query.bottom, (QUERY, scores.top[1]), "[T, 32]", -1),
        (key.bottom, (KEY, scores.top[1]), "[T, 32]", 1),
        (scores.bottom, softmax.top, "[T, T]", 1),
        (softmax.bottom, (softmax.x, top), "weights [T, T]", 1),
        ((box.x, top + size), (box.x, mixed.top[1]), "", 1),
        (value.bottom, (VALUE, mixed.top[1]), "[T, 32]", 1),
        (mixed.bottom, joined.top, "[T, 32]", 1),
        (joined.bottom, (RIGHT, 652), "[T, 384]", 1),
    ):
        at = start[0] + 8 * side, min((start[1] + end[1]) / 2, start[1] + 18)
        art.arrow(start, end, label=label, at=at, align="left" if side > 0 else "right")
