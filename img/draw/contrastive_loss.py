"""Contrastive-Loss: a real batch with the echo term, before and after training."""

import torch

from course_utils import dual_encoder
from course_utils.dual_encoder import Heads, Settings
from img.draw import examples
from img.draw.canvas import Canvas
from img.draw.layout import dark, fitted
from img.draw.style import BOLD, GREY, INK, MARGIN, PALE, ROLES, SMALL, WIDTH, ramp

BATCH, CELL = 8, 24
SIDE = BATCH * CELL
LEFT = WIDTH - MARGIN - 2 * SIDE
TOPS = {"before": 110, "after": 412}


def measure() -> dict:
    """Eight held-out facts, by heads that are the identity and by the shipped ones."""
    facts = examples.facts(BATCH)
    return {
        "facts": [f"{row.entity}, {row.relation}" for row in facts.itertuples()],
        "before": examples.scores(Heads(), facts).tolist(),
        "after": examples.scores(dual_encoder.shipped(), facts).tolist(),
    }


def draw(found: dict):
    art = Canvas(728, "Untrained, a question picks itself; trained, its answer")
    scores = {when: Settings().scale * torch.tensor(found[when]) for when in TOPS}  # [B, 2B]
    losses = {
        when: dual_encoder.contrastive_loss(both[:, :BATCH], extra=both[:, BATCH:]).item()
        for when, both in scores.items()
    }
    for when, top in TOPS.items():
        art.words(MARGIN, top - 34, f"{when} training", weight="bold", align="left")
        _matrix(art, top, scores[when].softmax(1).numpy(), found["facts"])
        _gauge(art, top + SIDE + 46, losses[when], max(losses.values()))
    note = (
        "Numbers: how likely a question picks each candidate, in per cent (softmax of its row).\n"
        "Outlined: its own answer. Facts about countries that nothing was trained on."
    )
    art.words(MARGIN, 694, note, size=SMALL, colour=GREY, align="left")
    return art.fig


def _matrix(art: Canvas, top: float, shares, facts: list[str]) -> None:
    place = (LEFT + SIDE, top + SIDE / 2)
    box = art.matrix(*place, shares, CELL, ramp("score"), 0, 1, form=_percent, size=11.5)
    for number, fact in enumerate(facts):
        art.outline(box, CELL, number, number)
        y, label = top + (number + 0.5) * CELL, f"{fitted(fact, 190, SMALL)}  {number + 1}"
        art.words(LEFT - 10, y, label, size=SMALL, align="right")
        for start in (LEFT, LEFT + SIDE):
            art.words(start + (number + 0.5) * CELL, top - 14, str(number + 1), size=SMALL)
    for start, role in ((LEFT, "answer"), (LEFT + SIDE, "question")):
        art.words(start + SIDE / 2, top - 34, f"{role}s", size=SMALL, **dark(role))
    art.line((LEFT + SIDE, top), (LEFT + SIDE, top + SIDE), colour=INK)


def _gauge(art: Canvas, y: float, loss: float, longest: float) -> None:
    """The loss as a bar, and a mark where that of equal scores ends."""
    chance, width = dual_encoder.chance_level(BATCH, BATCH), 2 * SIDE
    for value, colour in ((longest, PALE), (loss, ROLES["score"])):
        art.line((LEFT, y), (LEFT + width * value / longest, y), colour=colour, width=8)
    mark = LEFT + width * chance / longest
    art.line((mark, y - 9), (mark, y + 9), colour=INK, width=BOLD)
    art.words(LEFT, y - 20, f"loss {loss:.2f}", weight="bold", align="left")
    chance = f"chance: ln {2 * BATCH} = {chance:.2f}"
    art.words(mark, y - 20, chance, size=SMALL, colour=GREY)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}" if share >= 0.005 else ""
