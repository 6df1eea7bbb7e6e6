"""The explorer of L4, "the loss machine": one batch of cosines, its loss and its gradient."""

import functools
import math
import re
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils import dual_encoder, evaluate, plots
from course_utils.errors import BadInput
from course_utils.explorers import panel, typed
from course_utils.explorers.panel import View
from course_utils.plots import figures

FEWEST, MOST = 2, 6  # pairs of a batch
MAX_CHARACTERS = 600


@dataclass(frozen=True)
class LossMachine:
    """Cosines, a row a question and a column an answer, and a temperature.

    At the start three questions of four find their answer, and the third does not.
    """

    scores: str = "0.8  0.2  0.1  0.0\n0.3  0.6  0.5  0.1\n0.1  0.2  0.5  0.6\n0.0  0.1  0.2  0.7"
    temperature: float = 0.1


@dataclass(frozen=True)
class Batch:
    """What the explorer shows of a batch of B pairs: arrays `[B, B]`, float64.

    The gradient is that of the loss with respect to scale × cosine.
    """

    temperature: float
    cosines: np.ndarray
    softmax: np.ndarray
    gradient: np.ndarray
    loss: float
    chance: float

    @property
    def losses(self) -> np.ndarray:
        """The loss of each question, `[B]`."""
        return -np.log(self.softmax.diagonal())

    @property
    def right(self) -> np.ndarray:
        """Which questions put their answer first, bool `[B]`; a tie is not right."""
        return evaluate.ranks(self.cosines) == 1

    @property
    def least(self) -> float:
        """The loss of cosines of 1 on the diagonal and -1 elsewhere: none can be lower."""
        return math.log1p((len(self.cosines) - 1) * math.exp(-2 / self.temperature))


def compute(state: LossMachine) -> Batch:
    """The loss of a batch. Raises BadInput, in words that say what to type, where it has none."""
    cosines = _matrix(state.scores)
    scores = torch.tensor(cosines) / state.temperature
    return Batch(
        state.temperature,
        cosines,
        torch.softmax(scores, dim=1).numpy(),
        dual_encoder.loss_gradient(scores).numpy(),
        dual_encoder.contrastive_loss(scores).item(),
        dual_encoder.chance_level(len(scores)),
    )


def _matrix(text: str) -> np.ndarray:
    """The cosines of a text, one row a line; brackets and commas of a printed matrix may stay."""
    typed.check("matrix", text.strip(), MAX_CHARACTERS)
    lines = filter(None, (line.strip(" \t[],;") for line in text.splitlines()))
    rows = [re.split(r"[\s,;]+", line) for line in lines]
    if not FEWEST <= len(rows) <= MOST:
        raise BadInput(f"{FEWEST} to {MOST} rows are needed, one a question, and not {len(rows)}.")
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows):
            raise BadInput(
                f"Numbers in row {number}: {len(row)}. There are {len(rows)} rows: type "
                f"{len(rows)} numbers in each, decimals with a point."
            )
    return np.array([[_cosine(cell, number) for cell in row] for number, row in enumerate(rows, 1)])


def _cosine(cell: str, row: int) -> float:
    try:
        value = float(cell.replace("−", "-"))
    except ValueError:
        value = math.nan
    if not abs(value) <= 1:  # also where it is NaN
        raise BadInput(
            f"Row {row} holds “{cell[:20]}”, which is no cosine: type numbers from -1 to 1, such "
            "as 0.8."
        )
    return value


def loss_machine() -> None:
    """Show the explorer: a small batch of cosines, its softmax, its loss and its gradient."""
    start = LossMachine()
    controls = {
        "scores": panel.text_area("cosines, a row a question, then Tab", start.scores, MOST),
        "temperature": panel.fine_slider("temperature", start.temperature, 0.02, 1.0, 0.01),
    }
    panel.present(
        panel.explorer("loss-machine", LossMachine, view, controls),
        "The loss machine: the cosines of four questions with four answers, the right ones on the "
        "diagonal. Beside them the softmax of each row, and the gradient of the loss. The third "
        "question prefers a wrong answer: its gradient is the largest.",
    )


@functools.lru_cache(maxsize=32)  # drawing is what takes time; going back is free
def view(state: LossMachine) -> View:
    """What the contrastive loss makes of one batch. Raises BadInput where there is none."""
    found = compute(state)
    return View(plots.png(picture(found)), words(found))


def words(found: Batch) -> str:
    """The HTML below the picture: the finding, a table of the losses, and how to read it."""
    size, scale = len(found.cosines), 1 / found.temperature
    against = "Equal scores would cost more."
    if abs(found.loss - found.chance) < 0.005:
        against = "That is what equal scores cost."
    elif found.loss > found.chance:
        against = "Equal scores would cost less: where this batch is wrong, it is too sure of it."
    columns = (found.softmax.diagonal(), found.losses, found.right)
    rows = [
        (f"question {number}", f"{share:.2f}", f"{loss:z.2f}", "yes" if first else "no")
        for number, (share, loss, first) in enumerate(zip(*columns, strict=True), start=1)
    ]
    rows.append(("mean", "", f"{found.loss:z.2f}", f"{found.right.sum()} of {size}"))
    rows.append(("chance: equal scores", f"{1 / size:.2f}", f"{found.chance:.2f}", ""))
    table = panel.table(("", "share of the right answer", "loss, −ln(share)", "first?"), rows)
    return (
        f'<div style="max-width:{panel.WIDTH};line-height:1.5">'
        f'<div role="status"><b>Loss {found.loss:z.2f}; chance is ln {size} = {found.chance:.2f}.'
        f"</b> {against}</div>{table}"
        f'<div style="margin-top:6px">Temperature {found.temperature:.2f} is scale {scale:.3g}: '
        f"the softmax reads {scale:.3g} × cosine. Even cosines of 1 on the diagonal and −1 "
        f"everywhere else would cost {found.least:.2f} then.<br>"
        f"The gradient, that of scale × cosine, is the softmax minus 1 on the diagonal, divided "
        f"by {size}. A step goes against it: the diagonal rises, and of the wrong ones those fall "
        "most that have the largest share.</div></div>"
    )


def picture(found: Batch) -> Figure:
    """Cosines, softmax and gradient as matrices; the right answers are framed."""
    size = len(found.cosines)
    fig = plots.figure(8.0, 3.3)
    right = f"{found.right.sum()} of {size} questions put their answer first"
    plots.entitle(fig, f"Loss {found.loss:z.2f}, chance {found.chance:.2f}: {right}")
    shown = (
        ("cosines", found.cosines, -1.0, 1.0),
        ("softmax of each row", found.softmax, 0.0, 1.0),
        ("gradient of the loss", found.gradient, -1 / size, 1 / size),  # no gradient is larger
    )
    numbers = range(1, size + 1)
    questions, answers = ([f"{letter}{number}" for number in numbers] for letter in "qa")
    for ax, (title, matrix, low, high) in zip(plots.axes(fig, 1, 3), shown, strict=True):
        figures.draw_heatmap(ax, matrix, questions, answers, low=low, high=high)
        ax.tick_params(axis="x", labelrotation=0)
        ax.set_title(title, fontsize=11, weight="normal")
        for place in range(size):
            corner = (place - 0.5, place - 0.5)
            ax.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=plots.PALETTE["ink"]))
    return fig
