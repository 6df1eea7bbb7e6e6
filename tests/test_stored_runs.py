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


def test_the_adapters_run_is_of_the_settings_that_the_package_has_now():
    from dataclasses import asdict

    from course_utils.dual_encoder import adapters

    stored = data.stored_run("adapters")
    settings = {**asdict(adapters.SETTINGS)}
    del settings["seed"], settings["echo"]
    assert stored["settings"] == settings
    assert (stored["rank"], stored["training_tokens"]) == (adapters.RANK, adapters.TRAINING_TOKENS)


def test_the_adapters_run_was_trained_to_its_last_step_and_compared_with_all_baselines():
    stored = data.stored_run("adapters")
    assert len({run["seed"] for run in stored["runs"] if not run["echo"]}) >= 3
    for run in stored["runs"]:
        assert run["curve"][-1]["step"] == stored["settings"]["steps"]
        assert run["curve"][-1]["processor_seconds"] >= 300
        mean = run["held_out"]["MRR"][0]
        assert mean == run["curve"][-1]["held_out"]["MRR"]
        assert set(run["ahead_in_MRR"]) == set(stored["held_out"])
        for name, ahead in run["ahead_in_MRR"].items():
            other = stored["held_out"][name]["MRR"][0]
            assert ahead["mean"] == pytest.approx(mean - other, abs=2e-4)
            assert ahead["low"] < ahead["mean"] < ahead["high"]


def test_the_echo_example_begins_with_the_question_and_goes_on_with_the_answer():
    example = data.echo_example()
    assert len(example.texts) == 5 == len(set(example.texts))
    assert example.texts[0] == example.question
    assert "Everest" in example.texts[1]
