"""Figures of section 4 of L5: what they draw, that they can be read, what they refuse."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.path import Path

from course_utils import plots
from course_utils.errors import BadInput
from course_utils.plots.plane import LIT
from course_utils.plots.style import READABLE
from course_utils.retrieval import plane, small_world
from tests.pictures import drawn, faults, texts

POINTS = plane.clumps(80, seed=0)
SPLIT = plane.cells(POINTS, 7)
GRAPH = small_world.build_graph(POINTS, seed=2)
QUERY = np.array([0.2, 0.3])
WALK = small_world.walk(GRAPH, QUERY)

pytestmark = pytest.mark.filterwarnings("error")


def some_cells():
    fig = plots.figure(9.6, 4.6)
    left, right = plots.axes(fig, 1, 2)
    for ax, count in ((left, 1), (right, 3)):
        found = plane.probe(POINTS, SPLIT, QUERY, count)
        plots.plane_cells(
            ax,
            POINTS,
            SPLIT,
            probed=found.cells,
            query=QUERY,
            found=found.rows[0],
            title=f"{count} of 7 cells, {found.compared} comparisons",
        )
    right.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return fig


def some_layers():
    fig = plots.figure(10.5, 3.2)
    plots.walk_layers(plots.axes(fig, 1, len(GRAPH.layers)), GRAPH, WALK, QUERY)
    return fig


def some_steps():
    rows = -(-len(WALK.steps) // 4)
    fig = plots.figure(10, 2.8 * rows)
    plots.walk_steps(plots.axes(fig, rows, 4), GRAPH, WALK, QUERY)
    return fig


def a_trade_off():
    fig = plots.figure(8.5, 4)
    curves = {"flat": [(3, 1.0)], "HNSW": [(0.05, 0.7), (0.2, 0.95), (1, 0.999)]}
    plots.trade_off(plots.axes(fig), curves, title="Recall costs time", aim=0.95)
    return fig


def a_growth():
    fig = plots.figure(8, 4)
    series = {"flat": [1.0, 5, 50], "HNSW": [0.2, 0.3, np.nan]}
    plots.growth(
        plots.axes(fig),
        [20_000, 100_000, 1_000_000],
        series,
        slopes={"flat": 1.0},
        title="The walk hardly grows",
        ylabel="milliseconds",
    )
    return fig


@pytest.fixture(
    params=[some_cells, some_layers, some_steps, a_trade_off, a_growth],
    ids=lambda make: make.__name__,
)
def make(request):
    return request.param


@pytest.fixture
def ax():
    return plots.axes(plots.figure())


def test_nothing_overlaps_and_nothing_is_cut_off(make):
    assert faults(make()) == []


def test_text_on_white_has_contrast(make):
    for text, _ in drawn(make()):
        assert plots.contrast(text.get_color(), "white") >= READABLE, text.get_text()


def test_equal_figures_are_equal_bytes(make):
    assert plots.png(make()) == plots.png(make())


# --------------------------------------------------------------------------------- the plane


def test_a_cell_holds_what_is_nearest_to_its_centre_and_the_probed_are_lit(ax):
    plots.plane_cells(ax, POINTS, SPLIT, probed=[2, 5])
    (regions,) = (each for each in ax.collections if isinstance(each, PolyCollection))
    assert len(regions.get_paths()) == 7
    for number, path in enumerate(regions.get_paths()):
        inside = Path(path.vertices).contains_points(POINTS)
        np.testing.assert_array_equal(np.flatnonzero(inside), np.flatnonzero(SPLIT.cell == number))
    colours = [to_hex(colour).upper() for colour in regions.get_facecolors()]
    assert [number for number, colour in enumerate(colours) if colour == LIT] == [2, 5]


def test_points_of_cells_that_are_not_looked_at_are_grey(ax):
    plots.plane_cells(ax, POINTS, SPLIT, probed=[2], query=QUERY, found=3)
    dots = {each.get_label(): each.get_offsets() for each in ax.collections[1:]}
    np.testing.assert_array_equal(dots["not compared"], POINTS[SPLIT.cell != 2])
    np.testing.assert_array_equal(dots["compared"], POINTS[SPLIT.cell == 2])
    np.testing.assert_array_equal(dots["centres"], SPLIT.centres)
    np.testing.assert_array_equal(dots["query"], [QUERY])
    np.testing.assert_array_equal(dots["nearest found"], [POINTS[3]])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_cells_can_be_few(ax, count):
    plots.plane_cells(ax, POINTS, plane.cells(POINTS, count))
    assert len(ax.collections[0].get_paths()) == count
    labels = {each.get_label() for each in ax.collections}
    assert "points" in labels and "query" not in labels


def test_each_layer_has_its_links_and_the_way_that_was_walked():
    fig = some_layers()
    assert len(fig.axes) == len(GRAPH.layers)
    for ax, layer in zip(fig.axes, reversed(range(len(GRAPH.layers))), strict=True):
        links = {
            tuple(sorted((row, other)))
            for row, others in GRAPH.layers[layer].items()
            for other in others
        }
        (lines,) = (each for each in ax.collections if isinstance(each, LineCollection))
        assert len(lines.get_segments()) == len(links)
        steps = [step for step in WALK.steps if step.layer == layer]
        ends = {(steps[0].at, step.best) for step in steps} - {(steps[0].at, steps[0].at)}
        arrows = [text for text in ax.texts if text.arrowprops]
        assert bool(arrows) == bool(ends)
        assert ax.get_title(loc="left").startswith(f"layer {layer} · {len(GRAPH.layers[layer])}")
        (ring,) = (each for each in ax.collections if each.get_label() == "nearest found")
        np.testing.assert_array_equal(ring.get_offsets(), [POINTS[steps[-1].best]])


def test_each_step_says_how_much_was_compared_so_far():
    fig = some_steps()
    titles = [ax.get_title(loc="left") for ax in fig.axes if ax.get_title(loc="left")]
    assert len(titles) == len(WALK.steps)
    assert titles[-1].endswith(f"{WALK.compared} compared")
    for ax in fig.axes[len(WALK.steps) :]:
        assert not ax.axison


# -------------------------------------------------------------------------------- the curves


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01, "0.01"),
        (1, "1"),
        (1000, "1,000"),
        (20_000, "20 k"),
        (100_000, "100 k"),
        (1_000_000, "1 M"),
        (2.5e9, "2.5 G"),
    ],
)
def test_numbers_are_short(value, text):
    assert plots.short_number(value) == text


def test_logarithmic_axes_have_plain_ticks():
    shown = texts(a_growth())
    assert {"20 k", "100 k", "1 M"} <= set(shown) and not any("$" in text for text in shown)


def test_curves_have_their_values_and_the_aim():
    (ax,) = a_trade_off().axes
    flat, walk, aim = ax.lines
    assert list(flat.get_xdata()) == [3] and list(walk.get_ydata()) == [0.7, 0.95, 0.999]
    assert list(aim.get_ydata()) == [0.95, 0.95]
    assert ax.get_xscale() == "log" and ax.get_yscale() == "linear"


def test_slopes_stand_in_the_legend():
    (ax,) = a_growth().axes
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["flat: slope 1.00", "HNSW"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")


@pytest.mark.parametrize(
    "call",
    [
        lambda ax: plots.plane_cells(ax, POINTS[:9], SPLIT),
        lambda ax: plots.plane_cells(ax, POINTS, SPLIT, probed=[7]),
        lambda ax: plots.walk_layers([ax], GRAPH, WALK, QUERY),
        lambda ax: plots.walk_steps([ax], GRAPH, WALK, QUERY),
        lambda ax: plots.plain_log(ax, "z"),
        lambda ax: plots.trade_off(ax, {}),
        lambda ax: plots.trade_off(ax, {"one": []}),
        lambda ax: plots.trade_off(ax, {"one": [(0, 1)]}),
        lambda ax: plots.trade_off(ax, {str(n): [(1, 1)] for n in range(13)}),
        lambda ax: plots.growth(ax, [], {"one": []}),
        lambda ax: plots.growth(ax, [1, 2], {"one": [1]}),
        lambda ax: plots.growth(ax, [1, 2], {"one": [1, 0]}),
        lambda ax: plots.growth(ax, [1, 2], {"one": [1, 1]}, slopes={"two": 1}),
    ],
)
def test_bad_input(ax, call):
    with pytest.raises(BadInput):
        call(ax)
