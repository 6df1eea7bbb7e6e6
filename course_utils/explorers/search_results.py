"""One question, five ways to search: the lists and the answer behind the search desk of L5."""

import functools
from dataclasses import dataclass, replace

import numpy as np

from course_utils import rag
from course_utils.errors import BadInput
from course_utils.explorers import typed
from course_utils.retrieval import pipeline
from course_utils.retrieval.index import Index, documentation_index
from course_utils.retrieval.pipeline import BEST, BM25, CROSS, DUAL, HYBRID, LATE, PIPELINE, SINGLE

RERANKED = "reranked"
COLUMNS = (BM25, SINGLE, DUAL, HYBRID, RERANKED)  # side by side
# What makes the last list: a system, and the weight of the cross-encoder beside the hybrid. The
# mixture comes first: section 6 of L5 finds that a reader alone does harm.
READERS = {f"{HYBRID} + {CROSS}": (PIPELINE, 0.25), LATE: (LATE, 0.0), CROSS: (CROSS, 0.0)}
MOST = 10  # entries in a list
SHALLOWEST, DEEPEST = MOST, 50  # entries that are read again
KEPT = 16  # questions that are not searched for twice
PASSAGES = 3  # that the answer is taken from


@dataclass(frozen=True)
class SearchDesk:
    """A question, `k` entries a list, and how the hybrid and the reranked list are made.

    `words` and `depth` are as in `retrieval.Settings`. `reader`, one of `READERS`, makes the
    reranked list. `shown` is the list, one of `COLUMNS`, whose entries are numbered, lit up on the
    map and quoted.
    """

    question: str = "how do I split data into train and test"
    k: int = 5
    words: float = BEST.words
    depth: int = BEST.depth
    reader: str = next(iter(READERS))
    shown: str = RERANKED


@dataclass(frozen=True, eq=False)
class Ranking:
    """What one system makes of a question: n entries.

    `order` int64 `[n]`: their rows, best first. `ranks` int64 `[n]`: the rank of each row, from 1.
    `scores` float64 `[n]`: of each row; NaN where a reader has not read it.
    """

    order: np.ndarray
    ranks: np.ndarray
    scores: np.ndarray

    @classmethod
    def of(cls, total: np.ndarray, scores: np.ndarray) -> "Ranking":
        """The order that `total` makes; equal ones in the index's order."""
        order = np.argsort(-total, kind="stable")
        ranks = np.empty_like(order)
        ranks[order] = np.arange(1, len(order) + 1)
        return cls(order, ranks, scores)


@dataclass(frozen=True, eq=False)
class Findings:
    """What the desk shows of a state. `rankings` has one for each of `COLUMNS`.

    `asked` is the question as it was searched for. `cosines` float32 `[n]` are those of the dual
    encoder: how near the question is to each entry in the space of the map.
    """

    state: SearchDesk
    asked: str
    index: Index
    rankings: dict[str, Ranking]
    answer: "rag.Answer"

    @property
    def cosines(self) -> np.ndarray:
        return self.rankings[DUAL].scores

    def first(self, system: str) -> list[int]:
        """The rows of the first `k` entries of a list."""
        return self.rankings[system].order[: self.state.k].tolist()

    @property
    def numbers(self) -> dict[int, int]:
        """The number, from 1, that each row of the shown list has on the page."""
        return {row: number for number, row in enumerate(self.first(self.state.shown), start=1)}

    def lists_with(self, row: int) -> int:
        """In how many of the five lists this entry stands."""
        return sum(bool(self.rankings[system].ranks[row] <= self.state.k) for system in COLUMNS)

    def best(self) -> tuple[int, int]:
        """The first row of the shown list, and how many of the five have it first."""
        row = self.first(self.state.shown)[0]
        return row, sum(bool(self.rankings[system].ranks[row] == 1) for system in COLUMNS)

    def share(self, system: str, row: int) -> float:
        """How far a score is from that at the depth to the first one of its list: 0 to 1."""
        found = self.rankings[system]
        low = found.scores[found.order[min(self.state.depth, len(found.order)) - 1]]
        high, score = found.scores[found.order[0]], found.scores[row]
        if not np.isfinite([low, high, score]).all() or high <= low:
            return 0.0
        return float(np.clip((score - low) / (high - low), 0, 1))


class Desk:
    """An index to ask, and what was asked last: only what changes is computed anew."""

    def __init__(self, index: Index | None = None):
        """Without an index, that of the course's documentation."""
        self.index = documentation_index() if index is None else index
        self._scored = functools.lru_cache(maxsize=KEPT)(self._score)
        self._answered = functools.lru_cache(maxsize=KEPT)(self._answer)

    def find(self, state: SearchDesk) -> Findings:
        """Search for the question of a state in five ways, and answer it from the reranked list.

        Raises BadInput, in words that say what to type, for a state that cannot be searched for.
        """
        _check(state)
        how = (state.question, state.words, state.depth, state.reader)
        found, rankings = self._scored(*how)
        return Findings(state, found.asked, self.index, rankings, self._answered(*how))

    def _score(self, question: str, words: float, depth: int, reader: str):
        """What each system gives each entry: everything but k, which only cuts the lists."""
        system, cross = READERS[reader]
        settings = replace(BEST, words=words, depth=depth, cross=cross)
        found = pipeline.scored(self.index, question, system, settings)
        rankings = {
            name: Ranking.of(found.parts[name], found.parts[name])
            for name in COLUMNS
            if name != RERANKED
        }
        rankings[RERANKED] = Ranking.of(found.total, found.parts.get(system, found.total))
        return found, rankings

    def _answer(self, question: str, words: float, depth: int, reader: str):
        """The answer from the first passages of the reranked list, with its sources."""
        found, _ = self._scored(question, words, depth, reader)
        results = pipeline.ranked(self.index, found, PASSAGES)
        return rag.answer(found.asked, results, sources=PASSAGES)


def _check(state: SearchDesk) -> None:
    """Raise BadInput unless the state can be searched for; `Settings` checks the rest of it."""
    typed.check("question", pipeline.cleaned(state.question), pipeline.LONGEST)
    if not isinstance(state.k, int) or not 1 <= state.k <= MOST:
        raise BadInput(f"There are no lists of {state.k} entries: choose 1 to {MOST}.")
    if not SHALLOWEST <= state.depth <= DEEPEST:
        raise BadInput(f"There is no depth {state.depth}: choose {SHALLOWEST} to {DEEPEST}.")
    for value, known in ((state.reader, READERS), (state.shown, COLUMNS)):
        if value not in known:
            raise BadInput(f"There is no list {value!r}: choose one of {', '.join(known)}.")
