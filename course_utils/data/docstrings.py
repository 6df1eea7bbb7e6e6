"""What a docstring says in one line, its first sentence as plain text, and what follows it.

Left out are the signatures that C functions repeat above the text, notes and headings before it,
and the markup of reStructuredText.
"""

import re

_CALL = re.compile(r"(?:async )?(?:\w+(?:, ?\w+)* = )?[A-Za-z_][\w.]*\(")
_RETURNS = re.compile(r"\s*[-=]+>")
_ARROW = re.compile(r"\s*(?:[-=]+>|--|→|:)\s*")
_DASH = re.compile(r"\s+-\s+(?=[A-Za-z]{2})")  # "partial(func, *args) - new function with ..."
_FILLER = re.compile(r"\s*(?:-+|\[?or\]?|\|.*|\(.*\)|\w+ = [\w |]+|)\s*")
_DIRECTIVE = re.compile(r"\.\. ?[\w\[|]|:\w+[^:`]*:(?!`)")
_UNDERLINE = re.compile(r"([=\-~^*#\"'])\1{2,}\s*")
_SECTION = re.compile(
    r"(?i:Parameters?|Args|Arguments|Keyword arguments|Returns?|Raises|Attributes|Members|"
    r"Examples?|Notes?|See also|Usage)\s*:{0,2}\s*"
)
_CODE = re.compile(r"\s*(?:>>> |(?:class|def|for|with) .*:$)")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d+[.)])\s+")
_BULLET = re.compile(rf"^{_ITEM.pattern}")
# Sections and directives without prose of their own, or with that of others: "See also" repeats the
# first sentence of other docstrings.
_LEFT_OUT = re.compile(r"(?i:See also|References|Examples?)\s*:{0,2}\s*")
_NO_PROSE = re.compile(
    r"\.\. ?(?:_|\||\[|(?:version\w+|deprecated|seealso|math|plot|code\S*|image|figure|testcode|"
    r"testsetup|doctest|rubric|index|include|list-table|table|productionlist)::)"
)
_RULE = re.compile(r"[\W_]+")  # of a table
_MARKER = re.compile(r"\.\. ?[\w-]+::\s*")
_PROSE = re.compile(r"[A-Za-z]+\.?,? [^:]*\w[^:]*")  # after an arrow: "new empty dictionary"

_ROLE = r"(?:(?::[\w-]+)+:)?"
_MARKUP = [
    (re.compile(r"``(.+?)``"), r"\1"),
    (re.compile(r"``(.+?)''"), r'"\1"'),
    (re.compile(rf"{_ROLE}`([^`<]*[^`<\s])\s*<[^`]*>`_{{0,2}}"), r"\1"),  # :ref:`a title <target>`
    (re.compile(rf"{_ROLE}`~[\w.]*?([^`.]*)`"), r"\1"),  # :class:`~torch.nn.Linear`
    (re.compile(rf"{_ROLE}`[!.]?([^`]*)`(?:__?(?!\w))?"), r"\1"),  # :func:`name`, `.Axes.plot`
    (re.compile(r"\*\*(\S(?:[^*]*\S)?)\*\*"), r"\1"),
    (re.compile(r"(?<![\w*])\*(\w(?:[^*]*\w)?)\*(?![\w*])"), r"\1"),
    (re.compile(r"\s*\[[\w.*#]+\]_(?!\w)"), ""),  # a reference to the bibliography
    (re.compile(r"\\(?:$| |(?=[*_`|]))"), ""),
]
_MATH = re.compile(r":math:`([^`]*)`")
_LATEX = [
    (re.compile(r"\\(?:text|math\w+|operatorname)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r"(\1) / (\2)"),
    (re.compile(r"\\(?:leq?)\b"), "≤"),
    (re.compile(r"\\(?:geq?)\b"), "≥"),
    (re.compile(r"\\(?:neq?)\b"), "≠"),
    (re.compile(r"\\times\b"), "×"),
    (re.compile(r"\\(?:left|right)\b|\\[,;! ]"), ""),
    (re.compile(r"\\([A-Za-z]+)"), r"\1"),
]
_STOP = re.compile(r"(\S*?)[.!?][)\"'”]*\s+(?=[\w\"'(\[`:*])")
_ABBREVIATION = re.compile(
    r"(?i:.*\b(?:e\.?g|i\.?e|etc|vs|cf|al|resp|approx|figs?|eqs?|no|refs?|w\.r\.t|incl|a\.k\.a|sec|"
    r"et|dr|st))|\.*"
)


def summary(text: str) -> str:
    """The first sentence of a docstring in one line of plain text; empty where it has none."""
    return split(text)[0]


def split(text: str) -> tuple[str, str]:
    """The summary, and the lines that follow it as they stand in the docstring."""
    lines = text.strip().split("\n")
    returned, title, at = "", "", 0
    while at < len(lines):
        if _FILLER.fullmatch(lines[at]):
            at += 1
        elif signature := _signature(lines, at):
            at, said = signature
            if not returned and _PROSE.fullmatch(said):
                returned = said
        elif _DIRECTIVE.match(lines[at]):
            at = _after_block(lines, at)
        elif _SECTION.fullmatch(lines[at]) or (_CODE.match(lines[at]) and returned):
            break
        elif _CODE.match(lines[at]):
            at = _after_block(lines, at)
        elif at + 1 < len(lines) and _UNDERLINE.fullmatch(lines[at + 1]):
            at += 2  # a heading
        else:
            at, paragraph = _paragraph(lines, at)
            if " " in paragraph.strip():
                sentence = _first_sentence(paragraph)
                rest = [paragraph[len(sentence) :], *lines[at:]]
                return _plain(sentence), "\n".join(rest).strip("\n")
            title = title or paragraph  # one word alone says less than what follows it
    return _plain(title or _first_sentence(returned)), "\n".join(lines[at:]).strip("\n")


def body(text: str) -> str:
    """What a docstring says after its summary, in one line of plain text.

    Headings of sections stay as words ("Parameters:"); examples, references, formulas and what is
    said of other functions are left out.
    """
    lines = split(text)[1].split("\n")
    paragraphs: list[list[str]] = [[]]
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        heading = at + 1 < len(lines) and line and _UNDERLINE.fullmatch(lines[at + 1].strip())
        if heading and _LEFT_OUT.fullmatch(line):
            at = _after_section(lines, at)
            continue
        if heading:
            paragraphs += [[f"{line}:"], []]
            at += 2
        elif _NO_PROSE.match(line) or _LEFT_OUT.fullmatch(line):
            at = _after_block(lines, at)
        elif line.startswith(">>>"):
            at = next((end for end in range(at, len(lines)) if not lines[end].strip()), len(lines))
        else:
            if not line:
                paragraphs.append([])
            elif not _RULE.fullmatch(line):
                paragraphs[-1].append(_MARKER.sub("", line))
            at += 1
    return " ".join(filter(None, (_without_markup(" ".join(lines)) for lines in paragraphs)))


def _after_section(lines: list[str], at: int) -> int:
    """The next underlined heading after the one that stands here, or the end."""
    for end in range(at + 2, len(lines) - 1):
        if lines[end].strip() and _UNDERLINE.fullmatch(lines[end + 1].strip()):
            return end
    return len(lines)


def _signature(lines: list[str], at: int) -> tuple[int, str] | None:
    """The line after a signature such as `stack(tensors) -> Tensor`, and what its arrow says."""
    if not _CALL.match(lines[at]):
        return None
    end, text = at + 1, lines[at]
    while end < len(lines) and lines[end].strip():
        continued = lines[end].startswith(" ") and not text.endswith(")")  # what the arrow says
        still_open = sum(map(text.count, "([{")) > sum(map(text.count, ")]}"))
        if not (still_open or continued or _RETURNS.match(lines[end])):
            break
        text += " " + lines[end].strip()
        end += 1
    close = _closing(text)
    if close is None:
        return None
    rest = text[close + 1 :]
    if dash := _DASH.match(rest):
        lines[end - 1] = rest[dash.end() :]  # the text begins on the same line
        return end - 1, ""
    if rest.strip() and not _ARROW.match(rest):
        return None  # a sentence that begins with a call: "sum(x) is ..."
    return end, _ARROW.sub("", rest, count=1)


def _closing(text: str) -> int | None:
    """Where the first bracket of the text is closed."""
    depth = 0
    for place, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if sign in ")]}" and depth == 0:
            return place
    return None


def _after_block(lines: list[str], at: int) -> int:
    """The first line after a directive and what is indented under it."""
    indent = _indent(lines[at])
    at += 1
    while at < len(lines) and (not lines[at].strip() or _indent(lines[at]) > indent):
        at += 1
    return at


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _paragraph(lines: list[str], at: int) -> tuple[int, str]:
    """The line after the paragraph that begins here, and the paragraph in one line."""
    end = at + 1
    while end < len(lines) and lines[end].strip():
        if lines[end - 1].endswith(":") and lines[end].startswith(" "):
            break
        if any(begin.match(lines[end]) for begin in (_ITEM, _CODE, _DIRECTIVE)):
            break
        if _SECTION.fullmatch(lines[end]):
            break
        end += 1
    return end, " ".join(" ".join(lines[at:end]).split())


def _first_sentence(paragraph: str) -> str:
    for stop in _STOP.finditer(paragraph):
        if not _ABBREVIATION.fullmatch(stop[1]):
            return paragraph[: stop.end()]
    return paragraph


def _plain(sentence: str) -> str:
    """A sentence without markup, a bullet before it or a colon after it."""
    return _without_markup(_BULLET.sub("", sentence)).rstrip(":").rstrip()


def _without_markup(sentence: str) -> str:
    """A sentence or a paragraph as one line of plain text."""
    if not any(sign in sentence for sign in "`*[\\"):
        return " ".join(sentence.split())
    sentence = _MATH.sub(lambda math: _spoken(math[1]), sentence)
    sentence = re.sub(r"`\\s\b", "`s", sentence)  # `Line2D`\s, a plural
    for pattern, replacement in _MARKUP:
        sentence = pattern.sub(replacement, sentence)
    return " ".join(sentence.split())


def _spoken(math: str) -> str:
    """LaTeX as it might be typed: `\\alpha \\leq 1` as "alpha ≤ 1"."""
    for pattern, replacement in _LATEX:
        math = pattern.sub(replacement, math)
    return math
