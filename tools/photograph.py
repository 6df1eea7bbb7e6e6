"""`make photograph`: the picture of the search desk in README.md, taken of the live explorer.

    python -m tools.photograph

Opens a notebook with one cell in JupyterLab, in the Chromium of the browser tests, and takes what
the explorer of L5 shows at first. Nothing is chosen and nothing is drawn by hand. Needs Chromium
and Playwright; the first map of the documentation takes some seconds.
"""

import io
import sys
import tempfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image, ImageOps

from course_utils import pictures
from course_utils.errors import CourseError
from tools.saving import NOTEBOOK_METADATA

NOTEBOOK = "desk.ipynb"
CELL = "from course_utils import explorers\n\nexplorers.search_desk()"
SCREEN = {"width": 1316, "height": 1700}  # all of the explorer is seen
SHARPNESS = 1.5  # pixels of the picture for one of the screen
COLOURS = 256  # of the file, so that it is a third as large; none of them moves by a tenth
MARGIN = 8  # white pixels around it


class NoPhotograph(CourseError):
    """The explorer could not be photographed as a reader would see it."""


def taken(browser, folder: Path) -> bytes:
    """The explorer as PNG; `folder` is for the notebook. Raises NoPhotograph where it is not well.

    `browser` is Playwright's.
    """
    from tests.browser.lab import LabServer
    from tests.browser.lesson import LessonPage

    (folder / "notebooks").mkdir()
    notebook = new_notebook(cells=[new_code_cell(CELL)], metadata=NOTEBOOK_METADATA)
    nbformat.write(notebook, folder / "notebooks" / NOTEBOOK)
    sharp = SimpleNamespace(new_page=partial(browser.new_page, device_scale_factor=SHARPNESS))
    with LabServer(folder) as server, LessonPage(sharp, server, NOTEBOOK, folder) as desk:
        desk.page.set_viewport_size(SCREEN)
        desk.open()
        desk.run_all()
        if problems := desk.problems() + desk.picture_problems():
            raise NoPhotograph(f"The search desk is not well: {'; '.join(problems)}.")
        desk.page.wait_for_timeout(2000)  # the map's dots move to their places
        return desk.page.locator(".explorer-search-desk").screenshot()


def packed(png: bytes) -> bytes:
    """The same picture with few colours and a white margin, as PNG."""
    made = io.BytesIO()
    with Image.open(io.BytesIO(png)) as image:
        whole = ImageOps.expand(image.convert("RGB"), MARGIN, "white")
    # Colours that cover few pixels, such as those of the map's points, are kept by this method.
    few = whole.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=3, dither=Image.Dither.NONE)
    few.save(made, "PNG", optimize=True)
    return made.getvalue()


def main() -> int:
    """The command line; 0 when all went well."""
    from playwright.sync_api import sync_playwright

    from tests.browser import chromium

    try:
        program = chromium.find()
        with tempfile.TemporaryDirectory(prefix="photograph-") as folder:
            with sync_playwright() as playwright, chromium.launch(playwright, program) as browser:
                png = packed(taken(browser, Path(folder)))
    except (FileNotFoundError, CourseError) as error:
        print(error, file=sys.stderr)
        return 1
    path = pictures.PHOTOGRAPH.png
    path.write_bytes(png)
    print(f"img/{path.name}: {len(png) / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
