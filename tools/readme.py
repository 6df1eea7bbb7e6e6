"""Writes the parts of README.md that tell of the lessons: what they are, and what they measure.

    python tools/readme.py

Titles, promises and times come from the first cell of each lesson, claims and figures from its
stored outputs, pictures from course_utils.pictures, how good the search is from its stored run;
nothing is executed. What is chosen, a picture and a few claims for each lesson, stands here in
LESSONS. tests/test_readme.py checks that README.md is up to date.
"""

import ast
import html
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import numpy as np
from nbformat import NotebookNode

from course_utils import data, evaluate, pictures
from course_utils.claims import BROKEN, KEPT
from course_utils.errors import BadInput
from tools import badges

ROOT = Path(__file__).resolve().parent.parent
# The pictures below the first lines, side by side, and their widths in pixels.
HEADLINES = ((pictures.PHOTOGRAPH, 440), (pictures.picture("Dual-Encoder"), 360))
THUMBNAIL_WIDTH = 180

# What README.md shows of L5's two stored runs, and of its last lines.
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
SYSTEMS = ("BM25", "encoder", "rank fusion", "hybrid")
SAMPLE, CALL = "L5", "ask"  # the lesson, and the id of its cell that calls the command
GENERATED = "┃ "  # before each line that differs from machine to machine


@dataclass(frozen=True)
class Lesson:
    """What README.md shows of a lesson.

    `carrying` maps the statement of a claim to how the line begins in which its cell prints the
    figures; to "" where the claim itself has them in brackets.
    """

    name: str
    picture: str
    carrying: dict[str, str] = field(default_factory=dict)


LESSONS = (
    Lesson(
        "L2",
        "Embedding-models",
        {
            "the nearest word is nearly always of its category": "",
            "the step beats the third word alone": "",
            "static vectors are as good as guessing": "",
            "we have rebuilt a layer": "",
            "the last layer tells senses apart": "",
            "what comes later cannot change a word": "",
        },
    ),
    Lesson(
        "L3",
        "Sentence-Embedding",
        {
            "our tokenizer is the model's tokenizer on all of these texts": "authored sentences",
            "at 256 tokens, a third of the docstrings or more lose their end": "longer than 256",
            "sentence embeddings beat averaged static vectors": "gain over static mean",
            "with 50 pairs, the same model may look very different": "first 50 pairs",
            "negation: statements that differ look more alike than paraphrases": "negation",
            "the sum is ahead of the encoder": "encoder + cross-encoder over encoder",
        },
    ),
    Lesson(
        "L4",
        "Contrastive-Loss",
        {
            "one encoder never puts the answer before the question": "",
            "for most questions the answer now beats the question": "",
            "one shared head never puts the answer first": "",
            "our split does not leak, a random one would": "held-out names in training",
            "on this encoder two heads are ahead of prefixes": "",
            "the leak adds only where a near copy was seen": "",
        },
    ),
    Lesson(
        "L5",
        "Similarity-Search",
        {
            "one chunk of the changed document is left, the new one": "",
            "the model is more often right with two encoders": "",
            "two encoders beat one that drops near copies": "",
            "its own question, handed back, does not help": "",
            "12 of 128 cells hold nine in ten of the neighbours": "",
            "the hybrid is ahead of words and of meaning alone": "",
            "a second stage cures the echo of one encoder": "",
            "on documentation it does harm": "",
            "given one wrong source, it says what stands there": "",
        },
    ),
)

TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
PROMISE = re.compile(r"^\d+\. (.+?)(?:[,;:.](?: .*)?)?$", re.MULTILINE)  # up to its first pause
TIME = re.compile(r"\btakes ([^.;]+? (?:minutes|hours?))\b")
CLAIM = re.compile(rf"({KEPT}|{BROKEN}) (.+?)(?:  \((.+)\))?")  # what course_utils.claims prints
TALLY = re.compile(rf"(?:{KEPT} All|{BROKEN} \d+ of the) (\d+) claims above (?:do not )?hold[.:]")


@dataclass(frozen=True)
class Claim:
    """A claim as a notebook stores it: `lines` are all that its cell prints."""

    holds: bool
    detail: str
    lines: tuple[str, ...]


def claims_of(notebook: NotebookNode, name: str) -> dict[str, Claim]:
    """Statement → claim, in order; raises BadInput when they are not as many as `tally` counts."""
    found: dict[str, Claim] = {}
    counted = None
    for cell in notebook.cells:
        streams = (output for output in cell.get("outputs", []) if output.get("name") == "stdout")
        lines = "".join(output.text for output in streams).splitlines()
        for line in lines:
            if match := TALLY.fullmatch(line):
                counted = int(match[1])
            elif match := CLAIM.fullmatch(line):
                found[match[2]] = Claim(match[1] == KEPT, match[3] or "", tuple(lines))
    if counted != len(found):
        raise BadInput(
            f"{name} stores {len(found)} claims, and its tally counts {counted}: "
            f"run `make lessons LESSONS={name}`."
        )
    return found


def figures(claim: Claim, statement: str, begin: str) -> str:
    """The figures behind a claim: the printed line that begins so, and what the claim adds."""
    lines = [line.strip() for line in claim.lines if begin and line.strip().startswith(begin)]
    if begin and len(lines) != 1:
        raise BadInput(
            f"The cell that claims {statement!r} prints {len(lines)} lines that begin with "
            f"{begin!r}, not one: correct LESSONS in tools/readme.py."
        )
    return "; ".join([*lines, claim.detail] if claim.detail else lines)


def measured(lesson: Lesson, path: Path) -> list[str]:
    """The rows of a lesson in the table of what is measured."""
    if not lesson.carrying:
        raise BadInput(f"LESSONS in tools/readme.py chooses no claims of {lesson.name}.")
    claims = claims_of(nbformat.read(path, as_version=4), lesson.name)
    held = sum(claim.holds for claim in claims.values())
    first = f"[{lesson.name}](notebooks/{path.name}): {held} of {len(claims)} claims hold"
    rows = []
    for statement, begin in lesson.carrying.items():
        if statement not in claims:
            raise BadInput(
                f"{path.name} stores no claim {statement!r}: correct LESSONS in tools/readme.py."
            )
        claim = claims[statement]
        mark = KEPT if claim.holds else BROKEN
        shown = figures(claim, statement, begin)
        rows.append(f"| {first} | {mark} {plain(statement)} | {plain(shown)} |")
        first = ""
    return rows


def plain(text: str) -> str:
    """Printed text for a cell of a Markdown table: no mark has a meaning, wide gaps stay wide."""
    return re.sub(" {2,}", "&emsp;", re.sub(r"([\\`*_|<$])", r"\\\1", text))


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


def presented(lesson: Lesson, path: Path, address: str) -> str:
    """The row of a lesson in the table of lessons."""
    title, promises, time = opening(path)
    link = f"notebooks/{path.name}"
    colab, binder = (place(address, path.stem) for place in (badges.colab, badges.binder))
    told = [
        f"**[{title}]({link})**",
        "; ".join(promises),
        f"{time} · [Colab]({colab}) · [Binder]({binder})",
    ]
    shown = image(pictures.picture(lesson.picture), THUMBNAIL_WIDTH)
    return row(f"[{shown}]({link})", "<br>".join(told), THUMBNAIL_WIDTH)


def optional(path: Path, address: str) -> str:
    """The line of an optional notebook in the list of those."""
    title, _, time = opening(path)
    lesson = f"deeper/{path.stem}"
    colab, binder = (place(address, lesson) for place in (badges.colab, badges.binder))
    link = f"notebooks/{lesson}.ipynb"
    return f"- [{title}]({link}): {time} · [Colab]({colab}) · [Binder]({binder})"


def row(left: str, right: str, width: int) -> str:
    """A row of two Markdown cells; in a table written as Markdown, the left picture would shrink.

    `width` is that of the left cell, in pixels.
    """
    cells = f'<td width="{width}">\n\n{left}\n\n</td>\n<td>\n\n{right}\n\n</td>'
    return f"<tr>\n{cells}\n</tr>"


def image(picture: pictures.Picture, width: int) -> str:
    """A picture of the course as an HTML element: Markdown has no widths."""
    alt = html.escape(picture.alt)
    return f'<img src="img/{picture.png.name}" width="{width}" alt="{alt}">'


def headline() -> str:
    """The pictures below the first lines, each with its caption."""
    shown = [f"{image(each, width)}<br>{each.caption}" for each, width in HEADLINES]
    return "\n".join(["<table>", row(*shown, HEADLINES[0][1]), "</table>"])


def ladder(run: Mapping) -> str:
    """How often the language model answers right with each search, from the stored run `rag`."""
    heads = "| | right passage first | right answers | right answers, new wordings |"
    lines = [heads, "|---|---|---|---|"]
    for name in LADDER:
        known, new = (run["wordings"][wording][name] for wording in ("known", "new"))
        first = f"{share(known['first']):.2f}" if "first" in known else "–"
        shown = (told(flags["says"], run["entities"]) for flags in (known, new))
        lines.append(f"| {name} | {first} | {' | '.join(shown)} |")
    return "\n".join(lines)


def share(flags: str) -> float:
    """The share of ones in a stored string of 0 and 1."""
    return flags.count("1") / len(flags)


def told(flags: str, groups: Sequence[str]) -> str:
    """That share with its interval, which draws whole groups."""
    return interval(evaluate.summary([int(flag) for flag in flags], groups=groups))


def search(run: Mapping) -> str:
    """How good the systems of L5 are on the test questions, from the stored run `retrieval`."""
    ranks = {name: np.array(run["test"]["ranks"][name]) for name in SYSTEMS}
    answerable = ranks[SYSTEMS[0]] > 0  # 0: nothing answers the question
    plain_style = answerable & (np.array(run["test"]["style"]) == "plain")
    lines = [
        f"| | MRR, all {answerable.sum()} | success@5 | MRR, {plain_style.sum()} plain ones |",
        "|---|---|---|---|",
    ]
    for name, of in ranks.items():
        values = (
            1 / of[answerable],
            (of[answerable] <= 5).astype(float),
            1 / of[plain_style],
        )
        lines.append(f"| {name} | {' | '.join(interval(evaluate.summary(v)) for v in values)} |")
    return "\n".join(lines)


def interval(figures: Sequence[float]) -> str:
    """Mean and 95 % interval."""
    mean, low, high = figures
    return f"{mean:.2f} [{low:.2f} to {high:.2f}]"


def sample(path: Path) -> str:
    """The call of `ask` in L5, as a terminal would show it."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.get("id") == CALL:
            (words,) = re.findall(r'"ask", (.+?)\]', cell.source)
            typed = shlex.join(ast.literal_eval(f"({words},)"))
            printed = "".join(output.get("text", "") for output in cell.get("outputs", []))
            lines = [
                line.removeprefix(GENERATED)
                for line in printed.splitlines()
                if line.startswith(GENERATED)
            ]
            called = f"$ .venv/bin/python -m course_utils ask {typed}"
            return "\n".join(["```", called, *lines, "```"])
    raise BadInput(f"{path.name} has no cell {CALL!r} that calls `ask`.")


def parts(root: Path) -> dict[str, str]:
    """Name → text of each part of README.md that this tool writes."""
    address = badges.repository(root)
    notebooks = {path.name.partition("_")[0]: path for path in root.glob("notebooks/*.ipynb")}
    if unknown := notebooks.keys() - {lesson.name for lesson in LESSONS}:
        raise BadInput(f"LESSONS in tools/readme.py lacks {', '.join(sorted(unknown))}.")
    table = ["<table>"]
    findings = ["| lesson | it claims | it prints |", "|---|---|---|"]
    for lesson in LESSONS:
        path = notebooks.get(lesson.name)
        if not path:
            raise BadInput(f"There is no notebook {lesson.name}_....ipynb in notebooks/.")
        table.append(presented(lesson, path, address))
        findings += measured(lesson, path)
    return {
        "pictures": headline(),
        "lessons": "\n".join([*table, "</table>"]),
        "optional notebooks": "\n".join(
            optional(path, address) for path in sorted(root.glob("notebooks/deeper/*.ipynb"))
        ),
        "sample": sample(notebooks[SAMPLE]),
        "claims": "\n".join(findings),
        "ladder": ladder(data.stored_run("rag")),
        "search": search(data.stored_run("retrieval")),
    }


def updated(root: Path = ROOT) -> str:
    """What README.md should say, which is what it says but for the parts between the marks."""
    text = (root / "README.md").read_text(encoding="utf-8")
    for name, part in parts(root).items():
        start, end = f"<!-- {name}, written by `make readme` -->", f"<!-- end of {name} -->"
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
