"""The scripts that train for longer than a lesson does, on a handful of pairs made here."""

import json

import numpy as np
import pytest

from course_utils.data.retrieval_pairs import QaPair, Split
from course_utils.dual_encoder import Settings
from course_utils.dual_encoder.adapters import Adapters
from tools import adapter_run

THINGS = ("list", "file", "window", "matrix", "thread", "image", "clock", "socket")


def made(verb: str) -> list[QaPair]:
    return [
        QaPair(f"How do I {verb} a {thing}?", f"To {verb} one {thing}, read on.", thing, "made")
        for thing in THINGS
    ]


SPLIT = Split(train=made("open"), validation=made("copy")[:3], held_out=made("close")[:5])


@pytest.fixture(scope="module")
def points() -> list[dict]:
    model = Adapters(rank=2)
    return list(adapter_run.curve(model, SPLIT, Settings(steps=3, batch=4), limit=600))


def test_the_curve_goes_from_the_untrained_model_to_the_last_step(points):
    first, last = points
    assert (first["step"], first["pairs"], first["seconds"]) == (0, 0, 0)
    assert (last["step"], last["pairs"]) == (3, 12)
    assert last["seconds"] > 0 and last["processor_seconds"] > 0 and last["loss"] > 0
    for point in points:
        for side in ("validation", "held_out"):
            assert set(point[side]) == {"MRR", "recall@1", "echo rate"}
            assert all(0 <= value <= 1 for value in point[side].values())


def test_the_curve_ends_when_the_time_is_up_and_the_model_is_ready_to_use():
    model = Adapters(rank=2)
    *_, last = adapter_run.curve(model, SPLIT, Settings(steps=50, batch=4), limit=0.0)
    assert last["step"] == 1
    assert not model.training


def test_a_run_has_intervals_and_is_compared_with_every_other_system():
    others = {"heads": {"MRR": np.zeros(5)}, "perfect": {"MRR": np.ones(5)}}
    run = adapter_run.one_run(SPLIT, Settings(steps=2, batch=4, echo=0.5, seed=3), 600, others)
    assert (run["seed"], run["echo"], len(run["curve"])) == (3, 0.5, 2)
    assert set(run["held_out"]) == {"MRR", "recall@1", "echo rate"}
    mean, low, high = run["held_out"]["MRR"]
    assert 0 <= low <= mean <= high <= 1
    assert run["ahead_in_MRR"]["heads"]["mean"] == pytest.approx(mean, abs=1e-4)
    assert run["ahead_in_MRR"]["perfect"]["mean"] == pytest.approx(mean - 1, abs=1e-4)
    assert len(run["echo_example"]) == 5 and run["echo_example"][0] == max(run["echo_example"])
    json.dumps(run)  # plain numbers


def test_the_echo_rate_is_that_of_the_question_read_as_an_answer():
    found = adapter_run.figures_of(Adapters(rank=2), SPLIT.held_out)  # untrained: one encoder
    assert found["echo rate"].tolist() == [1.0] * 5
