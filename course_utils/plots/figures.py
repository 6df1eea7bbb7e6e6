"""The figures of the lessons: one call makes, draws and shows a figure, with title and alt text.

`title` says the finding; `alt` says in words what there is to see. Where a figure can have several
panels, a dict of panel title to data draws them side by side.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from course_utils.evaluate import bootstrap_interval, wilson_interval
from course_utils.plots import charts, lettering, measures
from course_utils.plots.output import show
from course_utils.plots.style import MARKERS, PALETTE, axes, colour, figure

ONE, SEVERAL = 7.5, 11.0  # the width of a figure with one panel, or with more, in inches
TITLE = 12.5  # the size of the title, in points


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
    panels = _panels(matrix)
    tables = {name: _named(values, rows, columns) for name, values in panels.items()}
    first = next(iter(tables.values()))
    n, m = first.shape
    several = len(panels) > 1
    beside = _widest(first.index) + (0.25 if ylabel else 0)
    room = (SEVERAL if several else 8.0) - beside - 1.3
    largest = 0.85 if max(n, m) <= 6 else 0.62
    across = min(largest, room / (m * len(panels)) - (0.12 / m if several else 0))
    down = across if n == m else 0.36
    size = float(np.clip(0.85 * 72 * min(across, down), 7, 11))
    turned = any(_widest([name], size) > 0.9 * across for name in first.columns)
    below = (_widest(first.columns, size) if turned else 0.25) + (0.25 if xlabel else 0)
    width = SEVERAL if several else max(4.8, beside + m * across + 1.5)
    fig = figure(width, n * down + below + 0.2 + (0.3 if several else 0) + _height(title, width))
    row = axes(fig, 1, len(tables), squeeze=False)[0]
    for number, (ax, (name, table)) in enumerate(zip(row, tables.items(), strict=True)):
        image = charts.heatmap(
            ax,
            table.to_numpy(dtype=float),
            list(map(str, table.index)),
            list(map(str, table.columns)),
            low=low,
            high=high,
            numbers=across > 0.32 and n * m <= 150 if numbers is None else numbers,
            bar=None,
            breaks=breaks,
        )
        ax.tick_params(axis="both", labelsize=size)
        ax.tick_params(axis="x", rotation=90 if turned else 0)
        ax.set_title(name, fontsize=11, weight="normal")
        ax.set_xlabel(xlabel)
        if number and table.index.equals(first.index):
            ax.set_yticklabels([])
        else:
            ax.set_ylabel(ylabel)
    bar = fig.colorbar(image, ax=list(row), shrink=0.8, label=label, panchor="NW")
    bar.outline.set_visible(False)
    bar.ax.set_ylim(low, high)  # only the part of the scale that can occur
    _show(fig, title, alt)


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
    _show(draw_map(points, groups, title=title, note=note, labels=labels), title, alt)


def draw_map(points, groups, *, title: str, note="", labels=None):
    """The figure of `scatter_map`, not shown yet and without its title."""
    panels = _panels(points)
    width = SEVERAL if len(panels) > 1 else ONE
    fig = figure(width, 5.0 + _height(title, width))
    row = axes(fig, 1, len(panels), squeeze=False)[0]
    for number, (ax, (name, places)) in enumerate(zip(row, panels.items(), strict=True)):
        said = note.get(name, "") if isinstance(note, Mapping) else note
        last = number == len(panels) - 1
        charts.scatter_map(ax, places, list(groups), note=str(said), legend=last)
        ax.set_title(name, fontsize=11, weight="normal")
    if labels is not None:
        fig.draw_without_rendering()
        for ax, places in zip(row, panels.values(), strict=True):
            _label(ax, np.asarray(places), list(labels))
    return fig


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
    names = list(dict.fromkeys(table[x]))
    fig = figure(ONE, 3.9 + _height(title, ONE))
    ax = axes(fig)
    width = 0.8 / len(series)
    for number, column in enumerate(series):
        parts = [table[table[x] == name] for name in names]
        means = np.array([part[column].mean() for part in parts])
        ends = [_interval(part[column], clusters and part[clusters]) for part in parts]
        at = np.arange(len(names)) + (number - (len(series) - 1) / 2) * width
        look = {"color": colour(number), "hatch": charts.HATCHES[number % 4], "edgecolor": "white"}
        ax.bar(at, means, width * 0.92, label=column, **look)
        whiskers = np.abs(np.array(ends).T - means)
        ax.errorbar(at, means, whiskers, fmt="none", ecolor=PALETTE["ink"], capsize=3, lw=1.2)
    room = 72 * (ONE - 1) / len(names)
    ax.set_xticks(range(len(names)), [_wrapped(str(name), room, 11) for name in names])
    ax.set_ylim(bottom=0)
    ax.set_ylabel(ylabel)
    _guessing(ax, chance)
    if len(series) > 1 or chance is not None:
        _legend(ax, ONE)
    _show(fig, title, alt)


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
    series = _panels(table)
    fig = figure(ONE, 3.9 + _height(title, ONE))
    ax = axes(fig)
    for number, (name, values) in enumerate(series.items()):
        means = values if isinstance(values, pd.Series) else values.mean()
        at = np.asarray(means.index, dtype=float)
        marker = MARKERS[number] if len(at) <= 40 else ""
        ax.plot(at, means, color=colour(number), marker=marker, label=name)
        if isinstance(values, pd.DataFrame):
            groups = clusters[values.index] if isinstance(clusters, pd.Series) else clusters
            ends = [bootstrap_interval(values[each], groups=groups) for each in values]
            ax.fill_between(at, *np.array(ends).T, color=colour(number), alpha=0.15, linewidth=0)
            if len(at) <= 16:
                ax.set_xticks(at, [f"{each:g}" for each in at])
    banded = any(isinstance(values, pd.DataFrame) for values in series.values())
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel or ("mean, 95 % interval" if banded else ""))
    if ylim is not None:
        low, high = ylim  # and a little more, or half of a marker at the end is cut off
        ax.set_ylim(low - 0.02 * (high - low), high + 0.02 * (high - low))
    _guessing(ax, chance)
    if len(series) > 1 or chance is not None:
        _legend(ax, ONE)
    _show(fig, title, alt)


def words(table: pd.DataFrame, *, title: str, alt: str) -> None:
    """A table of words, drawn: words that a training found differ from machine to machine, and a
    printed table would have to be the same everywhere.
    """
    table = table.astype(str)
    gap, size = 16.0, 11.0
    wide = [max(lettering.width(str(name), size, "bold") for name in table.index)]
    for column in table:
        texts = [str(column), *table[column]]
        wide.append(max(1.05 * lettering.width(lettering.drawable(text), size) for text in texts))
    most = 72 * SEVERAL - gap * len(wide) - 12
    if sum(wide) > most:  # the names keep their room, the words wrap
        shrink = (most - wide[0]) / sum(wide[1:])
        wide[1:] = [each * shrink for each in wide[1:]]
    starts = np.cumsum([0, *wide[:-1]]) + gap * np.arange(len(wide))
    width = max(ONE, (sum(wide) + gap * len(wide) + 12) / 72)
    cells = [
        [_wrapped(text, room + 1, size) for text, room in zip(line, wide[1:], strict=True)]
        for line in table.to_numpy()
    ]
    heights = [1 + max(cell.count("\n") for cell in line) for line in cells]
    fig = figure(width, 0.27 * sum(heights) + 0.12 * len(cells) + 0.5 + _height(title, width))
    ax = axes(fig)
    ax.set_axis_off()
    ax.set_xlim(0, 72 * width - 12)
    unit = 0.27 / 0.12  # of a line, where 1 is what keeps two rows apart
    top = unit + 1
    ax.set_ylim(top + unit * sum(heights) + len(cells), 0)
    for start, heading in zip(starts[1:], table, strict=True):
        ax.text(start, unit / 2, str(heading), va="center", color=PALETTE["grey"], fontsize=size)
    for name, line, lines_high in zip(table.index, cells, heights, strict=True):
        ax.axhline(top - 0.5, color=PALETTE["pale"], linewidth=0.8)
        middle = top + unit * lines_high / 2
        ax.text(0, middle, str(name), va="center", weight="bold", color=PALETTE["blue"])
        for start, text in zip(starts[1:], line, strict=True):
            ax.text(start, middle, lettering.drawable(text), va="center", fontsize=size)
        top += unit * lines_high + 1
    _show(fig, title, alt)


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
    width = 8.0
    fig = figure(width, 0.42 * len(table) + 1.0 + _height(title, width))
    ax = axes(fig)
    ends = list(zip(table[low], table[high], strict=True))
    measures.intervals(ax, list(map(str, table.index)), list(table[value]), ends, xlabel=xlabel)
    if reference is not None:
        look = {"color": PALETTE["grey"], "linestyle": "--", "linewidth": 1.2}
        ax.axvline(reference, label=reference_label, **look)
        _legend(ax, width)
    _show(fig, title, alt)


def _show(fig, title: str, alt: str) -> None:
    entitle(fig, title)
    show(fig, alt)


def entitle(fig, title: str) -> None:
    """Write the title over the whole figure, in as many lines as it needs."""
    width = 72 * fig.get_figwidth()
    text = _wrapped(title, width - 20, TITLE, "bold")
    fig.suptitle(text, x=4 / width, ha="left", fontsize=TITLE, weight="bold")


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


def _interval(values: pd.Series, groups) -> tuple[float, float]:
    if groups is None:
        return wilson_interval(values.sum(), len(values))
    return bootstrap_interval(values, groups=groups)


def _guessing(ax, chance: float | None) -> None:
    if chance is not None:
        ax.axhline(chance, color=PALETTE["grey"], linestyle="--", linewidth=1.2, label="guessing")


def _legend(ax, width: float) -> None:
    """The legend above the axes, where it hides no data."""
    handles, names = ax.get_legend_handles_labels()
    if "guessing" in names[:-1]:  # matplotlib puts lines before bars
        handles.append(handles.pop(names.index("guessing")))
        names.append(names.pop(names.index("guessing")))
    columns = max(1, int((width - 1) / (_widest(names, 10) + 0.6)))
    ax.legend(
        handles,
        names,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=min(len(names), columns),
        borderpad=0,
        borderaxespad=0.6,
        columnspacing=1.4,
    )


def _label(ax, points: np.ndarray, labels: Sequence[str]) -> None:
    """Write labels beside their points, right or left; one that finds no room is left out."""
    size, dots_a_point = 8.5, ax.figure.dpi / 72
    places = ax.transData.transform(points) / dots_a_point  # in points of the page
    left, bottom, right, top = np.array(ax.get_window_extent().extents) / dots_a_point
    taken = [(x - 3, y - 3, x + 3, y + 3) for x, y in places]
    for number, ((x, y), text) in enumerate(zip(places, labels, strict=True)):
        wide = 1.06 * lettering.width(text, size)
        for begin in (x + 5, x - 5 - wide):
            box = (begin, y - 0.7 * size, begin + wide, y + 0.7 * size)
            inside = left < box[0] and box[2] < right and bottom < box[1] and box[3] < top
            others = taken[:number] + taken[number + 1 :]
            if inside and not any(_overlap(box, other) for other in others):
                taken.append(box)
                offset = {"xytext": (begin - x, 0), "textcoords": "offset points"}
                ax.annotate(text, points[number], va="center", fontsize=size, **offset)
                break


def _overlap(one, two) -> bool:
    return one[0] < two[2] and two[0] < one[2] and one[1] < two[3] and two[1] < one[3]


def _widest(names, size: float = 11) -> float:
    """The width of the widest name, in inches."""
    return max(lettering.width(str(name), size) for name in names) / 72


def _height(title: str, width: float) -> float:
    """What a title takes of a figure of this width, in inches."""
    return 0.24 * (1 + _wrapped(title, 72 * width - 20, TITLE, "bold").count("\n")) + 0.1


def _wrapped(text: str, room: float, size: float, weight: str = "normal") -> str:
    """The text in lines of at most `room` points; a single word may be wider."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and 1.03 * lettering.width(longer, size, weight) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return "\n".join(lines)
