"""The two heads on the frozen encoder."""

import numpy as np
import pytest
import torch

from course_utils import dual_encoder, embed
from course_utils.dual_encoder import Heads

TEXTS = ["How do I sort a list?", "Sorts the items of the list in place."]


def trained_heads() -> Heads:
    heads = Heads()
    with torch.no_grad():
        heads.question.weight += 0.01 * torch.randn(384, 384)
        heads.answer.weight += 0.01 * torch.randn(384, 384)
    return heads


# ---------------------------------------------------------------------------------------- heads


def test_before_training_the_heads_are_the_encoder():
    heads = Heads()
    vectors = embed.encode(TEXTS)
    np.testing.assert_allclose(heads.encode_questions(TEXTS), vectors, atol=1e-6)
    np.testing.assert_allclose(heads.encode_answers(TEXTS), vectors, atol=1e-6)


def test_questions_and_answers_go_through_heads_of_their_own():
    heads, vectors = trained_heads(), torch.from_numpy(embed.encode(TEXTS))
    for side in ("question", "answer"):
        weight = getattr(heads, side).weight.detach()
        by_hand = vectors @ weight.T
        by_hand = by_hand / by_hand.norm(dim=1, keepdim=True)
        found = getattr(heads, f"{side}s")(vectors).detach()
        torch.testing.assert_close(found, by_hand)
    assert not torch.allclose(heads.questions(vectors), heads.answers(vectors), atol=1e-3)


def test_a_shared_head_reads_questions_and_answers_alike():
    heads, vectors = Heads(shared=True), torch.from_numpy(embed.encode(TEXTS))
    with torch.no_grad():
        heads.question.weight += 0.01 * torch.randn(384, 384)
    assert torch.equal(heads.questions(vectors), heads.answers(vectors))
    assert len(list(heads.parameters())) == 1


def test_one_text_is_one_vector_of_length_one():
    found = trained_heads().encode_questions(TEXTS[0])
    assert found.shape == (384,) and found.dtype == np.float32
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)


def test_answers_are_read_further_than_questions():
    long = "word " * 80 + "and then the sea, the mountains and the moon. " * 10
    vectors = dual_encoder.embed_questions(long), dual_encoder.embed_answers(long)
    np.testing.assert_allclose(vectors[0], embed.encode(long, max_tokens=64))
    np.testing.assert_allclose(vectors[1], embed.encode(long, max_tokens=128))
