"""Comparing vectors: cosine matrices, neighbours, analogies, and how a space is used.

All inputs are arrays `[n, d]`; all results are float64 unless said otherwise.
"""

from collections.abc import Sequence

import numpy as np

from course_utils.errors import BadInput


def unit(vectors) -> np.ndarray:
    """Each row divided by its length, `[n, d]`. Raises BadInput for NaN, and for a zero row: it has
    no direction."""
    array = np.asarray(vectors, dtype=np.float64)
    if array.ndim != 2:
        raise BadInput(f"The vectors must be a matrix [n, d]; their shape is {array.shape}.")
    if not np.isfinite(array).all():
        raise BadInput("The vectors hold NaN or infinite values.")
    lengths = np.linalg.norm(array, axis=1, keepdims=True)
    if (zero := np.flatnonzero(lengths == 0)).size:
        raise BadInput(f"Row {zero[0]} is a zero vector: the cosine with it is not defined.")
    return array / lengths


def cosine_matrix(a, b=None) -> np.ndarray:
    """The cosine of each row of `a` `[n, d]` with each row of `b` `[m, d]`: `[n, m]`, within ±1.

    `b=None` compares `a` with itself. Raises BadInput as `unit` does.
    """
    left = unit(a)
    right = left if b is None else unit(b)
    return np.clip(left @ right.T, -1.0, 1.0)


def neighbours(
    query, table, words: Sequence[str], k: int = 5, exclude: Sequence[str] = ()
) -> list[tuple[str, float]]:
    """The `k` words whose vectors have the highest cosine with `query` `[d]`, best first.

    `table` is `[V, d]`, one row a word of `words`; `exclude` leaves words out, as is usual for the
    words of the question itself.
    """
    if len(words) != len(table):  # or each word would have another one's vector
        raise BadInput(f"There are {len(words)} words and {len(table)} vectors.")
    scores = cosine_matrix(np.asarray(query)[None], table)[0]
    left_out = set(exclude)
    best = np.argsort(-scores, kind="stable")[: k + len(left_out)]
    ranked = [(words[row], float(scores[row])) for row in best if words[row] not in left_out]
    return ranked[:k]


def analogy(
    a: str, b: str, c: str, table, words: Sequence[str], k: int = 5
) -> list[tuple[str, float]]:
    """What is to c as b is to a: the neighbours of b - a + c, all of length 1, without a, b and c.

    Source: Mikolov, Yih and Zweig 2013, section 4 (the offset method, called 3CosAdd by Levy and
    Goldberg 2014).
    """
    rows = {word: row for row, word in enumerate(words)}
    va, vb, vc = unit(np.asarray(table)[[rows[word] for word in (a, b, c)]])
    return neighbours(vb - va + vc, table, words, k, exclude=(a, b, c))


def nearest_label_hits(vectors, labels: Sequence) -> np.ndarray:
    """Leave-one-out nearest neighbour: for each row, whether the nearest other row has its label.

    Returns float `[n]`, 1 for a hit and 0 for a miss; its mean is the accuracy. Where several rows
    are equally near, the share of them that hit: identical vectors score what guessing scores.
    """
    scores, names = cosine_matrix(vectors), np.asarray(labels)
    np.fill_diagonal(scores, -np.inf)
    nearest = scores >= scores.max(axis=1, keepdims=True) - 1e-9
    return (nearest & (names[:, None] == names)).sum(1) / nearest.sum(1)


def uniformity(vectors, t: float = 2.0) -> float:
    """How evenly unit vectors fill the sphere: log of the mean of exp(-t d²) over all pairs.

    d is the distance of two different rows, after each was brought to length 1. 0 if all are the
    same, lower for more spread. Source: Wang and Isola 2020, section 4.1.2.
    """
    scores = cosine_matrix(vectors)
    pairs = scores[np.triu_indices(len(scores), k=1)]
    return float(np.log(np.exp(-t * (2 - 2 * pairs)).mean()))


def alignment(first, second) -> float:
    """Mean squared distance of `first[i]` and `second[i]`, both `[n, d]`, as unit vectors: from 0,
    the two of each pair are the same, to 4, opposite. Source: Wang and Isola 2020, section 4.1.1.
    """
    return float(((unit(first) - unit(second)) ** 2).sum(1).mean())
