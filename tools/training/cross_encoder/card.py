"""The model card of a cross-encoder, made of the figures of its run: see `tools/cross_encoder.py`.

Nothing in it is typed in by hand but what was decided before the run.
"""

from collections.abc import Mapping
from pathlib import Path

from course_utils import models
from course_utils.cross_encoder import MAX_TOKENS, PART
from course_utils.data.corpus import SOURCES
from tools.training import cards
from tools.training.cross_encoder import comparison
from tools.training.cross_encoder.groups import FALSE_NEGATIVE
from tools.training.cross_encoder.training import TRAINING_TOKENS

GROUP_TITLES = {
    "facts": "questions about facts, of entities that are not in training, with hard negatives",
    "squad": "questions of SQuAD: which sentence of the paragraph, and not the question itself?",
    "everyday": "everyday questions, far from all that was trained on",
}

CARD = """\
# The cross-encoder

Low-rank adapters inside all-MiniLM-L6-v2, and a small head. It reads a question and a text together
and says with one number how well the text answers the question. Only scores of one question can be
compared. Lesson L3 explains it, L5 reranks with it. `make cross-encoder` writes card and weights.

    from course_utils import cross_encoder
    scores = cross_encoder.score(question, texts)

| | |
|---|---|
| weights | `cross-encoder.safetensors`, float16, {bytes:,} bytes, SHA-256 `{sha256}` |
| encoder | all-MiniLM-L6-v2, SHA-256 of its weights `{encoder}` |
| adapters | rank {rank}, beside all six matrices of each layer |
| head | linear, on the product of the mean states of question and text, and on the mean of all |
| length | {max_tokens} tokens of question and text together; the longer part is cut |

## Data

- {squad_share:.0%} of the groups: {squad:,} paragraphs of SQuAD v1.1. Which sentence of its
  paragraph answers a question? The others are wrong, and in a third of the groups the question
  itself is among them.
- {documentation_share:.0%}: {documentation:,} pairs from docstrings of {packages} and Python's
  standard library. Which text goes on from a summary? The wrong ones are the closest by the
  encoder, without those above {false_negative:.2f} of the right one's cosine.
- {facts_share:.0%}: {facts:,} facts of the course's fact base. Which sentence answers? The wrong
  ones are hard negatives, and the question itself is one.

Paragraphs, texts and entities that are measured on are never trained on. The everyday questions
were written before training and chose nothing.

## Recipe

Listwise: in each group the softmax over the scores of its texts; the loss is minus the logarithm of
the right one's share. Question and text have {training_tokens} tokens in training. AdamW; the
learning rate rises over the first tenth of the steps, then falls to 0 along a straight line.

{settings}

Trained for {minutes:.0f} minutes with {threads} thread(s) on {date}, with {versions}.
Seed {seed} is the only one that was trained, and nothing was chosen by the figures below.

## Figures

In brackets 95 % intervals: over the questions (bootstrap), of shares Wilson's. Late interaction is
the mean, over the question's tokens, of the best cosine with a token of the text. "+" adds scores
that are standardised question by question.

{tables}

What each source is worth; "first" is the share of groups in which the right text is first. Compare
the shorter runs with each other: the longest has more steps and more questions.

{ablation}

## Limits

- English only. What it learned of questions comes from encyclopedia articles, documentation and
  simple facts; the everyday questions show what is left elsewhere.
- It does not know whether a statement is true, and it does not know when no text answers: the best
  of several wrong texts has a score as well.
- A score for every pair: with many texts, let the encoder choose a few first.
- Other versions of the packages have other docstrings, and other CPUs round differently: trained
  again, the weights are a little different.

## Licences

The weights: MIT, like the code of the course. The encoder: Apache 2.0. SQuAD v1.1 (Rajpurkar et al.
2016): CC BY-SA 4.0. Nothing of its text is kept here, nor of the docstrings: BSD 3-Clause (numpy,
scipy, scikit-learn, torch), the Matplotlib licence, and the PSF licence (Python).
"""


def card(folder: Path, record: Mapping) -> str:
    """The card of the weights in a folder; `record` is what the run has stored."""
    about, run = PART.about(folder), record["runs"]["all"]
    shares = {f"{name}_share": share for name, share in run["weights"].items()}
    return CARD.format(
        **record["sizes"],
        **shares,
        bytes=(folder / PART.weights).stat().st_size,
        sha256=about["sha256"],
        encoder=models.identity(),
        rank=about["rank"],
        false_negative=FALSE_NEGATIVE,
        max_tokens=MAX_TOKENS,
        training_tokens=TRAINING_TOKENS,
        packages=", ".join(SOURCES),
        settings=cards.settings(record["settings"]),
        seed=record["settings"]["seed"],
        minutes=run["curve"][-1]["processor_seconds"] / 60,
        threads=record["threads"],
        date=record["date"],
        versions=cards.versions(record["versions"]),
        tables="\n\n".join(tables(run["held_out"])),
        ablation=ablation(record["runs"]),
    )


def tables(found: dict) -> list[str]:
    """The figures of one run as Markdown."""
    documentation = found["documentation"]
    lines = [
        f"The encoder's first {documentation['first']} of {documentation['texts']} texts for "
        f"{documentation['questions']} held-out questions; the right one is among them for "
        f"{100 * documentation['among_first']:.0f} %:",
        "",
        "| order by | MRR |",
        "|---|---|",
        *(
            f"| {name} | {cards.interval(values)} |"
            for name, values in documentation["MRR"].items()
        ),
        "",
        "| difference in MRR | | p |",
        "|---|---|---|",
        *(
            f"| {name} | {cards.interval([each['mean'], each['low'], each['high']], '+.3f')} "
            f"| {each['p']:.4f} |"
            for name, each in documentation["ahead"].items()
        ),
    ]
    return [
        "\n".join(lines),
        *(group_table(title, found[name]) for name, title in GROUP_TITLES.items()),
        beaten_table(found["facts"]["systems"]),
    ]


def group_table(title: str, found: dict) -> str:
    lines = [
        f"{found['groups']} {title}:",
        "",
        "| system | right text first | MRR |",
        "|---|---|---|",
    ]
    for name, each in found["systems"].items():
        lines.append(
            f"| {name} | {cards.interval(each['first'])} | {cards.interval(each['MRR'])} |"
        )
    return "\n".join(lines)


def beaten_table(found: dict) -> str:
    kinds = list(next(iter(found.values()))["beaten_by"])
    lines = [
        "How often a hard negative of a kind is above the right sentence, where there is one:",
        "",
        f"| system | {' | '.join(kinds)} |",
        "|---" * (1 + len(kinds)) + "|",
    ]
    for name, each in found.items():
        shares = (f"{each['beaten_by'][kind]:.3f}" for kind in kinds)
        lines.append(f"| {name} | {' | '.join(shares)} |")
    return "\n".join(lines)


def ablation(runs: dict) -> str:
    """What each source alone teaches, in shorter runs of the same length."""
    lines = [
        "| trained on | steps | questions | documentation, MRR | documentation, sum, MRR "
        "| facts, first | SQuAD, first | everyday, first |",
        "|---" * 8 + "|",
    ]
    for name, run in runs.items():
        found = run["held_out"]
        mrr = found["documentation"]["MRR"]
        cells = [mrr[comparison.CROSS], mrr[comparison.SUM]] + [
            found[group]["systems"][comparison.CROSS]["first"] for group in GROUP_TITLES
        ]
        start = [name, str(run["steps"]), str(found["documentation"]["questions"])]
        lines.append(f"| {' | '.join([*start, *(cards.interval(values) for values in cells)])} |")
    return "\n".join(lines)
