"""The stored long runs: what is in them, and what a missing or damaged one says."""

import pytest

from course_utils import data, rag
from course_utils.data import tables
from course_utils.errors import CourseError
from course_utils.retrieval import pipeline


def test_a_run_that_is_not_there_names_those_that_are(tmp_path, monkeypatch):
    (tmp_path / "other.json").write_text("{}")
    monkeypatch.setattr(tables, "RUNS", tmp_path)
    with pytest.raises(CourseError, match=r"'adapters' cannot be read .* are: other\. "):
        data.stored_run("adapters")


def test_a_damaged_run_is_an_error_and_says_how_to_make_it_again(tmp_path, monkeypatch):
    (tmp_path / "adapters.json").write_text('{"runs": [')
    monkeypatch.setattr(tables, "RUNS", tmp_path)
    with pytest.raises(CourseError, match="make adapters"):
        data.stored_run("adapters")


def test_the_run_of_l5_has_a_rank_of_every_question_by_every_system():
    run, questions = data.stored_run("retrieval"), data.questions()
    for split in ("tune", "test"):
        asked = [each for each in questions if each.split == split]
        told = run[split]
        assert told["question"] == [each.question for each in asked]
        assert told["style"] == [each.style for each in asked]
        assert all(-1 <= support <= 1 for support in told["support"])
        for ranks in told["ranks"].values():
            for each, rank in zip(asked, ranks, strict=True):
                assert 0 <= rank <= run["entries"] and (rank > 0) == bool(each.answers)


def test_what_l5_searches_with_is_what_the_tune_questions_chose():
    choice = data.stored_run("retrieval")["choice"]["share of words"]
    assert float(max(choice, key=choice.get)) == pipeline.WORDS


def test_the_language_models_run_has_a_flag_for_each_held_out_fact():
    run, facts = data.stored_run("rag"), data.fact_questions()
    for wording, systems in run["wordings"].items():
        held_out = facts[(facts.side == "held out") & (facts.wording == wording)]
        for told in systems.values():
            for flags in {"first", "holds", "says"} & told.keys():
                assert len(told[flags]) == len(held_out) and set(told[flags]) <= set("01")
        answers, values = systems["the right passage"]["answers"], held_out.value
        says = [rag.says(answer, value) for answer, value in zip(answers, values, strict=True)]
        assert systems["the right passage"]["says"] == "".join("01"[each] for each in says)
