"""Every figure: what is drawn, that it can be read, and that it is shown with words."""

import base64
import gc
import html
import re
import struct
import sys
import weakref

import ipywidgets
import numpy as np
import pytest
import torch
from matplotlib import colormaps, rcParams
from matplotlib.colors import to_hex
from matplotlib.mathtext import MathTextParser

from course_utils import plots
from course_utils.errors import BadInput
from course_utils.plots import output
from course_utils.plots.style import READABLE
from tests.helpers import run_python
from tests.pictures import drawn, faults, texts

NASTY = "<img src=x onerror=alert(1)> & \"'"
WORDS = ["king", "queen", "apple", "orange", "thunderstorm"]
RANDOM = np.random.default_rng(0)

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def ax():
    return plots.axes(plots.figure())


@pytest.fixture
def shown(monkeypatch):
    """What `display` was called with, oldest first: pairs (bundle, options)."""
    calls = []
    monkeypatch.setattr(output, "display", lambda bundle, **more: calls.append((bundle, more)))
    return calls


# One figure of each kind, about as the lessons draw them.


def a_heatmap(size: int = 5, **options):
    fig = plots.figure(7, 6)
    names = [WORDS[index % 5] + "s" * (index // 5) for index in range(size)]
    matrix = np.linspace(-0.2, 1, size * size).reshape(size, size)
    plots.charts.heatmap(plots.axes(fig), matrix, names, title="Fields are warm squares", **options)
    return fig


def two_maps(legend: bool | str = True):
    fig = plots.figure(11, 5.6)
    for left, ax in zip((True, False), plots.axes(fig, 1, 2), strict=True):
        points = np.random.default_rng(left).normal(size=(150, 2))
        plots.charts.scatter_map(
            ax,
            points,
            [f"category {row // 15}" for row in range(150)],
            title="PCA" if left else "UMAP",
            note="trustworthiness 0.83 · keeps 41% of the 10 nearest neighbours (chance 7%)",
            legend=legend and not left,
        )
    return fig


def some_lines():
    fig = plots.figure()
    ax = plots.axes(fig)
    same, other = np.linspace(0.5, 0.9, 7), np.linspace(0.4, 0.3, 7)
    plots.charts.lines(
        ax,
        range(7),
        {"same sense": same, "other sense": other},
        title="Senses separate",
        xlabel="layer",
        ylabel="mean cosine",
        bands={"same sense": (same - 0.1, same + 0.1)},
        chance=0.47,
        chance_label="guessing",
    )
    ax.set_ylim(0, 1.6)  # room for the legend
    return fig


FIGURES = {
    "heatmap": a_heatmap,
    "heatmap with 144 numbers": lambda: a_heatmap(12),
    "heatmap with breaks": lambda: a_heatmap(16, breaks=(4, 8), low=0.0),
    "maps": two_maps,
    "lines": some_lines,
}


@pytest.fixture(params=FIGURES.values(), ids=FIGURES.keys())
def make(request):
    return request.param


# ------------------------------------------------------------------------------- every figure


def test_nothing_overlaps_and_nothing_is_cut_off(make):
    assert faults(make()) == []


def test_faults_are_seen():
    fig = plots.figure(3, 2)
    fig.set_layout_engine("none")
    for x, text in ((0.1, "here"), (0.11, "there"), (0.95, "too long"), (0.5, "alone")):
        fig.text(x, 0.5, text)
    assert faults(fig) == ["'too long' is cut off", "'here' and 'there' overlap"]


def test_text_on_white_has_contrast(make):
    fig = make()
    cells = {text for ax in fig.axes if ax.images for text in ax.texts}
    pale = [
        text.get_text()
        for text, _ in drawn(fig)
        if text not in cells and plots.contrast(text.get_color(), "white") < READABLE
    ]
    assert pale == []


def test_equal_figures_are_equal_bytes_and_tell_no_time(make):
    picture = plots.png(make())
    assert picture == plots.png(make())
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    kinds, at = set(), 8
    while at < len(picture):
        size, kind = struct.unpack(">I4s", picture[at : at + 8])
        kinds.add(kind)
        at += size + 12
    assert kinds == {b"IHDR", b"pHYs", b"IDAT", b"IEND"}  # no tEXt, no tIME


def test_the_bytes_are_those_of_savefig(make, tmp_path):
    make().savefig(tmp_path / "figure.png", metadata={"Software": None})
    assert plots.png(make()) == (tmp_path / "figure.png").read_bytes()


def test_a_figure_has_the_size_asked_for():
    picture = plots.png(plots.figure(5, 2))
    assert struct.unpack(">II", picture[16:24]) == (5 * plots.DPI, 2 * plots.DPI)


def test_no_figure_lingers(make, shown):
    fig = make()
    plots.show(fig, "Something to see.")
    gone = weakref.ref(fig)
    del fig
    gc.collect()
    assert gone() is None


def test_pyplot_is_not_needed():
    code = """
import sys
from course_utils import plots
fig = plots.figure()
plots.charts.lines(plots.axes(fig), [1, 2], {"one": [1, 2]})
plots.show(fig, "A line.")
assert not {"matplotlib.pyplot", "torch", "umap"} & set(sys.modules)
"""
    run = run_python("-c", code)
    assert run.returncode == 0, run.stderr


def test_a_dollar_is_a_dollar(monkeypatch):
    monkeypatch.setattr(MathTextParser, "parse", lambda *_args, **_more: pytest.fail("a formula"))
    price = r"$x$ and $\frac{1}{0}$"
    fig = plots.figure(24, 6)
    one, two, three = plots.axes(fig, 1, 3)
    plots.charts.heatmap(one, [[1.0]], [price], title=price, bar=price)
    plots.charts.scatter_map(two, [[0, 0]], [price], [price], title=price, note=price)
    plots.charts.lines(three, [1], {price: [1]}, title=price, xlabel=price, ylabel=price)
    assert texts(fig).count(price) == 12


# --------------------------------------------------------------------------------- the style


def test_the_style_holds_for_all_of_matplotlib():
    for name, value in plots.STYLE.items():
        assert rcParams[name] in (value, [value]), name


def test_contrast_is_that_of_wcag():
    assert plots.contrast("black", "white") == pytest.approx(21)
    assert plots.contrast("#777777", "white") == pytest.approx(4.48, abs=0.005)
    assert plots.contrast("white", "#767676") == pytest.approx(4.54, abs=0.005)
    assert plots.contrast("#0000FF", (1, 1, 1)) == pytest.approx(8.59, abs=0.005)
    assert plots.contrast("red", "red") == 1


def test_the_colours_of_text_can_be_read():
    for name in ("ink", "grey", "blue"):
        assert plots.contrast(plots.PALETTE[name], "white") >= READABLE, name


def test_series_have_ten_colours_and_then_begin_again():
    assert len({plots.colour(index) for index in range(10)}) == 10
    assert plots.colour(10) == plots.colour(0) == plots.PALETTE["blue"]


def test_axes_are_one_or_an_array():
    one = plots.axes(plots.figure())
    assert one.figure.axes == [one]
    six = plots.axes(plots.figure(), 2, 3, sharex=True)
    assert six.shape == (2, 3) and six[0, 0].get_shared_x_axes().joined(six[0, 0], six[1, 2])


# ----------------------------------------------------------------------------------- heatmap


def cells(ax) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_a_heatmap_names_its_rows_and_columns(ax):
    plots.charts.heatmap(
        ax, [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]], ["a", "b"], ["x", "y", "z"], title="Why"
    )
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["x", "y", "z"]
    assert ax.get_title(loc="left") == "Why"
    assert cells(ax) == [".10", ".20", ".30", ".40", ".50", ".60"]
    assert [text.get_position() for text in ax.texts[:3]] == [(0, 0), (1, 0), (2, 0)]
    assert ax.get_aspect() == "auto"


@pytest.mark.parametrize(
    ("low", "high", "colours", "ends"),
    [
        (-1, 1, plots.DIVERGING, (-1, 1)),
        (-0.2, 1, plots.DIVERGING, (-1, 1)),  # white stays at 0
        (-2, 1, plots.DIVERGING, (-2, 2)),
        (0, 1, plots.SEQUENTIAL, (0, 1)),
        (0.5, 0.9, plots.SEQUENTIAL, (0.5, 0.9)),
    ],
)
def test_a_scale_with_negative_values_has_two_colours(ax, low, high, colours, ends):
    image = plots.charts.heatmap(ax, [[0.5]], ["one"], low=low, high=high)
    assert image.cmap.name == colours and image.get_clim() == ends
    side = ax.figure.axes[1]
    assert side.get_ylabel() == "cosine similarity" and side.get_ylim() == (low, high)
    assert ax.get_aspect() == 1


def test_the_colour_scale_can_be_renamed_and_left_out(ax):
    plots.charts.heatmap(ax, [[1]], ["a"], bar="attention")
    assert ax.figure.axes[1].get_ylabel() == "attention"
    bare = plots.axes(plots.figure())
    plots.charts.heatmap(bare, [[1]], ["a"], bar=None)
    assert len(bare.figure.axes) == 1


@pytest.mark.parametrize(
    ("shape", "numbers", "written"),
    [
        ((10, 15), None, 150),
        ((10, 16), None, 0),
        ((2, 2), False, 0),
        ((16, 16), True, 256),
    ],
)
def test_numbers_are_written_where_there_is_room_or_on_demand(ax, shape, numbers, written):
    names = ["x"] * 16
    plots.charts.heatmap(ax, np.ones(shape), names[: shape[0]], names[: shape[1]], numbers=numbers)
    assert len(ax.texts) == written


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.974, ".97"),
        (-0.05, "-.05"),
        (0, ".00"),
        (-0.001, ".00"),
        (0.999, "1"),
        (1, "1"),
        (-1, "-1"),
        (-0.5, "-.50"),
        (10.05, "10.05"),
        (11, "11.00"),
        (-21.0, "-21.00"),
        (float("nan"), None),
    ],
)
def test_numbers_are_brief(ax, value, text):
    plots.charts.heatmap(ax, [[value]], ["a"], low=-30, high=30)
    assert cells(ax) == ([] if text is None else [text])


@pytest.mark.parametrize("low", [-1, 0])
def test_every_number_can_be_read_on_its_cell(ax, low):
    values = np.linspace(low, 1, 201)[None]
    image = plots.charts.heatmap(ax, values, ["a"], ["b"] * 201, low=low, numbers=True)
    inks = [text.get_color() for text in ax.texts]
    shades = image.cmap(image.norm(values[0]))
    assert min(map(plots.contrast, inks, shades)) >= READABLE
    assert set(inks) == {"black", "white"}


def test_breaks_separate_rows_and_in_a_square_columns_too(ax):
    plots.charts.heatmap(ax, np.eye(4), list("abcd"), breaks=(1, 3))
    levels = [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines]
    assert levels == [(0, 0.5), (0.5, 0), (0, 2.5), (2.5, 0)]
    assert {to_hex(line.get_color()) for line in ax.lines} == {"#ffffff"}
    wide = plots.axes(plots.figure())
    plots.charts.heatmap(wide, np.ones((2, 3)), list("ab"), list("xyz"), breaks=(1,))
    assert len(wide.lines) == 1


def test_a_heatmap_takes_tensors_and_lists(ax):
    image = plots.charts.heatmap(ax, torch.eye(2), ["a", "b"])
    np.testing.assert_array_equal(image.get_array(), np.eye(2))


# ------------------------------------------------------------------------------- scatter_map


def test_a_map_draws_every_point_in_its_groups_colour_and_marker(ax):
    points = RANDOM.normal(size=(24, 2))
    groups = [f"group {row % 12}" for row in range(24)]
    plots.charts.scatter_map(ax, points, groups, title="A map")
    assert len(ax.collections) == 12
    markers = set()
    for index, dots in enumerate(ax.collections):
        np.testing.assert_allclose(dots.get_offsets(), points[[index, index + 12]])
        assert dots.get_label() == f"group {index}"
        (path,) = dots.get_paths()
        assert to_hex(dots.get_facecolor()[0]).upper() == plots.colour(index).upper()
        markers.add(path.vertices.tobytes())
    assert len(markers) == 12
    assert ax.get_title(loc="left") == "A map"


def test_a_map_has_no_ticks_and_says_how_honest_it_is(ax):
    plots.charts.scatter_map(
        ax, [[0, 0], [5, 5]], ["a", "b"], note="trust 0.9 · keeps 40%", legend=False
    )
    assert texts(ax.figure) == ["trust 0.9\nkeeps 40%"]
    assert len(ax.get_xticks()) == len(ax.get_yticks()) == 0


def test_labels_stand_at_their_points(ax):
    plots.charts.scatter_map(ax, [[0, 1], [5, 5]], ["a", "a"], ["king", "queen"], legend=False)
    assert [(text.get_text(), text.xy) for text in ax.texts] == [
        ("king", (0, 1)),
        ("queen", (5, 5)),
    ]


def test_the_legend_is_right_of_the_map_above_the_points_or_nowhere():
    def laid_out(legend):
        fig = plots.figure(4, 4)
        ax = plots.axes(fig)
        corners = [[0, 0], [0, 1], [1, 0], [1, 1]]
        plots.charts.scatter_map(ax, corners, ["first sense", "b", "b", "c"], legend=legend)
        drawn(fig)  # lays it out
        return ax, ax.get_legend(), ax.transData.transform(corners)

    ax, legend, _ = laid_out(True)
    assert legend.get_window_extent().x0 >= ax.get_window_extent().x1
    assert [text.get_text() for text in legend.get_texts()] == ["first sense", "b", "c"]
    ax, legend, pixels = laid_out("above")
    box = legend.get_window_extent()
    assert box.y0 > pixels[:, 1].max() + 5 and box.y1 <= ax.get_window_extent().y1
    assert laid_out(False)[1] is None


# ------------------------------------------------------------------------------------- lines


def test_lines_have_their_values_colours_markers_and_names(ax):
    plots.charts.lines(
        ax, range(3), {"one": [1, 2, 3], "two": torch.tensor([3.0, 2, 1])}, chance=0.5
    )
    one, two, chance = ax.lines
    assert list(two.get_xdata()) == [0, 1, 2] and list(two.get_ydata()) == [3, 2, 1]
    assert (one.get_color(), two.get_color()) == (plots.colour(0), plots.colour(1))
    assert one.get_marker() != two.get_marker()
    assert list(chance.get_ydata()) == [0.5, 0.5] and chance.get_linestyle() == "--"
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["one", "two", "chance"]


def test_lines_are_titled_and_labelled():
    fig = some_lines()
    (ax,) = fig.axes
    labels = (ax.get_title(loc="left"), ax.get_xlabel(), ax.get_ylabel())
    assert labels == ("Senses separate", "layer", "mean cosine")
    assert "guessing" in texts(fig) and "chance" not in texts(fig)


def test_a_band_reaches_from_its_lower_to_its_upper_ends(ax):
    bands = {"two": ([0, 1, 2], [4, 5, 6])}
    plots.charts.lines(ax, [1, 2, 3], {"one": [9, 9, 9], "two": [2, 3, 4]}, bands=bands)
    (band,) = ax.collections
    corners = {tuple(corner) for corner in band.get_paths()[0].vertices}
    assert corners == {(1, 0), (2, 1), (3, 2), (1, 4), (2, 5), (3, 6)}
    assert to_hex(band.get_facecolor()[0]).upper() == plots.colour(1).upper()
    assert len(ax.lines) == 2  # no chance line unless asked for


# --------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plots.show(plots.figure(), ""), "needs a description"),
        (lambda: plots.show(plots.figure(), " \n"), "needs a description"),
        (lambda: plots.table([], []), "at least one heading"),
        (lambda: plots.table(["a", "b"], [["1", "2"], ["3"]]), "Row 1 .* has 1 cells for 2"),
        (lambda: plots.tokens_strip(["a"], []), "1 tokens and weights of shape \\(0,\\)"),
        (lambda: plots.tokens_strip(["a"], [-0.1]), "0 or more"),
        (lambda: plots.tokens_strip(["a"], [float("nan")]), "0 or more"),
        (lambda: plots.tokens_strip(["a"], [1], 1), "no token number 1: there are 1"),
        (lambda: plots.tokens_strip(["a", "b"], [1, 1], [0, -1]), "no token number -1"),
    ],
)
def test_bad_input_is_refused_in_words(call, message, shown):
    with pytest.raises(BadInput, match=message):
        call()
    assert not shown


# ---------------------------------------------------------------------------------- the page


def test_show_attaches_the_description_three_times(shown):
    fig, alt = some_lines(), 'Two lines: one rises & one falls, "slowly".'
    plots.show(fig, alt)
    (picture, options), (described, more) = shown
    assert base64.b64decode(picture["image/png"]) == plots.png(some_lines())
    assert picture["text/plain"] == f"[figure] {alt}" and set(picture) == {
        "image/png",
        "text/plain",
    }
    assert options == {"metadata": {"image/png": {"alt": alt}}, "raw": True}
    assert described["text/html"].startswith("<details ") and more == {"raw": True}
    assert f"</summary>{html.escape(alt)}</details>" in described["text/html"]


def test_the_description_is_escaped(shown):
    plots.show(plots.figure(1, 1), NASTY)
    assert "<img" not in shown[1][0]["text/html"] and html.escape(NASTY) in shown[1][0]["text/html"]


def test_one_output_holds_a_widget_its_picture_and_its_words(shown):
    slider = ipywidgets.IntSlider()
    plots.show_widget(slider, "[a slider]", b"PNG", "A slider.")
    ((bundle, options),) = shown
    view = bundle.pop(output.WIDGET)
    assert view == {"version_major": 2, "version_minor": 0, "model_id": slider.model_id}
    assert bundle == {"text/plain": "[a slider]", "image/png": base64.b64encode(b"PNG").decode()}
    assert options == {"metadata": {"image/png": {"alt": "A slider."}}, "raw": True}


def test_a_widget_without_a_picture_needs_no_description_and_one_with_a_picture_does(shown):
    plots.show_widget(ipywidgets.IntSlider(), "[a slider]")
    ((bundle, options),) = shown
    assert set(bundle) == {"text/plain", output.WIDGET} and options["metadata"] == {}
    with pytest.raises(BadInput, match="needs a description"):
        plots.show_widget(ipywidgets.IntSlider(), "[a slider]", b"PNG")
    assert len(shown) == 1


def test_on_colab_a_widget_shows_itself(shown, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    slider = ipywidgets.IntSlider()
    plots.show_widget(slider, "[a slider]", b"PNG", "A slider.")
    assert shown == [(slider, {})]


def test_a_table_is_escaped_and_has_a_plain_form(shown):
    plots.table(["word", NASTY], [[NASTY, 3], ["b", 0.5]])
    ((bundle, options),) = shown
    assert options == {"raw": True}
    assert bundle["text/plain"] == f"word\t{NASTY}\n{NASTY}\t3\nb\t0.5"
    page = bundle["text/html"]
    assert "<img" not in page and "<details" not in page
    heads, rows = (
        re.findall(r"<th [^>]*>(.*?)</th>", page),
        re.findall(r"<td [^>]*>(.*?)</td>", page),
    )
    assert list(map(html.unescape, heads)) == ["word", NASTY]
    assert list(map(html.unescape, rows)) == [NASTY, "3", "b", "0.5"]
    assert page.count("<tr>") == 3


def test_a_table_can_be_folded(shown):
    plots.table(["a"], [["1"]], folded=f"All {NASTY}")
    page = shown[0][0]["text/html"]
    assert page.startswith(f"<details><summary>{html.escape(f'All {NASTY}')}</summary><table>")
    assert page.endswith("</table></details>") and "<img" not in page


# ------------------------------------------------------------------------------ tokens_strip


def spans(strip: str) -> list[tuple[str, str]]:
    """(style, token) of each token."""
    found = re.findall(r'<span style="([^"]*)">(.*?)</span>', strip)
    return [(style, html.unescape(token)) for style, token in found]


def shade(style: str) -> tuple[float, ...]:
    parts = re.search(r"background:rgb\((\d+),(\d+),(\d+)\)", style).groups()
    return tuple(int(part) / 255 for part in parts)


def test_tokens_are_escaped_and_in_order():
    strip = plots.tokens_strip(["a", NASTY, "##b"], [0.1, 0.2, 0.3])
    assert [token for _, token in spans(strip)] == ["a", NASTY, "##b"] and "<img" not in strip


def test_text_can_be_read_on_every_shade():
    weights = np.linspace(0, 1, 101)
    for style, _ in spans(plots.tokens_strip(["x"] * 101, weights)):
        ink = re.search(r"(?<!-)\bcolor:(#\w+)", style)[1]
        assert plots.contrast(ink, shade(style)) >= READABLE


def test_the_largest_weight_is_darkest_and_shades_are_relative():
    strip = plots.tokens_strip(["a", "b", "c"], torch.tensor([0.0, 0.2, 0.1]))
    light = [sum(shade(style)) for style, _ in spans(strip)]
    assert light[0] > light[2] > light[1]
    assert strip == plots.tokens_strip(["a", "b", "c"], [0.0, 1.0, 0.5])
    lightest = colormaps[plots.SEQUENTIAL](0.0, bytes=True)[:3]
    assert shade(spans(strip)[0][0]) == tuple(part / 255 for part in lightest)


def test_no_weight_at_all_is_no_shade():
    first, second = spans(plots.tokens_strip(["a", "b"], [0, 0]))
    assert shade(first[0]) == shade(second[0])
    assert spans(plots.tokens_strip([], [])) == []


@pytest.mark.parametrize(
    ("mark", "outlined"),
    [(None, []), (0, [0]), (np.int64(1), [1]), ([0, 2], [0, 2]), ((), []), (range(1, 3), [1, 2])],
)
def test_one_several_or_no_tokens_are_outlined(mark, outlined):
    found = spans(plots.tokens_strip(["a", "b", "c"], [1, 1, 1], mark))
    assert [index for index, (style, _) in enumerate(found) if "outline:" in style] == outlined
