"""Words that nobody knows, and what was meant by them."""

import pytest

from course_utils.retrieval.spelling import Vocabulary


@pytest.fixture(scope="module")
def vocabulary():
    texts = ["validation validation of the array array arrays", "a regression of the direction"]
    return Vocabulary.of(texts, known=["dog", "house", "valuation", "glue", "reg"])


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("validaton of an aray", "validation of an array"),
        ("Aray?", "array?"),
        ("arary", "array"),  # two neighbours swapped
        ("vallidaton", "validation"),  # two changes
        ("the glue of a dog", "the glue of a dog"),  # known, though in no document
        ("houses", "houses"),  # a form of a known word
        ("xyz qq", "xyz qq"),  # too short
        ("k_means.aray aray2 aray(x)", "k_means.aray aray2 aray(x)"),  # names
        ("ARAY", "ARAY"),
        ("zzzzzzzzzz", "zzzzzzzzzz"),
        ("日本語 данные", "日本語 данные"),
        ("", ""),
    ],
)
def test_unknown_words_are_replaced_by_the_nearest_and_all_else_stays(vocabulary, typed, meant):
    assert vocabulary.corrected(typed) == meant


def test_the_more_frequent_of_two_words_as_near_is_taken_and_one_change_before_two():
    counts = {"cord": 3, "core": 9, "care": 1}
    assert Vocabulary(counts).corrected("corx") == "core"
    assert Vocabulary({**counts, "cord": 30}).corrected("corx") == "cord"
    assert Vocabulary({"matrices": 1, "matrixes": 99}).corrected("matrces") == "matrices"
