"""Reads packages in a process of its own: a script that imports nothing of the course.

`packages` starts it with `python -P collect.py signatures` (names of the documentation as JSON on
standard input) or `python -P collect.py package NAME SECONDS`. Its answer is JSON on standard
output. What a package prints while it is imported goes to standard error, and what it breaks ends
with this process. See `data.gather` for why names are read there.
"""

import importlib
import importlib.util
import inspect
import json
import os
import pkgutil
import sys
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

MOST = 4000  # entries of a package: about a minute of embedding
DEEPEST = 3  # names in the path of a module: xml.etree.ElementTree
LONGEST = 400  # characters of a signature
# Modules that one runs or tests with, not what one looks up; some do things when imported.
_PASSED_OVER = {
    *("conftest", "setup", "test", "tests", "testing", "vendor", "externals", "extern"),
    *("core", "compat", "internal", "internals"),  # what is meant for others is named elsewhere
}
_GATHER = Path(__file__).parent.parent / "data" / "gather.py"


def signatures(names: Iterable[str]) -> dict[str, str]:
    """The signature of each name, "(a, b=1)", where Python knows it."""
    return {name: signature(_at(name)) for name in names}


def signature(value: object) -> str:
    """How to call it, without annotations; "" where Python does not know."""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    except Exception:  # a class may answer with anything when asked
        return ""
    empty = inspect.Parameter.empty
    parameters = [
        each.replace(
            annotation=empty, default=each.default if each.default is empty else _Said(each)
        )
        for each in found.parameters.values()
    ]
    text = str(inspect.Signature(parameters))
    return text if len(text) <= LONGEST else text[:LONGEST].rsplit(", ", 1)[0] + ", …)"


class _Said:
    """A default value as a signature shows it: what has no short literal is "…"."""

    def __init__(self, parameter: inspect.Parameter):
        value = parameter.default
        if inspect.isclass(value) or inspect.isroutine(value):
            self.text = getattr(value, "__name__", "…")
        else:
            text = repr(value)
            self.text = "…" if text.startswith("<") or len(text) > 40 else text

    def __repr__(self) -> str:
        return self.text


def package(name: str, seconds: float) -> list[list[str]]:
    """`[name, kind, package, text, signature]` of what a package has to offer, at most `MOST`.

    Functions and classes first, then the methods of its classes; each docstring once. Modules that
    cannot be imported are passed over, and so are all that are left after so many seconds. Raises
    whatever importing the package itself raises.
    """
    gather = _gather()
    began = time.monotonic()
    found: dict[str, list[str]] = {}
    classes = []
    for module in _modules(importlib.import_module(name), name, began + seconds):
        try:
            public = gather._public(module)
        except Exception:
            continue
        for attribute, value in public:
            text = gather._docstring(value)
            if text and text not in found and _belongs(value, name):
                path = f"{module.__name__}.{attribute}"
                found[text] = [path, gather._kind(value), name, text, signature(value)]
                if inspect.isclass(value):
                    classes.append((path, value))
    for path, value in classes:
        for attribute, method in _methods(value, name):
            text = inspect.getdoc(method) or ""
            if text and text not in found:
                found[text] = [f"{path}.{attribute}", "function", name, text, signature(method)]
    return list(found.values())[:MOST]


def _modules(top: ModuleType, name: str, until: float) -> Iterator[ModuleType]:
    """The package and its public modules, those near the top first."""
    waiting = [top]
    while waiting:
        module = waiting.pop(0)
        yield module
        if not hasattr(module, "__path__") or module.__name__.count(".") + 1 >= DEEPEST:
            continue
        for found in sorted(pkgutil.iter_modules(module.__path__), key=lambda each: each.name):
            if found.name.startswith("_") or found.name in _PASSED_OVER or time.monotonic() > until:
                continue
            try:
                waiting.append(importlib.import_module(f"{module.__name__}.{found.name}"))
            except (Exception, SystemExit):
                continue  # needs what is not installed, or is no module to import


def _methods(value: type, package: str) -> Iterator[tuple[str, object]]:
    """The public methods that a class has from its own package, documented by themselves."""
    seen = set()
    for base in value.__mro__:
        if not _belongs(base, package):
            continue
        for attribute, raw in sorted(vars(base).items()):
            method = getattr(value, attribute, None) if not attribute.startswith("_") else None
            if attribute not in seen and inspect.isroutine(method) and not inspect.isclass(raw):
                seen.add(attribute)
                yield attribute, method


def _belongs(value: object, package: str) -> bool:
    """Whether it is of this package: one without a module of its own is taken to be."""
    module = getattr(value, "__module__", None) or package
    return module.split(".")[0].removeprefix("_") == package.removeprefix("_")


def _at(name: str) -> object:
    """What a dotted name stands for, or None."""
    parts = name.split(".")
    for end in range(len(parts) - 1, 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:end]))
            for part in parts[end:]:
                value = getattr(value, part)
            return value
        except (ImportError, AttributeError):
            continue
    return None


def _gather() -> ModuleType:
    """The script that reads the course's own packages, by its path: see above."""
    spec = importlib.util.spec_from_file_location("course_gather", _GATHER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(arguments: list[str]) -> None:
    """Write the answer to standard output, and leave at once whatever threads are running."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what anything prints from now on, C libraries included
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if arguments[0] == "signatures":
            found = signatures(json.load(sys.stdin))
        else:
            found = package(arguments[1], float(arguments[2]))
    json.dump(found, answer)
    answer.flush()
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
