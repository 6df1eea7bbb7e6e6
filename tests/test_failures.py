"""The judged failures of L5: each is one in the stored run, and none of the worst is left out."""

import pytest

from course_utils import data

WORST, GIVEN_UP = 10, 10  # how many of the worst have to be judged; a rank beyond it is a failure


@pytest.fixture(scope="module")
def ranks() -> dict[str, int]:
    """The rank of the best right entry, for each question of the test split."""
    stored = data.stored_run("retrieval")["test"]
    return dict(zip(stored["question"], stored["ranks"]["hybrid"], strict=True))


def test_each_is_a_failure_of_the_pipeline_in_the_stored_run(ranks):
    found = {question: ranks.get(question, 0) for question in data.failures().question}
    assert {question: rank for question, rank in found.items() if rank <= GIVEN_UP} == {}


def test_none_of_the_worst_is_left_out(ranks):
    worst = sorted(ranks, key=lambda question: -ranks[question])[:WORST]
    judged = set(data.failures().question)
    assert [question for question in worst if question not in judged] == []


def test_each_is_a_question_of_the_test_split_that_has_an_answer():
    asked = {each.question: each for each in data.questions()}
    for question in data.failures().question:
        assert asked[question].split == "test" and asked[question].answers
