"""Exercises that check themselves; a check says what is wrong with an answer, never the answer."""

from course_utils.exercises import (  # noqa: F401  registers their exercises
    deeper,
    lesson2,
    lesson3,
    lesson4,
    lesson5,
)
from course_utils.exercises.registry import check, exercise, names, problem

__all__ = ["check", "exercise", "names", "problem"]
