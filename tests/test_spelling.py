"""Words that nobody knows, and what was meant by them."""

import itertools

import numpy as np
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


def changes(one: str, other: str) -> int:
    """Letters dropped, added, replaced, or swapped with a neighbour, by dynamic programming.

    Source: Damerau 1964, in the form that changes no part of a word twice.
    """
    table = np.add.outer(np.arange(len(one) + 1), np.arange(len(other) + 1))
    for i, j in itertools.product(range(1, len(one) + 1), range(1, len(other) + 1)):
        replaced = table[i - 1, j - 1] + (one[i - 1] != other[j - 1])
        table[i, j] = min(table[i - 1, j] + 1, table[i, j - 1] + 1, replaced)
        if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
            table[i, j] = min(table[i, j], table[i - 2, j - 2] + 1)
    return table[-1, -1]


def test_what_is_within_one_or_two_changes_is_what_a_count_by_hand_says():
    words = ["".join(letters) for n in (1, 3, 4) for letters in itertools.product("abc", repeat=n)]
    words += ["parallel", "paralel", "parralel", "parallle", "model", "modle", "kitten", "sitting"]
    for word in words[::7] + words[-8:]:
        for most in (1, 2):
            by_hand = [other for other in words if changes(word, other) <= most]
            assert sorted(Vocabulary._within(most, word, words)) == sorted(by_hand)
