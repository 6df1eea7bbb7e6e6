"""The answerer that works offline: it chooses sentences, and writes none. Taught in L5.

What it says stands word for word in a source, and the source is named beside it. So it can neither
invent nor obey: an instruction inside a document is a sentence like any other, with a score for how
well it answers the question.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from course_utils.errors import BadInput
from course_utils.rag import prose

SENTENCES = 8  # of a passage that are read, its summary first
COUNT = 2  # in an answer
READERS = ("cross-encoder", "late interaction")


@dataclass(frozen=True)
class Statement:
    """A sentence of an answer. `source` is the number of the passage that it stands in, from 1."""

    text: str
    source: int
    score: float  # the reader's; to be compared with those of the same question only


def candidates(name: str, text: str) -> list[str]:
    """The sentences of a passage that may be quoted; its name, where it has none."""
    return [sentence[: prose.LONGEST] for sentence in prose.sentences(text, SENTENCES)] or [name]


def best_sentences(
    question: str,
    passages: Sequence[tuple[str, str]],
    count: int = COUNT,
    reader: str | Callable[[str, list[str]], np.ndarray] = READERS[0],
) -> list[Statement]:
    """The `count` sentences that answer best, from passages `(name, text)`, best passage first.

    The search has read whole passages and knows best which of them answers: the first statement is
    of the first passage. It is its summary, unless another sentence scores clearly more: by a
    standard deviation of all scores. The others are the best that are left, wherever they stand.
    `reader` is one of `READERS`, or scores sentences for a question as they do. Each sentence is
    read together with the name of its passage. Fewer where there are fewer sentences.
    Raises BadInput for no passage, count below 1, or another reader.
    """
    if not passages or count < 1:
        raise BadInput("An answer needs a passage to quote from, and at least one sentence.")
    found, numbers, read = [], [], []
    for number, (name, text) in enumerate(passages, start=1):
        for sentence in candidates(name, text):
            if sentence not in found:  # two functions with one summary say it once
                found.append(sentence)
                numbers.append(number)
                read.append(f"{name}: {sentence}")
    scores = np.asarray(_reader(reader)(question, read))
    order = np.argsort(-scores, kind="stable").tolist()
    first = next(row for row in order if numbers[row] == 1)
    if scores[first] <= scores[0] + scores.std():
        first = 0
    chosen = [first, *(row for row in order if row != first)][:count]
    return [Statement(found[row], numbers[row], float(scores[row])) for row in chosen]


def _reader(reader) -> Callable[[str, list[str]], np.ndarray]:
    from course_utils import cross_encoder, late_interaction

    if callable(reader):
        return reader
    if reader not in READERS:
        raise BadInput(f"There is no reader {reader!r}. There are: {', '.join(READERS)}.")
    return {READERS[0]: cross_encoder.score, READERS[1]: late_interaction.score}[reader]
