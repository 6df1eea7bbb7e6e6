"""Roles, the switch, and what plays them."""

import ast
import graphlib

import pytest

from course_utils import models
from course_utils.errors import CourseError
from tests.helpers import ROOT, run_python


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


def test_no_module_leads_back_to_itself_not_even_by_a_late_import():
    """But for the package's `__init__`, which says what plays the roles that are trained."""
    files = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in (ROOT / "course_utils").rglob("*.py")
    }
    imports = {name: set() for name in files}
    for name, path in files.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                whole = [f"{node.module}.{each.name}" for each in node.names]
                imports[name] |= {one if one in files else node.module for one in whole}
    del imports["course_utils"]
    assert "course_utils.published" in imports["course_utils.models"]
    tuple(graphlib.TopologicalSorter(imports).static_order())  # raises CycleError


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


@pytest.mark.parametrize("value", ["hugging face", "embeded"])
def test_a_switch_that_is_not_known_names_the_known_ones(monkeypatch, value):
    monkeypatch.setenv(models.SWITCH, value)
    for ask in (models.switch, models.load, models.identity):
        with pytest.raises(CourseError) as caught:
            ask()
        message = str(caught.value)
        assert repr(value) in message
        assert "COURSE_MODELS=embedded" in message and "COURSE_MODELS=hub" in message


# ------------------------------------------------------------------------------------- the roles


@pytest.mark.parametrize(
    "written", ["cross-encoder", "Cross Encoder", "cross_encoder", " cross  encoder "]
)
def test_a_role_may_be_written_in_several_ways(written):
    assert models.role(written).name == "cross-encoder"


def test_an_unknown_role_names_the_known_ones():
    for ask in (models.role, models.load, models.identity):
        with pytest.raises(CourseError) as caught:
            ask("poet")
        message = str(caught.value)
        assert message.startswith("There is no role 'poet'")
        assert all(known in message for known in models.ROLES)


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
    assert not model.training
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert {parameter.device.type for parameter in model.parameters()} == {"cpu"}
    assert (model.config.num_hidden_layers, model.config.hidden_size) == (6, 384)
    assert tokenizer.get_vocab()["[CLS]"] == 101 and len(tokenizer.get_vocab()) == 30_522
