"""Ranks, what they are worth, and the word-counting baseline."""

import math

import numpy as np
import pytest

from course_utils import ranking
from course_utils.bm25 import BM25, tokens
from course_utils.errors import BadInput
from course_utils.evaluate import bootstrap_interval, paired_difference

SCORES = np.array([[0.9, 0.5, 0.1], [0.9, 0.5, 0.1], [0.9, 0.5, 0.1]])


# ---- ranks -------------------------------------------------------------------------------------


def test_the_rank_is_where_the_right_answer_stands():
    assert ranking.ranks(SCORES).tolist() == [1, 2, 3]
    assert ranking.ranks(SCORES, right=[2, 0, 0]).tolist() == [3, 1, 1]
    assert ranking.ranks(np.array([[0.1, 0.2, 0.3]]), right=[1]).tolist() == [2]


def test_ties_count_against_the_system():
    assert ranking.ranks(np.zeros((4, 4))).tolist() == [4, 4, 4, 4]
    assert ranking.ranks(np.array([[0.5, 0.5, 0.1]])).tolist() == [2]


@pytest.mark.parametrize(
    ("scores", "right", "message"),
    [
        (np.zeros(3), None, "matrix"),
        (np.zeros((0, 3)), None, "matrix"),
        (np.full((2, 2), np.nan), None, "NaN"),
        (np.zeros((3, 2)), None, "column"),
        (np.zeros((2, 2)), [0, 2], "column"),
        (np.zeros((2, 2)), [0, -1], "column"),
        (np.zeros((2, 2)), [0], "column"),
    ],
)
def test_other_scores_are_refused(scores, right, message):
    with pytest.raises(BadInput, match=message):
        ranking.ranks(scores, right)


# ---- measures ----------------------------------------------------------------------------------


def test_the_measures_of_ranks_one_two_and_four():
    found = np.array([1, 2, 4])
    assert ranking.reciprocal_rank(found).tolist() == [1, 1 / 2, 1 / 4]
    assert ranking.recall_at(1, found).tolist() == [1, 0, 0]
    assert ranking.recall_at(2, found).tolist() == [1, 1, 0]


@pytest.mark.parametrize("wrong", [[], [0, 1], [[1]]])
def test_what_is_no_list_of_ranks_is_refused(wrong):
    with pytest.raises(BadInput, match="from 1 up"):
        ranking.reciprocal_rank(np.array(wrong))


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
    assert ranking.best_rank(np.array(scores, float), right) == rank


def test_with_one_right_entry_the_best_rank_is_the_rank():
    scores = np.random.default_rng(0).integers(9, size=(30, 40)).astype(float)
    best = [ranking.best_rank(row, [at]) for at, row in enumerate(scores)]
    assert best == ranking.ranks(scores).tolist()


@pytest.mark.parametrize("scores, right", [([1.0, np.nan], [0]), ([1.0], []), ([[1.0]], [0])])
def test_scores_without_a_best_rank_are_refused(scores, right):
    with pytest.raises(BadInput, match="a right entry"):
        ranking.best_rank(np.array(scores), right)


def test_the_rows_of_what_answers_and_a_question_that_nothing_answers():
    assert ranking.acceptable([("b", "gone"), ["a"]], ["a", "b"]) == [[1], [0]]
    with pytest.raises(BadInput, match="gone"):
        ranking.acceptable([["a"], ["gone"]], ["a", "b"])


# ---- paired compare ----------------------------------------------------------------------------


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


def test_a_paired_test_needs_the_same_questions():
    with pytest.raises(BadInput, match="paired"):
        paired_difference([1.0, 2.0], [1.0, 2.0, 3.0])


# ---- BM25 --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train_test_split", ["train", "test", "split"]),
        ("DataLoader HTTPServer", ["data", "loader", "http", "server"]),
        ("Sorted, sorting, sorts.", ["sort", "sort", "sort"]),
        ("conv2d 3-D", ["conv", "2", "d", "3", "d"]),
        ("Größe", ["größe"]),
        ("-- !", []),
    ],
)
def test_words_are_stems_of_the_parts_of_names(text, expected):
    assert tokens(text) == expected


def test_bm25_ranks_the_text_that_shares_rare_words_first():
    texts = ["Sorts an array in place.", "Splits an array.", "Opens a file.", "An array of zeros."]
    scores = BM25(texts).scores(["sorting an array", "files", "xylophone", ""])
    assert scores.shape == (4, 4) and scores.dtype == np.float32
    assert scores[0].argmax() == 0 and scores[1].argmax() == 2
    assert not scores[2:].any()


def test_bm25_by_hand():
    # One text of two shares the word: idf = ln(1 + 1.5 / 1.5), both texts are of mean length.
    (row,) = BM25(["red apple", "green pear"]).scores(["apple"])
    assert row.tolist() == pytest.approx([math.log(2) * 1 / (1 + 1.5), 0], abs=1e-6)


def test_bm25_is_loaded_as_it_was_saved(tmp_path):
    texts = ["Sorts an array in place.", "Opens a file."]
    BM25(texts).save(tmp_path / "counts")
    loaded, asked = BM25.load(tmp_path / "counts"), ["sort", "a file"]
    np.testing.assert_array_equal(loaded.scores(asked), BM25(texts).scores(asked))


def test_bm25_needs_words():
    for texts in ([], ["", "--"]):
        with pytest.raises(BadInput, match="word"):
            BM25(texts)
