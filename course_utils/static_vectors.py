"""GloVe: one vector a word, learned from what stands near it in six billion words of text.

Source: Pennington, Socher and Manning, "GloVe: Global Vectors for Word Representation", EMNLP 2014.
"""

import numpy as np
import pandas
import torch

from course_utils import published


class Vocabulary:
    """A list of words, the most frequent first, that answers like a tokenizer."""

    def __init__(self, words: list[str]):
        self.words = words

    def get_vocab(self) -> dict[str, int]:
        """Word to row of the table."""
        return {word: row for row, word in enumerate(self.words)}


class Table(torch.nn.Module):
    """A table of vectors that answers like a transformers model."""

    def __init__(self, matrix: np.ndarray):
        super().__init__()
        self.embedding = torch.nn.Embedding.from_pretrained(torch.from_numpy(matrix))

    def get_input_embeddings(self) -> torch.nn.Embedding:
        """The table; its `weight` is float32 `[words, d]`."""
        return self.embedding


def load() -> tuple[Vocabulary, Table]:
    """The 400,000 words of GloVe 6B and their vectors of 50 numbers.

    The numbers stay on disk until they are looked at. Raises CourseError where the package is
    missing or changed.
    """
    folder = published.GLOVE.verified() / "data"
    words = pandas.read_parquet(folder / "glove_6B_index.parquet")["index"].tolist()
    # "c": what somebody writes into the table stays in memory.
    matrix = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="c")
    return Vocabulary(words), Table(matrix).eval()
