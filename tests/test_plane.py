"""Cells and the small-world graph in the plane, against plain computations over all points."""

import numpy as np
import pytest
from scipy.cluster.vq import kmeans2

from course_utils.errors import BadInput
from course_utils.retrieval import plane, small_world

POINTS = plane.clumps(150, seed=3)
QUERIES = np.random.default_rng(4).uniform(0, 1, (60, 2))


def nearest(points, query, k=1):
    return np.argsort(((points - query) ** 2).sum(axis=1), kind="stable")[:k]


@pytest.fixture(scope="module")
def graph():
    return small_world.build_graph(POINTS, links=4, ef=16, seed=0)


# ------------------------------------------------------------------------------------- cells


@pytest.mark.parametrize("seed", range(5))
def test_clumps_lie_in_the_unit_square_and_are_those_of_their_seed(seed):
    points = plane.clumps(100, seed)
    assert points.shape == (100, 2) and points.min() >= 0 and points.max() <= 1
    np.testing.assert_array_equal(points, plane.clumps(100, seed))
    assert not np.array_equal(points, plane.clumps(100, seed + 1))


def test_two_rounds_of_k_means_by_hand():
    """Begins badly: 0 and 1 are the centres of 0, 1, 9, 10; the first move is to 0 and 20/3."""
    points = [[0, 0], [1, 0], [9, 0], [10, 0]]
    found = plane.lloyd(points, [[0, 0], [1, 0]])
    np.testing.assert_allclose(found.centres, [[0.5, 0], [9.5, 0]])
    assert found.cell.tolist() == [0, 0, 1, 1]
    first = plane.lloyd(points, [[0, 0], [1, 0]], rounds=1)
    np.testing.assert_allclose(first.centres, [[0, 0], [20 / 3, 0]])


@pytest.mark.parametrize("count", [1, 2, 7, 15])
@pytest.mark.parametrize("seed", [0, 1])
def test_k_means_is_that_of_scipy(count, seed):
    start = POINTS[np.random.default_rng(seed).choice(len(POINTS), count, replace=False)]
    centres, cell = kmeans2(POINTS, start, iter=100, minit="matrix")
    found = plane.cells(POINTS, count, seed)
    np.testing.assert_allclose(found.centres, centres)
    np.testing.assert_array_equal(found.cell, cell)
    for number in range(count):  # a fixed point: each centre is the mean of its points
        np.testing.assert_allclose(found.centres[number], POINTS[cell == number].mean(axis=0))


def test_a_centre_without_points_stays():
    found = plane.lloyd([[0, 0], [1, 0]], [[0, 0], [1, 0], [9, 9]])
    np.testing.assert_array_equal(found.centres[2], [9, 9])


@pytest.mark.parametrize("nprobe", [1, 3, 12])
@pytest.mark.parametrize("k", [1, 5])
def test_a_search_finds_the_nearest_of_the_cells_it_looks_at(nprobe, k):
    split = plane.cells(POINTS, 12)
    for query in QUERIES[:20]:
        found = plane.probe(POINTS, split, query, nprobe, k)
        assert found.cells.tolist() == nearest(split.centres, query, nprobe).tolist()
        inside = np.flatnonzero(np.isin(split.cell, found.cells))
        assert found.rows.tolist() == inside[nearest(POINTS[inside], query, k)].tolist()
        assert found.compared == 12 + len(inside)


def test_all_cells_are_exact_search_and_one_cell_misses_some():
    split = plane.cells(POINTS, 12)
    true = [nearest(POINTS, query)[0] for query in QUERIES]
    all_cells = [plane.probe(POINTS, split, query, 12).rows[0] for query in QUERIES]
    one = [plane.probe(POINTS, split, query, 1).rows[0] for query in QUERIES]
    assert all_cells == true
    assert 0.5 < np.mean(np.equal(one, true)) < 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: plane.cells(POINTS, 0),
        lambda: plane.cells(POINTS, 151),
        lambda: plane.cells(POINTS[:, :1], 1),
        lambda: plane.cells([[0, np.nan]], 1),
        lambda: plane.cells(np.empty((0, 2)), 1),
        lambda: plane.lloyd(POINTS, POINTS[:2], rounds=0),
        lambda: plane.probe(POINTS, plane.cells(POINTS, 3), [0, 0], nprobe=4),
        lambda: plane.probe(POINTS, plane.cells(POINTS, 3), [0, 0], nprobe=0),
        lambda: plane.probe(POINTS, plane.cells(POINTS, 3), [0, 0], k=0),
        lambda: plane.probe(POINTS[:9], plane.cells(POINTS, 3), [0, 0]),
        lambda: plane.probe(POINTS, plane.cells(POINTS, 3), [0, 0, 0]),
    ],
)
def test_bad_input_for_cells(call):
    with pytest.raises(BadInput):
        call()


# ------------------------------------------------------------------------------------- graph


def test_layers_are_nested_and_links_stay_within_them(graph):
    assert sorted(graph.layers[0]) == list(range(150))
    for lower, upper in zip(graph.layers, graph.layers[1:], strict=False):
        assert set(upper) < set(lower)
    assert graph.entry in graph.layers[-1]
    for number, layer in enumerate(graph.layers):
        for row, others in layer.items():
            assert len(others) == len(set(others)) <= (8 if number == 0 else 4)
            assert row not in others and set(others) <= set(layer)


def test_about_one_point_in_four_is_in_the_next_layer():
    sizes = [len(small_world.build_graph(POINTS, seed=seed).layers[1]) for seed in range(5)]
    assert 0.15 < np.mean(sizes) / 150 < 0.35


def test_a_graph_is_that_of_its_seed(graph):
    again = small_world.build_graph(POINTS, links=4, ef=16, seed=0)
    assert again.layers == graph.layers and again.entry == graph.entry
    assert small_world.build_graph(POINTS, links=4, ef=16, seed=1).layers != graph.layers


def test_neighbours_are_chosen_in_all_directions():
    """The second nearest stands behind the nearest; the third, on the other side, is linked."""
    points = np.array([[0, 0], [1, 0], [1.2, 0], [-3, 0]])
    near = [(1.0, 1), (1.2, 2), (3.0, 3)]
    assert small_world._chosen(points, near, 2) == [1, 3]


@pytest.mark.parametrize("ef", [1, 4, 16])
def test_a_walk_is_greedy_and_counts_what_it_compares(graph, ef):
    for query in QUERIES[:15]:
        walk = small_world.walk(graph, query, ef)
        assert walk.compared == 1 + sum(len(step.looked) for step in walk.steps)
        assert walk.steps[0].at == graph.entry
        layers = [step.layer for step in walk.steps]
        assert layers == sorted(layers, reverse=True) and set(layers) == set(
            range(len(graph.layers))
        )
        for step in walk.steps:
            assert set(step.looked) <= set(graph.layers[step.layer][step.at])
        far = [np.linalg.norm(POINTS[step.best] - query) for step in walk.steps]
        assert far == sorted(far, reverse=True)
        assert walk.rows[0] == walk.steps[-1].best


def test_with_breadth_one_no_neighbour_of_the_end_is_nearer(graph):
    for query in QUERIES:
        (end,) = small_world.walk(graph, query).rows
        around = [end, *graph.layers[0][end]]
        assert around[nearest(POINTS[around], query)[0]] == end


def test_breadth_buys_recall_with_comparisons(graph):
    true = [nearest(POINTS, query)[0] for query in QUERIES]
    recall, compared = {}, {}
    for ef in (1, 4, 32):
        walks = [small_world.walk(graph, query, ef) for query in QUERIES]
        recall[ef] = np.mean([walk.rows[0] == row for walk, row in zip(walks, true, strict=True)])
        compared[ef] = np.mean([walk.compared for walk in walks])
    assert 0.6 < recall[1] <= recall[4] <= recall[32] and recall[32] > 0.98
    assert compared[1] < compared[4] < compared[32] < 150


def test_the_k_nearest_of_a_broad_walk(graph):
    shares = [
        len({*small_world.walk(graph, query, 64, 5).rows} & {*nearest(POINTS, query, 5).tolist()})
        for query in QUERIES
    ]
    assert np.mean(shares) > 4.8
    found = small_world.walk(graph, QUERIES[0], 64, 5).rows
    far = np.linalg.norm(POINTS[list(found)] - QUERIES[0], axis=1)
    assert len(found) == 5 and list(far) == sorted(far)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_graphs_of_hardly_any_points(count):
    graph = small_world.build_graph(POINTS[:count])
    for query in QUERIES[:10]:
        (found,) = small_world.walk(graph, query, ef=4).rows
        assert found == nearest(POINTS[:count], query)[0]


@pytest.mark.parametrize(
    "call",
    [
        lambda: small_world.build_graph(POINTS, links=1),
        lambda: small_world.build_graph(POINTS, links=4, ef=3),
        lambda: small_world.build_graph(POINTS.ravel()),
        lambda: small_world.walk(small_world.build_graph(POINTS[:5]), [0, 0], ef=0),
        lambda: small_world.walk(small_world.build_graph(POINTS[:5]), [0, 0], ef=2, k=3),
        lambda: small_world.walk(small_world.build_graph(POINTS[:5]), [0, np.inf]),
    ],
)
def test_bad_input_for_graphs(call):
    with pytest.raises(BadInput):
        call()
