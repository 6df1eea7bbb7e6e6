"""`python -m course_utils`: what is installed here, as plain text to paste into a bug report.

`python -m course_utils ask QUESTION` searches the documentation instead; see `retrieval.ask`.

Prints no name of a user or a machine: the home folder is written as `~`. The exit status is 0 where
everything is in order and 1 where something is left to do; what to do stands in the last lines.
"""

import argparse
import importlib
import os
import platform
import re
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import course_utils
from course_utils import cache, language_model, models, published
from course_utils.errors import CourseError

# The names of requirements.txt, which is not at hand where the package is installed by itself.
LESSONS = (
    "torch",
    "transformers",
    "tokenizers",
    "gguf",
    "sentence-transformers",
    "datasets",
    "huggingface-hub",
    "safetensors",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "scikit-learn",
    "umap-learn",
    "matplotlib",
    "ipywidgets",
    "jupyter-scatter",
    "bm25s",
    "snowballstemmer",
    "rapidfuzz",
    "peft",
    "accelerate",
    "tqdm",
    "pymilvus",
    "milvus-lite",
    "faiss-cpu",
    "openai",
    "packaging",
)
TOOLS = (
    "jupyterlab",
    "ipykernel",
    "nbclient",
    "nbformat",
    "setuptools",
    "pytest",
    "pytest-xdist",
    "nbval",
    "playwright",
    "mistune",
    "pyyaml",
    "ruff",
)

Rows = list[tuple[str, str]]  # what is looked at, what was found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (without one: `check`) and return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m course_utils", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.set_defaults(run=check)
    commands = parser.add_subparsers(title="commands", metavar="command")
    commands.add_parser("check", help="describe this environment (the default)")
    asking = commands.add_parser("ask", help="find a function or class by what it does")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["ask"]:  # its options, and what it imports, only where it is wanted
        from course_utils.retrieval import ask

        asking.description = ask.__doc__
        asking.formatter_class = argparse.RawDescriptionHelpFormatter
        ask.add_arguments(asking)
    options = parser.parse_args(given)
    return options.run(options)


def check(_options: argparse.Namespace) -> int:
    """Print the whole report; 1 where something is left to do."""
    todo: list[str] = []
    sections = {
        "system": _system(),
        "packages of the lessons": _packages(LESSONS, todo),
        "packages of the tools": _packages(TOOLS),
        "device": _device(todo),
        "weights": _weights(todo),
        "models": _models(todo),
        "cache": _cache(todo),
    }
    lines = []
    for title, rows in sections.items():
        lines += [f"[{title}]", *_columns(rows), ""]
    if todo:
        lines += ["[to do]", *(f"- {sentence}" for sentence in todo)]
    else:
        lines += ["Everything is in order."]
    print(_private("\n".join(lines)))
    return 1 if todo else 0


def _system() -> Rows:
    isolated = "yes" if sys.prefix != sys.base_prefix else "no"
    return [
        ("course_utils", course_utils.__version__),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("virtual environment", isolated),
        ("platform", platform.platform()),
    ]


def _packages(names: Sequence[str], todo: list[str] | None = None) -> Rows:
    """The versions; with `todo`, a package that is not installed is something to do."""
    rows = []
    for name in names:
        try:
            rows.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            rows.append((name, "not installed"))
    gone = [name for name, version in rows if version == "not installed"]
    if gone and todo is not None:
        todo.append(f"Install what the lessons need ({', '.join(gone)}): make lab")
    return rows


def _device(todo: list[str]) -> Rows:
    name = platform.processor() or platform.machine()
    try:
        torch = importlib.import_module("torch")
        embed = importlib.import_module("course_utils.embed")
    except Exception as error:  # a broken installation may raise anything
        todo.append("PyTorch does not load. Remove the folder .venv and run: make lab")
        return [("CPU", name), ("PyTorch", f"does not load ({type(error).__name__}: {error})")]
    name = getattr(torch.cpu, "get_capabilities", dict)().get("cpu_name", name)
    bfloat16 = "yes, used for long work" if embed.has_bfloat16() else "no, float32 is used"
    cuda = torch.cuda.is_available()
    return [
        ("CPU", f"{name} ({platform.machine()})"),
        ("threads", str(torch.get_num_threads())),
        ("bfloat16 instructions", bfloat16),
        ("CUDA", torch.cuda.get_device_name(0) if cuda else "not available (and not needed)"),
    ]


def _weights(todo: list[str]) -> Rows:
    rows = []
    for package in published.PACKAGES:
        try:
            package.verified()
            found = "as published"
        except CourseError as error:
            found = "missing or changed"
            todo.append(str(error))
        rows.append((package.requirement, f"{found}: {package.name}"))
    return rows


def _models(todo: list[str]) -> Rows:
    try:
        switch = models.switch()
    except CourseError as error:
        switch = "unknown"
        todo.append(str(error))
    rows = [(models.SWITCH, switch)]
    for row in models.table():
        rows.append((row["role"], f"embedded: {row['embedded']}"))
        rows.append(("", f"hub: {row['hub']}"))
    return rows


def _cache(todo: list[str]) -> Rows:
    try:
        folder = cache.folder()
    except CourseError as error:
        todo.append(str(error))
        return [("folder", "cannot be created")]
    try:
        with tempfile.TemporaryFile(dir=folder):
            writable = "yes"
    except OSError as error:
        writable = f"no ({error.strerror})"
        todo.append(f"The cache folder {folder} is not writable. Set COURSE_CACHE to one that is.")
    made = (language_model.copy_folder() / language_model.ABOUT).exists()
    return [
        ("folder", str(folder)),
        ("size", _size(folder)),
        ("writable", writable),
        ("copy of the language model", "made" if made else "is made when first needed"),
    ]


def _size(folder: Path) -> str:
    sizes = []
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                sizes.append(path.stat().st_size)
        except OSError:  # gone meanwhile, or not ours to read
            continue
    return f"{sum(sizes) / 1e6:.1f} MB, files: {len(sizes)}"


def _columns(rows: Rows) -> list[str]:
    width = max(len(label) for label, _ in rows)
    return [f"{label:<{width}}  {' '.join(value.split())}".rstrip() for label, value in rows]


def _private(text: str) -> str:
    """The text without the path of the home folder, which mostly holds somebody's name."""
    home = os.path.expanduser("~")
    return text if home in ("/", "~") else re.sub(re.escape(home) + r"(?![\w.-])", "~", text)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
