"""The explorer "train the heads": its runs, its picture and words, and how its button is wired."""

import re
from dataclasses import dataclass, replace
from functools import partial

import ipywidgets as widgets
import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from course_utils import data, explorers, ranking
from course_utils.dual_encoder import Heads, Settings, pairs, train
from course_utils.errors import BadInput, CourseError
from course_utils.explorers import (
    Trainings,
    TrainTheHeads,
    head_runs,
    heads_explorer,
    panel,
    view_train_the_heads,
)
from course_utils.explorers.panel import View
from tests.pictures import faults, texts
from tests.widgets import PNG, everything_in, newer_than_7_7, parts, presented_by, said

WIDTH = 16
FEW = Settings(steps=8, batch=20, learning_rate=1e-2)


def made_pairs(rows: int, seed: int) -> head_runs.Rows:
    """Answers that are like their questions, and more like these turned by one rotation."""
    generator = torch.Generator().manual_seed(seed)
    questions = normalize(torch.randn(rows, WIDTH, generator=generator), dim=1)
    turn = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(9)))[0]
    noise = 0.05 * torch.randn(rows, WIDTH, generator=generator)
    return (
        questions,
        normalize(0.4 * questions + questions @ turn + noise, dim=1),
        torch.arange(rows),
    )


TRAIN, VALIDATION = made_pairs(90, seed=0), made_pairs(40, seed=1)
TRAIN[2][1::2] = TRAIN[2][::2]  # every two have one answer, and are not each other's negatives


@pytest.fixture
def trainings() -> Trainings:
    return Trainings(TRAIN, VALIDATION)


def history(*settings: Settings) -> TrainTheHeads:
    return TrainTheHeads(settings)


# ------------------------------------------------------------------------------------ the runs


def test_a_run_is_what_the_training_loop_of_the_course_does(trainings):
    heads = Heads(WIDTH)
    settings = replace(FEW, echo=0.3)
    steps = train(heads, *TRAIN[:2], settings, TRAIN[2])
    run = trainings.run(settings)
    assert [step.number for step in run.steps] == list(range(1, 9))
    assert [step.loss for step in run.steps] == pytest.approx([step.loss for step in steps])
    assert [step.chance for step in run.steps] == [step.chance for step in steps]
    figures = pairs.figures(heads, *VALIDATION[:2])
    for name, values in run.figures.items():
        np.testing.assert_array_equal(values, figures[name])


def test_untrained_heads_are_the_encoder_itself(trainings):
    questions, answers, _ = VALIDATION
    ranks = ranking.ranks(questions @ answers.T)
    np.testing.assert_array_equal(trainings.untrained["MRR"], 1 / ranks)
    assert trainings.untrained["echo rate"].all()  # a text is nearest to itself
    assert trainings.answers == 40


@pytest.mark.parametrize("steps", [1, 3, 8, 10])
def test_a_run_is_followed_in_parts_and_is_there_at_once_the_second_time(trainings, steps):
    settings = replace(FEW, steps=steps)
    followed = list(trainings.follow(settings))
    lengths = [len(run.steps) for run in followed]
    assert lengths == sorted(set(lengths)) and lengths[-1] == steps
    assert len(lengths) == min(steps, head_runs.PARTS)
    (again,) = trainings.follow(settings)
    assert again is followed[-1] is trainings.run(settings)


def test_each_part_is_measured_anew(trainings):
    ranked = [run.figures["MRR"].mean() for run in trainings.follow(replace(FEW, steps=40))]
    assert ranked[0] < ranked[-1] - 0.05


def test_the_number_of_threads_is_put_back_also_between_the_parts(trainings):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert {torch.get_num_threads() for _ in trainings.follow(FEW)} == {2}
        broken = Trainings((TRAIN[0], TRAIN[1] * torch.nan, TRAIN[2]), VALIDATION)
        with pytest.raises(CourseError, match="NaN"):
            broken.run(FEW)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_the_history_keeps_the_last_runs_and_gives_equal_ones_other_seeds():
    start = TrainTheHeads().then()
    (first,) = start.runs
    assert 1 / first.scale == pytest.approx(0.07, abs=1e-3) and first.seed == 0
    assert (first.steps, first.batch, first.echo) == (Settings().steps, 256, 0)
    twice = start.then(0.07 + 1e-12).then(echo=0.1).then()  # a slider may add a little noise
    assert [run.seed for run in twice.runs] == [0, 1, 0, 2]
    long = twice.then(batch=16).then(batch=32)
    assert [run.batch for run in long.runs] == [256, 256, 256, 16, 32]
    assert start.runs == (first,)


def test_the_pairs_of_the_lessons_split_are_embedded_and_none_that_is_held_out(monkeypatch):
    def vectors(side):
        def embed(texts):
            asked.update(texts)
            return np.eye(WIDTH, dtype=np.float32)[[len(text) + side for text in texts]]

        return embed

    asked: set[str] = set()
    monkeypatch.setattr(pairs, "embed_questions", vectors(0))
    monkeypatch.setattr(pairs, "embed_answers", vectors(1))
    train_pairs, validation, held_out = (
        [data.QaPair(f"{side}{'?' * row}", f"{side}{'!' * row}", "", "") for row in range(4)]
        for side in "tvh"
    )
    trainings = head_runs.on_documentation(data.Split(train_pairs, validation, held_out))
    assert asked == {
        each for pair in train_pairs + validation for each in (pair.question, pair.answer)
    }
    assert trainings.run(replace(FEW, steps=1)).steps[0].pairs == 4 == trainings.answers


def test_without_a_split_the_documentation_is_split_as_in_the_lesson(monkeypatch):
    three = [data.QaPair(f"q{row}", f"a{row}", "", "") for row in range(3)]
    monkeypatch.setattr(data, "qa_pairs", lambda: three)
    monkeypatch.setattr(data, "split_pairs", lambda given: data.Split(given, given, []))
    for name in ("embed_questions", "embed_answers"):
        monkeypatch.setattr(pairs, name, lambda texts: np.eye(len(texts), dtype=np.float32))
    assert head_runs.on_documentation().answers == 3


# ----------------------------------------------------------------------------------- the words


def means(figures: dict) -> list[str]:
    return [f"{values.mean():.2f}" for values in figures.values()]


def cells(view: View) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", view.html)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_the_table_holds_the_newest_run_first_the_untrained_heads_and_chance(trainings):
    runs = (FEW, replace(FEW, echo=1.0, seed=3), replace(FEW, batch=40, scale=50.0))
    heading, *rows = cells(view_train_the_heads(history(*runs), trainings))
    assert heading[6:] == ["MRR", "recall@1", "echo rate"]
    assert [row[0] for row in rows] == ["this run", "1 before", "2 before", "untrained", "chance"]
    assert rows[0][1:6] == ["0.02", "40", "0", "0", f"{trainings.run(runs[2]).steps[-1].pairs}"]
    assert rows[1][1:5] == ["0.07", "20", "1", "3"]
    for row, settings in zip(rows, reversed(runs), strict=False):
        assert row[6:] == means(trainings.run(settings).figures)
    assert rows[3][6:] == means(trainings.untrained)
    chance = (ranking.chance_mrr(40), 1 / 40, 1 / 41)
    assert rows[4][6:] == [f"{value:.2f}" for value in chance]


def test_the_words_compare_with_the_untrained_heads_and_with_the_run_before(trainings):
    long = replace(FEW, steps=60)
    view = view_train_the_heads(history(long), trainings)
    better = re.search(
        r"Against the untrained heads: MRR (\+0\.\d+), 95 % interval \+0\.[^:]*: better", said(view)
    )
    gain = (trainings.run(long).figures["MRR"] - trainings.untrained["MRR"]).mean()
    assert float(better[1]) == pytest.approx(gain, abs=6e-4) and "run before" not in said(view)
    worse = said(view_train_the_heads(history(long, replace(FEW, steps=1)), trainings))
    assert re.search(r"Against the run before: MRR -0\.\d+, 95 % interval -[^:]*: worse\.", worse)
    same = said(view_train_the_heads(history(long, long), trainings))
    assert "Against the run before: MRR +0.000, 95 % interval +0.000 to +0.000: no clear" in same


def test_a_run_under_way_says_how_far_it_is(trainings):
    views = list(heads_explorer.follow_training(history(FEW), trainings))
    told = [re.search(r"Training: (\d+) of 8 steps", said(view)) for view in views]
    assert [found and found[1] for found in told] == ["2", "4", "6", None]
    assert len({view.png for view in views}) == 4
    assert views[-1] == view_train_the_heads(history(FEW), trainings)


def test_equal_histories_give_equal_bytes():
    one, other = (
        view_train_the_heads(history(FEW), Trainings(TRAIN, VALIDATION)) for _ in range(2)
    )
    assert one == other and one.png.startswith(PNG)


def test_a_history_without_a_run_says_what_to_do(trainings):
    view = view_train_the_heads(TrainTheHeads(), trainings)
    assert view.png is None and view.message == "There is no run yet: press Train."


# --------------------------------------------------------------------------------- the picture


def test_the_picture_shows_the_losses_the_chance_line_and_the_figures(trainings):
    runs = [trainings.run(replace(FEW, seed=seed)) for seed in (1, 0)]
    left, right = heads_explorer.picture(runs, trainings.untrained).axes
    chance, loss = left.lines
    steps = runs[0].steps
    np.testing.assert_array_equal(loss.get_xydata(), [(each.number, each.loss) for each in steps])
    assert chance.get_ydata().tolist() == [each.chance for each in steps]
    assert min(chance.get_ydata()) < max(chance.get_ydata())  # the short batch is there
    for line, name in zip(right.lines, ("MRR", "recall@1", "echo rate"), strict=True):
        figures = [trainings.untrained, *(run.figures for run in runs)]
        assert line.get_label() == name
        assert line.get_xdata().tolist() == [each[name].mean() for each in figures]
    names = [label.get_text() for label in right.get_yticklabels()]
    assert names == ["untrained", "this run", "1 before"]


def test_the_title_says_what_training_did(trainings):
    run, untrained = trainings.run(FEW), trainings.untrained
    (mrr, _, echo), (then, _, echoed) = means(untrained), means(run.figures)
    title = f"After 8 steps: MRR {mrr} → {then}, echo rate {echo} → {echoed}"
    assert title in texts(heads_explorer.picture([run], untrained))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", range(1, head_runs.KEPT + 1))
def test_nothing_overlaps_and_nothing_is_cut_off(count, trainings):
    runs = [trainings.run(replace(FEW, seed=seed)) for seed in range(count)]
    part = next(trainings.follow(replace(FEW, scale=50.0, echo=3.0)))
    for shown in (runs, [part, *runs[1:]]):
        assert faults(heads_explorer.picture(shown, trainings.untrained)) == []


# ---------------------------------------------------------------------------- the widgets, wired


@pytest.fixture
def presented(monkeypatch, trainings):
    """What `present` was given: the widget, on small vectors, and its description."""
    monkeypatch.setattr(heads_explorer, "on_documentation", lambda _split: trainings)
    monkeypatch.setattr(head_runs, "Settings", partial(Settings, steps=8))
    return presented_by(explorers.train_the_heads, monkeypatch)


@pytest.fixture
def box(presented):
    return presented[0]


def pictures_of(box) -> list[bytes]:
    """Every picture that the explorer shows from now on."""
    shown = []
    _, _, picture, _ = parts(box)
    picture.observe(lambda change: shown.append(bytes(change["new"])), names="value")
    return shown


def test_it_opens_with_a_finished_run(box, trainings):
    (temperature, batch, echo, button), message, picture, words = parts(box)
    assert {"course-explorer", "explorer-train-the-heads"} <= set(box._dom_classes)
    assert (temperature.value, batch.value, echo.value) == (0.07, 256, 0)
    assert isinstance(button, widgets.Button) and button.description == "Train"
    view = view_train_the_heads(TrainTheHeads().then(), trainings)
    assert (bytes(picture.value), words.value, message.value) == (view.png, view.html, "")


def test_the_controls_change_nothing_and_the_button_trains_with_what_they_say(box, trainings):
    (temperature, batch, echo, button), message, picture, words = parts(box)
    shown = pictures_of(box)
    temperature.value, batch.value, echo.value = 0.5, 32, 1.0
    assert not shown
    button.click()
    state = TrainTheHeads().then().then(0.5, 32, 1.0)
    view = view_train_the_heads(state, trainings)
    assert len(shown) == head_runs.PARTS and shown[-1] == view.png
    assert words.value == view.html and message.value == ""


def test_pressing_again_trains_from_another_seed_and_keeps_the_run_before(box):
    (*_, button), _, _, words = parts(box)
    button.click()
    button.click()
    view = View(html=words.value)
    assert [row[4] for row in cells(view)[1:4]] == ["2", "1", "0"]


def test_training_that_fails_says_so(box, trainings):
    (*_, button), message, picture, _ = parts(box)
    before = bytes(picture.value)
    trainings._train = (TRAIN[0], TRAIN[1] * torch.nan, TRAIN[2])
    button.click()
    assert "NaN" in message.value and bytes(picture.value) == before


def test_every_choice_can_be_trained_with(box, trainings):
    (temperature, batch, echo, _), *_ = parts(box)
    for extreme in (temperature.min, temperature.max):
        for _, weight in echo.options:
            settings = TrainTheHeads().then(extreme, batch.options[0][1], weight).runs[0]
            assert trainings.run(settings).figures["MRR"].mean() > 0


def test_the_description_holds_on_every_machine(presented):
    _, alt = presented
    assert not re.search(r"\d\.\d", alt) and "chance line" in alt


def test_only_what_ipywidgets_7_7_has_is_set(box):
    assert len(everything_in(box)) == 9
    assert newer_than_7_7(box) == []


# ------------------------------------------------------ the base: a button, and views on the way


@dataclass(frozen=True)
class Count:
    upto: int


def counting(state: Count):
    """One view a number, up to 3."""
    for number in range(1, state.upto + 1):
        if number > 3:
            raise BadInput("Count to 3 at most.")
        yield View(PNG + bytes([number]), f"{number}")


def test_a_view_on_the_way_is_shown_and_the_last_one_stays():
    upto = widgets.IntText(1)
    box = panel.explorer("count", Count, counting, {"upto": upto}, button="Go")
    (_, button), message, picture, words = parts(box)
    shown = pictures_of(box)
    upto.value = 3
    assert words.value == "1" and not shown
    button.click()
    assert [png[-1] for png in shown] == [2, 3] and words.value == "3"  # 1 was there already
    upto.value = 9
    button.click()
    assert "Count to 3 at most." in message.value and words.value == "3"


def test_what_a_view_shows_last_is_what_it_answers():
    assert panel.last(counting, Count(2)).html == "2"
    assert panel.last(counting, Count(4)) == View(message="Count to 3 at most.")
    assert panel.answering(counting)(Count(2)).html == "2"
