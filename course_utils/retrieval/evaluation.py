"""How well a system finds the entries that answer a question. Taught in L5.

As `course_utils.ranking`, but a question may have several entries that answer it, and a person is
content with the first: what counts is the rank of the best of them. nDCG looks at all of them.
"""

from collections.abc import Sequence

import numpy as np

from course_utils import ranking
from course_utils.data import Question
from course_utils.errors import BadInput


def acceptable(questions: Sequence[Question], names: Sequence[str]) -> list[list[int]]:
    """The rows of the entries that answer each question: `names` are those of the entries.

    Raises BadInput for a question without an answer, or whose answers are all missing.
    """
    rows = {name: row for row, name in enumerate(names)}
    found = [[rows[name] for name in each.answers if name in rows] for each in questions]
    for each, right in zip(questions, found, strict=True):
        if not right:
            raise BadInput(f"None of the entries answers {each.question!r}.")
    return found


def best_rank(scores, right: Sequence[int]) -> int:
    """The rank of the best of the `right` entries among all `scores` `[n]`, from 1.

    As in `ranking.ranks`, ties count against the system: a wrong entry that scores as much stands
    before. Raises BadInput for NaN or where nothing is right.
    """
    scores, right = np.asarray(scores), list(right)
    if scores.ndim != 1 or not right or np.isnan(scores).any():
        raise BadInput("Ranks need a score for each entry, none of them NaN, and a right entry.")
    best = scores[right].max()
    return int((scores >= best).sum() - (scores[right] >= best).sum() + 1)


def ndcg_at(k: int, scores, right: Sequence[int]) -> float:
    """The discounted gain of the first `k` entries, as a share of the best order's: 0 to 1.

    Each right entry gains 1 / log2(1 + rank). Source: Järvelin and Kekäläinen 2002, section 2.2.
    """
    scores = np.asarray(scores)
    is_right = np.isin(np.arange(len(scores)), list(right))
    order = np.lexsort((is_right, -scores))[:k]  # among equal scores the wrong ones first
    gained = sum(1 / np.log2(2 + place) for place in np.flatnonzero(is_right[order]))
    ideal = sum(1 / np.log2(1 + rank) for rank in range(1, min(k, len(right)) + 1))
    return float(gained / ideal)


def measured(scores: Sequence, right: Sequence[Sequence[int]]) -> dict[str, np.ndarray]:
    """Each measure, a number a question, `[q]`: MRR, recall@1, @5 and @10, and nDCG@10.

    `scores` holds the scores `[n]` of all entries for each question, `right` its right rows.
    recall@k is 1 where a right entry is among the first k.
    """
    ranks = np.array([best_rank(each, rows) for each, rows in zip(scores, right, strict=True)])
    return {
        "MRR": ranking.reciprocal_rank(ranks),
        **{f"recall@{k}": ranking.recall_at(k, ranks) for k in (1, 5, 10)},
        "nDCG@10": np.array(
            [ndcg_at(10, each, rows) for each, rows in zip(scores, right, strict=True)]
        ),
    }
