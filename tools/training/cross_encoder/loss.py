"""The listwise loss of a cross-encoder, and its chance line."""

import math
from collections.abc import Sequence

import torch
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence

from course_utils.errors import BadInput


def listwise_loss(scores: torch.Tensor, sizes: Sequence[int]) -> torch.Tensor:
    """Mean over the groups of -log softmax(scores of a group)[its first], in nats; a scalar.

    `scores` `[n]` are those of all texts of all groups, one group after the other, the right text
    of each group first; `sizes` says how many texts each group has. Groups may differ in size.
    Source: Cao et al. 2007, "Learning to Rank: From Pairwise Approach to Listwise Approach",
    section 4 (top-one probabilities).

    Raises BadInput where the sizes do not add up, a group has no wrong text, or a score is NaN.
    """
    if scores.ndim != 1 or len(scores) != sum(sizes) or not len(sizes) or min(sizes) < 2:
        raise BadInput(
            f"Groups of {list(sizes)} texts, two or more each, need a score a text; the scores' "
            f"shape is {list(scores.shape)}."
        )
    if scores.isnan().any():
        raise BadInput("The scores hold NaN. Has the training diverged? Try a lower learning rate.")
    groups = pad_sequence(scores.split(list(sizes)), batch_first=True, padding_value=-torch.inf)
    return cross_entropy(groups, torch.zeros(len(sizes), dtype=torch.long, device=scores.device))


def chance_level(sizes: Sequence[int]) -> float:
    """The loss of equal scores: the mean of ln(size)."""
    return sum(map(math.log, sizes)) / len(sizes)
