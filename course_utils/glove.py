"""GloVe's word vectors, as published: a zip archive of texts, a word and its numbers on each line.

Used only with `COURSE_MODELS=hub`. Source: Pennington, Socher and Manning, "GloVe: Global Vectors
for Word Representation", EMNLP 2014.
"""

import io
import itertools
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch

from course_utils.errors import CourseError

ARCHIVE = "glove.6B.zip"
MEMBER = "glove.6B.100d.txt"
WORDS = 100_000  # the file is sorted by frequency; the rest is rare, and memory is not free


class GloveError(CourseError, ValueError):
    """The archive is not GloVe's, or it is damaged."""


class Vocabulary:
    """A word list with the one method of a tokenizer that static vectors need."""

    def __init__(self, words: list[str]):
        self._ids = {word: index for index, word in enumerate(words)}

    def get_vocab(self) -> dict[str, int]:
        """Word to row number of the table."""
        return dict(self._ids)


class Table(torch.nn.Module):
    """An embedding table that answers like the input side of a transformers model."""

    def __init__(self, matrix: np.ndarray):
        super().__init__()
        self.embedding = torch.nn.Embedding.from_pretrained(torch.from_numpy(matrix))

    def get_input_embeddings(self) -> torch.nn.Embedding:
        """The table, `weight` of shape [words, d], float32."""
        return self.embedding


def load(archive: str | Path, member: str = MEMBER, limit: int = WORDS) -> tuple[Vocabulary, Table]:
    """Read the first `limit` words of a GloVe archive. Raises GloveError, naming file and line."""
    words, rows = [], []
    try:
        with zipfile.ZipFile(archive) as package, package.open(member) as binary:
            lines = io.TextIOWrapper(binary, encoding="utf-8")
            for number, line in enumerate(itertools.islice(lines, limit), start=1):
                word, *numbers = line.rstrip("\n").split(" ")
                words.append(word)
                rows.append(_row(numbers, rows, f"{archive}: {member}, line {number}"))
    except GloveError:
        raise
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise GloveError(
            f"{archive} is not a readable GloVe archive with {member} ({error}). Delete it, and it "
            "is downloaded again."
        ) from error
    if not words:
        raise GloveError(f"{archive}: {member} holds no vectors.")
    return Vocabulary(words), Table(np.stack(rows))


def _row(numbers: list[str], rows: list[np.ndarray], where: str) -> np.ndarray:
    """The numbers of one line, as many as in the rows before it; `where` begins an error."""
    try:
        row = np.array(numbers, dtype=np.float32)
    except ValueError as error:
        raise GloveError(f"{where}: {error}.") from error
    if rows and row.shape != rows[0].shape:
        raise GloveError(f"{where}: {len(row)} numbers, where line 1 has {len(rows[0])}.")
    return row
