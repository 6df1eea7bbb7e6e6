"""Everyday questions and passages: the table keeps its own rules."""

import re

import pytest
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from course_utils import data
from course_utils.data import tables
from tools.training.cross_encoder import Group, everyday_groups

README = (tables.HERE / "README.md").read_text(encoding="utf-8")
SECTION = " ".join(README.split("## `everyday.tsv`")[1].split("\n## ")[0].split())


def content(sentence: str) -> set[str]:
    """The words that say what a sentence is about."""
    return set(re.findall(r"\w+", sentence.lower())) - ENGLISH_STOP_WORDS


def shared(group: Group, text: str) -> int:
    return len(content(group.question) & content(text))


@pytest.fixture(scope="module")
def groups() -> list[Group]:
    return everyday_groups(data.everyday())


def test_there_are_as_many_groups_and_passages_as_the_readme_says(groups):
    counts = re.search(r"(\d+) groups of (\d) to (\d) passages, (\d+) rows", SECTION).groups()
    sizes = [1 + len(group.wrong) for group in groups]
    assert (len(groups), min(sizes), max(sizes), sum(sizes)) == tuple(map(int, counts))
    assert len(groups) >= 60


def test_a_group_has_one_topic_one_question_of_its_own_one_answer_and_three_others_or_more():
    table = data.everyday()
    assert table.answers.dtype == bool and table.text.is_unique
    groups = table.groupby("group", sort=False)
    assert (groups[["topic", "question"]].nunique() == 1).all(axis=None)
    assert groups.ngroups == table.question.nunique()
    assert (groups.answers.sum() == 1).all() and (groups.size() >= 4).all()


def test_the_topics_are_those_of_the_readme_and_none_is_about_software(groups):
    listed = re.search(r"`topic` \| (.+?) \|", SECTION)[1]
    assert set(data.everyday().topic) == set(re.findall("`(.+?)`", listed))
    software = {"computer", "software", "file", "files", "program", "website", "code", "data"}
    asked = set().union(*(content(group.question) for group in groups))
    assert not asked & software


def test_shared_words_and_length_give_the_answer_away_no_more_often_than_the_readme_says(groups):
    more = [max(shared(group, text) for text in group.wrong) for group in groups]
    margins = [shared(group, group.right) - most for group, most in zip(groups, more, strict=True)]
    told = re.search(
        r"In (\d+) of the (\d+) groups a wrong passage shares more content words with the question "
        r"than the right one does, in (\d+) it is the other way round, and in (\d+)",
        SECTION,
    )
    wrong, level = sum(margin < 0 for margin in margins), margins.count(0)
    right = len(groups) - wrong - level
    assert (wrong, len(groups), right, level) == tuple(map(int, told.groups()))
    assert 0.4 <= wrong / len(groups) <= 0.6

    longest = sum(
        len(group.right.split()) > max(len(text.split()) for text in group.wrong)
        for group in groups
    )
    assert longest == int(re.search(r"longest of its group in (\d+) groups", SECTION)[1])
    chance = sum(1 / (1 + len(group.wrong)) for group in groups)
    assert abs(longest - chance) < 5
