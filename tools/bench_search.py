"""`make bench`, L5: exact and approximate search among up to a million vectors, by faiss.

    python -m tools.bench_search --sizes 20000 100000 1000000 --queries 200 --threads 2

Recall@10 against the milliseconds of one query on one thread, the bytes of the index, the seconds
to build it (on `--threads`), and how they grow. The vectors are the documentation's with noise, the
queries are questions of the question set. The million takes most of the time and about 6 GB of
memory. The record is what deeper/L5_search_among_millions shows.
"""

import argparse
import datetime
import math
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np

from course_utils import data, embed
from course_utils.retrieval import documentation_index
from tools import records

PATH = data.RUNS / "approximate.json"
SIZES = (20_000, 100_000, 1_000_000)
K, SEED, AIM = 10, 0, 0.95
TRAINING, ROUNDS = 5_000, 10  # rows and rounds of k-means that codes are learned from
BLOCK = 50_000  # made vectors at a time
# Of each index its knob in faiss, what that means, and its settings; what rescores finds
# setting * K candidates by its codes, and compares them with the exact vectors.
FLAT, IVF, HNSW, SQ8, PQ = "flat", "IVF", "HNSW", "SQ8", "PQ, rescored"
KINDS = {
    FLAT: ("", "none: compares all", (1,)),
    IVF: ("nprobe", "cells looked at", (1, 2, 4, 8, 16, 32, 64, 128, 256)),
    HNSW: ("efSearch", "breadth of the walk", (10, 20, 40, 80, 160, 320, 640, 1280)),
    SQ8: ("k_factor_rf", "candidates rescored", (1, 2)),
    PQ: ("k_factor_rf", "candidates rescored", (1, 2, 4, 8, 16, 32, 64, 128, 256)),
}


def nearest_cosine(vectors: np.ndarray, sample: int = 2_000) -> float:
    """The median cosine of a unit vector and its nearest other, over a sample of rows."""
    rows = np.random.default_rng(SEED).permutation(len(vectors))[:sample]
    cosines = vectors[rows] @ vectors.T
    cosines[np.arange(len(rows)), rows] = -2
    return float(np.median(cosines.max(axis=1)))


def made_vectors(real: np.ndarray, n: int) -> np.ndarray:
    """`n` unit vectors `[n, d]`: real ones, each with noise that has the real ones' covariance.

    The noise is about as long as the way from a real vector to its nearest one.
    """
    values, axes = np.linalg.eigh(np.cov(real.T))
    shape = np.sqrt(np.maximum(values, 0))[:, None] * axes.T  # [d, d]
    shape *= math.tan(math.acos(nearest_cosine(real))) / np.linalg.norm(shape)
    generator, made = np.random.default_rng(SEED), np.empty((n, real.shape[1]), np.float32)
    for start in range(0, n, BLOCK):
        block = made[start : start + BLOCK]  # a view
        noise = generator.standard_normal(block.shape, np.float32) @ shape.astype(np.float32)
        block[:] = real[generator.integers(len(real), size=len(block))] + noise
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return made


def built(kind: str, vectors: np.ndarray, threads: int):
    """The index over the vectors, and the seconds to build it."""
    cells = round(math.sqrt(len(vectors)))
    names = {FLAT: "Flat", HNSW: "HNSW32", SQ8: "SQ8,RFlat", PQ: "PQ48,RFlat"}
    name = names.get(kind, f"IVF{cells},Flat")
    index = faiss.index_factory(vectors.shape[1], name, faiss.METRIC_INNER_PRODUCT)
    if kind == HNSW:
        index.hnsw.efConstruction = 80
    elif kind == IVF:
        index.cp.niter, index.cp.min_points_per_centroid = ROUNDS, 1
    elif kind == PQ:
        codes = faiss.downcast_index(index.base_index)
        codes.do_polysemous_training = False  # sorts the codes for two minutes; nothing needs it
        codes.pq.cp.niter, codes.pq.cp.min_points_per_centroid = ROUNDS, 1
    rows = np.random.default_rng(SEED).permutation(len(vectors))
    sample = rows[: 64 * cells if kind == IVF else TRAINING]
    faiss.omp_set_num_threads(threads)
    began = time.perf_counter()
    index.train(vectors[sample])
    index.add(vectors)
    return index, time.perf_counter() - began


def curve(index, kind: str, queries: np.ndarray, truth: np.ndarray) -> list[dict]:
    """Recall and the median milliseconds of a query by itself, on one thread, for each setting."""
    faiss.omp_set_num_threads(1)
    knob, _, settings = KINDS[kind]
    points = []
    for setting in settings:
        if kind == IVF and setting > index.nlist:
            break
        if knob:
            faiss.ParameterSpace().set_index_parameter(index, knob, setting)
        index.search(queries[:1], K)  # the first call allocates
        seconds, hits = [], 0
        for query, wanted in zip(queries, truth, strict=True):
            began = time.perf_counter()
            _, rows = index.search(query[None], K)
            seconds.append(time.perf_counter() - began)
            hits += len(np.intersect1d(rows[0], wanted))
        milliseconds = round(1000 * float(np.median(seconds)), 4)
        effort = setting * K if kind in (SQ8, PQ) else setting
        recall = round(hits / truth.size, 4)
        points.append({"effort": effort, "recall": recall, "milliseconds": milliseconds})
    return points


def measured(real: np.ndarray, queries: np.ndarray, n: int, threads: int) -> dict:
    """All kinds of index over `n` made vectors, one after the other, so that one is in memory."""
    vectors = made_vectors(real, n)
    _, truth = faiss.knn(queries, vectors, K, metric=faiss.METRIC_INNER_PRODUCT)
    print(f"{n:,} vectors", flush=True)
    kinds = {}
    for kind, (_, meaning, _) in KINDS.items():
        index, seconds = built(kind, vectors, threads)
        points = curve(index, kind, queries, truth)
        reaches = next((point for point in points if point["recall"] >= AIM), None)
        codes = faiss.downcast_index(index.base_index) if kind in (SQ8, PQ) else index
        kinds[kind] = {
            "knob": meaning,
            "build_seconds": round(seconds, 6),
            "bytes": len(faiss.serialize_index(codes)),
            "exact_bytes": vectors.nbytes if kind in (SQ8, PQ) else 0,
            "curve": points,
            "reaches": reaches,
        }
        size = f"{kinds[kind]['bytes'] / 1e6:8.1f} MB"
        print(f"   {kind:13} built in {seconds:7.1f} s, {size}, {reaches}", flush=True)
    return {"vectors": n, "kinds": kinds}


def slope(pairs: Sequence[tuple[int, float]]) -> float | None:
    """The power of n that a figure grows with, by least squares on logarithms."""
    if len(pairs) < 2:
        return None
    return round(float(np.polyfit(*np.log(np.array(pairs, dtype=float)).T, 1)[0]), 3)


def fits(runs: Sequence[dict]) -> dict[str, dict]:
    """For each kind the slopes of time (where the aim is reached), bytes and building."""
    found = {}
    for kind in KINDS:
        of_kind = [(run["vectors"], run["kinds"][kind]) for run in runs]
        found[kind] = {
            "milliseconds": slope(
                [(n, each["reaches"]["milliseconds"]) for n, each in of_kind if each["reaches"]]
            ),
            "bytes": slope([(n, each["bytes"]) for n, each in of_kind]),
            "build_seconds": slope([(n, each["build_seconds"]) for n, each in of_kind]),
        }
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a line an index, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2, help="to build with; a query has one")
    parser.add_argument("--out", type=Path, default=PATH)
    options = parser.parse_args(arguments)

    real = documentation_index().vectors
    asked = [each.question for each in data.questions()][::2][: options.queries]
    queries = embed.encode(asked, progress=False)
    runs = [measured(real, queries, n, options.threads) for n in sorted(set(options.sizes))]
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30  # not on Windows
    sizes = " ".join(str(run["vectors"]) for run in runs)
    asked_for = f"--sizes {sizes} --queries {len(queries)} --threads {options.threads}"
    record = {
        "command": f"python -m tools.bench_search {asked_for}",
        "date": datetime.date.today().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {memory:.0f} GiB of memory",
        "versions": records.versions(("faiss-cpu", "numpy", "torch")),
        "queries": len(queries),
        "query_threads": 1,
        "build_threads": options.threads,
        "real_vectors": len(real),
        "nearest_cosine": round(nearest_cosine(real), 4),
        "aim": AIM,
        "sizes": runs,
        "fits": fits(runs),
    }
    records.write(record, options.out)
    print(f"written: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
