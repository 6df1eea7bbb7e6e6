"""Errors that a learner may meet. Each message says what was wrong and what to do about it."""


class CourseError(Exception):
    """Base of every error that the course raises on purpose."""


class BadInput(CourseError, ValueError):
    """An argument has the wrong type, shape or value; the message names it."""
