"""Every notebook in a real browser: it stays as it is when it is saved, it runs, it is drawn, and
its explorers answer the keyboard.

nbval runs every cell of every lesson. Here the shortest lesson runs as a whole once more, as "Run
All Cells" does it; of the others only the explorers run, with the cells that they need, beside the
stored outputs of the rest.
"""

import nbformat
import pytest

from tests.browser.dialogues import DIALOGUES
from tests.browser.explorer import explorers
from tests.browser.lab import LabServer
from tests.browser.lesson import LessonPage
from tests.helpers import ROOT
from tests.needed import needed
from tools.lessons import NOTEBOOKS, notebooks

LESSONS = [path.relative_to(NOTEBOOKS).as_posix() for path in notebooks()]
WHOLE = "L3_token_vs_sentence_embeddings.ipynb"


@pytest.fixture(scope="module")
def server(browser):
    """One JupyterLab for all lessons, where there is a browser to open them in."""
    with LabServer(ROOT) as running:
        yield running


@pytest.mark.parametrize("notebook", LESSONS)
def test_a_lesson_is_kept_runs_is_drawn_and_answers(notebook, browser, server, screenshots):
    file = server.notebooks / notebook
    stored, written = file.read_bytes(), file.stat().st_mtime_ns
    with LessonPage(browser, server, notebook, screenshots) as lesson:
        lesson.open()
        assert not lesson.is_changed()
        lesson.save()
        assert file.stat().st_mtime_ns != written and file.read_bytes() == stored

        if notebook == WHOLE:
            lesson.run_all()
        else:
            lesson.run_some(explorer_cells(notebook))
        assert lesson.problems() == []
        assert lesson.picture_problems() == []

        shown = explorers(lesson)
        assert len(shown) == lesson.promised_explorers()
        for explorer in shown:
            assert explorer.name in DIALOGUES, f"{explorer.name} has no dialogue"
            DIALOGUES[explorer.name](explorer)
        assert lesson.problems() == []
        assert lesson.picture_problems() == []


def explorer_cells(notebook: str) -> list[str]:
    """The cells that open an explorer, and those that they need."""
    cells = nbformat.read(NOTEBOOKS / notebook, as_version=4).cells
    opening = [cell.id for cell in cells if "explorers." in cell.source]
    return needed(cells, opening)


def test_one_lesson_is_run_as_a_whole():
    assert WHOLE in LESSONS


def test_the_cells_that_a_cell_needs_are_found_through_others():
    sources = {
        "imports": "import numpy as np\nfrom course_utils import data, explorers",
        "other": "unused = data.words()",
        "old": "split = None",
        "split": "pairs = np.arange(3)\nsplit = pairs * 2",
        "explorer": "explorers.touch_map(split)",
        "later": "split = pairs",
    }
    cells = [nbformat.v4.new_code_cell(source, id=name) for name, source in sources.items()]
    assert needed(cells, ["explorer"]) == ["imports", "split", "explorer"]
