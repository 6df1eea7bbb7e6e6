"""`make retrieval`: when the answerers of L5 abstain; writes the rule that they use.

    python -m tools.abstention           choose on the tune split, measure on the test split, write
    python -m tools.abstention --tune    only print what the tune split says

The rule: of the two supports that a search computes anyway, the one with the larger area under the
curve; and the highest threshold that still answers nine in ten of the questions with a right first
entry. Both on the tune split: the test split chooses nothing. The answerers' own scores, which take
a reranker, are measured beside them. Some minutes on two cores.
"""

import argparse
import datetime
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from course_utils import cross_encoder, data, evaluate, late_interaction, models, retrieval
from course_utils.rag import abstention, answers, extractive
from course_utils.retrieval.index import HEADS
from course_utils.retrieval.pipeline import BEST
from tools import records

PATH = data.runs.RUNS / f"{abstention.RUN}.json"
PACKAGES = ("torch", "transformers", "numpy", "bm25s", "scipy", "scikit-learn", "matplotlib")
POINTS = 41  # of a curve that are kept
DEAR = {
    "best sentence, cross-encoder": cross_encoder.score,
    "best sentence, late interaction": late_interaction.score,
}


@dataclass(frozen=True)
class Measured:
    """A split of q questions: what can be answered, what is answered rightly, and each support.

    `answerable` and `right` bool `[q]`; `supports` maps names to float `[q]`.
    """

    answerable: np.ndarray
    right: np.ndarray
    supports: dict[str, np.ndarray]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--tune", action="store_true", help="only print what the tune split says")
    options = parser.parse_args(arguments)
    questions = data.questions()
    tune = measured([each for each in questions if each.split == "tune"])
    support = max(abstention.SUPPORTS, key=lambda name: area(tune, name))
    rule = abstention.Rule(
        support, _down(abstention.chosen_threshold(tune.supports[support], tune.right))
    )
    print(f"Answer where the {rule.support} gives at least {rule.threshold}")
    for name, value in figures(tune, rule).items():
        if name != "curve":
            print(f"{name}: {value}")
    if options.tune:
        return 0
    test = measured([each for each in questions if each.split == "test"])
    records.write(
        {
            "command": "make retrieval",
            "date": datetime.date.today().isoformat(),
            "versions": records.versions(PACKAGES),
            "cross_encoder": models.identity("cross-encoder"),
            "heads": HEADS,
            "settings": asdict(BEST),
            **asdict(rule),
            "rule": (
                "the cheap support with the larger area under the curve on the tune split, and the "
                "highest threshold that answers the share `kept` of the tune questions with a "
                "right first entry"
            ),
            "kept": abstention.KEPT,
            "tune": figures(tune, rule),
            "test": figures(test, rule),
        },
        PATH,
    )
    print(f"Written: {PATH.name}")
    return 0


def measured(questions: Sequence[data.Question]) -> Measured:
    """Search for each question with the course's pipeline, and look at what comes first."""
    right, supports = [], {name: [] for name in (*abstention.SUPPORTS, *DEAR)}
    for number, each in enumerate(questions, start=1):
        results = retrieval.search(each.question, answers.SOURCES)
        right.append(results[0].name in each.answers)
        for name in abstention.SUPPORTS:
            supports[name].append(abstention.support(results, name))
        passages = [(result.name, result.entry.text) for result in results]
        for name, reader in DEAR.items():
            said = extractive.best_sentences(results[0].asked, passages, 1000, reader)
            supports[name].append(max(statement.score for statement in said))
        if number % 50 == 0:
            print(f"{number}/{len(questions)} questions", file=sys.stderr, flush=True)
    return Measured(
        np.array([bool(each.answers) for each in questions]),
        np.array(right),
        {name: np.array(values) for name, values in supports.items()},
    )


def area(split: Measured, name: str) -> float:
    return abstention.auc(split.supports[name], split.answerable)


def figures(split: Measured, rule: abstention.Rule) -> dict:
    """What is told of a split; intervals are 95 %, of resampled questions or Wilson's."""
    chosen = split.supports[rule.support]
    answered = chosen >= rule.threshold
    curve = abstention.curve(chosen, split.right)
    told = set(np.linspace(0, len(curve.threshold) - 1, POINTS).astype(int).tolist())
    told.add(int(np.searchsorted(curve.threshold, rule.threshold)))  # that of the rule
    return {
        "questions": {
            "answerable": int(split.answerable.sum()),
            "unanswerable": int((~split.answerable).sum()),
        },
        "auc": {name: _area_with_interval(split, name) for name in split.supports},
        "without_rule": {"precision": _share(split.right)},
        "with_rule": {
            "coverage": _share(answered),
            "precision": _share(split.right[answered]),
            "unanswerable_refused": _share(~answered[~split.answerable]),
            "answerable_refused": _share(~answered[split.answerable]),
            "right_refused": _share(~answered[split.right]),
        },
        "curve": {
            name: [round(float(values[n]), 4) for n in sorted(told)]
            for name, values in asdict(curve).items()
        },
    }


def _down(threshold: float) -> float:
    """In four decimals, and not above: the question that it was chosen by is still answered."""
    return float(np.floor(threshold * 1e4) / 1e4)


def _share(flags: np.ndarray) -> list[float]:
    """`[share, low, high, hits, of]` with Wilson's interval."""
    hits, total = int(flags.sum()), len(flags)
    low, high = evaluate.wilson_interval(hits, total)
    return [round(hits / total, 4), round(low, 4), round(high, 4), hits, total]


def _area_with_interval(split: Measured, name: str) -> list[float]:
    """`[area, low, high]`; questions of the two kinds are resampled apart from each other."""
    supports, rng, found = split.supports[name], np.random.default_rng(0), []
    kinds = [np.flatnonzero(split.answerable), np.flatnonzero(~split.answerable)]
    for _ in range(2000):
        rows = np.concatenate([rng.choice(kind, len(kind)) for kind in kinds])
        found.append(abstention.auc(supports[rows], split.answerable[rows]))
    return [round(float(v), 4) for v in (area(split, name), *np.percentile(found, [2.5, 97.5]))]


if __name__ == "__main__":
    sys.exit(main())
