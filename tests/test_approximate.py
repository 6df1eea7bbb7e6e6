"""Indexes of faiss: what they find, weigh and cost, and the tool that measures them."""

import json

import faiss
import numpy as np
import pytest

from course_utils import data
from course_utils.errors import BadInput
from course_utils.retrieval import approximate, exact_search
from course_utils.retrieval.approximate import Point
from tests.helpers import run_python
from tools import bench_search

D, N = 96, 3_000


def units(n: int, seed: int) -> np.ndarray:
    """Unit vectors in clumps, as texts on like subjects have them: float32 `[n, 96]`."""
    generator = np.random.default_rng(seed)
    middles = np.random.default_rng(99).normal(size=(40, D))
    vectors = middles[generator.integers(40, size=n)] + generator.normal(size=(n, D))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


REAL, QUERIES = units(400, 0), units(25, 2)
VECTORS = approximate.made_vectors(REAL, N, seed=1)
TRUTH = exact_search(QUERIES, VECTORS).rows
NAMES = [kind.name for kind in approximate.kinds()]


@pytest.fixture(scope="module")
def built():
    return {name: approximate.build(name, VECTORS) for name in NAMES}


@pytest.fixture(scope="module")
def curves(built):
    return {name: approximate.measure(each, QUERIES, TRUTH) for name, each in built.items()}


# -------------------------------------------------------------------------- the made vectors


def test_the_nearest_cosine_is_the_median_over_all_rows():
    cosines = REAL @ REAL.T - 3 * np.eye(len(REAL))
    wanted = np.median(cosines.max(axis=1))
    assert approximate.nearest_cosine(REAL) == pytest.approx(wanted, abs=1e-6)
    assert approximate.nearest_cosine([[1, 0], [0.6, 0.8]]) == pytest.approx(0.6)


def test_the_spread_is_the_tangent_of_the_angle():
    assert approximate.spread([[1, 0], [0.6, 0.8]]) == pytest.approx(0.8 / 0.6)


@pytest.mark.parametrize("seed", range(5))
def test_made_vectors_lie_as_far_from_a_real_one_as_real_neighbours_do(seed):
    made = approximate.made_vectors(REAL, 500, seed)
    assert made.shape == (500, D) and made.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    to_origin = np.median((made @ REAL.T).max(axis=1))
    assert to_origin == pytest.approx(approximate.nearest_cosine(REAL), abs=0.07)


def test_made_vectors_are_those_of_their_seed_and_real_ones_without_noise():
    first = approximate.made_vectors(REAL, 100, 0)
    np.testing.assert_array_equal(first, approximate.made_vectors(REAL, 100, 0))
    assert not np.array_equal(first, approximate.made_vectors(REAL, 100, 1))
    copies = approximate.made_vectors(REAL, 100, 0, length=0)
    np.testing.assert_allclose((copies @ REAL.T).max(axis=1), 1, atol=1e-5)


def test_blocks_leave_no_seam(monkeypatch):
    monkeypatch.setattr("course_utils.retrieval.perturbed.BLOCK", 40)
    made = approximate.made_vectors(REAL, 100, 0)
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert len(np.unique(made, axis=0)) == 100


def test_noise_has_the_shape_of_the_real_vectors():
    """Real vectors that differ in two directions only give made ones that do, too."""
    flat = np.zeros((50, 6), dtype=np.float32)
    flat[:, :2] = np.random.default_rng(0).normal(size=(50, 2))
    flat[:, 2] = 1
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    assert np.abs(approximate.made_vectors(flat, 200)[:, 3:]).max() < 1e-5


# ------------------------------------------------------------------------------- the indexes


def test_the_kinds_are_those_of_the_lesson():
    assert NAMES == ["flat", "IVF", "HNSW", "SQ8", "PQ, rescored"]
    for kind in approximate.kinds():
        assert list(kind.efforts) == sorted(set(kind.efforts))
        assert approximate.kind_named(kind.name) is kind


def test_faiss_and_numpy_agree_on_the_truth():
    np.testing.assert_array_equal(approximate.exact_rows(QUERIES, VECTORS), TRUTH)


def test_flat_search_is_exact(built, curves):
    (point,) = curves["flat"]
    assert point.recall == 1
    find = approximate.searcher(built["flat"], 1)
    np.testing.assert_array_equal([find(query) for query in QUERIES], TRUTH)


@pytest.mark.parametrize("name", NAMES)
def test_effort_buys_recall(curves, name):
    recalls = [point.recall for point in curves[name]]
    assert recalls[-1] > 0.97
    assert recalls == sorted(recalls) or max(np.diff(recalls) * -1) < 0.02
    assert all(point.milliseconds > 0 for point in curves[name])


def test_all_cells_and_all_candidates_are_exact_search(built):
    for name, effort in (("IVF", 10_000), ("PQ, rescored", 10_000), ("SQ8", 10_000)):
        (point,) = approximate.measure(built[name], QUERIES, TRUTH, [effort])
        assert point.recall == 1, name
    (most,) = approximate.measure(built["IVF"], QUERIES, TRUTH, [10_000])
    assert most.effort == round(N**0.5)  # all cells, and no more


def test_little_effort_misses_some(curves):
    for name in ("IVF", "PQ, rescored"):
        assert 0.05 < curves[name][0].recall < curves[name][-1].recall - 0.02, name


def test_recall_is_the_share_of_the_true_ten(built):
    find = approximate.searcher(built["PQ, rescored"], 10)
    shares = [len({*find(q)} & {*rows}) / 10 for q, rows in zip(QUERIES, TRUTH, strict=True)]
    (point,) = approximate.measure(built["PQ, rescored"], QUERIES, TRUTH, [10])
    assert point.recall == pytest.approx(np.mean(shares))


def test_rescoring_puts_the_best_first(built):
    find = approximate.searcher(built["PQ, rescored"], 200)
    for query in QUERIES:
        scores = VECTORS[find(query)] @ query
        assert len(scores) == 10 and (np.diff(scores) <= 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_bytes_are_those_of_the_serialised_index(built, name):
    each = built[name]
    assert each.bytes == len(faiss.serialize_index(each.index))
    assert each.exact_bytes == (VECTORS.nbytes if name in ("SQ8", "PQ, rescored") else 0)


def test_bytes_a_vector(built):
    floats = 4 * D
    assert built["flat"].bytes / N == pytest.approx(floats, rel=0.01)
    assert built["SQ8"].bytes / N == pytest.approx(floats / 4, rel=0.02)
    assert built["HNSW"].bytes / N > floats + 4 * 2 * 32
    codes = built["PQ, rescored"].bytes - 256 * floats  # the table of codes does not grow
    assert codes / N == pytest.approx(48, rel=0.01)


@pytest.mark.parametrize("name", ["IVF", "PQ, rescored"])
def test_the_seed_decides_what_is_built(name):
    indexes = [approximate.build(name, VECTORS[:1000], seed=seed).index for seed in (0, 0, 1)]
    first, again, other = (index.search(QUERIES, 10)[0] for index in indexes)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_codes_are_learned_from_few_rows(monkeypatch):
    seen = []
    plain = faiss.IndexPQ.train
    monkeypatch.setattr(
        faiss.IndexPQ, "train", lambda self, x: (seen.append(len(x)), plain(self, x))
    )
    monkeypatch.setattr("course_utils.retrieval.indexes.TRAINING", 300)
    approximate.build("PQ, rescored", VECTORS)
    assert seen == [300]


def test_threads_are_given_back(built):
    before = faiss.omp_get_max_threads()
    try:
        faiss.omp_set_num_threads(2)
        inside = []
        with approximate.threads_of_faiss(1):
            inside.append(faiss.omp_get_max_threads())
        with pytest.raises(ZeroDivisionError), approximate.threads_of_faiss(1):
            _ = 1 / 0
        approximate.measure(built["flat"], QUERIES, TRUTH)
        assert inside == [1] and faiss.omp_get_max_threads() == 2
    finally:
        faiss.omp_set_num_threads(before)


def test_building_says_nothing():
    """faiss warns on the process's own stderr, which a notebook would show."""
    code = """
import numpy as np
from course_utils.retrieval import approximate
vectors = np.random.default_rng(0).normal(size=(400, 48)).astype(np.float32)
for kind in approximate.kinds():
    approximate.build(kind, vectors)
"""
    run = run_python("-c", code)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_importing_loads_no_faiss():
    code = """
import sys
from course_utils.retrieval import approximate, plane, small_world
assert not {"faiss", "torch", "pymilvus"} & set(sys.modules)
"""
    run = run_python("-c", code)
    assert run.returncode == 0, run.stderr


# ------------------------------------------------------------------------------- the figures


def test_the_cheapest_point_that_reaches_the_aim():
    points = [Point(10, 0.8, 0.1), Point(20, 0.96, 0.2), Point(40, 0.99, 0.15)]
    assert approximate.cheapest(points).effort == 20
    assert approximate.cheapest(points, 0.99).effort == 40
    assert approximate.cheapest(points, 1.0) is None


@pytest.mark.parametrize("power", [-1, 0, 0.5, 1, 2])
def test_the_slope_of_a_power_is_the_power(power):
    n = np.array([20_000, 100_000, 1_000_000])
    assert approximate.fitted_slope(n, 3 * n.astype(float) ** power) == pytest.approx(power)


@pytest.mark.parametrize(
    "call",
    [
        lambda built: approximate.build("LSH", VECTORS),
        lambda built: approximate.build("flat", VECTORS[:255]),
        lambda built: approximate.build("flat", VECTORS[:, :95]),
        lambda built: approximate.build("flat", VECTORS[0]),
        lambda built: approximate.build("flat", np.full((300, 96), np.nan)),
        lambda built: approximate.measure(built["flat"], QUERIES[:, :90], TRUTH),
        lambda built: approximate.measure(built["flat"], QUERIES[:3], TRUTH),
        lambda built: approximate.measure(built["IVF"], QUERIES, TRUTH, [0]),
        lambda built: approximate.measure(built["IVF"], QUERIES, TRUTH, []),
        lambda built: approximate.fitted_slope([1], [1]),
        lambda built: approximate.fitted_slope([2, 2], [1, 2]),
        lambda built: approximate.fitted_slope([1, 2], [1, 0]),
        lambda built: approximate.fitted_slope([1, 2], [1, np.nan]),
        lambda built: approximate.fitted_slope([1, 2], [1, 2, 3]),
        lambda built: approximate.made_vectors(REAL, 0),
        lambda built: approximate.made_vectors(REAL, 5, length=-1),
        lambda built: approximate.made_vectors(REAL[:1], 5),
        lambda built: approximate.made_vectors(REAL * np.nan, 5),
        lambda built: bench_search.questions(0),
        lambda built: bench_search.questions(10_000),
    ],
)
def test_bad_input(built, call):
    with pytest.raises(BadInput):
        call(built)


# ---------------------------------------------------------------------------------- the tool


def test_what_the_tool_measures_at_one_size():
    found = bench_search.measured(REAL, QUERIES, 600, threads=1)
    assert found["vectors"] == 600 and list(found["kinds"]) == NAMES
    for name, of in found["kinds"].items():
        assert of["build_seconds"] >= 0 and of["bytes"] > 0
        assert all(set(point) == {"effort", "recall", "milliseconds"} for point in of["curve"])
        reached = [point for point in of["curve"] if point["recall"] >= approximate.AIM]
        assert of["reaches"] == (reached[0] if reached else None), name
    json.dumps(found)


def test_a_kind_that_misses_the_aim_is_told_and_does_not_count():
    def run(n, reaches):
        of = {"bytes": 10 * n, "build_seconds": n**2, "reaches": reaches}
        return {"vectors": n, "kinds": {name: of for name in NAMES}}

    runs = [run(100, {"milliseconds": 1.0}), run(400, {"milliseconds": 2.0}), run(900, None)]
    of = bench_search.fits(runs)["PQ, rescored"]
    assert of == {"milliseconds": 0.5, "bytes": 1.0, "build_seconds": 2.0}
    alone = bench_search.fits(runs[1:])["flat"]
    assert alone["milliseconds"] is None and alone["bytes"] == 1.0


def test_the_tool_writes_what_the_lesson_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(
        bench_search, "documentation_index", lambda: type("Index", (), {"plain": REAL})
    )
    monkeypatch.setattr(bench_search.embed, "encode", lambda texts, **_: units(len(texts), 5))
    out = tmp_path / "run.json"
    sizes = ["--sizes", "400", "300", "--queries", "5", "--threads", "1"]
    assert bench_search.main([*sizes, "--out", str(out)]) == 0
    record = json.loads(out.read_text())
    assert record["command"].endswith("--sizes 300 400 --queries 5 --threads 1")
    assert [run["vectors"] for run in record["sizes"]] == [300, 400]
    assert set(record["versions"]) == {"faiss-cpu", "numpy", "torch"}
    assert record["fits"]["flat"]["bytes"] == pytest.approx(1, abs=0.01)


def test_the_stored_run_is_whole():
    """What `make bench` has stored: all sizes, all kinds, nothing of the machine's name."""
    record = data.stored_run("approximate")
    assert [run["vectors"] for run in record["sizes"]] == list(bench_search.SIZES)
    for run in record["sizes"]:
        assert list(run["kinds"]) == NAMES
        assert run["kinds"]["flat"]["curve"][0]["recall"] == 1
    assert record["fits"] == bench_search.fits(record["sizes"])
