"""What a cross-encoder is trained on: a question, the text that answers it, and texts that do not.

Three sources of groups, each without end: epoch after epoch, in another order and with other wrong
texts. The same seed gives the same groups.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random

import numpy as np
import pandas as pd

from course_utils import data
from course_utils.data import Fact, QaPair
from course_utils.dual_encoder import embed_answers, embed_questions
from course_utils.errors import BadInput
from tools.training.squad import Paragraph

ECHO_SHARE = 1 / 3  # of the groups from SQuAD, in which the question is one of the wrong texts
CLOSEST = 20  # wrong answers that are mined for a question
FALSE_NEGATIVE = 0.95  # of the right answer's cosine: what is above may well be right, too
# A sentence ends at . ! or ?, perhaps in quotes, before a capital, a digit or a quote; but not
# after an initial, nor after these.
_ABBREVIATED = r"(?<!\b[A-Z]\.)(?<!\b(?:St|Mr|Dr|Jr|vs|ca|No)\.)(?<!\b(?:Mrs|etc|Rev|Gen)\.)"
_END = re.compile(rf"(?<=[.!?]){_ABBREVIATED}\s+(?=[A-Z0-9\"'“(])|(?<=[.!?][\"”'])\s+(?=[A-Z0-9])")


@dataclass(frozen=True, slots=True)
class Group:
    """A question, the text that answers it, and texts that do not."""

    question: str
    right: str
    wrong: tuple[str, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts, the right one first."""
        return (self.right, *self.wrong)


def squad_groups(
    paragraphs: Sequence[Paragraph], negatives: int = 3, seed: int = 0
) -> Iterator[Group]:
    """Which sentence of its paragraph holds the answer? The wrong texts are other sentences of it.

    In a third of the groups the question itself is one of them. A question whose paragraph has too
    few sentences, or whose answer is not within one of them, is left out.
    """
    known = [
        (question, right, wrong)
        for paragraph in paragraphs
        for question, right, wrong in sentence_choices(paragraph)
        if len(wrong) >= negatives
    ]
    for random, (question, right, wrong) in _epochs(known, seed):
        chosen = random.sample(wrong, negatives)
        if random.random() < ECHO_SHARE:
            chosen[random.randrange(negatives)] = question
        yield Group(question, right, tuple(chosen))


def documentation_groups(
    pairs: Sequence[QaPair], negatives: int = 3, seed: int = 0
) -> Iterator[Group]:
    """Which text goes on from this summary? The wrong texts are mined, see `mined`."""
    mined_for = zip(pairs, mined(pairs), strict=True)
    known = [(pair, wrong) for pair, wrong in mined_for if len(wrong) >= negatives]
    for random, (pair, wrong) in _epochs(known, seed):
        chosen = random.sample(wrong, negatives)
        yield Group(pair.question, pair.answer, tuple(pairs[row].answer for row in chosen))


def fact_groups(
    facts: Sequence[Fact], negatives: int = 3, seed: int = 0, without: Sequence[str] = ()
) -> Iterator[Group]:
    """Which sentence answers a question about a fact? Each epoch words all facts anew.

    The wrong texts are some of those that `data.fact_groups` gives: all, where they are fewer, and
    none of the kinds `without`.
    """
    for epoch in count():
        random = Random(f"{seed} {epoch}")
        for group in _shuffled(data.fact_groups(facts, seed=random.randrange(2**32)), random):
            texts = [each.text for each in group.negatives if each.hardness not in without]
            chosen = random.sample(texts, min(negatives, len(texts)))
            yield Group(group.question, group.answer, tuple(chosen))


def everyday_groups(table: pd.DataFrame) -> list[Group]:
    """Which passage answers an everyday question? One does, the others are near to it."""
    return [
        Group(question, rows.text[rows.answers].item(), tuple(rows.text[~rows.answers]))
        for question, rows in table.groupby("question", sort=False)
    ]


def mixture(
    sources: Mapping[str, Iterator[Group]], weights: Mapping[str, float], seed: int = 0
) -> Iterator[Group]:
    """Groups of several sources without end, each group's drawn by its weight.

    Raises BadInput where a weight is negative or all are 0, or a source is not known.
    """
    unknown = sorted(set(weights) - set(sources))
    if unknown:
        raise BadInput(f"There is no source {unknown[0]!r}. There are: {', '.join(sources)}.")
    if not weights or min(weights.values()) < 0 or not sum(weights.values()):
        raise BadInput(f"Weights must be 0 or more, and one of them above: not {dict(weights)}.")
    random = Random(seed)
    while True:
        (name,) = random.choices(list(weights), list(weights.values()))
        yield next(sources[name])


def mined(pairs: Sequence[QaPair]) -> list[list[int]]:
    """For each pair the rows of others whose answers the encoder finds closest to its question.

    Closest first. Left out are those above 0.95 of the right answer's cosine: of what the encoder
    finds as good as the right answer, too much is right. Source of the rule: Moreira et al. 2024,
    "NV-Retriever", section 4 (TopK-PercPos).
    """
    questions = embed_questions([pair.question for pair in pairs])
    answers = embed_answers([pair.answer for pair in pairs])
    found = []
    for row, cosines in enumerate(questions @ answers.T):
        wrong = np.flatnonzero(cosines <= FALSE_NEGATIVE * cosines[row])
        order = np.argsort(-cosines[wrong], kind="stable")[:CLOSEST]
        found.append([int(other) for other in wrong[order] if other != row])
    return found


def sentence_choices(paragraph: Paragraph) -> Iterator[tuple[str, str, list[str]]]:
    """Each question with the sentence that answers it, and those of the paragraph that do not.

    A question whose answer is not within one sentence is left out.
    """
    text, spans = paragraph.text, sentences(paragraph.text)
    for each in paragraph.questions:
        end = each.start + len(each.answer)
        right = [span for span in spans if span[0] <= each.start and end <= span[1]]
        if right:
            wrong = [
                text[first:last]
                for first, last in spans
                # Another sentence that holds the answer may be as good.
                if (first, last) != right[0] and each.answer not in text[first:last]
            ]
            yield each.question, text[slice(*right[0])], wrong


def sentences(text: str) -> list[tuple[int, int]]:
    """The first character of each sentence, and the one after its last."""
    ends = [found.span() for found in _END.finditer(text)]
    starts = [0, *(after for _, after in ends)]
    return list(zip(starts, [*(before for before, _ in ends), len(text)], strict=True))


def _epochs(known: Sequence, seed: int) -> Iterator[tuple[Random, tuple]]:
    """All of them in one order after the other, each with the epoch's random numbers."""
    if not known:
        raise BadInput("There is no group with as many wrong texts. Ask for fewer negatives.")
    for epoch in count():
        random = Random(f"{seed} {epoch}")
        for each in _shuffled(known, random):
            yield random, each


def _shuffled(known: Sequence, random: Random) -> list:
    return random.sample(known, len(known))
