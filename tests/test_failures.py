"""The judged failures of L5: each is one in the stored run, and none of the worst is left out."""

import pytest

from course_utils import data
from course_utils.data import TableError

WORST, GIVEN_UP = 10, 10  # how many of the worst have to be judged; a rank beyond it is a failure


@pytest.fixture(scope="module")
def ranks() -> dict[str, int]:
    """The rank of the best right entry, for each question of the test split."""
    stored = data.stored_run("retrieval")["test"]
    return dict(zip(stored["question"], stored["ranks"]["hybrid"], strict=True))


def test_each_is_a_failure_of_the_pipeline_in_the_stored_run(ranks):
    found = {each.question: ranks.get(each.question, 0) for each in data.failures()}
    assert {question: rank for question, rank in found.items() if rank <= GIVEN_UP} == {}


def test_none_of_the_worst_is_left_out(ranks):
    worst = sorted(ranks, key=lambda question: -ranks[question])[:WORST]
    judged = {each.question for each in data.failures()}
    assert [question for question in worst if question not in judged] == []


def test_each_is_a_question_of_the_test_split_that_has_an_answer():
    asked = {each.question: each for each in data.questions()}
    for each in data.failures():
        assert asked[each.question].split == "test" and asked[each.question].answers


def test_a_note_is_one_or_two_sentences():
    for each in data.failures():
        assert each.note.endswith(".") and 40 <= len(each.note) <= 110, each


def test_an_unknown_cause_is_refused(tmp_path):
    path = tmp_path / "own.tsv"
    path.write_text("question\tcause\tnote\nWhy?\tbad luck\tNobody knows.\n")
    with pytest.raises(TableError, match=r"own\.tsv, line 2, column 'cause'"):
        data.failures(path)
