"""Figures in one call: they show the right numbers, with words, and nothing is cut or overlaps."""

import gc
import sys
import weakref

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.mathtext import MathTextParser

from course_utils import plots
from course_utils.evaluate import bootstrap_interval, wilson_interval
from course_utils.explorers import map_explorer
from course_utils.plots import output
from course_utils.plots.style import READABLE
from course_utils.projection import Honesty
from tests.pictures import drawn, faults, texts

pytestmark = pytest.mark.filterwarnings(
    "error",
    "ignore:The inplace keyword",  # jupyter-scatter uses it
)

RANDOM = np.random.default_rng(0)
WORDS = ["king", "queen", "apple", "orange", "thunderstorm"]
LONG = "A title that says the finding in one long sentence, and does not end where the figure ends"
ANSWERS = pd.DataFrame(
    {
        "kind": ["capitals", "male and female", "verb forms", "comparatives"] * 15,
        "the algebra": [1, 0, 1, 1, 1, 0] * 10,
        "the third word alone": [0, 0, 1] * 20,
        "word": list("abcdef") * 10,
    }
)
LAYERS = pd.DataFrame({layer: RANDOM.random(60) < 0.4 + 0.08 * layer for layer in range(7)})
FEW = {"title": LONG, "alt": "What one sees."}


def square(size: int, **options):
    names = [WORDS[row % 5] + "s" * (row // 5) for row in range(size)]
    plots.heatmap(np.linspace(-0.2, 1, size**2).reshape(size, size), names, **FEW, **options)


def four_heads():
    heads = {f"layer {layer}, head 3": RANDOM.random((9, 9)) for layer in range(1, 5)}
    plots.heatmap(heads, [*WORDS, "a", "b", "c", "."], low=0, label="attention", **FEW)


def table_of_layers():
    table = pd.DataFrame(RANDOM.random((12, 7)), [f"head {head}" for head in range(12)])
    plots.heatmap(table, low=0, label="attention", xlabel="layer", ylabel="head", **FEW)


def two_maps(**options):
    note = {"PCA": Honesty(0.83, 0.41, 10, 150), "UMAP": Honesty(0.98, 0.7, 10, 150)}
    points = {name: RANDOM.normal(size=(150, 2)) for name in note}
    groups = [f"field {row // 15}" for row in range(150)]
    plots.scatter_map(points, groups, note=note, **FEW, **options)


def rows_of_words():
    long = "as many words as a training may find, and they do not fit into one line of the page"
    rows = {"before": ["gelu, ascii, nan", long], "after": ["imshow, subplot", long]}
    plots.words(pd.DataFrame(rows, ["plot", "optimizer"]), **FEW)


def systems():
    rows = {"mrr": [0.3, 0.7], "from": [0.2, 0.65], "to": [0.4, 0.75]}
    table = pd.DataFrame(rows, ["BM25", "two heads against echo"])
    plots.dots(table, value="mrr", low="from", high="to", xlabel="MRR", reference=0.1, **FEW)


def bars(y="the algebra", **options):
    plots.bars(ANSWERS, "kind", y, **FEW, **options)


def lines(table=LAYERS, **options):
    plots.lines(table, xlabel="layer", ylabel="nearest has the same sense", **FEW, **options)


LOSS = {"loss of the batch": pd.Series(np.linspace(4, 2, 300)), "its mean": pd.Series([4, 2.0])}
MAKE = {
    "few words": lambda: square(3),
    "words": lambda: square(12),
    "long names": lambda: plots.heatmap(np.eye(2), [LONG[:40], LONG[40:80]], **FEW),
    "fields": lambda: square(40, breaks=(10, 20, 30)),
    "four heads": four_heads,
    "heads and layers": table_of_layers,
    "maps": two_maps,
    "map with labels": lambda: two_maps(labels=[WORDS[row % 5] for row in range(150)]),
    "bars": bars,
    "bars of two": lambda: bars(["the algebra", "the third word alone"], chance=0.1),
    "line": lambda: lines(chance=0.47),
    "lines": lambda: lines({f"series number {n}": LAYERS for n in range(4)}, ylim=(0, 1)),
    "losses": lambda: lines(LOSS, chance=4.16),
    "words of a training": rows_of_words,
    "systems": systems,
}


@pytest.fixture
def shown(monkeypatch):
    """The figures that are shown, oldest first."""
    made = []
    monkeypatch.setattr(output, "png", lambda fig, **_options: made.append(fig) or b"")
    monkeypatch.setattr(output, "display", lambda *_bundle, **_more: None)
    return made


@pytest.mark.parametrize("make", MAKE.values(), ids=MAKE.keys())
def test_every_figure_can_be_read(make, shown, caplog):
    """Nothing overlaps or is cut off, the title is whole, and text on white has contrast."""
    make()
    (fig,) = shown
    assert faults(fig) == []
    assert not caplog.records  # what matplotlib logs would stand in the lesson
    assert LONG in [text.replace("\n", " ") for text in texts(fig)]
    cells = {text for ax in fig.axes if ax.images for text in ax.texts}
    on_white = [text for text, _ in drawn(fig) if text not in cells]
    assert min(plots.contrast(text.get_color(), "white") for text in on_white) >= READABLE


@pytest.mark.parametrize("name", ["words", "maps", "line"])
def test_equal_figures_are_equal_bytes_and_none_lingers(name, shown):
    pictures, gone = [], []
    for seed in (0, 0):
        RANDOM.bit_generator.state = np.random.default_rng(seed).bit_generator.state
        MAKE[name]()
        pictures.append(plots.png(shown[0]))
        gone.append(weakref.ref(shown.pop()))
    gc.collect()
    assert pictures[0] == pictures[1] and [ref() for ref in gone] == [None, None]


def test_a_dollar_is_a_dollar(monkeypatch, shown):
    monkeypatch.setattr(MathTextParser, "parse", lambda *_args, **_more: pytest.fail("a formula"))
    price = r"$x$ and $\frac{1}{0}$"
    told = {"title": price, "alt": price}
    plots.heatmap([[1.0]], [price], label=price, **told)
    plots.scatter_map([[0, 0]], [price], labels=[price], note=price, **told)
    plots.lines({price: pd.Series([1.0]), "b": pd.Series([1.0])}, xlabel=price, **told)
    assert sum(texts(fig).count(price) for fig in shown) >= 10


def test_a_figure_is_shown_with_its_description(monkeypatch):
    calls = []
    monkeypatch.setattr(output, "display", lambda bundle, **more: calls.append((bundle, more)))
    square(3)
    (picture, more), (words, _) = calls
    assert picture["text/plain"] == "[figure] What one sees."
    assert more["metadata"]["image/png"]["alt"] == "What one sees."
    assert "What one sees." in words["text/html"]


def test_the_names_of_a_matrix_are_given_or_the_tables_own(shown):
    plots.heatmap(np.eye(2), ["one", "two"], ["left", "right"], **FEW)
    plots.heatmap({"a": pd.DataFrame(np.eye(2), ["one", "two"], ["left", "right"])}, **FEW)
    for fig in shown:
        assert {"one", "two", "left", "right", "1", ".00"} <= set(texts(fig))


@pytest.mark.parametrize(
    ("low", "high", "colours", "ends"),
    [
        (-1, 1, plots.DIVERGING, (-1, 1)),
        (-0.2, 1, plots.DIVERGING, (-1, 1)),  # white stays at 0
        (0, 1, plots.SEQUENTIAL, (0, 1)),
    ],
)
def test_a_scale_with_negative_values_has_two_colours(shown, low, high, colours, ends):
    square(3, low=low, high=high)
    ax, side = shown[0].axes
    (image,) = ax.images
    assert image.cmap.name == colours and image.get_clim() == ends
    assert side.get_ylabel() == "cosine similarity" and side.get_ylim() == (low, high)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.974, ".97"), (-0.05, "-.05"), (-0.001, ".00"), (0.999, "1"), (-1, "-1"), (10.05, "10.05")],
)
def test_numbers_are_brief_and_what_is_no_number_is_left_blank(shown, value, text):
    plots.heatmap([[value, np.nan]], ["a"], ["b", "c"], low=-30, high=30, **FEW)
    assert [each.get_text() for each in shown[0].axes[0].texts] == [text]


@pytest.mark.parametrize("low", [-1, 0])
def test_every_number_can_be_read_on_its_cell(shown, low):
    plots.heatmap(np.linspace(low, 1, 201)[None], ["a"], low=low, numbers=True, **FEW)
    ax = shown[0].axes[0]
    inks = [text.get_color() for text in ax.texts]
    shades = ax.images[0].cmap(ax.images[0].norm(np.linspace(low, 1, 201)))
    assert min(map(plots.contrast, inks, shades)) >= READABLE and len(set(inks)) == 2


def test_a_map_draws_every_point_in_its_groups_colour_and_marker(shown):
    points = np.random.default_rng(0).normal(size=(24, 2))
    plots.scatter_map(points, [f"group {row % 12}" for row in range(24)], **FEW)
    markers = set()
    for index, dots in enumerate(shown[0].axes[0].collections):
        np.testing.assert_allclose(dots.get_offsets(), points[[index, index + 12]])
        assert dots.get_label() == f"group {index}"
        assert to_hex(dots.get_facecolor()[0]).upper() == plots.colour(index).upper()
        markers.add(dots.get_paths()[0].vertices.tobytes())
    assert len(markers) == 12


def test_each_system_has_its_dot_its_whisker_and_its_number_in_its_row(shown):
    systems()
    (ax,) = shown[0].axes
    assert [line.get_xdata()[0] for line in ax.lines[:4]] == [0.2, 0.3, 0.65, 0.7]
    assert [line.get_ydata()[0] for line in ax.lines[:4]] == [0, 0, 1, 1]
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first is at the top
    assert {"0.30", "0.70", "BM25", "MRR", "chance"} <= set(texts(shown[0]))


def test_bars_are_means_with_wilsons_interval_or_a_bootstrap_over_clusters(shown):
    bars()
    bars(clusters="word")
    part = ANSWERS[ANSWERS.kind == "capitals"]
    values = part["the algebra"]
    expected = (
        wilson_interval(values.sum(), len(values)),
        bootstrap_interval(values, groups=part["word"]),
    )
    for fig, ends in zip(shown, expected, strict=True):
        (ax,) = fig.axes
        assert ax.patches[0].get_height() == pytest.approx(values.mean())
        whisker = ax.collections[0].get_segments()[0]
        assert whisker[:, 1] == pytest.approx(ends)


def test_a_line_is_the_mean_of_each_column_with_a_band_over_clusters(shown):
    clusters = np.repeat(range(12), 5)
    lines(LAYERS, clusters=clusters)
    (ax,) = shown[0].axes
    x, y = ax.lines[0].get_data()
    assert x.tolist() == list(range(7)) and y == pytest.approx(LAYERS.mean())
    band = ax.collections[0].get_paths()[0].vertices
    low, high = bootstrap_interval(LAYERS[3], groups=clusters)
    assert sorted(set(band[band[:, 0] == 3][:, 1])) == pytest.approx([low, high])


def test_labels_stand_beside_their_own_points(shown):
    plots.scatter_map([[0, 0], [1, 1]], ["a", "b"], labels=["first", "second"], **FEW)
    (ax,) = shown[0].axes
    assert {text.get_text(): text.xy for text in ax.texts} == {"first": (0, 0), "second": (1, 1)}


# --------------------------------------------------------------------------------- the map to touch

POINTS = np.array([[0, 0], [1, 0], [9, 9], [1, 1]])
TEXTS = ["cat", "dog", "<b>car</b>", "wildcat"]
GROUPS = ["animals", "animals", "vehicles", "animals"]


def test_a_text_is_found_by_its_name_or_else_by_a_part_of_it():
    assert map_explorer.search(TEXTS, "CAT") == 0
    assert map_explorer.search(TEXTS, "wild") == 3
    assert map_explorer.search(TEXTS, "horse") is None


def test_typing_selects_a_text_and_its_nearest_and_a_lasso_lists_by_group():
    box = map_explorer.explorer(POINTS, TEXTS, GROUPS, "Fields <lie> together")
    heading, find, message, drawn, listed = box.children
    assert "Fields &lt;lie&gt; together" in heading.value
    find.value = "cat"
    assert drawn.selection.tolist() == [0, 1, 3, 2]  # itself, then the nearest first
    assert "<b>cat (animals)</b>. Nearest on the map: dog (animals), wildcat" in listed.value
    assert "&lt;b&gt;car" in listed.value and "<b>car" not in listed.value
    find.value = "<i>"
    assert "“&lt;i&gt;” is not on the map" in message.value
    drawn.selection = np.array([2, 1], dtype="uint32")
    assert "<b>2 chosen</b>" in listed.value and "vehicles: &lt;b&gt;car" in listed.value
    find.value = ""
    assert not message.value and not len(drawn.selection)


def test_without_jupyter_scatter_the_map_is_a_picture(shown, monkeypatch):
    monkeypatch.setitem(sys.modules, "jscatter", None)
    map_explorer.touch_map(POINTS, TEXTS, GROUPS, **FEW)
    assert faults(shown[0]) == []
