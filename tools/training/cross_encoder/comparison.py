"""A cross-encoder beside what it is compared with, as plain numbers for a stored run and a card."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial

import numpy as np

from course_utils import embed
from course_utils.cross_encoder import CrossEncoder, score
from course_utils.data import FactGroup, QaPair
from course_utils.dual_encoder.heads import ANSWER_TOKENS
from course_utils.evaluate import paired_difference, summary, wilson_interval
from tools.training.cross_encoder import figures, late_interaction
from tools.training.cross_encoder.figures import Scorer
from tools.training.cross_encoder.groups import Group

FIRST = 20  # texts a question that are reranked
ENCODER, LATE, CROSS = "encoder", "late interaction", "cross-encoder"
SUM = f"{ENCODER} + {CROSS}"


def scorers(model: CrossEncoder) -> dict[str, Scorer]:
    """The three ways to compare a question with a text, from apart to together."""
    return {
        ENCODER: zero_shot,
        LATE: late_interaction.score,
        CROSS: partial(score, model=model, precision="bfloat16"),
    }


def zero_shot(question: str, texts: Sequence[str]) -> np.ndarray:
    """The encoder's cosines, without any training: float32 `[n]`."""
    vectors = embed.encode([question, *texts], max_tokens=ANSWER_TOKENS)
    return vectors[1:] @ vectors[0]


def reranking(model: CrossEncoder, pairs: Sequence[QaPair], questions: int | None = None) -> dict:
    """The encoder's first texts for each question, in its order and in those of others.

    MRR has its 95 % interval over the questions, `[mean, low, high]`; `ahead` are paired tests.
    `questions` is as in `figures.candidates`. The sums are of scores that are standardised question
    by question.
    """
    shown = figures.candidates(pairs, min(FIRST, len(pairs)), questions)
    scores = {
        ENCODER: shown.cosines,
        LATE: shown.late_interaction(),
        CROSS: shown.scores(scorers(model)[CROSS]),
    }
    units = {name: figures.standardised(found) for name, found in scores.items()}
    scores[f"{ENCODER} + {LATE}"] = units[ENCODER] + units[LATE]
    scores[SUM] = units[ENCODER] + units[CROSS]
    ranked = {name: shown.reciprocal_rank(found) for name, found in scores.items()}
    return {
        "questions": len(shown.questions),
        "texts": len(pairs),
        "first": shown.rows.shape[1],
        "among_first": rounded((ranked[ENCODER] > 0).mean()),
        "MRR": {name: summary(values) for name, values in ranked.items()},
        "ahead": {
            f"{system} over {other}": {
                key: rounded(value)
                for key, value in asdict(paired_difference(ranked[system], ranked[other])).items()
            }
            for system in (CROSS, SUM)
            for other in (ENCODER, LATE)
        },
    }


def choosing(
    systems: Mapping[str, Scorer],
    groups: Sequence[Group],
    kinds: Sequence[Sequence[str]] | None = None,
) -> dict:
    """How often the right text is above all wrong ones (Wilson interval), and its MRR, by system.

    `kinds` says of each wrong text of each group what makes it hard. With it, `beaten_by` is the
    share of groups in which a wrong text of that kind is above the right one, where there is one.
    """
    found = {}
    for name, scorer in systems.items():
        scores = [scorer(group.question, group.texts) for group in groups]
        ranks = np.array([figures.right_rank(of_group) for of_group in scores])
        first, total = int((ranks == 1).sum()), len(ranks)
        share = (first / total, *wilson_interval(first, total))
        found[name] = {"first": [rounded(value) for value in share], "MRR": summary(1 / ranks)}
        if kinds:
            found[name]["beaten_by"] = _beaten_by(scores, kinds)
    return {"groups": len(groups), "systems": found}


def _beaten_by(scores: Sequence[np.ndarray], kinds: Sequence[Sequence[str]]) -> dict[str, float]:
    beaten: dict[str, list[bool]] = defaultdict(list)
    for of_group, of_wrong in zip(scores, kinds, strict=True):
        above = of_group[1:] >= of_group[0]
        for kind in dict.fromkeys(of_wrong):
            beaten[kind].append(bool(above[[each == kind for each in of_wrong]].any()))
    return {kind: rounded(np.mean(each)) for kind, each in beaten.items()}


def on_facts(systems: Mapping[str, Scorer], groups: Sequence[FactGroup]) -> dict:
    """`choosing` among the sentences and the hard negatives of facts."""
    kinds = [[negative.hardness for negative in group.negatives] for group in groups]
    made = [
        Group(group.question, group.answer, tuple(negative.text for negative in group.negatives))
        for group in groups
    ]
    return choosing(systems, made, kinds)


def rounded(value: float) -> float:
    return round(float(value), 4)
