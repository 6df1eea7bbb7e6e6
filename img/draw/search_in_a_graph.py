"""Search-in-a-graph: from neighbour to neighbour, down through layers of more points (HNSW)."""

import itertools

import numpy as np
from matplotlib.collections import LineCollection

from img.draw import plane, search_in_cells
from img.draw.canvas import Canvas
from img.draw.layout import Box
from img.draw.style import FINE, GREY, INK, MARGIN, PALE, PLAIN, SMALL, WIDTH

LINKS = 4  # of a point in a layer; twice as many in the lowest
BREADTHS = (1, 16)  # efSearch: of how many points the walk looks at the neighbours
LAYERS = 3  # that are shown: the highest of the four holds one point
SIDE, TOP = 212, 92
KINDS = ("question", "nearest point", "begins here", "compared", "not compared")


def measure() -> dict:
    """The graph that faiss makes of the points, and the walk to the question of Search-in-cells."""
    import faiss

    places, questions = plane.points()
    shown = search_in_cells.measure()["shown"]
    index = graph()
    right, compared = [], []
    for index.hnsw.efSearch in BREADTHS:
        faiss.cvar.hnsw_stats.reset()
        right.append(int((plane.nearest(index, questions) == plane.exact()).sum()))
        compared.append(faiss.cvar.hnsw_stats.ndis / len(questions))
    layers = links(index.hnsw)
    return {
        "points": places.T.tolist(),
        "question": questions[shown].tolist(),
        "nearest": int(plane.exact()[shown]),
        "layers": [layer.T.tolist() for layer in layers],
        "walk": walk(places, layers, index.hnsw.entry_point, questions[shown]),
        "right": right,
        "compared": compared,
    }


def graph():
    """faiss's index of the points."""
    import faiss

    index = faiss.IndexHNSWFlat(2, LINKS)
    for place in plane.points()[0]:  # one by one: threads would link them in another order
        index.add(place[None])
    return index


def links(hnsw) -> list[np.ndarray]:
    """Each layer's links int64 `[m, 2]`, from a point to its neighbour; the highest layer first."""
    import faiss

    heights, starts, neighbours, rooms = (
        faiss.vector_to_array(part).astype(int)
        for part in (hnsw.levels, hnsw.offsets, hnsw.neighbors, hnsw.cum_nneighbor_per_level)
    )
    layers = []
    for layer in reversed(range(hnsw.max_level + 1)):
        room = slice(rooms[layer], rooms[layer + 1])  # of a point's neighbours in this layer
        pairs = [
            (row, other)
            for row in np.flatnonzero(heights > layer)
            for other in neighbours[starts[row] :][room]
            if other >= 0  # the rest of the room is empty
        ]
        layers.append(np.array(pairs, dtype=int).reshape(-1, 2))
    return layers


def walk(places: np.ndarray, layers, entry: int, question: np.ndarray) -> list[list[int]]:
    """The points at which the walk stands in each layer, the highest first.

    It goes on to the nearest neighbour until none is nearer, and then goes down. So does faiss in
    all higher layers, and with efSearch = 1 in the lowest.
    """
    distances = np.linalg.norm(places - question, axis=1)
    ways, at = [], int(entry)
    for layer in layers:
        ways.append([at])
        while (best := min(looked(layer, [at]), key=distances.__getitem__)) != at:
            at = best
            ways[-1].append(at)
    return ways


def looked(layer: np.ndarray, way: list[int]) -> list[int]:
    """The points of a way and all their neighbours."""
    return sorted({*way, *layer[np.isin(layer[:, 0], way), 1].tolist()})


def draw(found: dict):
    art = Canvas(406, "Graph: long steps, then short ones, lead to the nearest point")
    points = np.transpose(found["points"])
    for panel in range(LAYERS):
        layer, way = (np.array(found["layers"][panel - LAYERS]).T, found["walk"][panel - LAYERS])
        left = MARGIN + panel * (WIDTH - 2 * MARGIN - SIDE) / (LAYERS - 1)
        square = plane.Square(art, left, TOP, SIDE)
        art.frame(Box(left + SIDE / 2, TOP + SIDE / 2, SIDE, SIDE), GREY, FINE)
        art.ax.add_artist(
            LineCollection(square.at(points[layer]), colors=PALE, linewidths=FINE, zorder=1)
        )
        rows, compared = np.unique(layer), looked(layer, way)
        square.dots(points[np.setdiff1d(rows, compared)], "not compared")
        square.dots(points[compared], "compared")
        for one, two in itertools.pairwise(square.at(points[way])):
            art.arrow(one, two, colour=INK, width=PLAIN)
        square.dots(points[way[:1]], "begins here")
        if panel == LAYERS - 1:
            square.dots([points[found["nearest"]]], "nearest point")
        square.dots([found["question"]], "question")
        art.words(left, TOP - 20, f"layer {LAYERS - 1 - panel}", weight="bold", align="left")
        note = f"{len(compared)} of {len(rows)} compared"
        art.words(left + SIDE, TOP - 20, note, size=SMALL, colour=GREY, align="right")
    plane.legend(art, TOP + SIDE + 28, KINDS)
    (one, two), (few, more), (_, wide) = found["right"], found["compared"], BREADTHS
    note = (
        f"Of {plane.QUESTIONS:,} such walks {one:,} end at the nearest point, after {few:.0f} "
        f"comparisons on the mean.\nThose that go on from the {wide} best points "
        f"(efSearch = {wide}): {two:,}, after {more:.0f} comparisons."
    )
    art.words(MARGIN, TOP + SIDE + 70, note, size=SMALL, colour=GREY, align="left")
    return art.fig
