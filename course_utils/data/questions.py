"""The question set: what people ask about the documentation, and the entries that answer it.

How it was written and judged stands in the README beside the table. Taught in L5.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from course_utils.data.tables import HERE, read_table

FILE = HERE / "questions.tsv"
UNANSWERABLE = "-"  # in the column of the answers; a table has no empty cells
Style = Literal["how", "keywords", "misspelt", "vague", "behaviour", "beginner", "plain"]
Part = Literal["tune", "test"]
_NAME = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)+")


@dataclass(frozen=True, slots=True)
class Question:
    """A question, and every entry that a person would accept as the right place to look."""

    question: str
    style: Style
    split: Part  # "tune": to choose settings with; "test": for the figures that are told
    answers: tuple[str, ...]  # dotted names of entries; none where the corpus cannot answer


@dataclass(frozen=True, slots=True)
class _Row:
    question: str
    style: Style
    split: Part
    answers: str


def questions(path: str | Path = FILE) -> list[Question]:
    """The questions in the order of the table; `path` reads a table of your own in the same form.

    Names are not looked up: that would take the documentation. Raises TableError, which names the
    file, the line and the column of whatever is malformed.
    """
    rows = read_table(path, _Row, unique=("question",), checks={"answers": _names_once})
    return [Question(row.question, row.style, row.split, _answers(row)) for row in rows]


def _answers(row: _Row) -> tuple[str, ...]:
    return () if row.answers == UNANSWERABLE else tuple(row.answers.split(" "))


def _names_once(row: _Row) -> str | None:
    names = _answers(row)
    for name in names:
        if not _NAME.fullmatch(name):
            return f"{name!r} is no dotted name; write {UNANSWERABLE!r} alone where none answers"
        if names.count(name) > 1:
            return f"holds {name!r} twice"
    return None
