"""Chunks: what every cut of every text must keep, and what the settings out of range say."""

import inspect
import re
import shutil
from dataclasses import replace
from functools import lru_cache
from itertools import groupby

import numpy as np
import pytest
import torch

from course_utils import models, retrieval
from course_utils.data import Entry
from course_utils.errors import BadInput
from course_utils.retrieval import chunks

OBJECTS = (
    ("numpy.argsort", np.argsort),
    ("numpy.linspace", np.linspace),
    ("numpy.einsum", np.einsum),
    ("numpy.genfromtxt", np.genfromtxt),
    ("torch.stack", torch.stack),
    ("torch.nn.MultiheadAttention", torch.nn.MultiheadAttention),
    ("torch.nn.functional.grid_sample", torch.nn.functional.grid_sample),
    ("functools.lru_cache", lru_cache),
    ("shutil.copytree", shutil.copytree),
    ("re.sub", re.sub),
)
SETTINGS = [(16, 0), (16, 8), (32, 16), (64, 16), (128, 0), (128, 16), (128, 64), (512, 16)]


def entry(text: str, name: str = "made.thing") -> Entry:
    return Entry(name, text.split(".")[0], text, name.split(".")[0], "function")


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    """Docstrings as they are, and texts of the kinds that are hard to cut."""
    real = [entry(inspect.getdoc(thing), name) for name, thing in OBJECTS]
    made = [
        entry("One.", "made.short"),
        entry("Numbers " + " ".join(map(str, range(400))), "made.numbers"),
        entry("antidisestablishmentarianism" * 3 + " and more", "made.long_word"),
        entry("0x" + "3f2a9c77b1" * 9 + " is one word of many tokens " * 8, "made.hexadecimal"),
        entry("字" * 300 + " naïve \u200b café ☃", "made.unicode"),
        entry("Words. " * 90, "made." + "very_long_name_" * 12),
        entry("----\n====\n", "made.rules"),
    ]
    return real + made


def tokens(text: str) -> list[str]:
    tokenizer, _ = models.load()
    return tokenizer.tokenize(text)


@pytest.mark.parametrize("room", [9, 16, 110])
def test_the_first_piece_of_a_text_that_is_read_in_part_is_that_of_the_whole(entries, room):
    tokenizer, _ = models.load()
    for each in entries:
        text = " ".join(each.text.split())
        whole = list(chunks._pieces_of_all(tokenizer, text, room, 4))
        assert next(chunks._pieces(tokenizer, text, room, 4)) == whole[0]
        assert list(chunks._pieces(tokenizer, text, room, 4)) == whole


@pytest.mark.parametrize("size, overlap", SETTINGS)
def test_no_passage_has_more_tokens_than_asked_for_and_each_begins_with_its_name(
    entries, size, overlap
):
    tokenizer, _ = models.load()
    found = retrieval.split_all(entries, size, overlap)
    lengths = [len(ids) for ids in tokenizer([chunk.passage for chunk in found])["input_ids"]]
    assert max(lengths) <= size
    for chunk in found:
        assert chunk.passage.endswith(f": {chunk.text}")
        assert chunk.name.startswith(chunk.passage.split(": ")[0])


@pytest.mark.parametrize("size, overlap", SETTINGS)
def test_every_word_of_a_section_is_in_one_of_its_chunks_in_order(entries, size, overlap):
    for each in entries:
        found = retrieval.split(each, size, overlap)
        parts = chunks.sections(each.text)
        assert [title for title, _ in groupby(found, lambda chunk: chunk.section)] == [
            title for title, _ in groupby(parts, lambda part: part[0])
        ]
        for title, some in groupby(parts, lambda part: part[0]):
            texts = [text for _, text in some]
            pieces = [chunk.text for chunk in found if chunk.section == title]
            assert covers(pieces, texts), (each.name, title)


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


@pytest.mark.parametrize("size, overlap", [(64, 0), (64, 16), (128, 32)])
def test_neighbours_share_the_tokens_that_were_asked_for(size, overlap):
    """At least so many, and no more than the word that stands at the cut adds."""
    each = entry("Numbers " + " ".join(map(str, range(1000, 1400))), "made.numbers")
    found = retrieval.split(each, size, overlap)
    assert len(found) > 3
    for one, other in zip(found, found[1:], strict=False):
        last, first = tokens(one.text), tokens(other.text)
        shared = max(
            n for n in range(min(len(last), len(first)) + 1) if last[len(last) - n :] == first[:n]
        )
        longest = max(len(tokens(str(number))) for number in range(1000, 1400))
        assert overlap <= shared < overlap + longest


def test_words_are_not_cut_where_they_fit():
    each = entry("unbelievableness " * 120)
    for chunk in retrieval.split(each, 32, 8):
        assert set(chunk.text.split()) == {"unbelievableness"}


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
    "text, titles",
    [
        (NUMPY_STYLE, ["", "Parameters", "Returns"]),
        (GOOGLE_STYLE, ["", "Args", "Returns", "Example"]),
        ("Parameters\n----------\na : array", ["Parameters"]),
        ("Only this.", [""]),
        ("Returns: in the middle of a line is no heading.", [""]),
    ],
)
def test_a_section_is_what_stands_under_a_heading(text, titles):
    assert [title for title, _ in chunks.sections(text)] == titles


def test_no_chunk_holds_two_sections_and_small_sections_are_not_joined():
    found = retrieval.split(entry(NUMPY_STYLE), max_tokens=512)
    assert [(chunk.section, chunk.text) for chunk in found] == [
        ("", "Does a thing. More about it."),
        ("Parameters", "a : array The first."),
        ("Returns", "b : array"),
    ]


def test_keys_are_numbered_within_the_entry_and_the_first_are_kept(entries):
    whole = retrieval.split_all(entries)
    assert len({chunk.key for chunk in whole}) == len(whole)
    for per_entry in (1, 2):
        wanted = [c for c in whole if int(c.key.rpartition("#")[2]) < per_entry]
        assert retrieval.split_all(entries, per_entry=per_entry) == wanted
    assert {chunk.key for chunk in whole if chunk.key.endswith("#0")} == {
        f"{each.name}#0" for each in entries
    }
    assert retrieval.split_all([]) == []


def test_one_entry_is_split_as_among_others(entries):
    assert retrieval.split(entries[3]) == [
        chunk for chunk in retrieval.split_all(entries) if chunk.name == entries[3].name
    ]


def test_a_digest_changes_where_its_chunk_does_and_nowhere_else():
    before = retrieval.split(entry(NUMPY_STYLE))
    after = retrieval.split(entry(NUMPY_STYLE.replace("The first.", "The only one.")))
    assert [one.digest == other.digest for one, other in zip(before, after, strict=True)] == [
        True,
        False,
        True,
    ]
    renamed = retrieval.split(replace(entry(NUMPY_STYLE), name="made.other"))
    headed = retrieval.split(entry(NUMPY_STYLE.replace("Returns\n-------", "Yields\n------")))
    assert not {chunk.digest for chunk in before} & {chunk.digest for chunk in renamed}
    assert before[2].text == headed[2].text and before[2].digest != headed[2].digest
    assert all(re.fullmatch("[0-9a-f]{64}", chunk.digest) for chunk in before)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"max_tokens": 15}, "16 to 512 tokens"),
        ({"max_tokens": 513}, "16 to 512 tokens"),
        ({"max_tokens": 64.0}, "16 to 512 tokens"),
        ({"overlap": -1}, "0 to 64 tokens"),
        ({"overlap": 65}, "0 to 64 tokens"),
        ({"max_tokens": 32, "overlap": 17}, "0 to 16 tokens"),
        ({"per_entry": 0}, "from 1 up"),
        ({"per_entry": "all"}, "from 1 up"),
    ],
    ids=str,
)
def test_settings_out_of_range_are_refused(settings, message):
    with pytest.raises(BadInput, match=message):
        retrieval.split(entry("One."), **settings)
