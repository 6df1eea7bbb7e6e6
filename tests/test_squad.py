"""SQuAD from a file, in both forms; the sentences here are our own."""

import json
import sys
from types import SimpleNamespace

import pytest

from course_utils import models
from tools.training.squad import (
    REPOSITORY,
    Paragraph,
    SquadError,
    SquadQuestion,
    split_paragraphs,
    squad,
)

TEXT = "The mill was built in 1820. Its wheel turned until 1911! Nobody knows why it stopped."
ASKED = [("When was the mill built?", "1820"), ("What turned until 1911?", "Its wheel")]
WANTED = [Paragraph(TEXT, tuple(SquadQuestion(q, a, TEXT.index(a)) for q, a in ASKED))]


def flat() -> list[dict]:
    questions = [
        {"question": question, "answer": answer, "answer_start": TEXT.index(answer)}
        for question, answer in ASKED
    ]
    return [{"context": TEXT, "qas": questions}]


def published() -> dict:
    questions = [
        {"question": q, "answers": [{"text": a, "answer_start": TEXT.index(a)}]} for q, a in ASKED
    ]
    paragraph = {"context": TEXT, "qas": questions}
    return {"version": "1.1", "data": [{"title": "Mill", "paragraphs": [paragraph]}]}


def written(tmp_path, content) -> str:
    path = tmp_path / "squad.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("content", [flat(), published()], ids=["list", "published"])
def test_both_forms_are_read(tmp_path, content):
    assert squad(written(tmp_path, content)) == WANTED
    assert squad(written(tmp_path, content)) == WANTED


@pytest.mark.parametrize(
    "content, message",
    [
        ("", "cannot be read as JSON"),
        ({"rows": []}, "neither SQuAD as published nor a list"),
        ([{"context": TEXT, "qas": [{"question": "?", "answers": []}]}], "paragraph 1 lacks"),
    ],
)
def test_what_is_malformed_is_named(tmp_path, content, message):
    with pytest.raises(SquadError, match=message):
        squad(written(tmp_path, content))


def test_an_answer_that_does_not_stand_where_it_should_is_named(tmp_path):
    content = flat()
    content[0]["qas"][1]["answer_start"] += 1
    with pytest.raises(SquadError, match="paragraph 1: the answer 'Its wheel' .* character 29"):
        squad(written(tmp_path, content))


def test_rows_of_the_hub_become_paragraphs(monkeypatch):
    rows = [
        {
            "context": TEXT,
            "question": question,
            "answers": {"text": [answer], "answer_start": [TEXT.index(answer)]},
        }
        for question, answer in ASKED
    ]
    hub = SimpleNamespace(
        load_dataset=lambda name, split: rows if (name, split) == (REPOSITORY, "train") else []
    )
    monkeypatch.setitem(sys.modules, "datasets", hub)
    monkeypatch.setattr(models, "require_hub", lambda wanted: None)
    assert squad() == WANTED


def test_the_last_tenth_of_the_paragraphs_is_held_out_and_always_one():
    numbers = list(range(40))
    assert split_paragraphs(numbers) == (numbers[:36], numbers[36:])
    assert split_paragraphs(["a", "b", "c"]) == (["a", "b"], ["c"])
