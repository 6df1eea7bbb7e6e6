"""What the search desk says below its map: the answer, five lists, and what was found, as HTML.

Every text that is not written here is escaped: the question is a learner's, and the documents are
anybody's.
"""

import html
import re

import numpy as np

from course_utils import plots
from course_utils.explorers import panel
from course_utils.explorers.search_results import COLUMNS, RERANKED, Findings
from course_utils.rag import prose
from course_utils.retrieval import highlight
from course_utils.retrieval.pipeline import BM25

LONGEST = 160  # characters of a question that are repeated
QUOTED = 3  # sentences of each entry
# How many of the five lists an entry stands in: the more, the darker. Ink on them can be read.
TINTS = {2: "#eaf2fa", 3: "#d5e5f4", 4: "#bcd7ed", 5: "#9fc8e6"}
MARK = "#ffe08a"
SMALL, MONO = "font-size:12px;line-height:1.35", "font-family:monospace;overflow-wrap:anywhere"
_CITED = re.compile(r"\[(\d+)\]")


def words(found: Findings) -> str:
    """The HTML below the map."""
    return (
        f'<div style="max-width:{panel.WIDTH};line-height:1.5">'
        f"{_asked(found)}{_answer(found)}{_lists(found)}{_passages(found)}</div>"
    )


def _asked(found: Findings) -> str:
    """The question as it was searched for, where that is not what was typed."""
    if found.asked == found.state.question.strip():
        return ""
    asked = found.asked if len(found.asked) <= LONGEST else f"{found.asked[:LONGEST]}…"
    return f"<div>Searched for: “{html.escape(asked)}”</div>"


def _answer(found: Findings) -> str:
    """The answer, and below it the entries that it cites."""
    answer = found.answer
    text = _CITED.sub(r"<b>[\1]</b>", html.escape(answer.text))
    named = {each.number: each.name for each in answer.citations}
    if answer.abstained:
        below = f"No answer, since {html.escape(answer.reason)}."
    else:
        cited = (f"<b>[{n}]</b> {_name(found, name)}" for n, name in named.items())
        below = f'<span style="{MONO}">{" &nbsp; ".join(cited)}</span>'
    return (
        f'<div role="status" style="border-left:4px solid {plots.PALETTE["blue"]};'
        f'padding:2px 10px;margin:6px 0 10px"><b>Answer.</b> {text}'
        f'<div style="{SMALL}">{below}</div></div>'
    )


def _lists(found: Findings) -> str:
    """The five lists side by side; in a narrow window, one below another."""
    columns = "".join(_list(found, system) for system in COLUMNS)
    shades = "".join(
        f'<span style="background:{tint};color:{plots.PALETTE["ink"]};padding:0 6px">{count}</span>'
        for count, tint in TINTS.items()
    )
    return (
        f'<div style="display:flex;flex-wrap:wrap;gap:8px">{columns}</div>'
        f'<div style="{SMALL};margin:6px 0">Shade: in how many of the lists an entry stands '
        f"{shades}. Number: its place in “{html.escape(found.state.shown)}”, and its badge on the "
        "map. The star, and an entry that is not on the map, stand at the mean place of the three "
        "nearest that are. Bar: its score, from that of the entry at the depth (no bar) to that of "
        "the first. Scores of one list can be compared, not those of two.</div>"
    )


def _list(found: Findings, system: str) -> str:
    rows = "".join(_row(found, system, row) for row in found.first(system))
    # Shortened, or the heading of this list alone would take two lines.
    by = html.escape(found.state.reader.removeprefix("hybrid "))
    made = f" ({by})" if system == RERANKED else ""
    return (
        '<div style="flex:1 1 150px;min-width:150px">'
        f'<div style="font-weight:bold;border-bottom:2px solid {plots.PALETTE["grey"]}">'
        f'{html.escape(system)}<span style="font-weight:normal;font-size:11px">{made}</span></div>'
        f"{rows}</div>"
    )


def _row(found: Findings, system: str, row: int) -> str:
    """An entry of a list: its badge, its name with matching words marked, its score and a bar."""
    entry, score = found.index.entries[row], found.rankings[system].scores[row]
    tint = TINTS.get(found.lists_with(row))
    shade = f"background:{tint};color:{plots.PALETTE['ink']};" if tint else ""
    number = "–" if np.isnan(score) else f"{score:z.1f}" if system == BM25 else f"{score:z.2f}"
    width = round(100 * found.share(system, row))
    bar = f'<div style="height:3px;width:{width}%;background:{plots.PALETTE["blue"]}"></div>'
    return (
        f'<div title="{html.escape(entry.summary)}" style="{shade}padding:2px 4px;margin:2px 0">'
        f'<div style="display:flex;gap:4px;{SMALL}">{_badge(found, row)}'
        f'<span style="flex:1;font-size:11px;{MONO}">{_name(found, entry.name)}</span>'
        f'<span style="font-size:11px">{number}</span></div>{bar}</div>'
    )


def _badge(found: Findings, row: int) -> str:
    """The number that an entry of the shown list has on the whole page; a blank for another."""
    number = found.numbers.get(row)
    edge = f"border:1px solid {plots.PALETTE['ink']};border-radius:8px;" if number else ""
    return (
        f'<span style="{edge}flex:none;width:16px;height:16px;box-sizing:border-box;'
        f'text-align:center;font-size:10px;line-height:14px">{number or ""}</span>'
    )


def _passages(found: Findings) -> str:
    """The entries of the shown list, with what they say and the words of the question marked."""
    rows = "".join(_passage(found, row) for row in found.first(found.state.shown))
    return f"<b>{html.escape(found.state.shown)}: what these entries say</b>{rows}"


def _passage(found: Findings, row: int) -> str:
    entry = found.index.entries[row]
    sentences = prose.sentences(entry.text, QUOTED) or [entry.summary]
    said = _marked(found, " ".join(sentence[: prose.LONGEST] for sentence in sentences))
    return (
        f'<div style="display:flex;gap:6px;margin:4px 0;{SMALL}">{_badge(found, row)}'
        f'<span style="flex:1;overflow-wrap:anywhere"><b style="{MONO}">'
        f"{_name(found, entry.name)}</b> · {html.escape(entry.kind)}<br>{said}</span></div>"
    )


def _name(found: Findings, name: str) -> str:
    """A dotted name with matching words marked, which may go on in the next line after a dot."""
    return re.sub(r"[._](?![^<]*>)", r"\g<0><wbr>", _marked(found, name))


def _marked(found: Findings, text: str) -> str:
    """The text, escaped, with the words of the question marked in a colour that can be read."""
    mark = f'<mark style="background:{MARK};color:{plots.PALETTE["ink"]}">'
    return highlight.marked_html(found.asked, text).replace("<mark>", mark)
