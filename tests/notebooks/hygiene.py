"""What every lesson must keep besides the outputs that nbval compares: one function a rule.

A rule takes a notebook as it lies in the file (`read`) and yields one sentence a problem.
tests/notebooks/test_hygiene.py applies all RULES to all lessons; test_hygiene_rules.py shows that
each rule fires on a notebook that breaks it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode
from nbformat.validator import iter_validate

from tools.lessons import DECIMAL, WIDGET
from tools.saving import CELL_METADATA, NOTEBOOK_METADATA

LONGEST_CELL = 15  # lines of code
SHORTEST_ALT = 15  # characters
SPEAKING = {"claim", "display", "print", "show", "tally"}  # these always leave an output
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){0,3}(-?[0-9a-f]{12})?")
SILENCERS = re.compile(
    r"""(?:filterwarnings|simplefilter)\(\s*(?:action\s*=\s*)?["']ignore|action\s*=\s*["']ignore
    |%%capture|2>\s*/dev/null|&>\s*/dev/null|redirect_stderr|logging\.disable
    |setLevel\([^)]*(?:ERROR|CRITICAL)|set_verbosity_error|PYTHONWARNINGS|-W\s*ignore
    |(?:seterr|errstate)\([^)]*["']ignore|suppress\(|showwarning\s*=|except[^\n]*:\s*pass\b""",
    re.VERBOSE,
)
UNCOMPARED = re.compile(r"#\s*(?:NBVAL_\w+|PYTEST_VALIDATE_IGNORE_OUTPUT)")
UNCOMPARED_TAGS = re.compile(r"nbval-.*|raises-exception|pytest-validate-ignore-output")
LINK = re.compile(r"\]\(https?://|<https?://|\]\[[^\]]+\]|href=\"https?://")
BLOCK = re.compile(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+\.)\s)")  # between paragraphs and list items
# A number after one of these is a version or the number of a place, not a result.
LABEL = re.compile(
    r"(?:\b(?:python|pytorch|torch|numpy|ipywidgets|jupyterlab|version|sections?|chapter|figure"
    r"|table|equation|eq\.|cc by|apache)|§|[a-z]-)[\s-]*$",
    re.IGNORECASE,
)


def read(path: Path) -> NotebookNode:
    """The notebook as it is stored, with nothing repaired on the way (nbformat.read adds ids)."""
    return nbformat.v4.reads_json(path.read_text(encoding="utf-8"))


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def named(cell: NotebookNode) -> str:
    return f"cell '{cell.get('id', cell.source[:30])}'"


def texts(output: NotebookNode) -> list[str]:
    """What a reader can read of an output: streams, plain text, and HTML without its tags."""
    if output.output_type == "stream":
        return [output.text]
    data = output.get("data", {})
    html = re.sub(r"<style.*?</style>|<[^>]+>", " ", data.get("text/html", ""), flags=re.DOTALL)
    return [data.get("text/plain", ""), data.get("text/markdown", ""), html]


def parsed(cell: NotebookNode) -> ast.Module:
    """The syntax tree of a code cell, its magics turned into Python first."""
    return ast.parse(TransformerManager().transform_cell(cell.source))


def is_valid(notebook: NotebookNode) -> Iterator[str]:
    """The file follows the notebook format 4.5, which brought cell ids."""
    if (notebook.nbformat, notebook.nbformat_minor) != (4, 5):
        yield f"the format is {notebook.nbformat}.{notebook.nbformat_minor}, not 4.5"
    for error in iter_validate(notebook, version=4, version_minor=5):
        yield f"the file is not a valid notebook: {error.message}"


def ran_from_the_top(notebook: NotebookNode) -> Iterator[str]:
    """The stored counts are 1, 2, 3, ...: nbval compares nothing in a cell without a count."""
    for expected, cell in enumerate(code_cells(notebook), start=1):
        if cell.execution_count != expected:
            yield f"{named(cell)} has the count {cell.execution_count}, not {expected}"


def speaks(notebook: NotebookNode) -> Iterator[str]:
    """A cell that prints, claims or shows something has a stored output."""
    for cell in code_cells(notebook):
        if cell.outputs:
            continue
        for statement in parsed(cell).body:
            if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                continue
            calls = (node.func for node in ast.walk(statement) if isinstance(node, ast.Call))
            names = {getattr(func, "id", getattr(func, "attr", "")) for func in calls}
            if names & SPEAKING:
                yield f"{named(cell)} calls {min(names & SPEAKING)} but has no stored output"
                break


def has_no_error(notebook: NotebookNode) -> Iterator[str]:
    """No stored traceback, and nothing on stderr: a warning is a problem to solve."""
    for cell in code_cells(notebook):
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"{named(cell)} ends in {output.ename}: {output.evalue}"
            elif output.get("name") == "stderr":
                yield f"{named(cell)} writes to stderr: {output.text.strip()[:80]}"


def keeps_its_claims(notebook: NotebookNode) -> Iterator[str]:
    """No stored ✘."""
    for cell in code_cells(notebook):
        if any("✘" in text for output in cell.outputs for text in texts(output)):
            yield f"{named(cell)} stores a claim that does not hold (✘)"


def has_minimal_metadata(notebook: NotebookNode) -> Iterator[str]:
    """The kernel's name and nothing that tools add: no widget state, no times."""
    if notebook.metadata != NOTEBOOK_METADATA:
        extra = sorted(set(notebook.metadata) - set(NOTEBOOK_METADATA))
        yield f"the metadata is not the minimal one {extra or ''}: run `make lessons`"
    for cell in notebook.cells:
        if extra := sorted(set(cell.metadata) - CELL_METADATA):
            yield f"{named(cell)} has metadata that tools left: {extra}"


def has_no_widget_view(notebook: NotebookNode) -> Iterator[str]:
    """No stored widget: it would be dead, and its identifier is another in each run."""
    for cell in code_cells(notebook):
        if any(WIDGET in output.get("data", {}) for output in cell.outputs):
            yield f"{named(cell)} stores a widget: run `make lessons`"


def has_no_empty_cell(notebook: NotebookNode) -> Iterator[str]:
    """Every cell says something."""
    for number, cell in enumerate(notebook.cells):
        if not cell.source.strip():
            yield f"{named(cell)}, number {number}, is empty"


def silences_nothing(notebook: NotebookNode) -> Iterator[str]:
    """No warning, log or error is hidden."""
    for cell in code_cells(notebook):
        if match := SILENCERS.search(cell.source):
            yield f"{named(cell)} hides messages: {match[0]}"


def is_compared(notebook: NotebookNode) -> Iterator[str]:
    """No mark tells nbval to look away."""
    for cell in code_cells(notebook):
        marks = UNCOMPARED.findall(cell.source)
        marks += [tag for tag in cell.metadata.get("tags", []) if UNCOMPARED_TAGS.fullmatch(tag)]
        if marks:
            yield f"{named(cell)} is kept from being compared: {marks}"


def has_stable_ids(notebook: NotebookNode) -> Iterator[str]:
    """Each cell has an id of its own, in words: links and tests point at it."""
    seen = set()
    for number, cell in enumerate(notebook.cells):
        name = cell.get("id", "")
        if not name:
            yield f"cell number {number} has no id"
        elif not SLUG.fullmatch(name) or RANDOM_ID.fullmatch(name):
            yield f"cell number {number} has the id {name!r}, which is not a word-like-this"
        elif name in seen:
            yield f"two cells have the id {name!r}"
        seen.add(name)


def describes_its_pictures(notebook: NotebookNode) -> Iterator[str]:
    """Every picture has a text that stands for it."""
    for cell in notebook.cells:
        pages = [cell.source] if cell.cell_type == "markdown" else []
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            pages.append(data.get("text/html", ""))
            for kind in (kind for kind in data if kind.startswith("image/")):
                alt = output.metadata.get(kind, {}).get("alt", "")
                if len(alt) < SHORTEST_ALT:
                    yield f"{named(cell)} shows a picture without alt text in its metadata"
        for page in pages:
            if re.search(r"!\[\s*\]", page):
                yield f"{named(cell)} has a Markdown picture without alt text"
            for tag in re.findall(r"<img\b[^>]*>", page):
                if not re.search(r"""\balt=["'][^"']+["']""", tag):
                    yield f"{named(cell)} has an <img> without alt text"


def has_short_cells(notebook: NotebookNode) -> Iterator[str]:
    """A cell of code is one idea."""
    for cell in code_cells(notebook):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        if len(lines) > LONGEST_CELL:
            yield f"{named(cell)} has {len(lines)} lines of code, more than {LONGEST_CELL}"


def uses_public_names(notebook: NotebookNode) -> Iterator[str]:
    """Only what packages offer to everyone."""
    for cell in code_cells(notebook):
        for node in ast.walk(parsed(cell)):
            names = [node.attr] if isinstance(node, ast.Attribute) else []
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [part for alias in node.names for part in alias.name.split(".")]
                names += (getattr(node, "module", None) or "").split(".")
            for name in names:
                if name.startswith("_") and not name.startswith("__"):
                    yield f"{named(cell)} uses the private name {name}"


def sources_its_decimals(notebook: NotebookNode) -> Iterator[str]:
    """A decimal number in prose is printed by a cell of this notebook, or stands beside a link.

    Printed means: some number in a stored output, rounded to as many digits, is that number.
    Numbers in code spans and formulas count like any other; versions, section numbers and blocks
    of code, such as an exercise's solution, do not.
    """
    printed = [
        match
        for cell in code_cells(notebook)
        for output in cell.outputs
        for text in texts(output)
        for match in DECIMAL.finditer(text)
    ]
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        prose_alone = re.sub(r"```.*?```", " ", cell.source, flags=re.DOTALL)
        for block in BLOCK.split(prose_alone):
            if LINK.search(block):
                continue
            prose = re.sub(r"\]\([^)]*\)|<[^>]+>", " ", block)
            for match in DECIMAL.finditer(prose):
                if LABEL.search(prose[: match.start()]):
                    continue
                if not any(rounds_to(other, match) for other in printed):
                    yield f"{named(cell)}: no cell prints {match[0]}, and no link says whence it is"


def rounds_to(precise: re.Match, wanted: re.Match) -> bool:
    """Whether a printed number, at the other one's number of decimals, is that number."""
    a, b = (float(match[0].replace("−", "-").replace(",", "")) for match in (precise, wanted))
    digits = len(wanted[1])
    half = 0.5 * 10.0**-digits
    return len(precise[1]) >= digits and abs(abs(a) - abs(b)) <= half * (1 + 1e-6)


RULES = (
    is_valid,
    ran_from_the_top,
    speaks,
    has_no_error,
    keeps_its_claims,
    has_minimal_metadata,
    has_no_widget_view,
    has_no_empty_cell,
    silences_nothing,
    is_compared,
    has_stable_ids,
    describes_its_pictures,
    has_short_cells,
    uses_public_names,
    sources_its_decimals,
)
