"""Which texts are nearly copies of each other, by the runs of words that they share.

Source: Broder 1997, "On the resemblance and containment of documents". numpy and scipy are imported
where they are needed, as in `retrieval_pairs`.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

SHINGLE = 3  # words in a run
NEAR = 0.5  # Jaccard similarity from which on two texts count as copies of each other

_WORD = re.compile(r"\w+")
_BITS = 21  # of a word's number: three numbers of two million words fit into one int64
_word_numbers: dict[str, int] = {}  # from 1, in the order in which words are first met


def near_copies(
    first: Sequence[str], second: Sequence[str], threshold: float = NEAR
) -> list[tuple[int, int]]:
    """The (row of `first`, row of `second`) of all texts that are nearly the same.

    Nearly: of the runs of three words in either text, at least the share `threshold` stand in both
    (Jaccard similarity of 3-word shingles; case and punctuation do not count). Exact, not sampled.
    """
    if not len(first) or not len(second):
        return []
    ours, theirs = _occurrences(first, second)
    own, other = ours.sum(1), theirs.sum(1)
    theirs = theirs.T.tocsr()
    found: list[tuple[int, int]] = []
    for start in range(0, ours.shape[0], 512):
        shared = (ours[start : start + 512] @ theirs).tocoo()
        rows = shared.row + start
        near = shared.data >= threshold * (own[rows] + other[shared.col] - shared.data)
        found += zip(rows[near].tolist(), shared.col[near].tolist(), strict=True)
    return found


def _occurrences(*sides: Sequence[str]):
    """Which run stands in which text: for each side a sparse matrix `[n, runs]` of 0 and 1."""
    import numpy as np
    from scipy.sparse import csr_array

    of_texts = [_runs(text) for texts in sides for text in texts]
    runs, columns = np.unique(np.concatenate(of_texts), return_inverse=True)
    ends = np.cumsum([0, *map(len, of_texts)])
    ones = np.ones(len(columns), dtype=np.int32)
    everyone = csr_array((ones, columns, ends), shape=(len(of_texts), len(runs)))
    starts = np.cumsum([0, *map(len, sides)]).tolist()
    return [everyone[start:end] for start, end in zip(starts, starts[1:], strict=False)]


@lru_cache(maxsize=20_000)
def _runs(text: str):
    """The distinct runs of words in a text, each as one number: int64 `[runs]`.

    A text of fewer words is one run. Remembered, for the same texts are compared again and again:
    with other texts, and in other splits.
    """
    import numpy as np

    words = [
        _word_numbers.setdefault(word, len(_word_numbers) + 1)
        for word in _WORD.findall(text.lower())
    ]
    words += [0] * (SHINGLE - len(words))
    windows = np.lib.stride_tricks.sliding_window_view(np.array(words, dtype=np.int64), SHINGLE)
    return np.unique((windows << _BITS * np.arange(SHINGLE)).sum(1))
