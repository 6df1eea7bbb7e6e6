"""Exercises that check themselves; a check says what is wrong with an answer, never the answer."""

from course_utils.exercises import lesson2, lesson3, lesson4  # noqa: F401  registers their exercises
from course_utils.exercises.registry import check, exercise, names, problem

__all__ = ["check", "exercise", "names", "problem"]
