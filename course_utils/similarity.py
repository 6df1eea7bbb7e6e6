"""Comparing vectors: cosine matrices, neighbours, analogies, and how tightly a space is packed.

Taught in L2. All inputs are arrays `[n, d]`; all results are float64 unless said otherwise.
"""

from collections.abc import Sequence

import numpy as np

from course_utils.errors import BadInput


def _rows(vectors, name: str) -> np.ndarray:
    array = np.asarray(vectors, dtype=np.float64)
    if array.ndim != 2:
        raise BadInput(f"{name} must be a matrix [n, d]; its shape is {array.shape}.")
    if not np.isfinite(array).all():
        raise BadInput(f"{name} holds NaN or infinite values.")
    return array


def unit(vectors) -> np.ndarray:
    """Each row divided by its length, `[n, d]`. A zero row has no direction: it raises BadInput."""
    array = _rows(vectors, "vectors")
    lengths = np.linalg.norm(array, axis=1, keepdims=True)
    if (zero := np.flatnonzero(lengths == 0)).size:
        raise BadInput(f"Row {zero[0]} is a zero vector: the cosine with it is not defined.")
    return array / lengths


def cosine_matrix(a, b=None) -> np.ndarray:
    """The cosine of each row of `a` `[n, d]` with each row of `b` `[m, d]`: `[n, m]`, within ±1.

    `b=None` compares `a` with itself. Raises BadInput for other shapes, NaN and zero rows.
    """
    left = unit(a)
    right = left if b is None else unit(b)
    if left.shape[1] != right.shape[1]:
        raise BadInput(f"a has {left.shape[1]} dimensions and b has {right.shape[1]}.")
    return np.clip(left @ right.T, -1.0, 1.0)


def neighbours(
    query, table, words: Sequence[str], k: int = 5, exclude: Sequence[str] = ()
) -> list[tuple[str, float]]:
    """The `k` words whose vectors have the highest cosine with `query` `[d]`, best first.

    `table` is `[V, d]`, one row a word of `words`; `exclude` leaves words out, as is usual for the
    words of the question itself.
    """
    if len(words) != len(table):
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
    Goldberg 2014). Raises BadInput for a word that the table does not hold.
    """
    rows = {word: row for row, word in enumerate(words)}
    if unknown := [word for word in (a, b, c) if word not in rows]:
        raise BadInput(f"Not in the table: {', '.join(unknown)}. Use single lower-case words.")
    va, vb, vc = unit(np.asarray(table)[[rows[word] for word in (a, b, c)]])
    return neighbours(vb - va + vc, table, words, k, exclude=(a, b, c))


def within_across(vectors, labels: Sequence) -> tuple[float, float]:
    """Mean cosine of pairs with the same label, and of pairs with different labels."""
    scores, same = cosine_matrix(vectors), _same_label(vectors, labels)
    pair = ~np.eye(len(scores), dtype=bool)
    if not (same & pair).any() or not (~same).any():
        raise BadInput("within_across needs two labels, and a label that occurs twice.")
    return float(scores[same & pair].mean()), float(scores[~same].mean())


def nearest_label_hits(vectors, labels: Sequence) -> np.ndarray:
    """Leave-one-out nearest neighbour: for each row, whether the nearest other row has its label.

    Returns float `[n]`, 1 for a hit and 0 for a miss; its mean is the accuracy. Where several rows
    are equally near, the share of them that hit: identical vectors score what guessing scores.
    """
    scores, same = cosine_matrix(vectors), _same_label(vectors, labels)
    if len(scores) < 2:
        raise BadInput("nearest_label_hits needs at least two vectors.")
    np.fill_diagonal(scores, -np.inf)
    nearest = scores >= scores.max(axis=1, keepdims=True) - 1e-9
    return (nearest & same).sum(1) / nearest.sum(1)


def _same_label(vectors, labels: Sequence) -> np.ndarray:
    """For each two of n vectors, whether they have the same label: bool `[n, n]`."""
    if len(labels) != len(vectors):
        raise BadInput(f"There are {len(vectors)} vectors and {len(labels)} labels.")
    names = np.asarray(labels)
    return names[:, None] == names[None, :]


def anisotropy(vectors) -> float:
    """Mean cosine over all pairs of different rows: 0 in a space used evenly, 1 in one direction.

    Source: Ethayarajh 2019, section 3.3 (there over random words).
    """
    directions = unit(vectors)
    n = len(directions)
    if n < 2:
        raise BadInput("anisotropy needs at least two vectors.")
    total = float((directions.sum(0) ** 2).sum())  # over all pairs, the n self-pairs included
    return (total - n) / (n * (n - 1))


def uniformity(vectors, t: float = 2.0) -> float:
    """How evenly unit vectors fill the sphere: log of the mean of exp(-t d²) over all pairs.

    `vectors` is `[n, d]`, n at least 2; d is the distance of two different rows, after each was
    brought to length 1. 0 if all are the same, lower for more spread. Source: Wang and Isola 2020,
    section 4.1.2.
    """
    scores = cosine_matrix(vectors)
    if len(scores) < 2:
        raise BadInput("uniformity needs at least two vectors.")
    pairs = scores[np.triu_indices(len(scores), k=1)]
    return float(np.log(np.exp(-t * (2 - 2 * pairs)).mean()))


def alignment(first, second) -> float:
    """Mean squared distance of `first[i]` and `second[i]`, both `[n, d]`, as unit vectors.

    0 if the two of each pair are the same, 4 if they are opposite. Source: Wang and Isola 2020,
    section 4.1.1.
    """
    a, b = unit(first), unit(second)
    if a.shape != b.shape:
        raise BadInput(f"The two sides of the pairs have the shapes {a.shape} and {b.shape}.")
    return float(((a - b) ** 2).sum(1).mean())


def pearson(a, b) -> float:
    """The correlation of two lists of n numbers: 1 on a rising line, -1 on a falling one.

    Raises BadInput for lists of different length, of fewer than two numbers, or where one list
    holds the same number throughout: the correlation with it is not defined.
    """
    a, b = _numbers(a, b)
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)), -1.0, 1.0))


def spearman(a, b) -> float:
    """The correlation of the ranks of two lists of n numbers; equal numbers share their mean rank.

    Raises BadInput as `pearson` does.
    """
    from scipy.stats import rankdata

    a, b = _numbers(a, b)
    return pearson(rankdata(a), rankdata(b))


def _numbers(a, b) -> tuple[np.ndarray, np.ndarray]:
    """Two lists that a correlation is defined for."""
    one, two = (np.asarray(values, dtype=np.float64) for values in (a, b))
    if one.ndim != 1 or one.shape != two.shape or len(one) < 2:
        raise BadInput(
            "A correlation needs two lists of one length, at least 2: not "
            f"{one.shape} and {two.shape}."
        )
    for values in (one, two):
        if not np.isfinite(values).all():
            raise BadInput("A correlation of NaN or infinite values is not defined.")
        if np.ptp(values) == 0:
            raise BadInput("A list of equal numbers has no correlation with anything.")
    return one, two
