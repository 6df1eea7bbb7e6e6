"""The training loop of the cross-encoder, one step at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch

from course_utils import embed, models
from course_utils.cross_encoder import CrossEncoder
from course_utils.errors import BadInput
from tools.training import adapter_training
from tools.training.adapter_training import Step
from tools.training.cross_encoder.groups import Group
from tools.training.cross_encoder.loss import chance_level, listwise_loss

TRAINING_TOKENS = 96  # of a pair, in training alone: steps take less time and memory
BATCH_TOKENS = 2048  # of the pairs that go through the model together


@dataclass(frozen=True)
class Settings(adapter_training.Settings):
    """How to train; the learning rate rises over the first tenth of the steps.

    A step takes `groups` groups, each of a right text and up to `negatives` wrong ones.
    """

    WHOLE = ("steps", "groups", "negatives")

    steps: int = 500
    learning_rate: float = 1e-3
    head: float = 10.0
    groups: int = 16
    negatives: int = 3


class Run(adapter_training.Run):
    """A training run of a cross-encoder. `groups` has to be the same, from its beginning on."""

    def __init__(self, model: CrossEncoder, settings: Settings | None = None):
        super().__init__(model, settings or Settings())

    def steps(self, groups: Iterator[Group]) -> Iterator[Step]:
        """The steps that are left; `pairs` of a `Step` are pairs of question and text."""
        return self._steps(self._batches(groups))

    def loss(self, batch: Sequence[Group]) -> tuple[torch.Tensor, float, int]:
        sizes = [len(group.texts) for group in batch]
        loss = batch_loss(self.model, batch, precision=self.settings.precision)
        return loss, chance_level(sizes), sum(sizes)

    def _batches(self, groups: Iterator[Group]) -> Iterator[list[Group]]:
        size, steps = self.settings.groups, self.settings.steps
        groups = islice(groups, self.done * size, steps * size)
        while len(batch := list(islice(groups, size))) == size:
            yield batch
        raise BadInput(f"There are too few groups for {steps} steps of {size}.")


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
    tokenizer, questions = models.load_tokenizer(), []
    for group in groups:
        questions += [group.question] * len(group.texts)
    texts = [text for group in groups for text in group.texts]
    pairs = embed.tokenized(tokenizer, questions, texts, max_tokens=max_tokens)
    # Pairs of about one length go through the model together: less padding, less time.
    parts, order = [], []
    bfloat16 = embed.wants_bfloat16(precision)
    for rows, _, out in embed.in_batches(model, tokenizer, pairs, bfloat16, BATCH_TOKENS):
        parts.append(out.logits[:, 0])
        order += rows
    scores = torch.cat(parts)[torch.tensor(order).argsort()]
    return listwise_loss(scores, [len(group.texts) for group in groups])
