"""The fact base: who wrote what, what is the capital of what; and how it is split by entity.

`fact_sentences` makes questions and sentences of it. The README beside this file says how the table
was made and checked.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from course_utils.data.splits import Split, dealt, families
from course_utils.data.tables import read_table

# Relations whose values are names of their own. Whoever shares one stays together in a split.
NAMING = frozenset(
    ("author", "capital", "city", "composer", "discoverer", "inventor", "painter", "planet")
)
SHARES = {"held_out": 0.2, "validation": 0.1}  # of the entities of each kind
FEWEST = 2  # entities of a kind that may be held out, however few there are of it
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Fact:
    """Something certain about an entity; no two values for one entity and relation."""

    entity: str  # as it stands within a sentence, with its article: "the Danube"
    kind: str  # what the entity is: "river"
    relation: str
    value: str  # without an article, unless it is an entity of the table: "Black Sea"
    source: str  # where it can be looked up: see the README


def facts() -> list[Fact]:
    """The facts of the course, in the order of the table."""
    return [Fact(*row) for row in read_table("facts.tsv", **Fact.__annotations__)]


def split_facts(facts: Sequence[Fact], seed: int = 0) -> Split:
    """A random split in which what is held out is never named in training, nor the other way round.

    All facts about an entity are on one side. So are entities that are linked, directly or through
    others: one stands in the name or in a value of the other ("Japan" is where Mount Fuji is), or
    both have the same author, painter, city or other value that is a name (`NAMING`). Values out of
    a small set, such as a continent, a currency or a language, may be on two sides.

    The shares are of the entities of each kind, and met from below; where there are few of a kind,
    two entities may be held out all the same. More than five that are linked are trained on: held
    out, they would be most of their kind, and too much alike.
    """
    kind_of = {fact.entity: fact.kind for fact in facts}
    entities, sizes = list(kind_of), Counter(kind_of.values())

    def fits(side: str, rows: list[int]) -> bool:
        kinds = Counter(kind_of[entities[row]] for row in rows)
        return all(n <= max(SHARES[side] * sizes[kind], FEWEST) for kind, n in kinds.items())

    groups = families(_links(facts, entities), len(entities))
    random.Random(seed).shuffle(groups)
    side_of = {entities[row]: side for side, rows in dealt(groups, fits).items() for row in rows}
    parts = {"train": [], "validation": [], "held_out": []}
    for fact in facts:
        parts[side_of[fact.entity]].append(fact)
    return Split(**parts)


def holds(text: str, part: str) -> bool:
    """Whether the words of `part` stand in `text` one after the other, as whole words."""
    return _words(part) in _words(text)


def name_of(entity: str) -> str:
    """The entity without its article."""
    return entity.removeprefix("the ")


@cache
def _words(text: str) -> str:
    """The words with one blank before, between and after them."""
    return " ".join(["", *_WORD.findall(text), ""])


def _links(facts: Sequence[Fact], entities: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Which entities must not be separated, as pairs of their rows."""
    row_of = {entity: row for row, entity in enumerate(entities)}
    texts = {entity: [entity] for entity in entities}
    first_with: dict[str, str] = {}
    for fact in facts:
        texts[fact.entity].append(fact.value)
        if fact.relation in NAMING:
            yield row_of[fact.entity], row_of[first_with.setdefault(fact.value, fact.entity)]
    # "_" is a word, and one of no name: so none is found across the end of a text.
    said = [" _ ".join(parts).casefold() for parts in texts.values()]
    for row, entity in enumerate(entities):
        name = name_of(entity).casefold()
        yield from ((row, other) for other, text in enumerate(said) if holds(text, name))
