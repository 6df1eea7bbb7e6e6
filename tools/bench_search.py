"""`make bench`, L5: exact and approximate search among up to a million vectors.

    python -m tools.bench_search --sizes 20000 100000 1000000 --queries 200 --threads 2

Flat, IVF, HNSW, SQ8 and PQ with rescoring: recall@10 against the milliseconds of one query on one
thread, the bytes of the index, the seconds to build it (on `--threads`), and how they grow. The
vectors are the documentation's, perturbed; the queries are questions of the question set. The
million takes most of the time and about 4 GB of memory. The record is what L5 shows.
"""

import argparse
import datetime
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from course_utils import data, embed
from course_utils.errors import BadInput
from course_utils.retrieval import approximate
from course_utils.retrieval.index import documentation_index
from tools import records

PATH = data.RUNS / "approximate.json"
PACKAGES = ("faiss-cpu", "numpy", "torch")
SIZES = (20_000, 100_000, 1_000_000)
K, SEED = 10, 0


def questions(count: int) -> list[str]:
    """Every second question of the set, so that all styles occur; raises BadInput for too many."""
    found = [each.question for each in data.questions()][::2]
    if not 1 <= count <= len(found):
        raise BadInput(f"There are {len(found)} questions to ask: --queries {count} is too many.")
    return found[:count]


def measured(real: np.ndarray, queries: np.ndarray, n: int, threads: int) -> dict:
    """All kinds of index over `n` made vectors, one after the other, so that one is in memory."""
    vectors = approximate.made_vectors(real, n, SEED)
    truth = approximate.exact_rows(queries, vectors, K, threads)
    print(f"{n:,} vectors", flush=True)
    found = {}
    for kind in approximate.kinds():
        built = approximate.build(kind, vectors, threads, SEED)
        curve = approximate.measure(built, queries, truth)
        reaches = approximate.cheapest(curve)
        found[kind.name] = {
            "knob": kind.knob,
            "build_seconds": round(built.seconds, 3),
            "bytes": built.bytes,
            "exact_bytes": built.exact_bytes,
            "curve": [rounded(point) for point in curve],
            "reaches": rounded(reaches) if reaches else None,
        }
        best = max(point.recall for point in curve)
        told = (
            f"recall {approximate.AIM} with {reaches.effort} in {reaches.milliseconds:.2f} ms"
            if reaches
            else f"recall {approximate.AIM} not reached, at best {best:.3f}"
        )
        size = f"{built.bytes / 1e6:8.1f} MB"
        print(f"   {kind.name:13} built in {built.seconds:7.1f} s, {size}, {told}", flush=True)
        del built
    return {"vectors": n, "kinds": found}


def rounded(point: approximate.Point) -> dict:
    return {
        **asdict(point),
        "recall": round(point.recall, 4),
        "milliseconds": round(point.milliseconds, 4),
    }


def fits(runs: Sequence[Mapping]) -> dict[str, dict]:
    """For each kind, the exponent of n that its figures grow with; None below two sizes.

    `milliseconds` are those at the aim; a size at which a kind misses it does not count.
    """
    found = {}
    for kind in approximate.kinds():
        of_kind = [(run["vectors"], run["kinds"][kind.name]) for run in runs]
        series = {
            "milliseconds": [
                (n, of["reaches"] and of["reaches"]["milliseconds"]) for n, of in of_kind
            ],
            "bytes": [(n, of["bytes"]) for n, of in of_kind],
            "build_seconds": [(n, of["build_seconds"]) for n, of in of_kind],
        }
        found[kind.name] = {name: _slope(pairs) for name, pairs in series.items()}
    return found


def _slope(pairs: Sequence[tuple[int, float | None]]) -> float | None:
    kept = [(n, value) for n, value in pairs if value]
    if len({n for n, _ in kept}) < 2:
        return None
    return round(approximate.fitted_slope(*zip(*kept, strict=True)), 3)


def machine() -> str:
    """What kind of machine this is, without its name."""
    words = f"{os.cpu_count()} cores, {platform.machine()}"
    if {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= set(getattr(os, "sysconf_names", ())):
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        words += f", {memory / 2**30:.0f} GiB of memory"
    return words


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a line an index, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2, help="to build with; a query has one")
    parser.add_argument("--out", type=Path, default=PATH)
    options = parser.parse_args(arguments)

    sizes = sorted(set(options.sizes))
    real = documentation_index().plain
    queries = embed.encode(questions(options.queries), progress=False)
    runs = [measured(real, queries, n, options.threads) for n in sizes]
    record = {
        "command": "python -m tools.bench_search --sizes "
        f"{' '.join(map(str, sizes))} --queries {options.queries} --threads {options.threads}",
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": records.versions(PACKAGES),
        "queries": options.queries,
        "query_threads": 1,
        "build_threads": options.threads,
        "real_vectors": len(real),
        "nearest_cosine": round(approximate.nearest_cosine(real), 4),
        "aim": approximate.AIM,
        "sizes": runs,
        "fits": fits(runs),
    }
    records.write(record, options.out)
    print(f"written: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
