"""The explorer of L4, "train the heads": its widgets, its picture and its words."""

from collections.abc import Iterator
from functools import partial

import numpy as np
from matplotlib.figure import Figure

from course_utils import data, evaluate, plots, ranking
from course_utils.errors import BadInput
from course_utils.explorers import panel
from course_utils.explorers.head_runs import (
    Progress,
    Trainings,
    TrainTheHeads,
    on_documentation,
)
from course_utils.explorers.panel import View

BATCHES = (16, 32, 64, 128, 256, 512)
ECHOES = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0)
UNTRAINED = "untrained"
SMALL = 9.5  # the size of the keys, in points

Figures = dict[str, np.ndarray]  # as `dual_encoder.pairs.figures` gives them


def train_the_heads(split: data.Split | None = None) -> None:
    """Show the explorer: train the two heads for a second or two, and compare the last runs.

    `split` are the lesson's documentation pairs; without it, they are made anew. Their embeddings
    come from the cache where they are there. The heads are measured on the validation pairs.
    """
    trainings, history = on_documentation(split), TrainTheHeads()
    trainings.run(history.then().runs[0])  # the first run; nobody would see the pictures on its way

    def state(**values) -> TrainTheHeads:
        nonlocal history
        history = history.then(**values)
        return history

    controls = {
        "temperature": panel.fine_slider("temperature", 0.07, 0.02, 1.0, 0.01),
        "batch": panel.dropdown("batch size", [(f"{n}", n) for n in BATCHES], "160px", 256),
        "echo": panel.dropdown(
            "echo weight", [(f"{weight:g}", weight) for weight in ECHOES], "170px"
        ),
    }
    view = partial(follow_training, trainings=trainings)
    panel.present(
        panel.explorer("train-the-heads", state, view, controls, button="Train"),
        "Train the heads: the loss of a short training run, step by step. It begins far below the "
        "chance line and falls; the last batch of each pass through the pairs is shorter, and its "
        "chance line lower. Beside it, how the heads rank validation pairs, untrained and after "
        "the run: recall@1 and MRR have risen a little, and the echo rate stays at its highest.",
    )


def view_train_the_heads(state: TrainTheHeads, trainings: Trainings) -> View:
    """The newest run of a history, once it is done, beside those before it.

    A history without a run gives a View with a message and no picture.
    """
    return panel.last(follow_training, state, trainings)


def follow_training(state: TrainTheHeads, trainings: Trainings) -> Iterator[View]:
    """The newest run of a history while it trains, and when it is done; earlier runs beside it."""
    if not state.runs:
        raise BadInput("There is no run yet: press Train.")
    *earlier, newest = state.runs
    before = [trainings.run(settings) for settings in reversed(earlier)]
    for run in trainings.follow(newest):
        runs = [run, *before]
        yield View(plots.png(picture(runs, trainings.untrained)), words(runs, trainings))


def words(runs: list[Progress], trainings: Trainings) -> str:
    """The HTML below the picture: what the newest run gained, and a table of all."""
    newest, total = runs[0], runs[0].settings.steps
    if len(newest.steps) < total:
        said = f"<b>Training: {len(newest.steps)} of {total} steps.</b>"
    else:
        gained = _compared(newest.figures, trainings.untrained)
        said = f"<b>Against the untrained heads</b>: {gained}"
        if len(runs) > 1:
            said += "<br><b>Against the run before</b>: "
            said += _compared(newest.figures, runs[1].figures)
    return (
        f'<div style="max-width:{panel.WIDTH};line-height:1.5">'
        f'<div role="status">{said}</div>{_table(runs, trainings)}'
        '<div style="margin-top:6px">Echo rate: how many questions would find themselves first, '
        "were they among the answers. The echo weight makes them negatives. Losses of different "
        "temperatures, batch sizes or echo weights cannot be compared; ranks can. Press Train "
        "again with the same settings: another seed, and what differs then is luck. These are "
        "validation pairs, to choose settings with; the figures to tell are those of held-out "
        "pairs.</div></div>"
    )


def _compared(one: Figures, other: Figures) -> str:
    """How far the MRR of one is above that of the other, and how sure that is."""
    differences = one["MRR"] - other["MRR"]
    low, high = evaluate.bootstrap_interval(differences)
    clear = "better" if low > 0 else "worse" if high < 0 else "no clear difference"
    return f"MRR {differences.mean():+z.3f}, 95 % interval {low:+z.3f} to {high:+z.3f}: {clear}."


def _names(runs: list[Progress]) -> list[str]:
    return ["this run", *(f"{number} before" for number in range(1, len(runs)))]


def _table(runs: list[Progress], trainings: Trainings) -> str:
    headings = ("", "temperature", "batch", "echo weight", "seed", "pairs seen")
    rows = []
    for name, run in zip(_names(runs), runs, strict=True):
        how, pairs = run.settings, f"{run.steps[-1].pairs:,}"
        settings = (f"{1 / how.scale:.2f}", f"{how.batch}", f"{how.echo:g}", f"{how.seed}", pairs)
        rows.append((name, *settings, *_means(run.figures)))
    answers = trainings.answers
    chance = {
        "MRR": ranking.chance_mrr(answers),
        "recall@1": 1 / answers,
        "echo rate": 1 / (answers + 1),
    }
    none = [""] * (len(headings) - 1)
    rows.append((UNTRAINED, *none, *_means(trainings.untrained)))
    rows.append(("chance", *none, *(f"{chance[name]:.2f}" for name in trainings.untrained)))
    return panel.table((*headings, *trainings.untrained), rows)


def _means(figures: Figures) -> list[str]:
    return [f"{values.mean():.2f}" for values in figures.values()]


def picture(runs: list[Progress], untrained: Figures) -> Figure:
    """The loss of the newest run with its chance line, and beside it how all runs rank."""
    fig = plots.figure(8.0, 3.7)
    # Fixed places: nothing jumps while a run trains.
    fig.set_layout_engine("none")
    fig.text(0.012, 0.935, _finding(runs[0], untrained), fontsize=12.5, weight="bold")
    _draw_loss(fig.add_axes((0.07, 0.14, 0.42, 0.65)), runs[0])
    _draw_ranks(fig.add_axes((0.62, 0.14, 0.36, 0.65)), runs, untrained)
    return fig


def _finding(run: Progress, untrained: Figures) -> str:
    """The title: where the run began and where it is."""
    moved = (
        f"{name} {untrained[name].mean():.2f} → {run.figures[name].mean():.2f}"
        for name in ("MRR", "echo rate")
    )
    return f"After {len(run.steps)} steps: {', '.join(moved)}"


def _draw_loss(ax, run: Progress) -> None:
    numbers = [step.number for step in run.steps]
    losses, chances = ([getattr(step, name) for step in run.steps] for name in ("loss", "chance"))
    grey = {"color": plots.PALETTE["grey"], "linestyle": "--", "linewidth": 1.2}
    ax.plot(numbers, chances, label="chance: equal scores", **grey)
    ax.plot(numbers, losses, color=plots.colour(0), label="loss of the batch")
    ax.set_xlim(0, run.settings.steps)
    ax.set_ylim(0, 1.05 * max(*chances, *losses))
    ax.set_xlabel("step")
    ax.set_ylabel("loss (nats)")
    _key(ax)


def _draw_ranks(ax, runs: list[Progress], untrained: Figures) -> None:
    """A row a run, the newest first below the untrained heads; a marker a measure."""
    everything = [untrained, *(run.figures for run in runs)]
    for index, name in enumerate(untrained):
        look = {"color": plots.colour(index), "marker": plots.MARKERS[index], "linestyle": "none"}
        means = [figures[name].mean() for figures in everything]
        ax.plot(means, range(len(means)), label=name, markersize=8, clip_on=False, **look)
    ax.set_yticks(range(len(everything)), [UNTRAINED, *_names(runs)])
    ax.set_ylim(len(everything) - 0.5, -0.5)
    ax.set_xlim(0, 1)
    ax.grid(axis="both", color=plots.PALETTE["pale"])
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("mean over the validation questions")
    _key(ax)


def _key(ax) -> None:
    """The names of the lines or markers, in one line above the axes."""
    above = {"loc": "lower left", "bbox_to_anchor": (-0.03, 0.985), "ncols": 3}
    ax.legend(fontsize=SMALL, columnspacing=1.2, handletextpad=0.4, **above)
