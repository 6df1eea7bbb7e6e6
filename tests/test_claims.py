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
        (False, "", "✘ bats differ\n"),
        (True, "0.80 vs 0.50", "✔ bats differ  (0.80 vs 0.50)\n"),
        (False, "by 0.1", "✘ bats differ  (by 0.1)\n"),
        (np.bool_(True), "", "✔ bats differ\n"),
        (np.float64(1) > 2, "", "✘ bats differ\n"),
    ],
)
def test_a_claim_prints_one_line(capsys, holds, detail, line):
    claims.claim("bats differ", holds, detail)
    assert capsys.readouterr() == (line, "")
    assert claims.ledger() == {"bats differ": bool(holds)}
    assert type(claims.ledger()["bats differ"]) is bool


@pytest.mark.parametrize(
    "holds, kind",
    [
        (None, "NoneType"),
        (1, "int"),
        (0.0, "float"),
        ("True", "str"),
        ([], "list"),
        (np.array([True, True]), "ndarray"),
        (np.array(True), "ndarray"),
        (torch.tensor(True), "Tensor"),
        (lambda: True, "function"),
    ],
)
def test_what_is_no_truth_value_is_refused(capsys, holds, kind):
    with pytest.raises(
        BadInput, match=f"claim\\('it holds', ...\\) needs True or False, not {kind}"
    ):
        claims.claim("it holds", holds)
    assert capsys.readouterr().out == ""
    assert claims.ledger() == {}


def test_the_ledger_keeps_the_last_word_on_each_statement():
    claims.claim("one", True)
    claims.claim("two", False)
    claims.claim("one", False)
    claims.claim("two", True)
    assert claims.ledger() == {"one": False, "two": True}
    claims.ledger().clear()  # a copy
    assert len(claims.ledger()) == 2


def test_the_tally_of_claims_that_all_hold(capsys):
    for statement in ("one", "two", "two"):
        claims.claim(statement, True)
    capsys.readouterr()
    claims.tally()
    assert capsys.readouterr().out == "✔ All 2 claims above hold.\n"


def test_the_tally_names_the_claims_that_do_not_hold(capsys):
    for statement, holds in {"one": True, "two": False, "three": True, "four": False}.items():
        claims.claim(statement, holds)
    capsys.readouterr()
    claims.tally()
    expected = "✘ 2 of the 4 claims above do not hold:\n  ✘ two\n  ✘ four\n"
    assert capsys.readouterr().out == expected


def test_a_claim_that_was_mended_counts_as_kept(capsys):
    claims.claim("one", False)
    claims.claim("one", True)
    capsys.readouterr()
    claims.tally()
    assert capsys.readouterr().out == "✔ All 1 claims above hold.\n"


def test_a_tally_of_nothing_is_refused():
    with pytest.raises(BadInput, match="No claim has been made yet: run the cells above first"):
        claims.tally()
