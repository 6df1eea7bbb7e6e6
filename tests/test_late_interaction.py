"""Late interaction against a computation by hand, and the token vectors that it is made of."""

import numpy as np
import pytest

from course_utils import embed
from tools.training.cross_encoder import late_interaction

TEXTS = ["A swift sleeps in the air.", "", "Bread needs an hour in a hot oven, and then it cools."]


def test_the_best_cosine_of_each_question_token_by_hand():
    """Two question tokens; their best are 0.8 (not the first of the text) and 1."""
    question = np.array([[1.0, 0.0], [0.0, 1.0]])
    text = np.array([[0.0, 1.0], [0.8, 0.6], [-1.0, 0.0]])
    assert late_interaction.interaction(question, text) == pytest.approx((0.8 + 1.0) / 2)
    # The other way round it is the mean over three tokens: 1, 0.8 and 0.
    assert late_interaction.interaction(text, question) == pytest.approx((1.0 + 0.8 + 0.0) / 3)


def test_token_vectors_are_the_last_layer_without_padding():
    states = embed.hidden_states(TEXTS)
    found = late_interaction.token_vectors(TEXTS)
    for row, vectors in enumerate(found):
        wanted = states.states[row, -1][states.mask[row]].numpy()
        wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
        assert vectors.dtype == np.float32 and vectors.base is None
        np.testing.assert_allclose(vectors, wanted, atol=1e-5)
    assert len(found[1]) == 2  # [CLS] and [SEP]


def test_the_scores_are_those_of_the_pairs_one_by_one():
    question = "Where does a swift sleep?"
    (asked,) = late_interaction.token_vectors([question])
    loop = [
        np.mean([max(float(one @ other) for other in vectors) for one in asked])
        for vectors in late_interaction.token_vectors(TEXTS)
    ]
    scores = late_interaction.score(question, TEXTS)
    assert scores.dtype == np.float32 and scores.argmax() == 0
    np.testing.assert_allclose(scores, loop, atol=1e-5)
    assert late_interaction.score(question, []).shape == (0,)


def test_bfloat16_is_close_and_not_the_same():
    full, short = (
        late_interaction.token_vectors(TEXTS, precision=precision)[2]
        for precision in ("float32", "bfloat16")
    )
    assert 0.99 < (full * short).sum(axis=1).min() and not np.array_equal(full, short)
