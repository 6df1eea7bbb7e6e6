"""Collects docstrings in a process of its own: a script that imports nothing of the course.

`corpus` starts it with `python -P gather.py PACKAGE ...` and reads JSON from the last line of its
standard output, one `[name, kind, package, text]` for each entry. Of the course's packages it reads
the modules that `modules.toml` lists, of any other all that look public. Why a process of its own:
importing all of these sets things up that nobody asked for, raises warnings and takes memory that
is never given back; and the result would depend on what was imported, or patched, before (IPython,
for one, adds names to `builtins`).
"""

import contextlib
import functools
import importlib
import inspect
import json
import pkgutil
import sys
import tomllib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType

MODULES = tomllib.loads(Path(__file__).with_name("modules.toml").read_text(encoding="utf-8"))
# What is documented as a function or a class, though Python counts it as neither: the element-wise
# functions of numpy and scipy, and `Optional`, `Union`, `Literal`, ... of `typing`.
INSTANCES = {
    "ufunc": "function",
    "MultiUFunc": "function",
    "_SpecialForm": "class",
    "_LiteralSpecialForm": "class",
    "_TypedCacheSpecialForm": "class",
}

DEEPEST = 4  # names in the path of a module that is looked at: pandas.tseries.offsets has three
# Modules that one runs, tests with or keeps to oneself; some do things when they are imported.
PASSED_OVER = {"conftest", "core", "externals", "setup", "test", "tests", "vendor", "vendored"}


def gather(modules: Mapping[str, str] = MODULES) -> list[list[str]]:
    """`[name, kind, package, text]` of each distinct docstring; by module, then by name."""
    found: dict[str, list[str]] = {}
    for package, names in modules.items():
        for name in names.split():
            try:
                module = importlib.import_module(name.removesuffix("?"))
            except ModuleNotFoundError:
                if not name.endswith("?"):
                    raise
                continue
            here = {}
            for attribute, value in _public(module):
                if (text := _docstring(value)) not in found:
                    path = f"{name.removesuffix('?')}.{attribute}"  # os.path says posixpath
                    here.setdefault(text, [path, _kind(value), package, text])
            found |= sorted(here.items(), key=lambda item: item[1])
    found.pop("", None)
    return list(found.values())


def whole(package: str) -> list[list[str]]:
    """The same of any package: its public modules, and then what its classes have.

    A docstring that several classes share is named after the one that defines it, or else the one
    that it speaks of most. Raises what importing the package raises.
    """
    found, methods = {}, []
    for module in _modules(importlib.import_module(package)):
        for attribute, value in _public(module):
            row = [f"{module.__name__}.{attribute}", _kind(value), package]
            if _top(value) in (package, f"_{package}", None):
                found.setdefault(_docstring(value), row)
                if inspect.isclass(value):
                    methods += _methods(value, row[0], package, attribute)
    for *_, text, row in sorted(methods, key=lambda method: method[:2]):
        found.setdefault(text, row)
    found.pop("", None)
    return [[*row, text] for text, row in found.items()]


def _modules(top: ModuleType) -> Iterator[ModuleType]:
    """The package and its public modules; of those further down only what lists its names.

    What cannot be imported is passed over.
    """
    waiting = [top]
    for module in waiting:
        depth = module.__name__.count(".") + 1
        if depth <= 2 or hasattr(module, "__all__"):
            yield module
        for _, name, _ in pkgutil.iter_modules(getattr(module, "__path__", ())):
            if depth < DEEPEST and not name.startswith("_") and name not in PASSED_OVER:
                with contextlib.suppress(Exception, SystemExit):
                    waiting.append(importlib.import_module(f"{module.__name__}.{name}"))


def _methods(owner: type, path: str, package: str, spoken: str) -> Iterator[tuple]:
    """`(inherited, -mentions, text, row)` of what a class has, and of the classes within it.

    `spoken` is the name that a text would mention: "Series" for pandas.Series.str, too.
    """
    for base in owner.__mro__:
        for attribute in sorted(vars(base)) if _top(base) == package else ():
            if attribute.startswith("_"):
                continue
            try:
                value = getattr(owner, attribute)
                text = _docstring(value)
            except Exception:  # whatever a package's own code raises
                continue
            row = [f"{path}.{attribute}", _kind(value) or "function", package]
            yield base is not owner, -text.count(spoken), text, row
            if inspect.isclass(value) and _top(value) == package and path.endswith(f".{spoken}"):
                yield from _methods(value, row[0], package, spoken)


def _top(value: object) -> str | None:
    """The package that something says to be of."""
    owner = getattr(value, "__module__", None)
    return owner.partition(".")[0] if isinstance(owner, str) else None


def _public(module: ModuleType) -> list[tuple[str, object]]:
    """The functions and classes of a module by name, the best name of each first."""
    listed = getattr(module, "__all__", None)
    found = []
    for name in listed or dir(module):
        try:
            value = getattr(module, name)
        except Exception:  # whatever a package's own code for this raises
            continue  # listed, but not there unless asked for, such as what scikit-learn tries out
        if _kind(value) and not name.startswith("_") and (listed or _at_home(value, module)):
            found.append((name, value))
    return sorted(found, key=_rank)


def _rank(item: tuple[str, object]) -> tuple[bool, bool, int, str]:
    """Best first: the name that the value itself bears, one that its text uses, a short one."""
    name, value = item
    borne = name == getattr(value, "__name__", None)
    return not borne, f"{name}(" not in _docstring(value), len(name), name


def _kind(value: object) -> str | None:
    if inspect.isclass(value):
        return "class"
    return "function" if inspect.isroutine(value) else INSTANCES.get(type(value).__name__)


def _at_home(value: object, module: ModuleType) -> bool:
    """Whether a module without `__all__` defines this, and does not merely import it."""
    name = module.__name__
    owner = getattr(value, "__module__", None) or name
    if owner in (name, f"_{name}") or owner.startswith((f"{name}.", "_frozen_importlib")):
        return True
    # These know no better owner: open, which says io, and the functions of torch written in C.
    written_in_c = owner == "torch" or owner.startswith("torch._C")
    return name == "builtins" or (inspect.isbuiltin(value) and written_in_c)


def _docstring(value: object) -> str:
    """Its own docstring, or its `__init__`'s, tidied by inspect.getdoc; none that it inherits."""
    if inspect.isclass(value):
        if vars(value).get("__doc__") is None:
            value = vars(value).get("__init__")
            if not inspect.isfunction(value):
                return ""
    elif value.__doc__ == type(value).__doc__:
        return ""
    return inspect.getdoc(value) or ""


def _seed_numpy() -> None:
    """Fix the random numbers that scipy draws when imported, and prints in its docstrings."""
    import numpy

    drawn = numpy.random.default_rng
    seeded = functools.wraps(drawn)(lambda seed=None: drawn(0 if seed is None else seed))
    numpy.random.default_rng = seeded


def main(packages: list[str]) -> None:
    """Write the entries of these packages to standard output."""
    _seed_numpy()
    with contextlib.redirect_stdout(sys.stderr), warnings.catch_warnings():
        # Looking at every attribute of a module touches deprecated ones too, and those warn. Nobody
        # here uses them.
        warnings.simplefilter("ignore")
        entries = gather({package: MODULES[package] for package in packages if package in MODULES})
        for package in packages:
            entries += [] if package in MODULES else whole(package)
    print("", json.dumps(entries), sep="\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
