"""`python -m course_utils`: what is installed here, as plain text to paste into a bug report.

`python -m course_utils ask QUESTION` searches the documentation instead; see `retrieval.ask`.

Prints no name of a user or a machine: the home folder is written as `~`. The exit status is 0 where
everything is in order and 1 where something is left to do; what to do stands in the last lines.
"""

import argparse
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence

from course_utils import __version__, cache, colab, language_model, models, published
from course_utils.errors import CourseError

Rows = Iterator[tuple[str, str]]  # what is looked at, what was found


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
    lines = []
    for part in (_system, _packages, _weights, _models, _cache):
        rows = []
        try:
            for row in part(todo):
                rows.append(row)
        except Exception as error:  # a broken installation may raise anything
            rows.append(("does not work", type(error).__name__))
            mend = f"{error} Remove the folder .venv and run: make lab"
            todo.append(str(error) if isinstance(error, CourseError) else mend)
        width = max(len(label) for label, _ in rows)
        lines.append(f"[{part.__name__[1:]}]")
        lines += [f"{label:<{width}}  {' '.join(value.split())}".rstrip() for label, value in rows]
        lines.append("")
    lines += ["[to do]", *(f"- {each}" for each in todo)] if todo else ["Everything is in order."]
    home = os.path.expanduser("~")  # mostly holds somebody's name
    text = "\n".join(lines)
    print(text if home in ("/", "~") else re.sub(re.escape(home) + r"(?![\w.-])", "~", text))
    return 1 if todo else 0


def _system(_todo: list[str]) -> Rows:
    yield "course_utils", __version__
    yield "Python", f"{platform.python_version()} ({platform.python_implementation()})"
    yield "virtual environment", "yes" if sys.prefix != sys.base_prefix else "no"
    yield "platform", platform.platform()

    import torch  # not above: it may be what is broken

    from course_utils import embed

    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    yield "CPU", capabilities.get("cpu_name", platform.processor() or platform.machine())
    yield "threads", str(torch.get_num_threads())
    yield "bfloat16", "yes, used for long work" if embed.has_bfloat16() else "no, float32 is used"
    cuda = torch.cuda.is_available()
    yield "CUDA", torch.cuda.get_device_name(0) if cuda else "not available (and not needed)"


def _packages(todo: list[str]) -> Rows:
    needed, present = colab.section(colab.REQUIREMENTS), colab.installed()
    for name in needed | colab.section(colab.REQUIREMENTS, "jupyter"):
        yield name, present.get(name, "not installed")
    if gone := ", ".join(name for name in needed if name not in present):
        todo.append(f"Install what the lessons need ({gone}): make lab")
    todo += colab.unmet(needed, present)


def _weights(todo: list[str]) -> Rows:
    for package in published.PACKAGES:
        try:
            package.verified()
            found = "as published"
        except CourseError as error:
            found = "missing or changed"
            todo.append(str(error))
        yield package.requirement, f"{found}: {package.name}"


def _models(_todo: list[str]) -> Rows:
    yield models.SWITCH, models.switch()
    for row in models.table():
        yield row["role"], f"{row['embedded']}; from the hub: {row['hub']}"


def _cache(_todo: list[str]) -> Rows:
    folder = cache.folder()
    yield "folder", str(folder)
    with tempfile.TemporaryFile(dir=folder):
        yield "writable", "yes"
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    yield "size", f"{sum(sizes) / 1e6:.1f} MB, files: {len(sizes)}"
    made = (language_model.copy_folder() / language_model.ABOUT).exists()
    yield "copy of the language model", "made" if made else "is made when first needed"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        sys.exit(130)
