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

from course_utils.data import Entry, docstrings
from course_utils.errors import CourseError
from course_utils.retrieval import collect

SECONDS = 90  # until a package that does not come back is given up
MIN_WORDS = 3  # of a docstring, as in the course's own corpus
_NAME = re.compile(r"[A-Za-z_]\w*")
_EARLY = 600  # characters of a docstring in which it says that it is deprecated
_DEPRECATED = (
    r"(?m)\A\W*Deprecated\b|^\.\. deprecated::|"
    r"\b(?:[Tt]his (?:function|method|class|module)|{name}(?:\(\))?`*) is (?:now )?deprecated\b"
)
_RULE = re.compile(r"^-{3,}\s*$", re.MULTILINE)  # below the heading of a section
_OPENING = re.compile(r"(?:\w+ = )?(?:\w+\.)*(\w+)\(")


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
    if _importable(name):
        return name
    by_distribution = {plain(of): module for module, names in installed.items() for of in names}
    for table in (by_distribution, known):
        if plain(name) in table:
            return table[plain(name)]
    top = name.partition(".")[0]
    if "." in name and _importable(top):
        raise PackageError(f"{name!r} is a part of a package. Add the whole of it: {top}.")
    near = difflib.get_close_matches(plain(name), [*known, *by_distribution], n=1)
    hint = f" Did you mean {near[0]}?" if near else " `pip list` shows what is."
    raise PackageError(f"There is no package {name!r} installed here.{hint}")


def _importable(name: str) -> bool:
    named = bool(_NAME.fullmatch(name)) and name != "__main__"
    return named and importlib.util.find_spec(name) is not None


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
    """Which distributions each module here comes from; private modules are left out."""
    found = importlib.metadata.packages_distributions()
    return {module: names for module, names in found.items() if not module.startswith("_")}


def _documented(entry: Entry, signature: str) -> Documented:
    text = entry.text.strip()
    if signature in ("", "(*args, **kwargs)"):  # what is written in C says it in its docstring
        signature = _said(entry, text) or signature
    going = re.sub(r"{name}", entry.name.rpartition(".")[2], _DEPRECATED)
    opening = _RULE.split(text[:_EARLY], maxsplit=1)[0]  # later ones are said of a parameter
    return Documented(entry, signature, bool(re.search(going, opening)))


def _said(entry: Entry, text: str) -> str:
    """The signature that a docstring begins with, "" where it begins otherwise."""
    opening = _OPENING.match(text)
    if not opening or opening[1] != entry.name.rpartition(".")[2]:
        return ""
    depth = 0
    for at in range(opening.end() - 1, min(len(text), collect.LONGEST)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if not depth:
            return " ".join(text[opening.end() - 1 : at + 1].split())
    return ""


def _collected(command: list[str], given: str, seconds: float, what: str):
    """What `collect` answers; it and all it has started are ended after so many seconds."""
    environment = {**os.environ, "MPLBACKEND": "agg", "PYTHONOPTIMIZE": "", "PYTHONHASHSEED": "0"}
    process = subprocess.Popen(
        # -P keeps the working folder off the path: a learner's random.py must not replace Python's.
        [sys.executable, "-P", collect.__file__, *command],
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
