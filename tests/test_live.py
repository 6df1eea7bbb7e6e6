"""The live curve: which points it holds, when it is drawn again, and what remains of it."""

import base64

import numpy as np
import pytest

from course_utils import live, plots
from course_utils.plots import output
from tests.pictures import faults, texts

pytestmark = pytest.mark.filterwarnings("error")
ALT = "The loss falls below the chance line."


@pytest.fixture
def shown(monkeypatch):
    """What `display` was called with, oldest first: pairs (bundle, options)."""
    calls = []
    monkeypatch.setattr(output, "display", lambda bundle, **more: calls.append((bundle, more)))
    return calls


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until a test sets `clock.now`."""

    class Clock:
        now = 100.0

        def monotonic(self) -> float:
            return self.now

    found = Clock()
    monkeypatch.setattr(live, "time", found)
    return found


@pytest.fixture
def curve(shown, clock):
    return live.LiveCurve("The loss falls", reference={"chance": 3.0, "frequency only": 2.5})


def test_it_begins_with_one_widget_and_no_picture_to_store(curve, shown):
    ((bundle, options),) = shown
    assert set(bundle) == {"text/plain", output.WIDGET}
    assert bundle[output.WIDGET]["model_id"] == curve._picture.model_id
    assert bundle["text/plain"].startswith("[a live curve") and options["raw"] is True
    assert curve._picture.value == plots.png(curve.figure()) and curve._picture.format == "png"


def test_it_draws_every_point_and_every_reference(curve):
    for step in range(5):
        curve.add(step * 10, loss=3 - step / 2)
    (ax,) = curve.figure().axes
    line, chance, frequency = ax.lines
    assert list(line.get_xdata()) == [0, 10, 20, 30, 40]
    assert list(line.get_ydata()) == [3, 2.5, 2, 1.5, 1] and line.get_label() == "loss"
    assert list(chance.get_ydata()) == [3, 3] and list(frequency.get_ydata()) == [2.5, 2.5]
    assert chance.get_linestyle() != frequency.get_linestyle()
    read = texts(curve.figure())
    assert {"The loss falls", "step", "loss (nats)", "loss", "chance", "frequency only"} <= set(
        read
    )
    assert faults(curve.figure()) == []


def test_several_series_differ_in_more_than_colour(shown):
    curve = live.LiveCurve("Two", xlabel="epoch", ylabel="share")
    for step in range(100):
        curve.add(step, train=step / 100, test=step / 200)
    (ax,) = curve.figure().axes
    train, test = ax.lines
    assert list(test.get_ydata()) == [step / 200 for step in range(100)]
    assert train.get_color() != test.get_color() and train.get_marker() != test.get_marker()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("epoch", "share")


def test_it_is_drawn_again_when_a_second_has_passed(curve, clock):
    first = curve._picture.value
    curve.add(1, loss=2.0)
    clock.now += 1.0
    curve.add(2, loss=1.9)
    assert curve._picture.value == first
    clock.now += 0.1
    curve.add(3, loss=1.8)
    second = curve._picture.value
    assert second == plots.png(curve.figure()) != first
    clock.now += 0.9  # counted from the last picture
    curve.add(4, loss=1.7)
    assert curve._picture.value == second


def test_finish_shows_the_figure_and_takes_the_widget_away(curve, shown):
    for step in range(3):
        curve.add(step, loss=float(step))
    curve.finish(ALT)
    _, (bundle, options), _ = shown
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    assert options["metadata"]["image/png"]["alt"] == ALT
    assert curve._picture.comm is None  # closed


def test_a_training_that_diverges_leaves_a_gap(curve):
    for step, loss in enumerate([1.0, np.nan, np.inf, 2.0]):
        curve.add(step, loss=loss)
    assert plots.png(curve.figure()).startswith(b"\x89PNG")


def test_without_references_and_points_there_is_no_legend(shown, recwarn, caplog):
    curve = live.LiveCurve("Empty")
    assert curve.figure().axes[0].get_legend() is None
    assert not recwarn.list and not caplog.records
