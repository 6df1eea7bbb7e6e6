"""From documents to chunks: pieces that an encoder reads as a whole. Taught in L5.

An encoder gives one vector for whatever it reads, and reads a limited number of tokens. So a long
docstring is cut: at its headings first, and a section that is still too long at a fixed number of
tokens, with an overlap, so that what stands at a cut is whole in one of the two pieces.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from course_utils import models
from course_utils.data import Entry
from course_utils.errors import BadInput

MAX_TOKENS = 128
OVERLAP = 16
_SMALLEST, _LARGEST = 16, 512
_LETTERS = 8  # more than a token has, nearly always
_UNDERLINE = re.compile(r"\s*([=\-~^*#])\1{2,}\s*")
# Google's style: a word at the left edge with a colon, and an indented block below it.
_LABEL = re.compile(
    r"(Parameters|Args|Arguments|Keyword [Aa]rguments|Keyword Args|Returns?|Yields|Raises|"
    r"Attributes|Examples?|Notes?|See [Aa]lso|Shape|Inputs?|Outputs?|References|Warnings?)"
    r"\s*:{1,2}\s*"
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an entry. `passage` is what is embedded, `text` what of it is shown."""

    key: str  # "numpy.argsort#0": the entry's name, and the piece's number within it
    name: str
    package: str
    section: str  # the heading above it, "Parameters" say; "" before the first heading
    text: str
    passage: str  # the name and the text: at most `max_tokens` tokens
    digest: str  # SHA-256 of name, section and passage: changes where the chunk does


def split(
    entry: Entry,
    max_tokens: int = MAX_TOKENS,
    overlap: int = OVERLAP,
    per_entry: int | None = None,
) -> list[Chunk]:
    """The chunks of an entry, in its order; at least one.

    A passage has at most `max_tokens` tokens (16 to 512), [CLS], [SEP] and the name included; two
    pieces of a section share `overlap` tokens (0 to half of `max_tokens`). `per_entry` keeps the
    first so many. No chunk holds text of two sections. Raises BadInput for settings out of range.
    """
    return split_all([entry], max_tokens, overlap, per_entry)


def split_all(
    entries: Sequence[Entry],
    max_tokens: int = MAX_TOKENS,
    overlap: int = OVERLAP,
    per_entry: int | None = None,
) -> list[Chunk]:
    """The chunks of all entries, as `split` gives them, one entry after the other."""
    _check(max_tokens, overlap, per_entry)
    tokenizer, _ = models.load()
    # The name may take half of the room, so that every piece has room for words.
    names = _cut(tokenizer, [entry.name for entry in entries], max_tokens // 2)
    found = []
    for entry, name, taken in zip(entries, names, _lengths(tokenizer, names), strict=True):
        room = max_tokens - taken
        pieces = (
            (title, piece)
            for title, text in sections(entry.text)
            for piece in _pieces(tokenizer, text, room, min(overlap, room // 2))
        )
        for number, (title, piece) in enumerate(islice(pieces, per_entry)):
            found.append(_chunk(entry, number, title, piece, f"{name}: {piece}"))
    return found


def sections(text: str) -> list[tuple[str, str]]:
    """The parts of a docstring under its headings: `(heading, text)`, "" for what stands first.

    A heading is a line with a rule below it (numpy's style), or a known word with a colon (Google's
    style). Parts without a word are left out, unless nothing else is there.
    """
    lines = text.split("\n")
    parts: list[tuple[str, list[str]]] = [("", [])]
    at = 0
    while at < len(lines):
        line, below = lines[at], lines[at + 1] if at + 1 < len(lines) else ""
        label = _LABEL.fullmatch(line)
        if line.strip() and _UNDERLINE.fullmatch(below):
            parts.append((line.strip(), []))
            at += 2
        elif label:
            parts.append((label[1], []))
            at += 1
        else:
            if not _UNDERLINE.fullmatch(line):
                parts[-1][1].append(line)
            at += 1
    found = [(title, _tidy(part)) for title, part in parts]
    return [(title, part) for title, part in found if re.search(r"\w", part)] or [
        ("", _tidy(lines))
    ]


def _tidy(lines: Sequence[str]) -> str:
    """The words in one line: indentation and line ends mean nothing to the encoder."""
    return " ".join(" ".join(lines).split())


def _pieces(tokenizer, text: str, room: int, overlap: int) -> Iterator[str]:
    """Parts of a text of at most `room` tokens, cut between words; neighbours share `overlap`."""
    # Whoever takes the first piece alone should not pay for a long text: up to a space, the tokens
    # are those of the whole.
    space = text.find(" ", _LETTERS * room)
    if space > 0:
        spans, words = _read(tokenizer, text[:space])
        if len(spans) > room:
            yield text[spans[0][0] : spans[_word_start(words, room, 0) - 1][1]]
            yield from islice(_pieces_of_all(tokenizer, text, room, overlap), 1, None)
            return
    yield from _pieces_of_all(tokenizer, text, room, overlap)


def _pieces_of_all(tokenizer, text: str, room: int, overlap: int) -> Iterator[str]:
    """`_pieces`, of a text that is read as a whole."""
    spans, words = _read(tokenizer, text)
    if len(spans) <= room:
        yield text
        return
    start = 0
    while start < len(spans):
        end = min(start + room, len(spans))
        if end < len(spans):
            end = _word_start(words, end, start)
        if start and words[start] == words[start - 1]:
            # The rest of a cut word, read on its own, may have more tokens than within the word.
            while len(tokenizer.tokenize(text[spans[start][0] : spans[end - 1][1]])) > room:
                end -= 1
        yield text[spans[start][0] : spans[end - 1][1]]
        if end == len(spans):
            return
        start = max(_word_start(words, end - overlap, start), start + 1)


def _word_start(words: Sequence[int], at: int, after: int) -> int:
    """The nearest token at or before `at` that begins a word; `at` where `after` comes first."""
    found = at
    while found > after + 1 and words[found] == words[found - 1]:
        found -= 1
    return found if found > after + 1 else at


def _read(tokenizer, text: str) -> tuple[Sequence[tuple[int, int]], Sequence[int]]:
    """Where each token of a text begins and ends, and the number of its word."""
    encoded = tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
    ).encodings[0]
    return encoded.offsets, encoded.word_ids


def _cut(tokenizer, texts: list[str], tokens: int) -> list[str]:
    """The texts, or as much of each as has so many tokens."""
    options = {"add_special_tokens": False, "return_offsets_mapping": True}
    read = tokenizer(texts, **options)["offset_mapping"] if texts else []
    return [
        text if len(spans) <= tokens else text[: spans[tokens - 1][1]]
        for text, spans in zip(texts, read, strict=True)
    ]


def _lengths(tokenizer, names: list[str]) -> list[int]:
    """How many tokens each name takes at the head of a passage, [CLS] and [SEP] included."""
    heads = [f"{name}: " for name in names]
    return [len(ids) for ids in tokenizer(heads)["input_ids"]] if heads else []


def _chunk(entry: Entry, number: int, section: str, text: str, passage: str) -> Chunk:
    digest = hashlib.sha256("\0".join((entry.name, section, passage)).encode()).hexdigest()
    key = f"{entry.name}#{number}"
    return Chunk(key, entry.name, entry.package, section, text, passage, digest)


def _check(max_tokens: int, overlap: int, per_entry: int | None) -> None:
    if not isinstance(max_tokens, int) or not _SMALLEST <= max_tokens <= _LARGEST:
        raise BadInput(
            f"A chunk has {_SMALLEST} to {_LARGEST} tokens: max_tokens={max_tokens!r} is not."
        )
    if not isinstance(overlap, int) or not 0 <= overlap <= max_tokens // 2:
        raise BadInput(
            f"Neighbours share 0 to {max_tokens // 2} tokens, half of a chunk: overlap={overlap!r}."
        )
    if per_entry is not None and (not isinstance(per_entry, int) or per_entry < 1):
        raise BadInput(f"per_entry is a number from 1 up, or None for all: not {per_entry!r}.")
