"""The training loop of a head and of the adapters below it, one step at a time.

What a batch is, and what it costs, is for a subclass to say: `cross_encoder.training` and
`tools/masked_lm_training.py`. `checkpoint` stores a run.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch

from course_utils.errors import BadInput
from course_utils.low_rank import AdaptedEncoder


@dataclass(frozen=True)
class Settings:
    """How to train. The learning rate rises over the first part of the steps, then falls to 0.

    The head's is `head` times that of the adapters. `precision` is that of the encoder's layers, as
    in `embed.encode`. A subclass names its whole numbers in `WHOLE`, and in `RISE` how many times
    as long as the rise the run is.
    """

    WHOLE: ClassVar[tuple[str, ...]] = ("steps",)
    RISE: ClassVar[int] = 10

    steps: int
    learning_rate: float
    head: float
    weight_decay: float = 0.0
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self):
        for name in self.WHOLE:
            value = getattr(self, name)
            if not isinstance(value, int) or value < 1:
                raise BadInput(f"{name}={value!r} must be a whole number from 1 up.")
        for name in ("learning_rate", "head"):
            if not 0 < getattr(self, name) < math.inf:
                raise BadInput(f"{name}={getattr(self, name)!r} must be a number above 0.")
        if not 0 <= self.weight_decay < math.inf:
            raise BadInput(f"weight_decay={self.weight_decay!r} must be a number from 0.")

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        rising = max(1, self.steps // self.RISE)
        return self.learning_rate * min((step + 1) / rising, 1 - step / self.steps)


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
    `model` and the state of `optimizer` are all that the next step depends on.
    """

    def __init__(self, model: AdaptedEncoder, settings: Settings):
        self.model, self.settings = model, settings
        adapters = [value for value in model.encoder.parameters() if value.requires_grad]
        head = list(model.head_parameters().values())
        self.optimizer = torch.optim.AdamW(
            [{"params": adapters, "share": 1.0}, {"params": head, "share": settings.head}],
            weight_decay=settings.weight_decay,
        )
        self.done, self.pairs, self.seconds = 0, 0, 0.0

    def loss(self, batch) -> tuple[torch.Tensor, float, int]:
        """The loss of a batch, a scalar with a gradient; its chance level; and its pairs."""
        raise NotImplementedError

    def _steps(self, batches: Iterator) -> Iterator[Step]:
        """The steps that are left, on `batches` from the next one on: as many, or more."""
        settings = self.settings
        self.model.train(self.done < settings.steps)
        while self.done < settings.steps:
            began = time.perf_counter()
            batch = next(batches)
            for part in self.optimizer.param_groups:
                part["lr"] = part["share"] * settings.rate(self.done)
            self.optimizer.zero_grad()
            loss, chance, pairs = self.loss(batch)
            loss.backward()
            self.optimizer.step()
            self.done += 1
            self.pairs += pairs
            self.seconds += time.perf_counter() - began
            if self.done == settings.steps:
                self.model.eval()
            yield Step(self.done, loss.item(), chance, self.pairs, self.seconds)
