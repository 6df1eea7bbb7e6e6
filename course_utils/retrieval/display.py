"""What a search found, as a table for people: HTML in a notebook, plain text elsewhere. Used by L5.

Everything that comes from documents or questions is escaped.
"""

import html
import textwrap
from collections.abc import Sequence

from course_utils.plots.style import PALETTE
from course_utils.retrieval.highlight import marked_html, matches
from course_utils.retrieval.store import Hit

WIDTH = 240  # characters of a passage that are shown
_LINE = 88  # characters of a line of the plain form
_CELL = "text-align:left;vertical-align:top;padding:4px 14px 4px 0"


def passages_table(question: str, hits: Sequence[Hit], width: int = WIDTH) -> None:
    """Show the hits of a question in a notebook, in their order, with its words marked.

    The output holds both forms: `as_html` and `as_text`.
    """
    from IPython.display import display

    bundle = {
        "text/html": as_html(question, hits, width),
        "text/plain": as_text(question, hits, width),
    }
    display(bundle, raw=True)


def as_html(question: str, hits: Sequence[Hit], width: int = WIDTH) -> str:
    """The hits as an HTML table: rank, score, name, section, and an excerpt of the passage."""
    heads = "".join(
        f'<th style="{_CELL}">{head}</th>' for head in ("", "score", "name and passage")
    )
    rows = "".join(_row(rank, question, hit, width) for rank, hit in enumerate(hits, start=1))
    rows = rows or f'<tr><td style="{_CELL}" colspan="3">Nothing was found.</td></tr>'
    asked = f'<caption style="text-align:left">{html.escape(question)}</caption>'
    return f"<table>{asked}<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def as_text(question: str, hits: Sequence[Hit], width: int = WIDTH) -> str:
    """The same in plain text, with the question's words in [brackets]."""
    lines = [question]
    for rank, hit in enumerate(hits, start=1):
        where = f" · {hit.section}" if hit.section else ""
        lines.append(f"{rank:2}  {hit.score:.2f}  {hit.name}{where}")
        passage = _bracketed(question, excerpt(question, hit.text, width))
        lines += textwrap.wrap(passage, _LINE, initial_indent=" " * 10, subsequent_indent=" " * 10)
    return "\n".join(lines if hits else [question, "Nothing was found."])


def excerpt(question: str, text: str, width: int = WIDTH) -> str:
    """Whole words of a text, at most about `width` characters: where most of the question is.

    Among equally good places the first counts. "…" stands where something is left out.
    """
    text = " ".join(text.split())
    if len(text) <= width:
        return text
    found = matches(question, text)
    starts = [0, *(start for start, _ in found)]

    def held(start: int) -> int:
        return sum(start <= first and last <= start + width for first, last in found)

    start = max(starts, key=held)  # of equals the first, and 0 before all
    end = min(start + width, len(text))
    start = max(0, min(start, end - width))
    while 0 < start and text[start - 1] != " ":
        start -= 1
    while end < len(text) and end > start + 1 and text[end] != " ":
        end -= 1
    before, after = "… " if start else "", " …" if end < len(text) else ""
    return f"{before}{text[start:end].strip()}{after}"


def _row(rank: int, question: str, hit: Hit, width: int) -> str:
    grey = f"color:{PALETTE['grey']}"
    section = f' <span style="{grey}">· {html.escape(hit.section)}</span>' if hit.section else ""
    passage = marked_html(question, excerpt(question, hit.text, width))
    return (
        f'<tr><td style="{_CELL};{grey}">{rank}</td><td style="{_CELL}">{hit.score:.2f}</td>'
        f'<td style="{_CELL}"><b><code>{html.escape(hit.name)}</code></b>{section}<br>{passage}'
        "</td></tr>"
    )


def _bracketed(question: str, text: str) -> str:
    """The text with each of the question's words in [brackets]."""
    pieces, at = [], 0
    for start, end in matches(question, text):
        pieces += [text[at:start], f"[{text[start:end]}]"]
        at = end
    return "".join([*pieces, text[at:]])
