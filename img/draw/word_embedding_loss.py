"""word-Embedding-loss: skip-gram with negative sampling, with the numbers that L2 does by hand."""

import math

import torch
from torch.nn.functional import logsigmoid

from img.draw.canvas import Canvas
from img.draw.layout import dark, signed, text_width
from img.draw.style import BODY, BOLD, GREY, INK, MARGIN, PALE, ROLES, SMALL, WIDTH, shade

SENTENCE = "at night the bat flew out of the cave".split()
CENTRE, CONTEXT, WINDOW = 4, 3, 2  # "flew" and "bat"
POINTS = {"c": (0.5, -1.0), "o": (1.0, -0.5), "n₁": (-0.5, 1.0), "n₂": (1.0, 1.0)}
RATE = 0.5
ORIGIN, UNIT = (160, 300), 92
ROWS = (230, 288, 346)
COLUMNS = (372, 630, WIDTH - MARGIN)  # the words begin; the formulas end; the numbers end


def draw():
    art = Canvas(476, "Pull the real neighbour close, push random words away")
    loss, steps = _descent()
    _window(art)
    _plane(art, steps)
    costs = _costs(art)
    assert math.isclose(sum(costs), loss, rel_tol=1e-5)
    y = ROWS[-1] + 58
    art.line((COLUMNS[0], y - 26), (COLUMNS[2], y - 26), colour=INK)
    art.words(COLUMNS[0], y, "loss of this pair", weight="bold", align="left")
    art.words(COLUMNS[2], y, f"{loss:.2f}", weight="bold", align="right")
    chance = f"chance: 3 ln 2 = {3 * math.log(2):.2f}"
    art.words(COLUMNS[2], y + 24, chance, size=SMALL, colour=GREY, align="right")
    return art.fig


def _descent() -> tuple[float, dict[str, list[float]]]:
    """The loss of the example, and where one step downhill moves each of its vectors."""
    points = {name: torch.tensor(point, requires_grad=True) for name, point in POINTS.items()}
    c, o, *negatives = points.values()
    loss = -(logsigmoid(c @ o) + logsigmoid(-(torch.stack(negatives) @ c)).sum())
    loss.backward()
    return loss.item(), {name: (-RATE * point.grad).tolist() for name, point in points.items()}


def _window(art: Canvas) -> None:
    """The sentence, and the window that makes pairs of it."""
    x, boxes = MARGIN, []
    for number, word in enumerate(SENTENCE):
        wide = text_width(word, BODY) + 16
        inside = abs(number - CENTRE) <= WINDOW
        look = {} if inside else {"colour": GREY}
        if inside:
            weight = "bold" if number in (CENTRE, CONTEXT) else "normal"
            wide = text_width(word, BODY, weight) + 16
            boxes.append(art.token(x + wide / 2, 88, wide, 28, word, size=BODY, weight=weight))
        else:
            art.words(x + wide / 2, 88, word, **look)
        x += wide + 6
    art.bracket(boxes[0].left[0], boxes[-1].right[0], 112, "window, here 2 words to each side")
    centre, context = boxes[WINDOW], boxes[WINDOW - CENTRE + CONTEXT]
    art.words(centre.x, 64, "c", **dark("vector"))
    art.words(context.x, 64, "o", **dark("token"))
    art.words(480, 88, "random:", colour=GREY, align="left")
    for number, name in enumerate(("n₁", "n₂")):
        art.step(572 + 62 * number, 88, 48, 28, name)


def _plane(art: Canvas, steps: dict[str, list[float]]) -> None:
    """The four vectors of the example in their two dimensions, and a step of training."""
    x, y = ORIGIN
    art.line((x - 1.2 * UNIT, y), (x + 1.4 * UNIT, y), colour=PALE)
    art.line((x, y - 1.4 * UNIT), (x, y + 1.45 * UNIT), colour=PALE)
    for name, point in POINTS.items():
        role = {"c": "vector", "o": "token"}.get(name)
        end = x + UNIT * point[0], y - UNIT * point[1]
        moved = end[0] + UNIT * steps[name][0], end[1] - UNIT * steps[name][1]
        look = {"colour": ROLES[role], "width": BOLD} if role else {"dashed": True}
        art.arrow(ORIGIN, end, **look)
        art.arrow(end, moved, colour=ROLES["score"], width=BOLD)
        side = 14 if point[0] > 0 else -14
        art.words(end[0] + side, end[1], name, **(dark(role) if role else {"colour": GREY}))
    note = "at the tips: a step of training"
    art.words(x + 10, y + 1.6 * UNIT, note, size=SMALL, colour=shade("score"))


def _costs(art: Canvas) -> list[float]:
    """A line a pair: its dot product, and what it costs; returns the costs."""
    costs = []
    centre, *others = POINTS.items()
    for y, (name, point) in zip(ROWS, others, strict=True):
        real = name == "o"
        dot = centre[1][0] * point[0] + centre[1][1] * point[1]
        cost = math.log(1 + math.exp(-dot if real else dot))
        wish = "a real pair: pull" if real else "a random pair: push"
        look = dark("token") if real else {"colour": GREY}
        art.words(COLUMNS[0], y - 22, wish, align="left", **{**look, "size": SMALL})
        art.words(COLUMNS[0], y, f"c · {name} = {signed(dot)}", align="left")
        art.words(COLUMNS[1], y, f"−log σ({'' if real else '−'}c · {name})", align="right")
        art.words(COLUMNS[2], y, f"{cost:.2f}", align="right")
        costs.append(cost)
    return costs
