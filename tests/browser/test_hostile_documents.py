"""Documents that hold markup, in the search desk, in a real browser: it shows as text."""

import nbformat
import pytest

from tests.browser.explorer import explorers
from tests.browser.lab import LabServer
from tests.browser.lesson import LessonPage

MARKUP = "<img src=x onerror=alert(1)> and <script>alert(2)</script>"
SETTING_UP = f"""
from course_utils import explorers, retrieval
from course_utils.data import Entry
said = "Render the page of {MARKUP} in a window."
entries = [Entry(f"page{{n}}.render", f"Render page {{n}}.", f"Render page {{n}}.", "page", "class")
           for n in range(30)]
entries.append(Entry("{MARKUP}.render", said, said + " " + said, "{MARKUP}", "{MARKUP}"))
index = retrieval.build(entries, progress=False)
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of one notebook, which opens the desk over a few documents."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "notebooks").mkdir()
    sources = {"index": SETTING_UP, "desk": "explorers.search_desk(index)"}
    cells = [nbformat.v4.new_code_cell(source, id=name) for name, source in sources.items()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, folder / "notebooks" / "hostile.ipynb")
    return folder


def test_markup_in_documents_shows_as_text_and_does_not_run(browser, course, screenshots):
    with (
        LabServer(course) as server,
        LessonPage(browser, server, "hostile.ipynb", screenshots) as lesson,
    ):
        lesson.open()
        lesson.run_all()
        assert lesson.problems() == []
        (desk,) = explorers(lesson)
        desk.focus("question")
        desk.retype("render the page in a window")
        desk.reads("Searched for: “render the page in a window”")
        desk.reads(f"Render the page of {MARKUP} in a window.")
        desk.reads(f"{MARKUP}.render")
        desk.is_silent()
        desk.has_pictures(0)
        desk.photograph("documents-with-markup")
        scripts = lesson.page.locator(".course-explorer script").count()
        assert (scripts, lesson.problems()) == (0, [])  # a dialog would be a problem
