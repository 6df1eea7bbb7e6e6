"""`make adapters SMOKE=1`: every recipe for a step or two, on a handful of texts made here.

It shows that the scripts run from end to end: weights, cards and figures are written to a temporary
folder, and are good for nothing else.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

from course_utils import data
from course_utils.data import QaPair, Split
from course_utils.dual_encoder import Settings
from tools import adapter_run, cross_encoder, frozen_head, heads, masked_lm
from tools.training.cross_encoder import everyday_groups
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


def materials() -> dict[str, heads.Material]:
    """What both pairs of heads are trained and measured on."""
    of = heads.documentation(split())
    tried = [Settings(steps=2, echo=0.0, scale=scale) for scale in (10.0, 20.0)]
    return {
        "facts": replace(of, tried=[Settings(steps=2)]),
        "documentation": replace(of, tried=tried),
    }


def sides() -> cross_encoder.Splits:
    """What the cross-encoder is trained and measured on."""
    facts, of = data.facts(), split()
    return cross_encoder.Splits(
        cross_encoder.Sides(paragraphs()[:3], of.train, facts[:40]),
        cross_encoder.Sides(paragraphs()[3:], of.validation, facts[40:60]),
        cross_encoder.Sides(paragraphs()[3:], of.held_out, facts[60:66]),
        everyday_groups(data.everyday())[:3],
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
    """Both pairs of heads."""
    heads.main([f"--out={out}"], materials())


def try_adapters(out: Path) -> None:
    """The adapters that are compared with heads, on the first facts of each side."""
    table = data.fact_questions()
    block = table.groupby(["side", "wording", "entity", "relation"]).cumcount()
    few = table.groupby(["side", "wording", block]).head(4)
    adapter_run.main(["--steps=1", f"--out={out / 'adapters.json'}"], few)


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
