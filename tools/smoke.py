"""`make adapters SMOKE=1`: every recipe for a step or two, on a handful of texts made here.

It shows that the scripts run from end to end: weights, cards and figures are written to a temporary
folder, and are good for nothing else.
"""

import tempfile
from pathlib import Path

from course_utils import data
from course_utils.data import Entry, Question
from course_utils.data.retrieval_pairs import QaPair, Split
from tools import adapter_run, cross_encoder, frozen_head, heads, masked_lm, mixed_heads
from tools.training.squad import Paragraph, SquadQuestion

THINGS = ("list", "file", "window", "matrix", "thread", "image", "clock", "socket")
MILL = "The mill is old. The wheel is red. Snow fell here. Nobody came in 1911."


def pairs(verb: str) -> list[QaPair]:
    """Eight questions that differ in one word each."""
    return [
        QaPair(f"How do I {verb} a {thing}?", f"To {verb} one {thing}, read on.", thing, "made")
        for thing in THINGS
    ]


def split() -> Split:
    """Pairs to train on, for the curve, and for the figures."""
    return Split(train=pairs("open"), validation=pairs("copy"), held_out=pairs("close"))


def paragraphs() -> list[Paragraph]:
    """Paragraphs with a question, in the form of SQuAD's."""
    question = SquadQuestion("What is red?", "The wheel", MILL.index("The wheel"))
    return [Paragraph(f"{MILL} It is mill {number}.", (question,)) for number in range(4)]


def kinds() -> mixed_heads.Sides:
    """What the heads of the mixture are trained and measured on."""
    names, of = ("documentation", "squad", "facts"), split()
    entries = [
        Entry(f"made.{pair.name}", pair.question, pair.answer, "made", "function")
        for pair in of.held_out
    ]
    questions = [
        Question(pair.question, "how", "tune", (entry.name,))
        for pair, entry in zip(of.validation, entries, strict=False)
    ]
    return mixed_heads.Sides(
        dict.fromkeys(names, of.train), dict.fromkeys(names, of.held_out), questions, entries
    )


def sides() -> cross_encoder.Splits:
    """What the cross-encoder is trained and measured on."""
    facts, of = data.facts(), split()
    return cross_encoder.Splits(
        cross_encoder.Sides(paragraphs()[:3], of.train, facts[:40]),
        cross_encoder.Sides(paragraphs()[3:], of.validation, facts[40:60]),
        cross_encoder.Sides(paragraphs()[3:], of.held_out, facts[60:66]),
        data.everyday()[:3],
    )


def texts() -> masked_lm.Texts:
    """What the masked language model is trained and measured on."""
    long = [QaPair("Say it.", MILL * 4, str(number), "made") for number in range(30)]
    return masked_lm.Texts(Split(long, long[:2], long[:3]), [MILL * 4] * 20)


def paths(folder: Path) -> list[str]:
    """The options that say where a script works and writes."""
    names = {"work": "work", "out": "out", "figures": "figures.json"}
    return [f"--{option}={folder / path}" for option, path in names.items()]


def try_heads(out: Path) -> None:
    """Both scripts that train heads."""
    heads.main([f"--out={out / 'heads'}"], split(), split())
    figures = out / "mixed_heads.json"
    mixed_heads.main(["--steps=2", f"--out={out}", f"--figures={figures}"], kinds())


def try_adapters(out: Path) -> None:
    """The adapters of L4."""
    adapter_run.main(["--steps=1", f"--out={out / 'adapters.json'}"], split())


def try_cross_encoder(out: Path) -> None:
    """The cross-encoder, with the shorter runs."""
    steps = ["--steps=2", "--ablation-steps=1", "--ablation-questions=4"]
    cross_encoder.main([*steps, *paths(out / "cross_encoder")], sides())


def try_masked_lm(out: Path) -> None:
    """The masked language model."""
    masked_lm.main(["--steps=2", "--batch=4", *paths(out / "masked_lm")], texts())


def try_frozen_head(out: Path) -> None:
    """The head that it is compared with."""
    frozen_head.main(["--steps=2", "--batch=4", f"--figures={out / 'frozen.json'}"], texts())


RECIPES = (try_heads, try_adapters, try_cross_encoder, try_masked_lm, try_frozen_head)

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for recipe in RECIPES:
            recipe(Path(folder))
