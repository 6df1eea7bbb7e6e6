"""What the lessons work on: the authored tables and the documentation corpus."""

from course_utils.data.documentation import (
    DocumentationError,
    Entry,
    documentation,
    documentation_of,
)
from course_utils.data.echo import EchoExample, echo_example
from course_utils.data.fact_sentences import (
    FactGroup,
    FactTemplate,
    HardNegative,
    fact_groups,
    fact_questions,
    fact_templates,
)
from course_utils.data.facts import Fact, FactSplit, facts, split_facts
from course_utils.data.failures import Failure, failures
from course_utils.data.questions import Question, questions
from course_utils.data.resemblance import near_copies
from course_utils.data.retrieval_pairs import (
    QaPair,
    Split,
    leaks,
    qa_pairs,
    split_pairs,
)
from course_utils.data.runs import RUNS, StoredRunError, stored_run
from course_utils.data.tables import (
    Analogy,
    JudgedAnswer,
    Pair,
    Sense,
    TableError,
    Theme,
    Word,
    analogies,
    everyday,
    judged_answers,
    pairs,
    read_table,
    senses,
    themes,
    words,
)

__all__ = [
    "RUNS",
    "Analogy",
    "DocumentationError",
    "EchoExample",
    "Entry",
    "Fact",
    "FactGroup",
    "FactSplit",
    "FactTemplate",
    "Failure",
    "HardNegative",
    "JudgedAnswer",
    "Pair",
    "QaPair",
    "Question",
    "Sense",
    "Split",
    "StoredRunError",
    "TableError",
    "Theme",
    "Word",
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
    "read_table",
    "senses",
    "split_facts",
    "split_pairs",
    "stored_run",
    "themes",
    "words",
]
