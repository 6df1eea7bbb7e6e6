"""Where exercises are registered, and what `check` prints.

An exercise is a function `problem(answer) -> str | None`, registered under the name that the lesson
uses. The tests run every check on the lesson's own folded solution and on stored wrong answers.
Where the next cells use the answer, the exercise has a `solution`, and `check` hands it back until
the learner's own is right: so every notebook runs on.
"""

from collections.abc import Callable

import numpy as np

from course_utils.claims import BROKEN, KEPT, OPEN
from course_utils.errors import BadInput

NOTHING = "your function returns None. Does it say `return`?"

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


def verdict(given, right, wrong=(), otherwise="", asked="", tolerance=1e-4) -> str | None:
    """None where an answer is `right`, a number, an array or a tensor; else what is wrong with it.

    `wrong` are pairs of a value, or a function that knows the mistake when it sees it, and the
    reason that is given. What is neither gets the reason `otherwise`, or what that says of it.
    `asked` is what was asked for, such as "for n=4 a tensor [4, 4]".
    """
    if asked and not isinstance(given, type(right)) or asked and given.shape != right.shape:
        shape = tuple(given.shape) if hasattr(given, "shape") else type(given).__name__
        return f"{asked} was expected, not {shape}."
    if given is None:
        return NOTHING
    given = given.detach() if hasattr(given, "detach") else given
    if np.ndim(right) == 0 and np.asarray(given).dtype.kind not in "iuf":
        return f"a number was expected, not {type(given).__name__}."
    if np.ndim(right) and not isinstance(given, type(right)):
        return f"the type {type(right).__name__} was expected, not {type(given).__name__}."
    if np.shape(given) != np.shape(right):
        shapes = [f"shape {list(np.shape(each))}" for each in (right, given)]
        return f"{shapes[0] if np.ndim(right) else 'one number'} was expected, not {shapes[1]}."
    for value, reason in [(right, None), *wrong]:
        if value(given) if callable(value) else same(given, value, tolerance):
            return reason
    return otherwise(given) if callable(otherwise) else otherwise


def same(given, value, tolerance: float = 1e-4) -> bool:
    """Whether two numbers, arrays or tensors are as good as equal, and of one shape."""
    alike = np.shape(given) == np.shape(value)
    return alike and np.allclose(given, value, rtol=1e-5, atol=tolerance)


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
