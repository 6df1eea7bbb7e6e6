"""What the lessons work on: the authored tables and the documentation corpus."""

from course_utils.data.documentation import DocumentationError, Entry, documentation
from course_utils.data.sts import StsError, sts_b
from course_utils.data.tables import (
    Analogy,
    GradedPair,
    Pair,
    Sense,
    TableError,
    Theme,
    Word,
    analogies,
    pairs,
    read_table,
    senses,
    themes,
    words,
)

__all__ = [
    "Analogy",
    "DocumentationError",
    "Entry",
    "GradedPair",
    "Pair",
    "Sense",
    "StsError",
    "TableError",
    "Theme",
    "Word",
    "analogies",
    "documentation",
    "pairs",
    "read_table",
    "senses",
    "sts_b",
    "themes",
    "words",
]
