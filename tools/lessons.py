"""Re-executes the notebooks in place and leaves alone those in which nothing really changed.

    python tools/lessons.py [--check] [--force] [L2 deeper/L1 ...]

Each notebook runs top to bottom in a fresh kernel, two at a time. All its outputs come from one
run: the old ones where every new one says the same (equal text but for the jitter that
tests/sanitize.cfg allows, numbers that are close, pictures that look alike), else the new ones.
Times, widget state and the kernel's version are not kept. A notebook with a failing cell is not
touched.
"""

import argparse
import asyncio
import base64
import copy
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

from tools.saving import KERNEL, NOTEBOOKS, normalise

SANITIZE = NOTEBOOKS.parent / "tests" / "sanitize.cfg"
AT_A_TIME = 2
CELL_TIMEOUT = 1800  # seconds; embedding thousands of texts on one old core takes a quarter hour

WIDGET = "application/vnd.jupyter.widget-view+json"
PICTURES = ("image/png", "image/jpeg")
JITTER_DIGITS, JITTER_SHARE = 3, 0.02  # units of the last printed digit; share of the number
PIXEL_STEP = 0.25  # a visible change of a pixel, of 1
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

    Decimals of another length are another way to print them, which somebody chose. Durations,
    sizes and pictures, the rules before those about numbers, may differ by anything.
    """
    anything = [rule for rule in rules if rule[1] != "<number>"]
    found = [list(DECIMAL.finditer(sanitise(text, anything))) for text in (old, new)]
    if len(found[0]) != len(found[1]):
        return False
    for one, two in zip(*found, strict=True):
        a, b = (float(match[0].replace("−", "-").replace(",", "")) for match in (one, two))
        allowed = max(JITTER_DIGITS * 10.0 ** -len(one[1]), JITTER_SHARE * max(abs(a), abs(b)))
        if len(one[1]) != len(two[1]) or abs(a - b) > allowed * (1 + 1e-9):
            return False
    return True


def pictures_alike(old: str, new: str) -> bool:
    """Whether no pixel of two base64 PNGs of one size differs visibly."""
    if old == new:
        return True
    from matplotlib.image import imread

    a, b = (imread(io.BytesIO(base64.b64decode(code)), format="png") for code in (old, new))
    return a.shape == b.shape and bool(np.abs(a - b).max() <= PIXEL_STEP)


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


def same_run(old: NotebookNode, new: NotebookNode, rules) -> bool:
    """Whether every cell of two runs of one notebook says the same."""
    for before, after in zip(old.cells, new.cells, strict=True):
        if before.get("execution_count") != after.get("execution_count"):
            return False
        outputs = [cell.get("outputs", []) for cell in (before, after)]
        if len(outputs[0]) != len(outputs[1]):
            return False
        if not all(says_the_same(*pair, rules) for pair in zip(*outputs, strict=True)):
            return False
    return True


def without_widgets(notebook: NotebookNode) -> None:
    """Drop the widgets: stored, they would be dead, and their identifiers differ in each run."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.pop("transient", None)
            output.get("data", {}).pop(WIDGET, None)
            output.get("metadata", {}).pop(WIDGET, None)


async def execute(notebook: NotebookNode, name: str, folder: Path) -> None:
    """Run all cells in a fresh kernel; raises LessonFailed at the first that fails."""
    running = {}
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        kernel_name=KERNEL,
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
    new = copy.deepcopy(old)
    await execute(new, path.stem, path.parent)
    for notebook in (old, new):
        normalise(notebook)
        without_widgets(notebook)
    kept = old if not force and same_run(old, new, patterns()) else new
    return nbformat.writes(kept) + "\n"


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


def notebooks(folder: Path = NOTEBOOKS) -> list[Path]:
    """The notebooks of the course: the lessons, then the optional ones in deeper/."""
    return sorted(folder.glob("*.ipynb")) + sorted(folder.glob("deeper/*.ipynb"))


def chosen(names: list[str], folder: Path) -> list[Path]:
    """The notebooks whose paths start with one of these; all of them for an empty list."""
    paths = {path.relative_to(folder).as_posix(): path for path in notebooks(folder)}
    for name in names:
        if not any(path.startswith(name) for path in paths):
            sys.exit(f"There is no lesson {name} in {folder.name}/.")
    return [paths[path] for path in paths if path.startswith(tuple(names or [""]))]


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
    parser.add_argument(
        "lessons", nargs="*", help="such as L2 or deeper/L1; all of them if not given"
    )
    parser.add_argument("--check", action="store_true", help="write nothing; fail on a change")
    parser.add_argument("--force", action="store_true", help="take every new output")
    options = parser.parse_args(arguments)
    paths = chosen(options.lessons, folder)
    return min(1, asyncio.run(run(paths, options.check, options.force)))


if __name__ == "__main__":
    sys.exit(main())
