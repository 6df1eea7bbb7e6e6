"""Question and answer pairs from the documentation, and splits of them that do not leak.

The question is the summary line of a docstring, the answer is the rest of its text. Taught in L4.
numpy and scipy are imported where they are needed: the documentation alone does without them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from course_utils.data import docstrings
from course_utils.data.corpus import documentation
from course_utils.data.resemblance import near_copies
from course_utils.errors import BadInput

MIN_WORDS = 10  # of an answer; shorter ones ("Attributes: cmd") could belong to any question
OPENING = 100  # words: about what an encoder reads of an answer
LARGEST_HELD_OUT_GROUP = 5


@dataclass(frozen=True, slots=True)
class QaPair:
    """A question, the text that answers it, and where both are from."""

    question: str
    answer: str
    name: str  # the dotted path
    package: str


@dataclass(frozen=True, slots=True)
class Split:
    """Pairs to train on, pairs to choose settings with, and pairs for the figures that are told."""

    train: list[QaPair]
    validation: list[QaPair]
    held_out: list[QaPair]


def qa_pairs() -> list[QaPair]:
    """A pair for each entry of the documentation that says more than its summary.

    Every question and every answer occurs once (case aside). Raises CourseError where the
    documentation cannot be collected.
    """
    pairs = (
        QaPair(entry.summary, docstrings.body(entry.text), entry.name, entry.package)
        for entry in documentation()
    )
    return _distinct(pair for pair in pairs if len(pair.answer.split()) >= MIN_WORDS)


def split_pairs(
    pairs: Sequence[QaPair], validation: int = 500, held_out: int = 700, seed: int = 0
) -> Split:
    """A random split in which no text, nor a near copy of it, is on two sides.

    Near copies (see `near_copies`) of questions or of answers are linked, and everything that is
    linked, directly or through others, stays together. Groups of more than five pairs are trained
    on: held out, a family of a hundred distributions would measure one text a hundred times.

    Raises BadInput where the pairs are too few.
    """
    import numpy as np

    members: dict[int, list[int]] = {}
    for index, group in enumerate(_groups(pairs)):
        members.setdefault(group, []).append(index)
    groups = list(members.values())
    sides: dict[str, list[int]] = {"held_out": [], "validation": [], "train": []}
    wanted = {"held_out": held_out, "validation": validation}
    for number in np.random.default_rng(seed).permutation(len(groups)):
        group = groups[number]
        fits = len(group) <= LARGEST_HELD_OUT_GROUP
        room = (
            side for side, size in wanted.items() if fits and len(sides[side]) + len(group) <= size
        )
        sides[next(room, "train")] += group
    if any(len(sides[side]) < size for side, size in wanted.items()) or not sides["train"]:
        raise BadInput(
            f"{len(pairs)} pairs are too few to hold out {held_out} and {validation} and train on "
            "others that are not near copies of them. Hold out fewer."
        )
    return Split(**{side: [pairs[index] for index in sorted(rows)] for side, rows in sides.items()})


def leaks(train: Sequence[QaPair], held_out: Sequence[QaPair]) -> list[tuple[QaPair, QaPair]]:
    """Every (training pair, held-out pair) whose questions or whose answers are near copies."""
    found = set().union(
        *(
            near_copies(ours, theirs)
            for ours, theirs in zip(_views(train), _views(held_out), strict=True)
        )
    )
    return [(train[i], held_out[j]) for i, j in sorted(found)]


def _groups(pairs: Sequence[QaPair]) -> list[int]:
    """The number of the group of each pair; near copies are in one group."""
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = [link for texts in _views(pairs) for link in near_copies(texts, texts)]
    rows, columns = np.array(links).T
    size = (len(pairs), len(pairs))
    graph = coo_array((np.ones(len(links)), (rows, columns)), shape=size)
    return connected_components(graph, directed=False)[1].tolist()


def _views(pairs: Sequence[QaPair]) -> tuple[list[str], list[str], list[str]]:
    """What may not be copied: questions, answers, and how answers begin."""
    answers = [pair.answer for pair in pairs]
    openings = [" ".join(answer.split()[:OPENING]) for answer in answers]
    return [pair.question for pair in pairs], answers, openings


def _distinct(pairs) -> list[QaPair]:
    """The first pair with each question and each answer."""
    questions, answers, kept = set(), set(), []
    for pair in pairs:
        question, answer = pair.question.lower(), pair.answer.lower()
        if question not in questions and answer not in answers:
            questions.add(question)
            answers.add(answer)
            kept.append(pair)
    return kept
