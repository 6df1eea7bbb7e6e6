"""The word-counting baseline."""

import math

import numpy as np
import pytest

from course_utils.bm25 import BM25, tokens
from course_utils.errors import BadInput


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("train_test_split", ["train", "test", "split"]),
        ("DataLoader HTTPServer", ["data", "loader", "http", "server"]),
        ("Sorted, sorting, sorts.", ["sort", "sort", "sort"]),
        ("conv2d 3-D", ["conv", "2", "d", "3", "d"]),
        ("Größe", ["größe"]),
        ("-- !", []),
    ],
)
def test_words_are_stems_of_the_parts_of_names(text, expected):
    assert tokens(text) == expected


def test_bm25_ranks_the_text_that_shares_rare_words_first():
    texts = ["Sorts an array in place.", "Splits an array.", "Opens a file.", "An array of zeros."]
    scores = BM25(texts).scores(["sorting an array", "files", "xylophone", ""])
    assert scores.shape == (4, 4) and scores.dtype == np.float32
    assert scores[0].argmax() == 0 and scores[1].argmax() == 2
    assert not scores[2:].any()


def test_bm25_by_hand():
    # One text of two shares the word: idf = ln(1 + 1.5 / 1.5), both texts are of mean length.
    (row,) = BM25(["red apple", "green pear"]).scores(["apple"])
    assert row.tolist() == pytest.approx([math.log(2) * 1 / (1 + 1.5), 0], abs=1e-6)


def test_bm25_is_loaded_as_it_was_saved(tmp_path):
    texts = ["Sorts an array in place.", "Opens a file."]
    BM25(texts).save(tmp_path / "counts")
    loaded, asked = BM25.load(tmp_path / "counts"), ["sort", "a file"]
    np.testing.assert_array_equal(loaded.scores(asked), BM25(texts).scores(asked))


def test_bm25_needs_words():
    for texts in ([], ["", "--"]):
        with pytest.raises(BadInput, match="word"):
            BM25(texts)
