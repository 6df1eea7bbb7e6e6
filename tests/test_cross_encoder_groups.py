"""What a cross-encoder is trained on: right texts, wrong texts, and nothing that is held out."""

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from course_utils import data
from course_utils.data import QaPair
from course_utils.data.fact_base import holds, name_of
from tools.training import cross_encoder as recipe
from tools.training.cross_encoder import groups
from tools.training.squad import Paragraph, SquadQuestion

TEXT = (
    'In 1820 A. N. Miller built the mill. "It will last." Its wheel turned until 1911! Why did it '
    "stop? St. Anne's parish (1890) had no use for it. 40 people came to see the wheel."
)
SENTENCES = [
    "In 1820 A. N. Miller built the mill.",
    '"It will last."',
    "Its wheel turned until 1911!",
    "Why did it stop?",
    "St. Anne's parish (1890) had no use for it.",
    "40 people came to see the wheel.",
]
THINGS = "cup rope lamp door boat coin nail sack".split()


def paragraph(text: str = TEXT, *asked: tuple[str, str]) -> Paragraph:
    return Paragraph(text, tuple(SquadQuestion(q, a, text.index(a)) for q, a in asked))


MILL = paragraph(TEXT, ("Who built the mill?", "A. N. Miller"), ("Until when?", "1911"))


def pairs() -> list[QaPair]:
    return [
        QaPair(f"Where is the {thing}?", f"Here is a {thing}, and it is mine.", thing, "made")
        for thing in THINGS
    ]


# ----------------------------------------------------------------------------------------- SQuAD


def test_a_paragraph_is_cut_into_sentences():
    assert [TEXT[first:last] for first, last in groups.sentences(TEXT)] == SENTENCES


def test_the_wrong_texts_are_other_sentences_without_the_answer():
    for group in islice(recipe.squad_groups([MILL]), 60):
        answer = {"Who built the mill?": "A. N. Miller", "Until when?": "1911"}[group.question]
        assert group.right in SENTENCES and answer in group.right
        assert len(group.wrong) == len(set(group.wrong)) == 3
        for text in group.wrong:
            assert text in {*SENTENCES, group.question} and answer not in text


def test_an_answer_in_several_sentences_has_one_right_text_and_no_wrong_one():
    text = "The wheel is red. Blue is the door. The wheel is old. Snow fell. Rain fell."
    twice = paragraph(text, ("What is red?", "The wheel"))
    for group in islice(recipe.squad_groups([twice]), 20):
        assert group.right == "The wheel is red."
        assert "The wheel is old." not in group.wrong


def test_a_question_without_enough_sentences_or_with_an_answer_across_two_is_left_out():
    across = paragraph(TEXT, ("What?", "1911! Why did"))
    short = paragraph("One is red. Two is blue.", ("Which is red?", "One"))
    kept = islice(recipe.squad_groups([across, MILL, short]), 50)
    assert {group.question for group in kept} == {"Who built the mill?", "Until when?"}


# --------------------------------------------------------------------------------- documentation


def test_mined_texts_are_the_closest_that_are_not_as_good_as_the_right_one(monkeypatch):
    """Question 0 has the cosines 0.9 (right), 0.88 and 0.86 (too close), 0.8, 0.5 and 0.1."""
    cosines = np.array([0.9, 0.88, 0.5, 0.86, 0.1, 0.8])
    questions = np.tile(np.eye(2)[0], (6, 1))
    answers = np.stack([cosines, np.sqrt(1 - cosines**2)], axis=1)
    monkeypatch.setattr(groups, "embed_questions", lambda texts: questions)
    monkeypatch.setattr(groups, "embed_answers", lambda texts: answers)
    found = recipe.mined(pairs()[:6])
    assert found[0] == [5, 2, 4]
    assert found[2] == [4]
    monkeypatch.setattr(groups, "CLOSEST", 2)
    assert recipe.mined(pairs()[:6])[0] == [5, 2]


def test_documentation_groups_hold_the_own_text_and_others(monkeypatch):
    made = pairs()
    own = {pair.question: pair.answer for pair in made}
    for group in islice(recipe.documentation_groups(made, negatives=2), 40):
        assert group.right == own[group.question]
        assert group.right not in group.wrong and group.question not in group.wrong
        assert len(set(group.wrong)) == 2 and set(group.wrong) <= set(own.values())


# ----------------------------------------------------------------------------------------- facts


def test_no_group_of_the_training_side_names_an_entity_that_is_held_out():
    split = data.split_facts(data.facts())
    train = list(islice(recipe.fact_groups(split.train), 2 * len(split.train)))
    text = " ".join(part for group in train for part in (group.question, *group.texts)).casefold()
    held_out = {fact.entity for fact in split.held_out + split.validation}
    assert len(held_out) > 50
    assert not [entity for entity in held_out if holds(text, name_of(entity).casefold())]


def test_each_epoch_words_all_facts_anew_and_no_wrong_text_is_the_right_one():
    facts = data.split_facts(data.facts()).train[:60]
    both = list(islice(recipe.fact_groups(facts), 120))
    first, second = both[:60], both[60:]
    assert {group.question for group in first} != {group.question for group in second}
    assert all(group.right not in group.wrong and len(group.wrong) == 3 for group in both)
    assert any(group.question in group.wrong for group in both)
    many = islice(recipe.fact_groups(facts, negatives=99), 60)
    assert {len(group.wrong) for group in many} <= set(range(3, 9))


# --------------------------------------------------------------------------------------- mixture


def test_sources_are_mixed_by_their_weights():
    sources = {name: iter(lambda name=name: name, None) for name in ("one", "two", "three")}
    drawn = Counter(islice(recipe.mixture(sources, {"one": 3, "two": 1}), 2000))
    assert set(drawn) == {"one", "two"}
    assert abs(drawn["one"] / 2000 - 0.75) < 0.039  # four standard deviations


@pytest.mark.parametrize(
    "source",
    [
        lambda seed: recipe.squad_groups([MILL], seed=seed),
        lambda seed: recipe.documentation_groups(pairs(), seed=seed),
        lambda seed: recipe.fact_groups(data.facts()[:50], seed=seed),
    ],
    ids=["squad", "documentation", "facts"],
)
def test_the_seed_decides_the_groups(source):
    first, same, other = (list(islice(source(seed), 20)) for seed in (0, 0, 1))
    assert first == same != other
