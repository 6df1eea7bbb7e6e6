"""The documentation of any installed package, and the signatures of the course's own.

Both are read in a process of its own (`collect`): a package may print, exit, crash or never come
back when it is imported, and importing scikit-learn to show a signature would take seconds.
"""

import difflib
import functools
import importlib.metadata
import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.data import Entry, docstrings
from course_utils.errors import CourseError

SECONDS = 90  # until a package that does not come back is given up
COLLECT = Path(__file__).with_name("collect.py")
MIN_WORDS = 3  # of a docstring, as in the course's own corpus
_NAME = re.compile(r"[A-Za-z_]\w*")
_DEPRECATED = re.compile(r"\.\. deprecated::|\[?Deprecated\b|\bdeprecated since\b", re.IGNORECASE)
_CALL = re.compile(r"\.?(\w+)\((.*)\)(?:\s*->.*)?\s*")


class PackageError(CourseError):
    """A package cannot be searched: it is not installed, cannot be imported, or says nothing."""


@dataclass(frozen=True)
class Documented:
    """An entry, how to call it ("(a, b=1)", or "" where nothing says so), and whether it is going.

    `deprecated`: its docstring says so near its beginning.
    """

    entry: Entry
    signature: str
    deprecated: bool


def with_signatures(entries: Sequence[Entry], seconds: float = SECONDS) -> list[Documented]:
    """The entries of the course with their signatures; raises PackageError where that fails."""
    names = [entry.name for entry in entries]
    found = _collected(["signatures"], json.dumps(names), seconds, "the course's packages")
    return [_documented(entry, found.get(entry.name, "")) for entry in entries]


def read(module: str, seconds: float = SECONDS) -> list[Documented]:
    """What the package that is imported as `module` documents. Raises PackageError if nothing.

    Its module is imported, in another process; give no package that must not be.
    """
    command = ["package", module, str(seconds / 2)]
    rows = _collected(command, "", seconds, module)
    entries = {}
    for name, kind, package, text, said in rows:
        summary = docstrings.summary(text)
        if summary and len(text.split()) >= MIN_WORDS:
            entries.setdefault(name, _documented(Entry(name, summary, text, package, kind), said))
    if not entries:
        raise PackageError(
            f"The package {module!r} has no docstrings on its public functions and classes: there "
            "is nothing to search."
        )
    return list(entries.values())


def module_of(name: str) -> str:
    """The name to import a package by, "yaml" for "PyYAML". Raises PackageError if not installed.

    Also the nearest installed name is in the message. Nothing is imported.
    """
    name = name.strip()
    installed = _distributions()
    known = {plain(other): other for other in installed}
    if _NAME.fullmatch(name) and importlib.util.find_spec(name) is not None:
        return name
    by_distribution = {plain(of): module for module, names in installed.items() for of in names}
    for table in (by_distribution, known):
        if plain(name) in table:
            return table[plain(name)]
    near = difflib.get_close_matches(plain(name), [*known, *by_distribution], n=1)
    hint = f" Did you mean {near[0]}?" if near else " `pip list` shows what is."
    raise PackageError(f"There is no package {name!r} installed here.{hint}")


def version_of(module: str) -> str:
    """The version of what a module belongs to; Python's own for the standard library."""
    for distribution in _distributions().get(module, ()):
        return importlib.metadata.version(distribution)
    return sys.version


def plain(name: str) -> str:
    """Names of packages are the same in any case, and with - or _."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


@functools.cache
def _distributions() -> dict[str, list[str]]:
    """Which distributions each module that can be imported here comes from, without private ones."""
    found = importlib.metadata.packages_distributions()
    return {module: names for module, names in found.items() if not module.startswith("_")}


def _documented(entry: Entry, signature: str) -> Documented:
    text = entry.text.strip()
    first = text.partition("\n")[0]
    if not signature and (said := _CALL.fullmatch(first)):
        if said[1] == entry.name.rpartition(".")[2]:  # C functions say it in their docstring
            signature = f"({said[2]})"
    early = text[: 400 + len(first)]
    return Documented(entry, signature, bool(_DEPRECATED.search(early)))


def _collected(command: list[str], given: str, seconds: float, what: str):
    """What `collect` answers; it and all it has started are ended after so many seconds."""
    environment = {**os.environ, "MPLBACKEND": "agg", "PYTHONOPTIMIZE": "", "PYTHONHASHSEED": "0"}
    process = subprocess.Popen(
        # -P keeps the working folder off the path: a learner's random.py must not replace Python's.
        [sys.executable, "-P", str(COLLECT), *command],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    )
    try:
        out, err = process.communicate(given, timeout=seconds)
    except subprocess.TimeoutExpired:
        raise PackageError(
            f"Importing {what} took more than {seconds:.0f} seconds and was stopped. It cannot be "
            "searched."
        ) from None
    finally:
        _end(process)
    try:
        return json.loads(out)
    except ValueError:
        lines = [line.strip() for line in err.splitlines() if line.strip()]
        ended = f"the process ended with status {process.returncode}"
        raise PackageError(
            f"Importing {what} failed ({lines[-1][:200] if lines else ended}). It cannot be "
            f"searched until `import` works in Python."
        ) from None


def _end(process: subprocess.Popen) -> None:
    try:
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    except (ProcessLookupError, PermissionError):
        pass  # it has ended, and so have those that it started
    process.communicate()
