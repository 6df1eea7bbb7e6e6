"""The training loop of a dual encoder, one step at a time. Taught in L4.

`steps` is a generator: whoever runs it draws a curve, measures or stops between two steps. It
trains any model with `questions(rows)` and `answers(rows)`, such as `Heads` and `Towers`. `Run` is
the same loop for whoever wants to keep its state; `distributed` runs it in several processes.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

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

    steps: int = 100
    batch: int = 256
    scale: float = 15.0
    learning_rate: float = 1e-3
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


class Run:
    """A training run that can be put down after any step and taken up again.

    `done` steps are behind it, with as many `pairs` and `seconds`. These three, the weights of
    `model` and the state of `optimizer` are all that the next step depends on: the learning rate,
    the batch and the random numbers of a step follow from its number.
    """

    process = 0  # of several that train together; see `distributed`

    def __init__(self, model: torch.nn.Module, settings: Settings | None = None):
        self.model = model
        self.settings = settings or Settings()
        self.optimizer = torch.optim.AdamW(
            model.parameters(), weight_decay=self.settings.weight_decay
        )
        self.done, self.pairs, self.seconds = 0, 0, 0.0

    def steps(
        self, questions: torch.Tensor, answers: torch.Tensor, labels: torch.Tensor | None = None
    ) -> Iterator[Step]:
        """The steps that are left; see the function `steps`."""
        settings, rows = self.settings, len(questions)
        if rows < 2 or len(answers) != rows or (labels is not None and len(labels) != rows):
            counts = [rows, len(answers)] + ([] if labels is None else [len(labels)])
            raise BadInput(
                f"Training needs two pairs or more, one row each; there are {counts} rows."
            )
        self.model.train(self.done < settings.steps)
        for chosen in islice(batches(rows, settings, self.done), settings.steps - self.done):
            began = time.perf_counter()
            for group in self.optimizer.param_groups:
                group["lr"] = settings.learning_rate * (1 - self.done / settings.steps)
            self.done += 1
            with torch.random.fork_rng(devices=[]):  # dropout draws from the global generator
                torch.manual_seed(
                    settings.seed * 1_000_003 + self.done + self.process * 1_000_000_000_039
                )
                loss = self.loss(questions, answers, labels, chosen)
            self.optimizer.zero_grad()
            self.backward(loss)
            self.optimizer.step()
            size = len(chosen)
            self.pairs += size
            self.seconds += time.perf_counter() - began
            chance = chance_level(size, size, settings.echo, settings.symmetric)
            if self.done == settings.steps:
                self.model.eval()
            yield Step(self.done, loss.item(), chance, self.pairs, self.seconds)

    def loss(
        self,
        questions: torch.Tensor,
        answers: torch.Tensor,
        labels: torch.Tensor | None,
        chosen: torch.Tensor,
    ) -> torch.Tensor:
        """The loss of the batch that the rows `chosen` make; a scalar with a gradient."""
        of_batch = None if labels is None else labels[chosen]
        return batch_loss(self.model, questions[chosen], answers[chosen], self.settings, of_batch)

    def backward(self, loss: torch.Tensor) -> None:
        """Give every parameter its gradient."""
        loss.backward()


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
    return Run(model, settings).steps(questions, answers, labels)


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
    gather: Callable[[torch.Tensor], torch.Tensor] = lambda rows: rows,
) -> torch.Tensor:
    """The contrastive loss of one batch; a scalar with a gradient.

    Where several processes hold a part of the batch each, `gather` makes the embeddings of the
    whole batch out of those of a part, and `labels` are those of the whole batch.
    """
    q = gather(model.questions(questions))  # [B, d]
    a = gather(model.answers(answers))  # [B, d]
    echo = None
    if settings.echo:
        echo = settings.scale * q @ gather(model.answers(questions)).T  # [B, B]
    return contrastive_loss(
        settings.scale * q @ a.T,
        symmetric=settings.symmetric,
        extra=echo,
        extra_weight=settings.echo,
        false_negatives=None if labels is None else duplicates(labels).to(q.device),
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
    return (q @ a.T).cpu().numpy()
