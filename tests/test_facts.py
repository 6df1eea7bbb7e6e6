"""The fact base: its rules, its split by entity, and the questions and sentences made of it."""

import re
from collections import Counter, defaultdict

import pandas as pd
import pytest

from course_utils import data
from course_utils.data import Fact, FactTemplate, tables
from course_utils.data.fact_base import NAMING, holds, name_of
from course_utils.data.fact_sentences import ANY, TELLING

README = (tables.HERE / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## `facts.tsv`")[1].split("\n## ")[0]
SIDES = ("train", "validation", "held_out")


def made(entity: str, kind: str, relation: str, value: str) -> Fact:
    return Fact(entity, kind, relation, value, "gazetteer")


@pytest.fixture(scope="module")
def facts() -> list[Fact]:
    return data.facts()


@pytest.fixture(scope="module")
def value_of(facts) -> dict[tuple[str, str], str]:
    return {(fact.entity, fact.relation): fact.value for fact in facts}


@pytest.fixture(scope="module")
def split(facts) -> data.Split:
    return data.split_facts(facts)


# ------------------------------------------------------------------------------------ the facts


def test_there_are_as_many_facts_of_each_kind_and_relation_as_the_readme_says(facts):
    table = pd.DataFrame(facts)
    told = {}
    for kind, entities, relations in re.findall(r"^\| `(.+)` \| (\d+) \| (.+) \|$", SECTION, re.M):
        counts = re.findall(r"`([a-z ]+)` (\d+)", relations)
        told[kind] = int(entities), {name: int(count) for name, count in counts}
    assert told == {
        kind: (rows.entity.nunique(), dict(Counter(rows.relation)))
        for kind, rows in table.groupby("kind")
    }
    total, entities, relations, first, dropped = (
        int(number.replace(",", ""))
        for pattern in (
            r"([\d,]+) facts about (\d+) entities, in (\d+)",
            r"had ([\d,]+) rows\..+?dropped (\d+)",
        )
        for number in re.search(pattern, SECTION, re.S).groups()
    )
    assert (total, entities, relations) == (
        len(table),
        table.entity.nunique(),
        table.relation.nunique(),
    )
    assert first - dropped == total


def test_each_relation_of_a_kind_has_one_source_which_the_readme_explains(facts):
    table = pd.DataFrame(facts)
    assert (table.groupby(["kind", "relation"]).source.nunique() == 1).all()
    explained = re.findall(r"^\| `(\w+)` \| [^|]+ \|$", SECTION.split("| source | where")[1], re.M)
    assert set(explained) == set(table.source)


def test_values_that_belong_to_one_entity_occur_once(facts):
    for relation in ("capital", "symbol", "atomic number", "abbreviation", "position"):
        values = Counter(fact.value for fact in facts if fact.relation == relation)
        assert [value for value, times in values.items() if times > 1] == [], relation


def test_an_entity_is_of_one_kind_and_its_name_does_not_give_a_value_away(facts):
    kinds = Counter(entity for entity, _ in {(fact.entity, fact.kind) for fact in facts})
    assert [entity for entity, count in kinds.items() if count > 1] == []
    assert [fact for fact in facts if holds(fact.entity, fact.value)] == []


# ------------------------------------------------------------------------------------ the split


def test_a_split_keeps_every_fact_once_in_the_order_of_the_table(facts, split):
    for side in SIDES:
        part = getattr(split, side)
        assert part == sorted(part, key=facts.index)
    assert Counter(split.train + split.validation + split.held_out) == Counter(facts)
    assert data.split_facts(facts) == split != data.split_facts(facts, seed=1)


@pytest.mark.parametrize("seed", range(3))
def test_held_out_shares_are_met_from_below_for_each_kind(facts, seed):
    split = data.split_facts(facts, seed)
    table = pd.concat([pd.DataFrame(getattr(split, side)).assign(side=side) for side in SIDES])
    counts = table.groupby(["kind", "side"]).entity.nunique().unstack(fill_value=0)
    total = counts.sum(axis=1)
    assert (counts.held_out >= 1).all() and (counts.held_out <= (0.2 * total).clip(2)).all()
    assert (counts.validation <= (0.1 * total).clip(2)).all()
    assert len(split.held_out) > 300 and len(split.validation) > 150


@pytest.mark.parametrize("seed", range(3))
def test_no_sentence_of_one_side_names_an_entity_of_another(facts, seed):
    split = data.split_facts(facts, seed=seed)
    names = {
        side: {name_of(fact.entity).casefold() for fact in getattr(split, side)} for side in SIDES
    }
    for side in SIDES:
        groups = data.fact_groups(getattr(split, side), seed=seed)
        texts = {
            text.casefold()
            for group in groups
            for text in (group.question, group.answer, *(row.text for row in group.negatives))
        }
        strange = set.union(*(names[other] for other in SIDES if other != side))
        everything = " _ ".join(texts)
        assert [name for name in strange if holds(everything, name)] == []


def test_people_and_places_that_are_held_out_are_no_values_in_training(split):
    def values(facts):
        return {fact.value for fact in facts if fact.relation in NAMING}

    assert not values(split.train) & values(split.held_out)
    assert not values(split.train) & values(split.validation)
    assert not values(split.validation) & values(split.held_out)


@pytest.mark.parametrize(
    "linked",
    [
        [("Japan", "capital", "Tokyo"), ("Mount Fuji", "country", "Japan")],
        [("Emma", "author", "Jane Austen"), ("Persuasion", "author", "Jane Austen")],
        [("France", "capital", "Paris"), ("the Eiffel Tower", "city", "Paris")],
        [("the Congo", "mouth", "sea"), ("the Republic of the Congo", "currency", "franc")],
        [("swan", "class", "bird"), ("Swan Lake", "genre", "ballet")],
    ],
)
def test_linked_entities_are_on_one_side(linked):
    facts = [made(entity, "thing", relation, value) for entity, relation, value in linked]
    others = [made(f"e{number}", "thing", "class", "bird") for number in range(8)]
    for seed in range(20):
        split = data.split_facts(facts + others, seed)
        sides = {side for side in SIDES for fact in facts if fact in getattr(split, side)}
        assert len(sides) == 1, seed


def test_more_than_five_linked_entities_are_trained_on():
    for count, may_be_held_out in ((5, True), (6, False)):
        linked = [made(f"b{number}", "book", "author", "She") for number in range(count)]
        others = [made(f"c{number}", "book", "author", f"he{number}") for number in range(60)]
        held_out = {
            fact.value
            for seed in range(20)
            for fact in data.split_facts(linked + others, seed).held_out
        }
        assert ("She" in held_out) == may_be_held_out, count


# -------------------------------------------------------------------------------- the templates


@pytest.fixture(scope="module")
def templates() -> list[FactTemplate]:
    return data.fact_templates()


def test_every_relation_has_varied_templates_and_no_template_is_idle(facts, templates):
    assert len(templates) == int(re.search(r"(\d+) templates, written by hand", README)[1])
    counts = Counter((row.kind, row.relation, row.form) for row in templates)
    crossed = Counter(
        (row.kind, row.relation, row.form) for row in templates if row.trained == "all"
    )
    wanted = {(fact.kind, fact.relation) for fact in facts}
    for kind, relation in wanted:
        for form, least in (("question", 3), ("statement", 4)):
            assert counts.pop((kind, relation, form)) >= 10, (kind, relation)
            assert crossed[kind, relation, form] >= least, (kind, relation)
    for kind in {kind for kind, _ in wanted}:
        assert counts.pop((kind, ANY, "topic")) >= 4, kind
    assert not counts


def test_a_third_of_the_wordings_of_each_relation_is_never_trained_on(templates):
    counts = Counter((row.kind, row.relation, row.form) for row in templates)
    new = Counter((row.kind, row.relation, row.form) for row in templates if row.trained == "none")
    for key, count in counts.items():
        assert new[key] == (0 if key[1] == ANY else round(count / 3)), key


def test_no_template_names_an_entity(facts, templates):
    everything = " _ ".join(row.text for row in templates).casefold()
    names = {name_of(fact.entity).casefold() for fact in facts}
    assert [name for name in names if holds(everything, name)] == []


def test_a_template_has_each_of_its_places_once_and_a_topic_is_about_no_relation(templates):
    for row in templates:
        wanted = ["entity", "value"] if row.form == "statement" else ["entity"]
        places = re.findall(r"\{(?:a_)?(\w*)\}", row.text)
        assert sorted(places) == wanted, row
        assert row.text.count("{") == row.text.count("}") == len(places), row
        assert (row.form == "topic") == (row.relation == ANY), row


# ---------------------------------------------------------------------------------- the questions


@pytest.fixture(scope="module")
def questions():
    return data.fact_questions()


@pytest.fixture(scope="module")
def trained(questions):
    return questions[questions.side == "train"]


def test_training_comes_in_blocks_of_the_same_facts_in_other_words(questions, trained, split):
    first, second = trained[: len(split.train)], trained[len(split.train) :]
    fact = ["entity", "kind", "relation", "value"]
    of_split = [(row.entity, row.kind, row.relation, row.value) for row in split.train]
    for block in (first, second):
        assert list(block[fact].itertuples(index=False, name=None)) == of_split
    for text in ("question", "answer"):
        assert (first[text].to_numpy() != second[text].to_numpy()).all()


def test_every_other_fact_is_asked_once_in_known_and_once_in_new_words(questions, split):
    for side in SIDES[1:]:
        for wording in ("known", "new"):
            told = f"side == '{side.replace('_', ' ')}' and wording == '{wording}'"
            rows = questions.query(told)
            assert rows.entity.tolist() == [fact.entity for fact in getattr(split, side)]
            assert rows.value.tolist() == [fact.value for fact in getattr(split, side)]


def test_another_seed_words_the_same_facts_differently(questions):
    other = data.fact_questions(seed=1)
    assert other.entity.equals(questions.entity)
    assert (other.question != questions.question).mean() > 0.5
    assert not questions.question.duplicated().any()


def test_a_new_wording_never_occurs_in_training(templates, trained):
    new = defaultdict(list)
    for row in templates:
        if row.trained == "none":
            new[row.kind, row.relation, row.form].append(row.text)
    for row in trained.itertuples():
        fact = made(row.entity, row.kind, row.relation, row.value)
        for form, text in (("question", row.question), ("statement", row.answer)):
            unseen = {plain(template, fact) for template in new[row.kind, row.relation, form]}
            assert unseen and bare(text) not in unseen, text


def test_the_names_of_held_out_entities_never_occur_in_training(questions, trained):
    everything = " _ ".join([*trained.question, *trained.answer]).casefold()
    for side in ("validation", "held out"):
        names = {name_of(name).casefold() for name in questions.entity[questions.side == side]}
        assert [name for name in names if holds(everything, name)] == []


# ----------------------------------------------------------------------------------- the groups


@pytest.fixture(scope="module")
def groups(facts) -> list[data.FactGroup]:
    return data.fact_groups(facts)


@pytest.fixture(scope="module")
def stated_by(facts, templates) -> dict[str, set[tuple[str, str]]]:
    """Which (entity, relation) each possible statement answers, found without the generator."""
    found = defaultdict(set)
    for fact in facts:
        for row in templates:
            if (row.kind, row.relation, row.form) == (fact.kind, fact.relation, "statement"):
                found[plain(row.text, fact)].add((fact.entity, fact.relation))
    return found


def plain(template: str, fact: Fact) -> str:
    """The filled template in lower case, with every "a" and "an" taken away."""
    text = re.sub(r"\{(a_)?entity\}", fact.entity, template)
    return bare(re.sub(r"\{(a_)?value\}", fact.value, text))


def bare(text: str) -> str:
    return re.sub(r"\ban? ", "", text.lower().replace("..", "."))


def test_groups_are_in_the_words_that_the_cross_encoder_learned_from(facts, templates, groups):
    assert [group.fact for group in groups] == facts
    known = [row for row in templates if row.trained == "all"]
    assert data.fact_groups(facts, known) == groups != data.fact_groups(facts, templates)


def test_every_text_looks_like_a_sentence(groups):
    texts = {group.question for group in groups} | {group.answer for group in groups}
    texts |= {negative.text for group in groups for negative in group.negatives}
    assert [text for text in texts if text[0].islower() or not re.search(r"[^.][.?]$", text)] == []
    assert [text for text in texts if re.search(r"[{}]|  |\b(the the|an? the)\b", text)] == []
    wrong = re.compile(r"\ba (?!eu|ew|uni)[aeiou]|\ban [^aeiou]", re.IGNORECASE)
    assert [text for text in texts if wrong.search(text.replace("Xi'an", ""))] == []


def test_the_answer_states_the_fact_that_is_asked_for(groups, stated_by):
    for group in groups:
        key = (group.fact.entity, group.fact.relation)
        assert key in stated_by[bare(group.answer)], group.answer
        assert holds(group.answer, name_of(group.fact.value)), group.answer


def test_no_negative_is_right_according_to_the_table(groups, stated_by):
    for group in groups:
        key = (group.fact.entity, group.fact.relation)
        for negative in group.negatives:
            assert key not in stated_by.get(bare(negative.text), ()), negative
            if negative.hardness in ("other entity", "same value"):
                name = name_of(group.fact.entity)
                assert not holds(negative.text.casefold(), name.casefold()), negative
            else:
                assert not holds(negative.text, name_of(group.fact.value)), negative


def test_every_negative_is_what_its_label_says(groups, stated_by, value_of):
    for group in groups:
        entity, relation = group.fact.entity, group.fact.relation
        for negative in group.negatives:
            stated = stated_by.get(bare(negative.text), set())
            match negative.hardness:
                case "other entity" | "same value":
                    same = negative.hardness == "same value"
                    assert any(
                        of == relation and (value_of[other, of] == group.fact.value) == same
                        for other, of in stated - {(entity, relation)}
                    ), negative
                case "other relation":
                    others = {of for other, of in stated if other == entity} - {relation}
                    assert others and not {(of, relation) for of in others} & TELLING, negative
                case "topic":
                    assert not stated and negative.text[-1] == ".", negative
                    assert holds(negative.text.casefold(), name_of(entity).casefold()), negative
                case "echo":
                    assert negative.text == group.question
                case "rewording":
                    assert negative.text[-1] == "?" and negative.text != group.question


def test_a_group_has_three_other_entities_and_at_most_one_negative_of_each_other_kind(groups):
    for group in groups:
        counts = Counter(negative.hardness for negative in group.negatives)
        assert counts.pop("other entity") == 3 and set(counts.values()) == {1}
        assert {"topic", "echo", "rewording"} <= set(counts)
        assert len({negative.text for negative in group.negatives}) == len(group.negatives)
