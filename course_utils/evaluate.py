"""How sure a number is: intervals, and tests of a difference. Used by every lesson."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from course_utils.errors import BadInput

Z95 = 1.959963984540054  # the 97.5 % point of the normal distribution


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
    independent, such as sentences about the same word. Source: Efron and Tibshirani 1993, ch. 13.
    """
    values = np.asarray(values)
    if len(values) < 2:
        raise BadInput("A bootstrap interval needs at least two values.")
    if groups is None:
        members = range(len(values))
    else:
        groups = np.asarray(groups)
        if len(groups) != len(values):
            raise BadInput(f"There are {len(values)} values and {len(groups)} group labels.")
        members = [np.flatnonzero(groups == name) for name in np.unique(groups)]
        if len(members) < 2:
            raise BadInput("A bootstrap interval over groups needs at least two groups.")
    results: list[float] = []
    for chosen in _drawn(len(members), len(members), resamples, seed):
        if groups is not None:
            rows = (np.concatenate([members[i] for i in some]) for some in chosen)
            results += [statistic(values[some]) for some in rows]
        elif statistic is np.mean and values.ndim == 1:  # by far the most frequent one
            results.extend(values[chosen].mean(axis=1))
        else:
            results += [statistic(values[some]) for some in chosen]
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
    Carterette 2007, section 3.3). Raises BadInput for lists of different length or fewer than two.
    """
    first, second = (np.asarray(values, dtype=np.float64) for values in (first, second))
    if first.ndim != 1 or first.shape != second.shape:
        raise BadInput(
            f"A paired test needs a value a question for both: not {first.shape}, {second.shape}."
        )
    differences = first - second
    low, high = bootstrap_interval(differences, seed=seed)
    observed = abs(differences.sum())
    as_large = 0
    for bits in _drawn(2, len(differences), resamples, seed):
        as_large += np.count_nonzero(abs((bits * 2 - 1) @ differences) >= observed - 1e-9)
    # The order that was observed counts as one of the resamples, so that p is never 0.
    p = (as_large + 1) / (resamples + 1)
    return Difference(float(differences.mean()), low, high, float(p))


def _drawn(below: int, size: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Random numbers from 0 up to `below`: int64 `[some, size]`, in all `resamples` rows.

    Many rows at once, as a call for each takes longer than the drawing; not all at once, as a
    million of them fill eight megabytes.
    """
    rng = np.random.default_rng(seed)
    at_once = max(1, 1_000_000 // size)
    for start in range(0, resamples, at_once):
        yield rng.integers(below, size=(min(at_once, resamples - start), size))
