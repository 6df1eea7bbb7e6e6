"""The explorer of L4, "train the heads": a training run on the facts, and what it is worth.

A run is decided by its settings, and computed once. It is measured on the validation questions.
"""

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from matplotlib.figure import Figure

from course_utils import data, dual_encoder, evaluate, plots
from course_utils.dual_encoder import Heads, Settings
from course_utils.explorers import panel
from course_utils.explorers.panel import View
from course_utils.plots.style import DASHED

WORDINGS = ("known", "new")
AMONG = ("answers alone", "answers and questions")
CASES = list(itertools.product(WORDINGS, AMONG))
HEADS = {False: "two", True: "one shared"}
BATCHES = (16, 32, 64, 128, 256, 512)
KEPT = 5  # runs that are shown side by side

Vectors = tuple[torch.Tensor, torch.Tensor]  # of questions and of their answers, `[n, d]` each


@dataclass(frozen=True)
class Run:
    """The loss of each step, and for each of `CASES` who found the answer among those candidates.

    `first` is 1.0 where the right answer of a validation question is first, else 0.0: `[q]` each.
    """

    settings: Settings
    shared: bool
    losses: list[float]
    first: dict[tuple[str, str], np.ndarray]

    @property
    def chance(self) -> float:
        """The loss of equal scores."""
        batch = self.settings.batch
        return dual_encoder.chance_level(batch, batch, self.settings.echo)


@functools.cache
def vectors() -> tuple[Vectors, dict[str, Vectors]]:
    """The encoder's vectors of the facts: to train on, and to validate with, by wording."""
    facts = data.fact_questions()

    def embedded(rows) -> Vectors:
        questions = dual_encoder.embed_questions(list(facts.question[rows]), progress=False)
        answers = dual_encoder.embed_answers(list(facts.answer[rows]), progress=False)
        return torch.from_numpy(questions), torch.from_numpy(answers)

    validation = facts.side == "validation"
    by_wording = {name: embedded(validation & (facts.wording == name)) for name in WORDINGS}
    return embedded(facts.side == "train"), by_wording


@functools.cache
def run(settings: Settings, shared: bool = False) -> Run:
    """Train heads on the facts, from the identity on, and rank with them. No steps: untrained."""
    (questions, answers), validation = vectors()
    heads = Heads(questions.shape[1], shared)
    losses = dual_encoder.train(heads, questions, answers, settings, wordings=2)
    first = {}
    for wording, (asked, right) in validation.items():
        for among, candidates in zip(AMONG, (right, torch.cat([right, asked])), strict=True):
            scores = dual_encoder.score_matrix(heads, asked, candidates)
            first[wording, among] = (evaluate.ranks(scores) == 1).astype(float)
    return Run(settings, shared, losses, first)


def untrained() -> Run:
    """The encoder itself: heads that have taken no step."""
    return run(Settings(steps=0))


def train_the_heads() -> None:
    """Show the explorer: train one head or two for a second, and compare the last runs.

    It embeds the facts; vectors that are in the cache are taken from there.
    """
    runs: list[Run] = []

    def state(**values) -> list[Run]:
        runs.append(run(*settings_of(**values, earlier=runs)))
        return runs[-KEPT:]

    echo = [("on", Settings().echo), ("off", 0.0)]
    start = 1 / Settings().scale
    controls = {
        "echo": panel.dropdown("echo term", echo, "170px"),
        "shared": panel.dropdown("heads", [(name, each) for each, name in HEADS.items()], "180px"),
        "temperature": panel.fine_slider("temperature", start, 0.02, 1.0, 0.01),
        "batch": panel.dropdown("batch size", [(f"{n}", n) for n in BATCHES], "160px", 256),
    }
    panel.present(
        panel.explorer("train-the-heads", state, view, controls, button="Train"),
        "Train the heads: the loss of a short training run with two heads and the echo term, step "
        "by step; it falls far below the chance line. Beside it, for known and for new wordings, "
        "the share of validation questions whose right answer is first. Among the answers alone "
        "the untrained encoder finds most. Among answers and questions it finds none; after the "
        "run it is most of them, and fewer where the wording is new.",
    )


def settings_of(
    echo: float, shared: bool, temperature: float, batch: int, earlier: Sequence[Run] = ()
) -> tuple[Settings, bool]:
    """What to run. The same settings as those of an earlier run are trained from another seed."""
    settings = Settings(batch=batch, scale=round(1 / temperature, 4), echo=echo)
    seen = [(replace(each.settings, seed=0), each.shared) for each in earlier]
    return replace(settings, seed=seen.count((settings, shared))), shared


def view(runs: Sequence[Run]) -> View:
    """The newest run, which is the last, beside those before it and the untrained encoder."""
    loss = f"Last loss {runs[-1].losses[-1]:.2f}; equal scores would cost {runs[-1].chance:.2f}."
    words = (
        f'<div style="max-width:{panel.WIDTH};line-height:1.5">'
        f'<div role="status"><b>{_finding(runs[-1])}.</b> {loss}</div>{_table(runs)}'
        '<div style="margin-top:6px">The figures are shares of validation questions whose right '
        "answer is first. Below them, how far this run is ahead, with a 95 % interval, question by "
        "question: where it holds 0, there is no clear difference. With the echo term, the batch's "
        "own questions, read as answers, are wrong answers, too. Losses with other settings cannot "
        "be compared; shares can. Press Train again with the same settings: another seed, and what "
        "differs then is luck. Validation questions are there to choose settings with; the figures "
        "to tell are those of held-out questions.</div></div>"
    )
    return View(plots.png(picture(runs)), words)


def _table(runs: Sequence[Run]) -> str:
    everyone, rows = _named(runs), []
    for name, each in everyone.items():
        how = each.settings
        about = (HEADS[each.shared], "on" if how.echo else "off", f"{1 / how.scale:.2f}")
        about = (*about, f"{how.batch}", f"{how.seed}") if how.steps else ("",) * 5
        rows.append((name, *about, *(f"{each.first[case].mean():.2f}" for case in CASES)))
    other = "1 before" if len(runs) > 1 else "untrained"
    one, two = runs[-1].first, everyone[other].first
    gains = (evaluate.paired_difference(one[case], two[case]) for case in CASES)
    cells = (f"{gain.mean:+z.2f} ({gain.low:+z.2f} to {gain.high:+z.2f})" for gain in gains)
    rows.append((f"this run − {other}", *("",) * 5, *cells))
    headings = ("", "heads", "echo term", "temperature", "batch", "seed")
    return panel.table((*headings, *(f"{wording}: {among}" for wording, among in CASES)), rows)


def _named(runs: Sequence[Run]) -> dict[str, Run]:
    """The untrained encoder, and the runs with the newest first."""
    before = {f"{number} before": each for number, each in enumerate(runs[-2::-1], 1)}
    return {"untrained": untrained(), "this run": runs[-1], **before}


def _finding(newest: Run) -> str:
    """The title: what training did to the share that matters, in both wordings."""
    before, known = (each.first["known", AMONG[1]].mean() for each in (untrained(), newest))
    new = newest.first["new", AMONG[1]].mean()
    said = f"{before:.2f} → {known:.2f}, new wordings {new:.2f}"
    return f"Found first among answers and questions: {said}"


def picture(runs: Sequence[Run]) -> Figure:
    """The loss of the newest run with its chance line, and who found the answer in all runs."""
    fig = plots.figure(8.0, 3.7)
    plots.entitle(fig, _finding(runs[-1]))
    left, *right = plots.axes(fig, 1, 3, width_ratios=(3, 2, 2))
    steps, losses, chance = runs[-1].settings.steps, runs[-1].losses, runs[-1].chance
    left.plot(range(1, steps + 1), losses, color=plots.colour(0), label="loss of the batch")
    left.axhline(chance, label="equal scores", **DASHED)
    left.set(xlim=(0, steps), ylim=(0, 1.05 * max(chance, *losses)), xlabel="step", ylabel="nats")
    for ax, wording in zip(right, WORDINGS, strict=True):
        _draw_shares(ax, _named(runs), wording)
    right[1].set_yticklabels([])
    for ax, start in ((left, -0.05), (right[0], -0.3)):  # the names of lines and markers, above
        key = ax.legend(loc="lower left", bbox_to_anchor=(start, 1), ncols=2, handletextpad=0.4)
        key.set_in_layout(ax is left)  # the other one is wider than its axes
    return fig


def _draw_shares(ax, everyone: dict[str, Run], wording: str) -> None:
    """A row a run; a ring for the answers alone, a dot for answers and questions."""
    ring = {"s": 90, "facecolor": "none", "edgecolor": plots.colour(0)}
    for among, look in zip(AMONG, (ring, {"s": 30, "color": plots.colour(1)}), strict=True):
        shares = [each.first[wording, among].mean() for each in everyone.values()]
        ax.scatter(shares, range(len(shares)), label=among, zorder=3, **look)
    ax.set_yticks(range(len(everyone)), everyone)
    ax.set(xlim=(-0.06, 1.06), ylim=(len(everyone) - 0.5, -0.5), xlabel=f"{wording} wordings")
    ax.set_xticks((0, 0.5, 1))
    ax.grid(axis="both", color=plots.PALETTE["pale"])
    ax.tick_params(axis="y", length=0)
