"""The gate works: L2 with something broken in it fails under nbval, each time for the right reason.

A shortened copy of L2 is run as `make test` runs it, once as it is and then with one change at a
time. What the cells are called and what is changed in them stands at the top: when L2 is edited, a
cell that is missing or a text that is not in it says so here.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
LESSON = ROOT / "notebooks" / "L2_contextualized_token_embeddings.ipynb"

# The cells that the copy keeps: what the changed ones need, and no more, so that a run is short.
KEPT = ("imports", "static-table", "nearest", "claim-nearest")

# What is changed: in which cell, which text becomes which, and what the report must then say (it
# marks a line of the new output with a minus).
CHANGES = {
    "a number behind a claim": ("claim-nearest", "> 0.3", "> 0.99", "  - ✘ "),
    "a ranking": ("nearest", "_ in ranked]", "_ in ranked[::-1]]", "  - ['monarch', "),
    "an import": ("imports", "static_table", "static_tabel", "ImportError: cannot import name"),
}


def shortened() -> nbformat.NotebookNode:
    """L2 with the kept cells only."""
    notebook = nbformat.read(LESSON, as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    assert set(KEPT) <= set(cells), f"L2 has no cell {sorted(set(KEPT) - set(cells))} any more"
    notebook.cells = [cells[name] for name in KEPT]
    return notebook


def nbval(notebook: nbformat.NotebookNode, folder: Path) -> tuple[int, str]:
    """Run a notebook with the options of pyproject.toml; pytest's exit code and report."""
    path = folder / "copy.ipynb"
    nbformat.write(notebook, path)
    options = ["-c", "pyproject.toml", "--rootdir=.", "-p", "no:cacheprovider", "--color=no"]
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    command = [sys.executable, "-m", "pytest", *options, "-n", "0", str(path)]
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return run.returncode, re.sub(r"\x1b\[[0-9;]*m", "", run.stdout)


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
