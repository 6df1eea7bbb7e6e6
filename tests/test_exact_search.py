"""Exact search against a loop over all passages."""

import numpy as np
import pytest

from course_utils.errors import BadInput
from course_utils.retrieval import exact_search


@pytest.fixture(scope="module")
def vectors():
    rng = np.random.default_rng(0)
    units = rng.normal(size=(60, 8))
    return units / np.linalg.norm(units, axis=1, keepdims=True)


@pytest.mark.parametrize("k", [1, 7, 50, 99])
def test_the_best_are_those_that_a_loop_finds(vectors, k):
    questions, passages = vectors[:10], vectors[10:]
    found = exact_search(questions, passages, k)
    assert found.rows.shape == found.scores.shape == (10, min(k, 50))
    for question, rows, scores in zip(questions, found.rows, found.scores, strict=True):
        by_hand = sorted(range(50), key=lambda row: -float(question @ passages[row]))[:k]
        assert rows.tolist() == by_hand
        np.testing.assert_allclose(scores, passages[by_hand] @ question, rtol=1e-6)


def test_one_question_is_a_matrix_of_one_row(vectors):
    found = exact_search(vectors[0], vectors, 1)
    assert found.rows.tolist() == [[0]]


def test_equal_scores_are_in_the_order_of_the_rows(vectors):
    passages = np.repeat(vectors[:3], 4, axis=0)
    assert exact_search(vectors[1], passages, 4).rows.tolist() == [[4, 5, 6, 7]]


@pytest.mark.parametrize(
    "questions, passages, k",
    [
        (np.ones((2, 3)), np.ones((4, 2)), 1),
        (np.ones(3), np.ones(3), 1),
        (np.ones((2, 3)), np.ones((4, 3)), 0),
        (np.ones((2, 3)), np.ones((0, 3)), 1),
        (np.ones((2, 3)), np.full((4, 3), np.nan), 1),
        (np.ones((2, 3)), np.ones((4, 3)), 1.5),
    ],
)
def test_what_cannot_be_searched_is_refused(questions, passages, k):
    with pytest.raises(BadInput):
        exact_search(questions, passages, k)
