"""Ranks and gains where a question has several right entries."""

import numpy as np
import pytest

from course_utils import ranking
from course_utils.data import Question
from course_utils.errors import BadInput
from course_utils.retrieval import evaluation


@pytest.mark.parametrize(
    "scores, right, rank",
    [
        ([3, 2, 1], [0], 1),
        ([3, 2, 1], [1, 2], 2),
        ([3, 2, 1], [2, 0], 1),
        ([1, 1, 1], [0], 3),  # ties count against the system
        ([1, 1, 1], [0, 2], 2),  # but a right entry does not stand before another
        ([5, 1, 1, 0], [1, 2], 2),
    ],
)
def test_the_rank_is_that_of_the_best_right_entry(scores, right, rank):
    assert evaluation.best_rank(np.array(scores, float), right) == rank


def test_with_one_right_entry_it_is_the_rank_and_the_gain_of_l4():
    scores = np.random.default_rng(0).normal(size=(30, 40))
    ranks = ranking.ranks(scores, np.arange(30))
    right = [[row] for row in range(30)]
    found = evaluation.measured(scores, right)
    np.testing.assert_allclose(found["MRR"], ranking.reciprocal_rank(ranks))
    np.testing.assert_allclose(found["nDCG@10"], ranking.ndcg_at(10, ranks))
    for k in (1, 5, 10):
        np.testing.assert_allclose(found[f"recall@{k}"], ranking.recall_at(k, ranks))


def test_the_gain_is_a_share_of_the_best_order_by_hand():
    scores = np.array([4.0, 3.0, 2.0, 1.0])
    gained = 1 / np.log2(3) + 1 / np.log2(5)
    assert evaluation.ndcg_at(10, scores, [1, 3]) == pytest.approx(gained / (1 + 1 / np.log2(3)))
    assert evaluation.ndcg_at(1, scores, [1, 3]) == 0
    assert evaluation.ndcg_at(10, scores, [0, 1]) == pytest.approx(1)


@pytest.mark.parametrize("scores, right", [([1.0, np.nan], [0]), ([1.0], []), ([[1.0]], [0])])
def test_scores_without_a_rank_are_refused(scores, right):
    with pytest.raises(BadInput):
        evaluation.best_rank(np.array(scores), right)


def test_the_rows_of_acceptable_entries_and_a_question_that_nothing_answers():
    asked = Question("what?", "how", "tune", ("b", "gone"))
    assert evaluation.acceptable([asked], ["a", "b"]) == [[1]]
    with pytest.raises(BadInput, match="what"):
        evaluation.acceptable([asked], ["a"])
