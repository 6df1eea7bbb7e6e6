"""The explorer "train the heads": its runs, its picture and words, and how its button is wired."""

import re
from dataclasses import dataclass, replace
from functools import partial

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
import torch
from torch.nn.functional import normalize

from course_utils import data, dual_encoder, evaluate, explorers
from course_utils.dual_encoder import Heads, Settings
from course_utils.errors import BadInput
from course_utils.explorers import heads_explorer, panel
from course_utils.explorers.heads_explorer import AMONG, CASES, KEPT, run, untrained, view
from course_utils.explorers.panel import View
from tests.pictures import faults, texts
from tests.widgets import PNG, everything_in, newer_than_7_7, parts, presented_by

WIDTH = 16
FEW = Settings(steps=8, batch=20, learning_rate=1e-2)
LONG = replace(FEW, steps=80)


def made_pairs(rows: int, seed: int) -> heads_explorer.Vectors:
    """Answers that are like their questions, and more like these turned by one rotation."""
    generator = torch.Generator().manual_seed(seed)
    questions = normalize(torch.randn(rows, WIDTH, generator=generator), dim=1)
    turn = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(9)))[0]
    noise = 0.05 * torch.randn(rows, WIDTH, generator=generator)
    return questions, normalize(0.4 * questions + questions @ turn + noise, dim=1)


TRAIN = made_pairs(1200, seed=0)
VALIDATION = {"known": made_pairs(40, seed=1), "new": made_pairs(30, seed=2)}
VECTORS = heads_explorer.vectors.__wrapped__  # those of the facts


@pytest.fixture(autouse=True)
def small(monkeypatch, one_thread):
    """Small vectors in place of the facts."""
    run.cache_clear()
    monkeypatch.setattr(heads_explorer, "vectors", lambda: (TRAIN, VALIDATION))
    yield
    run.cache_clear()


# ------------------------------------------------------------------------------------ the runs


@pytest.mark.parametrize("shared", [False, True])
def test_a_run_is_what_the_training_loop_of_the_course_does(shared):
    heads = Heads(WIDTH, shared)
    losses = dual_encoder.train(heads, *TRAIN, FEW, wordings=2)
    found = run(FEW, shared)
    assert found.losses == losses and len(losses) == 8
    for wording, (questions, answers) in VALIDATION.items():
        asked, right, echoed = (
            each.detach()
            for each in (
                heads.questions(questions),
                heads.answers(answers),
                heads.answers(questions),
            )
        )
        for among, candidates in zip(AMONG, (right, torch.cat([right, echoed])), strict=True):
            scores = (asked @ candidates.T).numpy()
            first = np.array([row.argmax() == place for place, row in enumerate(scores)])
            np.testing.assert_array_equal(found.first[wording, among], first)


def test_the_untrained_encoder_finds_every_question_itself():
    for wording in VALIDATION:
        assert not untrained().first[wording, AMONG[1]].any()
        assert untrained().first[wording, AMONG[0]].any()


def test_two_heads_with_the_echo_term_find_the_answer_and_one_head_never_does():
    def share(shared: bool, echo: float) -> float:
        return run(replace(LONG, echo=echo), shared).first["known", AMONG[1]].mean()

    assert share(shared=False, echo=1) > 0.5
    assert share(shared=True, echo=1) == share(shared=True, echo=0) == 0


def test_the_chance_line_counts_the_questions_where_they_are_negatives():
    assert run(FEW).chance == pytest.approx(np.log(40))
    assert run(replace(FEW, echo=0.0)).chance == pytest.approx(np.log(20))


def test_the_same_settings_again_get_another_seed():
    asked = {"echo": 1.0, "shared": False, "temperature": 0.05, "batch": 256}
    runs: list[heads_explorer.Run] = []
    for change in ({}, {"temperature": 0.05 + 1e-9}, {"shared": True}, {"echo": 0.0}, {}):
        chosen = heads_explorer.settings_of(**asked | change, earlier=runs)
        runs.append(heads_explorer.Run(*chosen, [], {}))
    assert [each.settings.seed for each in runs] == [0, 1, 0, 0, 2]
    assert runs[0].settings == Settings()  # the explorer opens with the course's own
    assert [each.shared for each in runs] == [False, False, True, False, False]


def as_numbers(asked, progress):
    return np.array([[float(text)] for text in asked])


def test_it_trains_on_the_facts_to_train_on_and_ranks_validation_questions_alone(monkeypatch):
    sides = ["train"] * 4 + ["validation"] * 2 + ["held out"]
    wordings = ["known"] * 5 + ["new"] * 2
    names = [f"{row}" for row in range(7)]
    table = {"side": sides, "wording": wordings, "question": names, "answer": names}
    monkeypatch.setattr(data, "fact_questions", lambda: pd.DataFrame(table))
    for side in ("questions", "answers"):
        monkeypatch.setattr(dual_encoder, f"embed_{side}", as_numbers)
    train, validation = VECTORS()
    assert [each.flatten().tolist() for each in train] == [[0, 1, 2, 3]] * 2
    assert {name: pair[0].flatten().tolist() for name, pair in validation.items()} == {
        "known": [4],
        "new": [5],
    }


# ----------------------------------------------------------------------------------- the words


def cells(shown: View) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", shown.html)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_the_table_holds_the_untrained_encoder_and_the_newest_run_first():
    runs = [run(FEW), run(replace(FEW, echo=0.0, seed=3), True), run(replace(FEW, scale=50.0))]
    heading, *rows, _ = cells(view(runs))
    assert heading[6:] == [f"{wording}: {among}" for wording, among in CASES]
    assert [row[0] for row in rows] == ["untrained", "this run", "1 before", "2 before"]
    assert rows[1][1:6] == ["two", "on", "0.02", "20", "0"]
    assert rows[2][1:6] == ["one shared", "off", "0.05", "20", "3"]
    for row, each in zip(rows, (untrained(), *reversed(runs)), strict=True):
        assert row[6:] == [f"{each.first[case].mean():.2f}" for case in CASES]


@pytest.mark.parametrize("earlier", [[], [FEW]])
def test_the_last_row_compares_with_the_run_before_or_with_the_untrained_encoder(earlier):
    runs = [run(each) for each in (*earlier, LONG)]
    *_, row = cells(view(runs))
    name, other = ("1 before", runs[0]) if earlier else ("untrained", untrained())
    assert row[0] == f"this run − {name}"
    for cell, case in zip(row[6:], CASES, strict=True):
        gain = evaluate.paired_difference(runs[-1].first[case], other.first[case])
        assert cell == f"{gain.mean:+z.2f} ({gain.low:+z.2f} to {gain.high:+z.2f})"


# --------------------------------------------------------------------------------- the picture


def test_the_picture_shows_the_losses_the_chance_line_and_the_shares():
    runs = [run(FEW), run(LONG)]
    left, *right = heads_explorer.picture(runs).axes
    loss, chance = left.lines
    np.testing.assert_array_equal(loss.get_ydata(), runs[1].losses)
    assert set(chance.get_ydata()) == {runs[1].chance}
    everyone = (untrained(), runs[1], runs[0])
    for ax, wording in zip(right, VALIDATION, strict=True):
        for dots, among in zip(ax.collections, AMONG, strict=True):
            shares = [each.first[wording, among].mean() for each in everyone]
            np.testing.assert_allclose(dots.get_offsets(), list(zip(shares, range(3), strict=True)))
    names = [label.get_text() for label in right[0].get_yticklabels()]
    assert names == ["untrained", "this run", "1 before"]


def test_the_title_says_what_training_did():
    known, new = (run(LONG).first[wording, AMONG[1]].mean() for wording in VALIDATION)
    title = f"Found first among answers and questions: 0.00 → {known:.2f}, new wordings {new:.2f}"
    assert title in texts(heads_explorer.picture([run(LONG)]))


@pytest.mark.filterwarnings("error")
def test_nothing_overlaps_and_nothing_is_cut_off():
    runs = [run(replace(FEW, seed=seed, scale=50.0)) for seed in range(KEPT)]
    assert faults(heads_explorer.picture(runs)) == []


# ---------------------------------------------------------------------------- the widgets, wired


@pytest.fixture
def box(monkeypatch):
    """The widget, on small vectors, not displayed."""
    monkeypatch.setattr(heads_explorer, "Settings", partial(Settings, steps=8))
    return presented_by(explorers.train_the_heads, monkeypatch)[0]


START = Settings(steps=8)


def test_it_opens_with_a_run_of_two_heads_with_the_echo_term(box):
    (echo, shared, temperature, batch, button), message, picture, words = parts(box)
    assert {"course-explorer", "explorer-train-the-heads"} <= set(box._dom_classes)
    assert (echo.value, shared.value, temperature.value, batch.value) == (1, False, 0.05, 256)
    assert isinstance(button, widgets.Button) and button.description == "Train"
    first = view([run(START)])
    assert (bytes(picture.value), words.value, message.value) == (first.png, first.html, "")


def test_the_controls_change_nothing_and_the_button_trains_with_what_they_say(box):
    (echo, shared, temperature, batch, button), message, picture, words = parts(box)
    before = bytes(picture.value)
    echo.value, shared.value, temperature.value, batch.value = 0.0, True, 0.5, 32
    assert bytes(picture.value) == before
    button.click()
    second = run(replace(START, echo=0.0, scale=2.0, batch=32), True)
    shown = view([run(START), second])
    assert (bytes(picture.value), words.value, message.value) == (shown.png, shown.html, "")


def test_pressing_again_trains_from_another_seed_and_keeps_the_last_runs(box):
    (*_, button), _, _, words = parts(box)
    for _ in range(KEPT):
        button.click()
    _, _, *rows, _ = cells(View(b"", words.value))
    assert [row[5] for row in rows] == ["5", "4", "3", "2", "1"]


def test_only_what_ipywidgets_7_7_has_is_set(box):
    assert len(everything_in(box)) == 10
    assert newer_than_7_7(box) == []


# --------------------------------------------------------------------------- the base: a button


@dataclass(frozen=True)
class Count:
    upto: int


def counting(state: Count) -> View:
    """A number up to 3."""
    if state.upto > 3:
        raise BadInput("Count to 3 at most.")
    return View(PNG + bytes([state.upto]), f"{state.upto}")


def test_with_a_button_the_view_waits_for_it_and_the_last_good_one_stays():
    upto = widgets.IntText(1)
    box = panel.explorer("count", Count, counting, {"upto": upto}, button="Go")
    (_, button), message, picture, words = parts(box)
    shown = []
    picture.observe(lambda change: shown.append(bytes(change["new"])), names="value")
    upto.value = 3
    assert words.value == "1" and not shown
    button.click()
    assert [png[-1] for png in shown] == [3] and words.value == "3"
    upto.value = 9
    button.click()
    assert "Count to 3 at most." in message.value and words.value == "3"
