"""What the vector store refuses, and how it says so.

A store takes nearly anything: a vector of NaN is found by every question or by none, a second chunk
of the same key replaces the first, and a filter on a field that does not exist finds nothing. All
three look like a bad encoder. So what goes in, and what is asked, is looked at here first.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from course_utils.errors import BadInput
from course_utils.retrieval.chunks import Chunk

FILTERS = ("name", "package", "section")
MOST_HITS = 1_000
# Bytes of UTF-8, as a Milvus cluster counts them.
ROOM = {"key": 512, "name": 512, "package": 256, "section": 1_024, "text": 65_535, "digest": 128}
_LENGTHS = 1e-12, 1e12  # beyond them the square of a length is no float32
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def vectors(found, dimension: int, labels: Sequence[str] | None = None) -> np.ndarray:
    """The vectors as float32 `[n, d]`; `labels` name the rows in messages ("row 3" without).

    Raises BadInput for another shape or dimension, for what is no real number, for NaN and
    infinity, and for a vector of zeros, which has no direction and so no cosine with anything.
    """
    found = numbers(found)
    if found.ndim != 2 or found.shape[1] != dimension:
        raise BadInput(
            f"This store holds vectors of {dimension} numbers, [n, {dimension}]: not {found.shape}."
        )
    with np.errstate(over="ignore"):
        found = np.ascontiguousarray(found, dtype=np.float32)
    bad = ~np.isfinite(found).all(axis=1)
    if bad.any():
        raise BadInput(f"The vector of {_label(bad, labels)} has NaN or infinity in it.")
    lengths = np.linalg.norm(found.astype(np.float64), axis=1)
    bad = lengths == 0
    if bad.any():
        raise BadInput(f"The vector of {_label(bad, labels)} is all zeros: it has no cosine.")
    bad = (lengths < _LENGTHS[0]) | (lengths > _LENGTHS[1])
    if bad.any():
        raise BadInput(
            f"The vector of {_label(bad, labels)} has the length {lengths[bad.argmax()]:.1g}. "
            "Scale it to 1: the cosine stays the same."
        )
    return found


def numbers(found) -> np.ndarray:
    """What was given, as an array. Raises BadInput for ragged rows and what is no real number."""
    try:
        found = np.asarray(found)
    except ValueError:
        raise BadInput("Vectors are rows of numbers, all of one length: these are not.") from None
    if found.dtype.kind not in "iuf":
        raise BadInput(f"Vectors are real numbers, not {found.dtype}.")
    return found


def chunks(given: Sequence[Chunk]) -> list[Chunk]:
    """The chunks as a list.

    Raises BadInput for what is no chunk, for a key that comes twice, and for a field that is no
    text, is too long for the store, or cannot be written as UTF-8; the message names the key.
    """
    given, seen = list(given), {}
    for row, chunk in enumerate(given):
        for field, room in ROOM.items():
            value = getattr(chunk, field, None)
            if not isinstance(value, str):
                raise BadInput(f"Row {row} is no chunk: its {field} is {value!r}, not text.")
            try:
                size = len(value.encode())
            except UnicodeEncodeError:
                raise BadInput(f"The {field} of {chunk.key!r} is no valid Unicode.") from None
            if size > room:
                raise BadInput(
                    f"The {field} of {chunk.key[:80]!r} (row {row}) has {size:,} bytes, and only "
                    f"{room:,} fit: split the text into smaller chunks."
                )
        if not chunk.key:
            raise BadInput(f"The chunk in row {row} has no key.")
        if chunk.key in seen:
            raise BadInput(f"The key {chunk.key!r} comes twice: rows {seen[chunk.key]} and {row}.")
        seen[chunk.key] = row
    return given


def keys(given: Sequence[str]) -> list[str]:
    """The keys as a list without repeats, in their order. Raises BadInput for what is no text."""
    if isinstance(given, str):
        raise BadInput(f"A list of keys is needed, not one text: [{given!r}]?")
    given = list(dict.fromkeys(given))
    for key in given:
        if not isinstance(key, str):
            raise BadInput(f"A key is a text such as 'numpy.argsort#0', not {key!r}.")
    return given


def how_many(k: int) -> int:
    """`k` itself. Raises BadInput unless it is a whole number that the store can give."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= MOST_HITS:
        raise BadInput(f"k is a whole number from 1 to {MOST_HITS:,}: not {k!r}.")
    return int(k)


def condition(where: Mapping[str, str] | None) -> str:
    """The store's filter for "each of these fields is exactly this text"; "" for no filter.

    Raises BadInput for a field that a store cannot be asked for, or a value that is no text.
    """
    if where is None:
        return ""
    if not isinstance(where, Mapping):
        raise BadInput(f"A filter is like {{'package': 'numpy'}}, not {where!r}.")
    for field, value in where.items():
        if field not in FILTERS:
            raise BadInput(f"There is no field {field!r} to filter by: {', '.join(FILTERS)} are.")
        if not isinstance(value, str):
            raise BadInput(f"The filter of {field!r} has to be a text, not {value!r}.")
    return " and ".join(f"{field} == {quoted(value)}" for field, value in where.items())


def quoted(text: str) -> str:
    """A text as the store's language writes it: whatever is in it, it stays one text."""
    return '"' + "".join(_ESCAPES.get(character, character) for character in text) + '"'


def _label(bad: np.ndarray, labels: Sequence[str] | None) -> str:
    row = int(bad.argmax())
    return f"row {row}" if labels is None else f"{labels[row]!r} (row {row})"
