"""GloVe's word vectors, as published: a zip archive of text files, one word and its numbers a line.

Used only with `COURSE_MODELS=hub`. Source: Pennington, Socher and Manning, "GloVe: Global Vectors for
Word Representation", EMNLP 2014.
"""

import io
import zipfile
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
            for number, line in enumerate(io.TextIOWrapper(binary, encoding="utf-8"), start=1):
                if number > limit:
                    break
                word, *numbers = line.rstrip("\n").split(" ")
                words.append(word)
                rows.append(np.array(numbers, dtype=np.float32))
                if rows[-1].shape != rows[0].shape:
                    raise GloveError(
                        f"{archive}: {member}, line {number}: {len(numbers)} numbers, "
                        f"where line 1 has {len(rows[0])}."
                    )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        if isinstance(error, GloveError):
            raise
        raise GloveError(
            f"{archive} is not a readable GloVe archive with {member} ({error}). Delete it, and it is "
            "downloaded again."
        ) from error
    if not words:
        raise GloveError(f"{archive}: {member} holds no vectors.")
    return Vocabulary(words), Table(np.stack(rows))
