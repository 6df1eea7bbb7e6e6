"""BM25: ranking by counted words, the baseline that every trained system has to beat.

Source: Robertson and Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond",
section 3.2. The library bm25s does the counting; what counts as a word is decided here.
"""

import functools
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from course_utils.errors import BadInput

WORD = re.compile(r"[^\W\d_]+|\d+")
CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def tokens(text: str) -> list[str]:
    """The stems of a text's words in lower case; names are split at underscores and capitals.

    `train_test_split` gives train, test, split; `DataLoader` gives data, loader. Stemming makes
    "sorted" and "sorting" one word (Porter 1980, in the English version of the Snowball project).
    """
    return [_stem(word) for word in WORD.findall(CAPITAL.sub(" ", text).lower())]


class BM25:
    """An index of texts. Raises BadInput where there are none, or none of them has a word.

    `k1` says how soon repeating a word stops to matter, `b` how much long texts are marked down.
    """

    def __init__(self, texts: Sequence[str], k1: float = 1.5, b: float = 0.75):
        import bm25s

        words = [tokens(text) for text in texts]
        if not any(words):
            raise BadInput("BM25 needs at least one text with a word in it.")
        self._index = bm25s.BM25(k1=k1, b=b)
        self._index.index(words, show_progress=False)

    @property
    def size(self) -> int:
        """How many texts there are."""
        return self._index.scores["num_docs"]

    def save(self, folder: str | Path) -> None:
        """Write the counts to a folder, in the library's own format."""
        self._index.save(folder, show_progress=False)

    @classmethod
    def load(cls, folder: str | Path) -> "BM25":
        """What `save` wrote. Raises OSError or ValueError where it is missing or damaged."""
        import bm25s

        found = cls.__new__(cls)
        found._index = bm25s.BM25.load(folder, show_progress=False)
        return found

    def scores(self, questions: Sequence[str]) -> np.ndarray:
        """The score of each text for each question: float32 `[q, n]`; 0 where no word is shared."""
        found = np.zeros((len(questions), self.size), dtype=np.float32)
        for row, question in enumerate(questions):
            known = [word for word in tokens(question) if word in self._index.vocab_dict]
            if known:
                found[row] = self._index.get_scores(known)
        return found


@functools.lru_cache(maxsize=100_000)
def _stem(word: str) -> str:
    """Stemming takes twenty times as long as the rest, and most words come again and again."""
    return _stemmer().stemWord(word)


@functools.cache
def _stemmer():
    import snowballstemmer

    return snowballstemmer.stemmer("english")
