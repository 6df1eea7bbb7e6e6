"""The fact base: who wrote what, what is the capital of what; and how it is split by entity.

`fact_sentences` makes questions and sentences of it. The README beside this file says how the table
was made and checked.
"""

import random
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache

from course_utils.data.tables import read_table
from course_utils.errors import BadInput

# Relations whose values are names of their own. Whoever shares one stays together in a split.
NAMING = frozenset(
    ("author", "capital", "city", "composer", "discoverer", "inventor", "painter", "planet")
)
FEWEST = 2  # entities of a kind that may be held out, however few there are of it
LARGEST_HELD_OUT_FAMILY = 5
_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Fact:
    """Something certain about an entity; no two values for one entity and relation."""

    entity: str  # as it stands within a sentence, with its article: "the Danube"
    kind: str  # what the entity is: "river"
    relation: str
    value: str  # without an article, unless it is an entity of the table: "Black Sea"
    source: str  # where it can be looked up: see the README


@dataclass(frozen=True, slots=True)
class FactSplit:
    """Facts to train on, to choose settings with, and for the figures that are told."""

    train: list[Fact]
    validation: list[Fact]
    held_out: list[Fact]


def facts() -> list[Fact]:
    """The facts of the course, in the order of the table."""
    columns = [field.name for field in fields(Fact)]
    return [Fact(*row) for row in read_table("facts.tsv", **dict.fromkeys(columns, str))]


def split_facts(
    facts: Sequence[Fact], validation: float = 0.1, held_out: float = 0.2, seed: int = 0
) -> FactSplit:
    """A random split in which what is held out is never named in training, nor the other way round.

    All facts about an entity are on one side. So are entities that are linked, directly or through
    others: one stands in the name or in a value of the other ("Japan" is where Mount Fuji is), or
    both have the same author, painter, city or other value that is a name (`NAMING`). Values out of
    a small set, such as a continent, a currency or a language, may be on two sides.

    `validation` and `held_out` are shares of the entities of each kind. They are met from below;
    where there are few of a kind, two entities may be held out all the same. More than five that
    are linked are trained on: held out, they would be most of their kind, and too much alike.

    Raises BadInput for shares that leave nothing to train on.
    """
    shares = {"held_out": held_out, "validation": validation}
    if not all(0 <= share < 1 for share in shares.values()) or sum(shares.values()) >= 1:
        raise BadInput(
            "validation and held_out are shares of the entities, from 0 to less than 1 together; "
            f"they are {validation} and {held_out}."
        )
    kind_of = {fact.entity: fact.kind for fact in facts}
    sizes = Counter(kind_of.values())
    filled = {side: Counter() for side in (*shares, "train")}
    side_of = {}
    families = _families(facts)
    random.Random(seed).shuffle(families)
    for family in families:
        kinds = Counter(kind_of[entity] for entity in family)
        fitting = (
            side
            for side, share in shares.items()
            if len(family) <= LARGEST_HELD_OUT_FAMILY
            and all(
                filled[side][kind] + count <= _room(share, sizes[kind])
                for kind, count in kinds.items()
            )
        )
        side = next(fitting, "train")
        filled[side] += kinds
        side_of |= dict.fromkeys(family, side)
    parts = {side: [] for side in filled}
    for fact in facts:
        parts[side_of[fact.entity]].append(fact)
    return FactSplit(**parts)


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


def _room(share: float, size: int) -> float:
    return max(share * size, FEWEST) if share else 0


def _families(facts: Sequence[Fact]) -> list[list[str]]:
    """The entities in groups that must not be separated, in the order of the table."""
    family = {fact.entity: (fact.entity,) for fact in facts}

    def join(one: str, other: str) -> None:
        if one not in family[other]:
            joined = family[one] + family[other]
            family.update(dict.fromkeys(joined, joined))

    texts = {entity: [entity] for entity in family}
    first_with: dict[str, str] = {}
    for fact in facts:
        texts[fact.entity].append(fact.value)
        if fact.relation in NAMING:
            join(fact.entity, first_with.setdefault(fact.value, fact.entity))
    # "_" is a word, and one of no name: so none is found across the end of a text.
    said = {entity: " _ ".join(parts).casefold() for entity, parts in texts.items()}
    for entity in family:
        name = name_of(entity).casefold()
        for other, text in said.items():
            if holds(text, name):
                join(entity, other)
    return [list(members) for members in dict.fromkeys(family.values())]
