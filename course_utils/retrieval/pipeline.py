"""From a question to ranked entries: the systems that L5 compares, and the best of them.

Every system gives each of the n entries a score; only the first two stages look at all of them:

    question -> cleaned -> spelling corrected -> BM25 + single encoder + dual encoder = hybrid
             -> the first `depth` read again by late interaction or the cross-encoder = reranked

Reranked entries stand before all others. No system here is trained on the questions that measure
it; the weights of `BEST` were chosen on the tune split: see `tools/retrieval_run.py`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from course_utils.data import Entry
from course_utils.errors import BadInput
from course_utils.retrieval.fusion import weighted_sum
from course_utils.retrieval.index import Index, documentation_index

BM25 = "BM25"
SINGLE, DUAL = "single encoder", "dual encoder"
HYBRID = "hybrid"
LATE, CROSS = "late interaction", "cross-encoder"
PIPELINE = "pipeline"
FIRST_STAGE = (BM25, SINGLE, DUAL, HYBRID)
RERANKED = (LATE, CROSS)
SYSTEMS = (*FIRST_STAGE, *RERANKED, PIPELINE)
LONGEST = 1000  # characters of a question that are read; an encoder reads 64 tokens of them
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True)
class Settings:
    """How the pipeline works.

    `words`: the share of BM25 in the hybrid, 0 to 1; the two encoders share the rest equally.
    `depth`: how many of the hybrid's first entries are read again. `late` and `cross`: what late
    interaction and the cross-encoder count in the pipeline, the hybrid being 1; with 0 for both
    there is no second stage. `spelling`: whether unknown words are corrected.
    """

    words: float = 0.25
    depth: int = 20
    late: float = 0.0
    cross: float = 0.0
    spelling: bool = True

    def __post_init__(self):
        if not 0 <= self.words <= 1:
            raise BadInput(f"words={self.words!r} is a share: 0 to 1.")
        if not isinstance(self.depth, int | np.integer) or self.depth < 1:
            raise BadInput(f"depth={self.depth!r} is a number of entries: 1 or more.")
        if self.late < 0 or self.cross < 0:
            raise BadInput(f"Weights are 0 or more: late={self.late!r}, cross={self.cross!r}.")


BEST = Settings()


@dataclass(frozen=True)
class Result:
    """An entry that was found. `parts` are its scores by the systems that had a say."""

    rank: int  # from 1
    name: str
    score: float  # to be compared with those of the same question only
    entry: Entry
    parts: Mapping[str, float]
    asked: str  # the question as it was searched for: its spelling may be corrected


@dataclass(frozen=True)
class Scored:
    """What a question makes of all n entries: `total` is what they are ranked by, float64 `[n]`.

    `parts` maps each system that had a say to its scores, `[n]`; NaN where it did not look.
    """

    asked: str
    total: np.ndarray
    parts: Mapping[str, np.ndarray]


def search(
    question: str,
    k: int = 10,
    *,
    system: str = PIPELINE,
    index: Index | None = None,
    settings: Settings = BEST,
) -> list[Result]:
    """The `k` entries that answer the question best, best first.

    `system` is one of `SYSTEMS`. `index` holds other entries than the course's documentation. Equal
    scores are in the index's order. Raises BadInput for a question in which there is nothing to
    search for, an unknown system, or k below 1.
    """
    index = documentation_index() if index is None else index
    if not isinstance(k, int | np.integer) or k < 1:
        raise BadInput(f"k={k!r} is the number of entries to find: 1 or more.")
    return ranked(index, scored(index, question, system, settings), k)


def scores(
    index: Index, question: str, system: str = PIPELINE, settings: Settings = BEST
) -> np.ndarray:
    """What a system gives each of the n entries: float64 `[n]`. Errors are those of `search`."""
    return scored(index, question, system, settings).total


def scored(
    index: Index,
    question: str,
    system: str = PIPELINE,
    settings: Settings = BEST,
    vector: np.ndarray | None = None,
) -> Scored:
    """As `scores`, with what each system says.

    `vector` float32 `[384]` is the single encoder's of the question, where it is known already: the
    first stage then needs numpy alone.
    """
    if system not in SYSTEMS:
        raise BadInput(f"There is no system {system!r}. There are: {', '.join(SYSTEMS)}.")
    asked = cleaned(question)
    if settings.spelling:
        asked = index.vocabulary.corrected(asked)
    parts: dict[str, np.ndarray] = {}
    if system != BM25:
        vector = encoded(asked) if vector is None else vector
        parts[SINGLE] = products(index.plain, vector)
        parts[DUAL] = products(index.answers, as_question(index.question_head, vector))
    if system not in (SINGLE, DUAL):
        parts[BM25] = index.bm25.scores([asked])[0]
    if system in parts:
        return Scored(asked, parts[system].astype(np.float64), parts)
    parts[HYBRID] = hybrid(parts, settings.words)
    total = parts[HYBRID]
    weights = _second_stage(system, settings)
    if weights:
        rows = np.argsort(-total, kind="stable")[: settings.depth]
        for name in weights:
            if name != HYBRID:
                parts[name] = np.full(len(total), np.nan)
                parts[name][rows] = reread(name, asked, [index.chunks[row].passage for row in rows])
        again = weighted_sum([parts[name][rows] for name in weights], list(weights.values()))
        total = reordered(total, rows, again)
    return Scored(asked, total, parts)


def ranked(index: Index, found: Scored, k: int) -> list[Result]:
    """The first `k` entries of what `scored` found; equal ones in the index's order."""
    order = np.argsort(-found.total, kind="stable")[:k]
    return [
        Result(
            rank,
            index.entries[row].name,
            float(found.total[row]),
            index.entries[row],
            {name: float(part[row]) for name, part in found.parts.items()},
            found.asked,
        )
        for rank, row in enumerate(order.tolist(), start=1)
    ]


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


def encoded(asked: str) -> np.ndarray:
    """The single encoder's unit vector of a question: float32 `[384]`."""
    from course_utils import dual_encoder

    return dual_encoder.embed_questions(asked)


def as_question(question_head: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """The dual encoder's unit vector of a question, from the single encoder's: float32 `[384]`."""
    turned = products(question_head, vector)
    return turned / np.linalg.norm(turned)


def products(rows: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """`rows @ vector`, float32 `[n]`, on one thread.

    The threads of numpy's `@` go on spinning for a while, and on two cores PyTorch then takes ten
    times as long to encode the next question.
    """
    return np.einsum("nd,d->n", rows, vector)


def hybrid(parts: Mapping[str, np.ndarray], words: float) -> np.ndarray:
    """The first stage's sum of standardised scores: float64 `[n]`."""
    meaning = (1 - words) / 2
    return weighted_sum([parts[SINGLE], parts[DUAL], parts[BM25]], [meaning, meaning, words])


def reordered(total: np.ndarray, rows: np.ndarray, again: np.ndarray) -> np.ndarray:
    """The scores `[n]` with some `rows` `[k]` before all others, in the order of `again` `[k]`."""
    found = total.copy()
    found[rows] = total.max() + 1 + again - again.min()
    return found


def reread(name: str, asked: str, passages: list[str]) -> np.ndarray:
    """The scores that a reranker gives these passages: float32 `[n]`.

    In bfloat16 where the processor has instructions for it: that halves the time.
    """
    from course_utils import cross_encoder, embed, late_interaction

    precision = "bfloat16" if embed.has_bfloat16() else "float32"
    score = {LATE: late_interaction.score, CROSS: cross_encoder.score}[name]
    return score(asked, passages, precision=precision)


def _second_stage(system: str, settings: Settings) -> dict[str, float]:
    """What counts how much where the first entries are ordered again; empty where they are not."""
    if system in RERANKED:
        return {system: 1.0}
    if system == PIPELINE and (settings.late or settings.cross):
        weights = {HYBRID: 1.0, LATE: settings.late, CROSS: settings.cross}
        return {name: weight for name, weight in weights.items() if weight}
    return {}
