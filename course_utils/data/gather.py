"""Collects docstrings in a process of its own: a script that imports nothing of the course.

`documentation` starts it with `python -P gather.py PACKAGE ...` and reads JSON from the last line
of its standard output, one `[name, kind, package, text]` for each entry. Of the course's packages
it reads the modules below, of any other all that look public. Why a process of its own: importing
all of these modules sets things up that nobody asked for, raises warnings and takes memory that is
never given back; and the result would depend on what was imported, or patched, before (IPython, for
one, adds names to `builtins`).
"""

import contextlib
import functools
import importlib
import inspect
import json
import pkgutil
import sys
import warnings
from collections.abc import Iterator, Mapping
from types import ModuleType

# The public modules, by package. Their order is the order of the entries and of preference: a
# docstring that is found in several places is named after the first. A `?` marks a module that some
# versions or builds lack; any other that cannot be imported is an error. Left out on purpose: what
# repeats another module almost word for word (numpy.ma), and what few people outside a package use.
MODULES = {
    "stdlib": """
        builtins collections collections.abc itertools functools operator os.path os pathlib shutil
        glob fnmatch tempfile io json csv pickle shelve sqlite3 configparser tomllib zipfile tarfile
        gzip bz2? lzma? zlib re string textwrap difflib unicodedata struct base64 binascii html
        html.parser xml.etree.ElementTree math cmath decimal fractions random statistics datetime
        time calendar zoneinfo heapq bisect array copy pprint enum graphlib types weakref typing abc
        dataclasses contextlib contextvars threading multiprocessing multiprocessing.shared_memory
        concurrent.futures subprocess queue asyncio signal socket ssl selectors urllib.request
        urllib.parse urllib.error http http.client http.server http.cookies email email.message
        mimetypes webbrowser ipaddress uuid hashlib hmac secrets argparse getpass shlex logging
        logging.handlers logging.config platform sys locale gettext atexit unittest unittest.mock
        doctest pdb timeit cProfile tracemalloc warnings traceback gc inspect ast importlib
        importlib.util importlib.metadata importlib.resources ctypes
    """,
    "numpy": """
        numpy numpy.linalg numpy.fft numpy.random numpy.polynomial numpy.polynomial.polynomial
        numpy.strings numpy.lib.stride_tricks numpy.testing
    """,
    "scipy": """
        scipy.linalg scipy.sparse scipy.sparse.linalg scipy.sparse.csgraph scipy.stats
        scipy.stats.qmc scipy.optimize scipy.integrate scipy.interpolate scipy.differentiate?
        scipy.signal scipy.signal.windows scipy.fft scipy.ndimage scipy.spatial
        scipy.spatial.distance scipy.spatial.transform scipy.special scipy.cluster.hierarchy
        scipy.cluster.vq scipy.constants scipy.io scipy.io.wavfile
    """,
    "sklearn": """
        sklearn.base sklearn sklearn.calibration sklearn.cluster sklearn.compose sklearn.covariance
        sklearn.cross_decomposition sklearn.datasets sklearn.decomposition
        sklearn.discriminant_analysis sklearn.dummy sklearn.ensemble sklearn.feature_extraction
        sklearn.feature_extraction.text sklearn.feature_extraction.image sklearn.feature_selection
        sklearn.frozen? sklearn.gaussian_process sklearn.gaussian_process.kernels sklearn.impute
        sklearn.inspection sklearn.isotonic sklearn.kernel_approximation sklearn.kernel_ridge
        sklearn.linear_model sklearn.manifold sklearn.metrics sklearn.metrics.pairwise
        sklearn.mixture sklearn.model_selection sklearn.multiclass sklearn.multioutput
        sklearn.naive_bayes sklearn.neighbors sklearn.neural_network sklearn.pipeline
        sklearn.preprocessing sklearn.random_projection sklearn.semi_supervised sklearn.svm
        sklearn.tree sklearn.utils sklearn.utils.class_weight sklearn.utils.validation
    """,
    "matplotlib": """
        matplotlib matplotlib.figure matplotlib.axes matplotlib.axis matplotlib.artist
        matplotlib.lines matplotlib.patches matplotlib.collections matplotlib.text matplotlib.image
        matplotlib.legend matplotlib.colors matplotlib.cm matplotlib.colorbar matplotlib.ticker
        matplotlib.dates matplotlib.scale matplotlib.gridspec matplotlib.animation
        matplotlib.widgets matplotlib.markers matplotlib.tri matplotlib.style matplotlib.pyplot
    """,
    "torch": """
        torch.nn torch.nn.functional torch.nn.init torch.nn.utils torch.nn.utils.rnn
        torch.nn.utils.parametrizations torch.nn.attention torch.nn.parallel torch.optim
        torch.optim.lr_scheduler torch.optim.swa_utils torch.utils.data torch.utils.checkpoint torch
        torch.linalg torch.fft torch.special torch.sparse torch.distributions torch.autograd
        torch.autograd.functional torch.func torch.amp torch.cuda torch.onnx torch.profiler
        torch.hub torch.multiprocessing torch.distributed torch.testing
    """,
}

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
            if module := _import(name):
                here = {}
                for attribute, value in _public(module):
                    if (text := _docstring(value)) not in found:
                        path = f"{name.removesuffix('?')}.{attribute}"
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


def _import(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name.removesuffix("?"))
    except ModuleNotFoundError:
        if not name.endswith("?"):
            raise
        return None


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

    @functools.wraps(drawn)
    def seeded(seed=None):
        return drawn(0 if seed is None else seed)

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
