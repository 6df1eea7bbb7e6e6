"""The gate works: L2 with something broken in it fails under nbval, each time for the right reason.

A shortened copy of L2 is run as `make test` runs it, once as it is and then with one change at a
time. What the cells are called and what is changed in them stands at the top: when L2 is edited, a
cell that is missing or a text that is not in it says so here.
"""

import re
from pathlib import Path

import nbformat
import pytest

from tests.helpers import ROOT, run_python

LESSON = ROOT / "notebooks" / "L2_contextualized_token_embeddings.ipynb"
REFUSED = ROOT / "tests" / "notebooks" / "refused.ipynb"

# The cells that the copy keeps: what the changed ones need, and no more, so that a run is short.
KEPT = ("imports", "static-table", "nearest", "claim-nearest")

# What is changed: in which cell, which text becomes which, and what the report must then say (it
# marks a line of the new output with a minus).
CHANGES = {
    "a number behind a claim": ("claim-nearest", "> 0.3", "> 0.99", "  - ✘ "),
    "a ranking": ("nearest", "_ in ranked]", "_ in ranked[::-1]]", "  - ['monarch"),
    "an import": ("imports", "static_table", "static_tabel", "ImportError: cannot import name"),
}


def shortened() -> nbformat.NotebookNode:
    """L2 with the kept cells only."""
    notebook = nbformat.read(LESSON, as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    assert set(KEPT) <= set(cells), f"L2 has no cell {sorted(set(KEPT) - set(cells))} any more"
    notebook.cells = [cells[name] for name in KEPT]
    return notebook


def run_pytest(*arguments: str) -> tuple[int, str]:
    """Run pytest with the options of pyproject.toml; its exit code and report."""
    options = ["-c", "pyproject.toml", "--rootdir=.", "-p", "no:cacheprovider", "--color=no"]
    run = run_python("-m", "pytest", *options, "-n", "0", *arguments)
    return run.returncode, re.sub(r"\x1b\[[0-9;]*m", "", run.stdout)


def nbval(notebook: nbformat.NotebookNode, folder: Path) -> tuple[int, str]:
    """What becomes of a notebook when `make test` runs it."""
    path = folder / "copy.ipynb"
    nbformat.write(notebook, path)
    return run_pytest(str(path))


def test_every_code_cell_of_every_notebook_is_collected():
    _, report = run_pytest("--collect-only", "-q", "-k", "ipynb", "--continue-on-collection-errors")
    for path in [*LESSON.parent.glob("*.ipynb"), REFUSED]:
        cells = nbformat.read(path, as_version=4).cells
        expected = sum(cell.cell_type == "code" for cell in cells)
        assert report.count(f"{path.relative_to(ROOT)}::Cell ") == expected > 0


def test_the_shortened_lesson_passes(tmp_path):
    code, report = nbval(shortened(), tmp_path)
    assert code == 0, report
    assert f"{len(KEPT)} passed" in report


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_fails(what, tmp_path):
    name, old, new, reason = CHANGES[what]
    notebook = shortened()
    (cell,) = (cell for cell in notebook.cells if cell.id == name)
    assert cell.source.count(old) == 1, f"cell '{name}' of L2 does not hold {old!r} once"
    cell.source = cell.source.replace(old, new)
    code, report = nbval(notebook, tmp_path)
    assert code == 1, report
    failed = re.findall(r"^FAILED \S*::(Cell \d+)", report, flags=re.MULTILINE)
    assert failed[0] == f"Cell {KEPT.index(name)}", report
    assert reason in report, report
