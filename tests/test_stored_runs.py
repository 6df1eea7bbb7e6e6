"""The stored long runs: what is in them, and what a missing or damaged one says."""

import pytest

from course_utils import data
from course_utils.data import runs


def test_a_run_that_is_not_there_names_those_that_are(tmp_path, monkeypatch):
    (tmp_path / "other.json").write_text("{}")
    monkeypatch.setattr(runs, "RUNS", tmp_path)
    with pytest.raises(data.StoredRunError, match=r"'adapters' cannot be read .* are: other\. "):
        data.stored_run("adapters")


def test_a_damaged_run_is_an_error_and_says_how_to_make_it_again(tmp_path, monkeypatch):
    (tmp_path / "adapters.json").write_text('{"runs": [')
    monkeypatch.setattr(runs, "RUNS", tmp_path)
    with pytest.raises(data.StoredRunError, match="make adapters"):
        data.stored_run("adapters")


def test_the_echo_example_begins_with_the_question_and_goes_on_with_the_answer():
    example = data.echo_example()
    assert len(example.texts) == 5 == len(set(example.texts))
    assert example.texts[0] == example.question
    assert "Everest" in example.texts[1]
