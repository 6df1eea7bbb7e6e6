"""Question and answer pairs: what is in them, and splits without leaks."""

import re

import numpy as np
import pytest

from course_utils import data
from course_utils.data import QaPair
from course_utils.data.docstrings import body
from course_utils.errors import BadInput


@pytest.fixture(scope="module")
def pairs() -> list[QaPair]:
    return data.qa_pairs()


@pytest.fixture(scope="module")
def parts(pairs):
    return data.split_pairs(pairs)


def made(*texts: str, package: str = "made") -> list[QaPair]:
    """Pairs with these answers, and questions that have nothing in common."""
    return [
        QaPair(f"q{i} w{i} x{i} y{i}", text, f"{package}.n{i}", package)
        for i, text in enumerate(texts)
    ]


def unlike(count: int) -> list[str]:
    """Texts that share no word."""
    return [" ".join(f"t{text}w{word}" for word in range(12)) for text in range(count)]


# ---------------------------------------------------------------------- what follows a summary


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Return it.\n\nMore of it.", "More of it."),
        ("Return it. And the\nsame paragraph.\n\nMore.", "And the same paragraph. More."),
        ("f(x) -> y\n\nReturn it.\n\nMore.", "More."),
        ("Return it.", ""),
        ("f(x)\n\nParameters\n----------\nx : int", "Parameters: x : int"),
        ("Do.\n\nParameters\n----------\na : int\n    The `a`.", "Parameters: a : int The a."),
        ("Do it.\n\nArgs:\n    a (int): first\n", "Args: a (int): first"),
        ("Do it.\n\n>>> f(1)\n2\n\nAfter it.", "After it."),
        ("Do it.\n\nText before:\n\n    >>> f(1)\n    2\n", "Text before:"),
        (
            "Do it.\n\nExamples\n--------\nSee here.\n\n>>> f()\n\nNotes\n-----\nSlow.",
            "Notes: Slow.",
        ),
        ("Do it.\n\nSee Also\n--------\ng : Does the other thing.", ""),
        ("Do it.\n\nExample::\n\n    f(1)\n\nAfter.", "After."),
        ("Do it.\n\n.. versionadded:: 1.2\n   Some words.\n\nAfter.", "After."),
        ("Do it.\n\n.. note::\n    Mind this.", "Mind this."),
        ("Do it.\n\n.. note:: Mind this.", "Mind this."),
        ("Do it.\n\n.. math::\n    x^2\n\nAfter.", "After."),
        ("Do it.\n\nAs :func:`numpy.sum` [1]_.\n\n.. [1] A book.", "As numpy.sum."),
        ("Do it.\n\n==== ====\na    b\n==== ====", "a b"),
    ],
)
def test_the_rest_of_a_docstring_as_plain_text(text, expected):
    assert body(text) == expected


# ------------------------------------------------------------------------------------ the pairs


def test_there_are_enough_pairs_of_every_package(pairs):
    packages = [pair.package for pair in pairs]
    for package in ("stdlib", "numpy", "scipy", "sklearn", "matplotlib", "torch"):
        assert packages.count(package) > 200, package
    assert len(pairs) > 4000


def test_no_answer_begins_with_its_question(pairs):
    repeated = [
        pair.name for pair in pairs if pair.answer.lower().startswith(pair.question.lower())
    ]
    assert len(repeated) <= 3, repeated


def test_questions_and_answers_are_single_lines_and_occur_once(pairs):
    for texts in ([pair.question for pair in pairs], [pair.answer for pair in pairs]):
        assert all(text == " ".join(text.split()) for text in texts)
        assert len({text.lower() for text in texts}) == len(texts)


def test_answers_hold_no_markup_to_speak_of(pairs):
    noise = re.compile(r">>> |``|:\w+:`|\.\. \w+::|(?:-{4}|={4})")
    noisy = [pair.name for pair in pairs if noise.search(pair.answer)]
    assert len(noisy) < 0.02 * len(pairs), noisy[:20]


# --------------------------------------------------------------------------------- near copies


def test_near_copies_are_the_jaccard_similarity_by_hand():
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("ab"), 9)) for _ in range(60)]

    def runs(text):
        words = text.split()
        return {tuple(words[at : at + 3]) for at in range(len(words) - 2)}

    for threshold in (0.3, 0.5, 0.8, 1.0):
        by_hand = [
            (i, j)
            for i, one in enumerate(texts)
            for j, other in enumerate(texts[:20])
            if len(runs(one) & runs(other)) >= threshold * len(runs(one) | runs(other))
        ]
        assert sorted(data.near_copies(texts, texts[:20], threshold)) == by_hand
        assert 20 < len(by_hand) < 60 * 20


def test_texts_of_one_or_two_words_are_compared_whole():
    assert data.near_copies(["sort", "sort it"], ["Sort", "it sort"]) == [(0, 0)]
    assert data.near_copies([], ["sort"]) == data.near_copies(["sort"], []) == []


# --------------------------------------------------------------------------------------- splits


def test_the_split_is_as_large_as_promised_and_loses_nothing(pairs, parts):
    assert len(parts.train) >= 3000
    assert (len(parts.validation), len(parts.held_out)) == (500, 700)
    together = parts.train + parts.validation + parts.held_out
    assert sorted(pair.name for pair in together) == sorted(pair.name for pair in pairs)


def test_nothing_leaks_between_any_two_parts(parts):
    for one, other in [
        (parts.train, parts.held_out),
        (parts.train, parts.validation),
        (parts.validation, parts.held_out),
    ]:
        assert data.leaks(one, other) == []


def test_a_random_split_does_leak(pairs):
    order = np.random.default_rng(0).permutation(len(pairs))
    train, held_out = ([pairs[i] for i in part] for part in (order[700:], order[:700]))
    copied = {pair.name for _, pair in data.leaks(train, held_out)}
    assert len(copied) > 100


@pytest.mark.parametrize("field", ["question", "answer", "opening"])
def test_each_way_of_leaking_is_found(field):
    words = " ".join(f"word{i}" for i in range(100))
    other = " ".join(f"other{i}" for i in range(300))
    train = QaPair("how do we sort this", words, "a", "p")
    held_out = {
        "question": QaPair("How do we sort this?", other, "b", "p"),
        "answer": QaPair("quite another question", f"A {words}", "b", "p"),
        "opening": QaPair("quite another question", f"{words} {other}", "b", "p"),
    }[field]
    assert data.leaks([train], [held_out]) == [(train, held_out)]
    assert data.leaks([train], made(other)) == []


def test_copies_of_copies_stay_together():
    chain = [" ".join(f"w{i}" for i in range(start, start + 12)) for start in range(0, 12, 3)]
    assert data.near_copies([chain[0]], [chain[2]]) == []
    chained = made(*chain, *unlike(40))
    for seed in range(10):
        parts = data.split_pairs(chained, 10, 10, seed)
        sides = [
            {pair.name for pair in part} for part in (parts.train, parts.validation, parts.held_out)
        ]
        assert any({f"made.n{i}" for i in range(4)} <= side for side in sides)


def test_large_families_are_trained_on():
    template = " ".join(f"w{i}" for i in range(30))
    family = made(*(f"{template} number {i}" for i in range(6)), *unlike(40))
    for seed in range(10):
        parts = data.split_pairs(family, 10, 10, seed)
        assert {f"made.n{i}" for i in range(6)} <= {pair.name for pair in parts.train}


def test_too_few_pairs_to_hold_out():
    with pytest.raises(BadInput, match="Hold out fewer"):
        data.split_pairs(made(*unlike(10)), 5, 5)
