"""Low-rank adapters: what is trained and what is not, and what comes back from disk."""

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from course_utils import embed, models
from course_utils.dual_encoder import Settings, score_matrix, tokenize, train
from course_utils.dual_encoder.adapters import SIDES, Adapters, AdaptersError, load, save
from course_utils.errors import BadInput

WORDS = ("sort", "open", "close", "print")
QUESTIONS = [f"How do I {word} it?" for word in WORDS]
ANSWERS = [f"This text is about {word}, and about nothing else." for word in reversed(WORDS)]
RANK = 4


def trained(steps: int = 2, **options) -> Adapters:
    model = Adapters(RANK, precision="float32", **options)
    settings = Settings(steps=steps, batch=4, learning_rate=1e-2)
    train(model, tokenize(QUESTIONS), tokenize(ANSWERS), settings)
    return model


def parts(model: Adapters) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """The weights of the adapters, and all others."""
    state = {name: value.clone() for name, value in model.state_dict().items()}
    adapters = {name: value for name, value in state.items() if "lora_" in name}
    return adapters, {name: value for name, value in state.items() if "lora_" not in name}


@pytest.fixture(scope="module")
def fresh() -> Adapters:
    return Adapters(RANK, precision="float32").eval()


@pytest.fixture(scope="module")
def ready() -> Adapters:
    return trained()


@pytest.fixture
def folder(ready, tmp_path) -> Path:
    return save(ready, tmp_path / "adapters")


# --------------------------------------------------------------------------------- what they are


def test_before_training_they_are_the_frozen_encoder(fresh):
    frozen = embed.encode(ANSWERS, precision="float32", use_cache=False)
    for vectors in (fresh.questions(tokenize(ANSWERS)), fresh.answers(tokenize(ANSWERS))):
        np.testing.assert_allclose(vectors.detach().numpy(), frozen, atol=1e-5)


def test_padding_does_not_change_a_vector(ready):
    texts = ["Sort.", ANSWERS[0]]
    together = ready.answers(tokenize(texts))[:1]
    alone = ready.answers(tokenize(texts[:1]))
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_bfloat16_is_close_and_gives_float32(ready, tmp_path):
    ids = tokenize(ANSWERS)
    short = load(save(ready, tmp_path), precision="bfloat16").answers(ids)
    assert short.dtype == torch.float32
    cosines = (short * ready.answers(ids)).sum(1)
    assert 0.999 < cosines.min() < 1 - 1e-7  # not the same numbers


def test_making_them_warns_of_nothing():
    """A warning would stand in the lesson, with a path of this machine."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Adapters(1)


@pytest.mark.parametrize(("has", "used"), [(True, True), (False, False)])
def test_the_processor_decides_unless_told_otherwise(monkeypatch, has, used):
    monkeypatch.setattr(embed, "has_bfloat16", lambda: has)
    assert Adapters(1).bfloat16 == used
    assert not Adapters(1, precision="float32").bfloat16


def test_the_seed_decides_the_weights_and_nothing_else_is_touched(fresh):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    same, other = (parts(Adapters(RANK, seed))[0] for seed in (0, 1))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(value, same[name]) for name, value in parts(fresh)[0].items())
    assert any(not torch.equal(same[name], other[name]) for name in same)


# ------------------------------------------------------------------------------ what is trained


def test_only_the_thin_matrices_are_trained(fresh):
    counts = [value.numel() for value in fresh.parameters() if value.requires_grad]
    assert len(counts) == 2 * 6 * 2 * 2  # sides, layers, query and value, A and B
    assert sum(counts) == 2 * 6 * 2 * 2 * 384 * RANK


def test_training_changes_the_adapters_of_both_sides_and_no_other_weight(fresh, ready):
    (adapters, others), (then, others_then) = parts(ready), parts(fresh)
    for name, value in adapters.items():
        assert not torch.equal(value, then[name]), name
    for name, value in others.items():
        assert torch.equal(value, others_then[name]), name
    sides = [ready.questions(tokenize(ANSWERS)), ready.answers(tokenize(ANSWERS))]
    assert not torch.allclose(*sides, atol=1e-3)


def test_the_courses_own_encoder_is_left_alone(ready):
    _, encoder = models.load()
    assert all(value.requires_grad for value in encoder.parameters())
    assert not any("lora" in name for name, _ in encoder.named_modules())
    assert encoder.name_or_path == str(models.embedded_path())
    own = {value.data_ptr() for value in encoder.parameters()}
    assert not own & {value.data_ptr() for value in ready.parameters() if value.requires_grad}


def test_training_leaves_the_weights_that_all_share_as_they_are_on_disk(ready):
    _, encoder = models.load()
    stored = load_file(models.embedded_path() / "model.safetensors")
    inside = ready.question.get_base_model().state_dict()
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, stored[name]), name
        frozen = inside.get(name, inside.get(re.sub(r"(query|value)\.", r"\1.base_layer.", name)))
        assert frozen.data_ptr() == value.data_ptr(), name  # 90 MB, there once for all


def test_a_batch_is_learned_by_heart():
    model = trained(30)
    scores = score_matrix(model, tokenize(QUESTIONS), tokenize(ANSWERS))
    assert (scores.argmax(1) == np.arange(4)).all()
    untrained = score_matrix(trained(1), tokenize(QUESTIONS), tokenize(ANSWERS))
    assert (untrained.argmax(1) != np.arange(4)).any()  # there was something to learn


def test_training_repeats_itself(ready):
    again = parts(trained())[0]
    assert all(torch.equal(value, again[name]) for name, value in parts(ready)[0].items())


def test_dropout_stays_off_in_training(ready):
    ids = tokenize(QUESTIONS)
    try:
        assert ready.train().training
        assert torch.equal(ready.questions(ids), ready.questions(ids))
    finally:
        ready.eval()


# -------------------------------------------------------------------------------- save and load


def test_what_was_saved_comes_back(ready, folder):
    back, ids = load(folder, precision="float32"), tokenize(ANSWERS)
    assert torch.equal(back.questions(ids), ready.questions(ids))
    assert torch.equal(back.answers(ids), ready.answers(ids))
    assert not back.training


def test_what_comes_back_can_be_trained_on(ready, folder):
    back = load(folder, precision="float32")
    before = parts(back)[0]
    train(back, tokenize(QUESTIONS), tokenize(ANSWERS), Settings(steps=1, batch=4))
    assert all(not torch.equal(value, before[name]) for name, value in parts(back)[0].items())


def test_the_files_are_small_and_hold_no_path_and_no_pickle(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} == {".safetensors", ".json", ".md"}
    assert sum(path.stat().st_size for path in files) < 1_000_000
    for path in files:
        assert str(models.embedded_path()).encode() not in path.read_bytes(), path
    config = json.loads((folder / "question" / "adapter_config.json").read_text("utf-8"))
    assert config["base_model_name_or_path"] == models.identity()


def test_a_folder_without_adapters_is_refused(tmp_path):
    with pytest.raises(AdaptersError, match=r"question.adapter_config.json cannot be read"):
        load(tmp_path / "nothing")


@pytest.mark.parametrize("side", SIDES)
def test_weights_that_are_missing_or_cut_short_are_refused(folder, side):
    weights = folder / side / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(AdaptersError, match=rf"{side}.adapter_model.safetensors cannot be read"):
        load(folder)
    weights.unlink()
    with pytest.raises(AdaptersError, match=rf"{side}.adapter_model.safetensors cannot be read"):
        load(folder)


def test_weights_with_a_layer_missing_are_refused(folder):
    weights = folder / "answer" / "adapter_model.safetensors"
    tensors = load_file(weights)
    del tensors[next(iter(tensors))]
    save_file(tensors, weights)
    with pytest.raises(AdaptersError, match="all layers"):
        load(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("base_model_name_or_path", "another encoder"),
        ("lora_alpha", 1000),
        ("target_modules", ["key"]),
    ],
)
def test_adapters_made_for_something_else_are_refused(folder, key, value):
    path = folder / "answer" / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), key: value}), "utf-8")
    with pytest.raises(AdaptersError, match=f"answer have {key} = "):
        load(folder)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"peft_type": "IA3"}'])
def test_a_damaged_description_is_refused(folder, content):
    (folder / "question" / "adapter_config.json").write_text(content, "utf-8")
    with pytest.raises(AdaptersError, match=r"question.adapter_config.json (cannot|describes)"):
        load(folder)


def test_a_folder_that_cannot_be_written_is_named(ready, tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(AdaptersError, match="cannot be written to .*file"):
        save(ready, tmp_path / "file")


# ------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize("wrong", [{"rank": 0}, {"rank": 1.5}, {"precision": "int8"}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(BadInput, match=next(iter(wrong))):
        Adapters(**wrong)
