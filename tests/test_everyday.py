"""Everyday questions and passages: what is in the table, and what its reader refuses."""

import re

import pytest
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from course_utils import data
from course_utils.data import EverydayGroup, TableError, tables

README = (tables.HERE / "README.md").read_text(encoding="utf-8")
SECTION = " ".join(README.split("## `everyday.tsv`")[1].split("\n## ")[0].split())


def content(sentence: str) -> set[str]:
    """The words that say what a sentence is about."""
    return set(re.findall(r"\w+", sentence.lower())) - ENGLISH_STOP_WORDS


def shared(group: EverydayGroup, text: str) -> int:
    return len(content(group.question) & content(text))


@pytest.fixture(scope="module")
def groups() -> list[EverydayGroup]:
    return data.everyday()


def test_there_are_as_many_groups_and_passages_as_the_readme_says(groups):
    counts = re.search(r"(\d+) groups of (\d) to (\d) passages, (\d+) rows", SECTION).groups()
    sizes = [1 + len(group.others) for group in groups]
    assert (len(groups), min(sizes), max(sizes), sum(sizes)) == tuple(map(int, counts))
    assert len(groups) >= 60


def test_the_topics_are_those_of_the_readme_and_none_is_about_software(groups):
    listed = re.search(r"`topic` \| (.+?) \|", SECTION)[1]
    assert {group.topic for group in groups} == set(re.findall("`(.+?)`", listed))
    software = {"computer", "software", "file", "files", "program", "website", "code", "data"}
    asked = set().union(*(content(group.question) for group in groups))
    assert not asked & software


def test_questions_and_passages_look_like_sentences(groups):
    for group in groups:
        assert group.question[0].isupper() and group.question[-1] == "?", group.question
        for text in (group.answer, *group.others):
            assert text[0].isupper() and text[-1] in ".?", text
            assert 1 <= len(re.findall(r"[.?!](?= [A-Z]|$)", text)) <= 3, text


def test_every_wrong_passage_is_near_its_question(groups):
    """It shares a content word, or how one begins, with the question or the right passage."""
    for group in groups:
        near = {word[:4] for word in content(group.question) | content(group.answer)}
        for text in group.others:
            assert near & {word[:4] for word in content(text)}, text


def test_shared_words_and_length_give_the_answer_away_no_more_often_than_the_readme_says(groups):
    more = [max(shared(group, text) for text in group.others) for group in groups]
    margins = [shared(group, group.answer) - most for group, most in zip(groups, more, strict=True)]
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
        len(group.answer.split()) > max(len(text.split()) for text in group.others)
        for group in groups
    )
    assert longest == int(re.search(r"longest of its group in (\d+) groups", SECTION)[1])
    chance = sum(1 / (1 + len(group.others)) for group in groups)
    assert abs(longest - chance) < 5


# ---------------------------------------------------------------------------------- the reader

HEADER = "group\ttopic\tquestion\ttext\tanswers\n"


def row(text: str, answers="no", group="1", topic="tea", question="How?") -> str:
    return f"{group}\t{topic}\t{question}\t{text}\t{answers}\n"


FIRST = row("With water.", "yes") + row("In a cup.") + row("At five.") + row("In Ceylon.")


@pytest.fixture
def written(tmp_path):
    """Writes a table of groups and returns its path."""

    def write(rows: str):
        path = tmp_path / "groups.tsv"
        path.write_text(HEADER + rows, encoding="utf-8")
        return path

    return write


def test_rows_with_one_number_become_one_group_wherever_they_stand(written):
    second = [row(text, "no", "7", "milk", "Why?") for text in ("A.", "B.", "C.")]
    rows = second[0] + FIRST + second[1] + row("D.", "yes", "7", "milk", "Why?") + second[2]
    assert data.everyday(written(rows)) == [
        EverydayGroup("milk", "Why?", "D.", ("A.", "B.", "C.")),
        EverydayGroup("tea", "How?", "With water.", ("In a cup.", "At five.", "In Ceylon.")),
    ]


@pytest.mark.parametrize(
    "rows, where, why",
    [
        (FIRST + row("More.", "maybe"), "line 6, column 'answers'", "'maybe' is none of yes, no"),
        (FIRST + row("More.", "yes"), "line 2, column 'answers'", "group 1 has 2 passages that an"),
        (FIRST.replace("yes", "no"), "line 2, column 'answers'", "group 1 has 0 passages that ans"),
        (FIRST + row("A.", "yes", "2", question="Why?"), "line 6, column 'answers'", "at least 3"),
        (FIRST + row("In a cup."), "line 6, column 'text'", "the same as in line 3"),
        (FIRST + row("More.", topic="pot"), "line 6, column 'question'", "group 1 is about 'tea'"),
        (FIRST + row("More.", question="Who?"), "line 6, column 'question'", "asks 'How?'"),
        (FIRST + row("More.", group="2"), "line 6, column 'question'", "group 1 asks the same"),
        (FIRST + row("More.", group="two"), "line 6, column 'group'", "'two' is no int"),
        (FIRST + row(" More."), "line 6, column 'text'", "blanks too many"),
    ],
)
def test_a_malformed_group_is_refused_and_the_place_named(written, rows, where, why):
    path = written(rows)
    with pytest.raises(TableError) as error:
        data.everyday(path)
    assert str(error.value).startswith(f"{path}, {where}"), error.value
    assert why in str(error.value)
