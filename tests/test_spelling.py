"""Words that nobody knows, and what was meant by them."""

import pytest

from course_utils.retrieval.spelling import Vocabulary, changed, within_two


@pytest.fixture(scope="module")
def vocabulary():
    texts = ["validation validation of the array array arrays", "a regression of the direction"]
    return Vocabulary.of(texts, known=["dog", "house", "valuation", "glue", "reg"])


@pytest.mark.parametrize(
    "typed, meant",
    [
        ("validaton of an aray", "validation of an array"),
        ("Aray?", "array?"),
        ("regresson", "regression"),
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


def test_the_more_frequent_of_two_words_as_near_is_taken():
    counts = {"cord": 3, "core": 9, "care": 1}
    assert Vocabulary(counts).corrected("corx") == "core"
    assert Vocabulary({**counts, "cord": 30}).corrected("corx") == "cord"


def test_one_change_is_a_letter_dropped_swapped_replaced_or_added():
    assert {"ct", "act", "cut", "cart"} <= changed("cat")
    assert "cat" not in changed("cat") and "dog" not in changed("cat")


@pytest.mark.parametrize(
    "one, other, near",
    [
        ("kitten", "kitten", True),
        ("kitten", "sitting", False),
        ("modle", "model", True),
        ("parralel", "parallel", True),
        ("abcd", "badc", True),
        ("abcdef", "fedcba", False),
        ("ab", "abcde", False),
    ],
)
def test_two_changes_lead_from_one_word_to_the_other_or_do_not(one, other, near):
    assert within_two(one, other) == within_two(other, one) == near
