"""When the course says that it does not find an answer: the rule, its curve, and the stored run."""

import numpy as np
import pytest

from course_utils import data, rag
from course_utils.errors import BadInput
from course_utils.evaluate import wilson_interval
from course_utils.rag import abstention

SUPPORTS = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
RIGHT = np.array([True, True, False, True, False, False])


def test_the_curve_by_hand():
    found = abstention.curve(SUPPORTS, RIGHT)
    assert found.threshold.tolist() == [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    np.testing.assert_allclose(found.coverage, [6 / 6, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])
    np.testing.assert_allclose(found.precision, [3 / 6, 3 / 5, 3 / 4, 2 / 3, 2 / 2, 1 / 1])
    assert (found.low[2], found.high[2]) == wilson_interval(3, 4)


def test_the_curve_does_not_depend_on_the_order_and_equal_supports_are_one_threshold():
    rows = np.random.default_rng(0).permutation(6)
    first, other = abstention.curve(SUPPORTS, RIGHT), abstention.curve(SUPPORTS[rows], RIGHT[rows])
    np.testing.assert_array_equal(first.precision, other.precision)
    same = abstention.curve([0.5, 0.5, 0.7], [True, False, True])
    assert same.threshold.tolist() == [0.5, 0.7] and same.coverage.tolist() == [1.0, 1 / 3]


@pytest.mark.parametrize(
    "supports, answerable, wanted",
    [
        ([3, 2, 1], [True, True, False], 1.0),
        ([1, 2, 3], [True, True, False], 0.0),
        ([1, 1, 1, 1], [True, False, True, False], 0.5),
        ([4, 2, 3, 1], [True, True, False, False], 3 / 4),
    ],
)
def test_the_area_under_the_curve_by_hand(supports, answerable, wanted):
    assert abstention.auc(supports, answerable) == wanted


def test_the_area_agrees_with_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(3)
    answerable = rng.random(300) < 0.8
    supports = np.round(rng.normal(size=300) + answerable, 1)  # with ties
    assert abstention.auc(supports, answerable) == pytest.approx(
        roc_auc_score(answerable, supports)
    )


@pytest.mark.parametrize(
    "kept, wanted", [(1.0, 0.1), (0.9, 0.2), (0.85, 0.2), (0.5, 0.6), (0.05, 1)]
)
def test_the_threshold_keeps_so_many_right_answers(kept, wanted):
    supports = np.arange(1, 11) / 10  # ten right ones, and wrong ones among them
    more, right = np.append(supports, [0.05, 0.55, 2.0]), np.append(np.ones(10, bool), [False] * 3)
    found = abstention.chosen_threshold(more, right, kept)
    assert found == wanted
    assert (supports >= found).mean() >= kept > (supports >= found + 0.1).mean()


@pytest.mark.parametrize(
    "call",
    [
        lambda: abstention.curve([], []),
        lambda: abstention.curve([0.5], [True, False]),
        lambda: abstention.curve([np.nan, 1], [True, False]),
        lambda: abstention.auc([1, 2], [True, True]),
        lambda: abstention.chosen_threshold([1, 2], [False, False]),
        lambda: abstention.chosen_threshold([1, 2], [True, False], 0),
        lambda: abstention.support([]),
        lambda: abstention.support([], "oracle"),
    ],
)
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(BadInput):
        call()


@pytest.fixture(scope="module")
def stored() -> dict:
    return data.stored_run(abstention.RUN)


def test_the_rule_is_the_one_that_the_tune_split_chose(stored):
    assert rag.rule() == rag.Rule(stored["support"], stored["threshold"])
    areas = {name: stored["tune"]["auc"][name][0] for name in abstention.SUPPORTS}
    assert stored["support"] == max(areas, key=areas.get)
    refused = stored["tune"]["with_rule"]["right_refused"]
    assert refused[0] <= 1 - stored["kept"] + 1e-3 and stored["kept"] == abstention.KEPT
    # One right answer more would have been too many to refuse.
    assert (refused[3] + 1) / refused[4] > 1 - stored["kept"]


@pytest.mark.parametrize("split", ["tune", "test"])
def test_the_stored_figures_are_of_the_question_set_and_agree_with_each_other(stored, split):
    told = stored[split]
    questions = [each for each in data.questions() if each.split == split]
    answerable = sum(bool(each.answers) for each in questions)
    assert told["questions"] == {
        "answerable": answerable,
        "unanswerable": len(questions) - answerable,
    }
    curve, rule = told["curve"], told["with_rule"]
    at = next(
        n for n, value in enumerate(curve["threshold"]) if value >= stored["threshold"] - 1e-4
    )
    assert curve["coverage"][at] == pytest.approx(rule["coverage"][0], abs=0.01)
    assert curve["precision"][at] == pytest.approx(rule["precision"][0], abs=0.01)
    refused = rule["unanswerable_refused"][3] + rule["answerable_refused"][3]
    assert refused == len(questions) - rule["coverage"][3]
    for share, low, high, hits, total in rule.values():
        assert low <= share <= high and share == pytest.approx(hits / total, abs=1e-4)


def test_on_questions_that_chose_nothing_the_rule_helps(stored):
    told = stored["test"]
    assert told["with_rule"]["precision"][0] > told["without_rule"]["precision"][0] + 0.03
    refused, lost = (told["with_rule"][name] for name in ("unanswerable_refused", "right_refused"))
    assert refused[1] > lost[2]  # the intervals do not touch
    assert told["auc"][stored["support"]][1] > 0.5


def test_at_least_forty_questions_cannot_be_answered(stored):
    assert sum(stored[split]["questions"]["unanswerable"] for split in ("tune", "test")) >= 40
