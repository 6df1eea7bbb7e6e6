"""Measured values with their 95 % intervals, one row a system: the figure that compares systems."""

from collections.abc import Sequence

import numpy as np

from course_utils.errors import BadInput
from course_utils.plots.style import PALETTE, colour


def intervals(
    ax,
    names: Sequence[str],
    values: Sequence[float],
    limits: Sequence[tuple[float, float]],
    *,
    groups: Sequence[int] | None = None,
    title: str = "",
    xlabel: str = "",
    reference: float | None = None,
    reference_label: str = "chance",
) -> None:
    """Draw a dot and a 95 % whisker for each system, the first at the top.

    `limits` are the (lower, upper) ends around `values`. `groups` numbers the colours, one a row;
    by default all are of one colour. `reference` is a dashed vertical line: chance, or a baseline.
    Raises BadInput where lengths differ, nothing is to be drawn, or a value lies outside its ends.
    """
    groups = [0] * len(names) if groups is None else groups
    if not len(names) or not len(names) == len(values) == len(limits) == len(groups):
        raise BadInput(
            f"Intervals need as many values, limits and groups as names, at least one: there are "
            f"{len(names)} names, {len(values)} values, {len(limits)} limits, {len(groups)} groups."
        )
    for row, (name, value, (low, high)) in enumerate(zip(names, values, limits, strict=True)):
        if not low <= value <= high:  # also where one of them is NaN
            raise BadInput(f"{name!r}: {value} does not lie between {low} and {high}.")
        ink = colour(groups[row])
        ax.plot((low, high), (row, row), color=ink, linewidth=2.2, solid_capstyle="butt")
        ax.plot(value, row, "o", color=ink, markersize=7)
        ax.annotate(
            f"{value:.2f}", (high, row), (6, 0), textcoords="offset points", va="center", fontsize=9
        )
    if reference is not None:
        ax.axvline(
            reference, color=PALETTE["grey"], linestyle="--", linewidth=1.2, label=reference_label
        )
        ax.legend(loc="upper right")  # the first rows, mostly baselines, leave room there
    ax.set_yticks(np.arange(len(names)), names)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.12)
    ax.set_title(title)
    ax.set_xlabel(xlabel)
