"""The two heads on the frozen encoder, and heads that are saved and loaded again."""

import hashlib
import json

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from course_utils import cache, dual_encoder, embed
from course_utils.dual_encoder import Heads, HeadsError, storage
from course_utils.errors import BadInput

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


def test_vectors_of_another_width_are_refused():
    with pytest.raises(BadInput, match="384 numbers, not 100"):
        Heads().questions(torch.zeros(2, 100))


# -------------------------------------------------------------------------------- save and load


@pytest.fixture
def folder(tmp_path):
    """A folder with saved heads."""
    torch.manual_seed(0)
    return dual_encoder.save(trained_heads(), tmp_path / "made" / "heads", {"seed": 3})


def change(folder, **values) -> None:
    path = folder / storage.CONFIG
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_heads_come_back_bit_for_bit_with_what_was_said_about_them(folder):
    torch.manual_seed(0)
    before, after = trained_heads(), dual_encoder.load(folder)
    for name, value in before.state_dict().items():
        assert torch.equal(after.state_dict()[name], value)
    assert not after.training
    assert dual_encoder.about(folder)["about"] == {"seed": 3}
    assert sorted(path.name for path in folder.iterdir()) == ["heads.json", "heads.safetensors"]


def test_a_shared_head_comes_back_as_two_that_are_alike(tmp_path):
    shared = Heads(shared=True)
    with torch.no_grad():
        shared.question.weight += 0.01 * torch.randn(384, 384)
    again = dual_encoder.load(dual_encoder.save(shared, tmp_path))
    assert torch.equal(again.question.weight, shared.question.weight)
    assert torch.equal(again.answer.weight, shared.question.weight)


def test_saving_again_replaces_the_heads(folder):
    heads = Heads()
    dual_encoder.save(heads, folder)
    assert torch.equal(dual_encoder.load(folder).question.weight, torch.eye(384))


@pytest.mark.parametrize("name", [storage.WEIGHTS, storage.CONFIG])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(HeadsError, match=f"{name} cannot be read"):
        dual_encoder.load(folder)


@pytest.mark.parametrize("cut", [0, 100, 300_000])
def test_weights_that_were_cut_short_are_refused(folder, cut):
    path = folder / storage.WEIGHTS
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(HeadsError, match="SHA-256"):
        dual_encoder.load(folder)


def test_a_single_changed_bit_is_refused(folder):
    path = folder / storage.WEIGHTS
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    path.write_bytes(data)
    with pytest.raises(HeadsError, match="SHA-256"):
        dual_encoder.load(folder)


def put(folder, tensors) -> None:
    """Other weights, with their own digest in the JSON file: only their content is wrong."""
    path = folder / storage.WEIGHTS
    if isinstance(tensors, bytes):
        path.write_bytes(tensors)
    else:
        save_file(tensors, path)
    change(folder, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


@pytest.mark.parametrize(
    "tensors",
    [
        {"question.weight": torch.eye(100), "answer.weight": torch.eye(100)},
        {"question.weight": torch.eye(384)},
        {"question.weight": torch.eye(384), "answer.weight": torch.zeros(384)},
    ],
)
def test_weights_of_another_shape_are_refused(folder, tensors):
    put(folder, tensors)
    with pytest.raises(HeadsError, match="holds"):
        dual_encoder.load(folder)


def test_a_file_that_is_no_safetensors_is_refused(folder):
    put(folder, b"not tensors at all")
    with pytest.raises(HeadsError, match="no safetensors"):
        dual_encoder.load(folder)


@pytest.mark.parametrize("key", ["encoder", "question_tokens", "answer_tokens"])
def test_heads_of_another_encoder_or_length_are_refused(folder, key):
    change(folder, **{key: "other"})
    with pytest.raises(HeadsError, match=f"trained with {key} = 'other'"):
        dual_encoder.load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}'])
def test_a_damaged_description_is_refused(folder, text):
    (folder / storage.CONFIG).write_text(text)
    with pytest.raises(HeadsError, match=storage.CONFIG):
        dual_encoder.load(folder)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HeadsError, match="cannot be written"):
        dual_encoder.save(Heads(), tmp_path / "file" / "heads")


def test_a_write_that_fails_leaves_the_old_heads_whole(folder, monkeypatch):
    before = dual_encoder.load(folder).question.weight.clone()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "replace", full)
    with pytest.raises(HeadsError, match="No space left"):
        dual_encoder.save(Heads(), folder)
    monkeypatch.undo()
    assert torch.equal(dual_encoder.load(folder).question.weight, before)
    assert sorted(path.name for path in folder.iterdir()) == ["heads.json", "heads.safetensors"]
