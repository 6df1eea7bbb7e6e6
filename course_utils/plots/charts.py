"""Every kind of figure that the lessons draw, each on axes that the caller made."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from course_utils.errors import BadInput
from course_utils.plots.style import (
    DIVERGING,
    MARKERS,
    PALETTE,
    SEQUENTIAL,
    colour,
    contrast,
)

HATCHES = ("", "//", "..", "xx")  # of series of bars, for the same reason as MARKERS


def heatmap(
    ax,
    matrix,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    title: str = "",
    low: float = -1.0,
    high: float = 1.0,
    numbers: bool | None = None,
    bar: str | None = "cosine similarity",
    breaks: Sequence[int] = (),
):
    """Draw a matrix `[n, m]` with its row and column names; one colour scale from `low` to `high`.

    A `low` below 0 gives two colours with white at 0. NaN is left blank. `numbers` writes each
    value into its cell (by default where there are at most 150 cells). `bar` names the colour
    scale; None leaves it out. `breaks` are the row numbers before which a white line separates two
    groups; where the matrix is square, it separates the columns too. Returns the image. Raises
    BadInput for another shape, names that do not fit, an empty scale, or breaks that lie outside.
    """
    matrix = np.asarray(matrix)
    columns = rows if columns is None else columns
    if matrix.ndim != 2 or not matrix.size or matrix.shape != (len(rows), len(columns)):
        raise BadInput(
            f"A heatmap of {len(rows)} row names and {len(columns)} column names needs a matrix of "
            f"that shape, not empty; it got {matrix.shape}."
        )
    if not low < high:
        raise BadInput(f"The scale goes from low={low} to high={high}: low must be below high.")
    if outside := [edge for edge in breaks if not 0 < edge < len(rows)]:
        raise BadInput(f"A break before row {outside[0]} separates nothing in {len(rows)} rows.")
    signed, square = low < 0, len(rows) == len(columns)
    image = ax.imshow(
        matrix,
        cmap=DIVERGING if signed else SEQUENTIAL,
        vmin=max(abs(low), abs(high)) * -1 if signed else low,
        vmax=max(abs(low), abs(high)) if signed else high,
        aspect="equal" if square else "auto",
    )
    small = 11 if len(rows) <= 14 else 9.5
    ax.set_xticks(range(len(columns)), columns, rotation=90, fontsize=small)
    ax.set_yticks(range(len(rows)), rows, fontsize=small)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(title)
    for edge in breaks:
        ax.axhline(edge - 0.5, color="white", linewidth=2)
        if square:
            ax.axvline(edge - 0.5, color="white", linewidth=2)
    if numbers if numbers is not None else matrix.size <= 150:
        _write_numbers(ax, image, matrix)
    if bar:
        side = ax.figure.colorbar(image, ax=ax, shrink=0.8, label=bar)
        side.outline.set_visible(False)
        if signed:  # show only the part of the scale that can occur
            side.ax.set_ylim(low, high)
    return image


def _write_numbers(ax, image, matrix) -> None:
    for (row, column), value in np.ndenumerate(matrix):
        if np.isnan(value):
            continue
        cell = image.cmap(image.norm(value))
        # One of the two always has a contrast of 4.5 or more; the palette's ink is not dark enough.
        ink = "white" if contrast("white", cell) > contrast("black", cell) else "black"
        ax.text(column, row, _brief(value), ha="center", va="center", color=ink, fontsize=8.5)


def _brief(value: float) -> str:
    """Two decimals in little room: .97, -.05, .00, 1, 12.30."""
    text = f"{round(float(value), 2) + 0.0:.2f}"  # + 0.0 turns -0 into 0
    return text[:-3] if text.strip("-") == "1.00" else re.sub(r"^(-?)0\.", r"\1.", text)


def scatter_map(
    ax,
    points,
    groups: Sequence[str],
    labels: Sequence[str] | None = None,
    *,
    title: str = "",
    note: str = "",
    legend: bool | str = True,
) -> None:
    """Draw a 2-D map `[n, 2]`, one colour and marker a group, with `note` (its honesty) below it.

    The axes of a map have no unit and no meaning of their own, so they carry no ticks. Each part of
    a note with " · " has its own line. `legend` is True (to the right), False, or "above" (inside,
    in a strip kept free of points; for few groups). Raises BadInput for another shape, points that
    are not finite, lengths that differ, more than 12 groups, or another `legend`.
    """
    points = np.asarray(points)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise BadInput(f"A map needs points [n, 2], at least one; it got {points.shape}.")
    if not np.isfinite(points).all():
        raise BadInput("A point of the map is not finite.")
    _equally_many(points=points, groups=groups)
    if labels is not None:
        _equally_many(points=points, labels=labels)
    names = list(dict.fromkeys(groups))
    _enough_markers(len(names), "groups")
    if legend not in (True, False, "above"):
        raise BadInput(f"legend={legend!r} is not True, False or 'above'.")
    for index, group in enumerate(names):
        rows = [row for row, name in enumerate(groups) if name == group]
        ax.scatter(
            *points[rows].T,
            s=34 if MARKERS[index] != "*" else 70,
            color=colour(index),
            marker=MARKERS[index],
            edgecolors="white",
            linewidths=0.5,
            label=group,
        )
    if labels is not None:
        for (x, y), text in zip(points, labels, strict=True):
            ax.annotate(text, (x, y), (3, 3), textcoords="offset points", fontsize=7)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(True)
    ax.spines[:].set_color(PALETTE["pale"])
    ax.set_title(title)
    ax.set_xlabel(note.replace(" · ", "\n"), fontsize=9.5, color=PALETTE["grey"])
    if legend == "above":
        ax.margins(0.08, 0.28)
        ax.legend(loc="upper center", ncols=2, handletextpad=0.2, columnspacing=1.0)
    elif legend:
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.2)


def lines(
    ax,
    x: Sequence[float],
    series: Mapping[str, Sequence[float]],
    *,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
    chance: float | None = None,
    chance_label: str = "chance",
) -> None:
    """Draw one line a series over `x`, with 95 % bands where given, and a dashed chance line.

    `bands` maps names of `series` to (lower ends, upper ends). NaN leaves a gap. Raises BadInput
    where there is nothing to draw, more than 12 series, lengths differ, or a band has no series.
    """
    bands = bands or {}
    if not series or not len(x):
        raise BadInput("There is nothing to draw: lines need a series, and a value of x.")
    _enough_markers(len(series), "series")
    for name, values in series.items():
        _equally_many(**{"values of x": x, f"values of {name!r}": values})
    for name, ends in bands.items():
        if name not in series:
            raise BadInput(f"There is a band for {name!r}, which is no series.")
        lower, upper = ends
        _equally_many(**{"values of x": x, "lower ends": lower, "upper ends": upper})
    for index, (name, values) in enumerate(series.items()):
        ax.plot(x, values, color=colour(index), marker=MARKERS[index], label=name)
        if name in bands:
            ax.fill_between(x, *bands[name], color=colour(index), alpha=0.15, linewidth=0)
    if chance is not None:
        ax.axhline(chance, color=PALETTE["grey"], linestyle="--", linewidth=1.2, label=chance_label)
    ax.set_title(title)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.legend()


def _equally_many(**groups) -> None:
    """Raise BadInput, with the counts, unless all are of one length."""
    if len({len(group) for group in groups.values()}) > 1:
        counts = ", ".join(f"{len(group)} {name}" for name, group in groups.items())
        raise BadInput(f"There must be equally many: {counts}.")


def _enough_markers(wanted: int, what: str) -> None:
    if wanted > len(MARKERS):
        raise BadInput(
            f"{wanted} {what} are more than the {len(MARKERS)} markers that readers can tell apart."
        )
