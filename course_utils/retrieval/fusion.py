"""One ranking made of several. Taught in L5."""

from collections.abc import Hashable, Sequence

import numpy as np

from course_utils.errors import BadInput

CONSTANT = 60  # of reciprocal rank fusion, as in its source


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[Hashable]], constant: float = CONSTANT
) -> list[tuple[Hashable, float]]:
    """The items of all rankings and their scores, best first: only ranks count, not scores.

    Each ranking lists items, best first; an item scores the sum of 1 / (constant + rank), over the
    rankings that have it. Equal scores are in the order in which the items first come. Raises
    BadInput where a ranking has an item twice, or the constant is negative.
    Source: Cormack, Clarke and Büttcher 2009, "Reciprocal Rank Fusion", section 2.
    """
    if constant < 0:
        raise BadInput(f"The constant of a fusion is 0 or more, not {constant}.")
    scores: dict[Hashable, float] = {}
    for ranking in rankings:
        if len(set(ranking)) != len(ranking):
            raise BadInput("A ranking to be fused has an item twice.")
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0.0) + 1 / (constant + rank)
    return sorted(scores.items(), key=lambda scored: -scored[1])


def standardised(scores) -> np.ndarray:
    """Scores less their mean, in units of their spread, along the last axis; 0 where all are equal.

    What one system calls a high score, 12 or 0.6, then means the same for all of them.
    """
    scores = np.asarray(scores, dtype=np.float64)
    spread = scores.std(axis=-1, keepdims=True)
    centred = scores - scores.mean(axis=-1, keepdims=True)
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-12)


def weighted_sum(scores: Sequence, weights: Sequence[float]) -> np.ndarray:
    """The sum of `standardised` scores, each `[..., n]`, times its weight: float64 `[..., n]`.

    Raises BadInput where there is not one finite weight for each, or the shapes differ.
    """
    if len(scores) != len(weights) or not len(scores) or not np.isfinite(weights).all():
        raise BadInput(f"{len(scores)} lists of scores need as many weights: {list(weights)}.")
    shapes = {np.shape(each) for each in scores}
    if len(shapes) > 1:
        raise BadInput(f"Scores that are added have one shape, not {sorted(shapes)}.")
    return sum(weight * standardised(each) for each, weight in zip(scores, weights, strict=True))
