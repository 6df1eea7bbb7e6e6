"""Contrastive-Loss-pytorch: three lines of PyTorch above the matrices that they make."""

import torch
from matplotlib import colormaps

from course_utils import dual_encoder
from course_utils.dual_encoder import Heads, Settings
from course_utils.plots import DIVERGING
from img.draw import examples
from img.draw.canvas import Canvas
from img.draw.layout import dark, signed
from img.draw.style import BODY, GREY, INK, SMALL, ramp, shade

BATCH = 4
CELL = 36
SIDE = BATCH * CELL
TOP = 228
MIDDLE = TOP + SIDE / 2
LEFTS = (52, 264, 540)
CODE = (
    ("①", "scores = scale * q @ a.T", "# [B, B]"),
    ("②", "targets = torch.arange(B)", "# the diagonal"),
    ("③", "loss = cross_entropy(scores, targets)", "# mean of −log softmax"),
)


def measure() -> dict:
    """Scores of four held-out facts by heads that are the identity."""
    return {"scores": examples.scores(Heads(), examples.facts(BATCH))[:, :BATCH].tolist()}


def draw(found: dict):
    art = Canvas(456, "The contrastive loss is three lines of PyTorch")
    art.area(360, 104, 672, 96)
    for number, (sign, line, comment) in enumerate(CODE):
        y = 76 + 28 * number
        art.words(52, y, sign, size=16, colour=shade("score"))
        art.code(76, y, line, size=BODY, align="left")
        art.code(456, y, comment, size=SMALL, colour=GREY, align="left")
    scores = Settings().scale * torch.tensor(found["scores"])  # [B, B]
    shares = scores.softmax(1)
    _scores(art, scores)
    _softmax(art, shares, dual_encoder.contrastive_loss(scores).item())
    _gradient(art, dual_encoder.loss_gradient(scores))
    art.arrow((LEFTS[0] + SIDE + 8, MIDDLE), (LEFTS[1] - 8, MIDDLE))
    art.arrow((LEFTS[1] + SIDE + 64, MIDDLE), (LEFTS[2] - 8, MIDDLE))
    return art.fig


def _scores(art: Canvas, scores) -> None:
    box = _matrix(art, 0, "① scores", scores, ramp("score"), 0, 15, lambda value: f"{value:.1f}")
    for row in range(BATCH):
        art.outline(box, CELL, row, row)
        x, y = art.cell(box, CELL, row, row)
        art.words(LEFTS[0] - 16, y, f"q{'₁₂₃₄'[row]}", **dark("question"))
        art.words(x, TOP - 14, f"a{'₁₂₃₄'[row]}", **dark("answer"))
    art.words(box.x, TOP + SIDE + 20, "② outlined: targets", size=SMALL)


def _softmax(art: Canvas, shares, loss: float) -> None:
    box = _matrix(art, 1, "③ softmax", shares, ramp("score"), 0, 1, _brief)
    x = LEFTS[1] + SIDE + 34
    art.words(x, TOP - 14, "−log", size=SMALL, colour=GREY)
    for row in range(BATCH):
        art.outline(box, CELL, row, row)
        _, y = art.cell(box, CELL, row, row)
        art.words(x, y, f"{-shares[row, row].log():.2f}", size=SMALL)
    art.line((x - 20, TOP + SIDE + 4), (x + 20, TOP + SIDE + 4), colour=INK)
    art.words(x + 20, TOP + SIDE + 20, f"mean = loss {loss:.2f}", weight="bold", align="right")
    chance = f"chance: ln {BATCH} = {dual_encoder.chance_level(BATCH):.2f}"
    art.words(x + 20, TOP + SIDE + 42, chance, size=SMALL, colour=GREY, align="right")


def _gradient(art: Canvas, gradient) -> None:
    box = _matrix(
        art, 2, "gradient", gradient, colormaps[DIVERGING], -0.25, 0.25, lambda v: _brief(v, "+")
    )
    for row in range(BATCH):
        art.outline(box, CELL, row, row)
    art.words(box.x, TOP + SIDE + 20, "(softmax − one-hot) / B", size=SMALL)
    art.words(box.x, TOP + SIDE + 42, "− pulls up, + pushes down", size=SMALL, colour=GREY)


def _matrix(art: Canvas, number: int, title: str, values, colours, low, high, form):
    middle = LEFTS[number] + SIDE / 2
    art.words(middle, TOP - 40, title, weight="bold")
    return art.matrix(middle, MIDDLE, values, CELL, colours, low, high, form=form, size=11.5)


def _brief(value: float, sign: str = "") -> str:
    """Two decimals in little room: .97, +.05, −.05; nothing for what rounds to 0."""
    text = signed(value, f"{sign}.2f").replace("0.", ".")
    return "" if text.endswith(".00") and abs(value) < 0.5 else text
