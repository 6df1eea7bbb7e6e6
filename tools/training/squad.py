"""SQuAD v1.1: paragraphs of encyclopedia articles, with questions about them, as published.

From the Hugging Face hub, or from a file that you have. Its text (CC BY-SA 4.0) is other people's
and is not part of the course. Source: Rajpurkar, Zhang, Lopyrev and Liang 2016, "SQuAD: 100,000+
Questions for Machine Comprehension of Text".
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from course_utils import models
from course_utils.errors import CourseError

REPOSITORY = "rajpurkar/squad"
HELD_OUT = 0.1  # of the paragraphs, the last ones
Each = TypeVar("Each")


class SquadError(CourseError, ValueError):
    """The data set is missing, damaged, or not what it should be."""


@dataclass(frozen=True, slots=True)
class SquadQuestion:
    """A question, and from which character of its paragraph on the answer stands."""

    question: str
    answer: str
    start: int


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph and the questions that it answers."""

    text: str
    questions: tuple[SquadQuestion, ...]


def squad(path: str | Path | None = None) -> list[Paragraph]:
    """The paragraphs of the training set, in its order.

    `path` reads a JSON file instead: as published, or a list of paragraphs, each with `context` and
    `qas`, of which each has `question` and either `answers`, as published, or `answer` and
    `answer_start`. Without it, the hub is asked; that takes `pip install datasets`.

    Raises SquadError, which names the paragraph that is malformed; for the hub also CourseError.
    """
    return _from_hub() if path is None else _read(Path(path))


def split_paragraphs(paragraphs: Sequence[Each]) -> tuple[Sequence[Each], Sequence[Each]]:
    """What is trained on, and what is never: the last tenth of the paragraphs, or of their texts.

    One split for everything that is trained: what has seen one part can use another that has not
    seen more.
    """
    held_out = max(1, round(HELD_OUT * len(paragraphs)))
    return paragraphs[:-held_out], paragraphs[-held_out:]


def _from_hub() -> list[Paragraph]:
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise SquadError(
            "The hub's data sets are read with another package: pip install datasets. Or give the "
            "path of a copy of SQuAD v1.1's train-v1.1.json."
        ) from error
    models.require_hub(REPOSITORY)
    paragraphs = defaultdict(list)
    for row in load_dataset(REPOSITORY, split="train"):
        answers = row["answers"]
        found = SquadQuestion(row["question"], answers["text"][0], answers["answer_start"][0])
        paragraphs[row["context"]].append(found)
    return [Paragraph(text, tuple(questions)) for text, questions in paragraphs.items()]


def _read(path: Path) -> list[Paragraph]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SquadError(f"{path} cannot be read as JSON ({why}).") from error
    found = [
        _paragraph(paragraph, f"{path}, paragraph {number}")
        for number, paragraph in enumerate(_paragraphs(content, path), start=1)
    ]
    if not found:
        raise SquadError(f"{path} holds no paragraphs.")
    return found


def _paragraphs(content: object, path: Path) -> Iterator[dict]:
    """The paragraphs one by one; as published, they stand in articles."""
    try:
        if isinstance(content, dict):
            for article in content["data"]:
                yield from article["paragraphs"]
        else:
            yield from content
    except (KeyError, TypeError) as error:
        raise SquadError(
            f"{path} is neither SQuAD as published nor a list of paragraphs."
        ) from error


def _paragraph(raw: dict, where: str) -> Paragraph:
    try:
        questions = tuple(_question(each) for each in raw["qas"])
        paragraph = Paragraph(raw["context"], questions)
    except (KeyError, TypeError, IndexError) as error:
        raise SquadError(f"{where} lacks what a paragraph needs ({error!r}).") from error
    for each in questions:
        if not paragraph.text.startswith(each.answer, each.start):
            raise SquadError(
                f"{where}: the answer {each.answer!r} does not stand at character {each.start}."
            )
    return paragraph


def _question(raw: dict) -> SquadQuestion:
    first = raw["answers"][0] if "answers" in raw else raw
    text = first["text"] if "answers" in raw else first["answer"]
    return SquadQuestion(raw["question"], text, first["answer_start"])
