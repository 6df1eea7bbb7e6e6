"""`make heads`: train the heads that come with the course, measure them, and write their card.

The weights are those of seed 0, trained with the default `Settings`; nothing is chosen by its
figures. Four more seeds are trained for the figures alone, and all of them once more without one
package.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from course_utils import bm25, cards, dual_encoder, models, ranking
from course_utils.data import retrieval_pairs
from course_utils.data.documentation import SOURCES
from course_utils.data.retrieval_pairs import Split
from course_utils.dual_encoder import Heads, Settings, pairs, storage
from course_utils.dual_encoder.heads import ANSWER_TOKENS, QUESTION_TOKENS
from tools import records

SEEDS = range(5)
PACKAGE = "scipy"
MEASURES = ("MRR", "recall@1", "echo rate")
Figures = dict[str, list[dict[str, np.ndarray]]]  # of each system: by run, by measure, `[q]`

CARD = """\
# The question head and the answer head

Two 384 × 384 matrices without a bias, for the frozen encoder all-MiniLM-L6-v2. One maps its vector
of a question, the other its vector of an answer, into a space in which questions lie near their
answers. Lesson L4 trains and explains them. `make heads` writes card and weights.

    from course_utils import dual_encoder
    heads = dual_encoder.shipped()
    scores = heads.encode_questions(questions) @ heads.encode_answers(answers).T

| | |
|---|---|
| weights | `heads.safetensors`, float32, SHA-256 `{sha256}` |
| encoder | all-MiniLM-L6-v2, SHA-256 of its weights `{encoder}` |
| length | {question_tokens} tokens of a question, {answer_tokens} of an answer; the rest is cut |

## Data

| | |
|---|---|
| source | docstrings of {packages} and Python's standard library |
| question, answer | the summary line, the rest of the text |
| trained on | {train:,} pairs |
| used to choose the settings | {validation:,} other pairs |
| used to measure | {held_out:,} other pairs |
| versions | {versions} |

The docstrings are read from the packages installed for the course; `course_utils.data` has the code
that collects, cleans and splits them. Near copies of a text are never on two sides of the split.

## Recipe

`dual_encoder.train` with its default settings, both heads starting as the identity, AdamW, the
symmetric contrastive loss with the other answers of the batch as negatives:

{settings}

These are the weights of seed {seed}: the first of the {seeds} seeds below, whichever is the best.

## Figures

Each question looks for its own answer among all held-out answers. In brackets the 95 % interval
over the questions (bootstrap); for the heads, the mean of {seeds} seeds, and the lowest and highest
seed. The echo rate says how often a question, were it among the answers, would come before all of
them.

{tables}

## Limits

- Trained on English documentation of Python packages, to match a summary with its text. Nothing is
  known about other languages or subjects; the second table shows what is left on a package that the
  heads have not seen.
- The question itself is likely to rank before its answers, as the echo rates show. Where questions
  and answers are searched together, drop texts that are nearly the question. L4 measures what
  training with `echo` above 0 costs; with heads it is more than they gain.
- Vectors of these heads mean nothing to other heads, nor to the encoder without them.
- Other versions of the packages have other docstrings: trained again, the weights are a little
  different. Other CPUs round differently, with the same effect.

## Licences

The heads: MIT, like the code of the course. The encoder: Apache 2.0. The docstrings, of which
nothing is kept here: BSD 3-Clause (numpy, scipy, scikit-learn, torch), the Matplotlib licence, and
the PSF licence (Python).
"""


def compare(split: Split, settings: Settings) -> tuple[Heads, Figures]:
    """Heads of the first seed, and how all seeds and both baselines do on the held-out pairs."""
    questions, answers, _ = pairs.rows(split.held_out)
    texts = [pair.answer for pair in split.held_out]
    counted = ranking.ranks(bm25.BM25(texts).scores([pair.question for pair in split.held_out]))
    trained = [Heads() for _ in SEEDS]
    rows = pairs.rows(split.train)
    for seed, heads in zip(SEEDS, trained, strict=True):
        began = time.perf_counter()
        seeded = Settings(**{**asdict(settings), "seed": seed})
        *_, last = dual_encoder.steps(heads, *rows[:2], seeded, rows[2])
        print(f"seed {seed}: loss {last.loss:.3f}, {time.perf_counter() - began:.0f} s", flush=True)
    return trained[0], {
        "BM25": [
            {"MRR": ranking.reciprocal_rank(counted), "recall@1": ranking.recall_at(1, counted)}
        ],
        "encoder alone": [pairs.figures(Heads(), questions, answers)],
        "with heads": [pairs.figures(heads, questions, answers) for heads in trained],
    }


def table(title: str, figures: Figures) -> str:
    """The figures as a Markdown table."""
    lines = [f"{title}:", "", f"| system | {' | '.join(MEASURES)} |", "|---" * 4 + "|"]
    for system, runs in figures.items():
        cells = [cell([run[name] for run in runs if name in run]) for name in MEASURES]
        lines.append(f"| {system} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(runs: list[np.ndarray]) -> str:
    """Mean and interval over the questions; of several runs, also the lowest and highest mean."""
    if not runs:
        return "–"
    means = [run.mean() for run in runs]
    return pairs.mean_and_interval(np.mean(runs, axis=0)) + cards.spread(means)


def card(folder: Path, split: Split, settings: Settings, tables: list[str]) -> str:
    """The model card of the heads in a folder."""
    return CARD.format(
        sha256=dual_encoder.about(folder)["sha256"],
        encoder=models.identity(),
        question_tokens=QUESTION_TOKENS,
        answer_tokens=ANSWER_TOKENS,
        train=len(split.train),
        validation=len(split.validation),
        held_out=len(split.held_out),
        packages=", ".join(SOURCES),
        versions=cards.versions(records.versions(SOURCES)),
        settings=cards.settings(asdict(settings)),
        seed=settings.seed,
        seeds=len(SEEDS),
        tables="\n\n".join(tables),
    )


def main(
    arguments: Sequence[str] | None = None, split: Split | None = None, without: Split | None = None
) -> None:
    """Train, measure, write the weights and the card; `split` and `without` instead of all pairs.

    `without` is the split that holds out the pairs of one package.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=storage.SHIPPED)
    folder = parser.parse_args(arguments).out
    settings = Settings()
    split = split or retrieval_pairs.split_pairs(retrieval_pairs.qa_pairs())
    without = without or retrieval_pairs.hold_out_package(retrieval_pairs.qa_pairs(), PACKAGE)
    heads, figures = compare(split, settings)
    _, figures_without = compare(without, settings)
    about = {
        "settings": asdict(settings),
        "pairs": len(split.train),
        "from": "documentation",
        "versions": records.versions(SOURCES),
    }
    storage.save(heads, folder, about)
    tables = [
        table(f"{len(split.held_out):,} held-out pairs", figures),
        table(
            f"{len(without.held_out):,} pairs of {PACKAGE}, by heads trained on "
            f"{len(without.train):,} pairs of the other packages",
            figures_without,
        ),
    ]
    (folder / "README.md").write_text(card(folder, split, settings, tables), encoding="utf-8")
    print(*tables, sep="\n\n")


if __name__ == "__main__":
    main()
