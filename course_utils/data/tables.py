"""What was written for the course: tables, one example, and what long runs measured.

How each table was made, what its columns mean and what it cannot say stands in the README beside
them; `tests/test_tables.py` holds them to it. pandas is imported where it is needed: `ask` reads
tables, too, and starts in a second.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.errors import CourseError

if TYPE_CHECKING:
    import pandas as pd

HERE = Path(__file__).parent
RUNS = HERE / "runs"
UNANSWERABLE = "-"  # in the answers of a question; a table has no empty cells


@dataclass(frozen=True, slots=True)
class Question:
    """What people ask about the documentation, and every entry that is accepted as an answer."""

    question: str
    style: str  # "how", "keywords", "misspelt", "vague", "behaviour", "beginner" or "plain"
    split: str  # "tune": to choose settings with; "test": for the figures that are told
    answers: tuple[str, ...]  # dotted names of entries; none where the corpus cannot answer


@dataclass(frozen=True)
class EchoExample:
    """A question, and texts to rank for it: first the question itself, second its answer."""

    question: str
    texts: tuple[str, ...]


def read_table(name: str, **columns: type) -> list[tuple]:
    """The rows of a tab-separated table of the course, each cell made into its column's type.

    The file is UTF-8, with a header, one row a line, and no quoting. Raises CourseError, which
    names the file, the line and the column of what is malformed.
    """
    path, rows = HERE / name, []
    try:
        header, *lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(
            f"{path} cannot be read ({error}). Get the course's file again."
        ) from error
    if header.split("\t") != [*columns]:
        raise CourseError(f"{path}, line 1: the columns must be {', '.join(columns)}: {header!r}.")
    for number, line in enumerate(lines, start=2):
        cells, values = line.split("\t"), []
        if len(cells) != len(columns):
            raise CourseError(f"{path}, line {number}: {len(cells)} cells, not {len(columns)}.")
        for (column, kind), cell in zip(columns.items(), cells, strict=True):
            try:
                values.append(kind(cell))
            except ValueError as error:
                raise CourseError(
                    f"{path}, line {number}, column {column!r}: {cell!r} is no {kind.__name__}."
                ) from error
        rows.append(tuple(values))
    return rows


def frame(name: str, **columns: type) -> "pd.DataFrame":
    """The same as a DataFrame."""
    import pandas as pd

    return pd.DataFrame(read_table(name, **columns), columns=[*columns])


def words() -> "pd.DataFrame":
    """150 everyday words (`word`) from ten fields of meaning (`category`)."""
    return frame("words.tsv", word=str, category=str)


def analogies() -> "pd.DataFrame":
    """60 analogies of four kinds: `a` is to `b` as `c` is to `d`, so `b - a + c` is near `d`."""
    return frame("analogies.tsv", kind=str, a=str, b=str, c=str, d=str)


def senses() -> "pd.DataFrame":
    """256 sentences in which an ambiguous `word` stands once, in one `sense`.

    `clue` says where the words stand that tell the sense: "before", "after" or "both".
    """
    return frame("senses.tsv", word=str, sense=str, sentence=str, clue=str)


def pairs() -> "pd.DataFrame":
    """288 pairs of sentences, `first` and `second`, with a `grade` of their likeness from 0 to 5.

    `kind` is what a pair probes; `regrade` a second grade, given without sight of the first.
    """
    return frame("pairs.tsv", first=str, second=str, grade=int, kind=str, regrade=int)


def themes() -> "pd.DataFrame":
    """32 sentences (`sentence`) on four themes (`theme`), as many on each."""
    return frame("themes.tsv", theme=str, sentence=str)


def everyday() -> "pd.DataFrame":
    """73 everyday questions, each with one passage that answers it and others near to it.

    A row a passage (`text`); `answers` is a bool. A test set: nothing is trained on it, and no
    setting is chosen by it.
    """
    table = frame("everyday.tsv", group=int, topic=str, question=str, text=str, answers=str)
    return table.assign(answers=table.answers == "yes")


def judged_answers() -> "pd.DataFrame":
    """50 answers of the language model, and what a reader found.

    `kind` "fact" or "documentation"; `supported` by its `source` "yes", "no" or "nothing" (where
    the answer states nothing); `right` "yes" or "no".
    """
    text = "kind question source answer supported right note".split()
    return frame("judged_answers.tsv", **dict.fromkeys(text, str))


def failures() -> "pd.DataFrame":
    """Questions that the search of L5 ranks worst, and why (`cause`, `note`): a reader's opinion.

    Which rank each had is in `stored_run("retrieval")`.
    """
    return frame("failures.tsv", question=str, cause=str, note=str)


def questions() -> list[Question]:
    """The question set of L5, in the order of the table."""
    rows = read_table("questions.tsv", question=str, style=str, split=str, answers=str)
    return [
        Question(*row, () if answers == UNANSWERABLE else tuple(answers.split(" ")))
        for *row, answers in rows
    ]


def echo_example() -> EchoExample:
    """A question among five texts, one of which is the question itself: the echo in small.

    The example is the one that the dual-encoder course of DeepLearning.AI and Vectara made known,
    in sentences of our own.
    """
    question = "What is the tallest mountain in the world?"
    return EchoExample(
        question,
        (
            question,
            "The tallest mountain in the world is Mount Everest.",
            "Kilimanjaro is a mountain in Africa.",
            "We like to hike in the hills on Sundays.",
            "My yoga class begins at six.",
        ),
    )


def stored_run(name: str) -> dict:
    """What a long run measured: `runs/NAME.json`. Its `command` and `date` say how it was made."""
    path = RUNS / f"{name}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        known = ", ".join(sorted(file.stem for file in RUNS.glob("*.json"))) or "none"
        raise CourseError(
            f"The stored run {name!r} cannot be read ({error}). There are: {known}. "
            "`make adapters`, `make echo-ablation`, `make retrieval`, `make bench` make them again."
        ) from error
