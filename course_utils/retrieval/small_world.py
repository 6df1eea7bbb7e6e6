"""A hierarchical navigable small-world graph over points in the plane, small but real. Used by L5.

Source: Malkov and Yashunin 2018, "Efficient and robust approximate nearest neighbor search using
hierarchical navigable small world graphs", algorithms 1 (insertion), 2 (search in a layer), 4
(choice of neighbours) and 5 (search). Every step of a search is kept, so that it can be drawn.
"""

import heapq
import math
from dataclasses import dataclass, field

import numpy as np

from course_utils.errors import BadInput
from course_utils.retrieval.plane import plane_points


@dataclass(frozen=True)
class Step:
    """The walk stands at point `at` of a layer, and compares its neighbours with the query.

    `looked` are those not compared before in this layer. `best` is the nearest point known after.
    """

    layer: int
    at: int
    looked: tuple[int, ...]
    best: int


@dataclass(frozen=True)
class Walk:
    """`steps` from the top layer down; `rows`, the nearest points found, nearest first; `compared`,
    how many distances were computed."""

    steps: tuple[Step, ...]
    rows: tuple[int, ...]
    compared: int


@dataclass(frozen=True, eq=False)
class Graph:
    """`layers[0]` holds all points of `points` `[n, 2]`, each higher layer a few of those below.

    A layer maps a point's row to the rows it is linked with. A search begins at `entry`.
    """

    points: np.ndarray
    layers: list[dict[int, list[int]]] = field(default_factory=list)
    entry: int = 0


@dataclass
class _Layer:
    """One layer's search: what was found, as pairs (distance, row), and how."""

    found: list[tuple[float, int]]
    steps: list[Step]
    compared: int


def build_graph(points, links: int = 4, ef: int = 16, seed: int = 0) -> Graph:
    """Insert the points `[n, 2]` one after another.

    Each is linked with `links` neighbours, chosen from the `ef` nearest that a search in the graph
    so far finds; a point keeps at most `links` of them, twice as many in the lowest layer. A point
    is in layer l with a probability of links**-l. Raises BadInput for fewer than 2 links, or an
    `ef` below `links`.
    """
    points = plane_points(points)
    if links < 2 or ef < links:
        raise BadInput(f"A graph needs 2 links or more, and no smaller ef: links={links}, ef={ef}.")
    draws = 1 - np.random.default_rng(seed).random(len(points))  # above 0
    heights = [int(-math.log(draw) / math.log(links)) for draw in draws]
    layers, entry = [{0: []} for _ in range(heights[0] + 1)], 0
    for row in range(1, len(points)):
        top = len(layers) - 1
        start = [(_distance(points, points[row], entry), entry)]
        for layer in range(top, -1, -1):
            inside = layer <= heights[row]
            start = _search(points, layers, layer, points[row], start, ef if inside else 1).found
            if inside:
                _connect(points, layers[layer], row, start, links, links * (2 if not layer else 1))
        if heights[row] > top:
            layers += [{row: []} for _ in range(heights[row] - top)]
            entry = row
    return Graph(points, layers, entry)


def walk(graph: Graph, query, ef: int = 1, k: int = 1) -> Walk:
    """Go from the entry to the query: greedily down the layers, then with breadth `ef` in layer 0.

    With ef=1 it stops at the first point none of whose neighbours is nearer. Raises BadInput for k
    below 1 or an `ef` below k.
    """
    (query,) = plane_points([query])
    if not 1 <= k <= ef:
        raise BadInput(f"The k={k} nearest of ef={ef}: k is 1 or more, and ef no less.")
    found = [(_distance(graph.points, query, graph.entry), graph.entry)]
    steps, compared = [], 1
    for layer in range(len(graph.layers) - 1, -1, -1):
        here = _search(graph.points, graph.layers, layer, query, found[:1], 1 if layer else ef)
        found, steps, compared = here.found, steps + here.steps, compared + here.compared
    return Walk(tuple(steps), tuple(row for _, row in found[:k]), compared)


def _search(points, layers, number: int, query, start, ef: int) -> _Layer:
    """Algorithm 2: look at the neighbours of the nearest point not yet visited, again and again,
    until it lies farther away than the worst of the `ef` best."""
    links, seen, steps, compared = layers[number], {row for _, row in start}, [], 0
    waiting = list(start)
    heapq.heapify(waiting)
    best = sorted(start)[:ef]
    while waiting:
        far, at = heapq.heappop(waiting)
        if len(best) >= ef and far > best[-1][0]:
            break
        looked = tuple(row for row in links[at] if row not in seen)
        seen.update(looked)
        compared += len(looked)
        for row in looked:
            distance = _distance(points, query, row)
            if len(best) < ef or distance < best[-1][0]:
                heapq.heappush(waiting, (distance, row))
                best = sorted([*best, (distance, row)])[:ef]
        steps.append(Step(number, at, looked, best[0][1]))
    return _Layer(best, steps, compared)


def _connect(points, layer, row: int, near, links: int, most: int) -> None:
    """Link the new point with some of those `near`, both ways; who has too many drops some."""
    layer[row] = _chosen(points, near, links)
    for other in layer[row]:
        both = [*layer[other], row]
        if len(both) > most:
            both = _chosen(
                points, sorted((_distance(points, points[other], one), one) for one in both), most
            )
        layer[other] = both


def _chosen(points, near, most: int) -> list[int]:
    """Algorithm 4: the nearest first, but none that lies nearer to one chosen before.

    So a point is linked in all directions, and clumps stay joined.
    """
    kept: list[int] = []
    for distance, row in near:
        if len(kept) == most:
            break
        if all(_distance(points, points[row], other) > distance for other in kept):
            kept.append(row)
    return kept


def _distance(points: np.ndarray, query: np.ndarray, row: int) -> float:
    return math.dist(points[row], query)
