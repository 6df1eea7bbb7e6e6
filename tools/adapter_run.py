"""`make adapters`: train low-rank adapters inside the encoder, measure them, keep the figures.

The lesson shows what is kept and trains for a few seconds itself. Time is measured twice: by the
clock, and by the processor, which leaves out what other programs on a busy machine took. The
settings are usual ones and were not searched for. The held-out pairs choose nothing, not even where
to stop.
"""

import argparse
import datetime
import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

import numpy as np
import torch

from course_utils import bm25, cache, data, dual_encoder, ranking
from course_utils.data import retrieval_pairs
from course_utils.data.retrieval_pairs import QaPair, Split
from course_utils.dual_encoder import Heads, Settings, adapters, pairs
from course_utils.dual_encoder.adapters import Adapters
from course_utils.evaluate import bootstrap_interval, paired_difference

OUT = Path(data.__file__).parent / "runs" / "adapters.json"
PACKAGES = ("torch", "transformers", "peft", "numpy")
POINTS = (25, 50, 100, 200, 400, 800)  # steps after which the curve has a point
Figures = dict[str, np.ndarray]  # of one system: by measure, `[q]`


def figures(scores: np.ndarray) -> Figures:
    """A number a question for each measure; the right answers stand on the diagonal."""
    found = ranking.ranks(scores)
    return {"MRR": ranking.reciprocal_rank(found), "recall@1": ranking.recall_at(1, found)}


def figures_of(model: Adapters, side: list[QaPair]) -> Figures:
    """How a model ranks all answers of one side of the split."""
    return figures(dual_encoder.score_matrix(model, *adapters.rows(side), rows=64))


def curve(model: Adapters, split: Split, settings: Settings, limit: float) -> Iterator[dict]:
    """Train, for at most `limit` processor seconds; yield the points of the learning curve."""

    def point(**known) -> dict:
        for name in ("validation", "held_out"):
            measured = figures_of(model, getattr(split, name))
            known[name] = {key: round(float(value.mean()), 4) for key, value in measured.items()}
        return known

    yield point(step=0, pairs=0, seconds=0.0, processor_seconds=0.0)
    rows = adapters.rows(split.train, adapters.TRAINING_TOKENS)
    used, losses, mark = 0.0, [], time.process_time()
    for step in dual_encoder.steps(model, *rows, settings):
        used += time.process_time() - mark
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
        mark = time.process_time()
    model.eval()


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


def summary(systems: dict[str, Figures]) -> dict:
    """Means with their 95 % intervals, and by how much the adapters are ahead of the others."""
    means = {
        name: {
            measure: [round(float(number), 4) for number in (v.mean(), *bootstrap_interval(v))]
            for measure, v in of_system.items()
        }
        for name, of_system in systems.items()
    }
    ahead = {
        name: asdict(paired_difference(systems["adapters"]["MRR"], of_system["MRR"]))
        for name, of_system in systems.items()
        if name != "adapters"
    }
    return {"held_out": means, "ahead_in_MRR": ahead}


def main() -> None:
    """Train, measure, write the file, and print what is in it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=adapters.SETTINGS.steps)
    parser.add_argument("--minutes", type=float, default=15, help="of the processor, at most")
    parser.add_argument("--seed", type=int, default=adapters.SETTINGS.seed)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = Settings(
        **{**asdict(adapters.SETTINGS), "steps": options.steps, "seed": options.seed}
    )
    split = retrieval_pairs.split_pairs(retrieval_pairs.qa_pairs())
    model = Adapters(seed=options.seed)
    points = []
    for point in curve(model, split, settings, 60 * options.minutes):
        points.append(point)
        print(json.dumps(point), flush=True)
    systems = {**baselines(split), "adapters": figures_of(model, split.held_out)}
    run = {
        "command": f"python tools/adapter_run.py --steps {options.steps} --minutes "
        f"{options.minutes:g} --seed {options.seed} --threads {options.threads}",
        "date": datetime.date.today().isoformat(),
        "versions": {name: metadata.version(name).partition("+")[0] for name in PACKAGES},
        "rank": adapters.RANK,
        "training_tokens": adapters.TRAINING_TOKENS,
        "settings": asdict(settings),
        "sizes": {name: len(side) for name, side in asdict(split).items()},
        "curve": points,
        **summary(systems),
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    cache.replace(options.out, (json.dumps(run, indent=2) + "\n").encode())
    print(json.dumps(summary(systems), indent=2))


if __name__ == "__main__":
    main()
