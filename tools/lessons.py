"""Re-executes the lessons in place and leaves alone what did not really change.

    python tools/lessons.py [--check] [--force] [L2 L3 ...]

Each notebook runs top to bottom in a fresh kernel, two at a time. An old output stays, byte for
byte, when nothing above it was edited since the last commit and the new one says the same: equal
text but for the jitter that tests/sanitize.cfg allows, numbers that are close, pictures that look
alike. Everything else is replaced. Times, widget state and the kernel's version are not kept. A
notebook with a failing cell is not touched.
"""

import argparse
import asyncio
import base64
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import numpy as np
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from nbval.plugin import get_sanitize_patterns

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
SANITIZE = ROOT / "tests" / "sanitize.cfg"
AT_A_TIME = 2
CELL_TIMEOUT = 600  # seconds; the budget of the tests is stricter

NOTEBOOK_METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}
CELL_METADATA = {"tags", "jupyter"}  # what an author sets on purpose; all else is left by tools
WIDGET = "application/vnd.jupyter.widget-view+json"
PICTURES = ("image/png", "image/jpeg")
JITTER_DIGITS, JITTER_SHARE = 3, 0.02  # units of the last printed digit; share of the number
PIXEL_STEP, PIXEL_SHARE = 0.25, 0.0002  # a visible change of a pixel; share of such pixels
DECIMAL = re.compile(r"(?<![\w.])[-+−]?(?:\d{1,3}(?:,\d{3})+|\d+)\.(\d+)(?:e[-+]?\d+)?(?!\.?\d)")


class LessonFailed(Exception):
    """A cell of a lesson raised an error or took too long; the message says which and why."""


def patterns(config: Path = SANITIZE) -> list[tuple[re.Pattern, str]]:
    """The (regex, replacement) pairs that nbval reads from this file."""
    pairs = get_sanitize_patterns(config.read_text(encoding="utf-8"))
    return [(re.compile(regex), replacement) for regex, replacement in pairs]


def sanitise(text: str, rules: list[tuple[re.Pattern, str]]) -> str:
    """The text as nbval compares it."""
    for regex, replacement in rules:
        text = regex.sub(replacement, text)
    return text


def numbers_close(old: str, new: str, rules: list[tuple[re.Pattern, str]]) -> bool:
    """Whether the decimals of two texts, in order, differ by no more than jitter.

    Durations, sizes and pictures, the rules before those about numbers, may differ by anything.
    """
    anything = [rule for rule in rules if rule[1] != "<number>"]
    found = [list(DECIMAL.finditer(sanitise(text, anything))) for text in (old, new)]
    if len(found[0]) != len(found[1]):
        return False
    for one, two in zip(*found, strict=True):
        a, b = (float(match[0].replace("−", "-").replace(",", "")) for match in (one, two))
        unit = 10.0 ** -min(len(one[1]), len(two[1]))
        allowed = max(JITTER_DIGITS * unit, JITTER_SHARE * max(abs(a), abs(b)))
        if abs(a - b) > allowed * (1 + 1e-9):
            return False
    return True


def pictures_alike(old: str, new: str) -> bool:
    """Whether two base64 PNGs of one size show the same but for a few pixels."""
    if old == new:
        return True
    from matplotlib.image import imread

    a, b = (imread(io.BytesIO(base64.b64decode(code)), format="png") for code in (old, new))
    if a.shape != b.shape:
        return False
    different = np.abs(a - b).reshape(*a.shape[:2], -1).max(axis=2) > PIXEL_STEP
    return bool(different.mean() <= PIXEL_SHARE)


def says_the_same(old: NotebookNode, new: NotebookNode, rules) -> bool:
    """Whether two outputs differ in nothing but jitter."""
    if old.output_type != new.output_type or old.get("name") != new.get("name"):
        return False
    if old.get("metadata") != new.get("metadata"):
        return False
    if old.output_type == "stream":
        parts = [("text/plain", old.text, new.text)]
    elif old.output_type == "error":
        return False
    else:
        if old.data.keys() != new.data.keys():
            return False
        parts = [(kind, old.data[kind], new.data[kind]) for kind in old.data]
    for kind, before, after in parts:
        if before == after:
            continue
        if not (isinstance(before, str) and isinstance(after, str)) or kind == "image/jpeg":
            return False
        if kind == "image/png":
            same = pictures_alike(before, after)
        else:
            same = sanitise(before, rules) == sanitise(after, rules)
            same = same and numbers_close(before, after, rules)
        if not same:
            return False
    return True


def settle(old: NotebookNode, new: NotebookNode, committed: dict | None, rules) -> None:
    """Put the old outputs back into the newly executed notebook wherever they still hold.

    `committed` maps cell ids to sources as of the last commit, in order; None where the notebook
    is not committed. From the first cell that was edited, added or removed on, all is new; also
    from the first output that really changed on: what is below may show its effect.
    """
    stored = {cell.id: cell for cell in old.cells if cell.cell_type == "code"}
    before = list((committed or {}).items())
    code = [cell for cell in new.cells if cell.cell_type == "code"]
    for position, cell in enumerate(code):
        if position >= len(before) or before[position] != (cell.id, cell.source):
            return
        was = stored[cell.id].outputs
        if len(was) != len(cell.outputs) or not all(
            says_the_same(a, b, rules) for a, b in zip(was, cell.outputs, strict=True)
        ):
            return
        for mine, kept in zip(cell.outputs, was, strict=True):
            mine.update(kept, **count_of(mine))


def count_of(output: NotebookNode) -> dict:
    """The execution count of an output, which follows its cell's."""
    return {"execution_count": output.execution_count} if "execution_count" in output else {}


def normalise(notebook: NotebookNode) -> None:
    """Drop what tools leave behind; merge streams that were cut in pieces."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(
            {name: value for name, value in cell.metadata.items() if name in CELL_METADATA}
        )
        if cell.cell_type == "code":
            cell.outputs = merged(cell.outputs)
            for output in cell.outputs:
                output.pop("transient", None)
                output.get("data", {}).pop(WIDGET, None)
                output.get("metadata", {}).pop(WIDGET, None)


def merged(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """The outputs, with neighbouring pieces of one stream as one."""
    result: list[NotebookNode] = []
    for output in outputs:
        last = result[-1] if result else None
        if output.output_type == "stream" and last and last.get("name") == output.name:
            last.text += output.text
        else:
            result.append(output)
    return result


def committed_sources(path: Path) -> dict[str, str] | None:
    """Cell id → source of the code cells in the last commit; None where there is none."""
    run = subprocess.run(
        ["git", "show", f"HEAD:./{path.name}"], cwd=path.parent, capture_output=True
    )
    if run.returncode:
        return None
    notebook = nbformat.reads(run.stdout.decode(), as_version=4)
    return {cell.id: cell.source for cell in notebook.cells if cell.cell_type == "code"}


async def execute(notebook: NotebookNode, name: str, folder: Path) -> None:
    """Run all cells in a fresh kernel; raises LessonFailed at the first that fails."""
    running = {}
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        on_cell_start=lambda cell, cell_index: running.update(cell=cell.get("id", cell_index)),
    )
    try:
        # What a kernel says before it runs any cell is no output; nbval drops it too.
        await client.async_execute(stderr=subprocess.DEVNULL)
    except CellExecutionError as error:
        trace = re.sub(r"\x1b\[[0-9;]*m", "", error.traceback)
        raise LessonFailed(f"{name}: cell '{running['cell']}' failed:\n{trace}") from error
    except CellTimeoutError as error:
        raise LessonFailed(
            f"{name}: cell '{running['cell']}' took more than {CELL_TIMEOUT} s."
        ) from error
    except DeadKernelError as error:
        raise LessonFailed(f"{name}: the kernel died in cell '{running.get('cell')}'.") from error


async def refreshed(path: Path, force: bool) -> str:
    """The text of the notebook file after a run."""
    old = nbformat.read(path, as_version=4)
    new = nbformat.read(path, as_version=4)
    await execute(new, path.stem, path.parent)
    normalise(new)
    if not force:
        settle(old, new, committed_sources(path), patterns())
    return nbformat.writes(new) + "\n"


def replace(path: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, path.stat().st_mode & 0o777)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def chosen(names: list[str], folder: Path) -> list[Path]:
    """The notebooks whose names start with one of these; all of them for an empty list."""
    everything = sorted(folder.glob("*.ipynb"))
    if not names:
        return everything
    for name in names:
        if not any(path.name.startswith(name) for path in everything):
            sys.exit(f"There is no lesson {name} in {folder.name}/.")
    return [path for path in everything if path.name.startswith(tuple(names))]


async def run(paths: list[Path], check: bool, force: bool) -> int:
    """Refresh these notebooks; the number of those that failed or, with `check`, would change."""
    gate = asyncio.Semaphore(AT_A_TIME)

    async def one(path: Path) -> bool:
        async with gate:
            try:
                text = await refreshed(path, force)
            except LessonFailed as failure:
                print(failure, file=sys.stderr, flush=True)
                return True
        changes = text != path.read_text(encoding="utf-8")
        if changes and not check:
            replace(path, text)
        verb = ("would change" if check else "changed") if changes else "is as it was"
        print(f"{path.stem} {verb}.", flush=True)
        return changes and check

    return sum(await asyncio.gather(*(one(path) for path in paths)))


def main(arguments: list[str] | None = None, folder: Path = NOTEBOOKS) -> int:
    """The command line; 0 when all went well."""
    parser = argparse.ArgumentParser(description="Re-execute the lessons in place.")
    parser.add_argument("lessons", nargs="*", help="such as L2; all of them if not given")
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a change")
    parser.add_argument("--force", action="store_true", help="take every new output")
    options = parser.parse_args(arguments)
    paths = chosen(options.lessons, folder)
    if not paths:
        print("There is no lesson yet.")
    return min(1, asyncio.run(run(paths, options.check, options.force)))


if __name__ == "__main__":
    sys.exit(main())
