"""Heatmaps and maps in one call, which makes, draws and shows a figure, with title and alt text.

`title` says the finding; `alt` says in words what there is to see. Where a figure can have several
panels, a dict of panel title to data draws them side by side. What is called `draw_...` draws and
does not show: for figures that the explorers compose.
"""

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from course_utils.plots import lettering
from course_utils.plots.output import show
from course_utils.plots.style import (
    DIVERGING,
    MARKERS,
    ONE,
    PALETTE,
    SEQUENTIAL,
    SEVERAL,
    axes,
    colour,
    contrast,
    figure,
)


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
    tables = {name: _named(values, rows, columns) for name, values in panels_of(matrix).items()}
    first = next(iter(tables.values()))
    n, m = first.shape
    beside = lettering.widest(first.index) + 1.6
    room = (SEVERAL if len(tables) > 1 else 8.0) - beside
    across = min(0.85 if max(n, m) <= 6 else 0.62, room / (m * len(tables)) - 0.12 / m)
    down = across if n == m else 0.36
    size = float(np.clip(0.85 * 72 * min(across, down), 7, 11))
    turned = any(lettering.widest([name], size) > 0.9 * across for name in first.columns)
    below = lettering.widest(first.columns, size) if turned else 0.25
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
    show(fig, alt, title)


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
    show(draw_map(points, groups, note=note, labels=labels), alt, title)


def draw_map(points, groups, *, note="", labels=None):
    """The figure of `scatter_map`, not shown yet and without its title.

    The axes of a map have no unit and no meaning of their own, so they carry no ticks.
    """
    panels = panels_of(points)
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


def panels_of(data) -> Mapping[str, object]:
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
