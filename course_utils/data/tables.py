"""The authored tables: tab-separated text beside this file, read strictly.

A table is a dataclass (its fields are the columns) and one call of `read_table`:

    @dataclass(frozen=True)
    class Theme:
        theme: str
        sentence: str

    def themes() -> "pd.DataFrame":
        return _frame(read_table(HERE / "themes.tsv", Theme, unique=("sentence",)))
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar, get_args, get_origin, get_type_hints

from course_utils.errors import CourseError

if TYPE_CHECKING:
    import pandas as pd

HERE = Path(__file__).parent
Row = TypeVar("Row")
Check = Callable[[Row], str | None]


class TableError(CourseError, ValueError):
    """A table is missing or malformed; the message names the file, the line and the column."""


@dataclass(frozen=True)
class Word:
    """A word and its field of meaning."""

    word: str
    category: str


@dataclass(frozen=True)
class Analogy:
    """`a` is to `b` as `c` is to `d`."""

    kind: str
    a: str
    b: str
    c: str
    d: str


@dataclass(frozen=True)
class Sense:
    """A sentence in which an ambiguous word has one of its senses."""

    word: str
    sense: str
    sentence: str
    clue: Literal["before", "after", "both"]  # where the words stand that tell the sense


@dataclass(frozen=True)
class Pair:
    """Two sentences, how alike they are in meaning (0 to 5), and what the pair probes."""

    first: str
    second: str
    grade: int
    kind: str
    regrade: int  # the same, graded a second time without sight of the first grade


@dataclass(frozen=True)
class Theme:
    """A sentence and what it is about."""

    theme: str
    sentence: str


@dataclass(frozen=True)
class Passage:
    """A passage beside an everyday question: it answers the question, or is only near to it."""

    group: int
    topic: str
    question: str
    text: str
    answers: Literal["yes", "no"]


@dataclass(frozen=True)
class JudgedAnswer:
    """What the language model answered from a source, and what a reader found."""

    kind: Literal["fact", "documentation"]
    question: str
    source: str
    answer: str
    supported: Literal["yes", "no", "nothing"]  # nothing: the answer states nothing
    right: Literal["yes", "no"]
    note: str


def words() -> "pd.DataFrame":
    """150 everyday words from ten fields of meaning; the columns are those of `Word`."""
    return _frame(read_table(HERE / "words.tsv", Word, unique=("word",)))


def analogies() -> "pd.DataFrame":
    """60 analogies of four kinds, `b - a + c` near `d`; the columns are those of `Analogy`."""
    return _frame(
        read_table(
            HERE / "analogies.tsv", Analogy, unique=("a", "b", "c", "d"), checks={"d": _four_words}
        )
    )


def senses() -> "pd.DataFrame":
    """256 sentences with ambiguous words, each once in its sentence; the columns of `Sense`."""
    return _frame(
        read_table(
            HERE / "senses.tsv", Sense, unique=("sentence",), checks={"sentence": _word_once}
        )
    )


def pairs() -> "pd.DataFrame":
    """288 pairs of sentences with a grade of their likeness; the columns are those of `Pair`."""
    checks = {"grade": _on_the_scale("grade"), "regrade": _on_the_scale("regrade")}
    return _frame(read_table(HERE / "pairs.tsv", Pair, unique=("first", "second"), checks=checks))


def themes() -> "pd.DataFrame":
    """32 sentences on four themes, as many on each; the columns are those of `Theme`."""
    return _frame(read_table(HERE / "themes.tsv", Theme, unique=("sentence",)))


def everyday() -> "pd.DataFrame":
    """Everyday questions, each with a passage that answers and some that do not, a row a passage.

    The columns are those of `Passage`, but `answers` is a bool. A test set: nothing is trained on
    it, and no setting is chosen by it.
    """
    table = _frame(read_table(HERE / "everyday.tsv", Passage, unique=("text",)))
    return table.assign(answers=table.answers == "yes")


def judged_answers() -> "pd.DataFrame":
    """50 answers of the language model, read and judged; the columns are `JudgedAnswer`'s."""
    return _frame(read_table(HERE / "judged_answers.tsv", JudgedAnswer, unique=("question",)))


def _frame(rows: Sequence[object]) -> "pd.DataFrame":
    import pandas as pd  # here: `ask` reads tables, too, and starts in a second

    return pd.DataFrame(map(vars, rows))


def _four_words(row: Analogy) -> str | None:
    return None if len({row.a, row.b, row.c, row.d}) == 4 else "the four words must be different"


def _word_once(row: Sense) -> str | None:
    count = len(re.findall(rf"\b{re.escape(row.word)}\b", row.sentence, re.IGNORECASE))
    return None if count == 1 else f"holds {row.word!r} {count} times; once is asked for"


def _on_the_scale(column: str) -> Check:
    def check(row: Pair) -> str | None:
        grade = getattr(row, column)
        return None if grade in range(6) else f"{grade} is no whole number from 0 to 5"

    return check


def read_table(
    path: str | Path,
    row: type[Row],
    unique: Sequence[str] = (),
    checks: Mapping[str, Check] | None = None,
) -> list[Row]:
    """The rows of a tab-separated table, in its order.

    `row` is a dataclass whose fields are the columns, in this order. Their types are Literal[...]
    or made from the cell's text: str, int, float. No two rows may agree in all of the columns
    `unique`. `checks` maps a column to a function of the row that returns what is wrong, or None.

    The file is UTF-8, with a header, one row a line, one tab between cells; no cell is empty,
    quoted or padded with blanks. Raises TableError otherwise.
    """
    path = Path(path)
    types = get_type_hints(row)
    columns = [field.name for field in fields(row)]
    lines = _lines(path)
    if lines[0].split("\t") != columns:
        raise TableError(
            f"{path}, line 1: the header must be the columns {', '.join(columns)}, separated by "
            f"tabs, but is {lines[0]!r}."
        )
    rows, seen = [], {}
    for number, line in enumerate(lines[1:], start=2):
        cells = line.split("\t")
        if len(cells) != len(columns):
            raise TableError(
                f"{path}, line {number}: {len(cells)} cells, where the header has {len(columns)}."
            )
        values = {
            column: _value(cell, types[column], f"{path}, line {number}, column {column!r}")
            for column, cell in zip(columns, cells, strict=True)
        }
        rows.append(row(**values))
        for column, check in (checks or {}).items():
            if wrong := check(rows[-1]):
                raise TableError(f"{path}, line {number}, column {column!r}: {wrong}.")
        key = tuple(values[column] for column in unique)
        if unique and key in seen:
            raise TableError(
                f"{path}, line {number}, column {', '.join(map(repr, unique))}: the same as in "
                f"line {seen[key]}."
            )
        seen[key] = number
    if not rows:
        raise TableError(f"{path}, line 1: the table has a header and no rows.")
    return rows


def _lines(path: Path) -> list[str]:
    """The lines of the file; a Git checkout on Windows may end them with CR LF."""
    try:
        data = path.read_bytes().replace(b"\r\n", b"\n")
        lines = data.decode("utf-8").split("\n")
    except OSError as error:
        raise TableError(
            f"{path} cannot be read ({error.strerror}). Check the path of a table of your own; one "
            "of the course you can get again."
        ) from error
    except UnicodeDecodeError as error:
        number = data.count(b"\n", 0, error.start) + 1
        raise TableError(f"{path}, line {number}: not UTF-8 ({error.reason}).") from error
    return lines[:-1] if len(lines) > 1 and not lines[-1] else lines


def _value(cell: str, kind: type, where: str) -> object:
    """The cell as a value of its column's type; `where` begins the message of an error."""
    if not cell:
        raise TableError(f"{where}: the cell is empty.")
    if cell != " ".join(cell.split()) or not cell.isprintable():
        raise TableError(f"{where}: {cell!r} has blanks too many, or a sign that does not print.")
    if cell.count('"') % 2 or (cell[0] == cell[-1] == '"'):
        raise TableError(f"{where}: {cell!r} has stray quotation marks; cells are not quoted.")
    if get_origin(kind) is Literal:
        if cell not in get_args(kind):
            raise TableError(f"{where}: {cell!r} is none of {', '.join(get_args(kind))}.")
        return cell
    try:
        value = kind(cell)
    except ValueError as error:
        raise TableError(f"{where}: {cell!r} is no {kind.__name__}.") from error
    if isinstance(value, float) and not math.isfinite(value):
        raise TableError(f"{where}: {cell!r} is not a finite number.")
    return value
