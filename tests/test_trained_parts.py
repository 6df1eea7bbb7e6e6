"""What comes trained, on disk: it comes back as it was, and what is wrong with it is refused."""

import hashlib
import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from course_utils import cache, cross_encoder, dual_encoder, masked_lm, models
from course_utils.dual_encoder import Heads, HeadsError
from course_utils.errors import CourseError

PARTS = {
    "heads": (dual_encoder.heads.PART, dual_encoder.FOLDERS["facts"]),
    "documentation heads": (dual_encoder.heads.PART, dual_encoder.FOLDERS["documentation"]),
    "cross-encoder": (cross_encoder.PART, cross_encoder.SHIPPED),
    "masked language model": (masked_lm.PART, masked_lm.SHIPPED),
}


@pytest.mark.parametrize("part, shipped", PARTS.values(), ids=PARTS)
def test_what_is_shipped_is_small_and_saved_again_the_same(part, shipped, tmp_path):
    about = part.about(shipped)
    weights = (shipped / part.weights).read_bytes()
    assert hashlib.sha256(weights).hexdigest() == about["sha256"]
    assert len(weights) <= 3_000_000 and about["encoder"] == models.DIGEST
    loaded = part.load(shipped)
    assert not loaded.training
    folder = part.save(loaded, tmp_path / "made" / "again", about["about"])
    assert part.about(folder) == about
    assert sorted(path.name for path in folder.iterdir()) == [part.config, part.weights]


@pytest.mark.parametrize("part, shipped", PARTS.values(), ids=PARTS)
def test_a_changed_bit_is_refused(part, shipped, tmp_path):
    weights = bytearray((shipped / part.weights).read_bytes())
    weights[-1] ^= 1
    (tmp_path / part.weights).write_bytes(weights)
    (tmp_path / part.config).write_bytes((shipped / part.config).read_bytes())
    with pytest.raises(part.error, match=f"is not what {part.config} describes"):
        part.load(tmp_path)


@pytest.mark.parametrize("part, shipped", list(PARTS.values())[1:], ids=list(PARTS)[1:])
@pytest.mark.parametrize("wrong", ["missing", "another shape", "one too many"])
def test_weights_of_other_names_or_shapes_are_refused(part, shipped, wrong, tmp_path):
    """With their own digest in the JSON file: only their content is wrong."""
    tensors = load_file(shipped / part.weights)
    name = sorted(tensors)[-1]
    if wrong == "missing":
        del tensors[name]
    else:
        tensors[name if wrong == "another shape" else "x"] = torch.zeros(1, 100)
    save_file(tensors, tmp_path / part.weights)
    digest = hashlib.sha256((tmp_path / part.weights).read_bytes()).hexdigest()
    config = json.loads((shipped / part.config).read_text()) | {"sha256": digest}
    (tmp_path / part.config).write_text(json.dumps(config))
    with pytest.raises(part.error, match="holds"):
        part.load(tmp_path)


@pytest.mark.parametrize("role", ["cross-encoder", "masked language model", "question encoder"])
def test_without_its_files_a_role_says_what_to_do(role, monkeypatch, tmp_path):
    for module in (cross_encoder, masked_lm):
        monkeypatch.setattr(module, "SHIPPED", tmp_path)
    monkeypatch.setitem(dual_encoder.FOLDERS, "facts", tmp_path)
    models._load_model.cache_clear()
    with pytest.raises(CourseError, match="json cannot be read .* Train the .* again"):
        models.load(role)


# --------------------------------------------------------------------------- heads of one's own


def trained_heads(**options) -> Heads:
    heads = Heads(**options)
    with torch.no_grad():
        for weight in heads.parameters():
            weight += 0.01 * torch.randn(384, 384, generator=torch.Generator().manual_seed(0))
    return heads


@pytest.fixture
def folder(tmp_path):
    """A folder with saved heads."""
    return dual_encoder.save(trained_heads(), tmp_path / "heads", {"seed": 3})


def test_heads_come_back_bit_for_bit_and_are_replaced(folder):
    before, after = trained_heads(), dual_encoder.load(folder)
    for name, value in before.state_dict().items():
        assert torch.equal(after.state_dict()[name], value)
    assert dual_encoder.about(folder)["about"] == {"seed": 3}
    dual_encoder.save(Heads(), folder)
    assert torch.equal(dual_encoder.load(folder).question.weight, torch.eye(384))


def test_a_shared_head_comes_back_as_two_that_are_alike(tmp_path):
    shared = trained_heads(shared=True)
    again = dual_encoder.load(dual_encoder.save(shared, tmp_path))
    assert torch.equal(again.question.weight, shared.question.weight)
    assert torch.equal(again.answer.weight, shared.question.weight)


@pytest.mark.parametrize("name", ["heads.safetensors", "heads.json"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(HeadsError, match=f"{name} cannot be read"):
        dual_encoder.load(folder)


@pytest.mark.parametrize("cut", [0, 100, 300_000])
def test_weights_that_were_cut_short_are_refused(folder, cut):
    path = folder / "heads.safetensors"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(HeadsError, match="SHA-256"):
        dual_encoder.load(folder)


def change(folder, **values) -> None:
    path = folder / "heads.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_file_that_is_no_safetensors_is_refused(folder):
    (folder / "heads.safetensors").write_bytes(b"not tensors at all")
    change(folder, sha256=hashlib.sha256(b"not tensors at all").hexdigest())
    with pytest.raises(HeadsError, match="no safetensors"):
        dual_encoder.load(folder)


@pytest.mark.parametrize("key", ["dimension", "encoder", "question_tokens", "answer_tokens"])
def test_heads_of_another_encoder_or_length_are_refused(folder, key):
    change(folder, **{key: "other"})
    with pytest.raises(HeadsError, match=f"trained with {key} = 'other'"):
        dual_encoder.load(folder)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 99}'])
def test_a_damaged_description_is_refused(folder, text):
    (folder / "heads.json").write_text(text)
    with pytest.raises(HeadsError, match="heads.json"):
        dual_encoder.load(folder)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HeadsError, match="cannot be written"):
        dual_encoder.save(Heads(), tmp_path / "file" / "heads")


def test_a_write_that_fails_leaves_the_old_heads_whole(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "replace", full)
    with pytest.raises(HeadsError, match="No space left"):
        dual_encoder.save(Heads(), folder)
    monkeypatch.undo()
    assert torch.equal(dual_encoder.load(folder).question.weight, trained_heads().question.weight)
    assert sorted(path.name for path in folder.iterdir()) == ["heads.json", "heads.safetensors"]
