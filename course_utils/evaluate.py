"""How good a system is, and how sure that is: ranks, intervals, and tests of a difference.

A measure is a number a question, `[q]`: its mean is the figure that is told, and the intervals and
`paired_difference` say how sure it is. Ranks are taught in L4.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from course_utils.errors import BadInput

Z95 = 1.959963984540054  # the 97.5 % point of the normal distribution


def ranks(scores, right=None) -> np.ndarray:
    """The rank of the right answer of each question among all answers, from 1: int64 `[q]`.

    `scores` is `[q, a]`. `right` int `[q]` is the column of each question's answer; without it, the
    diagonal. Ties count against the system: an answer that scores as much as the right one stands
    before it, so that equal scores throughout earn the last rank. Raises BadInput for NaN.
    """
    scores = np.asarray(scores)
    if np.isnan(scores).any():  # it is larger than nothing: the rank would be too good
        raise BadInput("The scores hold NaN.")
    right = np.arange(len(scores)) if right is None else np.asarray(right)
    of_right = scores[np.arange(len(scores)), right]
    return (scores >= of_right[:, None]).sum(1)


def recall_at(k: int, ranks) -> np.ndarray:
    """1.0 where the right answer is among the first `k`, 0.0 where not: `[q]`."""
    return (np.asarray(ranks) <= k).astype(np.float64)


def reciprocal_rank(ranks) -> np.ndarray:
    """1 / rank, `[q]`; its mean is the MRR. Source: Voorhees 1999, "The TREC-8 Question Answering
    Track Report"."""
    return 1 / np.asarray(ranks)


def best_rank(scores, right) -> int:
    """The rank of the best of the `right` rows among all `scores` `[n]`, from 1.

    For questions that several entries answer: a person is content with the first. Ties count
    against the system, as in `ranks`. Raises BadInput for NaN.
    """
    scores, right = np.asarray(scores), list(right)
    if np.isnan(scores).any():
        raise BadInput("The scores hold NaN.")
    best = scores[right].max()
    return int((scores >= best).sum() - (scores[right] >= best).sum() + 1)


def acceptable(answers, names) -> list[list[int]]:
    """The rows of the entries that answer each question: `names` are those of all entries.

    `answers` holds the names that answer each question. Raises BadInput where all are missing.
    """
    rows = {name: row for row, name in enumerate(names)}
    found = [[rows[name] for name in each if name in rows] for each in answers]
    if not all(found):
        missing = answers[found.index([])]
        raise BadInput(f"None of these entries is there: {', '.join(missing)}.")
    return found


def wilson_interval(hits: float, total: int) -> tuple[float, float]:
    """The 95 % interval of a proportion, `hits` out of `total`.

    Source: Wilson 1927; unlike the textbook interval it stays within 0 and 1 and behaves near them.
    """
    if total < 1 or not 0 <= hits <= total:
        raise BadInput(f"{hits} hits out of {total} is not a proportion.")
    p = hits / total
    centre = p + Z95**2 / (2 * total)
    half = Z95 * np.sqrt(p * (1 - p) / total + Z95**2 / (4 * total**2))
    scale = 1 + Z95**2 / total
    # At 0 and at `total` one end is exact; rounding must not push it past.
    low = 0.0 if hits == 0 else (centre - half) / scale
    high = 1.0 if hits == total else (centre + half) / scale
    return float(low), float(high)


def bootstrap_interval(
    values,
    statistic: Callable[[np.ndarray], float] = np.mean,
    groups=None,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % percentile interval of a statistic over resampled rows of `values` `[n, ...]`.

    `groups` `[n]` resamples whole groups instead of rows: use it where rows of a group are not
    independent, such as sentences about the same word. Raises BadInput for a single row or group:
    its interval would be a point. Source: Efron and Tibshirani 1993, ch. 13.
    """
    values = np.asarray(values)
    members = range(len(values))
    if groups is not None:
        groups = np.asarray(groups)
        members = [np.flatnonzero(groups == name) for name in np.unique(groups)]
        if len(groups) != len(values):  # rows without a group would be left out
            raise BadInput(f"There are {len(values)} values and {len(groups)} group labels.")
    if len(members) < 2:
        raise BadInput("A bootstrap interval needs at least two values, and two groups.")
    results: list[float] = []
    for chosen in _drawn(len(members), len(members), resamples, seed):
        if groups is not None:
            rows = (np.concatenate([members[i] for i in each]) for each in chosen)
            results += [statistic(values[each]) for each in rows]
        elif statistic is np.mean and values.ndim == 1:  # by far the most frequent one
            results.extend(values[chosen].mean(axis=1))
        else:
            results += [statistic(values[each]) for each in chosen]
    low, high = np.percentile(results, [2.5, 97.5])
    return float(low), float(high)


def summary(values, groups=None) -> list[float]:
    """`[mean, low, high]` with `bootstrap_interval`, in four decimals: for a stored run."""
    values = np.asarray(values, dtype=np.float64)
    low, high = bootstrap_interval(values, groups=groups)
    return [round(float(number), 4) for number in (values.mean(), low, high)]


@dataclass(frozen=True)
class Difference:
    """How much the first system is ahead of the second on the same questions.

    `mean`: of the differences, with its 95 % interval `low` to `high`. `p`: how often a difference
    as large comes about where the two are equally good.
    """

    mean: float
    low: float
    high: float
    p: float


def paired_difference(first, second, resamples: int = 10_000, seed: int = 0) -> Difference:
    """Compare two systems on the same n questions, given a value of each for each question: `[n]`.

    The interval resamples questions (`bootstrap_interval`). The p-value is two-sided and swaps the
    two systems' values at random, question by question (a permutation test; Smucker, Allan and
    Carterette 2007, section 3.3).
    """
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    low, high = bootstrap_interval(differences, seed=seed)
    as_large = 1  # the order that was observed is one of the resamples, so that p is never 0
    for bits in _drawn(2, len(differences), resamples, seed):
        sums = abs((bits * 2 - 1) @ differences)
        as_large += np.count_nonzero(sums >= abs(differences.sum()) - 1e-9)
    return Difference(float(differences.mean()), low, high, as_large / (resamples + 1))


def _drawn(below: int, size: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Random numbers from 0 up to `below`: int64 `[some, size]`, in all `resamples` rows.

    Many rows at once, as a call for each takes longer than the drawing; not all at once, as a
    million of them fill eight megabytes.
    """
    rng = np.random.default_rng(seed)
    at_once = max(1, 1_000_000 // size)
    for start in range(0, resamples, at_once):
        yield rng.integers(below, size=(min(at_once, resamples - start), size))
