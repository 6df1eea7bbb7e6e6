"""One batch of cosines, its loss and its gradient: the numbers behind the loss machine of L4."""

import math
import re
from dataclasses import dataclass

import numpy as np
import torch

from course_utils import ranking
from course_utils.dual_encoder import chance_level, contrastive_loss, loss_gradient
from course_utils.errors import BadInput
from course_utils.explorers import typed

ROWS, COLUMNS, BOTH = DIRECTIONS = ("question to answer", "answer to question", "both")
FEWEST, MOST = 2, 6  # pairs of a batch
LOWEST, HIGHEST = 0.02, 1.0  # temperature
MAX_CHARACTERS = 600


@dataclass(frozen=True)
class LossMachine:
    """Cosines, a row a question and a column an answer; a temperature; one of `DIRECTIONS`.

    At the start three questions of four find their answer, and the third does not.
    """

    scores: str = "0.8  0.2  0.1  0.0\n0.3  0.6  0.5  0.1\n0.1  0.2  0.5  0.6\n0.0  0.1  0.2  0.7"
    temperature: float = 0.1
    direction: str = ROWS


@dataclass(frozen=True)
class Batch:
    """What the explorer shows of a state with B pairs; arrays are float64.

    `cosines` `[B, B]`. `losses`: of each question (`ROWS`) and of each answer (`COLUMNS`), `[B]`,
    those that the direction counts. `softmax` and `gradient` `[B, B]`; of both directions the mean.
    The gradient is that with respect to scale × cosine.
    """

    temperature: float
    direction: str
    cosines: np.ndarray
    losses: dict[str, np.ndarray]
    loss: float
    softmax: np.ndarray
    gradient: np.ndarray

    @property
    def size(self) -> int:
        return len(self.cosines)

    @property
    def scale(self) -> float:
        return 1 / self.temperature

    @property
    def chance(self) -> float:
        """The loss of equal scores."""
        return chance_level(self.size)

    @property
    def least(self) -> float:
        """The loss of cosines of 1 on the diagonal and -1 elsewhere: none can be lower."""
        return math.log1p((self.size - 1) * math.exp(-2 * self.scale))

    def right(self, direction: str) -> np.ndarray:
        """Which questions (`ROWS`) or answers (`COLUMNS`) put their own first: bool `[B]`."""
        return ranking.ranks(self.cosines if direction == ROWS else self.cosines.T) == 1


def compute(state: LossMachine) -> Batch:
    """The loss of a state and what makes it up.

    Raises BadInput, in words that say what to type, for a state that has none.
    """
    cosines = _matrix(state.scores)
    if not LOWEST <= state.temperature <= HIGHEST:
        raise BadInput(
            f"There is no temperature {state.temperature}: choose one from {LOWEST} to {HIGHEST}."
        )
    if state.direction not in DIRECTIONS:
        known = ", ".join(DIRECTIONS)
        raise BadInput(f"There is no direction {state.direction!r}: choose one of {known}.")
    scores = torch.tensor(cosines) / state.temperature
    parts = {ROWS: _direction(scores), COLUMNS: tuple(part.T for part in _direction(scores.T))}
    used = parts if state.direction == BOTH else {state.direction: parts[state.direction]}
    softmax, gradient = (
        torch.stack(both).mean(0).numpy() for both in zip(*used.values(), strict=True)
    )
    loss = contrastive_loss(
        scores.T if state.direction == COLUMNS else scores, symmetric=state.direction == BOTH
    )
    losses = {name: -np.log(part.diagonal().numpy()) for name, (part, _) in used.items()}
    return Batch(
        state.temperature, state.direction, cosines, losses, loss.item(), softmax, gradient
    )


def _direction(scores: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The softmax of each row, and the gradient of the loss over the rows."""
    return torch.softmax(scores, dim=1), loss_gradient(scores)


def _matrix(text: str) -> np.ndarray:
    """The cosines of a text, one row a line; brackets and commas of a printed matrix may stay."""
    typed.check("matrix", text.strip(), MAX_CHARACTERS)
    lines = filter(None, (line.strip(" \t[],;") for line in text.splitlines()))
    rows = [re.split(r"[\s,;]+", line) for line in lines]
    if not FEWEST <= len(rows) <= MOST:
        raise BadInput(
            f"There {'is' if len(rows) == 1 else 'are'} {len(rows)} row{'s' * (len(rows) != 1)}: "
            f"type {FEWEST} to {MOST}, one a question, with as many numbers in each."
        )
    for number, row in enumerate(rows, start=1):
        if len(row) != len(rows):
            raise BadInput(
                f"Row {number} holds {len(row)} number{'s' * (len(row) != 1)} and there are "
                f"{len(rows)} rows: type {len(rows)} numbers in each row, decimals with a point."
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
