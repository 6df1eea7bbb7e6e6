"""`python -m course_utils ask QUESTION`: the entry of the documentation that answers it.

The pipeline of `retrieval.search`, on an index that is kept on disk, in a second: neither torch nor
scikit-learn is imported to answer a question.
"""

import argparse
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from course_utils.errors import BadInput, CourseError
from course_utils.retrieval import kept, packages, pipeline
from course_utils.retrieval.highlight import content, marked_terminal, stems
from course_utils.retrieval.kept import Kept
from course_utils.retrieval.packages import Documented

FOUND, NOTHING_FITS, BAD = 0, 1, 2  # the exit status
SHOWN = 5
NEAREST = 3  # entries that are shown where none fits
_NARROWEST, _WIDEST = 40, 110  # columns
_INDENT = " " * 4
_SENTENCE = 240  # characters of a sentence that is short enough to be shown


@dataclass(frozen=True)
class Answer:
    """An entry that was found, as it is shown.

    `share`: its score as a part of the first one's, 0 to 1. `parts`: what each system says of it.
    `sentence`: one of its docstring that has more of the question's words than the summary has, or
    "". `also`: other names in its package that say the same of themselves.
    """

    rank: int
    name: str
    signature: str
    summary: str
    deprecated: bool
    share: float
    parts: Mapping[str, float]
    sentence: str = ""
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """What a question found. `asked` is how it was searched for; `fits` whether to believe it."""

    question: str
    asked: str
    fits: bool
    found: list[Answer]
    searched: list[str]  # packages beside the course's own


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("question", nargs="*", help="what you look for, in your own words")
    parser.add_argument(
        "-k", type=int, default=SHOWN, metavar="N", help=f"how many entries to show ({SHOWN})"
    )
    parser.add_argument(
        "--packages",
        metavar="NAME,NAME",
        help="search these installed packages, too, now and from now on; they are imported once, "
        "in a process of its own. `none` forgets them",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--rebuild", action="store_true", help="make the index again")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Answer on standard output; say on standard error what takes long or is wrong."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that lacks a letter shows "?"
            stream.reconfigure(errors="replace")
    try:
        question = " ".join(options.question)
        if question or not (options.packages is not None or options.rebuild):
            pipeline.cleaned(question)  # before a minute of work
        if options.k < 1:
            raise BadInput(f"-k {options.k} is the number of entries to show: 1 or more.")
        added = _added(options.packages)
        parts = [kept.course(options.rebuild, _say)]
        before = kept.added()
        for name in list(added):
            try:
                parts.append(kept.package(name, options.rebuild, _say))
            except packages.PackageError as error:
                if name not in before:
                    raise
                added.remove(name)  # it could be searched once, and may be again
                _say(str(error))
        if options.packages is not None:
            kept.remember(added)
        index = Kept(parts)
        if not question:
            _say(f"The index is ready: {len(index)} entries of {_places(added, 'and')}.")
            return FOUND
        answers = answer(index, question, options.k, added)
    except CourseError as error:
        _say(str(error))
        return BAD
    except KeyboardInterrupt:
        _say("Stopped. What was embedded so far is kept.")
        return 130
    text = as_json(answers) if options.json else as_text(answers, options.k)
    try:
        print(text, flush=True)
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FOUND if answers.fits else NOTHING_FITS


def answer(
    index: Kept, question: str, k: int = SHOWN, searched: Sequence[str] = (), rule=None
) -> Answers:
    """The `k` best entries. `rule` is a `rag.abstention.Rule`; without it, the course's.

    Raises BadInput where there is nothing to search for.
    """
    from course_utils.rag import abstention
    from course_utils.retrieval import light

    asked = index.vocabulary.corrected(pipeline.cleaned(question))
    scored = pipeline.scored(index, question, pipeline.HYBRID, vector=light.encode(asked))
    best = float(scored.total.max())
    found: dict[tuple[str, ...], Answer] = {}
    for row in np.argsort(-scored.total, kind="stable"):
        each = index.documented[row]
        same = each.entry.package, each.entry.name.rpartition(".")[2].lower(), each.entry.summary
        if same in found:  # one place in the list is enough for them
            before = found[same]
            found[same] = replace(before, also=(*before.also, each.entry.name))
        elif len(found) < k:
            share = max(float(scored.total[row]), 0.0) / best if best > 0 else 0.0
            parts = {name: float(part[row]) for name, part in scored.parts.items()}
            found[same] = _answer(len(found) + 1, each, share, parts, asked)
        else:
            break
    answers = list(found.values())
    fits = abstention.enough(answers, rule)
    return Answers(question, scored.asked, fits, answers, list(searched))


def as_text(answers: Answers, k: int = SHOWN, width: int | None = None) -> str:
    """The answer for a terminal: two lines or more an entry, at most `width` columns wide."""
    width = width or shutil.get_terminal_size((_WIDEST, 24)).columns
    width = min(max(width, _NARROWEST), _WIDEST)
    lines = []
    if answers.asked.lower() != pipeline.cleaned(answers.question).lower():
        lines += _wrapped(f"Searched for: {answers.asked}", width, "")
    found = answers.found
    if not answers.fits:
        said = (
            f"I find nothing that fits in {_places(answers.searched)}. Nearest, and perhaps of no "
            "help:"
        )
        lines += _wrapped(said, width, "")
        found = found[: min(k, NEAREST)]
    for each in found:
        lines += _entry(each, answers, width)
    return "\n".join(lines)


def as_json(answers: Answers) -> str:
    """The same as JSON: what was asked, whether the answer fits, and the entries."""
    return json.dumps(
        {
            "question": answers.question,
            "asked": answers.asked,
            "fits": answers.fits,
            "packages": answers.searched,
            "results": [
                {
                    "rank": each.rank,
                    "name": each.name,
                    "signature": each.signature,
                    "summary": each.summary,
                    "deprecated": each.deprecated,
                    "sentence": each.sentence,
                    "also": list(each.also),
                    "share": round(each.share, 4),
                    "scores": {name: round(value, 4) for name, value in each.parts.items()},
                }
                for each in answers.found
            ],
        },
        ensure_ascii=False,
        indent=2,
    )


def _answer(
    rank: int, each: Documented, share: float, parts: Mapping[str, float], asked: str
) -> Answer:
    entry = each.entry
    sentence = best_sentence(asked, entry.name, entry.summary, entry.text)
    return Answer(
        rank, entry.name, each.signature, entry.summary, each.deprecated, share, parts, sentence
    )


def best_sentence(question: str, name: str, summary: str, text: str) -> str:
    """The line of a text with the most of a question's words that are not said yet, or "".

    A line is a sentence. Name and summary are shown in any case, so only words that both lack
    count. Of equals the first.
    """
    missing = content(question) - {stem for *_, stem in stems(f"{name} {summary}")}
    sentences = [each for each in text.split("\n") if len(each) <= _SENTENCE]

    def held(sentence: str) -> int:
        return len(missing & {stem for *_, stem in stems(sentence)})

    best = max(sentences, key=held, default="")
    return best if held(best) else ""


def _entry(each: Answer, answers: Answers, width: int) -> list[str]:
    """Rank, name and share; how to call it; what it does."""
    head = f"{each.rank:2}. {each.name}{' (deprecated)' if each.deprecated else ''}"
    # A share of the best says nothing where the best does not fit.
    share = f"{each.share:.0%}" if answers.fits else ""
    lines = [f"{head}{share.rjust(max(width - len(head), len(share) + 2))}".rstrip()]
    if each.signature:
        called = _wrapped(f"{each.name.rpartition('.')[2]}{each.signature}", width - 2, _INDENT)
        lines += called[:2]
        if len(called) > 2:
            lines[-1] += " …"
    lines += _wrapped(each.summary, width, _INDENT)
    if each.sentence:
        lines += _wrapped(f"“{each.sentence}”", width, _INDENT)
    if each.also:
        lines += _wrapped(f"Also: {', '.join(each.also)}", width, _INDENT)
    return [marked_terminal(answers.asked, line) for line in lines]


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return textwrap.wrap(
        text,
        width,
        initial_indent=indent,
        subsequent_indent=indent + "  " * bool(indent),
        break_on_hyphens=False,
    ) or [indent]


def _added(wanted: str | None) -> list[str]:
    """The modules to search beside the course's: what is remembered, and what is wanted now."""
    if wanted is not None and wanted.strip().lower() in ("", "none"):
        return []
    before = kept.added()
    found = []
    for name in before:
        try:
            found.append(packages.module_of(name))
        except packages.PackageError:
            _say(f"{name} is not installed any more, so it is not searched.")
    for name in (wanted or "").split(","):
        if name.strip():
            module = packages.module_of(name)
            if kept.is_course(module):
                _say(f"{module} is in the index already.")
            elif module not in found:
                found.append(module)
    return found


def _places(added: Sequence[str], joined: str = "nor") -> str:
    own = "the documentation of Python, numpy, scipy, scikit-learn, matplotlib and torch"
    return own if not added else f"{own}, {joined} of {', '.join(added)}"


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
