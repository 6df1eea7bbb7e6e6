"""What is computed once about the documents, so that a question takes milliseconds. Used by L5."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_utils import memory, models
from course_utils.bm25 import BM25
from course_utils.data import Entry, documentation
from course_utils.errors import BadInput
from course_utils.retrieval import chunks
from course_utils.retrieval.chunks import Chunk
from course_utils.retrieval.spelling import Vocabulary

HEADS = "documentation"


@dataclass(frozen=True, eq=False)
class Index:
    """The n entries and what each system knows about them.

    `chunks` are the first chunk of each entry: what the encoders and the rerankers read. `plain`
    float32 `[n, 384]`: the single encoder's unit vectors of them. `answers` float32 `[n, 384]`: the
    dual encoder's. `question_head` float32 `[384, 384]` turns the single encoder's vector of a
    question into the dual encoder's. `bm25` counts the words of whole entries.
    """

    entries: list[Entry]
    chunks: list[Chunk]
    plain: np.ndarray
    answers: np.ndarray
    question_head: np.ndarray
    bm25: BM25
    vocabulary: Vocabulary

    @property
    def names(self) -> list[str]:
        return [entry.name for entry in self.entries]

    def __len__(self) -> int:
        return len(self.entries)


@functools.cache
def documentation_index() -> Index:
    """The index of the course's documentation, made once a process; the vectors are cached on disk.

    The very first call embeds all entries, which takes a minute.
    """
    return build(documentation())


def build(entries: Sequence[Entry], progress: bool = True) -> Index:
    """Index these entries. Raises BadInput where there are none, or two have one name."""
    entries = list(entries)
    if not entries or len({entry.name for entry in entries}) < len(entries):
        raise BadInput("An index needs at least one entry, and each name once.")
    first = chunks.split_all(entries, per_entry=1)
    plain, answers, question_head = _vectors([chunk.passage for chunk in first], progress)
    counted = [words(entry) for entry in entries]
    bm25, known = BM25(counted), vocabulary(counted)
    memory.give_back()  # counting all words takes a lot of it for a moment
    return Index(entries, first, plain, answers, question_head, bm25, known)


def words(entry: Entry) -> str:
    """What BM25 counts of an entry: a word in its name or its summary counts three times."""
    return " ".join((entry.name, entry.name, entry.summary, entry.summary, entry.text))


def vocabulary(texts: Sequence[str]) -> Vocabulary:
    """The words of the documents, and those that the encoder knows as a whole."""
    return Vocabulary.of(texts, known=(word for word in _whole_words() if word.isalpha()))


def _vectors(passages: list[str], progress: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The single encoder's vectors, the dual encoder's, and the head that questions go through."""
    import torch

    from course_utils import dual_encoder

    heads = dual_encoder.shipped(HEADS)
    plain = dual_encoder.embed_answers(passages, progress=progress)
    with torch.inference_mode():
        answers = heads.answers(torch.from_numpy(plain)).numpy()
    return plain, answers, heads.question.weight.detach().numpy().copy()


def _whole_words() -> list[str]:
    """The WordPiece vocabulary's words; without the tokenizer's code, which would take a second."""
    file = Path(models.embedded_path()) / "vocab.txt"
    return file.read_text(encoding="utf-8").split("\n")
