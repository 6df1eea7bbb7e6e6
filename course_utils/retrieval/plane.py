"""How approximate search works, on points in the plane, where one can watch it. Taught in L5.

Two ways not to compare a query with everything. **Cells** (IVF): k-means splits the plane, and only
the cells nearest to the query are searched; Jégou, Douze and Schmid 2011, "Product quantization for
nearest neighbor search", section IV; the k-means is Lloyd's (1982). The **graph** (HNSW) is in
`small_world`. Distances are Euclidean here; for unit vectors they give the order of the cosine.
"""

from dataclasses import dataclass

import numpy as np

from course_utils.errors import BadInput


@dataclass(frozen=True, eq=False)
class Cells:
    """`centres` float64 `[c, 2]`; `cell` int64 `[n]`, each point's; `rounds`, how often the
    centres moved."""

    centres: np.ndarray
    cell: np.ndarray
    rounds: int


@dataclass(frozen=True, eq=False)
class Probed:
    """What a search in cells found.

    `rows` int64 `[k]`: the nearest points found, nearest first (fewer where the cells hold fewer).
    `cells`: the cells looked at, nearest first. `compared`: how many distances were computed, to
    centres and to points.
    """

    rows: np.ndarray
    cells: np.ndarray
    compared: int


def clumps(count: int = 240, seed: int = 0) -> np.ndarray:
    """Points float64 `[count, 2]` between 0 and 1, lying in clumps as texts on like subjects do."""
    generator = np.random.default_rng(seed)
    middles = generator.uniform(0.15, 0.85, (9, 2))
    points = middles[generator.integers(9, size=count)] + generator.normal(0, 0.07, (count, 2))
    lonely = generator.random(count) < 0.2
    points[lonely] = generator.uniform(0, 1, (lonely.sum(), 2))
    return np.clip(points, 0, 1)


def lloyd(points, centres, rounds: int = 100) -> Cells:
    """k-means from these first `centres` `[c, 2]`, until no point changes its cell.

    Each point belongs to the nearest centre; each centre moves to the mean of its points. A centre
    that has no points stays where it is. Raises BadInput for other shapes or rounds below 1.
    """
    points, centres = plane_points(points), plane_points(centres).copy()
    if rounds < 1:
        raise BadInput(f"k-means needs a round, not {rounds}.")
    cell, done = distances(points, centres).argmin(axis=1), 0
    while done < rounds:
        done += 1
        for number in np.unique(cell):
            centres[number] = points[cell == number].mean(axis=0)
        before, cell = cell, distances(points, centres).argmin(axis=1)
        if np.array_equal(before, cell):
            break
    return Cells(centres, cell, done)


def cells(points, count: int = 12, seed: int = 0) -> Cells:
    """`lloyd` from `count` different points drawn at random. Raises BadInput for too many."""
    points = plane_points(points)
    if not 1 <= count <= len(points):
        raise BadInput(f"There are {len(points)} points: there cannot be {count} cells.")
    first = np.random.default_rng(seed).choice(len(points), count, replace=False)
    return lloyd(points, points[first])


def probe(points, split: Cells, query, nprobe: int = 1, k: int = 1) -> Probed:
    """Search only the `nprobe` cells whose centres are nearest to the query.

    Raises BadInput where there are not as many cells, or k is below 1.
    """
    points, (query,) = plane_points(points), plane_points([query])
    if not 1 <= nprobe <= len(split.centres) or k < 1 or len(points) != len(split.cell):
        raise BadInput(
            f"There are {len(split.centres)} cells of {len(split.cell)} points: nprobe={nprobe}, "
            f"k={k} and {len(points)} points do not fit."
        )
    nearest = np.argsort(distances(query[None], split.centres)[0], kind="stable")[:nprobe]
    rows = np.flatnonzero(np.isin(split.cell, nearest))
    order = np.argsort(distances(query[None], points[rows])[0], kind="stable")[:k]
    return Probed(rows[order], nearest, len(split.centres) + len(rows))


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Euclidean distances `[n, m]` of points `[n, 2]` and `[m, 2]`."""
    return np.linalg.norm(one[:, None] - other[None], axis=2)


def plane_points(points) -> np.ndarray:
    """float64 `[n, 2]`; raises BadInput for anything else, or what is not finite."""
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points) or not np.isfinite(points).all():
        raise BadInput(f"Points of the plane are finite and [n, 2], at least one: {points.shape}.")
    return points
