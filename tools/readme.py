"""Writes the parts of README.md that are taken from elsewhere.

    python tools/readme.py

Titles, promises and minutes come from the first cell of each notebook, figures from the stored
runs, pictures from course_utils.pictures, the sample from L5's stored outputs; nothing is executed.
tests/test_readme.py checks that README.md is up to date.
"""

import ast
import html
import re
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

import nbformat
import numpy as np

from course_utils import data, evaluate, pictures
from course_utils.errors import BadInput
from tools import badges

ROOT = Path(__file__).resolve().parent.parent
WIDTHS = {"desk": 640, "lesson": 180}  # of pictures, in pixels
# The picture that stands for each lesson.
LESSONS = {
    "L2": "Embedding-models",
    "L3": "Sentence-Embedding",
    "L4": "Contrastive-Loss",
    "L5": "Similarity-Search",
}
# The rows of the two tables of figures; the last column compares each with the best.
SIX = (
    "one shared head",
    "one shared head, echo",
    "one shared head, prefixes",
    "one shared head, prefixes, echo",
    "two heads",
    "two heads, echo",
)
LADDER = (
    "closed book",
    "BM25",
    "single encoder",
    "single encoder, near copies dropped",
    "single encoder, answers alone",
    "dual encoder",
    "dual encoder + cross-encoder",
    "the right passage",
)
DUAL = "dual encoder"
SAMPLE, CALL = "L5", "ask"  # the lesson, and the id of its cell that calls the command
GENERATED = "┃ "  # before each line that differs from machine to machine

TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
PROMISE = re.compile(  # up to its first pause, five words on or later
    r"^\d+\. ((?:\S+ ){4}.+?|.+?)(?:[,;:.](?: .*)?)?$", re.MULTILINE
)
TIME = re.compile(r"\btakes ([^.;]+? (?:minutes|hours?))\b")


def opening(path: Path) -> tuple[str, list[str], str]:
    """Title, promises and time of a notebook, from its first cell."""
    source = nbformat.read(path, as_version=4).cells[0].source
    title, promises, time = (pattern.findall(source) for pattern in (TITLE, PROMISE, TIME))
    if not (title and promises and time):
        raise BadInput(
            f"The first cell of {path.name} needs a title (#), promises (1. 2. ...) and the words "
            "'It takes about N minutes'."
        )
    return title[0], promises, time[0]


def places(address: str, lesson: str, time: str) -> str:
    """How long a notebook takes, and where it opens without an installation."""
    colab, binder = badges.colab(address, lesson), badges.binder(address, lesson)
    return f"{time}, [Colab]({colab}), [Binder]({binder})"


def presented(picture: str, path: Path, address: str) -> str:
    """The row of a lesson; as a Markdown table its picture would shrink."""
    title, promises, time = opening(path)
    link = f"notebooks/{path.name}"
    told = [f"**[{title}]({link})**", "; ".join(promises), places(address, path.stem, time)]
    width = WIDTHS["lesson"]
    shown = pictures.picture(picture)
    shown = f"[{image(shown, width, shown.caption)}]({link})"
    cells = f'<td width="{width}">\n\n{shown}\n\n</td>\n<td>\n\n{"<br>".join(told)}\n\n</td>'
    return f"<tr>\n{cells}\n</tr>"


def optional(path: Path, address: str) -> str:
    """The line of an optional notebook in the list of those."""
    title, _, time = opening(path)
    lesson = f"deeper/{path.stem}"
    return f"- [{title}](notebooks/{lesson}.ipynb): {places(address, lesson, time)}"


def image(picture: pictures.Picture, width: int, alt: str) -> str:
    """A picture of the course as an HTML element: Markdown has no widths."""
    return f'<img src="img/{picture.png.name}" width="{width}" alt="{html.escape(alt)}">'


def six(run: Mapping) -> str:
    """How often each kind of heads puts the right answer first, from the stored run `l4_table`."""
    rows = {(row["system"], row["wording"], row["candidates"]): row for row in run["rows"]}
    lines = ["| | answers alone | with questions | the same, new wordings | behind the last |"]
    lines.append("|---|---|---|---|---|")
    both = "answers and questions"
    for name in SIX:
        alone, among, new = (
            rows[name, *where] for where in (("known", "answers"), ("known", both), ("new", both))
        )
        behind = "–" if name == SIX[-1] else interval(among["ahead"])
        shares = " | ".join(f"{row['first']:.2f}" for row in (alone, among, new))
        lines.append(f"| {name} | {shares} | {behind} |")
    return "\n".join(lines)


def ladder(run: Mapping) -> str:
    """How often the language model answers right with each search, from the stored run `rag`."""
    lines = ["| | right passage first | right answers | new wordings | behind dual encoder |"]
    lines.append("|---|---|---|---|---|")
    known, new = (run["wordings"][wording] for wording in ("known", "new"))
    for name in LADDER:
        first = f"{flags(known[name]['first']).mean():.2f}" if "first" in known[name] else ""
        right = flags(known[name]["says"])
        gap = flags(known[DUAL]["says"]) - right
        behind = "–" if name == DUAL else interval(evaluate.summary(gap, groups=run["entities"]))
        shares = f"{first} | {right.mean():.2f} | {flags(new[name]['says']).mean():.2f}"
        lines.append(f"| {name} | {shares} | {behind} |")
    return "\n".join(lines)


def flags(text: str) -> np.ndarray:
    """A stored string of 0 and 1, as numbers `[n]`."""
    return np.array(list(text), dtype=float)


def interval(figures) -> str:
    """A mean difference and its 95 % interval, in one line."""
    mean, low, high = figures
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]".replace(" ", "\N{NO-BREAK SPACE}")


def sample(path: Path) -> str:
    """The call of `ask` in L5, as a terminal would show it."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.get("id") == CALL:
            (words,) = re.findall(r'"ask", (.+?)\]', cell.source)
            typed = shlex.join(ast.literal_eval(f"({words},)"))
            printed = "".join(output.get("text", "") for output in cell.get("outputs", []))
            lines = [line for line in printed.splitlines() if line.startswith(GENERATED)]
            called = f"$ .venv/bin/python -m course_utils ask {typed}"
            return "\n".join(
                ["```", called, *(line.removeprefix(GENERATED) for line in lines), "```"]
            )
    raise BadInput(f"{path.name} has no cell {CALL!r} that calls `ask`.")


def parts(root: Path) -> dict[str, str]:
    """Name → text of each part of README.md that this tool writes."""
    address = badges.repository(root)
    notebooks = {path.name.partition("_")[0]: path for path in root.glob("notebooks/*.ipynb")}
    if notebooks.keys() != LESSONS.keys():
        raise BadInput(
            f"LESSONS in tools/readme.py has {', '.join(LESSONS)}, and in notebooks/ there are "
            f"{', '.join(sorted(notebooks))}."
        )
    rows = [presented(picture, notebooks[name], address) for name, picture in LESSONS.items()]
    deeper = sorted(root.glob("notebooks/deeper/*.ipynb"))
    return {
        "picture": image(pictures.PHOTOGRAPH, WIDTHS["desk"], pictures.PHOTOGRAPH.alt),
        "six": six(data.stored_run("l4_table")),
        "ladder": ladder(data.stored_run("rag")),
        "lessons": "\n".join(["<table>", *rows, "</table>"]),
        "optional": "\n".join(optional(path, address) for path in deeper),
        "sample": sample(notebooks[SAMPLE]),
    }


def updated(root: Path = ROOT) -> str:
    """What README.md should say, which is what it says but for the parts between the marks."""
    text = (root / "README.md").read_text(encoding="utf-8")
    for name, part in parts(root).items():
        start, end = f"<!--make-readme:{name}-->", f"<!--end-of:{name}-->"
        head, opened, rest = text.partition(start)
        _, closed, tail = rest.partition(end)
        if not (opened and closed):
            raise BadInput(f"README.md needs the lines {start} and {end}, in this order.")
        text = f"{head}{start}\n\n{part}\n\n{end}{tail}"
    return text


def main(root: Path = ROOT) -> int:
    """The command line; 0 when all went well."""
    path = root / "README.md"
    try:
        text = updated(root)
    except BadInput as error:
        print(error, file=sys.stderr)
        return 1
    changes = text != path.read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8", newline="\n")
    print(f"README.md {'changed' if changes else 'is as it was'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
