"""What the lessons work on: the authored tables and the documentation corpus."""

from course_utils.data.corpus import Entry, documentation, documentation_of
from course_utils.data.fact_base import Fact, facts, split_facts
from course_utils.data.fact_sentences import (
    FactGroup,
    FactTemplate,
    fact_groups,
    fact_questions,
    fact_templates,
)
from course_utils.data.retrieval_pairs import QaPair, leaks, qa_pairs, split_pairs
from course_utils.data.splits import Split, near_copies
from course_utils.data.tables import (
    RUNS,
    Question,
    analogies,
    echo_example,
    everyday,
    failures,
    judged_answers,
    pairs,
    questions,
    senses,
    stored_run,
    themes,
    words,
)

__all__ = [
    "RUNS",
    "Entry",
    "Fact",
    "FactGroup",
    "FactTemplate",
    "QaPair",
    "Question",
    "Split",
    "analogies",
    "documentation",
    "documentation_of",
    "echo_example",
    "everyday",
    "fact_groups",
    "fact_questions",
    "fact_templates",
    "facts",
    "failures",
    "judged_answers",
    "leaks",
    "near_copies",
    "pairs",
    "qa_pairs",
    "questions",
    "senses",
    "split_facts",
    "split_pairs",
    "stored_run",
    "themes",
    "words",
]
