"""Exact search: compare a question with every passage and keep the best. Taught in L5."""

from dataclasses import dataclass

import numpy as np

from course_utils.errors import BadInput


@dataclass(frozen=True)
class Found:
    """The k best passages of each of q questions, best first.

    `rows` int64 `[q, k]`: their row numbers. `scores` float32 `[q, k]`: their scores.
    """

    rows: np.ndarray
    scores: np.ndarray


def exact_search(questions, passages, k: int = 10) -> Found:
    """The `k` passages with the highest dot product; for unit vectors, the highest cosine.

    `questions` `[q, d]` (or `[d]` for one), `passages` `[n, d]`; all n where k is larger. Equal
    scores are in the order of the rows. Raises BadInput for other shapes, NaN, or k below 1.
    """
    questions, passages = np.atleast_2d(np.asarray(questions)), np.asarray(passages)
    if questions.ndim != 2 or passages.ndim != 2 or questions.shape[1] != passages.shape[1]:
        raise BadInput(
            "Questions are [q, d] and passages [n, d] of one d: not "
            f"{questions.shape} and {passages.shape}."
        )
    if not isinstance(k, int | np.integer) or k < 1 or not len(passages):
        raise BadInput(f"The best k={k!r} of {len(passages)} passages: both have to be 1 or more.")
    scores = questions @ passages.T  # [q, n]
    if np.isnan(scores).any():
        raise BadInput("The vectors hold NaN.")
    rows = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return Found(rows, np.take_along_axis(scores, rows, axis=1).astype(np.float32))
