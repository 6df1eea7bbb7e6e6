"""Where exercises are registered, and what `check` prints.

An exercise is a function `problem(answer) -> str | None`, registered under the name that the lesson
uses. The tests run every check on the lesson's own folded solution and on stored wrong answers.
Where the next cells use the answer, the exercise has a `solution`, and `check` hands it back until
the learner's own is right: so every notebook runs on.
"""

from collections.abc import Callable

from course_utils.claims import BROKEN, KEPT, OPEN
from course_utils.errors import BadInput

_PROBLEMS: dict[str, Callable[[object], str | None]] = {}
_SOLUTIONS: dict[str, object] = {}


def exercise(name: str, solution: object = None):
    """Decorator: registers `problem(answer) -> str | None` as the check of the exercise `name`."""

    def register(problem):
        if name in _PROBLEMS:
            raise BadInput(f"There are two exercises named {name!r}.")
        _PROBLEMS[name] = problem
        _SOLUTIONS[name] = solution
        return problem

    return register


def names() -> list[str]:
    """The names of all exercises, sorted."""
    return sorted(_PROBLEMS)


def problem(name: str, answer: object) -> str | None:
    """What is wrong with an answer, or None where nothing is. An answer that raises is wrong.

    NotImplementedError passes through: the lessons' stubs raise it until somebody fills them in.
    """
    if name not in _PROBLEMS:
        raise BadInput(f"There is no exercise {name!r}. There are: {', '.join(names())}.")
    try:
        return _PROBLEMS[name](answer)
    except NotImplementedError:
        raise
    except Exception as error:  # a learner's function may raise anything
        return f"your answer raises {type(error).__name__}: {error}"


def check(name: str, answer: object = None) -> object:
    """Print one line: right, wrong and why, or still open.

    Open means: `answer` is None or `...`, or a function that raises NotImplementedError. Returns
    the answer where it is right, else the course's own solution; None where an exercise has none.
    """
    solution = _SOLUTIONS.get(name)
    try:
        wrong = problem(name, answer)  # an unknown name is an error even before there is an answer
    except NotImplementedError:
        answer = None
    if answer is None or answer is ...:
        print(f"{OPEN} Exercise {name} is still open.")
        return solution
    print(f"{BROKEN} Exercise {name}: {wrong}" if wrong else f"{KEPT} Exercise {name}: right.")
    return solution if wrong or solution is None else answer
