"""The figures of the lessons: one call makes, draws and shows a figure, with title and alt text.

`title` says the finding; `alt` says in words what there is to see. Where a figure can have several
panels, a dict of panel title to data draws them side by side. What is called `draw_...` draws and
does not show: for figures that the explorers compose.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from course_utils.evaluate import bootstrap_interval, wilson_interval
from course_utils.plots import lettering
from course_utils.plots.output import show
from course_utils.plots.style import (
    DIVERGING,
    HATCHES,
    MARKERS,
    PALETTE,
    SEQUENTIAL,
    axes,
    colour,
    contrast,
    figure,
)

ONE, SEVERAL = 7.5, 11.0  # the width of a figure with one panel, or with more, in inches
DASHED = {"color": PALETTE["grey"], "linestyle": "--", "linewidth": 1.2}


def heatmap(
    matrix,
    rows: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
    *,
    title: str,
    alt: str,
    low: float = -1.0,
    high: float = 1.0,
    numbers: bool | None = None,
    label: str = "cosine similarity",
    breaks: Sequence[int] = (),
    xlabel: str = "",
    ylabel: str = "",
) -> None:
    """A matrix `[n, m]` in colour: an array, a DataFrame (its index and columns are the names), or
    a dict of at most four of them.

    `rows` and `columns` name the lines of an array; columns are the rows' names by default. A `low`
    below 0 gives two colours with white at 0; `label` names the colours. `numbers` writes each
    value into its cell (by default in up to 150 cells). White lines stand before the rows (and, of
    a square matrix, columns) with the numbers `breaks`.
    """
    tables = {name: _named(values, rows, columns) for name, values in _panels(matrix).items()}
    first = next(iter(tables.values()))
    n, m = first.shape
    beside = _widest(first.index) + 1.6
    room = (SEVERAL if len(tables) > 1 else 8.0) - beside
    across = min(0.85 if max(n, m) <= 6 else 0.62, room / (m * len(tables)) - 0.12 / m)
    down = across if n == m else 0.36
    size = float(np.clip(0.85 * 72 * min(across, down), 7, 11))
    turned = any(_widest([name], size) > 0.9 * across for name in first.columns)
    below = _widest(first.columns, size) if turned else 0.25
    width = max(4.8, beside + m * across) if len(tables) == 1 else SEVERAL
    fig = figure(width, n * down + below + 0.8)
    panels = axes(fig, 1, len(tables), squeeze=False)[0]
    for ax, (name, table) in zip(panels, tables.items(), strict=True):
        written = across > 0.32 and n * m <= 150 if numbers is None else numbers
        names = list(map(str, table.index)), list(map(str, table.columns))
        image = draw_heatmap(
            ax, table.to_numpy(float), *names, low=low, high=high, numbers=written, breaks=breaks
        )
        ax.tick_params(labelsize=size)
        ax.tick_params(axis="x", rotation=90 if turned else 0)
        ax.set_title(name, fontsize=11, weight="normal")
        ax.set(xlabel=xlabel, ylabel=ylabel)
        if ax is not panels[0] and table.index.equals(first.index):
            ax.set(yticklabels=[], ylabel="")
    _colour_scale(fig, image, list(panels), label, low, high)
    _show(fig, title, alt)


def draw_heatmap(
    ax,
    matrix,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    low: float = -1.0,
    high: float = 1.0,
    numbers: bool = True,
    label: str = "",
    breaks: Sequence[int] = (),
):
    """Draw a matrix `[n, m]` on axes, as in `heatmap`; NaN is left blank. Returns the image.

    A `label` adds the scale of the colours, with this name.
    """
    most = max(abs(low), abs(high))
    scale = (DIVERGING, -most, most) if low < 0 else (SEQUENTIAL, low, high)
    square = len(rows) == len(columns)
    look = dict(zip(("cmap", "vmin", "vmax"), scale, strict=True))
    image = ax.imshow(matrix, aspect="equal" if square else "auto", **look)
    ax.set_xticks(range(len(columns)), columns)
    ax.set_yticks(range(len(rows)), rows)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for edge in breaks:
        ax.axhline(edge - 0.5, color="white", linewidth=2)
        if square:
            ax.axvline(edge - 0.5, color="white", linewidth=2)
    for (row, column), value in np.ndenumerate(matrix if numbers else np.empty((0, 0))):
        # One of the two always has a contrast of 4.5 or more; the palette's ink is not dark enough.
        ink = max("white", "black", key=lambda ink: contrast(ink, image.cmap(image.norm(value))))
        if not np.isnan(value):
            place = {"ha": "center", "va": "center", "fontsize": 8.5}
            ax.text(column, row, _brief(value), color=ink, **place)
    if label:
        _colour_scale(ax.figure, image, ax, label, low, high)
    return image


def _colour_scale(fig, image, where, label: str, low: float, high: float) -> None:
    bar = fig.colorbar(image, ax=where, shrink=0.8, label=label, panchor="NW")
    bar.outline.set_visible(False)
    bar.ax.set_ylim(low, high)  # only the part of the scale that can occur


def _brief(value: float) -> str:
    """Two decimals in little room: .97, -.05, .00, 1, 12.30."""
    text = f"{value:z.2f}"
    return text[:-3] if text.strip("-") == "1.00" else re.sub(r"^(-?)0\.", r"\1.", text)


def scatter_map(
    points,
    groups: Sequence[str],
    *,
    title: str,
    alt: str,
    note="",
    labels: Sequence[str] | None = None,
) -> None:
    """A 2-D map of points `[n, 2]`, or a dict of maps; one colour and marker a group.

    `note` says below the map how honest it is: a text, a `projection.Honesty`, or a dict of them
    with the panels' titles. `labels` are written beside their points, where there is room.
    """
    _show(draw_map(points, groups, note=note, labels=labels), title, alt)


def draw_map(points, groups, *, note="", labels=None):
    """The figure of `scatter_map`, not shown yet and without its title.

    The axes of a map have no unit and no meaning of their own, so they carry no ticks.
    """
    panels = _panels(points)
    names = pd.Series(list(groups))
    fig = figure(SEVERAL if len(panels) > 1 else ONE, 5.3)
    row = axes(fig, 1, len(panels), squeeze=False)[0]
    for ax, (panel, places) in zip(row, panels.items(), strict=True):
        for number, group in enumerate(names.unique()):
            dots = np.asarray(places)[names == group].T
            look = {"s": 70 if MARKERS[number] == "*" else 34, "marker": MARKERS[number]}
            look |= {"color": colour(number), "edgecolors": "white", "linewidths": 0.5}
            ax.scatter(*dots, label=group, **look)
        said = str(note.get(panel, "") if isinstance(note, Mapping) else note)
        ax.set(xticks=[], yticks=[])
        if np.allclose(np.linalg.norm(places, axis=1), 1):  # a circle, and it must look like one
            ax.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15))
            ax.set_aspect("equal", adjustable="datalim")
        ax.set_xlabel(said.replace(" · ", "\n"), fontsize=9.5, color=PALETTE["grey"])
        ax.spines[:].set(visible=True, color=PALETTE["pale"])
        ax.set_title(panel, fontsize=11, weight="normal")
    row[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.2)
    if labels is not None:
        fig.draw_without_rendering()
        for ax, places in zip(row, panels.values(), strict=True):
            _label(ax, np.asarray(places), list(labels))
    return fig


def _label(ax, points: np.ndarray, labels: Sequence[str]) -> None:
    """Write labels beside their points, right or left; one that finds no room is left out."""
    size, dots_a_point = 8.5, ax.figure.dpi / 72
    places = ax.transData.transform(points) / dots_a_point  # in points of the page
    left, bottom, right, top = np.array(ax.get_window_extent().extents) / dots_a_point
    taken = np.hstack([places - 3, places + 3])  # each a box: left, bottom, right, top
    for number, ((x, y), text) in enumerate(zip(places, labels, strict=True)):
        wide = 1.06 * lettering.width(text, size)
        others = np.delete(taken, number, axis=0)
        for begin in (x + 5, x - 5 - wide):
            low, high = (begin, y - 0.7 * size), (begin + wide, y + 0.7 * size)
            inside = left < low[0] and high[0] < right and bottom < low[1] and high[1] < top
            if inside and not ((others[:, :2] < high) & (others[:, 2:] > low)).all(axis=1).any():
                taken = np.vstack([taken, [*low, *high]])
                offset = {"xytext": (begin - x, 0), "textcoords": "offset points"}
                ax.annotate(text, points[number], va="center", fontsize=size, **offset)
                break


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
    _show(ax.figure, title, alt)


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
    for number, (name, values) in enumerate(_panels(table).items()):
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
    _show(ax.figure, title, alt)


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
    _show(ax.figure, title, alt)


def words(table: pd.DataFrame, *, title: str, alt: str) -> None:
    """A table of words, drawn: words that a training found differ from machine to machine, and a
    printed table would have to be the same everywhere.
    """
    gap, size, line = 16.0, 11.0, 20.0  # points: between columns, of letters, from line to line
    table = table.astype(str).map(lettering.drawable)
    name_room = 72 * _widest(table.index, size, "bold")
    wide = [72 * 1.05 * _widest([column, *table[column]], size) for column in map(str, table)]
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
    _show(ax.figure, title, alt)


def entitle(fig, title: str) -> None:
    """Write the title over the whole figure, in as many lines as it needs."""
    width = 72 * fig.get_figwidth()
    text = lettering.wrapped(title, width - 20, 12.5, "bold")
    fig.suptitle(text, x=4 / width, ha="left", fontsize=12.5, weight="bold")


def _show(fig, title: str, alt: str) -> None:
    entitle(fig, title)
    show(fig, alt)


def _panels(data) -> Mapping[str, object]:
    return data if isinstance(data, Mapping) else {"": data}


def _named(values, rows, columns) -> pd.DataFrame:
    """A panel's matrix with its names."""
    if isinstance(values, pd.DataFrame):
        return values
    values = np.asarray(values)
    rows = range(len(values)) if rows is None else list(rows)
    if columns is None:
        columns = rows if values.shape[1] == len(rows) else range(values.shape[1])
    return pd.DataFrame(values, list(rows), list(columns))


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
    columns = int((ax.figure.get_figwidth() - 1) / (_widest(names, 10) + 0.6))
    ax.legend(
        [handles[place] for place in order],
        [names[place] for place in order],
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=min(len(names), max(1, columns)),
        borderpad=0,
        columnspacing=1.4,
    )


def _widest(names, size: float = 11, weight: str = "normal") -> float:
    """The width of the widest name, in inches."""
    return max(lettering.width(str(name), size, weight) for name in names) / 72
