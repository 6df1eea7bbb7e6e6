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
from course_utils.errors import BadInput
from course_utils.explorers import panel
from course_utils.explorers.loss_explorer import LossMachine, compute, picture, view
from tests.pictures import faults, texts
from tests.widgets import PNG, everything_in, newer_than_7_7, parts, presented_by, said

START = LossMachine()
NASTY = "<img_src=x_onerror=alert(1)>"


def typed(matrix) -> str:
    return "\n".join(" ".join(f"{value}" for value in row) for row in matrix)


def made(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (size, size)).round(2)


# --------------------------------------------------------------------------------- the numbers


def test_two_pairs_by_hand():
    # Scale 2 makes the first row (1, 0) and the second (0, 1).
    found = compute(LossMachine("0.5 0\n0 0.5", 0.5))
    right = math.e / (math.e + 1)
    assert found.loss == pytest.approx(-math.log(right))
    np.testing.assert_allclose(found.softmax, [[right, 1 - right], [1 - right, right]])
    pull = (1 - right) / 2
    np.testing.assert_allclose(found.gradient, [[-pull, pull], [pull, -pull]])


@pytest.mark.parametrize("temperature", [0.02, 0.1, 1.0])
def test_loss_and_gradient_are_those_of_the_course(temperature):
    matrix = made(5)
    found = compute(LossMachine(typed(matrix), temperature))
    scores = (torch.tensor(matrix) / temperature).requires_grad_()
    loss = contrastive_loss(scores)
    loss.backward()
    assert found.loss == pytest.approx(loss.item()) == pytest.approx(found.losses.mean())
    np.testing.assert_allclose(found.gradient, scores.grad, atol=1e-12)
    np.testing.assert_allclose(found.gradient, (found.softmax - np.eye(5)) / 5, atol=1e-12)


def test_a_question_looks_along_its_row():
    assert compute(LossMachine("0.5 0.9\n0.1 0.8")).right.tolist() == [False, True]


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0])
def test_no_cosines_cost_less_than_the_least(temperature):
    found = compute(LossMachine(typed(2 * np.eye(4) - 1), temperature))
    assert found.loss == pytest.approx(found.least)
    others = (compute(LossMachine(typed(made(4, seed)), temperature)).loss for seed in range(20))
    assert min(others) > found.least


def test_the_first_batch_makes_its_point():
    found = compute(START)
    assert found.right.tolist() == [True, True, False, True]
    assert found.losses.argmax() == 2 and found.loss < found.chance
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
    ("scores", "message"),
    [
        (" \n\t", "The matrix is empty: type one."),
        ("[]", "2 to 6 rows are needed, one a question, and not 0."),
        ("1 0\n" * 7, "2 to 6 rows are needed, one a question, and not 7."),
        ("1 0\n0", "Numbers in row 2: 1. There are 2 rows: type 2 numbers in each"),
        ("0,5 0,1\n0,1 0,5", "Numbers in row 1: 4."),
        ("1 0\n0 x", "Row 2 holds “x”, which is no cosine: type numbers from -1 to 1"),
        ("1 1.01\n0 1", "Row 1 holds “1.01”, which is no cosine"),
        ("1 nan\n0 1", "Row 1 holds “nan”, which is no cosine"),
        (f"1 {'9' * 500}\n0 1", f"Row 1 holds “{'9' * 20}”, which is no cosine"),
        ("1 " * 50_000, "The matrix has 99,999 characters: type one of at most 600."),
        ("1 0\n0 \ud83d", "The matrix holds half a character"),
    ],
)
def test_bad_input_gets_a_sentence_that_says_what_to_do(scores, message):
    with pytest.raises(BadInput, match=re.escape(message)) as refused:
        view(LossMachine(scores))
    assert str(refused.value).endswith(".")
    str(refused.value).encode("utf-8")  # it can be sent to the browser


# ----------------------------------------------------------------------------------- the words


def test_the_words_tell_the_loss_its_chance_line_and_the_scale():
    read, found = said(view(START)), compute(START)
    assert f"Loss {found.loss:.2f}; chance is ln 4 = 1.39. Equal scores would cost more." in read
    assert "Temperature 0.10 is scale 10: the softmax reads 10 × cosine." in read
    hot = view(replace(START, temperature=1.0))
    assert f"would cost {math.log(1 + 3 * math.exp(-2)):.2f} then." in said(hot)
    equal = view(LossMachine("0 0\n0 0"))
    assert "Loss 0.69; chance is ln 2 = 0.69. That is what equal scores cost." in said(equal)
    assert "Equal scores would cost less" in said(view(LossMachine("0 1\n1 0")))


def test_the_table_has_a_row_a_question_the_mean_and_chance():
    found = compute(START)
    heading, *rows, mean, chance = (
        re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
        for row in re.findall(r"<tr>(.*?)</tr>", view(START).html)
    )
    assert heading == ["", "share of the right answer", "loss, −ln(share)", "first?"]
    firsts = "yes yes no yes".split()
    for number, (row, loss, first) in enumerate(zip(rows, found.losses, firsts, strict=True), 1):
        assert row == [f"question {number}", f"{math.exp(-loss):.2f}", f"{loss:.2f}", first]
    assert mean == ["mean", "", f"{found.loss:.2f}", "3 of 4"]
    assert chance == ["chance: equal scores", "0.25", "1.39", ""]


def test_no_number_is_minus_zero():
    read = said(view(LossMachine("1 -1\n-1 1", 0.02)))
    assert "Loss 0.00" in read and "-0.00" not in read


# --------------------------------------------------------------------------------- the picture


def test_the_picture_shows_the_matrices_on_fixed_scales():
    for temperature in (0.05, 1.0):
        found = compute(replace(START, temperature=temperature))
        shown = [image for ax in picture(found).axes for image in ax.images]
        matrices = (found.cosines, found.softmax, found.gradient)
        for image, matrix in zip(shown, matrices, strict=True):
            np.testing.assert_array_equal(image.get_array(), matrix)
        assert [image.get_clim() for image in shown] == [(-1, 1), (0, 1), (-0.25, 0.25)]


def test_the_title_says_what_was_found():
    found = compute(START)
    title = f"Loss {found.loss:.2f}, chance 1.39: 3 of 4 questions put their answer first"
    assert title in texts(picture(found))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("size", range(2, 7))
def test_nothing_overlaps_and_nothing_is_cut_off(size):
    for matrix, temperature in ((made(size), 1.0), (1 - 2 * np.eye(size), 0.02)):
        assert faults(picture(compute(LossMachine(typed(matrix), temperature)))) == []


# ---------------------------------------------------------------------------- the widgets, wired


@pytest.fixture
def box(monkeypatch):
    """The widget, not displayed."""
    return presented_by(explorers.loss_machine, monkeypatch)[0]


def test_it_opens_with_the_default_view_under_the_classes_that_a_browser_test_looks_for(box):
    controls, message, picture, words = parts(box)
    assert {"course-explorer", "explorer-loss-machine"} <= set(box._dom_classes)
    assert [control.value for control in controls] == [
        getattr(START, field.name) for field in fields(LossMachine)
    ]
    shown = view(START)
    assert (bytes(picture.value), words.value, message.value) == (shown.png, shown.html, "")
    assert shown.png.startswith(PNG)


@pytest.mark.parametrize(("field", "value"), [("scores", "0.9 0\n0.1 0.8"), ("temperature", 0.5)])
def test_every_control_changes_the_picture(box, field, value):
    controls, message, picture, words = parts(box)
    before = bytes(picture.value)
    names = [each.name for each in fields(LossMachine)]
    controls[names.index(field)].value = value
    shown = view(replace(START, **{field: value}))
    assert bytes(picture.value) == shown.png != before
    assert words.value == shown.html and message.value == ""


def test_after_bad_input_the_picture_stays_and_good_input_clears_the_message(box):
    controls, message, picture, words = parts(box)
    before = bytes(picture.value), words.value
    controls[0].value = f"{NASTY} 0\n0 1"
    assert html.escape(NASTY[:20]) in message.value and "<img" not in message.value
    assert "last input that worked" in message.value
    assert (bytes(picture.value), words.value) == before
    controls[0].value = START.scores
    assert message.value == "" and (bytes(picture.value), words.value) == before


def test_only_what_ipywidgets_7_7_has_is_set(box):
    assert len(everything_in(box)) == 7
    assert newer_than_7_7(box) == []


# ------------------------------------------------------------------------------------- the table


def test_a_table_is_escaped_and_its_first_cells_name_rows_and_columns():
    shown = panel.table(("", "<b>"), [("a & b", "1"), ("c", "2")])
    assert re.findall(r"<th [^>]*>", shown)[0].startswith('<th scope="col"')
    assert shown.count('scope="row"') == 2 and "&lt;b&gt;" in shown and "a &amp; b" in shown
    assert shown.count("<td") == 2
