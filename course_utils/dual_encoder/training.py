"""The training loop of a dual encoder, one step at a time. Taught in L4.

`steps` is a generator: whoever runs it draws a curve, measures or stops between two steps. It
trains any model with `questions(rows)` and `answers(rows)`, such as `Heads` and `Towers`.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from course_utils.dual_encoder.loss import chance_level, contrastive_loss, duplicates
from course_utils.errors import BadInput


@dataclass(frozen=True)
class Settings:
    """How to train. The defaults are for `Heads`, chosen on validation pairs.

    `scale` multiplies the cosines (1 / temperature). `echo` is the weight of the batch's own
    questions, read as answers, as further negatives; 0 leaves them out. The learning rate falls to
    0 along a straight line.
    """

    steps: int = 300
    batch: int = 512
    scale: float = 15.0
    learning_rate: float = 3e-4
    weight_decay: float = 0.0
    symmetric: bool = True
    echo: float = 0.0
    seed: int = 0

    def __post_init__(self):
        for name, least in (("steps", 1), ("batch", 2)):  # a batch of one has no negatives
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise BadInput(f"{name}={value!r} must be a whole number from {least} up.")
        for name in ("scale", "learning_rate", "weight_decay", "echo"):
            value = getattr(self, name)
            zero = name in ("weight_decay", "echo")
            if not 0 <= value < math.inf or not (value or zero):
                raise BadInput(
                    f"{name}={value!r} must be a number {'from' if zero else 'above'} 0."
                )


@dataclass(frozen=True)
class Step:
    """What is known after a step.

    `number` counts from 1. `loss` is that of the batch before the step, `chance` what equal scores
    would cost. `pairs` and `seconds` are of all steps so far, without what happens between steps.
    """

    number: int
    loss: float
    chance: float
    pairs: int
    seconds: float


def steps(
    model: torch.nn.Module,
    questions: torch.Tensor,
    answers: torch.Tensor,
    settings: Settings | None = None,
    labels: torch.Tensor | None = None,
) -> Iterator[Step]:
    """Train `model` in place; yield a `Step` after each step.

    `questions` and `answers` have a row a pair: encoder vectors `[n, d]` for `Heads`, token numbers
    `[n, T]` for `Towers`. `labels` int64 `[n]` says which rows have the same answer, so that they
    are not each other's negatives. The same settings give the same weights, whatever else draws
    random numbers meanwhile. Leaves the model in evaluation mode when the last step is done.

    Raises BadInput where the numbers of rows differ or there are fewer than two.
    """
    settings = settings or Settings()
    rows = len(questions)
    if rows < 2 or len(answers) != rows or (labels is not None and len(labels) != rows):
        counts = [rows, len(answers)] + ([] if labels is None else [len(labels)])
        raise BadInput(f"Training needs two pairs or more, one row each; there are {counts} rows.")
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    falling = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: 1 - done / settings.steps)
    pairs, seconds = 0, 0.0
    model.train()
    for number, chosen in zip(range(1, settings.steps + 1), batches(rows, settings), strict=False):
        began = time.perf_counter()
        with torch.random.fork_rng(devices=[]):  # dropout draws from the global generator
            torch.manual_seed(settings.seed * 1_000_003 + number)
            loss = batch_loss(
                model,
                questions[chosen],
                answers[chosen],
                settings,
                None if labels is None else labels[chosen],
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        falling.step()
        pairs += len(chosen)
        seconds += time.perf_counter() - began
        size = len(chosen)
        chance = chance_level(size, size, settings.echo, settings.symmetric)
        if number == settings.steps:
            model.eval()
        yield Step(number, loss.item(), chance, pairs, seconds)


def train(
    model: torch.nn.Module,
    questions: torch.Tensor,
    answers: torch.Tensor,
    settings: Settings | None = None,
    labels: torch.Tensor | None = None,
) -> list[Step]:
    """All of `steps` at once: trains `model` in place and returns what each step reported."""
    return list(steps(model, questions, answers, settings, labels))


def batch_loss(
    model: torch.nn.Module,
    questions: torch.Tensor,
    answers: torch.Tensor,
    settings: Settings,
    labels: torch.Tensor | None = None,
) -> torch.Tensor:
    """The contrastive loss of one batch; a scalar with a gradient."""
    q = model.questions(questions)  # [B, d]
    a = model.answers(answers)  # [B, d]
    echo = settings.scale * q @ model.answers(questions).T if settings.echo else None  # [B, B]
    return contrastive_loss(
        settings.scale * q @ a.T,
        symmetric=settings.symmetric,
        extra=echo,
        extra_weight=settings.echo,
        false_negatives=None if labels is None else duplicates(labels),
    )


def batches(rows: int, settings: Settings, start: int = 0) -> Iterator[torch.Tensor]:
    """Row numbers of batch after batch, without end, from batch number `start` on: int64 `[B]`.

    Each epoch goes through all rows in an order of its own, which depends on the seed and the epoch
    alone: a run that is taken up half-way sees the same batches. An epoch's last batch may be
    short; a single row is left out, for it has no negatives.
    """
    an_epoch = len(_starts(rows, settings.batch))
    epoch, skipped = divmod(start, an_epoch)
    while True:
        order = np.random.default_rng((settings.seed, epoch)).permutation(rows)
        for begin in _starts(rows, settings.batch)[skipped:]:
            yield torch.from_numpy(order[begin : begin + settings.batch])
        epoch, skipped = epoch + 1, 0


def _starts(rows: int, size: int) -> range:
    return range(0, max(rows - 1, 1), size)


@torch.inference_mode()
def score_matrix(
    model: torch.nn.Module, questions: torch.Tensor, answers: torch.Tensor, rows: int = 256
) -> np.ndarray:
    """The cosine of every question with every answer: float32 `[q, a]`, in evaluation mode.

    `rows` at a time go through the model. Its mode is put back afterwards.
    """
    training = model.training
    model.eval()
    try:
        q = torch.cat([model.questions(part) for part in questions.split(rows)])
        a = torch.cat([model.answers(part) for part in answers.split(rows)])
    finally:
        model.train(training)
    return (q @ a.T).numpy()
