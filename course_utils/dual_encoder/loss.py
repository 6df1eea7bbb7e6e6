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
    scores: torch.Tensor, *, extra: torch.Tensor | None = None, extra_weight: float = 1.0
) -> torch.Tensor:
    """Mean over the rows of -log softmax(row)[diagonal], in nats; a scalar.

    `scores` is `[B, B]`, scaled already (a temperature t is a scale of 1 / t). `extra` `[B, E]` are
    scores of each question with further wrong answers; one of them counts like `extra_weight`
    negatives (0: not at all). Raises BadInput for scores that are not square, or hold NaN.
    """
    if scores.ndim != 2 or scores.shape[0] != scores.shape[1]:
        raise BadInput(
            "The scores must be a square matrix [B, B], right answers on the diagonal; their "
            f"shape is {list(scores.shape)}."
        )
    if scores.isnan().any():
        raise BadInput("The scores hold NaN. Has the training diverged? Try a lower learning rate.")
    rows = scores
    if extra is not None and extra_weight > 0:
        # w copies of a column add w exp(s) = exp(s + log w) to the softmax's denominator.
        rows = torch.cat([scores, extra + math.log(extra_weight)], dim=1)  # [B, B + E]
    return cross_entropy(rows, torch.arange(len(scores), device=scores.device))


def loss_gradient(scores: torch.Tensor) -> torch.Tensor:
    """The gradient of `contrastive_loss(scores)`: (softmax by row minus one-hot) / B, `[B, B]`.

    Each row sums to 0: what the right answer is pulled up by, the wrong ones are pushed down by,
    each by the probability that it has.
    """
    one_hot = torch.eye(len(scores), device=scores.device)
    return (torch.softmax(scores, dim=1) - one_hot) / len(scores)


def chance_level(batch: int, extra: int = 0, extra_weight: float = 1.0) -> float:
    """The loss of equal scores, ln(B + weight × extra): what a model that knows nothing pays.

    The last batch of an epoch may be shorter; its chance level is lower then.
    """
    return math.log(batch + extra_weight * extra)
