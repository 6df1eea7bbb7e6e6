"""`make l4-adapters` on a handful of facts, and the run that is stored."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from course_utils import data, embed
from tools import adapter_run
from tools.adapter_run import SEEDS, SYSTEMS, Adapters


@pytest.fixture(scope="module")
def facts() -> pd.DataFrame:
    """Eight training facts in two wordings, three validation facts, five held-out ones."""
    every = data.fact_questions()
    sides = [part for _, part in every[every.side != "train"].groupby(["side", "wording"])]
    train = every[every.side == "train"]
    half = len(train) // 2
    held_out = [part[: 5 if part.side.iloc[0] == "held out" else 3] for part in sides]
    return pd.concat([train[:8], train[half : half + 8], *held_out])


def best(tried: list[dict]) -> dict:
    return max(tried, key=lambda run: run["known"] + run["new"])


def test_settings_are_chosen_on_validation_and_every_seed_answers_every_question(
    facts, tmp_path, monkeypatch
):
    few = {"learning_rate": (1e-5, 1e-2), "scale": (20.0,), "echo": (1.0,)}
    some = {name: SYSTEMS[name] for name in ("two heads", "one encoder, adapters, prefixes")}
    monkeypatch.setattr(
        adapter_run, "SYSTEMS", {name: replace(of, tried=few, batch=4) for name, of in some.items()}
    )
    threads = torch.get_num_threads()
    adapter_run.main(["--steps=2", f"--out={tmp_path / 'run.json'}"], facts)
    torch.set_num_threads(threads)
    record = json.loads((tmp_path / "run.json").read_text())
    for system in record["systems"].values():
        assert len(system["tried"]) == 2
        assert system["settings"]["learning_rate"] == best(system["tried"])["learning_rate"]
        assert [run["seed"] for run in system["runs"]] == list(SEEDS)
        for run in system["runs"]:
            for wording in ("known", "new"):
                assert len(run[wording]) == 5 and set(run[wording]) <= {"0", "1"}
                assert run["among_answers"][wording] >= run[wording].count("1") / 5
    assert record["systems"]["two heads"]["trained_numbers"] == 2 * 384 * 384


def test_untrained_adapters_are_the_encoder():
    texts = ["Which city is the capital of France?", "The capital of France is Paris."]
    read = adapter_run.token_numbers(texts)
    for side in (Adapters(False, 0).questions, Adapters(True, 0).answers):
        vectors = side(read).detach().numpy()
        cosines = (vectors * embed.encode(texts)).sum(axis=1)
        np.testing.assert_allclose(cosines, 1, atol=1e-3)


@pytest.mark.parametrize("name", ["two heads", "two encoders, adapters"])
def test_untrained_the_question_is_always_before_its_answer(facts, name):
    system, rows = SYSTEMS[name], facts[facts.side == "held out"][:5]
    found = adapter_run.outcomes(system, system.model(0), rows)
    vectors = embed.encode([*rows.question, *rows.answer])
    scores = vectors[:5] @ vectors[5:].T
    assert found["answers"].tolist() == (scores.argmax(axis=1) == range(5)).astype(int).tolist()
    assert found["answers and questions"].tolist() == [0] * 5


def test_the_stored_run_has_the_systems_of_now_with_the_best_settings_that_were_tried():
    stored = data.stored_run("adapters")
    questions = (data.fact_questions().side == "held out").sum() / 2
    assert set(stored["systems"]) == set(SYSTEMS)
    for name, system in stored["systems"].items():
        for setting, tried in SYSTEMS[name].tried.items():
            assert {run[setting] for run in system["tried"]} == set(tried)
            assert system["settings"][setting] == best(system["tried"])[setting]
        assert len(system["runs"]) == len(SEEDS)
        for run in system["runs"]:
            assert len(run["known"]) == len(run["new"]) == questions
