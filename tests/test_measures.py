"""Values with their intervals: what is drawn, where, and what is refused."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from course_utils import plots
from course_utils.errors import BadInput
from tests.pictures import faults, texts

NAMES = ["static mean", "layer 5, mean", "mean"]
VALUES, LIMITS = [0.33, 0.49, 0.58], [(0.22, 0.43), (0.39, 0.58), (0.49, 0.66)]


def drawn(**options):
    fig = plots.figure(8, 3)
    ax = plots.axes(fig)
    plots.intervals(ax, NAMES, VALUES, LIMITS, xlabel="Spearman", title="The last wins", **options)
    return fig, ax


def test_each_system_has_its_dot_its_whisker_and_its_number_in_its_row():
    fig, ax = drawn()
    whiskers, dots = ax.lines[::2], ax.lines[1::2]
    for row, (value, limits) in enumerate(zip(VALUES, LIMITS, strict=True)):
        assert tuple(whiskers[row].get_xdata()) == limits
        assert set(whiskers[row].get_ydata()) == {row}
        assert (dots[row].get_xdata()[0], dots[row].get_ydata()[0]) == (value, row)
    assert [label.get_text() for label in ax.get_yticklabels()] == NAMES
    assert ax.get_ylim()[0] > ax.get_ylim()[1]  # the first is at the top
    assert {"0.33", "0.49", "0.58", "Spearman", "The last wins"} <= set(texts(fig))
    assert faults(fig) == []


def test_groups_choose_the_colours():
    _, ax = drawn(groups=[1, 2, 0])
    assert [to_hex(dot.get_color()) for dot in ax.lines[1::2]] == [
        plots.colour(group).lower() for group in (1, 2, 0)
    ]


def test_the_reference_is_drawn_and_named_without_covering_anything():
    fig, ax = drawn(reference=0.0, reference_label="chance")
    (line,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert set(line.get_xdata()) == {0.0}
    assert "chance" in texts(fig) and faults(fig) == []


@pytest.mark.parametrize(
    "names, values, limits, options, message",
    [
        ([], [], [], {}, "at least one: there are 0 names"),
        (["a"], [1, 2], [(0, 2)], {}, "1 names, 2 values, 1 limits"),
        (["a"], [1], [(0, 2)], {"groups": [0, 1]}, "2 groups"),
        (["a"], [3], [(0, 2)], {}, "'a': 3 does not lie between 0 and 2"),
        (["a"], [1], [(2, 0)], {}, "'a': 1 does not lie between 2 and 0"),
        (["a"], [np.nan], [(0, 2)], {}, "'a': nan does not lie between 0 and 2"),
    ],
)
def test_what_does_not_fit_is_refused(names, values, limits, options, message):
    with pytest.raises(BadInput, match=message):
        plots.intervals(plots.axes(plots.figure(4, 3)), names, values, limits, **options)
