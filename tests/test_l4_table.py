"""The table of L4: what `tools.bench_dual_encoder` measures, and the run that is stored."""

import json

import numpy as np
import pandas as pd
import pytest

from course_utils import data, evaluate
from tools import bench_dual_encoder as bench

BOTH = "answers and questions"
ALIKE = ["BM25", "single encoder, untrained", "MNRL, one encoder", "one shared head", "whitening"]


@pytest.fixture(scope="module")
def few() -> tuple[list[dict], list[dict]]:
    """All systems on a handful of facts; no speed is asserted, and no quality."""
    facts = data.fact_questions()
    train = facts[facts.side == "train"]
    blocks = [train.iloc[start : start + 8] for start in (0, len(train) // 2)]
    held_out = facts[facts.side == "held out"].groupby("wording").head(6)
    return bench.measured(pd.concat([*blocks, held_out]), 0.1, 1, 1)


@pytest.fixture(scope="module")
def stored() -> dict:
    return data.stored_run("l4_table")


def test_every_system_has_a_row_for_each_wording_and_kind_of_candidates(few, stored):
    rows, costs = few
    systems = [cost["system"] for cost in costs]
    assert len(systems) == len(set(systems)) == 13 and len(rows) == 4 * 13
    assert systems == [cost["system"] for cost in stored["costs"]]
    assert [list(row) for row in rows] == [list(row) for row in stored["rows"]]
    json.dumps(few)  # plain numbers


def test_what_reads_both_sides_alike_never_prefers_the_answer_to_the_question(few, stored):
    for row in (*few[0], *stored["rows"]):
        alike = any(row["system"].removesuffix(", echo").startswith(name) for name in ALIKE)
        if alike and "prefixes" not in row["system"] and row["candidates"] == BOTH:
            assert row["first"] == 0, row["system"]


def test_the_digits_say_how_often_each_answer_came_first(stored):
    seeds = {cost["system"]: cost["seeds"] for cost in stored["costs"]}
    shares = {
        (row["system"], row["wording"], row["candidates"]): np.array(list(row["right"]), float)
        / seeds[row["system"]]
        for row in stored["rows"]
    }
    for row in stored["rows"]:
        key = row["system"], row["wording"], row["candidates"]
        assert len(shares[key]) == 352
        assert shares[key].mean() == pytest.approx(row["first"], abs=1e-4)
        best = shares[bench.BEST, *key[1:]]
        assert row["ahead"] == evaluate.summary(best - shares[key])
        assert row["lowest seed"] <= row["first"] <= row["highest seed"]


def test_with_the_questions_among_the_candidates_two_heads_are_ahead_of_all_others(stored):
    for row in stored["rows"]:
        if row["candidates"] == BOTH and row["system"] != bench.BEST:
            assert row["ahead"][1] > 0, row["system"]
