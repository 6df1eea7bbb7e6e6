"""The training loop of the cross-encoder, one step at a time, as `dual_encoder.training` has it."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch

from course_utils import embed, models
from course_utils.cross_encoder.groups import Group
from course_utils.cross_encoder.loss import chance_level, listwise_loss
from course_utils.cross_encoder.model import CrossEncoder
from course_utils.cross_encoder.scoring import padded, tokenized
from course_utils.dual_encoder.training import Step
from course_utils.errors import BadInput

TRAINING_TOKENS = 96  # of a pair, in training alone: steps take less time and memory
BATCH_TOKENS = 2048  # of the pairs that go through the model together


@dataclass(frozen=True)
class Settings:
    """How to train. The learning rate rises over the first tenth of the steps, then falls to 0.

    A step takes `groups` groups, each of a right text and up to `negatives` wrong ones. The head's
    learning rate is `head` times that of the adapters. `precision` is that of the encoder's layers,
    as in `embed.encode`.
    """

    steps: int = 500
    groups: int = 16
    negatives: int = 3
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    head: float = 10.0
    precision: str = "auto"
    seed: int = 0

    def __post_init__(self):
        for name in ("steps", "groups", "negatives"):
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
        rising = max(1, self.steps // 10)
        return self.learning_rate * min((step + 1) / rising, 1 - step / self.steps)


class Run:
    """A training run that can be put down after any step and taken up again; see `dual_encoder`.

    `dual_encoder.checkpoint` stores it. `groups` has to be the same, from its beginning on.
    """

    def __init__(self, model: CrossEncoder, settings: Settings | None = None):
        self.model = model
        self.settings = settings or Settings()
        adapters = [value for value in model.encoder.parameters() if value.requires_grad]
        self.optimizer = torch.optim.AdamW(
            [{"params": adapters, "share": 1.0}]
            + [{"params": model.head.parameters(), "share": self.settings.head}],
            weight_decay=self.settings.weight_decay,
        )
        self.done, self.pairs, self.seconds = 0, 0, 0.0

    def steps(self, groups: Iterator[Group]) -> Iterator[Step]:
        """The steps that are left; `pairs` of a `Step` are pairs of question and text."""
        settings, size = self.settings, self.settings.groups
        groups = islice(groups, self.done * size, settings.steps * size)
        self.model.train(self.done < settings.steps)
        while self.done < settings.steps:
            began = time.perf_counter()
            batch = list(islice(groups, size))
            if len(batch) < size:
                raise BadInput(f"There are too few groups for {settings.steps} steps of {size}.")
            for part in self.optimizer.param_groups:
                part["lr"] = part["share"] * settings.rate(self.done)
            self.optimizer.zero_grad()
            loss = batch_loss(self.model, batch, precision=settings.precision)
            loss.backward()
            self.optimizer.step()
            sizes = [len(group.texts) for group in batch]
            self.done += 1
            self.pairs += sum(sizes)
            self.seconds += time.perf_counter() - began
            if self.done == settings.steps:
                self.model.eval()
            yield Step(self.done, loss.item(), chance_level(sizes), self.pairs, self.seconds)


def steps(
    model: CrossEncoder, groups: Iterator[Group], settings: Settings | None = None
) -> Iterator[Step]:
    """Train `model` in place on groups, as many as the settings ask for; yield a `Step` each.

    The same groups and settings give the same weights. Leaves the model in evaluation mode when the
    last step is done. Raises BadInput where the groups come to an end before.
    """
    return Run(model, settings).steps(iter(groups))


def batch_loss(
    model: CrossEncoder,
    groups: Sequence[Group],
    max_tokens: int = TRAINING_TOKENS,
    precision: str = "auto",
) -> torch.Tensor:
    """The listwise loss of some groups; a scalar with a gradient."""
    tokenizer, _ = models.load()
    questions = [group.question for group in groups for _ in group.texts]
    pairs = tokenized(
        tokenizer, questions, [text for group in groups for text in group.texts], max_tokens
    )
    # Pairs of about one length go through the model together: less padding, less time.
    parts, order = [], []
    with torch.autocast("cpu", torch.bfloat16, enabled=embed.wants_bfloat16(precision)):
        for rows in embed.batches([len(ids) for ids in pairs["input_ids"]], BATCH_TOKENS):
            parts.append(model(**padded(tokenizer, pairs, rows)).logits[:, 0])
            order += rows
    scores = torch.cat(parts)[torch.tensor(order).argsort()]
    return listwise_loss(scores, [len(group.texts) for group in groups])
