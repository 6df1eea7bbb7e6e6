"""The figures of a cross-encoder, by hand and on a handful of texts."""

import numpy as np
import pytest

from tools import smoke
from tools.training.cross_encoder import Group, comparison, figures
from tools.training.cross_encoder.figures import Candidates

pytestmark = pytest.mark.usefixtures("one_thread")


def by_length(question: str, texts) -> np.ndarray:
    return np.array([float(len(text)) for text in texts])


# ------------------------------------------------------------------------------------ the figures


def test_the_right_text_is_ranked_among_the_candidates_by_hand():
    rows = np.array([[0, 1], [0, 2], [1, 2]])
    shown = Candidates(["a", "b", "c"], ["x", "y", "z"], np.arange(3), rows, np.zeros((3, 2)))
    scores = np.array([[0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])
    assert shown.reciprocal_rank(scores).tolist() == [0.5, 0.0, 1.0]  # text 1 is no candidate
    assert shown.reciprocal_rank(np.zeros((3, 2))).tolist() == [0.5, 0.0, 0.5]  # ties count against


def test_candidates_are_the_encoders_first_and_scored_in_their_order():
    pairs = smoke.pairs("open")
    shown = figures.candidates(pairs, first=3)
    assert shown.rows.shape == shown.cosines.shape == (8, 3)
    assert (np.diff(shown.cosines, axis=1) <= 0).all()
    assert (shown.rows[:, 0] == np.arange(8)).mean() > 0.8
    lengths = shown.scores(by_length)
    assert lengths[2].tolist() == [len(pairs[row].answer) for row in shown.rows[2]]
    late = shown.late_interaction()
    assert late.shape == (8, 3) and (late <= 1 + 1e-6).all()
    some = figures.candidates(pairs, first=3, questions=4)
    assert some.right.tolist() == [0, 2, 4, 6] and some.questions[1] == pairs[2].question
    np.testing.assert_array_equal(some.rows, shown.rows[::2])
    assert (some.reciprocal_rank(some.cosines) == shown.reciprocal_rank(shown.cosines)[::2]).all()


def test_standardised_scores_have_mean_0_and_deviation_1():
    found = figures.standardised(np.array([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]]))
    np.testing.assert_allclose(found, [[-1.2247449, 0, 1.2247449], [0, 0, 0]], atol=1e-6)


def test_hard_negatives_that_win_are_told_by_their_kind():
    """By length: the first right text is the longest, the second is beaten by one of two echoes."""
    groups = [Group("?", "aaaa", ("a", "aa")), Group("?", "aa", ("a", "aaa", "a"))]
    kinds = [["topic", "echo"], ["topic", "echo", "echo"]]
    found = comparison.choosing({"length": by_length}, groups, kinds)
    assert found["groups"] == 2
    system = found["systems"]["length"]
    assert system["first"][0] == 0.5 and system["MRR"][0] == 0.75
    assert system["beaten_by"] == {"topic": 0.0, "echo": 0.5}
