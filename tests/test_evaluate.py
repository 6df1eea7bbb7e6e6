"""Intervals and ranks: against worked cases, against scipy, and by how often they hold."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats

from course_utils import evaluate
from course_utils.errors import BadInput
from course_utils.evaluate import (
    bootstrap_interval,
    paired_difference,
    summary,
    wilson_interval,
)

near = partial(assert_allclose, rtol=0)

# ------------------------------------------------------------------------------------- Wilson


@pytest.mark.parametrize(
    "hits, total, low, high",
    [
        # The examples of method 3 in Newcombe 1998, "Two-sided confidence intervals for the single
        # proportion: comparison of seven methods", Statistics in Medicine 17, pages 857 to 872.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_against_published_intervals(hits, total, low, high):
    near(wilson_interval(hits, total), [low, high], atol=5e-5)


def test_wilson_by_hand():
    """5 of 10: the half-width is z/2 · sqrt(1 / (10 + z²))."""
    z = stats.norm.ppf(0.975)
    half = z / 2 / (10 + z**2) ** 0.5
    near(wilson_interval(5, 10), [0.5 - half, 0.5 + half], atol=1e-12)


@pytest.mark.parametrize("total", [1, 2, 7, 100, 10_000])
def test_wilson_at_both_ends(total):
    low, high = wilson_interval(0, total)
    z = stats.norm.ppf(0.975)
    assert low == 0.0
    near(high, z**2 / (total + z**2), atol=1e-12)
    other = wilson_interval(total, total)
    assert other[1] == 1.0
    near(other[0], 1 - high, atol=1e-12)


def test_wilson_against_scipy_and_its_own_mirror():
    for total in (3, 10, 61):
        for hits in range(total + 1):
            expected = stats.binomtest(hits, total).proportion_ci(method="wilson")
            found = wilson_interval(hits, total)
            near(found, [expected.low, expected.high], atol=1e-12)
            near(wilson_interval(total - hits, total), [1 - found[1], 1 - found[0]], atol=1e-12)
            assert 0 <= found[0] <= hits / total <= found[1] <= 1
            assert all(type(end) is float for end in found)


@pytest.mark.parametrize("hits, total", [(0, 0), (1, 0), (-1, 5), (6, 5), (0, -3), (np.nan, 5)])
def test_what_is_no_proportion_is_refused(hits, total):
    with pytest.raises(BadInput, match=f"{hits} hits out of {total} is not a proportion"):
        wilson_interval(hits, total)


# ---------------------------------------------------------------------------------- bootstrap


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(0).normal(size=50)
    assert bootstrap_interval(values) == bootstrap_interval(list(values), seed=0)
    assert bootstrap_interval(values, seed=1) != bootstrap_interval(values, seed=2)
    assert all(type(end) is float for end in bootstrap_interval(values))


@pytest.mark.parametrize("size, resamples", [(2, 40), (61, 300), (1500, 1400)])
def test_many_resamples_at_once_are_those_of_one_after_the_other(size, resamples):
    """To the last digit: stored figures must not change. The last case takes more than one part."""
    first, second = 1 / np.random.default_rng(3).integers(1, 12, size=(2, size))
    rng = np.random.default_rng(7)
    means = [first[rng.integers(size, size=size)].mean() for _ in range(resamples)]
    low, high = np.percentile(means, [2.5, 97.5])
    assert bootstrap_interval(first, resamples=resamples, seed=7) == (low, high)
    apart, rng, as_large = first - second, np.random.default_rng(7), 0
    for _ in range(resamples):
        swapped = apart @ (rng.integers(2, size=size) * 2 - 1)
        as_large += abs(swapped) >= abs(apart.sum()) - 1e-9
    found = paired_difference(first, second, resamples, seed=7)
    assert found.p == (as_large + 1) / (resamples + 1)


def test_the_interval_of_a_mean_is_that_of_normal_theory():
    """For 400 values within 5 % of its width: that is what 2000 resamples can tell."""
    values = np.random.default_rng(0).exponential(size=400)
    low, high = bootstrap_interval(values, resamples=4000)
    half = 1.96 * values.std() / 20
    near([low, high], [values.mean() - half, values.mean() + half], atol=0.2 * half)
    near(high - low, 2 * half, atol=0.05 * 2 * half)


def test_about_95_of_100_intervals_hold_the_true_mean():
    """Of 300 samples of 40; 92.5 to 97.5 % would be two standard deviations off 95 %."""
    rng = np.random.default_rng(0)
    held = 0
    for seed in range(300):
        low, high = bootstrap_interval(rng.normal(size=40), resamples=400, seed=seed)
        held += low <= 0 <= high
    assert 0.90 <= held / 300 <= 0.975


def test_any_statistic_of_whole_rows():
    """The correlation of two columns, whose rows must stay together."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=200)
    rows = np.stack([x, 0.8 * x + 0.6 * rng.normal(size=200)], axis=1)
    low, high = bootstrap_interval(rows, lambda some: np.corrcoef(some.T)[0, 1], resamples=500)
    assert 0.7 < low < np.corrcoef(rows.T)[0, 1] < high < 0.9
    medians = bootstrap_interval(x, np.median, resamples=500)
    assert medians[0] < np.median(x) < medians[1]


def test_groups_are_drawn_whole():
    """Every resample is made of as many groups as there are, whatever their order and size."""
    groups = np.array(["b", "a", "b", "c", "b", "c", "a"])
    seen = []

    def look(some: np.ndarray) -> float:
        seen.append(some)
        return 0.0

    values = np.arange(7)
    bootstrap_interval(values, look, groups=groups, resamples=200)
    of = {name: values[groups == name] for name in "abc"}
    for some in seen:
        times = {name: np.count_nonzero(some == of[name][0]) for name in "abc"}
        assert sum(times.values()) == 3
        whole = np.concatenate([np.tile(of[name], times[name]) for name in "abc"])
        assert sorted(some) == sorted(whole)
    assert len({some.tobytes() for some in seen}) > 10


def test_groups_that_agree_within_widen_the_interval():
    """Ten groups of ten equal values hold ten values, not a hundred."""
    means = np.random.default_rng(0).normal(size=10)
    values, groups = np.repeat(means, 10), np.repeat(range(10), 10)
    low, high = bootstrap_interval(values, groups=groups)
    near([low, high], bootstrap_interval(means), atol=1e-12)
    plain = bootstrap_interval(values)
    assert abs((high - low) / (plain[1] - plain[0]) - 10**0.5) < 0.25


@pytest.mark.parametrize(
    "values, groups, message",
    [
        ([1.0], None, "at least two values"),
        ([1.0, 2.0, 3.0], ["a", "a"], "There are 3 values and 2 group labels"),
        ([1.0, 2.0, 3.0], ["a", "a", "a"], "two groups"),  # it would be a point
    ],
)
def test_what_would_have_a_wrong_interval_is_refused(values, groups, message):
    with pytest.raises(BadInput, match=message):
        bootstrap_interval(values, groups=groups)


def test_a_summary_is_the_mean_with_its_interval_in_four_decimals():
    values = np.arange(30) / 7
    low, high = bootstrap_interval(values, groups=np.arange(30) // 3)
    wanted = [round(float(values.mean()), 4), round(low, 4), round(high, 4)]
    assert summary(values, groups=np.arange(30) // 3) == wanted


# ------------------------------------------------------------------------- paired differences


def test_a_system_that_is_always_ahead_differs_for_sure():
    first, second = np.full(40, 0.6), np.full(40, 0.5)
    found = paired_difference(first, second, resamples=999)
    assert (found.mean, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    assert found.p == 1 / 1000  # no swap of signs is as one-sided as what was observed


def test_two_equal_systems_do_not_differ():
    values = np.random.default_rng(0).random(50)
    same = paired_difference(values, values, resamples=200)
    assert (same.mean, same.p) == (0, 1)
    noise = paired_difference(values, np.roll(values, 1), resamples=500)
    assert noise.low < 0 < noise.high
    assert noise.p > 0.5


def test_the_permutation_p_value_is_that_of_scipy():
    from scipy.stats import permutation_test

    rng = np.random.default_rng(1)
    first, second = rng.random(12), rng.random(12) - 0.2
    exact = permutation_test(
        (first, second), lambda a, b: a.mean() - b.mean(), permutation_type="samples"
    )
    assert paired_difference(first, second).p == pytest.approx(exact.pvalue, abs=0.02)


def test_pairing_sees_what_two_intervals_hide():
    hard = np.random.default_rng(0).random(200)  # questions differ far more than the two systems
    found = paired_difference(hard + 0.02, hard, resamples=500)
    assert found.low > 0
    low, high = bootstrap_interval(hard)
    assert low < np.mean(hard + 0.02) < high


SCORES = np.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1], [0.9, 0.5, 0.1]])


# -------------------------------------------------------------------------------------- ranks


def test_the_rank_is_where_the_right_answer_stands():
    assert evaluate.ranks(SCORES).tolist() == [1, 2, 3]
    assert evaluate.ranks(SCORES, right=[2, 0, 0]).tolist() == [3, 1, 1]
    assert evaluate.ranks(np.array([[0.1, 0.2, 0.3]]), right=[1]).tolist() == [2]


def test_ties_count_against_the_system():
    assert evaluate.ranks(np.zeros((4, 4))).tolist() == [4, 4, 4, 4]
    assert evaluate.ranks(np.array([[0.5, 0.5, 0.1]])).tolist() == [2]


def test_no_number_has_no_rank():
    for scores in ([[np.nan, 0.1], [0.1, np.nan]], [[0.3, np.nan], [0.1, 0.2]]):
        with pytest.raises(BadInput, match="NaN"):
            evaluate.ranks(scores)
        with pytest.raises(BadInput, match="NaN"):
            evaluate.best_rank(scores[0], [0])


def test_the_measures_of_ranks_one_two_and_four():
    found = np.array([1, 2, 4])
    assert evaluate.reciprocal_rank(found).tolist() == [1, 1 / 2, 1 / 4]
    assert evaluate.recall_at(1, found).tolist() == [1, 0, 0]
    assert evaluate.recall_at(2, found).tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("scores", "right", "rank"),
    [
        ([3, 2, 1], [0], 1),
        ([3, 2, 1], [2, 1], 2),
        ([1, 1, 1], [0], 3),
        ([1, 1, 1], [0, 2], 2),  # a right entry does not stand before another
        ([5, 1, 1, 0], [1, 2], 2),
    ],
)
def test_the_best_rank_is_that_of_the_first_right_entry(scores, right, rank):
    assert evaluate.best_rank(np.array(scores, float), right) == rank


def test_with_one_right_entry_the_best_rank_is_the_rank():
    scores = np.random.default_rng(0).integers(9, size=(30, 40)).astype(float)
    best = [evaluate.best_rank(row, [at]) for at, row in enumerate(scores)]
    assert best == evaluate.ranks(scores).tolist()


def test_the_rows_of_what_answers_and_a_question_that_nothing_answers():
    assert evaluate.acceptable([("b", "gone"), ["a"]], ["a", "b"]) == [[1], [0]]
    with pytest.raises(BadInput, match="gone"):
        evaluate.acceptable([["a"], ["gone"]], ["a", "b"])
