"""What L3 writes by hand, on texts that its own cells do not try."""

from pathlib import Path

import nbformat
import pytest

from course_utils import data, models
from course_utils.exercises.lesson3 import longest_piece

NOTEBOOK = Path(__file__).parents[1] / "notebooks/L3_token_vs_sentence_embeddings.ipynb"


@pytest.fixture(scope="module")
def by_hand():
    """The lesson's `split_words` and `wordpiece`, as its cells define them."""
    tokenizer, _ = models.load("sentence encoder")
    names = {"tokenizer": tokenizer, "longest_piece": longest_piece}
    cells = {cell.id: cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells}
    exec("import string, unicodedata\n" + cells["wordpiece"] + "\n" + cells["split"], names)
    return names


def test_wordpiece_by_hand_is_the_tokenizer_on_the_documentation(by_hand):
    tokenizer = by_hand["tokenizer"]
    entries = data.documentation()[::7]
    assert len(entries) > 500
    different = []
    for entry in entries:
        words = by_hand["split_words"](entry.text)
        ours = [piece for word in words for piece in by_hand["wordpiece"](word)]
        if ours != tokenizer.tokenize(entry.text):
            different.append(entry.name)
    assert different == []


@pytest.mark.parametrize(
    "text",
    ["", "\x00a\u200bb\ufeff", "naïve Ünïcode", "a\u00a0b\tc\r\nd", "東京 2024年", "x" * 101],
)
def test_wordpiece_by_hand_is_the_tokenizer_on_odd_texts(by_hand, text):
    words = by_hand["split_words"](text)
    ours = [piece for word in words for piece in by_hand["wordpiece"](word)]
    assert ours == by_hand["tokenizer"].tokenize(text)
