"""`make masked-lm`: train the masked language model, measure it, write weights, card and figures.

    SQUAD=path python tools/masked_lm.py        a copy of SQuAD v1.1; without it, from the hub

It learns the language of the documentation, and some of the encyclopedia's. A run that was stopped
goes on when the same command is given again. The held-out texts choose nothing.
"""

import argparse
import datetime
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from course_utils import cache, data, masked_lm, models
from course_utils.data import QaPair, Split
from course_utils.data.corpus import SOURCES
from course_utils.evaluate import summary
from course_utils.masked_lm import PART, SHIPPED, MaskedLM
from tools import records
from tools.counted_guesses import Bigrams, Unigrams
from tools.masked_lm_training import Run, Settings, figures, log_probabilities
from tools.training import cards
from tools.training.adapter_training import Step
from tools.training.squad import split_paragraphs, squad

PACKAGES = ("torch", "transformers", "peft", "numpy")
BLOCKS = 400  # of each held-out side, at even distances
SENTENCE_TOKENS = 24  # of a block that holds one everyday sentence
POINT_BLOCKS = 64  # for a point of the curve
POINTS = (10, 25, 50, 100, 200, 300, 400, 500, 600, 800, 1000)  # steps
EVERY = 25  # steps from one checkpoint to the next
EXAMPLES = (
    "The cat sat on the [MASK].",
    "The capital of France is [MASK].",
    "Returns a new [MASK] with the items in ascending order.",
    "If axis is [MASK], the array is flattened before it is sorted.",
)

CARD = """\
# The masked language model

Low-rank adapters inside all-MiniLM-L6-v2, and a head that guesses hidden tokens. Lesson L2 explains
it. `make masked-lm` writes card and weights.

    from course_utils import masked_lm
    masked_lm.guesses("Returns a new [MASK] with the items in ascending order.")

| | |
|---|---|
| weights | `masked-lm.safetensors`, float16, {bytes:,} bytes, SHA-256 `{sha256}` |
| encoder | all-MiniLM-L6-v2, SHA-256 of its weights `{encoder}` |
| adapters | rank {rank}, beside all six matrices of each layer |

## Data

{sizes[train]:,} blocks of {tokens} tokens: docstrings of {packages} and Python's standard library,
without those that are measured on, and {sizes[paragraphs]:,} paragraphs of SQuAD v1.1.

## Recipe

15 % of the tokens are to be guessed: 80 % of these become [MASK], 10 % a random token, 10 % stay
(Devlin et al. 2019). AdamW; the learning rate rises, then falls to 0 along a straight line.

{settings}

Trained for {minutes:.0f} minutes with {threads} thread(s) on {date}, with {versions}.
Seed {settings_seed} is the only one that was trained to the end. Two learning rates were tried for
100 steps, 0.002 and, for adapters and head alike, 0.004: the difference on other blocks than those
below was too small to tell them apart.

## Figures

On held-out texts; in brackets 95 % intervals over the blocks (bootstrap). The baselines are counted
on the same blocks that the model is trained on; the bigram is told the true token before the place.

{tables}

## Limits

A language model speaks the language that it was trained on: this one guesses documentation better
than anything else, and it knows few facts.

## Licences

The weights: MIT, like the code of the course. The encoder: Apache 2.0. SQuAD v1.1 (Rajpurkar et al.
2016): CC BY-SA 4.0. Nothing of its text is kept here, nor of the docstrings: BSD 3-Clause (numpy,
scipy, scikit-learn, torch), the Matplotlib licence, and the PSF licence (Python).
"""


def texts_of(pairs: Sequence[QaPair]) -> list[str]:
    """The docstrings of pairs: the summary and what follows."""
    return [f"{pair.question} {pair.answer}" for pair in pairs]


def evenly(blocks: torch.Tensor, count: int) -> torch.Tensor:
    """At most `count` of the blocks, at even distances."""
    return blocks[torch.linspace(0, len(blocks) - 1, min(count, len(blocks))).long()]


def train(
    ids: torch.Tensor, shown: torch.Tensor, settings: Settings, work: Path
) -> tuple[MaskedLM, list[dict]]:
    """A model trained on blocks, and its curve on other ones; goes on where `work` has a part."""
    bias = torch.from_numpy(np.log(Unigrams(ids).shares))
    run = Run(MaskedLM(seed=settings.seed, bias=bias), settings)
    of = {**asdict(settings), **PART.made_for(), "blocks": cache.key(ids.numpy().tobytes())}
    log = records.Log(work / "run", work / "curve.json", of, POINTS, EVERY)

    def told(step: Step, loss: float) -> dict:
        return {"tokens": step.pairs, "training_loss": loss}

    return run.model, records.train(run, ids, log, partial(point, ids=shown), told)


def point(model: MaskedLM, ids: torch.Tensor) -> dict[str, float]:
    """A point of the curve."""
    found = figures(log_probabilities(model), ids)
    return {name: round(float(v.mean()), 4) for name, v in found.items() if name != "block"}


def measure(model: MaskedLM, train_ids: torch.Tensor, ids: torch.Tensor) -> dict:
    """Baselines and model on the same hidden tokens: by measure `[mean, low, high]`."""
    systems = {
        "unigram": Unigrams(train_ids).log_probabilities,
        "bigram": Bigrams(train_ids).log_probabilities,
        "masked language model": log_probabilities(model),
    }
    found = {}
    for name, guess in systems.items():
        values = figures(guess, ids)
        groups = values.pop("block")
        found[name] = {measure: summary(each, groups) for measure, each in values.items()}
    return found


def table(title: str, found: dict) -> str:
    """The figures on one held-out side as Markdown."""
    lines = [f"{title}:", "", "| system | top-1 | top-5 | loss (nats) |", "|---" * 4 + "|"]
    for name, measures in found.items():
        lines.append(f"| {name} | {' | '.join(map(cards.interval, measures.values()))} |")
    return "\n".join(lines)


def card(folder: Path, record: dict) -> str:
    """The model card of the weights in a folder."""
    return CARD.format(
        bytes=(folder / PART.weights).stat().st_size,
        sha256=PART.about(folder)["sha256"],
        encoder=models.identity(),
        rank=PART.about(folder)["rank"],
        sizes=record["sizes"],
        tokens=record["block_tokens"],
        packages=", ".join(SOURCES),
        settings=cards.settings(record["settings"]),
        settings_seed=record["settings"]["seed"],
        minutes=record["curve"][-1]["processor_seconds"] / 60,
        threads=record["threads"],
        date=record["date"],
        versions=cards.versions(record["versions"]),
        tables="\n\n".join(
            table(title.capitalize(), found) for title, found in record["held_out"].items()
        ),
    )


@dataclass(frozen=True)
class Texts:
    """What is trained on, what the curve is drawn from, and what the figures are measured on."""

    documentation: Split
    paragraphs: Sequence[str]  # of SQuAD; the last tenth is held out

    def train(self) -> torch.Tensor:
        """The blocks to train on: int64 `[n, T]`, as below."""
        trained, _ = split_paragraphs(self.paragraphs)
        return masked_lm.blocks([*texts_of(self.documentation.train), *trained])

    def shown(self) -> torch.Tensor:
        """The blocks for the points of the curve."""
        return evenly(masked_lm.blocks(texts_of(self.documentation.validation)), POINT_BLOCKS)

    def held_out(self) -> dict[str, torch.Tensor]:
        """The blocks for the figures, by kind of text."""
        _, held_out = split_paragraphs(self.paragraphs)
        kinds = {"documentation": texts_of(self.documentation.held_out), "encyclopedia": held_out}
        found = {name: evenly(masked_lm.blocks(some), BLOCKS) for name, some in kinds.items()}
        everyday = masked_lm.blocks(list(data.senses().sentence), SENTENCE_TOKENS)
        return found | {"everyday": everyday}


def all_texts() -> Texts:
    """Those of the course."""
    paragraphs = squad(os.environ.get("SQUAD") or None)
    return Texts(data.split_pairs(data.qa_pairs()), [paragraph.text for paragraph in paragraphs])


def main(arguments: Sequence[str] | None = None, texts: Texts | None = None) -> None:
    """Train, measure, write everything; `texts` instead of those of the course."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=Settings.steps)
    parser.add_argument("--batch", type=int, default=Settings.batch)
    parser.add_argument("--seed", type=int, default=Settings.seed)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--work", type=Path, default=Path("build/masked_lm"))
    parser.add_argument("--out", type=Path, default=SHIPPED)
    parser.add_argument("--figures", type=Path, default=data.RUNS / "masked_lm.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    options.work.mkdir(parents=True, exist_ok=True)
    texts = texts or all_texts()
    train_ids, held_out = texts.train(), texts.held_out()
    trained, _ = split_paragraphs(texts.paragraphs)
    settings = Settings(steps=options.steps, batch=options.batch, seed=options.seed)
    model, curve = train(train_ids, texts.shown(), settings, options.work)
    about = {"settings": asdict(settings), "versions": records.versions(PACKAGES)}
    model = PART.load(PART.save(model, options.out, about))  # in half precision, as shipped
    record = {
        "command": f"python tools/masked_lm.py --steps {options.steps} --batch {options.batch} "
        f"--seed {options.seed} --threads {options.threads}",
        "date": datetime.date.today().isoformat(),
        "versions": records.versions(PACKAGES),
        "threads": options.threads,
        "settings": asdict(settings),
        "block_tokens": train_ids.shape[1],
        "sizes": {"train": len(train_ids), "paragraphs": len(trained)}
        | {name: len(ids) for name, ids in held_out.items()},
        "curve": curve,
        "held_out": {name: measure(model, train_ids, ids) for name, ids in held_out.items()},
        "examples": {
            text: [[asdict(guess) for guess in best] for best in masked_lm.guesses(text, 5, model)]
            for text in EXAMPLES
        },
    }
    records.write(record, options.figures)
    text = card(options.out, record)
    (options.out / "README.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
