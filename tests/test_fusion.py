"""One ranking made of several: by ranks, and by standardised scores."""

import numpy as np
import pytest

from course_utils.errors import BadInput
from course_utils.retrieval import reciprocal_rank_fusion, standardised, weighted_sum


def test_reciprocal_rank_fusion_by_hand():
    fused = reciprocal_rank_fusion([["a", "b", "c"], ["b", "d"]], constant=1)
    assert fused == [("b", 1 / 3 + 1 / 2), ("a", 1 / 2), ("d", 1 / 3), ("c", 1 / 4)]


def test_an_item_of_one_ranking_alone_still_counts_and_ties_keep_their_order():
    fused = reciprocal_rank_fusion([["x"], ["y"], []])
    assert [name for name, _ in fused] == ["x", "y"]
    assert fused[0][1] == fused[1][1] == 1 / 61


def test_a_large_constant_counts_rankings_and_a_small_one_first_places():
    rankings = [["a", "b"], ["c", "b"], ["d", "e", "b"]]
    assert reciprocal_rank_fusion(rankings, constant=0)[0][0] == "b"
    assert reciprocal_rank_fusion([["a", "b"], ["c", "d", "e", "b"]], constant=0)[0][0] == "a"
    assert reciprocal_rank_fusion([["a", "b"], ["c", "d", "e", "b"]], constant=60)[0][0] == "b"


@pytest.mark.parametrize("rankings, constant", [([["a", "a"]], 60), ([["a"]], -1)])
def test_a_ranking_with_an_item_twice_and_a_negative_constant_are_refused(rankings, constant):
    with pytest.raises(BadInput):
        reciprocal_rank_fusion(rankings, constant)


def test_standardised_scores_have_mean_zero_and_spread_one_row_by_row():
    scores = np.random.default_rng(0).normal(5, 3, (4, 50))
    found = standardised(scores)
    np.testing.assert_allclose(found.mean(1), 0, atol=1e-12)
    np.testing.assert_allclose(found.std(1), 1)
    np.testing.assert_allclose(found, standardised(10 * scores - 7))


def test_equal_scores_say_nothing():
    assert (standardised([0.3, 0.3, 0.3]) == 0).all()


def test_a_weighted_sum_by_hand_and_a_weight_of_zero():
    one, other = [0.0, 2.0], [10.0, 0.0]
    assert weighted_sum([one, other], [1, 3]).tolist() == [2.0, -2.0]
    assert weighted_sum([one, other], [1, 0]).tolist() == [-1.0, 1.0]


@pytest.mark.parametrize(
    "scores, weights",
    [([], []), ([[1, 2]], [1, 1]), ([[1, 2], [1, 2, 3]], [1, 1]), ([[1, 2]], [np.nan])],
)
def test_sums_that_cannot_be_made_are_refused(scores, weights):
    with pytest.raises(BadInput):
        weighted_sum(scores, weights)
