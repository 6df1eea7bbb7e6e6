"""How well a system ranks: where the right answer stands, and what that is worth. Taught in L4.

Every measure is a number a question, `[q]`: its mean is the figure that is told, and
`evaluate.bootstrap_interval` and `evaluate.paired_difference` say how sure it is.
"""

import numpy as np

from course_utils.errors import BadInput


def ranks(scores, right=None) -> np.ndarray:
    """The rank of the right answer of each question among all answers, from 1: int64 `[q]`.

    `scores` is `[q, a]`. `right` int `[q]` is the column of each question's answer; without it, the
    diagonal. Ties count against the system: an answer that scores as much as the right one stands
    before it, so that equal scores throughout earn the last rank. Raises BadInput for NaN.
    """
    scores = np.asarray(scores)
    if scores.ndim != 2 or not scores.size:
        raise BadInput(f"The scores must be a matrix [q, a]; their shape is {scores.shape}.")
    if np.isnan(scores).any():
        raise BadInput("The scores hold NaN.")
    right = np.arange(len(scores)) if right is None else np.asarray(right)
    if right.shape != (len(scores),) or right.min() < 0 or right.max() >= scores.shape[1]:
        raise BadInput(
            f"Every question needs the column of its answer, 0 to {scores.shape[1] - 1}; there are "
            f"{len(scores)} questions."
        )
    of_right = scores[np.arange(len(scores)), right]
    return (scores >= of_right[:, None]).sum(1)


def recall_at(k: int, ranks) -> np.ndarray:
    """1.0 where the right answer is among the first `k`, 0.0 where not: `[q]`."""
    return (_checked(ranks) <= k).astype(np.float64)


def reciprocal_rank(ranks) -> np.ndarray:
    """1 / rank, `[q]`; its mean is the MRR. Source: Voorhees 1999, "The TREC-8 Question Answering
    Track Report"."""
    return 1 / _checked(ranks)


def ndcg_at(k: int, ranks) -> np.ndarray:
    """1 / log2(1 + rank) among the first `k`, 0 beyond: `[q]`; with one right answer, this is nDCG.

    Source: Järvelin and Kekäläinen 2002, section 2.2.
    """
    ranks = _checked(ranks)
    return np.where(ranks <= k, 1 / np.log2(1 + ranks), 0.0)


def echoes(scores, echo) -> np.ndarray:
    """Whether the question itself, were it among the answers, would come first: 0.0 or 1.0, `[q]`.

    `scores` `[q, a]` are those of the answers, `echo` `[q]` is that of each question with itself,
    read as an answer. A tie counts as an echo. The mean is the echo rate.
    """
    scores, echo = np.asarray(scores), np.asarray(echo)
    if scores.ndim != 2 or echo.shape != scores.shape[:1]:
        raise BadInput(
            f"The scores must be [q, a] and the echo [q]; they are {scores.shape} and {echo.shape}."
        )
    return (echo >= scores.max(1)).astype(np.float64)


def _checked(ranks) -> np.ndarray:
    ranks = np.asarray(ranks)
    if ranks.ndim != 1 or not len(ranks) or ranks.min() < 1:
        raise BadInput("Ranks are a list of numbers from 1 up, one a question.")
    return ranks
