"""The question set: what is in the table."""

import re
from collections import Counter

import pytest

from course_utils import data
from course_utils.data import Question, tables
from tests.helpers import run_python

README = (tables.HERE / "README.md").read_text(encoding="utf-8")
SECTION = README.split("## `questions.tsv`")[-1].split("\n## ")[0]


@pytest.fixture(scope="module")
def asked() -> list[Question]:
    return data.questions()


@pytest.fixture(scope="module")
def answerable(asked) -> list[Question]:
    return [question for question in asked if question.answers]


@pytest.fixture(scope="module")
def packages() -> dict[str, str]:
    """The package of each entry of the documentation."""
    return {entry.name: entry.package for entry in data.documentation()}


def test_reading_the_table_takes_neither_torch_nor_numpy():
    code = (
        "import sys; from course_utils import data; assert data.questions();"
        "assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr


# ------------------------------------------------------------------------------ the table itself


def test_every_style_has_as_many_questions_as_the_readme_says(asked, answerable):
    listed = re.findall(r"^\| `(\w+)` \| [^|]+ \| (\d+) \| (\d+) \|$", SECTION, re.MULTILINE)
    assert {style for style, *_ in listed} == {question.style for question in asked}
    answered = Counter(question.style for question in answerable)
    others = Counter(question.style for question in asked if not question.answers)
    for style, with_answers, without in listed:
        assert (answered[style], others[style]) == (int(with_answers), int(without)), style
    assert len(answerable) >= 240 and others.total() >= 40


def test_the_split_is_balanced_over_styles_and_packages(asked, packages):
    """Three of eight questions are for tuning: in every style, package and without an answer."""
    kinds: dict[object, list[Question]] = {}
    for question in asked:
        first = packages[question.answers[0]] if question.answers else "no answer"
        for kind in (question.style, first, (question.style, bool(question.answers))):
            kinds.setdefault(kind, []).append(question)
    for kind, members in kinds.items():
        share = sum(question.split == "tune" for question in members) / len(members)
        assert 0.34 < share < 0.41, (kind, share)


def test_every_acceptable_name_is_an_entry_of_the_documentation(answerable, packages):
    names = {name for question in answerable for name in question.answers}
    assert names - set(packages) == set()
    for question in answerable:
        assert len(set(question.answers)) == len(question.answers), question


def test_where_a_question_fixes_the_package_every_answer_is_from_it(answerable, packages):
    named = re.compile(r"\b(numpy|scipy|sklearn|matplotlib|pytorch)\b(?! array)")
    fixed = 0
    for question in answerable:
        for word in named.findall(question.question):
            fixed += 1
            others = [name for name in question.answers if packages[name] not in word]
            assert not others, (question.question, others)
    assert fixed > 10


def test_no_question_is_nearly_a_copy_of_another_or_of_a_summary(asked):
    texts = [question.question for question in asked]
    assert [(texts[i], texts[j]) for i, j in data.near_copies(texts, texts) if i < j] == []
    summaries = [entry.summary for entry in data.documentation()]
    copied = data.near_copies(texts, summaries)
    assert [(texts[i], summaries[j]) for i, j in copied] == []


def test_libraries_that_only_unanswerable_questions_name_are_not_in_the_documentation(asked):
    """Whoever adds one of them to the corpus has to judge these questions anew."""
    modules = {part for entry in data.documentation() for part in entry.name.split(".")[:-1]}
    for library in ("pandas", "requests", "django", "keras", "seaborn", "xgboost", "pillow"):
        naming = [each for each in asked if library in each.question.lower().split()]
        assert naming and not any(each.answers for each in naming), library
        assert library not in modules
