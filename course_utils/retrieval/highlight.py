"""The words of a question, found again in a text and marked. Used by the tables and tools of L5.

Words are the same where their stems are (`bm25.tokens`): "splitting" is found for "split", and
`train_test_split` holds three words. Words that say nothing about the subject are never marked.
"""

import functools
import html
import os
import sys
import unicodedata

from course_utils.bm25 import CAPITAL, WORD, tokens

# Words of questions, not of subjects. Left out of this list on purpose: what names things in code,
# such as "all", "any", "not", "or", "and", "where", "with".
_EMPTY = """
    a an the this that these those it its they them he she i me my we us our you your one ones
    is are was were be been being am do does did done doing have has had having can could may might
    must shall should will would how what which who whom whose why there here so too very just
    of to into in on at by as from about than then but please want wants need needs tell show way
    ways something anything thing things somehow possible python use using used make let get
"""
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def content(question: str) -> set[str]:
    """The stems of the question's words that say what it is about; may be empty."""
    return set(tokens(question)) - _empty()


def matches(question: str, text: str) -> list[tuple[int, int]]:
    """Where the text has a word of the question: `(start, end)` characters, in order, apart."""
    wanted = content(question)
    return [(start, end) for start, end, stem in stems(text) if stem in wanted] if wanted else []


def stems(text: str) -> list[tuple[int, int, str]]:
    """The `bm25.tokens` of a text, each with the `(start, end)` characters that it was made of."""
    found = []
    for word in WORD.finditer(text):
        cuts = [cut.start() for cut in CAPITAL.finditer(word[0])]
        for start, end in zip([0, *cuts], [*cuts, len(word[0])], strict=True):
            for stem in tokens(word[0][start:end].lower())[:1]:
                found.append((word.start() + start, word.start() + end, stem))
    return found


def marked_html(question: str, text: str) -> str:
    """The text as HTML, with the question's words in `<mark>`; everything in it is escaped."""
    return "".join(
        f"<mark>{html.escape(piece)}</mark>" if marked else html.escape(piece)
        for piece, marked in _pieces(question, text)
    )


def marked_terminal(question: str, text: str, bold: bool | None = None) -> str:
    """The text in one line for a terminal, with the question's words in bold.

    Without `bold`: where standard output is a terminal that has it (see no-color.org). Control
    characters of the text, with which it could steer the terminal, become blanks.
    """
    bold = takes_bold() if bold is None else bold
    text = "".join(" " if unicodedata.category(sign) in ("Cc", "Cf") else sign for sign in text)
    return "".join(
        f"{_BOLD}{piece}{_PLAIN}" if marked and bold else piece
        for piece, marked in _pieces(question, text)
    )


def takes_bold() -> bool:
    """Whether standard output is a terminal that shows bold letters."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def _pieces(question: str, text: str) -> list[tuple[str, bool]]:
    """The text cut at its matches: each piece, and whether it is one."""
    found, at = [], 0
    for start, end in matches(question, text):
        found += [(text[at:start], False), (text[start:end], True)]
        at = end
    return [*found, (text[at:], False)]


@functools.cache
def _empty() -> set[str]:
    return set(tokens(_EMPTY))
