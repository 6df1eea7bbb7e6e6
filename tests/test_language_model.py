"""SmolLM2: what it says, where its words are, and the copy it is loaded from."""

import errno
import json
import shutil
import types

import numpy as np
import pytest
import torch

from course_utils import embed, language_model, models
from course_utils.errors import CourseError

ROLE = "language model"


def test_the_capital_of_france():
    tokenizer, model = models.load(ROLE)
    assert not model.training and model.dtype == torch.float32
    assert (tokenizer.padding_side, tokenizer.pad_token) == ("left", tokenizer.eos_token)
    words = tokenizer(["The capital of France is", "Paris is"], padding=True, return_tensors="pt")
    with torch.inference_mode():
        shares = model(**words).logits[0, -1].softmax(-1)
    assert tokenizer.decode(shares.argmax()) == " Paris" and shares.max() > 0.5


def test_the_tokenizer_alone_needs_no_weights(monkeypatch):
    monkeypatch.setattr(language_model, "model", lambda: pytest.fail("the weights are loaded"))
    models._load_tokenizer.cache_clear()
    assert models.load_tokenizer(ROLE).tokenize("a stormy sea") == ["a", "Ġstormy", "Ġsea"]
    assert models.load_tokenizer() is models.load()[0]


def test_numbers_are_cut_as_in_training():
    tokenizer, _ = models.load(ROLE)
    assert tokenizer.tokenize("in 1984,  7") == ["in", "Ġ", "1", "9", "8", "4", ",", "ĠĠ", "7"]


SENTENCES = [
    "A bat flew out of the cave.",
    "bat",
    "He swung the wooden bat (hard), and the ball went over the fence and far away.",
    "\n  Two spaces, and tokenization!",
    "In 1984  it rained.",
]
WORDS = ["bat", "bat", "BAT", "tokenization", "1984"]


def test_the_pieces_of_a_word_are_found():
    states = embed.hidden_states(SENTENCES, ROLE)
    tokenizer, _ = models.load(ROLE)
    for index, (text, word) in enumerate(zip(SENTENCES, WORDS, strict=True)):
        at = embed.word_positions(states, text, word, index)
        pieces = [states.tokens[index][position] for position in at]
        assert tokenizer.convert_tokens_to_string(pieces).strip().lower() == word.lower()


def test_a_words_vectors_do_not_hang_on_the_batch():
    at_once = embed.word_vectors(SENTENCES, WORDS, role=ROLE)
    assert at_once.shape == (5, 31, 576) and at_once.dtype == np.float32
    for row, (text, word) in enumerate(zip(SENTENCES, WORDS, strict=True)):
        alone = embed.word_vectors([text], word, role=ROLE)[0]
        scale = np.abs(alone).max(axis=-1, keepdims=True)  # a few numbers are as large as 500
        np.testing.assert_allclose(at_once[row] / scale, alone / scale, atol=1e-5)


def test_padding_on_the_left_changes_nothing():
    tokenizer, model = models.load(ROLE)
    padded = tokenizer([SENTENCES[0], SENTENCES[2]], padding=True, return_tensors="pt")
    alone = tokenizer(SENTENCES[0], return_tensors="pt")
    with torch.inference_mode():
        one, other = model(**padded).logits[0, -1], model(**alone).logits[0, -1]
    torch.testing.assert_close(one, other, atol=1e-3, rtol=0)


# --------------------------------------------------------------------------------------- the copy


@pytest.fixture
def small(cache_folder, monkeypatch):
    """Copying takes a moment here: a file of a few bytes stands for the model."""

    def convert(file, folder):
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"weights")

    def run(command, **options):
        assert command[-1] == "course_utils.language_model"
        language_model.make(language_model.copy_folder())
        return types.SimpleNamespace(returncode=0)

    monkeypatch.setattr(language_model, "_convert", convert)
    monkeypatch.setattr(language_model.subprocess, "run", run)
    return cache_folder


def left(folder) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"verified"}


@pytest.mark.parametrize("damage", ["cut short", "marker gone", "marker damaged", "older", "file"])
def test_a_copy_is_made_once_and_a_damaged_one_anew(small, capsys, damage):
    folder = language_model.copy()
    assert capsys.readouterr().out.startswith("Making a copy of the language model")
    assert language_model.copy() == folder
    assert capsys.readouterr().out == ""
    about = folder / language_model.ABOUT
    if damage == "cut short":
        (folder / "model.safetensors").write_bytes(b"weigh")
    elif damage == "marker gone":
        about.unlink()
    elif damage == "marker damaged":
        about.write_text("{")
    elif damage == "older":
        told = json.loads(about.read_text())
        about.write_text(json.dumps(told | {"made from": [0, "other weights"]}))
    else:
        shutil.rmtree(folder)
        folder.write_text("a file where the folder should be")
    assert language_model.copy() == folder and language_model.is_whole(folder)
    assert (folder / "model.safetensors").read_bytes() == b"weights"
    assert left(small) == {folder.name}


def test_a_full_disk_is_named_and_nothing_is_left_behind(small, monkeypatch):
    def full(file, folder):
        folder.mkdir()
        (folder / "model.safetensors").write_bytes(b"wei")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(language_model, "_convert", full)
    with pytest.raises(
        CourseError, match="(?s)No space left.*Free some space, or set COURSE_CACHE"
    ):
        language_model.copy()
    assert left(small) == set()


@pytest.mark.parametrize(
    "status, said, message",
    [
        (1, "50%|####\rTraceback\nThe copy cannot be written.", "^The copy cannot be written.$"),
        (-9, "50%|####", "ended from outside, mostly for want of memory"),
    ],
)
def test_a_process_that_fails_says_why(small, monkeypatch, status, said, message):
    ended = types.SimpleNamespace(returncode=status, stderr=said)
    monkeypatch.setattr(language_model.subprocess, "run", lambda *_, **__: ended)
    with pytest.raises(CourseError, match=message):
        language_model.copy()


def test_two_processes_may_make_it_at_once(small, monkeypatch):
    convert = language_model._convert
    folder = language_model.copy_folder()

    def overtaken(file, new):
        monkeypatch.setattr(language_model, "_convert", convert)
        language_model.make(folder)
        convert(file, new)

    monkeypatch.setattr(language_model, "_convert", overtaken)
    language_model.make(folder)
    assert language_model.is_whole(folder) and left(small) == {folder.name}
