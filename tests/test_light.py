"""The encoder in numpy gives the vectors of the one in torch, and checks the same weights."""

import shutil
import subprocess
import sys

import numpy as np
import pytest

from course_utils import cache, dual_encoder, embed, models
from course_utils.errors import BadInput
from course_utils.retrieval import light

QUESTIONS = [
    "how do I split data into train and test",
    "numpy.argsort(a, axis=-1)",
    "x",
    "",
    "как отсортировать 配列 🙂",
    "\x00 soft\xadware",
    "sort " * 300,
]


@pytest.mark.parametrize("question", QUESTIONS, ids=range(len(QUESTIONS)))
def test_the_vector_is_that_of_torch(question):
    ours = light.encode(question)
    assert ours.dtype == np.float32 and ours.shape == (384,)
    np.testing.assert_allclose(ours, dual_encoder.embed_questions(question), atol=1e-5)


@pytest.mark.parametrize("max_tokens", [3, 8, 200])
def test_texts_are_cut_where_torch_cuts_them(max_tokens):
    text = "a somewhat long sentence about the order of things " * 30
    np.testing.assert_allclose(
        light.encode(text, max_tokens), embed.encode(text, max_tokens=max_tokens), atol=1e-5
    )
    assert len(light.token_numbers(text, max_tokens)) == max_tokens


@pytest.mark.parametrize("text, tokens", [(None, 64), (7, 64), ("x", 2), ("x", 513), ("\ud800", 9)])
def test_what_cannot_be_encoded_is_refused(text, tokens):
    with pytest.raises(BadInput):
        light.encode(text, tokens)


def test_neither_torch_nor_scipy_is_loaded():
    code = (
        "import sys; from course_utils.retrieval import light; light.encode('sort'); "
        "print([name for name in ('torch', 'scipy', 'transformers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.fixture
def copied(tmp_path):
    """A folder with a file of other weights of the right name."""
    (tmp_path / "model.safetensors").write_bytes(b"not the weights" * 99)
    return tmp_path


def test_the_digest_is_remembered_for_a_file_that_has_not_changed(cache_folder, monkeypatch):
    path = models.embedded_path()
    assert light.verified(path) == models.DIGEST
    monkeypatch.setattr(models, "verify", lambda _: pytest.fail("hashed again"))
    assert light.verified(path) == models.DIGEST
    for file in (cache_folder / "verified").iterdir():
        file.write_bytes(b"damaged" + file.read_bytes())
    with pytest.raises(pytest.fail.Exception):  # what is damaged is not trusted
        light.verified(path)


def test_other_weights_are_refused_each_time(copied, cache_folder):
    for _ in range(2):
        with pytest.raises(models.WeightsChanged, match="not the published ones"):
            light.verified(copied)
    with pytest.raises(models.WeightsChanged, match="cannot be read"):
        light.verified(copied / "nowhere")


def test_a_file_that_changes_is_checked_again(copied, cache_folder, monkeypatch):
    monkeypatch.setattr(models, "verify", lambda _: models.DIGEST)  # as if it were the published
    light.verified(copied)
    monkeypatch.undo()
    monkeypatch.setenv("COURSE_CACHE", str(cache.folder()))
    with (copied / "model.safetensors").open("ab") as file:
        file.write(b"x")
    with pytest.raises(models.WeightsChanged):
        light.verified(copied)


def test_a_cache_that_cannot_be_written_only_costs_time(tmp_path, monkeypatch):
    blocked = tmp_path / "cache"
    blocked.mkdir()
    shutil.copy(__file__, blocked / "verified")  # a file where a folder should be
    monkeypatch.setenv("COURSE_CACHE", str(blocked))
    assert light.verified(models.embedded_path()) == models.DIGEST
