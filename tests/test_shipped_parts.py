"""What the two trained parts have in common: their files, and the roles that they play."""

import hashlib

import pytest

from course_utils import cross_encoder, masked_lm, models
from course_utils.cross_encoder import CrossEncoder, CrossEncoderError
from course_utils.masked_lm import MaskedLM, MaskedLMError

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.parametrize(
        "part, role, model, error",
        [
            (cross_encoder, "cross-encoder", CrossEncoder, CrossEncoderError),
            (masked_lm, "masked language model", MaskedLM, MaskedLMError),
        ],
        ids=["cross_encoder", "masked_lm"],
    ),
]


def test_the_weights_are_small_and_are_those_that_the_json_file_describes(part, role, model, error):
    storage = part.storage
    weights = storage.SHIPPED / storage.FILES.weights
    assert weights.stat().st_size <= 3_000_000
    about = part.about(storage.SHIPPED)
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == about["sha256"]
    assert about["encoder"] == models.DIGEST


def test_a_changed_byte_is_refused(part, role, model, error, tmp_path):
    files = part.storage.FILES
    for name in (files.weights, files.config):
        (tmp_path / name).write_bytes((part.storage.SHIPPED / name).read_bytes())
    damaged = bytearray((tmp_path / files.weights).read_bytes())
    damaged[-1] ^= 1
    (tmp_path / files.weights).write_bytes(damaged)
    with pytest.raises(error, match=f"is not what {files.config} describes"):
        part.load(tmp_path)


def test_what_is_cached_under_the_role_is_kept_apart_by_its_weights(
    part, role, model, error, monkeypatch, tmp_path
):
    digest = part.about(part.storage.SHIPPED)["sha256"]
    assert models.identity(role) == f"{models.DIGEST} + {digest}"
    part.save(model(), tmp_path)
    monkeypatch.setattr(part.storage, "SHIPPED", tmp_path)
    assert digest not in models.identity(role)


def test_without_the_files_the_role_says_what_to_do(
    part, role, model, error, monkeypatch, tmp_path
):
    monkeypatch.setattr(part.storage, "SHIPPED", tmp_path / "gone")
    models._load_part.cache_clear()
    for ask in (models.load, models.identity):
        with pytest.raises(
            error, match=f"cannot be read .* Train the {part.storage.FILES.name} again"
        ):
            ask(role)
