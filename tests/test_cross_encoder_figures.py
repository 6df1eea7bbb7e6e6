"""The script that trains the cross-encoder, on a handful of texts made here, and its figures."""

import json

import numpy as np
import pytest

from course_utils import cross_encoder, data
from course_utils.cross_encoder import CrossEncoder, Group, comparison, figures, storage
from course_utils.cross_encoder.figures import Candidates
from course_utils.data import EverydayGroup, Paragraph, QaPair, SquadQuestion
from course_utils.data.facts import FactSplit
from course_utils.data.retrieval_pairs import Split
from course_utils.errors import BadInput
from tools import cross_encoder as script

pytestmark = pytest.mark.usefixtures("one_thread")

THINGS = "cup rope lamp door boat coin nail sack".split()
TEXT = "The mill is old. The wheel is red. Snow fell here. Nobody came in 1911."
PARAGRAPHS = [
    Paragraph(f"{TEXT} It is mill {number}.", (SquadQuestion("What is red?", "The wheel", 17),))
    for number in range(4)
]


def made(verb: str) -> list[QaPair]:
    return [
        QaPair(f"How do I {verb} a {thing}?", f"To {verb} one {thing}, read on.", thing, "made")
        for thing in THINGS
    ]


def by_length(question: str, texts) -> np.ndarray:
    return np.array([float(len(text)) for text in texts])


# ------------------------------------------------------------------------------------ the figures


def test_the_right_text_is_ranked_among_the_candidates_by_hand():
    rows = np.array([[0, 1], [0, 2], [1, 2]])
    shown = Candidates(["a", "b", "c"], ["x", "y", "z"], np.arange(3), rows, np.zeros((3, 2)))
    scores = np.array([[0.1, 0.9], [0.9, 0.1], [0.1, 0.9]])
    assert shown.reciprocal_rank(scores).tolist() == [0.5, 0.0, 1.0]  # text 1 is no candidate
    assert shown.reciprocal_rank(np.zeros((3, 2))).tolist() == [0.5, 0.0, 0.5]  # ties count against
    for wrong in (np.zeros((2, 2)), np.full((3, 2), np.nan)):
        with pytest.raises(BadInput):
            shown.reciprocal_rank(wrong)


def test_candidates_are_the_encoders_first_and_scored_in_their_order():
    pairs = made("open")
    shown = figures.candidates(pairs, first=3)
    assert shown.rows.shape == shown.cosines.shape == (8, 3)
    assert (np.diff(shown.cosines, axis=1) <= 0).all()
    assert (shown.rows[:, 0] == np.arange(8)).mean() > 0.8
    lengths = shown.scores(by_length)
    assert lengths[2].tolist() == [len(pairs[row].answer) for row in shown.rows[2]]
    late = shown.late_interaction()
    assert late.shape == (8, 3) and (late <= 1 + 1e-6).all()
    some = figures.candidates(pairs, first=3, questions=4)
    assert some.right.tolist() == [0, 2, 4, 6] and some.questions[1] == pairs[2].question
    np.testing.assert_array_equal(some.rows, shown.rows[::2])
    assert (some.reciprocal_rank(some.cosines) == shown.reciprocal_rank(shown.cosines)[::2]).all()
    for wrong in ({"first": 9}, {"first": 0}, {"questions": 9}):
        with pytest.raises(BadInput):
            figures.candidates(pairs, **{"first": 3, **wrong})


def test_standardised_scores_have_mean_0_and_deviation_1():
    found = figures.standardised(np.array([[1.0, 2.0, 3.0], [5.0, 5.0, 5.0]]))
    np.testing.assert_allclose(found, [[-1.2247449, 0, 1.2247449], [0, 0, 0]], atol=1e-6)


def test_hard_negatives_that_win_are_told_by_their_kind():
    """By length: the first right text is the longest, the second is beaten by one of two echoes."""
    groups = [Group("?", "aaaa", ("a", "aa")), Group("?", "aa", ("a", "aaa", "a"))]
    kinds = [["topic", "echo"], ["topic", "echo", "echo"]]
    found = comparison.choosing({"length": by_length}, groups, kinds)
    assert found["groups"] == 2
    system = found["systems"]["length"]
    assert system["first"][0] == 0.5 and system["MRR"][0] == 0.75
    assert system["beaten_by"] == {"topic": 0.0, "echo": 0.5}


# ------------------------------------------------------------------------------------- the script


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Everything that the script reads, cut down to a handful."""
    facts = data.facts()
    split = FactSplit(facts[:40], facts[40:60], facts[60:66])
    monkeypatch.setattr(script.data, "qa_pairs", lambda: [])
    monkeypatch.setattr(
        script.data, "split_pairs", lambda _: Split(made("open"), made("copy"), made("close"))
    )
    monkeypatch.setattr(script.data, "split_facts", lambda _: split)
    everyday = [
        EverydayGroup("home", f"Where is cup {n}?", f"Cup {n} is here.", ("No.", "Hm."))
        for n in range(3)
    ]
    monkeypatch.setattr(script.data, "everyday", lambda: everyday)
    monkeypatch.setattr(script, "squad", lambda path: PARAGRAPHS)
    for name, value in {"POINT_GROUPS": 2, "SQUAD_GROUPS": 3, "POINTS": (1,), "EVERY": 1}.items():
        monkeypatch.setattr(script, name, value)
    return [
        "--steps=2",
        "--ablation-steps=1",
        "--ablation-questions=4",
        f"--work={tmp_path / 'work'}",
        f"--out={tmp_path / 'out'}",
        f"--figures={tmp_path / 'run.json'}",
    ]


def test_it_trains_measures_and_writes_everything(small, tmp_path, capsys):
    script.main(small)
    out = tmp_path / "out"
    card = (out / "README.md").read_text(encoding="utf-8")
    record = json.loads((tmp_path / "run.json").read_text())
    assert cross_encoder.about(out)["sha256"] in card
    assert list(record["runs"]) == [
        "all",
        "all, shorter",
        "squad alone",
        "documentation alone",
        "facts alone",
    ]
    for name, run in record["runs"].items():
        assert f"| {name} |" in card
        assert run["curve"][-1]["step"] == run["steps"] == (2 if name == "all" else 1)
        assert set(run["curve"][0]["MRR"]) == {"squad", "documentation", "facts"}
    found = record["runs"]["all"]["held_out"]
    for name in ("facts", "squad", "everyday"):
        assert set(found[name]["systems"]) == {"encoder", "late interaction", "cross-encoder"}
    assert found["documentation"]["questions"] == 8
    assert set(found["documentation"]["ahead"]) == {
        f"{first} over {second}"
        for first in ("cross-encoder", "encoder + cross-encoder")
        for second in ("encoder", "late interaction")
    }
    stored, trained = storage.load(out), CrossEncoder()
    changed = [
        name
        for name, value in trained.trained_weights().items()
        if not np.array_equal(value, stored.trained_weights()[name])
    ]
    assert len(changed) == len(trained.trained_weights())
    assert "left" in capsys.readouterr().out

    # Called again, it trains and measures nothing a second time.
    digest = cross_encoder.about(out)["sha256"]
    script.main(small)
    again = capsys.readouterr().out
    assert "all: goes on from step 2" in again and "min left" not in again
    assert cross_encoder.about(out)["sha256"] == digest
    assert json.loads((tmp_path / "run.json").read_text())["runs"] == record["runs"]
