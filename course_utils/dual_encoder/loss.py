"""The contrastive loss of a dual encoder, its gradient and its chance line. Taught in L4.

A batch of B questions and their answers gives scores `[B, B]`: row i is question i, column j is
answer j, and the right answers stand on the diagonal. All other answers of the batch are negatives.

Sources: Henderson et al. 2017, "Efficient Natural Language Response Suggestion for Smart Reply",
section 4.4 (the other answers of the batch as negatives); van den Oord, Li and Vinyals 2018,
"Representation Learning with Contrastive Predictive Coding" (the loss, there InfoNCE).
"""

import math

import torch
from torch.nn.functional import cross_entropy

from course_utils.errors import BadInput


def contrastive_loss(
    scores: torch.Tensor,
    *,
    symmetric: bool = False,
    extra: torch.Tensor | None = None,
    extra_weight: float = 1.0,
    false_negatives: torch.Tensor | None = None,
) -> torch.Tensor:
    """Mean over the rows of -log softmax(row)[diagonal], in nats; a scalar.

    `scores` is `[B, B]`, scaled already (a temperature t is a scale of 1 / t). `symmetric` takes
    the mean of this and of the same over the columns: each answer then picks its question too.
    `extra` `[B, E]` are scores of each question with further wrong answers; one of them counts like
    `extra_weight` negatives (0: not at all). They take no part in the columns' direction.
    `false_negatives` bool `[B, B]` is True where an answer off the diagonal is right as well: it
    is then left out.

    Raises BadInput for other shapes, NaN, a negative weight, or a mask that covers the diagonal.
    """
    _check(scores, extra, extra_weight, false_negatives)
    if false_negatives is not None:
        scores = scores.masked_fill(false_negatives, -torch.inf)
    right = torch.arange(len(scores), device=scores.device)
    rows = scores
    if extra is not None and extra_weight > 0:
        # w copies of a column add w exp(s) = exp(s + log w) to the softmax's denominator.
        rows = torch.cat([scores, extra + math.log(extra_weight)], dim=1)  # [B, B + E]
    loss = cross_entropy(rows, right)
    return (loss + cross_entropy(scores.T, right)) / 2 if symmetric else loss


def loss_gradient(scores: torch.Tensor) -> torch.Tensor:
    """The gradient of `contrastive_loss(scores)`: (softmax by row minus one-hot) / B, `[B, B]`.

    Each row sums to 0: what the right answer is pulled up by, the wrong ones are pushed down by,
    each by the probability that it has.
    """
    _check(scores)
    return (torch.softmax(scores, dim=1) - torch.eye(len(scores), device=scores.device)) / len(
        scores
    )


def chance_level(
    batch: int, extra: int = 0, extra_weight: float = 1.0, symmetric: bool = False
) -> float:
    """The loss of equal scores, ln(B + weight × extra): what a model that knows nothing pays.

    `symmetric` takes the mean with ln(B), as the loss does. The last batch of an epoch may be
    shorter; its chance level is lower then.
    """
    if batch < 1 or extra < 0 or extra_weight < 0:
        raise BadInput(f"There is no batch of {batch} with {extra} × {extra_weight} more answers.")
    rows = math.log(batch + extra_weight * extra)
    return (rows + math.log(batch)) / 2 if symmetric else rows


def _check(scores, extra=None, extra_weight=1.0, false_negatives=None) -> None:
    if not isinstance(scores, torch.Tensor) or not scores.is_floating_point():
        raise BadInput("The scores must be a tensor of floating-point numbers.")
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1] or not len(scores):
        raise BadInput(
            "The scores must be a square matrix [B, B], right answers on the diagonal; their "
            f"shape is {list(scores.shape)}."
        )
    if scores.isnan().any() or (extra is not None and extra.isnan().any()):
        raise BadInput("The scores hold NaN. Has the training diverged? Try a lower learning rate.")
    if extra is not None and (extra.ndim != 2 or len(extra) != len(scores)):
        raise BadInput(
            f"extra must be [B, E] with B = {len(scores)}; its shape is {list(extra.shape)}."
        )
    if not 0 <= extra_weight < math.inf:
        raise BadInput(f"extra_weight={extra_weight} is not a number from 0 up.")
    if false_negatives is not None:
        if false_negatives.shape != scores.shape or false_negatives.dtype != torch.bool:
            raise BadInput(f"false_negatives must be a bool matrix {list(scores.shape)}.")
        if false_negatives.diagonal().any():
            raise BadInput("false_negatives covers the diagonal, where the right answers are.")
