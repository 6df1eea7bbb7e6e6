"""What the lessons work on: the authored tables and the documentation corpus."""

from course_utils.data.documentation import DocumentationError, Entry, documentation
from course_utils.data.retrieval_pairs import (
    QaPair,
    Split,
    hold_out_package,
    leaks,
    near_copies,
    qa_pairs,
    read_pairs,
    split_pairs,
)
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
    "QaPair",
    "Sense",
    "Split",
    "StsError",
    "TableError",
    "Theme",
    "Word",
    "analogies",
    "documentation",
    "hold_out_package",
    "leaks",
    "near_copies",
    "pairs",
    "qa_pairs",
    "read_pairs",
    "read_table",
    "senses",
    "split_pairs",
    "sts_b",
    "themes",
    "words",
]
