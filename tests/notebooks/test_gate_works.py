"""The gate works: cells with something broken in them fail under nbval, for the right reason.

A notebook is executed as `make lessons` does it, then run as `make test` runs it, with changed
copies of its cells below them.
"""

import re
from copy import deepcopy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.helpers import ROOT, run_python
from tools import lessons

REFUSED = ROOT / "tests" / "notebooks" / "refused.ipynb"

CELLS = {
    "imports": "import numpy as np\nfrom course_utils.claims import claim",
    "nearest": "words = np.array(['king', 'queen', 'bat'])\nprint(*words[np.argsort([3, 1, 2])])",
    "claim-nearest": "claim('the queen is near', np.cos(0.5) > 0.3, f'{np.cos(0.5):.2f}')",
}
# What is changed: in which cell, which text becomes which, and what the report must then say (it
# marks a line of the new output with a minus).
CHANGES = {
    "a number behind a claim": ("claim-nearest", "> 0.3", "> 0.99", "  - ✘ "),
    "a ranking": ("nearest", "[3, 1, 2]", "[1, 3, 2]", "  - king"),
    "an import": ("imports", "import claim", "import clam", "ImportError: cannot import name"),
}


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    """What is said of a notebook of the cells, and below them one cell for each change."""
    folder = tmp_path_factory.mktemp("gate")
    cells = {name: new_code_cell(source, id=name) for name, source in CELLS.items()}
    nbformat.write(new_notebook(cells=list(cells.values())), folder / "L9.ipynb")
    assert lessons.main([], folder) == 0
    notebook = nbformat.read(folder / "L9.ipynb", as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    for number, (name, old, new, _) in enumerate(CHANGES.values()):
        cell = deepcopy(cells[name])
        cell.source, cell.id = cell.source.replace(old, new), f"changed-{number}"
        notebook.cells.append(cell)
    nbformat.write(notebook, folder / "L9.ipynb")
    code, report = run_pytest(str(folder / "L9.ipynb"))
    assert code == 1, report
    return report


def run_pytest(*arguments: str) -> tuple[int, str]:
    """Run pytest with the options of pyproject.toml; its exit code and report."""
    options = ["-c", "pyproject.toml", "--rootdir=.", "-p", "no:cacheprovider", "--color=no"]
    run = run_python("-m", "pytest", *options, "-n", "0", *arguments)
    return run.returncode, re.sub(r"\x1b\[[0-9;]*m", "", run.stdout)


def test_every_code_cell_of_every_notebook_is_collected():
    _, report = run_pytest("--collect-only", "-q", "--ignore-glob=*/test_*.py")
    for path in [*lessons.notebooks(), REFUSED]:
        cells = nbformat.read(path, as_version=4).cells
        expected = sum(cell.cell_type == "code" for cell in cells)
        assert report.count(f"{path.relative_to(ROOT)}::Cell ") == expected > 0


def test_the_cells_pass_as_they_are_and_fail_where_they_are_changed(report):
    failed = re.findall(r"^FAILED \S*::(Cell \d+)", report, flags=re.MULTILINE)
    assert failed == [f"Cell {len(CELLS) + number}" for number in range(len(CHANGES))], report
    assert f"{len(CHANGES)} failed, {len(CELLS)} passed" in report


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_fails_for_its_reason(what, report):
    cell = f"Cell {len(CELLS) + list(CHANGES).index(what)}"
    parts = re.split(r"^_+ .*::(Cell \d+) _+$", report, flags=re.MULTILINE)
    said = dict(zip(parts[1::2], parts[2::2], strict=True))
    *_, reason = CHANGES[what]
    others = "".join(text for name, text in said.items() if name != cell)
    assert reason in said[cell].partition("short test summary")[0], report
    assert reason not in others.partition("short test summary")[0]
