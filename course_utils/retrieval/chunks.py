"""From documents to chunks: pieces that an encoder reads as a whole. By hand in L5, section 1.

An encoder gives one vector for whatever it reads, and reads a limited number of tokens. So a long
docstring is cut: at its headings first, and a section that is still too long at a fixed number of
tokens, with an overlap, so that what stands at a cut is whole in one of the two pieces.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from course_utils import models
from course_utils.data import Entry

MAX_TOKENS = 128  # what the answer encoder reads
OVERLAP = 16
# A heading: a line with a rule below it (numpy's style), or a known word with a colon (Google's).
_HEADING = re.compile(
    r"^(?:(\S.*)\n[ \t]*([=\-~^*#])\2{2,}[ \t]*"
    r"|(Args|Arguments|Keyword args|Returns|Yields|Raises|Attributes|Examples?|Note|Shape|Inputs?"
    r"|Outputs?|See also|References|Warning):{1,2}[ \t]*)$",
    re.MULTILINE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of an entry: `text` is shown; `passage`, with the name before it, is embedded."""

    key: str  # "numpy.argsort#0": the entry's name, and the piece's number within it
    name: str
    section: str  # the heading above it, "Parameters" say; "" before the first heading
    text: str

    @property
    def passage(self) -> str:
        return f"{self.name}: {self.text}"

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all that is stored: changes where the chunk does."""
        return hashlib.sha256("\0".join((self.key, self.section, self.text)).encode()).hexdigest()


def split(entry: Entry, max_tokens: int = MAX_TOKENS, overlap: int = OVERLAP) -> list[Chunk]:
    """The chunks of an entry, in its order; at least one.

    A passage has at most `max_tokens` tokens, [CLS], [SEP] and the name included; neighbours within
    a section share `overlap` tokens. No chunk holds text of two sections.
    """
    parts = sections(entry.text)
    return _cut([entry] * len(parts), parts, max_tokens, overlap)


def first_chunks(entries: Sequence[Entry], max_tokens: int = MAX_TOKENS) -> list[Chunk]:
    """The first chunk of each entry: what a search that knows one vector an entry reads of it."""
    parts = [sections(entry.text)[0] for entry in entries]
    firsts = [(heading, text[: 12 * max_tokens]) for heading, text in parts]  # none is longer
    found = _cut(entries, firsts, max_tokens, OVERLAP)
    return [chunk for chunk in found if chunk.key.endswith("#0")]


def sections(text: str) -> list[tuple[str, str]]:
    """The parts of a docstring under its headings: `(heading, text)`, "" for what stands first.

    Each text is one line: to the encoder, indentation and line ends mean nothing.
    """
    found, heading, start = [], "", 0
    for match in _HEADING.finditer(text):
        found.append((heading, text[start : match.start()]))
        heading, start = match[1] or match[3], match.end()
    found.append((heading, text[start:]))
    tidy = [(heading.strip(), " ".join(part.split())) for heading, part in found]
    return [(heading, part) for heading, part in tidy if re.search(r"\w", part)] or [
        ("", " ".join(text.split()))
    ]


def _cut(entries, parts, max_tokens: int, overlap: int) -> list[Chunk]:
    """The chunks of these sections, each of the entry beside it: all are read at once."""
    if not parts:
        return []
    tokenizer, _ = models.load()
    # The tokenizer cuts by itself: [CLS] name [SEP] a window of the text [SEP], window by window.
    read = tokenizer(
        [entry.name for entry in entries],
        [text for _, text in parts],
        truncation="only_second",
        max_length=max_tokens - 1,  # a name ends in ": " in a passage, and in one [SEP] here
        stride=overlap,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
    )
    found: list[Chunk] = []
    before = end = None  # the section of the last window, and where that window ended
    for window, part in enumerate(read["overflow_to_sample_mapping"]):
        name, (heading, text) = entries[part].name, parts[part]
        pieces, spans = read.tokens(window), read["offset_mapping"][window]
        of_text = [at for at, side in enumerate(read.sequence_ids(window)) if side == 1]
        # A word that the window cuts at its start is whole at the end of the window before it.
        while part == before and pieces[of_text[0]][:2] == "##" and spans[of_text[0]][1] <= end:
            del of_text[0]
        start, end = (spans[of_text[0]][0], spans[of_text[-1]][1]) if of_text else (0, 0)
        before = part
        new = not found or found[-1].name != name
        number = 0 if new else int(found[-1].key.rpartition("#")[2]) + 1
        found.append(Chunk(f"{name}#{number}", name, heading, text[start:end]))
    return found
