"""`make mixed-heads`: L4's recipe on questions of three kinds, with and without the echo term.

    SQUAD=path python tools/mixed_heads.py        a copy of SQuAD v1.1; without it, from the hub

Two pairs of heads come with the course: "mixed", and "mixed, against echo". Both are of seed 0; the
weight of the echo term is the one that L4 recommends. All weights and seeds are measured, and
nothing is chosen by the figures. The questions about the documentation are those to tune with: the
others are kept for L5.
"""

import argparse
import datetime
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from course_utils import cards, data, dual_encoder, evaluate, models, ranking
from course_utils.data import Entry, Question
from course_utils.data.documentation import SOURCES
from course_utils.data.retrieval_pairs import QaPair
from course_utils.dual_encoder import Heads, Settings, pairs, score_matrix, storage
from tools import records
from tools.training import cross_encoder as recipe
from tools.training.squad import Paragraph, split_paragraphs, squad

ECHO = 0.1  # the weight that L4 recommends
WEIGHTS = (0.0, 0.01, 0.03, ECHO, 0.3, 1.0)  # of the echo term
SEEDS = range(5)
QUESTIONS = "questions"  # about the documentation
KINDS = {
    "documentation": "a summary among the texts of the documentation",
    "squad": "a question of SQuAD among the sentences that answer one",
    "facts": "a question about a fact among sentences about other entities",
    QUESTIONS: "a question that a person asks among all entries of the documentation",
}
Figures = dict[str, np.ndarray]  # of one system: by measure, `[q]`

CARD = """\
# Heads trained on a mixture{title}

Two 384 × 384 matrices for the frozen encoder all-MiniLM-L6-v2, as in `weights/heads`, trained with
the same settings (`make mixed-heads`) on questions of three kinds{echo_term}.

    from course_utils import dual_encoder
    heads = dual_encoder.shipped({kind!r})

| | |
|---|---|
| weights | `heads.safetensors`, float32, SHA-256 `{sha256}` |
| encoder | all-MiniLM-L6-v2, SHA-256 of its weights `{encoder}` |
| date, versions | {date}; {versions} |

## Data

- {sizes[documentation]:,} pairs of summary and text from docstrings of Python's standard library,
  {packages};
- {sizes[squad]:,} questions of SQuAD v1.1, each with the sentence of its paragraph that answers it;
- {sizes[facts]:,} facts of the course's fact base, as question and sentence.

Pairs, paragraphs and entities that are measured are never trained on, nor near copies of the pairs.

## Recipe

That of L4, see the card in `weights/heads`:

{settings}

These are the weights of seed 0, the first of {seeds}.

## Figures

Each question looks for its answer among the texts of its kind:

{kinds}

In brackets 95 % intervals over the questions (bootstrap), of seed 0; then the lowest and the
highest mean of {seeds} seeds. The echo rate says how often the question itself, were it among the
texts, would come first. "Everest" says in how many seeds the answer to the course's example comes
before the question.

{tables}

The questions that people ask, over the encoder that the heads start from (seed 0; paired, MRR):

{ahead}

## Limits

- English only. SQuAD's and the facts' answers are single sentences.
- Not asking for its own echo costs rank: the tables say how much. Where the question itself cannot
  be among the texts, the heads without the echo term are better.
- Vectors of these heads mean nothing to other heads, nor to the encoder without them.

## Licences

The heads: MIT, like the code of the course. The encoder: Apache 2.0. SQuAD v1.1 (Rajpurkar et al.
2016): CC BY-SA 4.0. Nothing of its text is kept here, nor of the docstrings: BSD 3-Clause (numpy,
scipy, scikit-learn, torch), the Matplotlib licence, and the PSF licence (Python).
"""


@dataclass(frozen=True)
class Sides:
    """Pairs to train on and pairs to measure, by kind; and questions with the entries to search."""

    train: dict[str, list[QaPair]]
    held_out: dict[str, list[QaPair]]
    questions: Sequence[Question]
    entries: Sequence[Entry]

    @cached_property
    def rows(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """All training pairs, as `dual_encoder.steps` asks for them."""
        return pairs.rows([pair for some in self.train.values() for pair in some])

    @cached_property
    def measured(self) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
        """Vectors of the questions and the answers of each held-out kind, `[n, d]`."""
        return {name: pairs.rows(some)[:2] for name, some in self.held_out.items()}

    @cached_property
    def asked(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Vectors of the questions `[q, d]` and of the entries `[n, d]`, names first."""
        texts = [f"{entry.name.rpartition('.')[-1]} {entry.text}" for entry in self.entries]
        asked = [question.question for question in self.questions]
        return (
            torch.from_numpy(dual_encoder.embed_questions(asked)),
            torch.from_numpy(dual_encoder.embed_answers(texts)),
        )

    @cached_property
    def acceptable(self) -> np.ndarray:
        """Which entries answer which question: bool `[q, n]`."""
        names = np.array([entry.name for entry in self.entries])
        return np.array([np.isin(names, question.answers) for question in self.questions])


def all_sides(paragraphs: Sequence[Paragraph]) -> Sides:
    """The kinds of the course; each is split as the cross-encoder's."""
    documentation, facts = data.split_pairs(data.qa_pairs()), data.split_facts(data.facts())
    trained, held_out = split_paragraphs(paragraphs)
    questions = [each for each in data.questions() if each.split == "tune" and each.answers]
    return Sides(
        {
            "documentation": documentation.train,
            "squad": from_squad(trained),
            "facts": from_facts(facts.train),
        },
        {
            "documentation": documentation.held_out,
            "squad": from_squad(held_out),
            "facts": from_facts(facts.held_out),
        },
        questions,
        data.documentation(),
    )


def from_squad(paragraphs: Sequence[Paragraph]) -> list[QaPair]:
    """Each question with the sentence that answers it."""
    return [
        QaPair(question, right, "SQuAD", "squad")
        for paragraph in paragraphs
        for question, right, _ in recipe.sentence_choices(paragraph)
    ]


def from_facts(facts: Sequence[data.Fact]) -> list[QaPair]:
    """A question about each fact, and the sentence that states it."""
    groups = data.fact_groups(facts)
    return [QaPair(group.question, group.answer, "facts", "facts") for group in groups]


def measure(heads: Heads, sides: Sides) -> dict[str, Figures]:
    """MRR and echo rate by kind, a number a question."""
    found = {name: pairs.figures(heads, *rows) for name, rows in sides.measured.items()}
    questions, entries = sides.asked
    scores = score_matrix(heads, questions, entries)
    itself = np.diag(score_matrix(heads, questions, questions))
    best = np.where(sides.acceptable, scores, -np.inf).max(1)
    # Of several acceptable entries the first counts; the others stand in nobody's way.
    ranks = 1 + ((scores >= best[:, None]) & ~sides.acceptable).sum(1)
    found[QUESTIONS] = {
        "MRR": ranking.reciprocal_rank(ranks),
        "echo rate": ranking.echoes(scores, itself),
    }
    return found


def everest(heads: Heads) -> bool:
    """Whether the answer of the course's example comes before everything else."""
    example = data.echo_example()
    scores = heads.encode_questions(example.question) @ heads.encode_answers(example.texts).T
    return int(scores.argmax()) == 1  # the second text


def summary(runs: Sequence[dict[str, Figures]]) -> dict:
    """By kind and measure: the first run's mean with its interval, and each run's mean."""
    return {
        kind: {
            name: {
                "first": evaluate.summary(runs[0][kind][name]),
                "seeds": [round(float(run[kind][name].mean()), 4) for run in runs],
            }
            for name in ("MRR", "echo rate")
        }
        for kind in KINDS
    }


def compare(sides: Sides, settings: Settings) -> tuple[dict[float, Heads], dict]:
    """Heads of seed 0 by weight of the echo term, and the figures of all."""
    start = measure(Heads(), sides)
    first, record = {}, {"encoder alone": summary([start])}
    ahead = {}
    for weight in WEIGHTS:
        trained = [Heads() for _ in SEEDS]
        for seed, heads in zip(SEEDS, trained, strict=True):
            of = Settings(**{**asdict(settings), "seed": seed, "echo": weight})
            dual_encoder.train(heads, *sides.rows[:2], of, sides.rows[2])
        runs = [measure(heads, sides) for heads in trained]
        name = f"echo term {weight:g}"
        first[weight] = trained[0]
        record[name] = {**summary(runs), "everest": sum(map(everest, trained))}
        mrr = (figures[QUESTIONS]["MRR"] for figures in (runs[0], start))
        ahead[name] = asdict(evaluate.paired_difference(*mrr))
        print(name, json.dumps(record[name]), flush=True)
    return first, {"systems": record, "ahead": ahead}


def tables(record: dict) -> str:
    """The figures of all systems as Markdown, a table a measure."""
    found = []
    for measure_name in ("MRR", "echo rate"):
        found.append(f"| {measure_name} | {' | '.join(KINDS)} | Everest |")
        found.append("|---" * (len(KINDS) + 2) + "|")
        for system, figures in record.items():
            cells = [cell(figures[kind][measure_name]) for kind in KINDS]
            right = f"{figures['everest']} of {len(SEEDS)}" if "everest" in figures else "no"
            found.append(f"| {system} | {' | '.join(cells)} | {right} |")
        found.append("")
    return "\n".join(found).rstrip()


def cell(found: dict) -> str:
    return cards.interval(found["first"]) + cards.spread(found["seeds"])


def card(folder: Path, kind: str, weight: float, record: dict) -> str:
    """The model card of one pair of heads."""
    settings = storage.about(folder)["about"]["settings"]
    ahead = ["| system | | p |", "|---|---|---|"] + [
        f"| {name} | {cards.interval([each['mean'], each['low'], each['high']], '+.3f')} "
        f"| {each['p']:.4f} |"
        for name, each in record["ahead"].items()
    ]
    return CARD.format(
        title=", against the echo" if weight else "",
        echo_term=f", with the echo term at {weight:g}" if weight else "",
        kind=kind,
        sha256=storage.about(folder)["sha256"],
        encoder=models.identity(),
        sizes=record["sizes"],
        packages=", ".join(SOURCES),
        date=record["date"],
        versions=cards.versions(record["versions"]),
        settings=cards.settings(settings),
        seeds=len(SEEDS),
        kinds="\n".join(f"- {name}: {meaning}" for name, meaning in KINDS.items()),
        tables=tables(record["systems"]),
        ahead="\n".join(ahead),
    )


def main(arguments: Sequence[str] | None = None, sides: Sides | None = None) -> None:
    """Train, measure, write both pairs, their cards and the figures; `sides` instead of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=storage.stored_weights.SHIPPED)
    parser.add_argument("--figures", type=Path, default=data.RUNS / "mixed_heads.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    sides = sides or all_sides(squad(os.environ.get("SQUAD") or None))
    settings = Settings(steps=options.steps)
    first, found = compare(sides, settings)
    record = {
        "command": f"python tools/mixed_heads.py --steps {options.steps} --threads "
        f"{options.threads}",
        "date": datetime.date.today().isoformat(),
        "versions": records.versions(SOURCES),
        "sizes": {name: len(some) for name, some in sides.train.items()},
        "settings": asdict(settings),
        **found,
    }
    records.write(record, options.figures)
    for (kind, shipped), weight in zip(storage.MIXED.items(), (0.0, ECHO), strict=True):
        folder = options.out / shipped.name
        about = {"settings": {**asdict(settings), "echo": weight}, "sizes": record["sizes"]}
        storage.save(first[weight], folder, about)
        (folder / "README.md").write_text(card(folder, kind, weight, record), encoding="utf-8")
    print(tables(record["systems"]))


if __name__ == "__main__":
    main()
