"""Every lesson keeps every rule of hygiene.py."""

import pytest

from tests.notebooks.hygiene import RULES, read
from tools.lessons import notebooks

LESSONS = notebooks()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_keeps_the_rule(path, rule):
    problems = list(rule(read(path)))
    assert not problems, "\n".join([f"{path.name} ({rule.__doc__.splitlines()[0]})", *problems])


def test_there_is_a_lesson():
    """Without this, an empty folder would keep every rule."""
    assert LESSONS
