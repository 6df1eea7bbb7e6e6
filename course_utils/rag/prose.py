"""The sentences of a docstring: what a person would quote from it. Used by the answerer of L5.

Signatures, parameter lists, examples, references and formulas are not prose, and are left out.
"""

import re

from course_utils.data import docstrings

# Sections that list things, and those that speak of other functions.
_LISTS = (
    r"(?i:(?:other |keyword )?param(?:eter)?s?|(?:keyword )?arg(?:ument)?s?|kwargs|returns?|"
    r"yields?|receives|raises|warns|attributes|properties|methods|members|examples?|usage|see also|"
    r"references?|shapes?|inputs?|outputs?|variables|signature|derived from)"
)
_HEADING = re.compile(rf"\s*{_LISTS}\s*:{{0,2}}\s*")
_LABEL = re.compile(rf"\s*{_LISTS}\s*:{{1,2}}\s*")
_UNDERLINE = re.compile(r"\s*([=\-~^*#])\1{2,}\s*")
_PROMPT = re.compile(r"\s*(?:>>>|\.\.\.(?:\s|$)|In \[\d+\]:)")
_WORD = re.compile(r"[A-Za-z][a-z']+")
_STOP = re.compile(r"[.!?][)\"'”’]*$")
_ELSEWHERE = re.compile(
    r"(?:Read more in|See|Please (?:see|refer)|Refer to|"
    r"For (?:further|more) (?:details|information)|.*\bUser Guide)\b"
)
LONGEST = 400  # characters: what is longer is a table or a list


def sentences(text: str, most: int | None = None) -> list[str]:
    """The sentences of a docstring, each once, in its order and without markup.

    The first is its summary, whatever it looks like. `most` keeps the first so many.
    """
    summary = docstrings.summary(text)
    found = {summary: True} if summary else {}
    rest = "\n".join(_without_lists(text.expandtabs().split("\n")))
    while rest and (most is None or len(found) < most):
        sentence, left = docstrings.split(rest)
        if len(left) >= len(rest):  # nothing that it can read
            break
        rest = left
        if _is_prose(sentence):
            found[sentence] = True
    return list(found)[:most]


def _without_lists(lines: list[str]) -> list[str]:
    """The lines outside sections that list things, examples and indented code."""
    kept: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        below = lines[at + 1] if at + 1 < len(lines) else ""
        if line.strip() and _UNDERLINE.fullmatch(below):
            at += 2
            if _HEADING.fullmatch(line):
                at = _next_heading(lines, at)
            else:
                kept.append("")
        elif _PROMPT.match(line):
            while at < len(lines) and lines[at].strip():  # with what the example prints
                at += 1
        elif _LABEL.fullmatch(line) or (line.rstrip().endswith("::") and _indented(lines, at)):
            if not _LABEL.fullmatch(line):
                kept.append(line.rstrip()[:-1])
            kept.append("")
            at = _after_block(lines, at)
        else:
            kept.append(line)
            at += 1
    return kept


def _next_heading(lines: list[str], at: int) -> int:
    """The next line that has a rule below it, or the end."""
    for end in range(at, len(lines) - 1):
        if lines[end].strip() and _UNDERLINE.fullmatch(lines[end + 1]):
            return end
    return len(lines)


def _after_block(lines: list[str], at: int) -> int:
    """The first line after this one that is not indented under it."""
    indent = _indent(lines[at])
    at += 1
    while at < len(lines) and (not lines[at].strip() or _indent(lines[at]) > indent):
        at += 1
    return at


def _indented(lines: list[str], at: int) -> bool:
    """Whether the next line with words stands under this one."""
    under = next((line for line in lines[at + 1 :] if line.strip()), "")
    return _indent(under) > _indent(lines[at])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_prose(sentence: str) -> bool:
    """Whether it reads as a sentence: words rather than signs, neither a scrap nor a table.

    What leads to a formula, or elsewhere, says nothing.
    """
    words = _WORD.findall(sentence)
    return (
        len(words) >= 4
        and len(sentence) <= LONGEST
        and len("".join(words)) >= 0.6 * len(sentence.replace(" ", ""))
        and bool(_STOP.search(sentence))
        and not _ELSEWHERE.match(sentence)
    )
