"""How figures look, and that they are shown with words; what is drawn is in test_figures."""

import base64
import html
import re
import struct
import sys

import ipywidgets
import numpy as np
import pytest
import torch
from matplotlib import rcParams

from course_utils import plots
from course_utils.errors import BadInput
from course_utils.plots import output
from course_utils.plots.style import READABLE
from tests.helpers import run_python
from tests.pictures import faults

NASTY = "<img src=x onerror=alert(1)> & \"'"

pytestmark = pytest.mark.filterwarnings("error")


@pytest.fixture
def shown(monkeypatch):
    """What `display` was called with, oldest first: pairs (bundle, options)."""
    calls = []
    monkeypatch.setattr(output, "display", lambda bundle, **more: calls.append((bundle, more)))
    return calls


def a_figure():
    fig = plots.figure(5, 2)
    plots.axes(fig).plot([1, 2])
    return fig


def test_faults_are_seen():
    fig = plots.figure(3, 2)
    fig.set_layout_engine("none")
    for x, text in ((0.1, "here"), (0.11, "there"), (0.95, "too long"), (0.5, "alone")):
        fig.text(x, 0.5, text)
    assert faults(fig) == ["'too long' is cut off", "'here' and 'there' overlap"]


def test_a_picture_tells_no_time():
    picture = plots.png(a_figure())
    kinds, at = set(), 8
    while at < len(picture):
        size, kind = struct.unpack(">I4s", picture[at : at + 8])
        kinds.add(kind)
        at += size + 12
    assert kinds == {b"IHDR", b"pHYs", b"IDAT", b"IEND"}  # no tEXt, no tIME
    assert struct.unpack(">II", picture[16:24]) == (5 * 110, 2 * 110)


def test_pyplot_is_not_needed():
    code = """
import sys
from course_utils import plots
fig = plots.figure()
plots.axes(fig).plot([1, 2])
plots.show(fig, "A line.")
assert not {"matplotlib.pyplot", "torch", "umap"} & set(sys.modules)
"""
    run = run_python("-c", code)
    assert run.returncode == 0, run.stderr


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


# ---------------------------------------------------------------------------------- the page


def test_show_attaches_the_description_three_times(shown):
    fig, alt = a_figure(), 'Two lines: one rises & one falls, "slowly".'
    plots.show(fig, alt)
    (picture, options), (described, more) = shown
    assert base64.b64decode(picture["image/png"]).startswith(b"\x89PNG")
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


def test_a_figure_needs_a_description(shown):
    with pytest.raises(BadInput, match="needs a description"):
        plots.show(a_figure(), " \n")
    assert not shown


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


@pytest.mark.parametrize(
    ("mark", "outlined"),
    [(None, []), (0, [0]), ([0, 2], [0, 2])],
)
def test_one_several_or_no_tokens_are_outlined(mark, outlined):
    found = spans(plots.tokens_strip(["a", "b", "c"], [1, 1, 1], mark))
    assert [index for index, (style, _) in enumerate(found) if "outline:" in style] == outlined
