"""Charts in one call: bars, lines and dots with their intervals, and words."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from course_utils.evaluate import bootstrap_interval, wilson_interval
from course_utils.plots import lettering
from course_utils.plots.figures import panels_of
from course_utils.plots.output import show
from course_utils.plots.style import (
    DASHED,
    HATCHES,
    MARKERS,
    ONE,
    PALETTE,
    SEVERAL,
    axes,
    colour,
    figure,
)


def bars(
    table: pd.DataFrame,
    x: str,
    y: str | Sequence[str],
    *,
    title: str,
    alt: str,
    ylabel: str = "share, 95 % interval",
    chance: float | None = None,
    clusters: str | None = None,
) -> None:
    """The share of each category, from a table with one row an observation.

    `x` names the column of categories, `y` a column of 0 and 1 (or shares), or several: a series
    each. A bar is the mean; its whisker is a 95 % interval: Wilson's, or, where `clusters` names a
    column, a bootstrap over the groups that it tells, whose rows are not independent.
    """
    series = [y] if isinstance(y, str) else list(y)
    parts = dict(list(table.groupby(x, sort=False)))
    ax = axes(figure(ONE, 4.2))
    width = 0.8 / len(series)
    for number, column in enumerate(series):
        means = np.array([part[column].mean() for part in parts.values()])
        ends = [_interval(part[column], clusters and part[clusters]) for part in parts.values()]
        at = np.arange(len(parts)) + (number - (len(series) - 1) / 2) * width
        look = {"color": colour(number), "hatch": HATCHES[number % 4], "edgecolor": "white"}
        ax.bar(at, means, width * 0.92, label=column, **look)
        whiskers = np.abs(np.array(ends).T - means)
        ax.errorbar(at, means, whiskers, fmt="none", ecolor=PALETTE["ink"], capsize=3, lw=1.2)
    room = 72 * (ONE - 1) / len(parts)
    ax.set_xticks(range(len(parts)), [lettering.wrapped(str(name), room, 11) for name in parts])
    ax.set_ylim(bottom=0)
    ax.set_ylabel(ylabel)
    _guessing(ax, chance)
    show(ax.figure, alt, title)


def _interval(values: pd.Series, groups) -> tuple[float, float]:
    if groups is None:
        return wilson_interval(values.sum(), len(values))
    return bootstrap_interval(values, groups=groups)


def lines(
    table,
    *,
    title: str,
    alt: str,
    xlabel: str = "",
    ylabel: str = "",
    chance: float | None = None,
    clusters: Sequence | None = None,
    ylim: tuple[float, float] | None = None,
) -> None:
    """The mean of each column of a table, one row an observation, with its 95 % band.

    The columns' labels are numbers: where they stand on the x axis. The band is a bootstrap over
    the rows, or over whole `clusters` (one label a row; a Series is matched by its index). A dict
    of series name to table draws a line each; a Series in it is drawn as it is, over its index,
    without a band.
    """
    ax = axes(figure(ONE, 4.2))
    for number, (name, values) in enumerate(panels_of(table).items()):
        banded = isinstance(values, pd.DataFrame)
        means = values.mean() if banded else values
        at = np.asarray(means.index, dtype=float)
        marker = MARKERS[number] if len(at) <= 40 else ""
        ax.plot(at, means, color=colour(number), marker=marker, label=name)
        if banded:
            ylabel = ylabel or "mean, 95 % interval"
            groups = clusters[values.index] if isinstance(clusters, pd.Series) else clusters
            ends = [bootstrap_interval(values[each], groups=groups) for each in values]
            ax.fill_between(at, *np.array(ends).T, color=colour(number), alpha=0.15, linewidth=0)
            if len(at) <= 16:
                ax.set_xticks(at, [f"{each:g}" for each in at])
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if ylim is not None:
        low, high = ylim  # and a little more, or half of a marker at the end is cut off
        ax.set_ylim(low - 0.02 * (high - low), high + 0.02 * (high - low))
    _guessing(ax, chance)
    show(ax.figure, alt, title)


def dots(
    table: pd.DataFrame,
    *,
    value: str,
    low: str,
    high: str,
    title: str,
    alt: str,
    xlabel: str = "",
    reference: float | None = None,
    reference_label: str = "chance",
) -> None:
    """A dot and its 95 % whisker for each system, one a row, the first at the top.

    The index names the systems; `value`, `low` and `high` name the columns of the figure and of its
    interval's ends. `reference` is a dashed vertical line, such as chance.
    """
    ax = axes(figure(8.0, 0.42 * len(table) + 1.3))
    for row, (middle, *ends) in enumerate(table[[value, low, high]].to_numpy(float)):
        ax.plot(ends, (row, row), color=colour(0), linewidth=2.2, solid_capstyle="butt")
        ax.plot(middle, row, "o", color=colour(0), markersize=7)
        place = {"xytext": (6, 0), "textcoords": "offset points", "va": "center"}
        ax.annotate(f"{middle:.2f}", (ends[1], row), fontsize=9, **place)
    ax.set_yticks(range(len(table)), list(map(str, table.index)))
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    ax.margins(x=0.12)
    ax.set_xlabel(xlabel)
    if reference is not None:
        ax.axvline(reference, label=reference_label, **DASHED)
        _legend(ax)
    show(ax.figure, alt, title)


def words(table: pd.DataFrame, *, title: str, alt: str) -> None:
    """A table of words, drawn: words that a training found differ from machine to machine, and a
    printed table would have to be the same everywhere.
    """
    gap, size, line = 16.0, 11.0, 20.0  # points: between columns, of letters, from line to line
    table = table.astype(str).map(lettering.drawable)
    name_room = 72 * lettering.widest(table.index, size, "bold")
    wide = [72 * 1.05 * lettering.widest([column, *table[column]], size) for column in table]
    most = 72 * SEVERAL - name_room - gap * (len(wide) + 1)
    rooms = [room * min(1, most / sum(wide)) for room in wide]  # the words wrap, the names do not
    starts = name_room + gap + np.cumsum([0, *(room + gap for room in rooms[:-1])])
    width = max(72 * ONE, starts[-1] + rooms[-1] + gap)
    cells = [
        [lettering.wrapped(text, room + 1, size) for text, room in zip(texts, rooms, strict=True)]
        for texts in table.to_numpy()
    ]
    heights = [line * (1 + max(text.count("\n") for text in texts)) + 8 for texts in cells]
    ax = axes(figure(width / 72, (sum(heights) + 70) / 72))
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(sum(heights) + line, 0))
    for start, heading in zip(starts, table, strict=True):
        ax.text(start, line / 2, str(heading), va="center", color=PALETTE["grey"])
    tops = line + np.cumsum([0, *heights[:-1]])
    for name, texts, top, height in zip(table.index, cells, tops, heights, strict=True):
        ax.axhline(top, color=PALETTE["pale"], linewidth=0.8)
        middle = top + height / 2
        ax.text(0, middle, str(name), va="center", weight="bold", color=PALETTE["blue"])
        for start, text in zip(starts, texts, strict=True):
            ax.text(start, middle, text, va="center", fontsize=size)
    show(ax.figure, alt, title)


def _guessing(ax, chance: float | None) -> None:
    """The chance line, if there is one, and a legend where there is more than one thing to tell."""
    if chance is not None:
        ax.axhline(chance, label="guessing", **DASHED)
    if len(ax.get_legend_handles_labels()[1]) > 1:
        _legend(ax)


def _legend(ax) -> None:
    """The legend above the axes, where it hides no data; the chance line is last."""
    handles, names = ax.get_legend_handles_labels()
    order = sorted(range(len(names)), key=lambda place: names[place] == "guessing")
    columns = int((ax.figure.get_figwidth() - 1) / (lettering.widest(names, 10) + 0.6))
    ax.legend(
        [handles[place] for place in order],
        [names[place] for place in order],
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=min(len(names), max(1, columns)),
        borderpad=0,
        columnspacing=1.4,
    )
