"""The documentation corpus: the docstrings of the packages that the course itself is built on.

Real text that is on every learner's machine, so nothing is downloaded and nothing copied into the
repository. A docstring's way: `modules.toml` lists where it is looked for, `gather` names it,
`docstrings` finds its summary, and here it is kept.
"""

import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass
from pathlib import Path

from course_utils import cache
from course_utils.data import docstrings
from course_utils.errors import CourseError

# What one process collects; importing torch takes about as long as importing all the others.
PROCESSES = (("stdlib", "numpy", "scipy", "sklearn", "matplotlib"), ("torch",))
SOURCES = ("numpy", "scipy", "scikit-learn", "matplotlib", "torch")  # and the standard library
MIN_WORDS = 3
HERE = Path(__file__).parent
CODE = ("corpus.py", "docstrings.py", "gather.py", "modules.toml")  # what the entries depend on
# Docstrings that only send the reader elsewhere.
_POINTER = re.compile(r"See |Performs the same operation as|[\[(]?Deprecated\b")


@dataclass(frozen=True, slots=True)
class Entry:
    """A public function or class and its docstring."""

    name: str  # the public path to import it by, such as "sklearn.model_selection.train_test_split"
    summary: str  # the first sentence, one line of plain text
    text: str  # the whole docstring, as inspect.getdoc tidies it
    package: str  # "stdlib", "numpy", "scipy", "sklearn", "matplotlib" or "torch"
    kind: str  # "function" or "class"


def documentation() -> list[Entry]:
    """Every public function and class of the course's packages that says what it does.

    One entry for each distinct docstring, in a fixed order: that of `modules.toml`, then by name.
    Docstrings without a sentence, of fewer than three words or that only point elsewhere are left
    out. The first call takes some seconds; the result is kept in the cache folder until a package,
    Python or this code changes. Raises CourseError where a package cannot be imported.
    """
    return _entries(_key(), PROCESSES)


def documentation_of(name: str) -> list[Entry]:
    """The same of any installed package, and what its classes have: pandas.DataFrame.groupby.

    `name` is what one imports it by or what one installs it by, "PyYAML" say. It is read again
    where one of its files has changed. Raises CourseError where it is not installed, cannot be
    imported or says nothing.
    """
    module, files = _installed(name)
    stats = [(str(file), file.stat().st_mtime_ns) for file in sorted(files) if file.exists()]
    entries = _entries(cache.key(sys.version, module, stats, *_code()), [(module,)])
    if not entries:
        raise CourseError(f"The package {name!r} has no docstrings to search.")
    return entries


def _installed(name: str) -> tuple[str, list[Path]]:
    """The module of a package, and the files that it consists of."""
    module = name.partition(".")[0]
    named = module.isidentifier() and module != "__main__"
    if not named or not importlib.util.find_spec(module):
        sources = importlib.metadata.packages_distributions().items()
        found = [module for module, names in sources if _plain(name) in map(_plain, names)]
        if not found:
            raise CourseError(f"There is no package {name!r} installed here.")
        module = max(found, key=lambda module: not module.startswith("_"))  # yaml, not _yaml
    spec = importlib.util.find_spec(module)
    folders = spec.submodule_search_locations or []
    files = [file for folder in folders for file in Path(folder).rglob("*.py")]
    return module, files or [Path(spec.origin or "")]


def _plain(name: str) -> str:
    """Names of packages are the same in any case, and with - or _."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _entries(key: str, processes: Sequence[tuple[str, ...]]) -> list[Entry]:
    """What these processes gather, or what is kept of it under the key."""
    name = f"{key}.json"
    if (stored := cache.read("documentation", name)) is not None:
        return [Entry(*row) for row in json.loads(stored)]
    with ThreadPoolExecutor(len(processes)) as pool:
        rows = [row for part in pool.map(_gathered, processes) for row in part]
    distinct = {}
    for row in rows:
        distinct.setdefault(row[-1], row)  # by its text
    entries = [entry for entry in map(_entry, distinct.values()) if entry]
    cache.write("documentation", name, json.dumps([astuple(entry) for entry in entries]).encode())
    return entries


def _key() -> str:
    """Changes with everything that the entries depend on."""
    versions = map(importlib.metadata.version, SOURCES)
    return cache.key(sys.version, sys.platform, *versions, *_code())


def _code() -> list[bytes]:
    return [(HERE / name).read_bytes() for name in CODE]


def _gathered(packages: tuple[str, ...]) -> list[list[str]]:
    """What `gather` finds in these packages, in a process of its own; see there why."""
    environment = {
        **os.environ,
        "MPLBACKEND": "agg",  # not the notebook's own
        "PYTHONOPTIMIZE": "",  # -OO would strip the docstrings
        "PYTHONHASHSEED": "0",  # scipy prints a set in one of them
    }
    # -P keeps the working folder off the path: a learner's random.py must not replace Python's.
    command = [sys.executable, "-P", str(HERE / "gather.py"), *packages]
    done = subprocess.run(command, env=environment, capture_output=True, stdin=subprocess.DEVNULL)
    if done.returncode or not done.stdout:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise CourseError(
            f"The docstrings of {', '.join(packages)} could not be collected: "
            f"{lines[-1] if lines else f'the process ended with status {done.returncode}'}. "
            "Try to import what is named here; install it anew where that fails."
        )
    return json.loads(done.stdout.splitlines()[-1])


def _entry(row: list[str]) -> Entry | None:
    name, kind, package, text = row
    line = docstrings.summary(text)
    if not line or len(text.split()) < MIN_WORDS or _POINTER.match(line):
        return None
    return Entry(name, line, text, package, kind)
