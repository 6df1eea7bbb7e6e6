"""Question and answer pairs from the documentation, and splits of them that do not leak.

The question is the summary line of a docstring, the answer is the rest of its text. Taught in L4.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from course_utils.data import docstrings
from course_utils.data.corpus import documentation
from course_utils.data.splits import Split, dealt, families, near_copies
from course_utils.errors import BadInput

MIN_WORDS = 10  # of an answer; shorter ones ("Attributes: cmd") could belong to any question
OPENING = 100  # words: about what an encoder reads of an answer


@dataclass(frozen=True, slots=True)
class QaPair:
    """A question, the text that answers it, and where both are from."""

    question: str
    answer: str
    name: str  # the dotted path
    package: str


def qa_pairs() -> list[QaPair]:
    """A pair for each entry of the documentation that says more than its summary.

    Every question and every answer occurs once (case aside).
    """
    questions, answers, kept = set(), set(), []
    for entry in documentation():
        pair = QaPair(entry.summary, docstrings.body(entry.text), entry.name, entry.package)
        question, answer = pair.question.lower(), pair.answer.lower()
        known = question in questions or answer in answers
        if not known and len(answer.split()) >= MIN_WORDS:
            questions.add(question)
            answers.add(answer)
            kept.append(pair)
    return kept


def split_pairs(
    pairs: Sequence[QaPair], validation: int = 500, held_out: int = 700, seed: int = 0
) -> Split:
    """A random split in which no text, nor a near copy of it, is on two sides.

    Near copies (see `near_copies`) of questions or of answers are linked, and everything that is
    linked, directly or through others, stays together. Families of more than five pairs are trained
    on: held out, a family of a hundred distributions would measure one text a hundred times.

    Raises BadInput where the pairs are too few.
    """
    import numpy as np

    links = [link for texts in _views(pairs) for link in near_copies(texts, texts)]
    groups = families(links, len(pairs))
    order = np.random.default_rng(seed).permutation(len(groups))
    wanted = {"held_out": held_out, "validation": validation}
    sides = dealt(
        (groups[number] for number in order), lambda side, rows: len(rows) <= wanted[side]
    )
    if any(len(sides[side]) < size for side, size in wanted.items()) or not sides["train"]:
        raise BadInput(
            f"{len(pairs)} pairs are too few to hold out {held_out} and {validation} and train on "
            "others that are not near copies of them. Hold out fewer."
        )
    return Split(**{side: [pairs[row] for row in sorted(rows)] for side, rows in sides.items()})


def leaks(train: Sequence[QaPair], held_out: Sequence[QaPair]) -> list[tuple[QaPair, QaPair]]:
    """Every (training pair, held-out pair) whose questions or whose answers are near copies."""
    views = zip(_views(train), _views(held_out), strict=True)
    found = {link for ours, theirs in views for link in near_copies(ours, theirs)}
    return [(train[i], held_out[j]) for i, j in sorted(found)]


def _views(pairs: Sequence[QaPair]) -> tuple[list[str], list[str], list[str]]:
    """What may not be copied: questions, answers, and how answers begin."""
    answers = [pair.answer for pair in pairs]
    openings = [" ".join(answer.split()[:OPENING]) for answer in answers]
    return [pair.question for pair in pairs], answers, openings
