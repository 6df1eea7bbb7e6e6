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


def best_rank(scores, right) -> int:
    """The rank of the best of the `right` rows among all `scores` `[n]`, from 1.

    For questions that several entries answer: a person is content with the first. Ties count
    against the system, as in `ranks`. Raises BadInput for NaN or where nothing is right.
    """
    scores, right = np.asarray(scores), list(right)
    if scores.ndim != 1 or not right or np.isnan(scores).any():
        raise BadInput("Ranks need a score for each entry, none of them NaN, and a right entry.")
    best = scores[right].max()
    return int((scores >= best).sum() - (scores[right] >= best).sum() + 1)


def acceptable(answers, names) -> list[list[int]]:
    """The rows of the entries that answer each question: `names` are those of all entries.

    `answers` holds the names that answer each question. Raises BadInput where all are missing.
    """
    rows = {name: row for row, name in enumerate(names)}
    found = [[rows[name] for name in each if name in rows] for each in answers]
    if not all(found):
        missing = next(each for each, right in zip(answers, found, strict=True) if not right)
        raise BadInput(f"None of these entries is there: {', '.join(missing)}.")
    return found


def _checked(ranks) -> np.ndarray:
    ranks = np.asarray(ranks)
    if ranks.ndim != 1 or not len(ranks) or ranks.min() < 1:
        raise BadInput("Ranks are a list of numbers from 1 up, one a question.")
    return ranks
