"""Curves on logarithmic axes: what recall costs, and how a cost grows with the number of vectors.

Ticks are plain words (0.1, 10,000, 1 M), since the formulas that matplotlib writes are not drawn
here (see STYLE).
"""

from collections.abc import Mapping, Sequence

import numpy as np

from course_utils.errors import BadInput
from course_utils.plots.style import MARKERS, PALETTE, colour


def plain_log(ax, axis: str = "x") -> None:
    """Make an axis ("x", "y" or "both") logarithmic, with plain digits at powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if axis not in ("x", "y", "both"):
        raise BadInput(f"There is no axis {axis!r}: it is 'x', 'y' or 'both'.")
    for name in "xy" if axis == "both" else axis:
        getattr(ax, f"set_{name}scale")("log")
        side = getattr(ax, f"{name}axis")
        side.set_major_locator(LogLocator(10))
        side.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
        side.set_minor_formatter(NullFormatter())


def short_number(value: float) -> str:
    """0.01, 0.5, 20, 1,000, 20 k, 1 M, 2.5 G."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e4, " k")):
        if abs(value) >= size:
            return f"{value / (1e3 if letter == ' k' else size):g}{letter}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:g}"


def trade_off(
    ax,
    curves: Mapping[str, Sequence[tuple[float, float]]],
    *,
    title: str = "",
    xlabel: str = "milliseconds a query (log scale)",
    ylabel: str = "recall@10",
    aim: float | None = None,
) -> None:
    """Draw recall over cost, a line a name of `curves`: pairs (cost, recall), cost above 0.

    `aim` is a dashed line at that recall. Raises BadInput where there is nothing to draw, or a cost
    has no logarithm.
    """
    if not curves or not all(len(pairs) for pairs in curves.values()):
        raise BadInput("There is nothing to draw: each curve needs at least one point.")
    _few(curves)
    plain_log(ax, "x")
    for index, (name, pairs) in enumerate(curves.items()):
        cost, quality = np.asarray(pairs, dtype=float).T
        if not (cost > 0).all():
            raise BadInput(f"{name!r}: a cost on a logarithmic axis is above 0.")
        size = 11 if len(cost) == 1 else 6
        ink = colour(index)
        ax.plot(cost, quality, color=ink, marker=MARKERS[index], markersize=size, label=name)
    if aim is not None:
        ax.axhline(aim, color=PALETTE["grey"], linestyle="--", linewidth=1.2, label=f"aim {aim:g}")
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set_title(title)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def growth(
    ax,
    sizes: Sequence[float],
    series: Mapping[str, Sequence[float]],
    *,
    slopes: Mapping[str, float] | None = None,
    title: str = "",
    xlabel: str = "vectors (log scale)",
    ylabel: str = "",
) -> None:
    """Draw how each of `series` grows with `sizes`, on two logarithmic axes.

    `slopes` are the fitted exponents by name; they stand in the legend. NaN leaves a gap. Raises
    BadInput where there is nothing to draw, lengths differ, or a value has no logarithm.
    """
    slopes = slopes or {}
    if not series or not len(sizes):
        raise BadInput("There is nothing to draw: growth needs a series, and sizes.")
    _few(series)
    if unknown := set(slopes) - set(series):
        raise BadInput(f"There is a slope for {min(unknown)!r}, which is no series.")
    plain_log(ax, "both")
    for index, (name, values) in enumerate(series.items()):
        values = np.asarray(values, dtype=float)
        if len(values) != len(sizes) or (values <= 0).any():
            raise BadInput(f"{name!r}: one value above 0 is needed for each of {len(sizes)} sizes.")
        label = f"{name}: slope {slopes[name]:.2f}" if name in slopes else name
        ax.plot(sizes, values, color=colour(index), marker=MARKERS[index], label=label)
    ax.set_xticks(list(sizes), [short_number(size) for size in sizes])
    ax.minorticks_off()
    ax.set(xlabel=xlabel, ylabel=ylabel)
    ax.set_title(title)
    ax.legend()


def _few(series: Mapping) -> None:
    if len(series) > len(MARKERS):
        raise BadInput(f"{len(series)} curves are more than readers can tell apart.")
