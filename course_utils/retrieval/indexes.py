"""The indexes that L5 compares, built with faiss: flat, IVF, HNSW, SQ8 and PQ. Used by L5.

Sources: IVF and product quantisation, Jégou, Douze and Schmid 2011, "Product quantization for
nearest neighbor search", sections III and IV; HNSW, Malkov and Yashunin 2018, "Efficient and robust
approximate nearest neighbor search using hierarchical navigable small world graphs"; the library,
Douze et al. 2024, "The Faiss library". It is loaded when something is built, not before.
"""

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from course_utils.errors import BadInput

PARTS = 48  # of a vector in PQ, each coded as one byte
LINKS, BREADTH = 32, 80  # of HNSW: links a vector, and how many candidates an insertion looks at
TRAINING = 5_000  # rows that PQ's and SQ8's codes are learned from, at most
TRAINING_PER_CELL = 64  # rows that a cell's centre is learned from, on average
ROUNDS = 10  # of k-means


@dataclass(frozen=True)
class Kind:
    """A kind of index: its name, the knob that buys recall with time, and that knob's settings."""

    name: str
    knob: str
    efforts: tuple[int, ...]
    rescored: bool = False  # the best candidates are compared again, with the exact vectors


FLAT, IVF, HNSW, SQ8, PQ = "flat", "IVF", "HNSW", "SQ8", "PQ, rescored"
_KINDS = (
    Kind(FLAT, "none: compares all", (1,)),
    Kind(IVF, "cells looked at", (1, 2, 4, 8, 16, 32, 64, 128, 256)),
    Kind(HNSW, "breadth of the walk", (10, 20, 40, 80, 160, 320, 640, 1280)),
    Kind(SQ8, "candidates rescored", (10, 20), rescored=True),
    Kind(PQ, "candidates rescored", (10, 20, 40, 80, 160, 320, 640, 1280, 2560), rescored=True),
)


@dataclass(frozen=True, eq=False)
class Built:
    """An index over `vectors`: its kind, how long it took to build, and how large it is.

    `bytes` is what faiss writes when it stores the index. SQ8 and PQ need the exact vectors besides
    (`exact_bytes`), to rescore a few of them; the others hold the vectors or none, so it is 0.
    """

    kind: Kind
    index: object = field(repr=False)
    vectors: np.ndarray = field(repr=False)
    seconds: float
    bytes: int
    exact_bytes: int


def kinds() -> tuple[Kind, ...]:
    """The five kinds that L5 compares, each with its knob."""
    return _KINDS


def kind_named(name: str) -> Kind:
    """Raises BadInput where there is none of that name."""
    for kind in _KINDS:
        if kind.name == name:
            return kind
    raise BadInput(f"There is no kind {name!r}. There are: {[kind.name for kind in _KINDS]}.")


def build(kind: Kind | str, vectors, threads: int = 1, seed: int = 0) -> Built:
    """Build an index over unit vectors `[n, d]` that finds the highest dot products.

    IVF has about √n cells. PQ's and SQ8's codes are learned from at most 5,000 rows. `seed` draws
    the rows that codes and cells are learned from. Raises BadInput for another shape, fewer than
    256 vectors (a byte of PQ has as many codes), a d that 48 does not divide, or values not finite.
    """
    import faiss

    kind = kind_named(kind) if isinstance(kind, str) else kind
    vectors = checked(vectors, "The vectors")
    n, d = vectors.shape
    if n < 256 or d % PARTS:
        raise BadInput(
            f"An index needs 256 vectors or more, of a d that {PARTS} divides: {n}, {d}."
        )
    cells = round(math.sqrt(n))
    metric = faiss.METRIC_INNER_PRODUCT
    if kind.name == IVF:
        index = faiss.IndexIVFFlat(faiss.IndexFlatIP(d), d, cells, metric)
        index.cp.niter, index.cp.min_points_per_centroid = ROUNDS, 1
    elif kind.name == HNSW:
        index = faiss.IndexHNSWFlat(d, LINKS, metric)
        index.hnsw.efConstruction = BREADTH
    elif kind.name == SQ8:
        index = faiss.IndexScalarQuantizer(d, faiss.ScalarQuantizer.QT_8bit, metric)
    elif kind.name == PQ:
        index = faiss.IndexPQ(d, PARTS, 8, metric)
        index.pq.cp.niter, index.pq.cp.min_points_per_centroid = ROUNDS, 1  # else it warns
    else:
        index = faiss.IndexFlatIP(d)
    began = time.perf_counter()
    if not index.is_trained:
        wanted = TRAINING_PER_CELL * cells if kind.name == IVF else TRAINING
        some = np.random.default_rng(seed).choice(n, min(n, wanted), replace=False)
        # PQ trains in steps so small that threads would mostly wait for each other.
        with threads_of_faiss(threads if kind.name == IVF else 1):
            index.train(vectors[some])
    with threads_of_faiss(threads):
        index.add(vectors)
    seconds = time.perf_counter() - began
    exact = vectors.nbytes if kind.rescored else 0
    return Built(kind, index, vectors, seconds, stored_bytes(index), exact)


def searcher(built: Built, effort: int, k: int = 10) -> Callable[[np.ndarray], np.ndarray]:
    """A function that takes one query `[d]` and gives the rows of the k vectors it finds, int64."""
    index = built.index
    if built.kind.name == IVF:
        index.nprobe = min(effort, index.nlist)
    elif built.kind.name == HNSW:
        index.hnsw.efSearch = effort
    if not built.kind.rescored:
        return lambda query: index.search(query[None], k)[1][0]
    candidates = min(max(effort, k), len(built.vectors))

    def rescoring(query: np.ndarray) -> np.ndarray:
        rows = index.search(query[None], candidates)[1][0]
        exact = built.vectors[rows] @ query
        return rows[np.argsort(-exact)[:k]]

    return rescoring


def stored_bytes(index) -> int:
    """How many bytes faiss writes for an index, counted without keeping them."""
    import faiss

    counted = [0]

    def count(block: bytes) -> int:
        counted[0] += len(block)
        return len(block)

    faiss.write_index(index, faiss.BufferedIOWriter(faiss.PyCallbackIOWriter(count)))
    return counted[0]


@contextlib.contextmanager
def threads_of_faiss(count: int) -> Iterator[None]:
    """faiss uses so many threads inside; afterwards as many as before."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)


def checked(vectors, what: str) -> np.ndarray:
    """float32 `[n, d]` in one block of memory, as faiss wants it."""
    vectors = np.ascontiguousarray(vectors, dtype=np.float32)
    if vectors.ndim != 2 or not vectors.size:
        raise BadInput(f"{what} are [n, d], at least one: not {vectors.shape}.")
    if not np.isfinite(vectors.sum()):  # a sum, since a mask of a million rows is large
        raise BadInput(f"{what} hold NaN or infinity.")
    return vectors
