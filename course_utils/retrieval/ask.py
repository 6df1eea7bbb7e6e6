"""`python -m course_utils ask QUESTION`: the function or class that does what you describe.

The search of L5 over the documentation of the packages that the course is built on, and of those
that `--packages` names. The exit status is 0, 1 where nothing fits, and 2 where the question, or a
package, cannot be read.
"""

import argparse
import json
import shutil
import sys
import textwrap
from collections.abc import Sequence

from course_utils import data
from course_utils.errors import CourseError
from course_utils.retrieval import pipeline
from course_utils.retrieval.index import Index, kept
from course_utils.retrieval.pipeline import Result

FOUND, NOTHING_FITS, BAD = 0, 1, 2  # the exit status
SHOWN = 5
WIDEST = 100  # columns


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("question", nargs="+", help="what you look for, in your own words")
    parser.add_argument(
        "-k", type=int, default=SHOWN, metavar="N", help=f"how many to show ({SHOWN})"
    )
    parser.add_argument(
        "--packages",
        default="",
        metavar="NAME,NAME",
        help="search these installed packages, too; `builtins` has the methods of str and list",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Answer on standard output; what is wrong, or takes long, is said on standard error."""
    sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a letter shows "?"
    question = " ".join(options.question).encode(errors="replace").decode()
    added = [name.strip() for name in options.packages.split(",") if name.strip()]
    try:
        pipeline.cleaned(question)  # before what takes a minute, the first time
        found = pipeline.search(question, options.k, index=index_with(added))
    except CourseError as error:
        print(error, file=sys.stderr)
        return BAD
    fits = supported(found)
    print(as_json(question, found, fits) if options.json else as_text(question, found, fits))
    return FOUND if fits else NOTHING_FITS


def index_with(packages: Sequence[str]) -> Index:
    """The index of the course's documentation and that of these packages: kept, or made now."""
    entries = {entry.name: entry for entry in data.documentation()}
    for package in packages:
        for entry in data.documentation_of(package):
            entries.setdefault(entry.name, entry)
    return kept(list(entries.values()))


def supported(found: Sequence[Result]) -> bool:
    """Whether the first result is near enough to the question, by the encoder, to be believed.

    How near was chosen on the tune questions: nine in ten of those with a right first result are.
    """
    return found[0].parts[pipeline.ENCODER] >= data.stored_run("retrieval")["threshold"]


def as_text(question: str, found: Sequence[Result], fits: bool) -> str:
    """The answer for a terminal: name, package and share of the best score; then what it does."""
    width = min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)
    lines = []
    if found[0].asked != pipeline.cleaned(question):
        lines.append(f"Searched for: {found[0].asked}")
    if not fits:
        lines.append("Perhaps nothing here fits. The nearest:")
    for each in found:
        share = f", {each.score / found[0].score:.0%}" if fits else ""
        lines.append(f"{each.rank:2}. {each.name}  ({each.entry.package}{share})")
        lines.append(textwrap.indent(textwrap.fill(each.entry.summary, width - 4), " " * 4))
    return "\n".join(lines)


def as_json(question: str, found: Sequence[Result], fits: bool) -> str:
    """The same for a program. Scores are to be compared within one question only."""
    results = [
        {
            "rank": each.rank,
            "name": each.name,
            "package": each.entry.package,
            "summary": each.entry.summary,
            "score": round(each.score, 4),
            "parts": {name: round(part, 4) for name, part in each.parts.items()},
        }
        for each in found
    ]
    told = {"question": question, "asked": found[0].asked, "fits": fits, "results": results}
    return json.dumps(told, ensure_ascii=False, indent=2)
