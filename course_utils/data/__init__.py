"""What the lessons work on: the authored tables and the documentation corpus."""

from course_utils.data.documentation import DocumentationError, Entry, documentation
from course_utils.data.tables import (
    Analogy,
    Sense,
    TableError,
    Word,
    analogies,
    read_table,
    senses,
    words,
)

__all__ = [
    "Analogy",
    "DocumentationError",
    "Entry",
    "Sense",
    "TableError",
    "Word",
    "analogies",
    "documentation",
    "read_table",
    "senses",
    "words",
]
