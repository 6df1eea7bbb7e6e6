"""Why the search of L5 misses the questions that it ranks worst: a reader's opinion.

How they were chosen and judged stands in the README beside the table. Taught in L5.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from course_utils.data.tables import HERE, read_table

FILE = HERE / "failures.tsv"
Cause = Literal[
    "other words",
    "another meaning",
    "ambiguous",
    "sibling",
    "spelling",
    "later chunk",
    "not written",
    "judged strictly",
]


@dataclass(frozen=True, slots=True)
class Failure:
    """A question of the test split that the pipeline fails at, and the main cause of it."""

    question: str
    cause: Cause
    note: str


def failures(path: str | Path = FILE) -> list[Failure]:
    """The judged failures. Raises TableError, which names file, line and column of what is wrong.

    Which rank each had is in `stored_run("retrieval")`.
    """
    return read_table(path, Failure, unique=("question",))
