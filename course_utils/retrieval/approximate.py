"""Approximate search, measured: recall against time and memory. Taught in L5.

`kinds` and `build` come from `indexes`, `made_vectors` from `perturbed`. All times are those of
single queries on one thread.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course_utils.errors import BadInput
from course_utils.retrieval.indexes import (
    IVF,
    Built,
    Kind,
    build,
    checked,
    kind_named,
    kinds,
    searcher,
    stored_bytes,
    threads_of_faiss,
)
from course_utils.retrieval.perturbed import made_vectors, nearest_cosine, spread

__all__ = [
    "AIM",
    "Built",
    "Kind",
    "Point",
    "build",
    "cheapest",
    "exact_rows",
    "fitted_slope",
    "kind_named",
    "kinds",
    "made_vectors",
    "measure",
    "nearest_cosine",
    "searcher",
    "spread",
    "stored_bytes",
    "threads_of_faiss",
]

AIM = 0.95  # of recall@10, at which the kinds are compared


@dataclass(frozen=True)
class Point:
    """What one effort gives: mean recall@k, and the median milliseconds of one query."""

    effort: int
    recall: float
    milliseconds: float


def measure(built: Built, queries, truth, efforts: Sequence[int] | None = None) -> list[Point]:
    """Recall against time, one point an effort: every query by itself, on one thread.

    `queries` `[q, d]`; `truth` `[q, k]` are the rows that `exact_rows` finds. Recall is the share
    of them that the index finds among its own k. `efforts` are those of the kind by default; an
    effort that means no more work than the one before (all cells, all vectors) is left out. Raises
    BadInput for shapes that do not fit or an effort below 1.
    """
    queries, truth = checked(queries, "The queries"), np.asarray(truth)
    if truth.ndim != 2 or len(truth) != len(queries) or queries.shape[1] != built.vectors.shape[1]:
        raise BadInput(
            f"{queries.shape} queries and {truth.shape} true rows do not fit each other and "
            f"{built.vectors.shape} vectors."
        )
    efforts = built.kind.efforts if efforts is None else tuple(efforts)
    if not efforts or min(efforts) < 1:
        raise BadInput(f"Efforts are 1 or more: {efforts}.")
    limit = built.index.nlist if built.kind.name == IVF else len(built.vectors)
    capped = list(dict.fromkeys(min(effort, limit) for effort in efforts))
    with threads_of_faiss(1):
        return [_measured(built, queries, truth, effort) for effort in capped]


def _measured(built: Built, queries: np.ndarray, truth: np.ndarray, effort: int) -> Point:
    k = truth.shape[1]
    find = searcher(built, effort, k)
    find(queries[0])  # the first call allocates
    seconds, hits = [], 0
    for query, wanted in zip(queries, truth, strict=True):
        began = time.perf_counter()
        rows = find(query)
        seconds.append(time.perf_counter() - began)
        hits += len(np.intersect1d(rows, wanted))
    return Point(effort, hits / truth.size, 1000 * float(np.median(seconds)))


def exact_rows(queries, vectors, k: int = 10, threads: int = 1) -> np.ndarray:
    """The rows int64 `[q, k]` of the k highest dot products, as `exact_search` finds them.

    By faiss, in blocks: a million vectors times 200 queries need no gigabytes of scores.
    """
    import faiss

    with threads_of_faiss(threads):
        _, rows = faiss.knn(queries, vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
    return rows


def cheapest(points: Sequence[Point], aim: float = AIM) -> Point | None:
    """The point of the smallest effort with a recall of `aim` or more; None if there is none."""
    reached = [point for point in points if point.recall >= aim]
    return min(reached, key=lambda point: point.effort, default=None)


def fitted_slope(n: Sequence[float], y: Sequence[float]) -> float:
    """The slope of the straight line through log y over log n, by least squares: y ~ n**slope.

    Raises BadInput for fewer than two different n, lengths that differ, or values not above 0.
    """
    n, y = np.asarray(n, dtype=float), np.asarray(y, dtype=float)
    if n.shape != y.shape or n.ndim != 1 or len(set(n.tolist())) < 2:
        raise BadInput(f"A slope needs two sizes or more and a value for each: {n}, {y}.")
    if not (np.isfinite(n) & np.isfinite(y) & (n > 0) & (y > 0)).all():
        raise BadInput(f"Logarithms need values above 0: {n}, {y}.")
    return float(np.polyfit(np.log(n), np.log(y), 1)[0])
