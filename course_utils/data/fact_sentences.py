"""Questions, right sentences and hard negatives, made of facts and of hand-written templates.

A hard negative looks like the answer and is none. Each says what makes it hard:

- `other entity`: the same is said of another entity, with another value;
- `same value`: the same is said of another entity, with the very value that is asked for;
- `other relation`: another fact about the entity;
- `topic`: something about the entity that is no fact of the table;
- `echo`: the question itself;
- `rewording`: the question in other words.

All of them are true or no statements at all. A false one ("The capital of France is Rome.") would
answer the question, wrongly: to reject it takes knowledge, and not understanding.
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from course_utils.data.fact_base import Fact, facts, holds, name_of, split_facts
from course_utils.data.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

OTHERS = 3  # negatives of the kind "other entity", where there are so many
ANY = "any"  # the relation of a template that is about none
# Who learns the first of an entity knows the second as well, or nearly: Rome is in Italy.
TELLING = frozenset({("city", "country"), ("country", "continent")})
_TAKES_AN = re.compile(r"(?!ew|eu|uni)[aeiou]", re.IGNORECASE)  # an owl, but a ewe


@dataclass(frozen=True)
class FactTemplate:
    """A sentence with places for an entity and a value: "The author of {entity} is {value}."

    `{a_entity}` and `{a_value}` stand for the same with "a" or "an".
    """

    kind: str  # of entity
    relation: str
    form: str  # "question", "statement" or "topic"
    text: str
    trained: str  # on it: "all", cross-encoder and heads; "heads" alone; "none", nothing


@dataclass(frozen=True, slots=True)
class HardNegative:
    """A text that does not answer the question of its group, and what makes that hard to see."""

    text: str
    hardness: str  # "other entity", "same value", ...: see above


@dataclass(frozen=True, slots=True)
class FactGroup:
    """A question about a fact, the sentence that answers it, and sentences that do not."""

    fact: Fact
    question: str
    answer: str
    negatives: tuple[HardNegative, ...]


def fact_templates() -> list[FactTemplate]:
    """The templates of the course, in the order of the table."""
    rows = read_table("fact_templates.tsv", **FactTemplate.__annotations__)
    return [FactTemplate(*row) for row in rows]


def fact_groups(
    facts: Sequence[Fact], templates: Sequence[FactTemplate] | None = None, seed: int = 0
) -> list[FactGroup]:
    """A group for each fact, in their order; the seed chooses wordings and negatives.

    Negatives come from `facts` alone, so pass one side of a split: up to three of the kind
    `other entity`, and one of each other kind where there is one. Another seed words the same facts
    differently, which is a way to train for more than one epoch. Without `templates`, the wordings
    are those that the cross-encoder was trained on.
    """
    if templates is None:
        templates = [row for row in fact_templates() if row.trained == "all"]
    writer = _Writer(facts, templates, seed)
    return [writer.group(fact) for fact in facts]


def fact_questions(wordings: int = 2, seed: int = 0) -> "pd.DataFrame":
    """The facts of the course as questions and answers, a row each. The material of L4 and L5.

    | column | |
    |---|---|
    | `side` | "train", "validation" or "held out": which entities (see `split_facts`) |
    | `wording` | "known" or "new": whether wordings of this kind are trained on |
    | `entity`, `kind`, `relation`, `value` | the fact |
    | `question`, `answer` | two sentences about it, each in a wording of its own |

    The training rows come in `wordings` blocks: each has all facts, in the same order, in other
    words. Of every other fact there is one row in a known and one in a new wording. The seed
    chooses the wordings; the split is always the same.
    """
    import pandas as pd  # here, as in `tables`

    templates, split, rows = fact_templates(), split_facts(facts()), []
    known = [row for row in templates if row.trained != "none"]
    new = [row for row in templates if row.trained == "none"]
    for side, wording, among, count in (
        ("train", "known", known, wordings),
        ("validation", "known", known, 1),
        ("validation", "new", new, 1),
        ("held out", "known", known, 1),
        ("held out", "new", new, 1),
    ):
        blocks: list[list[tuple]] = [[] for _ in range(count)]
        of_side = getattr(split, side.replace(" ", "_"))
        writer = _Writer(of_side, among, f"{seed} {side} {wording}")
        for fact in of_side:
            asked = writer.word(fact, fact.relation, "question", count)
            told = writer.word(fact, fact.relation, "statement", count)
            about = (side, wording, fact.entity, fact.kind, fact.relation, fact.value)
            for block, *texts in zip(blocks, asked, told, strict=True):
                block.append((*about, *texts))
        rows += sum(blocks, [])
    columns = "side wording entity kind relation value question answer"
    return pd.DataFrame(rows, columns=columns.split())


class _Writer:
    """Words facts, and picks what else is said beside each."""

    def __init__(self, facts: Sequence[Fact], templates: Sequence[FactTemplate], seed: int | str):
        self.random = random.Random(seed)
        self.texts: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for row in templates:
            self.texts[row.kind, row.relation, row.form].append(row.text)
        self.peers: dict[tuple[str, str], list[Fact]] = defaultdict(list)
        self.about: dict[str, list[Fact]] = defaultdict(list)
        for fact in facts:
            self.peers[fact.kind, fact.relation].append(fact)
            self.about[fact.entity].append(fact)

    def group(self, fact: Fact) -> FactGroup:
        question, rewording = self.word(fact, fact.relation, "question", 2)
        negatives = (
            *self.statements("other entity", self.strangers(fact, same=False), OTHERS),
            *self.statements("same value", self.strangers(fact, same=True), 1),
            *self.statements("other relation", self.siblings(fact), 1),
            HardNegative(self.word(fact, ANY, "topic")[0], "topic"),
            HardNegative(question, "echo"),
            HardNegative(rewording, "rewording"),
        )
        return FactGroup(fact, question, self.word(fact, fact.relation, "statement")[0], negatives)

    def strangers(self, fact: Fact, same: bool) -> list[Fact]:
        """The same said of entities that the question does not name, with the same value or not."""
        name = name_of(fact.entity).casefold()
        return [
            peer
            for peer in self.peers[fact.kind, fact.relation]
            if (peer.value == fact.value) == same
            and not any(holds(text.casefold(), name) for text in (peer.entity, peer.value))
        ]

    def siblings(self, fact: Fact) -> list[Fact]:
        """What else is known about the entity, unless it gives the value away."""
        return [
            other
            for other in self.about[fact.entity]
            if other.relation != fact.relation
            and (other.relation, fact.relation) not in TELLING
            and not holds(other.value, name_of(fact.value))
        ]

    def statements(
        self, hardness: str, facts: Sequence[Fact], limit: int
    ) -> Iterator[HardNegative]:
        """Some of the facts in words, as negatives."""
        for fact in self.random.sample(facts, min(limit, len(facts))):
            yield HardNegative(self.word(fact, fact.relation, "statement")[0], hardness)

    def word(self, fact: Fact, relation: str, form: str, count: int = 1) -> list[str]:
        """As many different wordings of the fact."""
        texts = self.random.sample(self.texts[fact.kind, relation, form], count)
        return [_filled(text, fact) for text in texts]


def _filled(template: str, fact: Fact) -> str:
    places = {"entity": fact.entity, "value": fact.value}
    articles = {f"a_{place}": _with_article(name) for place, name in places.items()}
    text = template.format(**places, **articles)
    return text[0].upper() + text[1:].replace("..", ".")  # a name may end in one: Washington, D.C.


def _with_article(name: str) -> str:
    return f"{'an' if _TAKES_AN.match(name) else 'a'} {name}"
