"""Everyday questions, each with a passage that answers it and others on the same thing.

A test set, far from what any part of the course is trained on: nothing is trained on it, and no
setting is chosen by it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from course_utils.data.tables import HERE, Check, TableError, read_table

FEWEST_OTHERS = 3


@dataclass(frozen=True, slots=True)
class EverydayGroup:
    """A question, the passage that answers it, and passages near to it that do not."""

    topic: str
    question: str
    answer: str
    others: tuple[str, ...]


@dataclass(frozen=True)
class _Row:
    group: int
    topic: str
    question: str
    text: str
    answers: Literal["yes", "no"]


def everyday(path: str | Path = HERE / "everyday.tsv") -> list[EverydayGroup]:
    """The groups of the course, or those of a table of your own with the same columns.

    Raises TableError, which names the file, the line and the column of whatever is malformed: also
    of a group that has not exactly one answer, or fewer than three other passages.
    """
    rows = read_table(path, _Row, unique=("text",), checks={"question": _one_question_a_group()})
    first_lines: dict[int, int] = {}
    groups: dict[int, list[_Row]] = {}
    for line, row in enumerate(rows, start=2):
        first_lines.setdefault(row.group, line)
        groups.setdefault(row.group, []).append(row)
    return [
        _group(members, f"{path}, line {first_lines[number]}, column 'answers': group {number}")
        for number, members in groups.items()
    ]


def _group(rows: list[_Row], where: str) -> EverydayGroup:
    answers = [row.text for row in rows if row.answers == "yes"]
    others = tuple(row.text for row in rows if row.answers == "no")
    if len(answers) != 1:
        raise TableError(f"{where} has {len(answers)} passages that answer; it must have one.")
    if len(others) < FEWEST_OTHERS:
        raise TableError(
            f"{where} has {len(others)} passages that do not answer; it must have at least "
            f"{FEWEST_OTHERS}."
        )
    return EverydayGroup(rows[0].topic, rows[0].question, answers[0], others)


def _one_question_a_group() -> Check:
    """Rows of a group have its topic and its question; no two groups have the same question."""
    first_rows: dict[int, _Row] = {}
    asked_in: dict[str, int] = {}

    def check(row: _Row) -> str | None:
        first = first_rows.setdefault(row.group, row)
        if (row.topic, row.question) != (first.topic, first.question):
            return f"group {row.group} is about {first.topic!r} and asks {first.question!r}"
        known = asked_in.setdefault(row.question, row.group)
        return None if known == row.group else f"group {known} asks the same"

    return check
