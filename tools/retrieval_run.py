"""`make retrieval`: every system of L5 on every question of the set; writes what the lesson shows.

    python -m tools.retrieval_run            tune and test
    python -m tools.retrieval_run --tune     the tune split alone, to choose settings with

What was chosen on the tune split: the share of words in the hybrid, and whether and how the first
entries are read again. The test split chooses nothing. About a quarter of an hour on two cores:
the rerankers read 50 passages a question. Scores that are known are kept in the cache folder.
"""

import argparse
import datetime
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np
import torch

from course_utils import cache, data, dual_encoder, evaluate, models, ranking
from course_utils.data import Question
from course_utils.retrieval import evaluation, fusion, pipeline
from course_utils.retrieval.index import HEADS, Index, documentation_index
from course_utils.retrieval.pipeline import BEST, CROSS, DUAL, HYBRID, LATE, SINGLE, Settings
from tools import records

PATH = data.runs.RUNS / "retrieval.json"
PACKAGES = ("torch", "transformers", "numpy", "bm25s", "scipy", "scikit-learn", "matplotlib")
DEEPEST = 50
DEPTHS = (5, 10, 20, 50)
WORDS = (0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)
WEIGHTS = (0.25, 0.5, 1.0)  # of a reranker beside the hybrid
TIMED = 20  # questions, for the milliseconds
RRF = "reciprocal rank fusion"
FACTS = "heads for facts"
NO_SPELLING = "hybrid, spelling as typed"
DUALS = {DUAL: HEADS, FACTS: "facts"}


@dataclass(frozen=True)
class Read:
    """What all systems give one question: each `[n]`, and of the rerankers `[DEEPEST]`.

    `rows` are the hybrid's first, best first. `typed` is the hybrid without spelling correction.
    """

    question: Question
    right: list[int]
    first_stage: Mapping[str, np.ndarray]
    typed: np.ndarray
    rows: np.ndarray
    again: Mapping[str, np.ndarray]

    def hybrid(self, words: float = BEST.words) -> np.ndarray:
        return pipeline.hybrid(self.first_stage, words)

    def fused_by_rank(self) -> np.ndarray:
        """Reciprocal rank fusion of the three systems of the first stage, as scores `[n]`."""
        systems = (SINGLE, DUAL, pipeline.BM25)
        orders = [np.argsort(-self.first_stage[name], kind="stable") for name in systems]
        scores = np.zeros(len(self.typed))
        for row, score in fusion.reciprocal_rank_fusion([order.tolist() for order in orders]):
            scores[row] = score
        return scores

    def reranked(self, weights: Mapping[str, float], depth: int) -> np.ndarray:
        """The hybrid with its first entries in another order, as `pipeline.scored` makes it."""
        total, rows = self.hybrid(), self.rows[:depth]
        parts = {HYBRID: total[rows], **{name: s[:depth] for name, s in self.again.items()}}
        again = fusion.weighted_sum([parts[name] for name in weights], list(weights.values()))
        return pipeline.reordered(total, rows, again)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--tune", action="store_true", help="only print what the tune split says")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    index = documentation_index()
    questions = [each for each in data.questions() if each.answers]
    tune = read_all(index, [each for each in questions if each.split == "tune"])
    chosen = choice(tune)
    print_choice(chosen)
    if options.tune:
        return 0
    test = read_all(index, [each for each in questions if each.split == "test"])
    records.write(
        {
            "command": "make retrieval",
            "date": datetime.date.today().isoformat(),
            "versions": records.versions(PACKAGES),
            "cross_encoder": models.identity("cross-encoder"),
            "heads": HEADS,
            "entries": len(index),
            "settings": asdict(BEST),
            "tune": {"questions": len(tune), **chosen, "systems": figures(index, tune)},
            "test": {"questions": len(test), **told(index, test)},
            "milliseconds": milliseconds(index, [each.question.question for each in tune]),
        },
        PATH,
    )
    print(f"Written: {PATH.name}")
    return 0


def read_all(index: Index, questions: Sequence[Question]) -> list[Read]:
    """All systems' scores; each question's are kept, so that a stopped run goes on."""
    right = evaluation.acceptable(questions, index.names)
    heads = {name: dual_encoder.shipped(kind) for name, kind in DUALS.items()}
    plain = torch.from_numpy(index.plain)
    with torch.inference_mode():
        answers = {name: pair.answers(plain).numpy() for name, pair in heads.items()}
    found = []
    for number, (question, rows) in enumerate(zip(questions, right, strict=True), start=1):
        typed = pipeline.cleaned(question.question)
        asked = index.vocabulary.corrected(typed)
        first_stage = _first_stage(index, heads, answers, asked)
        as_typed = pipeline.hybrid(_first_stage(index, heads, answers, typed), BEST.words)
        total = pipeline.hybrid(first_stage, BEST.words)
        first = np.argsort(-total, kind="stable")[:DEEPEST]
        found.append(
            Read(question, rows, first_stage, as_typed, first, _again(index, asked, first))
        )
        if number % 20 == 0:
            print(f"{number}/{len(questions)} questions", file=sys.stderr, flush=True)
    return found


def _first_stage(index: Index, heads, answers, asked: str) -> dict[str, np.ndarray]:
    vector = pipeline.encoded(asked)
    found = {pipeline.BM25: index.bm25.scores([asked])[0], SINGLE: index.plain @ vector}
    with torch.inference_mode():
        for name, pair in heads.items():
            found[name] = answers[name] @ pair.questions(torch.from_numpy(vector)).numpy()
    return found


def _again(index: Index, asked: str, rows: np.ndarray) -> dict[str, np.ndarray]:
    """The rerankers' scores of these entries, from the cache folder where they are known."""
    passages = [index.chunks[row].passage for row in rows]
    found = {}
    for name, weights in ((LATE, models.identity()), (CROSS, models.identity("cross-encoder"))):
        key = cache.key("reranked", name, weights, asked, *passages)
        stored = cache.read("reranked", f"{key}.npy")
        if stored is None:
            scores = np.asarray(pipeline.reread(name, asked, passages), dtype="<f4")
            cache.write("reranked", f"{key}.npy", scores.tobytes())
        else:
            scores = np.frombuffer(stored, dtype="<f4")
        found[name] = scores.astype(np.float64)
    return found


def measured(read: Sequence[Read], scores: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    return evaluation.measured(scores, [each.right for each in read])


def choice(tune: Sequence[Read]) -> dict:
    """What the tune split says about the settings: MRR with its interval for each."""

    def mrr(scores) -> list[float]:
        return evaluate.summary(measured(tune, scores)["MRR"])

    mixtures = {
        LATE: {LATE: 1.0},
        CROSS: {CROSS: 1.0},
        **{f"{HYBRID} + {w} {LATE}": {HYBRID: 1.0, LATE: w} for w in WEIGHTS},
        **{f"{HYBRID} + {w} {CROSS}": {HYBRID: 1.0, CROSS: w} for w in WEIGHTS},
        f"{HYBRID} + 0.25 {LATE} + 0.25 {CROSS}": {HYBRID: 1.0, LATE: 0.25, CROSS: 0.25},
        f"{HYBRID} + 0.5 {LATE} + 0.5 {CROSS}": {HYBRID: 1.0, LATE: 0.5, CROSS: 0.5},
    }
    return {
        "words": [[words, *mrr([each.hybrid(words) for each in tune])] for words in WORDS],
        "reranked": {
            name: {
                str(depth): mrr([each.reranked(weights, depth) for each in tune])
                for depth in DEPTHS
            }
            for name, weights in mixtures.items()
        },
    }


def print_choice(chosen: dict) -> None:
    for words, mean, low, high in chosen["words"]:
        print(f"words {words:.2f}   MRR {mean:.3f} [{low:.3f} to {high:.3f}]")
    for name, depths in chosen["reranked"].items():
        line = "   ".join(f"{depth}: {mean:.3f}" for depth, (mean, *_) in depths.items())
        print(f"{name:50s} {line}")


def systems(read: Sequence[Read]) -> dict[str, list[np.ndarray]]:
    """The scores of each system that is told of, a list over the questions."""
    weights = {HYBRID: 1.0, LATE: BEST.late, CROSS: BEST.cross}
    weights = {name: weight for name, weight in weights.items() if weight}
    depth = BEST.depth
    return {
        pipeline.BM25: [each.first_stage[pipeline.BM25] for each in read],
        SINGLE: [each.first_stage[SINGLE] for each in read],
        FACTS: [each.first_stage[FACTS] for each in read],
        DUAL: [each.first_stage[DUAL] for each in read],
        RRF: [each.fused_by_rank() for each in read],
        NO_SPELLING: [each.typed for each in read],
        HYBRID: [each.hybrid() for each in read],
        LATE: [each.reranked({LATE: 1.0}, depth) for each in read],
        CROSS: [each.reranked({CROSS: 1.0}, depth) for each in read],
        pipeline.PIPELINE: [each.reranked(weights, depth) for each in read],
    }


def figures(index: Index, read: Sequence[Read]) -> dict:
    """Each measure with its interval, for each system."""
    return {
        name: {measure: evaluate.summary(each) for measure, each in measured(read, scores).items()}
        for name, scores in systems(read).items()
    }


def told(index: Index, read: Sequence[Read]) -> dict:
    """What is told of the test split: figures, ranks, styles, paired tests, echoes, failures."""
    values = {name: measured(read, scores) for name, scores in systems(read).items()}
    styles = np.array([each.question.style for each in read])
    best = values[pipeline.PIPELINE]["MRR"]
    return {
        "systems": {
            name: {measure: evaluate.summary(each) for measure, each in found.items()}
            for name, found in values.items()
        },
        "styles": {
            style: {
                "questions": int((styles == style).sum()),
                **{
                    name: {
                        measure: evaluate.summary(found[measure][styles == style])
                        for measure in ("MRR", "recall@5")
                    }
                    for name, found in values.items()
                },
            }
            for style in sorted(set(styles.tolist()))
        },
        "pipeline_ahead_in_MRR": {
            name: asdict(evaluate.paired_difference(best, found["MRR"]))
            for name, found in values.items()
            if name != pipeline.PIPELINE
        },
        "ranks": {
            "question": [each.question.question for each in read],
            "style": styles.tolist(),
            **{
                name: [int(rank) for rank in np.rint(1 / found["MRR"])]
                for name, found in values.items()
            },
        },
        "echo": echoes(index, read),
    }


def echoes(index: Index, read: Sequence[Read]) -> dict:
    """How often the question itself, were it among the entries, would come first."""
    found = {}
    vectors = np.stack([pipeline.encoded(each.question.question) for each in read])
    for name, kind in {SINGLE: None, **DUALS}.items():
        if kind is None:
            asked, itself = vectors, vectors
            answers = index.plain
        else:
            heads = dual_encoder.shipped(kind)
            with torch.inference_mode():
                asked = heads.questions(torch.from_numpy(vectors)).numpy()
                itself = heads.answers(torch.from_numpy(vectors)).numpy()
                answers = heads.answers(torch.from_numpy(index.plain)).numpy()
        echo = ranking.echoes(asked @ answers.T, (asked * itself).sum(1))
        found[name] = evaluate.summary(echo)
    return found


def milliseconds(index: Index, questions: Sequence[str]) -> dict:
    """The median time of a question for each system, at each depth where that matters."""
    some = questions[:: max(1, len(questions) // TIMED)][:TIMED]

    def median(system: str, settings: Settings) -> float:
        pipeline.scores(index, some[0], system, settings)  # loads what has to be loaded
        seconds = []
        for question in some:
            start = time.perf_counter()
            pipeline.scores(index, question, system, settings)
            seconds.append(time.perf_counter() - start)
        return round(1000 * float(np.median(seconds)), 1)

    return {
        "threads": torch.get_num_threads(),
        "questions": len(some),
        "first_stage": {name: median(name, BEST) for name in pipeline.FIRST_STAGE},
        **{
            name: {str(depth): median(name, replace(BEST, depth=depth)) for depth in DEPTHS}
            for name in (LATE, CROSS)
        },
    }


if __name__ == "__main__":
    sys.exit(main())
