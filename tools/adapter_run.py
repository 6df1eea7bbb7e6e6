"""`make adapters`: train low-rank adapters inside the encoder, measure them, keep the figures.

The lesson shows what is kept and trains for a few seconds itself. There are several runs, by seed
and by the weight of the echo term. Time is measured twice: by the clock, and by the processor,
which leaves out what other programs on a busy machine took. The settings are usual ones and were
not searched for. The held-out pairs choose nothing, not even where to stop.
"""

import argparse
import datetime
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from time import process_time

import numpy as np
import torch

from course_utils import bm25, data, dual_encoder, evaluate, ranking
from course_utils.data import retrieval_pairs
from course_utils.data.retrieval_pairs import QaPair, Split
from course_utils.dual_encoder import Heads, Settings, adapters, pairs
from course_utils.dual_encoder.adapters import Adapters
from tools import records

PACKAGES = ("torch", "transformers", "peft", "numpy")
POINTS = (25, 50, 100, 200, 400, 800)  # steps after which the curve has a point
RUNS = ((0, 0.0), (1, 0.0), (2, 0.0), (0, 0.1), (0, 1.0))  # seed, weight of the echo term
Figures = dict[str, np.ndarray]  # of one system: by measure, `[q]`


def figures(scores: np.ndarray) -> Figures:
    """A number a question for each measure; the right answers stand on the diagonal."""
    found = ranking.ranks(scores)
    return {"MRR": ranking.reciprocal_rank(found), "recall@1": ranking.recall_at(1, found)}


def figures_of(model: Adapters, side: list[QaPair]) -> Figures:
    """How a model ranks all answers of one side of the split, and how often its echo wins."""
    questions, answers = adapters.rows(side)
    scores = dual_encoder.score_matrix(model, questions, answers, rows=64)
    itself = np.diag(dual_encoder.score_matrix(model, questions, questions, rows=64))
    return {**figures(scores), "echo rate": ranking.echoes(scores, itself)}


def curve(model: Adapters, split: Split, settings: Settings, limit: float) -> Iterator[dict]:
    """Train, for at most `limit` processor seconds; yield the points of the learning curve."""

    def point(**known) -> dict:
        for name in ("validation", "held_out"):
            measured = figures_of(model, getattr(split, name))
            known[name] = {key: round(float(value.mean()), 4) for key, value in measured.items()}
        return known

    yield point(step=0, pairs=0, seconds=0.0, processor_seconds=0.0)
    rows = adapters.rows(split.train, adapters.TRAINING_TOKENS)
    used, losses, mark = 0.0, [], process_time()
    for step in dual_encoder.steps(model, *rows, settings):
        used += process_time() - mark
        losses.append(step.loss)
        last = step.number == settings.steps or used >= limit
        if last or step.number in POINTS:
            yield point(
                step=step.number,
                pairs=step.pairs,
                seconds=round(step.seconds, 1),
                processor_seconds=round(used, 1),
                loss=round(float(np.mean(losses)), 4),
            )
            losses.clear()
        if last:
            break
        mark = process_time()
    model.eval()


def one_run(split: Split, settings: Settings, limit: float, others: dict[str, Figures]) -> dict:
    """Adapters trained with these settings: their curve, and how they compare with the `others`."""
    print(f"seed {settings.seed}, echo term {settings.echo:g}", flush=True)
    model, points = Adapters(seed=settings.seed), []
    for point in curve(model, split, settings, limit):
        points.append(point)
        print(json.dumps(point), flush=True)
    found = figures_of(model, split.held_out)
    mountain = data.echo_example()
    scores = dual_encoder.score_matrix(
        model, *(dual_encoder.tokenize(texts) for texts in ([mountain.question], mountain.texts))
    )
    return {
        "seed": settings.seed,
        "echo": settings.echo,
        "curve": points,
        "held_out": summary(found),
        "echo_example": [round(float(score), 4) for score in scores[0]],
        "ahead_in_MRR": {
            name: asdict(evaluate.paired_difference(found["MRR"], other["MRR"]))
            for name, other in others.items()
        },
    }


def baselines(split: Split) -> dict[str, Figures]:
    """What the adapters are compared with, on the held-out pairs."""
    held_out, heads = pairs.rows(split.held_out), Heads()
    counted = bm25.BM25([pair.answer for pair in split.held_out])
    zero_shot = figures(dual_encoder.score_matrix(heads, *held_out[:2]))
    train = pairs.rows(split.train)
    dual_encoder.train(heads, train[0], train[1], Settings(), train[2])
    return {
        "BM25": figures(counted.scores([pair.question for pair in split.held_out])),
        "zero-shot": zero_shot,
        "heads": figures(dual_encoder.score_matrix(heads, *held_out[:2])),
    }


def summary(found: Figures) -> dict[str, list[float]]:
    """The mean of each measure, and its 95 % interval: [mean, low, high]."""
    return {measure: evaluate.summary(values) for measure, values in found.items()}


def main(arguments: Sequence[str] | None = None, split: Split | None = None) -> None:
    """Train, measure, and write the file when all runs are done; `split` instead of all pairs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=adapters.SETTINGS.steps)
    parser.add_argument("--minutes", type=float, default=15, help="of the processor, a run at most")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=data.RUNS / "adapters.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    split = split or retrieval_pairs.split_pairs(retrieval_pairs.qa_pairs())
    settings, others = replace(adapters.SETTINGS, steps=options.steps), baselines(split)
    runs = [
        one_run(split, replace(settings, seed=seed, echo=echo), 60 * options.minutes, others)
        for seed, echo in RUNS
    ]
    record = {
        "command": f"python tools/adapter_run.py --steps {options.steps} --minutes "
        f"{options.minutes:g} --threads {options.threads}",
        "date": datetime.date.today().isoformat(),
        "versions": records.versions(PACKAGES),
        "rank": adapters.RANK,
        "training_tokens": adapters.TRAINING_TOKENS,
        "settings": {
            name: value for name, value in asdict(settings).items() if name not in ("seed", "echo")
        },
        "sizes": {name: len(side) for name, side in asdict(split).items()},
        "held_out": {name: summary(found) for name, found in others.items()},
        "runs": runs,
    }
    records.write(record, options.out)


if __name__ == "__main__":
    main()
