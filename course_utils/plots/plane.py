"""Searches in the plane, as one can watch them: the cells of IVF, the walk of HNSW.

What is drawn comes from `course_utils.retrieval.plane` and `.small_world`: cells with `.centres`
and `.cell`, a graph with `.points` and `.layers`, a walk with `.steps`.
"""

from collections.abc import Sequence

import numpy as np

from course_utils.errors import BadInput
from course_utils.plots.style import PALETTE

LIT = "#DCEBF5"  # the background of a cell that is looked at: the palette's blue, much paler
FAR = 10.0  # of helping points, beyond everything that is drawn


def plane_cells(
    ax, points, split, *, probed: Sequence[int] = (), query=None, found=None, title: str = ""
) -> None:
    """Draw points `[n, 2]`, the borders of their cells, and the centres; `probed` cells are lit.

    `split` has `.centres` `[c, 2]` and `.cell` `[n]`. `query` is a place, `found` the row of a
    point. Points of cells that are not looked at are grey, where some are. Raises BadInput where
    points and cells are not as many, or a probed cell is none.
    """
    from matplotlib.collections import PolyCollection

    points, centres, cell = map(np.asarray, (points, split.centres, split.cell))
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(cell):
        raise BadInput(f"There are points {points.shape} for {len(cell)} numbers of cells.")
    if wrong := [number for number in probed if not 0 <= number < len(centres)]:
        raise BadInput(f"There is no cell {wrong[0]}: there are {len(centres)}, from 0.")
    lit = set(np.asarray(probed, dtype=int).tolist())
    colours = [LIT if number in lit else "white" for number in range(len(centres))]
    borders = {"edgecolors": PALETTE["grey"], "linewidths": 0.9, "zorder": 0}
    ax.add_collection(PolyCollection(_regions(centres), facecolors=colours, **borders))
    near = np.isin(cell, list(lit)) if lit else np.ones(len(points), dtype=bool)
    ax.scatter(*points[~near].T, s=12, color=PALETTE["grey"], alpha=0.5, label="not compared")
    ax.scatter(*points[near].T, s=16, color=PALETTE["blue"], label="compared" if lit else "points")
    ax.scatter(
        *centres.T, s=46, marker="P", color=PALETTE["ink"], edgecolors="white", label="centres"
    )
    _query(ax, points, query, found)
    _bare(ax, title)


def walk_layers(axes, graph, walk, query, *, titles: Sequence[str] = ()) -> None:
    """Draw a walk layer by layer, the top layer first: one of `axes` for each layer of `graph`.

    Links are pale, the way that was walked is an arrow, the points that were compared are coloured.
    Raises BadInput where the axes are not as many as the layers.
    """
    axes = np.ravel(axes)
    if len(axes) != len(graph.layers):
        raise BadInput(f"{len(axes)} axes for {len(graph.layers)} layers: one is needed for each.")
    for at, ax in enumerate(axes):
        layer = len(graph.layers) - 1 - at
        steps = [step for step in walk.steps if step.layer == layer]
        _links(ax, graph, layer)
        looked = [row for step in steps for row in step.looked]
        _dots(ax, graph.points, looked, "sky", 26, "compared")
        _arrows(ax, graph.points, _path(steps))
        _dots(ax, graph.points, [steps[0].at], "ink", 40, "begins")
        _query(ax, graph.points, query, steps[-1].best)
        text = f"layer {layer} · {len(graph.layers[layer]):,} of {len(graph.points):,}"
        _bare(ax, titles[at] if titles else text)


def walk_steps(axes, graph, walk, query, *, titles: Sequence[str] = ()) -> None:
    """Draw a walk step by step: one of `axes` a step, those left over stay empty.

    Where it stands, the neighbours that are compared there, and the nearest point so far. Raises
    BadInput where there are more steps than axes.
    """
    axes = np.ravel(axes)
    if len(walk.steps) > len(axes):
        raise BadInput(f"{len(walk.steps)} steps need as many axes: there are {len(axes)}.")
    compared = 1
    for number, (step, ax) in enumerate(zip(walk.steps, axes, strict=False), start=1):
        compared += len(step.looked)
        _links(ax, graph, step.layer)
        for row in step.looked:
            ends = graph.points[[step.at, row]].T
            ax.plot(*ends, color=PALETTE["sky"], linewidth=1.6, zorder=2)
        _dots(ax, graph.points, step.looked, "sky", 30, "compared in this step")
        _dots(ax, graph.points, [step.at], "ink", 40, "stands at")
        _query(ax, graph.points, query, step.best)
        text = f"{number} · layer {step.layer} · {compared} compared"
        _bare(ax, titles[number - 1] if titles else text, 9.5)
    for ax in axes[len(walk.steps) :]:
        ax.set_axis_off()


def _regions(centres: np.ndarray) -> list[np.ndarray]:
    """The corners of each cell: what lies nearer to its centre than to all others."""
    from scipy.spatial import Voronoi

    middle = centres.mean(axis=0)
    helping = middle + FAR * np.array([[-1, -1], [-1, 1], [1, -1], [1, 1], [0, 2], [2, 0]])
    helping = np.vstack([helping, middle - FAR * np.array([[0, 2], [2, 0]])])
    drawn = Voronoi(np.vstack([centres, helping]))  # so that each real cell has an end
    regions = [drawn.regions[drawn.point_region[number]] for number in range(len(centres))]
    return [drawn.vertices[region] for region in regions]


def _links(ax, graph, layer: int) -> None:
    from matplotlib.collections import LineCollection

    links = graph.layers[layer]
    pairs = {tuple(sorted((row, other))) for row, others in links.items() for other in others}
    lines = [graph.points[list(pair)] for pair in sorted(pairs)]
    ax.add_collection(LineCollection(lines, colors=PALETTE["pale"], linewidths=0.9, zorder=0))
    rows = sorted(links)
    ax.scatter(*graph.points[rows].T, s=9, color=PALETTE["grey"], alpha=0.55, zorder=1)


def _path(steps) -> list[int]:
    """The points that were ever the best, in their order: where the walk got nearer."""
    return list(dict.fromkeys([steps[0].at, *(step.best for step in steps)]))


def _arrows(ax, points, path: Sequence[int]) -> None:
    for one, other in zip(path, path[1:], strict=False):
        look = {"arrowstyle": "-|>", "color": PALETTE["ink"], "linewidth": 1.6}
        ax.annotate("", points[other], points[one], arrowprops={**look, "shrinkA": 2, "shrinkB": 3})


def _dots(ax, points, rows, name: str, size: float, label: str) -> None:
    if len(rows):
        at = points[list(rows)].T
        look = {"edgecolors": "white", "linewidths": 0.5, "zorder": 3}
        ax.scatter(*at, s=size, color=PALETTE[name], label=label, **look)


def _query(ax, points, query, found) -> None:
    if query is not None:
        look = {"color": PALETTE["orange"], "edgecolors": "white", "linewidths": 0.6}
        ax.scatter(*query, s=110, marker="*", label="query", zorder=5, **look)
    if found is not None:
        ring = {"facecolors": "none", "edgecolors": PALETTE["green"], "linewidths": 2.2}
        ax.scatter(*points[found], s=90, label="nearest found", zorder=4, **ring)


def _bare(ax, title: str, size: float = 11) -> None:
    """The plane has no unit: no ticks, a thin frame, both directions of one scale."""
    ax.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), xticks=[], yticks=[], aspect="equal")
    ax.spines[:].set_visible(True)
    ax.spines[:].set_color(PALETTE["pale"])
    ax.set_title(title, fontsize=size)
