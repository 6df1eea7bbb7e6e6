"""The explorer "the loss machine": its numbers, its picture and words, and its wiring."""

import html
import math
import re
from dataclasses import fields, replace

import numpy as np
import pytest
import torch

from course_utils import explorers
from course_utils.dual_encoder import contrastive_loss
from course_utils.explorers import LossMachine, loss_explorer, panel, view_loss_machine
from course_utils.explorers.loss_numbers import BOTH, COLUMNS, DIRECTIONS, ROWS, Batch, compute
from tests.pictures import faults, texts
from tests.widgets import PNG, everything_in, newer_than_7_7, parts, presented_by, said

START = LossMachine()
MATRIX = np.array([[float(cell) for cell in row.split()] for row in START.scores.splitlines()])
NASTY = "<img_src=x_onerror=alert(1)>"


def typed(matrix) -> str:
    return "\n".join(" ".join(f"{value}" for value in row) for row in matrix)


def made(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (size, size)).round(2)


def librarys_loss(scores: torch.Tensor, direction: str) -> torch.Tensor:
    both = direction == BOTH
    return contrastive_loss(scores.T if direction == COLUMNS else scores, symmetric=both)


# --------------------------------------------------------------------------------- the numbers


def test_two_pairs_by_hand():
    # Scale 2 makes the first row (1, 0) and the second (0, 1); columns are the same.
    found = compute(LossMachine("0.5 0\n0 0.5", 0.5))
    right = math.e / (math.e + 1)
    assert found.loss == pytest.approx(-math.log(right))
    np.testing.assert_allclose(found.softmax, [[right, 1 - right], [1 - right, right]])
    pull = (1 - right) / 2
    np.testing.assert_allclose(found.gradient, [[-pull, pull], [pull, -pull]])


@pytest.mark.parametrize("temperature", [0.02, 0.1, 1.0])
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_loss_and_gradient_are_those_of_the_course(direction, temperature):
    matrix = made(5)
    found = compute(LossMachine(typed(matrix), temperature, direction))
    scores = (torch.tensor(matrix) / temperature).requires_grad_()
    loss = librarys_loss(scores, direction)
    loss.backward()
    assert found.loss == pytest.approx(loss.item())
    np.testing.assert_allclose(found.gradient, scores.grad, atol=1e-12)
    one_hot = np.eye(5)
    np.testing.assert_allclose(found.gradient, (found.softmax - one_hot) / 5, atol=1e-12)
    assert np.mean([losses.mean() for losses in found.losses.values()]) == pytest.approx(found.loss)


def test_the_losses_are_those_of_the_direction():
    rows, columns, both = (compute(replace(START, direction=name)).losses for name in DIRECTIONS)
    assert (set(rows), set(columns), set(both)) == ({ROWS}, {COLUMNS}, {ROWS, COLUMNS})
    scores = MATRIX / START.temperature
    by_hand = np.log(np.exp(scores).sum(1)) - scores.diagonal()
    np.testing.assert_allclose(rows[ROWS], by_hand)
    np.testing.assert_allclose(both[ROWS], by_hand)
    by_hand = np.log(np.exp(scores).sum(0)) - scores.diagonal()
    np.testing.assert_allclose(columns[COLUMNS], by_hand)
    np.testing.assert_allclose(both[COLUMNS], by_hand)


def test_the_softmax_sums_to_one_along_the_direction():
    rows, columns, both = (compute(replace(START, direction=name)).softmax for name in DIRECTIONS)
    np.testing.assert_allclose(rows.sum(1), 1)
    np.testing.assert_allclose(columns.sum(0), 1)
    np.testing.assert_allclose(both, (rows + columns) / 2)


@pytest.mark.parametrize("size", range(2, 7))
def test_equal_scores_cost_the_chance_level_at_every_temperature(size):
    for temperature in (0.02, 1.0):
        found = compute(LossMachine(typed(np.full((size, size), 0.3)), temperature, BOTH))
        assert found.loss == pytest.approx(math.log(size)) and found.chance == math.log(size)
        assert not found.right(ROWS).any() and not found.right(COLUMNS).any()  # ties are not right


def test_a_question_looks_along_its_row_and_an_answer_along_its_column():
    found = compute(LossMachine("0.5 0.9\n0.1 0.8"))
    assert found.right(ROWS).tolist() == [False, True]
    assert found.right(COLUMNS).tolist() == [True, False]


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0])
def test_no_cosines_cost_less_than_the_least(temperature):
    best = typed(2 * np.eye(4) - 1)
    found = compute(LossMachine(best, temperature))
    assert found.loss == pytest.approx(found.least)
    others = (compute(LossMachine(typed(made(4, seed)), temperature)).loss for seed in range(20))
    assert min(others) > found.least


def test_the_first_batch_makes_its_point():
    found = compute(START)
    assert found.right(ROWS).tolist() == [True, True, False, True]
    assert found.losses[ROWS].argmax() == 2 and found.loss < found.chance
    assert np.abs(found.gradient).max(1).argmax() == 2


@pytest.mark.parametrize(
    "scores",
    [
        "[[0.5, -0.25],\n [0.0, 1.0]]",
        "  .5\t-.25 \r\n\n 0 , 1 \n",
        "0.5; −0.25\n0; 1e0",  # the minus sign of typeset text
        "[[ 0.5  -0.25]\n [ 0.    1.  ]]",
    ],
)
def test_a_matrix_may_be_typed_or_pasted_in_many_ways(scores):
    np.testing.assert_array_equal(compute(LossMachine(scores)).cosines, [[0.5, -0.25], [0, 1]])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scores": ""}, "The matrix is empty: type one."),
        ({"scores": " \n\t"}, "The matrix is empty: type one."),
        ({"scores": "[]"}, "There are 0 rows: type 2 to 6"),
        ({"scores": "1"}, "There is 1 row: type 2 to 6, one a question"),
        ({"scores": "1 0\n" * 7}, "There are 7 rows: type 2 to 6"),
        ({"scores": "1 0\n0"}, "Row 2 holds 1 number and there are 2 rows: type 2 numbers"),
        ({"scores": "0,5 0,1\n0,1 0,5"}, "Row 1 holds 4 numbers and there are 2 rows"),
        ({"scores": "1 0\n0 x"}, "Row 2 holds “x”, which is no cosine: type numbers from -1 to"),
        ({"scores": "1 1.01\n0 1"}, "Row 1 holds “1.01”, which is no cosine"),
        ({"scores": "1 0\n-2 1"}, "Row 2 holds “-2”, which is no cosine"),
        ({"scores": "1 nan\n0 1"}, "Row 1 holds “nan”, which is no cosine"),
        ({"scores": "1 inf\n0 1"}, "Row 1 holds “inf”, which is no cosine"),
        ({"scores": f"1 {'9' * 500}\n0 1"}, f"Row 1 holds “{'9' * 20}”, which is no cosine"),
        ({"scores": "1 " * 50_000}, "The matrix has 99,999 characters: type one of at most 600."),
        ({"scores": "1 0\n0 \ud83d"}, "The matrix holds half a character"),
        ({"temperature": 0.0}, "There is no temperature 0.0: choose one from 0.02 to 1.0."),
        ({"temperature": math.nan}, "There is no temperature nan"),
        ({"temperature": -0.1}, "There is no temperature -0.1"),
        ({"direction": "up"}, "There is no direction 'up': choose one of question to answer, "),
    ],
)
def test_bad_input_gets_a_sentence_that_says_what_to_do(change, message):
    view = view_loss_machine(replace(START, **change))
    assert view.png is None and not view.html
    assert message in view.message and view.message.endswith(".")
    view.message.encode("utf-8")  # it can be sent to the browser


# ----------------------------------------------------------------------------------- the words


def cells(view: panel.View) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", view.html)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_the_words_tell_the_loss_its_chance_line_and_the_scale():
    view, found = view_loss_machine(START), compute(START)
    assert f"Loss {found.loss:.2f}; chance is ln 4 = 1.39. Equal scores would cost more." in said(
        view
    )
    assert "Temperature 0.10 is scale 10: the softmax reads 10 × cosine." in said(view)
    hot = view_loss_machine(replace(START, temperature=1.0))
    assert f"would cost {math.log(1 + 3 * math.exp(-2)):.2f} then." in said(hot)
    equal = view_loss_machine(LossMachine("0 0\n0 0"))
    assert "Loss 0.69; chance is ln 2 = 0.69. That is what equal scores cost." in said(equal)
    wrong = view_loss_machine(LossMachine("0 1\n1 0"))
    assert "Equal scores would cost less" in said(wrong)


def test_the_table_has_a_row_a_pair():
    heading, *rows = cells(view_loss_machine(START))
    losses = compute(START).losses[ROWS]
    assert heading[1] == "question to answer: share of the right one" and len(heading) == 4
    firsts = "yes yes no yes".split()
    for number, (row, loss, first) in enumerate(zip(rows, losses, firsts, strict=True)):
        assert row == [f"{number + 1}", f"{math.exp(-loss):.2f}", f"{loss:.2f}", first]
    heading, *rows = cells(view_loss_machine(replace(START, direction=BOTH)))
    assert [len(heading), *map(len, rows)] == [7] * 5
    assert heading[4] == "answer to question: share of the right one"


def test_no_number_is_minus_zero():
    view = view_loss_machine(LossMachine("1 -1\n-1 1", 0.02, BOTH))
    assert "Loss 0.00" in said(view) and "-0.00" not in said(view)


def test_equal_states_give_equal_bytes():
    loss_explorer._seen.cache_clear()
    one = view_loss_machine(START)
    loss_explorer._seen.cache_clear()
    assert view_loss_machine(replace(START)) == one


# --------------------------------------------------------------------------------- the picture


def picture(batch: Batch):
    return loss_explorer.picture(batch)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_picture_shows_the_matrices_on_fixed_scales(direction):
    for temperature in (0.05, 1.0):
        found = compute(replace(START, direction=direction, temperature=temperature))
        *matrices, _ = picture(found).axes
        shown = [image for ax in matrices for image in ax.images]
        for image, matrix in zip(
            shown, (found.cosines, found.softmax, found.gradient), strict=True
        ):
            np.testing.assert_array_equal(image.get_array(), matrix)
        assert [image.get_clim() for image in shown] == [(-1, 1), (0, 1), (-0.25, 0.25)]


def test_the_bars_are_the_losses_and_their_mean_with_the_chance_line():
    found = compute(replace(START, direction=BOTH))
    *_, ax = picture(found).axes
    losses = [*found.losses[ROWS], *found.losses[COLUMNS], found.loss]
    np.testing.assert_allclose([bar.get_width() for bar in ax.patches], losses)
    assert [text.get_text() for text in ax.texts] == [f"{loss:.2f}" for loss in losses]
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == "q1 q2 q3 q4 a1 a2 a3 a4 mean".split()
    assert ax.lines[0].get_xdata()[0] == found.chance
    assert "chance 1.39" in texts(ax.figure)


def test_a_loss_that_is_too_large_for_its_bar_has_its_number():
    *_, ax = picture(compute(LossMachine("-1 1\n1 -1", 0.02))).axes
    assert {bar.get_width() for bar in ax.patches} == {2 * math.log(2)}
    assert [text.get_text() for text in ax.texts] == ["100.00"] * 3


@pytest.mark.parametrize(
    ("direction", "picks"),
    [
        (ROWS, "3 of 4 questions put their answer first"),
        (COLUMNS, "3 of 4 answers put their question first"),
        (BOTH, "6 of 8 picks are right"),
    ],
)
def test_the_title_says_what_was_found(direction, picks):
    found = compute(replace(START, direction=direction))
    title = f"Loss {librarys_loss(torch.tensor(10 * MATRIX), direction):.2f}, chance 1.39: {picks}"
    assert title in texts(picture(found))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("size", range(2, 7))
def test_nothing_overlaps_and_nothing_is_cut_off(size, direction):
    for matrix, temperature in ((made(size), 1.0), (1 - 2 * np.eye(size), 0.02)):
        found = compute(LossMachine(typed(matrix), temperature, direction))
        assert faults(picture(found)) == []


def test_nothing_jumps():
    figures = [
        picture(compute(replace(START, direction=direction, temperature=temperature)))
        for direction in DIRECTIONS
        for temperature in (0.02, 1.0)
    ]
    places = {
        tuple((*ax.get_position().bounds, *ax.get_xlim(), *ax.get_ylim()) for ax in fig.axes)
        for fig in figures
    }
    assert len(places) == 1


# ---------------------------------------------------------------------------- the widgets, wired


@pytest.fixture
def presented(monkeypatch):
    """What `present` was given: the widget, and its description."""
    return presented_by(explorers.loss_machine, monkeypatch)


@pytest.fixture
def box(presented):
    return presented[0]


def test_it_opens_with_the_default_view_under_the_classes_that_a_browser_test_looks_for(box):
    controls, message, shown, words = parts(box)
    assert {"course-explorer", "explorer-loss-machine"} <= set(box._dom_classes)
    assert [control.value for control in controls] == [
        getattr(START, field.name) for field in fields(LossMachine)
    ]
    view = view_loss_machine(START)
    assert (bytes(shown.value), words.value, message.value) == (view.png, view.html, "")
    assert view.png.startswith(PNG)


def test_the_description_holds_on_every_machine(presented):
    _, alt = presented
    assert not re.search(r"\d", alt) and "chance line" in alt


@pytest.mark.parametrize(
    ("field", "value"),
    [("scores", "0.9 0\n0.1 0.8"), ("temperature", 0.5), ("direction", BOTH)],
)
def test_every_control_changes_the_picture(box, field, value):
    controls, message, shown, words = parts(box)
    before = bytes(shown.value)
    names = [each.name for each in fields(LossMachine)]
    controls[names.index(field)].value = value
    view = view_loss_machine(replace(START, **{field: value}))
    assert bytes(shown.value) == view.png != before
    assert words.value == view.html and message.value == ""


def test_after_bad_input_the_picture_stays_and_good_input_clears_the_message(box):
    controls, message, shown, words = parts(box)
    before = bytes(shown.value), words.value
    controls[0].value = f"{NASTY} 0\n0 1"
    assert html.escape(NASTY[:20]) in message.value and "<img" not in message.value
    assert "last input that worked" in message.value
    assert (bytes(shown.value), words.value) == before
    controls[0].value = START.scores
    assert message.value == "" and (bytes(shown.value), words.value) == before


def test_the_controls_hold_what_the_view_takes(box):
    (area, temperature, direction), *_ = parts(box)
    assert area.continuous_update is False and area.rows >= 6
    assert tuple(value for _, value in direction.options) == DIRECTIONS
    for extreme in (temperature.min, temperature.max):
        assert not view_loss_machine(replace(START, temperature=extreme)).message


def test_only_what_ipywidgets_7_7_has_is_set(box):
    assert len(everything_in(box)) == 8
    assert newer_than_7_7(box) == []


# ------------------------------------------------------------------------------------- the table


def test_a_table_is_escaped_and_its_first_cells_name_rows_and_columns():
    shown = panel.table(("", "<b>"), [("a & b", "1"), ("c", "2")])
    assert re.findall(r"<th [^>]*>", shown)[0].startswith('<th scope="col"')
    assert shown.count('scope="row"') == 2 and "&lt;b&gt;" in shown and "a &amp; b" in shown
    assert shown.count("<td") == 2
