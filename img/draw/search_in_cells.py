"""Search-in-cells: only the cells whose centres are nearest to the question are searched (IVF)."""

import numpy as np
from matplotlib.collections import PolyCollection
from scipy.spatial import Voronoi

from img.draw import plane
from img.draw.canvas import Canvas
from img.draw.style import BOLD, FINE, GREY, MARGIN, ROLES, SMALL, WIDTH, tint

CELLS = 12
PROBES = (1, 2)  # how many cells are searched: left, right
SIDE, TOP = 322, 96
KINDS = ("question", "nearest point", "centre", "compared", "not compared")


def measure() -> dict:
    """In faiss: the first question whose nearest point one cell misses, and two cells find."""
    import faiss

    places, questions = plane.points()
    index = faiss.IndexIVFFlat(faiss.IndexFlatL2(2), 2, CELLS)
    index.cp.min_points_per_centroid = 1  # so few points for a cell are meant
    index.train(places)
    index.add(places)
    found, right = [], []
    for index.nprobe in PROBES:
        found.append(plane.nearest(index, questions))
        right.append(found[-1] == plane.exact())
    shown = int(np.flatnonzero(~right[0] & right[1])[0])
    return {
        "points": places.T.tolist(),
        "cells": plane.nearest(index.quantizer, places).tolist(),
        "centres": index.quantizer.reconstruct_n(0, CELLS).T.tolist(),
        "shown": shown,
        "question": questions[shown].tolist(),
        "nearest": int(plane.exact()[shown]),
        "order": index.quantizer.search(questions[[shown]], max(PROBES))[1][0].tolist(),
        "found": [int(rows[shown]) for rows in found],
        "right": [int(each.sum()) for each in right],
    }


def draw(found: dict):
    art = Canvas(516, "Cells: the nearest point may lie just across a border")
    points, centres = np.transpose(found["points"]), np.transpose(found["centres"])
    for panel, (probes, row) in enumerate(zip(PROBES, found["found"], strict=True)):
        left = MARGIN + panel * (WIDTH - 2 * MARGIN - SIDE)
        square = plane.Square(art, left, TOP, SIDE)
        searched = found["order"][:probes]
        _borders(art, square, centres, searched)
        near = np.isin(found["cells"], searched)
        art.line(*square.at([found["question"], points[row]]), colour=ROLES["score"], width=BOLD)
        square.dots(points[~near], "not compared")
        square.dots(points[near], "compared")
        square.dots(centres, "centre")
        square.dots([points[found["nearest"]]], "nearest point")
        square.dots([found["question"]], "question")
        missed = "finds it" if row == found["nearest"] else "misses it"
        art.words(left, 74, f"nprobe = {probes} {missed}", weight="bold", align="left")
        compared = f"{near.sum()} of {len(points)} compared"
        art.words(left + SIDE, 74, compared, size=SMALL, colour=GREY, align="right")
    plane.legend(art, TOP + SIDE + 28, KINDS)
    one, two = found["right"]
    note = (
        f"{len(points)} points in {CELLS} cells, made by k-means. Of {plane.QUESTIONS:,} questions "
        f"at random places, {one} have their nearest\npoint in the nearest cell, {two} in one of "
        "the nearest two."
    )
    art.words(MARGIN, TOP + SIDE + 70, note, size=SMALL, colour=GREY, align="left")
    return art.fig


def _borders(art: Canvas, square: plane.Square, centres: np.ndarray, searched: list[int]) -> None:
    """The cells: what lies nearer to a centre than to all others; the searched ones are filled."""
    mirrored = [centres]  # at each side of the square, so that the cells end there
    for axis in (0, 1):
        for side in (0, 1):
            mirrored.append(centres.copy())
            mirrored[-1][:, axis] = 2 * side - centres[:, axis]
    made = Voronoi(np.concatenate(mirrored))
    corners = [made.vertices[made.regions[made.point_region[row]]] for row in range(len(centres))]
    colours = [tint("vector", 0.35) if row in searched else "white" for row in range(len(centres))]
    look = {"facecolors": colours, "edgecolors": GREY, "linewidths": FINE}
    art.ax.add_artist(PolyCollection([square.at(part) for part in corners], **look))
