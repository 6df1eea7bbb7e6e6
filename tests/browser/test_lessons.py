"""Every lesson in a real browser: it runs, it is drawn, and its explorers answer the keyboard."""

import pytest

from tests.browser.dialogues import DIALOGUES
from tests.browser.explorer import explorers
from tests.browser.lab import LabServer
from tests.browser.lesson import LessonPage
from tests.helpers import ROOT

LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture(scope="module")
def server(browser):
    """One JupyterLab for all lessons, where there is a browser to open them in."""
    with LabServer(ROOT) as running:
        yield running


@pytest.mark.parametrize("notebook", LESSONS)
def test_a_lesson_runs_is_drawn_and_answers(notebook, browser, server, screenshots):
    with LessonPage(browser, server, notebook, screenshots) as lesson:
        lesson.open()
        lesson.run_all()
        assert lesson.problems() == []
        assert lesson.picture_problems() == []

        shown = explorers(lesson)
        assert len(shown) == lesson.promised_explorers()
        for explorer in shown:
            assert explorer.name in DIALOGUES, f"{explorer.name} has no dialogue"
            DIALOGUES[explorer.name](explorer)
        assert lesson.problems() == []
        assert lesson.picture_problems() == []
