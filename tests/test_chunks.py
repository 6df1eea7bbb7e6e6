"""Chunks: what every cut of the course's documentation keeps."""

import re
from itertools import groupby

import pytest

from course_utils import data, models, retrieval
from course_utils.data import Entry
from course_utils.retrieval import Chunk, chunks


def entry(text: str, name: str = "made.thing") -> Entry:
    return Entry(name, text.split(".")[0], text, name.split(".")[0], "function")


MADE = [
    entry("One.", "made.short"),
    entry("Numbers " + " ".join(map(str, range(400))), "made.numbers"),
    entry("0x" + "3f2a9c77b1" * 90 + " is one word of many tokens " * 8, "made.hexadecimal"),
    entry("字" * 300 + " naïve \u200b café ☃", "made.unicode"),
    entry("Words. " * 90, "made." + "very_long_name_" * 6),
    entry("----\n====\n", "made.rules"),
]


@pytest.fixture(scope="module")
def whole() -> list[tuple[Entry, list[Chunk]]]:
    """All of the documentation, and texts that are hard to cut, each with its chunks."""
    return [(each, retrieval.split(each)) for each in [*data.documentation(), *MADE]]


def test_every_passage_can_be_read_as_a_whole_and_has_the_name_before_it(whole):
    passages = [chunk.passage for _, found in whole for chunk in found]
    assert max(map(len, models.load()[0](passages)["input_ids"])) <= chunks.MAX_TOKENS
    for each, found in whole:
        assert all(chunk.passage == f"{each.name}: {chunk.text}" for chunk in found)


def test_chunks_are_numbered_and_each_entry_has_one_at_least(whole):
    for each, found in whole:
        assert [chunk.key for chunk in found] == [f"{each.name}#{n}" for n in range(len(found))]
        assert found and {chunk.name for chunk in found} == {each.name}


def test_every_word_of_a_section_is_in_one_of_its_chunks_and_no_chunk_is_of_two(whole):
    for each, found in whole[::4] + whole[-len(MADE) :]:
        parts = groupby(chunks.sections(each.text), lambda part: part[0])
        texts = [(title, [text for _, text in some]) for title, some in parts]
        pieces = groupby(found, lambda chunk: chunk.section)
        cut = [(title, [chunk.text for chunk in some]) for title, some in pieces]
        assert [title for title, _ in cut] == [title for title, _ in texts], each.name
        for (_, some), (_, of) in zip(cut, texts, strict=True):
            assert covers(some, of), each.name


def covers(pieces: list[str], texts: list[str]) -> bool:
    """Whether the pieces, in their order, leave nothing but blanks of the texts out."""
    ends, left = {0}, list(texts)
    for piece in pieces:
        # A piece may stand in several places: all are followed.
        starts = [found.start() for found in re.finditer(f"(?={re.escape(piece)})", left[0])]
        ends = {
            start + len(piece)
            for start in starts
            if any(not left[0][end:start].strip() for end in ends)
        }
        if len(left[0]) in ends and len(left) > 1:
            ends, left = {0}, left[1:]
    return len(left) == 1 and len(left[0]) in ends


def test_neighbours_overlap_and_no_word_is_cut_at_a_start():
    words = "unbelievableness " * 30 + " ".join(map(str, range(1000, 1200)))
    found = retrieval.split(entry(words), 64, overlap=16)
    tokenizer, _ = models.load()
    assert len(found) > 5
    for one, other in zip(found, found[1:], strict=False):
        last, first = tokenizer.tokenize(one.text), tokenizer.tokenize(other.text)
        # Less than the overlap by the rest of a word at most: it is six tokens long.
        assert any(last[-n:] == first[:n] for n in range(11, 17))
        assert other.text.split()[0] in words.split()


NUMPY_STYLE = """Does a thing.

More about it.

Parameters
----------
a : array
    The first.

Returns
-------
b : array

See Also
--------
"""
GOOGLE_STYLE = """Does a thing.

Args:
    a: the first.
        Example: not a heading, it is indented.

Returns:
    A thing.
Example::

    >>> thing()
"""


@pytest.mark.parametrize(
    "text, expected",
    [
        (
            NUMPY_STYLE,
            [
                ("", "Does a thing. More about it."),
                ("Parameters", "a : array The first."),
                ("Returns", "b : array"),
            ],
        ),
        (
            GOOGLE_STYLE,
            [
                ("", "Does a thing."),
                ("Args", "a: the first. Example: not a heading, it is indented."),
                ("Returns", "A thing."),
                ("Example", ">>> thing()"),
            ],
        ),
        ("Returns: in a line is no heading.", [("", "Returns: in a line is no heading.")]),
    ],
    ids=["numpy", "google", "none"],
)
def test_a_section_is_what_stands_under_a_heading(text, expected):
    assert chunks.sections(text) == expected
    found = retrieval.split(entry(text), max_tokens=512)  # small sections are not joined
    assert [(chunk.section, chunk.text) for chunk in found] == expected


def test_the_first_chunks_of_many_are_those_of_each(whole):
    assert retrieval.first_chunks([each for each, _ in whole]) == [found[0] for _, found in whole]
    assert retrieval.first_chunks([]) == []


def test_a_digest_changes_where_its_chunk_does_and_nowhere_else():
    before = retrieval.split(entry(NUMPY_STYLE))
    after = retrieval.split(entry(NUMPY_STYLE.replace("The first.", "The only one.")))
    same = [one.digest == other.digest for one, other in zip(before, after, strict=True)]
    assert same == [True, False, True]
    headed = retrieval.split(entry(NUMPY_STYLE.replace("Returns\n-------", "Yields\n------")))
    assert before[2].text == headed[2].text and before[2].digest != headed[2].digest
    renamed = retrieval.split(entry(NUMPY_STYLE, "made.other"))
    assert not {chunk.digest for chunk in before} & {chunk.digest for chunk in renamed}
