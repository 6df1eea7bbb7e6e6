"""What is computed once about the documents, so that a question takes milliseconds. Used by L5.

An index is kept on disk as four files in a folder, and made anew where the documents, the encoder
or this code change. The vectors alone take a minute, the first time.
"""

import functools
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from course_utils import bm25, cache, embed, models
from course_utils.bm25 import BM25
from course_utils.data import Entry, documentation
from course_utils.errors import BadInput
from course_utils.retrieval import chunks, spelling
from course_utils.retrieval.spelling import Vocabulary

NEWEST = 4  # indexes that stay on disk: of other packages, say


@dataclass(frozen=True, eq=False)
class Index:
    """The n entries and what is known about them.

    `passages` are what the encoders read: the first chunk of each entry. `vectors` float32
    `[n, 384]`: the single encoder's unit vectors of them. `bm25` counts the words of whole entries.
    """

    entries: list[Entry]
    passages: list[str]
    vectors: np.ndarray
    bm25: BM25
    vocabulary: Vocabulary

    @property
    def names(self) -> list[str]:
        return [entry.name for entry in self.entries]

    def __len__(self) -> int:
        return len(self.entries)


@functools.cache
def documentation_index() -> Index:
    """The index of the course's documentation. The very first call embeds it: about a minute.

    Silent, so that a notebook prints the same the first time and later.
    """
    return kept(documentation(), progress=False)


def build(entries: Sequence[Entry], progress: bool = True) -> Index:
    """Index these entries. Raises BadInput where there are none, or two have one name."""
    entries = list(entries)
    if not entries or len({entry.name for entry in entries}) < len(entries):
        raise BadInput("An index needs at least one entry, and each name once.")
    passages = [chunk.passage for chunk in chunks.first_chunks(entries)]
    vectors = embed.encode(passages, max_tokens=chunks.MAX_TOKENS, progress=progress)
    counted = [words(entry) for entry in entries]
    whole_words = filter(str.isalpha, models.load()[0].get_vocab())
    vocabulary = Vocabulary.of(counted, known=whole_words)
    return Index(entries, passages, vectors, BM25(counted), vocabulary)


def words(entry: Entry) -> str:
    """What BM25 counts of an entry: a word in its name or its summary counts three times."""
    return " ".join((entry.name, entry.name, entry.summary, entry.summary, entry.text))


def kept(entries: Sequence[Entry], progress: bool = True) -> Index:
    """The index of these entries from the cache folder; made, and kept there, where it is not."""
    entries = list(entries)
    folder = cache.folder() / "index" / _key(entries)
    if (found := _load(folder, entries)) is None:
        found = build(entries, progress)
        _save(found, folder)
        _forget(folder.parent)
    return found


def _key(entries: Sequence[Entry]) -> str:
    """Changes with everything that an index depends on."""
    code = [Path(module.__file__).read_bytes() for module in (bm25, chunks, spelling)]
    code.append(Path(__file__).read_bytes())
    rows = json.dumps([astuple(entry) for entry in entries])
    return cache.key(models.identity(), embed.has_bfloat16(), rows, *code)[:32]


def _save(index: Index, folder: Path) -> None:
    """Write the folder at once or not at all; without room for it, nothing is kept."""
    temporary = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".writing-"))
        index.bm25.save(temporary / "bm25")
        np.save(temporary / "vectors.npy", index.vectors)
        told = {"passages": index.passages, "counts": index.vocabulary.counts}
        (temporary / "told.json").write_text(json.dumps(told), encoding="utf-8")
        os.replace(temporary, folder)
    except OSError:
        pass  # no room, or another process was first: the index is there all the same
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _forget(parent: Path) -> None:
    """Delete all but the newest indexes: each is some 30 MB, and a new version has another key."""
    kept = sorted(parent.glob("[!.]*"), key=lambda folder: folder.stat().st_mtime)
    for old in kept[:-NEWEST]:
        shutil.rmtree(old, ignore_errors=True)


def _load(folder: Path, entries: list[Entry]) -> Index | None:
    """What a folder has about these entries, or None where it is not there or cannot be read."""
    try:
        told = json.loads((folder / "told.json").read_text(encoding="utf-8"))
        vectors = np.load(folder / "vectors.npy")
        counted = BM25.load(folder / "bm25")
    except (OSError, ValueError, EOFError):
        shutil.rmtree(folder, ignore_errors=True)
        return None
    return Index(entries, told["passages"], vectors, counted, Vocabulary(told["counts"]))
