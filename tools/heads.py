"""`make heads`: train both pairs of heads that come with the course; writes weights and cards.

"facts" are the heads of L4, trained with the default `Settings`. "documentation" match a summary
line with its docstring; their settings are chosen on validation pairs. The weights are those of
seed 0, whichever is the best; four more seeds are trained for the figures alone.
"""

import argparse
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from textwrap import fill

import numpy as np
import torch

from course_utils import bm25, data, dual_encoder, evaluate, models, trained_parts
from course_utils.data import QaPair
from course_utils.data.corpus import SOURCES
from course_utils.dual_encoder import Heads, Settings
from course_utils.dual_encoder.heads import ANSWER_TOKENS, FOLDERS, QUESTION_TOKENS
from tools import records
from tools.training import cards

SEEDS = range(5)
TRIED = {"learning_rate": (5e-4, 1e-3, 2e-3, 4e-3), "scale": (10.0, 15.0, 20.0, 30.0)}
BM25, ENCODER, HEADS = "BM25", "encoder alone", "with heads"
MEASURES = {
    "right answer first": lambda ranks: evaluate.recall_at(1, ranks),
    "among the first ten": lambda ranks: evaluate.recall_at(10, ranks),
    "MRR": evaluate.reciprocal_rank,
}
LEAD = ("right answer first", "MRR")

CARD = """\
# {title}

Two 384 × 384 matrices without a bias, for the frozen encoder all-MiniLM-L6-v2: one for questions,
one for answers. Lesson L4 trains and explains such heads. `make heads` writes card and weights.

    from course_utils import dual_encoder
    heads = dual_encoder.shipped({kind!r})
    scores = heads.encode_questions(questions) @ heads.encode_answers(answers).T

| | |
|---|---|
| weights | `heads.safetensors`, float32, SHA-256 `{sha256}` |
| encoder | all-MiniLM-L6-v2, SHA-256 of its weights `{encoder}` |
| reads | {question_tokens} tokens of a question, {answer_tokens} of an answer |
| versions | {versions} |

## Data and recipe

{data}

{recipe}

## Figures

Each question looks for its own answer among the candidates; a tie counts against it. In brackets
95 % intervals over the questions (bootstrap); for the heads of the mean of {seeds} seeds, then the
lowest and the highest. BM25 reads the same tokens as the encoder.

{table}

The heads' lead, question by question (mean of the seeds; paired intervals):

{lead}

## Limits and licences

{limits}
"""


@dataclass(frozen=True)
class Candidates:
    """Questions, their answers in the same order, and what else stands among the answers."""

    questions: Sequence[str]
    answers: Sequence[str]
    others: Sequence[str] = ()

    def vectors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Of the questions `[q, d]`, and of the answers and the others `[n, d]`."""
        texts = [*self.answers, *self.others]
        return (
            torch.from_numpy(dual_encoder.embed_questions(self.questions, progress=False)),
            torch.from_numpy(dual_encoder.embed_answers(texts, progress=False)),
        )


@dataclass(frozen=True)
class Material:
    """What a pair of heads is trained, chosen and measured on, and what its card says of it."""

    title: str
    data: str
    limits: Sequence[str]
    licence: str
    train: Candidates  # in `wordings` blocks, see `dual_encoder.steps`
    measured: Mapping[str, Candidates]
    wordings: int = 1
    tried: Sequence[Settings] = (Settings(),)
    validation: Candidates | None = None  # chooses among what is tried


def facts() -> Material:
    """Questions and sentences about entities; measured with and without questions among them."""
    table, measured = data.fact_questions(), {}
    train = table[table.side == "train"]
    for wording in ("known", "new"):
        asked = table[(table.side == "held out") & (table.wording == wording)]
        texts = asked.question.tolist(), asked.answer.tolist()
        measured[f"{wording} wordings, answers and questions"] = Candidates(*texts, texts[0])
        measured[f"{wording} wordings, answers alone"] = Candidates(*texts)
    return Material(
        title="The heads of L4: questions about facts, and sentences that answer them",
        data=f"{len(train) // 2:,} facts of the course, in two wordings each "
        f"(`data.fact_questions`); measured on {len(asked)} facts about entities that training "
        "names nowhere.",
        limits=[
            "English only, single sentences, some relations; asked in new words, they find less.",
            "Among answers alone, heads trained without the echo term rank better (see L4).",
        ],
        licence="The facts: ours.",
        train=Candidates(train.question.tolist(), train.answer.tolist()),
        measured=measured,
        wordings=2,
    )


def documentation(split: data.Split | None = None) -> Material:
    """Summary lines, and the rest of their docstrings."""
    split = split or data.split_pairs(data.qa_pairs())
    tried = (dict(zip(TRIED, some, strict=True)) for some in itertools.product(*TRIED.values()))
    return Material(
        title="Heads for documentation: a summary line, and the text that it sums up",
        data=f"{len(split.train):,} docstrings of {', '.join(SOURCES)} and Python's standard "
        "library: the summary line is the question, the rest of the text the answer. "
        f"{len(split.validation)} other pairs chose the settings, {len(split.held_out)} others "
        "are measured. Near copies of a text are never on two sides.",
        limits=[
            "English only, documentation of Python packages, and a summary for a question.",
            "A question that stands among the candidates comes first: nothing teaches otherwise.",
            "Other versions of the packages have other docstrings: heads trained on them differ.",
        ],
        licence="The docstrings, of which nothing is kept here: BSD 3-Clause (numpy, scipy, "
        "scikit-learn, torch), the Matplotlib licence, and the PSF licence (Python).",
        train=texts(split.train),
        measured={"held-out answers": texts(split.held_out)},
        tried=[Settings(echo=0.0, **some) for some in tried],
        validation=texts(split.validation),
    )


def texts(pairs: Sequence[QaPair]) -> Candidates:
    return Candidates([pair.question for pair in pairs], [pair.answer for pair in pairs])


def trained(material: Material, settings: Settings) -> list[Heads]:
    """Heads of each seed."""
    made = [Heads() for _ in SEEDS]
    vectors = material.train.vectors()
    for seed, heads in zip(SEEDS, made, strict=True):
        of = replace(settings, seed=seed)
        dual_encoder.train(heads, *vectors, of, wordings=material.wordings)
    return made


def chosen(material: Material) -> Settings:
    """The settings with the best MRR on the validation questions, mean of the seeds."""
    if len(material.tried) == 1:
        return material.tried[0]
    vectors, found = material.validation.vectors(), {}
    for settings in material.tried:
        scores = [dual_encoder.score_matrix(each, *vectors) for each in trained(material, settings)]
        found[settings] = np.mean([evaluate.reciprocal_rank(evaluate.ranks(s)) for s in scores])
        print(f"{settings}: {found[settings]:.4f} on validation questions", flush=True)
    return max(found, key=found.get)


def ranks(candidates: Candidates, heads: Sequence[Heads]) -> dict[str, list[np.ndarray]]:
    """Of each system the rank of each right answer, `[q]`; a list, as there are several heads."""
    vectors = candidates.vectors()
    read = [cut(text) for text in (*candidates.answers, *candidates.others)]
    counted = bm25.BM25(read).scores(candidates.questions)
    found = [dual_encoder.score_matrix(each, *vectors) for each in (Heads(), *heads)]
    of_all = [evaluate.ranks(scores) for scores in (counted, *found)]
    return {BM25: of_all[:1], ENCODER: of_all[1:2], HEADS: of_all[2:]}


def cut(text: str) -> str:
    """As much of a text as the encoder reads."""
    tokenizer, _ = models.load()
    read = tokenizer(text, truncation=True, max_length=ANSWER_TOKENS, return_offsets_mapping=True)
    return text[: max(end for _, end in read["offset_mapping"])]


def table(found: Mapping[str, Mapping[str, list[np.ndarray]]]) -> str:
    """How each system does, by candidates, as Markdown."""
    lines = [f"| candidates | system | {' | '.join(MEASURES)} |", "|---" * 5 + "|"]
    for name, systems in found.items():
        for system, runs in systems.items():
            cells = []
            for measure in MEASURES.values():
                mean = evaluate.summary(mean_of(measure, runs))
                spread = cards.spread([measure(run).mean() for run in runs])
                cells.append(cards.interval(mean) + spread)
            lines.append(f"| {name} | {system} | {' | '.join(cells)} |")
    return "\n".join(lines)


def lead(found: Mapping[str, Mapping[str, list[np.ndarray]]]) -> str:
    """How far the heads are ahead, by candidates, as Markdown."""
    columns = [(other, name) for other in (ENCODER, BM25) for name in LEAD]
    titles = [f"{name}, over {other}" for other, name in columns]
    lines = [f"| candidates | {' | '.join(titles)} |", "|---" * (1 + len(titles)) + "|"]
    for name, systems in found.items():
        cells = []
        for other, measure in columns:
            both = [mean_of(MEASURES[measure], systems[system]) for system in (HEADS, other)]
            ahead = evaluate.paired_difference(*both)
            cells.append(cards.interval([ahead.mean, ahead.low, ahead.high], "+.3f"))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def mean_of(measure: Callable[[np.ndarray], np.ndarray], runs: Sequence[np.ndarray]) -> np.ndarray:
    """A measure of each question, the mean of several runs: `[q]`."""
    return np.mean([measure(run) for run in runs], axis=0)


def card(kind: str, material: Material, folder: Path, found: Mapping) -> str:
    """The model card of the heads in a folder."""
    about = dual_encoder.about(folder)
    settings = Settings(**about["about"]["settings"])
    recipe = f"`dual_encoder.train` from the identity, with {settings}."
    if len(material.tried) > 1:
        tried = (f"{name} {', '.join(f'{one:g}' for one in some)}" for name, some in TRIED.items())
        recipe += f" On the validation pairs these were tried: {'; '.join(tried)}."
    recipe += f" The weights are those of the first of {len(SEEDS)} seeds."
    limits = [
        *material.limits,
        "Vectors of these heads mean nothing to other heads, nor to the encoder without them.",
        f"The heads: MIT, like the code of the course. The encoder: Apache 2.0. {material.licence}",
    ]
    return CARD.format(
        kind=kind,
        title=material.title,
        sha256=about["sha256"],
        encoder=models.identity(),
        question_tokens=QUESTION_TOKENS,
        answer_tokens=ANSWER_TOKENS,
        versions=cards.versions(about["about"]["versions"]),
        data=fill(material.data, 100),
        recipe=fill(recipe, 100),
        seeds=len(SEEDS),
        table=table(found),
        lead=lead(found),
        limits="\n".join(fill(f"- {some}", 100, subsequent_indent="  ") for some in limits),
    )


def make(kind: str, material: Material, folder: Path) -> None:
    """Train and measure one pair; write its weights and its card."""
    settings = chosen(material)
    heads = trained(material, settings)
    versions = records.versions(["torch", *(SOURCES if kind == "documentation" else ())])
    dual_encoder.save(heads[0], folder, {"settings": asdict(settings), "versions": versions})
    found = {name: ranks(some, heads) for name, some in material.measured.items()}
    text = card(kind, material, folder, found)
    (folder / "README.md").write_text(text, encoding="utf-8")
    print(text, flush=True)


def main(
    arguments: Sequence[str] | None = None, materials: Mapping[str, Material] | None = None
) -> None:
    """Make both pairs; `materials` instead of those of the course."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=trained_parts.SHIPPED)
    out = parser.parse_args(arguments).out
    materials = materials or {"facts": facts(), "documentation": documentation()}
    for kind, material in materials.items():
        make(kind, material, out / FOLDERS[kind].name)


if __name__ == "__main__":
    main()
