"""From a question to ranked entries: the systems that L5 compares, and the best of them.

    question -> cleaned -> spelling corrected -> BM25 + encoder = hybrid
             -> the first `depth` read again by the cross-encoder = reranked

No system here is trained on the questions that measure it. `WORDS` was chosen on the tune split,
and so was that the second stage is off: see `tools/retrieval_run.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from course_utils import embed
from course_utils.data import Entry
from course_utils.errors import BadInput
from course_utils.retrieval.index import Index, documentation_index

BM25, ENCODER, HYBRID, RERANKED = "BM25", "encoder", "hybrid", "reranked"
SYSTEMS = (BM25, ENCODER, HYBRID, RERANKED)
WORDS = 0.25  # the share of BM25 in the hybrid; the encoder has the rest
DEPTH = 10  # how many of the hybrid's first entries the cross-encoder reads again
QUESTION_TOKENS = 64
LONGEST = 1000  # characters of a question that are read
_TAG = re.compile(r"</?[a-zA-Z!][^<>]*>")


@dataclass(frozen=True)
class Result:
    """An entry that was found. `parts` are its scores by the systems that had a say."""

    rank: int  # from 1
    name: str
    score: float  # to be compared with those of the same question only
    entry: Entry
    parts: Mapping[str, float]
    asked: str  # the question as it was searched for: its spelling may be corrected


def search(
    question: str, k: int = 10, *, system: str = HYBRID, index: Index | None = None
) -> list[Result]:
    """The `k` entries that answer the question best, best first.

    `system` is one of `SYSTEMS`. `index` holds other entries than the course's documentation. Equal
    scores are in the index's order. Raises BadInput for a question in which there is nothing to
    search for, an unknown system, or k below 1.
    """
    if k < 1:
        raise BadInput(f"k={k!r} is the number of entries to find: 1 or more.")
    index = documentation_index() if index is None else index
    asked = index.vocabulary.corrected(cleaned(question))
    parts = scores(index, asked, system)
    order = np.argsort(-parts[system], kind="stable")[:k]
    return [
        Result(
            rank,
            index.entries[row].name,
            float(parts[system][row]),
            index.entries[row],
            {name: float(part[row]) for name, part in parts.items()},
            asked,
        )
        for rank, row in enumerate(order.tolist(), start=1)
    ]


def scores(index: Index, asked: str, system: str = HYBRID) -> dict[str, np.ndarray]:
    """What each system that has a say gives the n entries: `[n]`; `system`'s ranks them.

    Reranked entries stand before all others, in the cross-encoder's order.
    """
    if system not in SYSTEMS:
        raise BadInput(f"There is no system {system!r}. There are: {', '.join(SYSTEMS)}.")
    parts = {}
    if system != ENCODER:
        parts[BM25] = index.bm25.scores([asked])[0]
    if system != BM25:
        vector = embed.encode(asked, max_tokens=QUESTION_TOKENS)
        # On one thread: those of numpy's @ go on spinning, and PyTorch's next call waits for them.
        parts[ENCODER] = np.einsum("nd,d->n", index.vectors, vector)
    if system in (HYBRID, RERANKED):
        parts[HYBRID] = hybrid(parts[BM25], parts[ENCODER])
    if system == RERANKED:
        parts[RERANKED] = reranked(index, asked, parts[HYBRID])
    return parts


def hybrid(words: np.ndarray, meaning: np.ndarray, share: float = WORDS) -> np.ndarray:
    """The weighted sum of both scores, standardised: float64 `[..., n]`."""
    return share * standardised(words) + (1 - share) * standardised(meaning)


def standardised(scores) -> np.ndarray:
    """Scores less their mean, in units of their spread, along the last axis; 0 where all are equal.

    What one system calls a high score, 12 or 0.6, then means the same for all of them.
    """
    scores = np.asarray(scores, dtype=np.float64)
    spread = scores.std(axis=-1, keepdims=True)
    centred = scores - scores.mean(axis=-1, keepdims=True)
    return np.divide(centred, spread, out=np.zeros_like(centred), where=spread > 1e-12)


def reranked(index: Index, asked: str, first: np.ndarray, depth: int = DEPTH) -> np.ndarray:
    """The scores `[n]` with the first `depth` entries read again by the cross-encoder."""
    from course_utils import cross_encoder

    rows = np.argsort(-first, kind="stable")[:depth]
    again = cross_encoder.score(asked, [index.passages[row] for row in rows])
    found = first.copy()
    found[rows] = first.max() + 1 + again - again.min()
    return found


def cleaned(question: str) -> str:
    """The question in one line, without tags of HTML, and at most 1,000 characters of it.

    Raises BadInput where it is no string or has neither a letter nor a digit.
    """
    if not isinstance(question, str):
        raise BadInput(f"A question is a string, not {type(question).__name__}.")
    text = " ".join(_TAG.sub(" ", question).split()) or " ".join(question.split())
    if len(text) > LONGEST:
        text = text[:LONGEST].rsplit(" ", 1)[0]
    if not any(letter.isalnum() for letter in text):
        raise BadInput("There is nothing to search for: type a question or some keywords.")
    return text
