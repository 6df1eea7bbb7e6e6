"""`make cross-encoder`: train the cross-encoder, measure it, write weights, card and figures.

    SQUAD=path python tools/cross_encoder.py        a copy of SQuAD v1.1; without it, from the hub

The weights that come with the course are those of the run "all", with every source; the shorter
runs tell what each source is worth. A run that was stopped goes on when the same command is given
again. The held-out sides choose nothing, not even where to stop.
"""

import argparse
import datetime
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path

import torch

from course_utils import cache, cross_encoder, data
from course_utils.cross_encoder import PART, SHIPPED, CrossEncoder
from course_utils.data import Fact, QaPair
from tools import records
from tools.training import cross_encoder as recipe
from tools.training.adapter_training import Step
from tools.training.cross_encoder import Group, Run, Settings, card, comparison, figures
from tools.training.squad import Paragraph, split_paragraphs, squad

MAIN = "all"  # the run whose weights come with the course
PACKAGES = ("torch", "transformers", "peft", "numpy")
WEIGHTS = {"squad": 0.5, "documentation": 0.3, "facts": 0.2}  # shares of the groups of a batch
POINTS = (25, 50, 100, 200, 300, 400, 600, 800, 1000)  # steps after which the curve has a point
POINT_GROUPS = 60  # of each source, for a point of the curve
SQUAD_GROUPS = 200  # for the figures
PRECISION = "bfloat16"  # of what is measured
EVERY = 25  # steps from one checkpoint to the next


@dataclass(frozen=True)
class Sides:
    """What one side of every split holds."""

    squad: Sequence[Paragraph]
    documentation: Sequence[QaPair]
    facts: Sequence[Fact]

    def sources(self, seed: int, negatives: int) -> dict[str, Iterator[Group]]:
        """Groups of each source, without end."""
        return {
            "squad": recipe.squad_groups(self.squad, negatives, seed),
            "documentation": recipe.documentation_groups(self.documentation, negatives, seed),
            "facts": recipe.fact_groups(self.facts, negatives, seed),
        }

    def some(self, count: int) -> dict[str, list[Group]]:
        """The first groups of each source, always the same ones."""
        sources = self.sources(seed=1, negatives=3)
        return {name: list(islice(groups, count)) for name, groups in sources.items()}


@dataclass(frozen=True)
class Splits:
    """What is trained on, what the curve is drawn from, and what the figures are measured on."""

    train: Sides
    validation: Sides
    held_out: Sides
    everyday: Sequence[Group]


def splits(paragraphs: Sequence[Paragraph]) -> Splits:
    """The splits of the three sources; the curve and the figures share the paragraphs of SQuAD."""
    pairs = data.split_pairs(data.qa_pairs())
    facts = data.split_facts(data.facts())
    train, held_out = split_paragraphs(paragraphs)
    return Splits(
        Sides(train, pairs.train, facts.train),
        Sides(held_out, pairs.validation, facts.validation),
        Sides(held_out, pairs.held_out, facts.held_out),
        recipe.everyday_groups(data.everyday()),
    )


def train(
    name: str,
    settings: Settings,
    weights: Mapping[str, float],
    sides: Splits,
    work: Path,
    curve_at: Sequence[int] = POINTS,
) -> tuple[CrossEncoder, list[dict]]:
    """A cross-encoder trained on these shares, and its curve; goes on where `work` has a part."""
    run = Run(CrossEncoder(seed=settings.seed), settings)
    shown = sides.validation.some(POINT_GROUPS)
    groups = recipe.mixture(
        sides.train.sources(settings.seed, settings.negatives), weights, settings.seed
    )
    log = records.Log(
        work / f"{name}.run",
        work / f"{name}.json",
        {**asdict(settings), **PART.made_for(), "weights": dict(weights)},
        curve_at,
        EVERY,
        name,
        "pairs",
    )

    def told(step: Step, loss: float) -> dict:
        return {"pairs": step.pairs, "loss": loss, "chance": round(step.chance, 4)}

    return run.model, records.train(run, groups, log, partial(point, groups=shown), told)


def point(model: CrossEncoder, groups: Mapping[str, Sequence[Group]]) -> dict:
    """MRR on some groups of each source, for the curve."""
    scorer = partial(cross_encoder.score, model=model, precision=PRECISION)
    found = {
        name: comparison.rounded((1 / figures.right_ranks(some, scorer)).mean())
        for name, some in groups.items()
    }
    return {"MRR": found}


def measure(folder: Path, sides: Splits, questions: int | None, baselines: bool) -> dict:
    """The figures of the cross-encoder in a folder, which keeps them; beside `baselines` or alone.

    Half precision, as others will load it.
    """
    kept, of = folder / "figures.json", [PART.about(folder)["sha256"], questions, baselines]
    if kept.exists() and (stored := json.loads(kept.read_text(encoding="utf-8")))["of"] == of:
        return stored["found"]
    model = PART.load(folder)
    systems = comparison.scorers(model)
    if not baselines:
        systems = {comparison.CROSS: systems[comparison.CROSS]}
    side = sides.held_out
    found = {
        "documentation": comparison.reranking(model, side.documentation, questions),
        "facts": comparison.on_facts(systems, data.fact_groups(side.facts)),
        "squad": comparison.choosing(systems, side.some(SQUAD_GROUPS)["squad"]),
        "everyday": comparison.choosing(systems, sides.everyday),
    }
    cache.replace(kept, json.dumps({"of": of, "found": found}).encode())
    return found


def plan(steps: int, shorter: int) -> dict[str, tuple[int, dict[str, float], Sequence[int]]]:
    """The runs: a name, how many steps, the shares of the sources, and where the curve has points.

    Figures of the shorter runs can be compared with each other: hence one of them has all sources.
    """
    runs = {MAIN: (steps, WEIGHTS, POINTS)}
    if shorter:
        runs[f"{MAIN}, shorter"] = (shorter, WEIGHTS, ())
        runs |= {f"{name} alone": (shorter, {name: 1.0}, ()) for name in WEIGHTS}
    return runs


def main(arguments: Sequence[str] | None = None, sides: Splits | None = None) -> None:
    """Train, measure, and write everything when all runs are done; `sides` instead of all texts."""
    options = parsed(arguments)
    torch.set_num_threads(options.threads)
    sides = sides or splits(squad(os.environ.get("SQUAD") or None))
    options.work.mkdir(parents=True, exist_ok=True)
    settings = Settings(steps=options.steps, seed=options.seed)
    runs: dict[str, dict] = {}
    for name, (steps, weights, points) in plan(options.steps, options.ablation_steps).items():
        model, curve = train(
            name, replace(settings, steps=steps), weights, sides, options.work, points
        )
        folder = options.work / name
        about = {
            "settings": asdict(settings),
            "weights": dict(weights),
            "versions": records.versions(PACKAGES),
        }
        PART.save(model, folder, about)
        main_run = name == MAIN
        if main_run:  # before the figures, so that a stop costs as little as can be
            PART.save(model, options.out, about)
        questions = options.questions if main_run else options.ablation_questions
        found = measure(folder, sides, questions, baselines=main_run)
        runs[name] = {"steps": steps, "weights": dict(weights), "curve": curve, "held_out": found}
        print(json.dumps(found), flush=True)
    record = {
        "command": f"python tools/cross_encoder.py --steps {options.steps} --ablation-steps "
        f"{options.ablation_steps} --seed {options.seed} --threads {options.threads}",
        "date": datetime.date.today().isoformat(),
        "versions": records.versions(PACKAGES),
        "threads": options.threads,
        "settings": asdict(settings),
        "sizes": {name: len(getattr(sides.train, name)) for name in WEIGHTS},
        "runs": runs,
    }
    records.write(record, options.figures)
    text = card.card(options.out, record)
    (options.out / "README.md").write_text(text, encoding="utf-8")
    print(text)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What was asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--ablation-steps", type=int, default=180, help="0 leaves these runs out")
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--questions", type=int, help="held-out ones; without it, all")
    parser.add_argument("--ablation-questions", type=int, default=200)
    parser.add_argument("--work", type=Path, default=Path("build/cross_encoder"))
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--figures", type=Path, default=data.RUNS / "cross_encoder.json")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
