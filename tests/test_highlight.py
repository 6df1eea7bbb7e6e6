"""The words of a question, found and marked in texts."""

import html
import inspect
import os
import re
import unittest.mock

import pytest

from course_utils import bm25
from course_utils.retrieval import highlight
from course_utils.retrieval.highlight import marked_html, marked_terminal, matches


def found(question: str, text: str) -> list[str]:
    return [text[start:end] for start, end in matches(question, text)]


@pytest.mark.parametrize(
    "question, text, words",
    [
        (
            "how do I split an array",
            "Splits arrays; splitting it",
            ["Splits", "arrays", "splitting"],
        ),
        ("train test", "train_test_split(x)", ["train", "test"]),
        ("loader of data", "a DataLoader", ["Data", "Loader"]),
        ("http server", "HTTPServer2", ["HTTP", "Server"]),
        ("how do I do that", "how do I do that?", []),
        ("sort", "", []),
        ("", "sort", []),
        ("?!", "?!", []),
        ("größe", "Die GRÖSSE, die Größe", ["Größe"]),
        ("配列", "配列 を", ["配列"]),
        ("norm of order 2", "the 2-norm", ["2", "norm"]),
    ],
)
def test_words_are_found_by_their_stems(question, text, words):
    assert found(question, text) == words


@pytest.mark.parametrize("module", [os, re, html, inspect, unittest.mock])
def test_every_word_of_a_docstring_has_the_stem_that_bm25_counts(module):
    texts = [inspect.getdoc(value) or "" for value in vars(module).values()]
    assert sum(map(len, texts)) > 1000
    for text in texts:
        spans = highlight.stems(text)
        assert [stem for *_, stem in spans] == bm25.tokens(text)
        assert all(text[a:b].isalnum() for a, b, _ in spans)
        assert all(one[1] <= other[0] for one, other in zip(spans, spans[1:], strict=False))


HOSTILE = [
    "<script>alert('sort')</script>",
    '<img src=x onerror="sort()">',
    "a & b < c > sort",
    "</mark><b>sort",
    "mark sort amp lt",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("question", ["sort", "script mark amp lt img", "<b>sort</b>"])
def test_nothing_but_marks_is_html(question, text):
    marked = marked_html(question, text)
    assert set(re.findall(r"<[^>]*>?", marked)) <= {"<mark>", "</mark>"}
    bare = marked.replace("<mark>", "").replace("</mark>", "")
    assert html.unescape(bare) == text


def test_marks_stand_around_the_words():
    assert marked_html("sort", "a<b sorted") == "a&lt;b <mark>sorted</mark>"


def test_a_terminal_shows_bold_words_and_nothing_of_the_text_steers_it():
    text = "sort\x1b[2J\x07 \u202ethis\nnow"
    shown = marked_terminal("sort", text, bold=True)
    assert shown == "\x1b[1msort\x1b[0m [2J   this now"
    assert marked_terminal("sort", text, bold=False) == "sort [2J   this now"


@pytest.mark.parametrize(
    "terminal, environment, bold",
    [
        (True, {}, True),
        (False, {}, False),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"TERM": "dumb"}, False),
    ],
)
def test_bold_is_for_terminals_that_have_it(terminal, environment, bold, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    assert ("\x1b" in marked_terminal("sort", "sort")) == bold
