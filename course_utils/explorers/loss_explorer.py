"""The explorer of L4, "the loss machine": its widgets, its picture and its words."""

import functools

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from course_utils import plots
from course_utils.explorers import panel
from course_utils.explorers.loss_numbers import (
    BOTH,
    COLUMNS,
    DIRECTIONS,
    HIGHEST,
    LOWEST,
    MOST,
    ROWS,
    Batch,
    LossMachine,
    compute,
)
from course_utils.explorers.panel import View

RIGHT = {
    ROWS: "questions put their answer first",
    COLUMNS: "answers put their question first",
    BOTH: "picks are right",
}
SOFTMAX = {
    ROWS: "softmax of each row",
    COLUMNS: "softmax of each column",
    BOTH: "mean of both softmaxes",
}
LETTER = {ROWS: "q", COLUMNS: "a"}
LONGEST = 2.0  # the bar of a loss ends there, in chance levels; its number is always written

# The picture, in inches: three matrices side by side, and the bars in line with their rows.
WIDTH, HEIGHT = 8.0, 3.0
SIDE, BOTTOM = 1.72, 0.62
LEFTS = (0.42, 2.3, 4.18)
BARS_LEFT, BARS_WIDTH = 6.36, 1.6
MEAN = 0.32  # the bar of the mean, below the others
LARGE, SMALL, CROWD = 9.5, 7.5, 9  # points; more bars than CROWD have small numbers


def loss_machine() -> None:
    """Show the explorer: a small batch of cosines, its softmax, its loss and its gradient."""
    start = LossMachine()
    controls = {
        "scores": panel.text_area("cosines, a row a question, then Tab", start.scores, MOST),
        "temperature": panel.fine_slider("temperature", start.temperature, LOWEST, HIGHEST, 0.01),
        "direction": panel.dropdown("direction", [(name, name) for name in DIRECTIONS], "300px"),
    }
    panel.present(
        panel.explorer("loss-machine", LossMachine, view_loss_machine, controls),
        "The loss machine: the cosines of four questions with four answers, the right ones on the "
        "diagonal. Beside them the softmax of each row, the gradient of the loss, and the loss of "
        "each question as a bar, with the chance line. The third question prefers a wrong answer: "
        "its loss is the largest, and so is its gradient.",
    )


@panel.answering
def view_loss_machine(state: LossMachine) -> View:
    """What the contrastive loss makes of one batch.

    A state that has no loss gives a View with a message and no picture.
    """
    return _seen(state)


@functools.lru_cache(maxsize=32)  # drawing is what takes time; going back is free
def _seen(state: LossMachine) -> View:
    found = compute(state)
    return View(plots.png(picture(found)), words(found))


def words(found: Batch) -> str:
    """The HTML below the picture: the finding, a table of the losses, and how to read it."""
    size, scale = found.size, f"{found.scale:.3g}"
    return (
        f'<div style="max-width:{panel.WIDTH};line-height:1.5">'
        f'<div role="status"><b>Loss {found.loss:z.2f}; chance is ln {size} = {found.chance:.2f}.'
        f"</b> {_against_chance(found)}</div>{_table(found)}"
        f'<div style="margin-top:6px">Temperature {found.temperature:.2f} is scale {scale}: the '
        f"softmax reads {scale} × cosine. Even cosines of 1 on the diagonal and −1 everywhere else "
        f"would cost {found.least:.2f} then.<br>"
        f"The gradient, that of scale × cosine, is the softmax minus 1 on the diagonal, divided "
        f"by {size}. A step goes against it: the diagonal rises, and of the wrong ones those fall "
        "most that have the largest share.</div></div>"
    )


def _against_chance(found: Batch) -> str:
    """What the loss means, beside that of equal scores."""
    if abs(found.loss - found.chance) < 0.005:
        return "That is what equal scores cost."
    if found.loss > found.chance:
        return "Equal scores would cost less: where this batch is wrong, it is too sure of it."
    return "Equal scores would cost more."


def _table(found: Batch) -> str:
    """A row a pair: in each direction the share of its own, its loss, and whether it is first."""
    headings = ["pair"]
    for name in found.losses:
        headings += [f"{name}: share of the right one", "loss, −ln(share)", "first?"]
    rows = [[f"{number + 1}"] for number in range(found.size)]
    for name, losses in found.losses.items():
        for row, loss, first in zip(rows, losses, found.right(name), strict=True):
            row += [f"{np.exp(-loss):.2f}", f"{loss:z.2f}", "yes" if first else "no"]
    return panel.table(headings, rows)


def picture(found: Batch) -> Figure:
    """Cosines, softmax and gradient as matrices, and the loss of each row or column as a bar."""
    fig = plots.figure(WIDTH, HEIGHT)
    # Fixed places and scales: nothing jumps while a slider moves.
    fig.set_layout_engine("none")
    fig.text(0.1 / WIDTH, 1 - 0.3 / HEIGHT, _finding(found), fontsize=12.5, weight="bold")
    most = 1 / found.size  # no gradient is larger
    shown = (
        ("cosines", found.cosines, -1.0, 1.0),
        (SOFTMAX[found.direction], found.softmax, 0.0, 1.0),
        ("gradient of the loss", found.gradient, -most, most),
    )
    numbers = range(1, found.size + 1)
    questions, answers = ([f"{letter}{number}" for number in numbers] for letter in "qa")
    for left, (title, matrix, low, high) in zip(LEFTS, shown, strict=True):
        ax = fig.add_axes((left / WIDTH, BOTTOM / HEIGHT, SIDE / WIDTH, SIDE / HEIGHT))
        rows = questions if left == LEFTS[0] else [""] * found.size
        plots.charts.heatmap(ax, matrix, rows, answers, low=low, high=high, bar=None)
        ax.tick_params(axis="x", labelrotation=0)
        _small_title(ax, title)
        for place in range(found.size):
            corner = (place - 0.5, place - 0.5)
            ax.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=plots.PALETTE["ink"]))
    bars = (BARS_LEFT / WIDTH, (BOTTOM - MEAN) / HEIGHT, BARS_WIDTH / WIDTH, (SIDE + MEAN) / HEIGHT)
    _draw_losses(fig.add_axes(bars), found)
    return fig


def _finding(found: Batch) -> str:
    """The title: the loss, its chance line, and how many find their own."""
    right = np.concatenate([found.right(name) for name in found.losses])
    picks = f"{right.sum()} of {len(right)} {RIGHT[found.direction]}"
    return f"Loss {found.loss:z.2f}, chance {found.chance:.2f}: {picks}"


def _draw_losses(ax, found: Batch) -> None:
    """A bar for the loss of each question or answer, beside its row; the mean; the chance line."""
    most, grey, several = LONGEST * found.chance, plots.PALETTE["grey"], len(found.losses)
    below = MEAN * found.size / SIDE  # the mean's place, in rows
    mean, thick = found.size - 0.5 + below / 2, 0.7 / several
    bars = [
        (
            row + thick * (index - (several - 1) / 2),
            f"{LETTER[name]}{row + 1}",
            loss,
            plots.colour(index),
        )
        for index, (name, losses) in enumerate(found.losses.items())
        for row, loss in enumerate(losses)
    ]
    bars.append((mean, "mean", found.loss, plots.PALETTE["ink"]))
    look = {"va": "center", "fontsize": LARGE if len(bars) <= CROWD else SMALL}
    look["bbox"] = {"facecolor": "white", "edgecolor": "none", "pad": 0}  # over the chance line
    look |= {"xytext": (4, 0), "textcoords": "offset points"}
    for place, _, loss, colour in bars:
        ax.barh(place, min(loss, most), min(0.9 * thick, 0.6 * below), color=colour)
        ax.annotate(f"{loss:z.2f}", (min(loss, most), place), **look)
    ax.axvline(found.chance, color=grey, linestyle="--", linewidth=1.2, zorder=0)
    places, names, *_ = zip(*bars, strict=True)
    ax.set_yticks(places, names, fontsize=look["fontsize"])
    ax.set_ylim(found.size - 0.5 + below, -0.5)
    ax.set_xlim(0, 1.6 * most)  # the rest is for the numbers
    ax.set_xticks([found.chance], [f"chance {found.chance:.2f}"], fontsize=LARGE, color=grey)
    ax.tick_params(length=0)
    _small_title(ax, "loss")


def _small_title(ax, text: str) -> None:
    ax.set_title(text, fontsize=10, weight="normal", pad=5)
