"""The gate works: cells of L2 with something broken in them fail under nbval, for the right reason.

A shortened copy of L2 is run once as `make test` runs it, with the broken cells below the others.
What the cells are called and what is changed in them stands at the top: when L2 is edited, a cell
that is missing or a text that is not in it says so here.
"""

import re
from copy import deepcopy

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


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> str:
    """What is said of a notebook of the kept cells, and below them one cell for each change."""
    notebook = nbformat.read(LESSON, as_version=4)
    cells = {cell.id: cell for cell in notebook.cells}
    assert set(KEPT) <= set(cells), f"L2 has no cell {sorted(set(KEPT) - set(cells))} any more"
    notebook.cells = [cells[name] for name in KEPT]
    for number, (name, old, new, _) in enumerate(CHANGES.values()):
        cell = deepcopy(cells[name])
        assert cell.source.count(old) == 1, f"cell '{name}' of L2 does not hold {old!r} once"
        cell.source, cell.id = cell.source.replace(old, new), f"changed-{number}"
        notebook.cells.append(cell)
    path = tmp_path_factory.mktemp("gate") / "copy.ipynb"
    nbformat.write(notebook, path)
    code, report = run_pytest(str(path))
    assert code == 1, report
    return report


def run_pytest(*arguments: str) -> tuple[int, str]:
    """Run pytest with the options of pyproject.toml; its exit code and report."""
    options = ["-c", "pyproject.toml", "--rootdir=.", "-p", "no:cacheprovider", "--color=no"]
    run = run_python("-m", "pytest", *options, "-n", "0", *arguments)
    return run.returncode, re.sub(r"\x1b\[[0-9;]*m", "", run.stdout)


def test_every_code_cell_of_every_notebook_is_collected():
    _, report = run_pytest("--collect-only", "-q", "--ignore-glob=*/test_*.py")
    for path in [*LESSON.parent.glob("*.ipynb"), REFUSED]:
        cells = nbformat.read(path, as_version=4).cells
        expected = sum(cell.cell_type == "code" for cell in cells)
        assert report.count(f"{path.relative_to(ROOT)}::Cell ") == expected > 0


def test_the_cells_pass_as_they_are_and_fail_where_they_are_changed(report):
    failed = re.findall(r"^FAILED \S*::(Cell \d+)", report, flags=re.MULTILINE)
    assert failed == [f"Cell {len(KEPT) + number}" for number in range(len(CHANGES))], report
    assert f"{len(CHANGES)} failed, {len(KEPT)} passed" in report


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_fails_for_its_reason(what, report):
    cell = f"Cell {len(KEPT) + list(CHANGES).index(what)}"
    parts = re.split(r"^_+ .*::(Cell \d+) _+$", report, flags=re.MULTILINE)
    said = dict(zip(parts[1::2], parts[2::2], strict=True))
    *_, reason = CHANGES[what]
    others = "".join(text for name, text in said.items() if name != cell)
    assert reason in said[cell].partition("short test summary")[0], report
    assert reason not in others.partition("short test summary")[0]
