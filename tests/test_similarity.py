"""Cosines and what is made of them, against cases worked out by hand, and loops."""

from functools import partial
from math import exp, log, sqrt

import numpy as np
import pytest
from numpy.testing import assert_allclose

from course_utils import similarity
from course_utils.errors import BadInput

near = partial(assert_allclose, rtol=0, atol=1e-12)


def cosine(a, b) -> float:
    """Without numpy's help."""
    dot, aa, bb = (
        sum(x * y for x, y in zip(*two, strict=True)) for two in ((a, b), (a, a), (b, b))
    )
    return dot / sqrt(aa * bb)


@pytest.fixture
def vectors() -> np.ndarray:
    """Twelve vectors with a direction in common, so that no cosine is near 0 by chance."""
    return np.random.default_rng(0).normal(size=(12, 5)) + 0.7


# ------------------------------------------------------------------------------------- cosines


def test_cosines_by_hand():
    a = [[3, 4], [0, 2]]
    b = [[5, 0], [-3, -4], [1, 1]]
    expected = [[0.6, -1, 7 / (5 * sqrt(2))], [0, -0.8, 1 / sqrt(2)]]
    near(similarity.cosine_matrix(a, b), expected)
    near(similarity.cosine_matrix(a), [[1, 0.8], [0.8, 1]])


def test_cosines_against_a_loop(vectors):
    expected = [[cosine(a, b) for b in vectors[:5]] for a in vectors]
    near(similarity.cosine_matrix(vectors, vectors[:5]), expected)


def test_lengths_do_not_count_and_the_input_stays_as_it_is(vectors):
    scaled = vectors * np.logspace(-30, 30, 12)[:, None]
    before = scaled.copy()
    near(similarity.cosine_matrix(scaled), similarity.cosine_matrix(vectors))
    assert np.array_equal(scaled, before)


def test_cosines_are_float64_and_never_beyond_one():
    rng = np.random.default_rng(0)
    scores = similarity.cosine_matrix(rng.normal(size=(200, 3)).astype(np.float32))
    assert scores.dtype == np.float64
    assert scores.max() == 1 and scores.min() >= -1
    assert similarity.cosine_matrix(np.zeros((0, 3)), np.ones((2, 3))).shape == (0, 2)


def test_unit_vectors_keep_their_direction(vectors):
    near(np.linalg.norm(similarity.unit(vectors), axis=1), np.ones(12))
    near(similarity.unit([[3, 4]]), [[0.6, 0.8]])


@pytest.mark.parametrize(
    "a, b, message",
    [
        ([1.0, 2.0], None, r"must be a matrix \[n, d\]; their shape is \(2,\)"),
        ([[1, 0], [0, 0]], None, "Row 1 is a zero vector"),
        ([[1, 0]], [[0, 0]], "Row 0 is a zero vector"),
        ([[1, np.nan]], None, "NaN or infinite"),
        ([[1, 0]], [[np.inf, 0]], "NaN or infinite"),
    ],
)
def test_what_has_no_cosine_is_refused(a, b, message):
    with pytest.raises(BadInput, match=message):
        similarity.cosine_matrix(a, b)


# ------------------------------------------------------------------------ neighbours, analogies

WORDS = ["north", "east", "northeast", "south", "far north"]
COMPASS = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.0, -1.0], [0.0, 9.0]])


def test_neighbours_are_ranked_by_cosine():
    ranked = similarity.neighbours([0.1, 1.0], COMPASS, WORDS, k=4)
    assert [word for word, _ in ranked] == ["north", "far north", "northeast", "east"]
    near([score for _, score in ranked], [cosine([0.1, 1], COMPASS[row]) for row in (0, 4, 2, 1)])
    assert type(ranked[0][1]) is float


def test_excluded_words_make_room_for_others():
    options = {"table": COMPASS, "words": WORDS}
    ranked = similarity.neighbours([0, 1], k=2, exclude=["north", "no such word"], **options)
    assert [word for word, _ in ranked] == ["far north", "northeast"]
    everything = similarity.neighbours([0, 1], k=99, exclude=["south"], **options)
    assert len(everything) == 4
    assert similarity.neighbours([0, 1], k=0, **options) == []


ROYAL = ["king", "man", "woman", "queen", "horse"]
#                 male, royal, animal
ROYALS = np.array([[1.0, 1, 0], [1, 0, 0], [-1, 0, 0], [-1, 1, 0], [0.3, 0.1, 1]])


def test_an_analogy_is_the_offset_of_unit_vectors():
    ranked = similarity.analogy("man", "woman", "king", ROYALS, ROYAL, k=2)
    assert [word for word, _ in ranked] == ["queen", "horse"]
    king = np.array([1, 1, 0]) / sqrt(2)
    near(ranked[0][1], cosine(king + [-2, 0, 0], ROYALS[3]))
    longer = ROYALS * [[1], [50], [0.1], [1], [1]]  # plain vectors would now give another offset
    again = similarity.analogy("man", "woman", "king", longer, ROYAL, k=2)
    near([score for _, score in again], [score for _, score in ranked])


def test_the_words_of_the_question_are_no_answer():
    table = np.array([[1, 0.0], [1, 0.02], [1, 0.03], [1, 0.9]])
    ranked = similarity.analogy("a", "b", "c", table, ["a", "b", "c", "d"])
    assert [word for word, _ in ranked] == ["d"]


# ------------------------------------------------------------------------------ groups of vectors


def test_the_nearest_other_row_decides():
    points = [[1, 0], [1, 0.1], [1, 0.3], [0, 1]]
    hits = similarity.nearest_label_hits(points, ["a", "b", "b", "a"])
    near(hits, [0, 0, 1, 0])


def test_where_several_rows_are_nearest_the_share_of_them_counts():
    points = [[1, 0], [2, 0], [3, 0], [0, 1]]
    hits = similarity.nearest_label_hits(points, ["a", "a", "b", "b"])
    near(hits, [1 / 2, 1 / 2, 0, 1 / 3])


@pytest.mark.parametrize("scale", [1.0, 1e-3])
def test_identical_vectors_score_what_guessing_scores(scale):
    """Also where rounding gives their cosines different last digits."""
    row = np.random.default_rng(0).normal(size=384).astype(np.float32) * scale
    table = np.repeat(row[None], 16, axis=0) * np.float32(1 + np.arange(16)[:, None] / 7)
    hits = similarity.nearest_label_hits(table, ["one", "other"] * 8)
    near(hits, np.full(16, 7 / 15))


def test_nearest_labels_against_a_loop(vectors):
    labels = list("abcabcabcabc")
    for row, hit in enumerate(similarity.nearest_label_hits(vectors, labels)):
        others = [other for other in range(12) if other != row]
        nearest = max(others, key=lambda other: cosine(vectors[row], vectors[other]))
        assert hit == (labels[row] == labels[nearest])


def test_uniformity_by_hand_and_against_a_loop(vectors):
    near(similarity.uniformity([[1, 0], [7, 0]]), 0)
    near(similarity.uniformity([[1, 0], [-2, 0]]), -8)  # distance 2, squared 4, times 2
    near(similarity.uniformity([[1, 0], [0, 1], [-1, 0]], t=1), log((2 * exp(-2) + exp(-4)) / 3))
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    kernel = [exp(-2 * ((units[i] - units[j]) ** 2).sum()) for i in range(12) for j in range(i)]
    near(similarity.uniformity(vectors), log(np.mean(kernel)))


def test_alignment_by_hand():
    near(similarity.alignment([[1, 0], [0, 3]], [[2, 0], [0, 5]]), 0)
    near(similarity.alignment([[1, 0]], [[-9, 0]]), 4)
    near(similarity.alignment([[1, 0], [1, 0]], [[0, 2], [1, 0]]), 1)  # 2 and 0
