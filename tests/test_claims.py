"""Claims: what is printed, what is remembered, and what is no truth value."""

import numpy as np
import pytest
import torch

from course_utils import claims
from course_utils.errors import BadInput


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch):
    """The ledger of a fresh process."""
    monkeypatch.setattr(claims, "_LEDGER", {})


@pytest.mark.parametrize(
    "holds, detail, line",
    [
        (True, "", "✔ bats differ\n"),
        (True, "0.80 vs 0.50", "✔ bats differ  (0.80 vs 0.50)\n"),
        (False, "by 0.1", "✘ bats differ  (by 0.1)\n"),
        (np.float64(1) > 2, "", "✘ bats differ\n"),
    ],
)
def test_a_claim_prints_one_line(capsys, holds, detail, line):
    claims.claim("bats differ", holds, detail)
    assert capsys.readouterr() == (line, "")


@pytest.mark.parametrize("holds", [None, 1, "True", np.array([True, True]), torch.tensor(True)])
def test_what_is_no_truth_value_is_refused(capsys, holds):
    message = f"claim\\('it holds', ...\\) needs True or False, not {type(holds).__name__}"
    with pytest.raises(BadInput, match=message):
        claims.claim("it holds", holds)
    claims.tally()
    assert capsys.readouterr().out == "✔ All 0 claims above hold.\n"


def test_the_tally_names_the_claims_that_do_not_hold_and_the_last_word_counts(capsys):
    for statement, holds in {"one": True, "two": False, "three": False, "four": False}.items():
        claims.claim(statement, holds)
    claims.claim("three", True)
    capsys.readouterr()
    claims.tally()
    expected = "✘ 2 of the 4 claims above do not hold:\n  ✘ two\n  ✘ four\n"
    assert capsys.readouterr().out == expected
    for statement in ("two", "four"):
        claims.claim(statement, True)
    capsys.readouterr()
    claims.tally()
    assert capsys.readouterr().out == "✔ All 4 claims above hold.\n"
