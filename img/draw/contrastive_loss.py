"""Contrastive-Loss: a real batch before and after training."""

import torch

from course_utils import dual_encoder
from course_utils.dual_encoder import Heads
from img.draw import examples
from img.draw.canvas import Canvas
from img.draw.layout import dark, fitted
from img.draw.style import GREY, MARGIN, PALE, ROLES, SMALL, ramp

BATCH = 8
CELL = 29
TOP = 108
LEFTS = {"before": 206, "after": 464}
TITLES = {"before": "before training", "after": "after training"}


def measure() -> dict:
    """Scores of eight held-out pairs, by heads that are the identity and by the shipped ones."""
    batch = examples.batch(BATCH)
    return {
        "documentation": examples.documentation(),
        "names": [pair.name for pair in batch],
        "scale": examples.scale(),
        "before": examples.scores(Heads(), batch).tolist(),
        "after": examples.scores(dual_encoder.shipped(), batch).tolist(),
    }


def draw(found: dict):
    art = Canvas(470, "Training gathers each row on the diagonal")
    names = [name.rpartition(".")[2] for name in found["names"]]
    for row, name in enumerate(names):
        y = TOP + (row + 0.5) * CELL
        label = f"{fitted(name, 140, SMALL)}  {row + 1}"
        art.words(LEFTS["before"] - 10, y, label, size=SMALL, align="right")
    look = {"size": SMALL, "align": "right"}
    art.words(LEFTS["before"] - 84, TOP - 15, "question ↓", **look, **dark("question"))
    art.words(LEFTS["before"] - 10, TOP - 15, "answer →", **look, **dark("answer"))
    chance = dual_encoder.chance_level(BATCH)
    for when, left in LEFTS.items():
        scores = found["scale"] * torch.tensor(found[when])
        _matrix(art, left, TITLES[when], scores.softmax(1).numpy())
        _gauge(art, left, dual_encoder.contrastive_loss(scores).item(), chance)
    note = (
        "Numbers: how likely each question picks each answer, in per cent (softmax of the row).\n"
        "Outlined: its own answer. Pairs from the documentation of torch.nn, not trained on."
    )
    art.words(MARGIN, 436, note, size=SMALL, colour=GREY, align="left")
    return art.fig


def _matrix(art: Canvas, left: float, title: str, shares) -> None:
    middle = left + BATCH * CELL / 2
    art.words(middle, TOP - 36, title, weight="bold")
    place = (middle, TOP + BATCH * CELL / 2)
    box = art.matrix(*place, shares, CELL, ramp("score"), 0, 1, form=_percent, size=11.5)
    for row in range(BATCH):
        art.outline(box, CELL, row, row)
        art.words(left + (row + 0.5) * CELL, TOP - 15, str(row + 1), size=SMALL)


def _gauge(art: Canvas, left: float, loss: float, chance: float) -> None:
    """The loss as a bar on the way to the chance level."""
    y, width = TOP + BATCH * CELL + 50, BATCH * CELL
    art.line((left, y), (left + width, y), colour=PALE, width=8)
    art.line((left, y), (left + width * loss / chance, y), colour=ROLES["score"], width=8)
    art.words(left, y - 20, f"loss {loss:.2f}", weight="bold", align="left")
    art.words(left + width, y - 20, f"chance {chance:.2f}", size=SMALL, colour=GREY, align="right")


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.005 else ""
