"""Splits that do not leak: which texts are nearly copies, and how what is linked stays together.

numpy and scipy are imported where they are needed: the documentation alone does without them.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

SHINGLE = 3  # words in a run
NEAR = 0.5  # Jaccard similarity from which on two texts count as copies of each other
LARGEST_HELD_OUT = 5  # members of a family; more of them would be too much alike to measure with

_WORD = re.compile(r"\w+")
_BITS = 21  # of a word's number: three numbers of two million words fit into one int64
_word_numbers: dict[str, int] = {}  # from 1, in the order in which words are first met


@dataclass(frozen=True, slots=True)
class Split:
    """What to train on, to choose settings with, and for the figures that are told."""

    train: list
    validation: list
    held_out: list


def families(links: Iterable[tuple[int, int]], size: int) -> list[list[int]]:
    """The numbers below `size` in groups: all that are linked, directly or through others."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ends = np.array(list(links)).T
    graph = coo_array((np.ones(ends.shape[1]), (ends[0], ends[1])), shape=(size, size))
    found: dict[int, list[int]] = {}
    for member, number in enumerate(connected_components(graph, directed=False)[1].tolist()):
        found.setdefault(number, []).append(member)
    return list(found.values())


def dealt(
    families: Iterable[list[int]], fits: Callable[[str, list[int]], bool]
) -> dict[str, list[int]]:
    """The members of each side. A family goes to the first that it fits, or else to "train".

    `fits(side, members)` says whether "held_out" or "validation" may have these members. A family
    of more than five is always trained on.
    """
    sides: dict[str, list[int]] = {"held_out": [], "validation": [], "train": []}
    for family in families:
        small = len(family) <= LARGEST_HELD_OUT
        for side, members in sides.items():
            if side == "train" or (small and fits(side, members + family)):
                members += family
                break
    return sides


def near_copies(
    first: Sequence[str], second: Sequence[str], threshold: float = NEAR
) -> list[tuple[int, int]]:
    """The (row of `first`, row of `second`) of all texts that are nearly the same.

    Nearly: of the runs of three words in either text, at least the share `threshold` stand in both
    (Jaccard similarity of 3-word shingles; case and punctuation do not count). Exact, not sampled.
    Source: Broder 1997, "On the resemblance and containment of documents".
    """
    import numpy as np
    from scipy.sparse import csr_array

    if not len(first) or not len(second):
        return []
    of_texts = [_runs(text) for text in (*first, *second)]
    runs, columns = np.unique(np.concatenate(of_texts), return_inverse=True)
    ends = np.cumsum([0, *map(len, of_texts)])
    ones = np.ones(len(columns), dtype=np.int32)
    occurs = csr_array((ones, columns, ends), shape=(len(of_texts), len(runs)))  # run in text
    sizes = occurs.sum(1)
    theirs, found = occurs[len(first) :].T.tocsr(), []
    for start in range(0, len(first), 512):
        shared = (occurs[start : min(start + 512, len(first))] @ theirs).tocoo()
        rows = shared.row + start
        either = sizes[rows] + sizes[len(first) + shared.col] - shared.data
        near = shared.data >= threshold * either
        found += zip(rows[near].tolist(), shared.col[near].tolist(), strict=True)
    return found


@lru_cache(maxsize=20_000)
def _runs(text: str):
    """The distinct runs of words in a text, each as one number: int64 `[runs]`.

    A text of fewer words is one run. Remembered, for the same texts are compared again and again.
    """
    import numpy as np

    words = [
        _word_numbers.setdefault(word, len(_word_numbers) + 1)
        for word in _WORD.findall(text.lower())
    ]
    words += [0] * (SHINGLE - len(words))
    windows = np.lib.stride_tricks.sliding_window_view(np.array(words, dtype=np.int64), SHINGLE)
    return np.unique((windows << _BITS * np.arange(SHINGLE)).sum(1))
