"""The explorer of L5, "the search desk": a question, what each system finds, and where it lies."""

import html
import re
import textwrap
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np

from course_utils import plots, projection
from course_utils.bm25 import CAPITAL, WORD, tokens
from course_utils.data import Entry
from course_utils.explorers import map_explorer, panel
from course_utils.plots import figures
from course_utils.projection import Honesty
from course_utils.retrieval import pipeline
from course_utils.retrieval.index import Index, documentation_index
from course_utils.retrieval.pipeline import BM25, ENCODER, HYBRID, RERANKED, WORDS

QUESTION = "how do I split data into train and test"
MOST = pipeline.DEPTH  # entries in a list; the cross-encoder reads no more
MAPPED = 1000  # entries that UMAP lays out; the others stand among them
NEAREST = 3  # of those say where another one stands
SUMMARY = 110  # characters of an entry's summary
MARK = f"background:#ffe08a;color:{plots.PALETTE['ink']}"
SMALL = "font-size:12px;line-height:1.35"
HELP = "Ringed: what was found. Point at a dot to read its name; drag to move, wheel to zoom."
# Words of a question that say nothing about its subject; BM25 counts them, too.
EMPTY = frozenset(
    tokens(
        "a an the this that these it is are was be been do does did i me my we you can could should"
        " would will how what which who why there to of in into on at by as from for with and or"
    )
)


@dataclass(frozen=True)
class Found:
    """What stands in each system's list, best first: rows of the index, and their scores as shares.

    A share goes from 0, the score of the tenth entry, to 1, that of the first. `asked` is the
    question as it was searched for.
    """

    asked: str
    lists: dict[str, list[tuple[int, float]]]

    @property
    def rows(self) -> list[int]:
        """All rows that stand in a list, each once."""
        return sorted({row for found in self.lists.values() for row, _ in found})


def search_desk(index: Index | None = None) -> None:
    """Show the explorer, over the course's documentation or another index.

    The first map of an index takes UMAP a quarter of a minute; it is kept.
    """
    box, picture = explorer(documentation_index() if index is None else index)
    alt = (
        "The search desk: a map of the documentation, one dot an entry, one colour and marker a "
        "package. Most packages lie apart. Rings show where the entries lie that BM25, the encoder "
        "and their hybrid find for a question."
    )
    plots.show_widget(box, f"[explorer] {alt}", picture, alt)


def explorer(index: Index) -> tuple[widgets.VBox, bytes]:
    """The widget of `search_desk`, and a picture of what it shows at first."""
    controls = {
        "question": panel.text_field("question", QUESTION),
        "k": panel.slider("entries a list", 5, 1, MOST, "225px"),
        "share": panel.fine_slider("share of BM25 in the hybrid", WORDS, 0, 1, 0.05, "310px"),
        "again": panel.dropdown(
            "cross-encoder reads ten again", [("no", False), ("yes", True)], "265px"
        ),
    }
    for name in ("k", "share"):  # each place on the way would be searched for
        controls[name].continuous_update = False
    points, honesty = mapped(index.vectors)
    try:
        drawn = _scatter(index, points)
    except ImportError:
        drawn = widgets.Image(format="png")
    words, note = widgets.HTML(), f"{len(points):,} entries by UMAP · {honesty}"

    def look(**values) -> None:
        found = find(index, **values)
        words.value = told(index, found)
        if isinstance(drawn, widgets.Image):
            drawn.value = plots.png(picture(index, found, points, note))
        else:
            drawn.selection = np.array(found.rows, dtype="uint32")

    rows, message = panel.follow(controls, look)
    below = widgets.HTML(f'<div style="{SMALL}">{HELP} {note}</div>')
    box = panel.boxed("search-desk", rows, message, words, drawn, below)
    return box, plots.png(picture(index, find(index), points, note))


def find(
    index: Index, question: str = QUESTION, k: int = 5, share: float = WORDS, again: bool = False
) -> Found:
    """The first `k` of each system; with `again`, the cross-encoder reads the hybrid's ten again.

    `share` is that of BM25 in the hybrid. An entry without a word of the question is not in BM25's
    list. Raises BadInput for a question in which there is nothing to search for.
    """
    asked = index.vocabulary.corrected(pipeline.cleaned(question))
    scores = pipeline.scores(index, asked)
    scores[HYBRID] = pipeline.hybrid(scores[BM25], scores[ENCODER], share)
    if again:
        scores[RERANKED] = pipeline.reranked(index, asked, scores[HYBRID], MOST)
    lists = {}
    for system, given in scores.items():
        order = np.argsort(-given, kind="stable")[:MOST]
        shares = (given[order] - given[order[-1]]) / max(np.ptp(given[order]), 1e-9)
        rows = order[:k] if system != BM25 else [row for row in order[:k] if given[row] > 0]
        lists[system] = list(zip(map(int, rows), shares.tolist(), strict=False))
    return Found(asked, lists)


def told(index: Index, found: Found) -> str:
    """HTML: the finding and the lists. Texts are escaped: the documents are anybody's."""
    columns = ""
    for system, entries in found.lists.items():
        rows = "".join(_row(index.entries[row], share, found.asked) for row, share in entries)
        columns += (
            '<div style="flex:1 1 190px;min-width:190px"><div style="font-weight:bold;'
            f'border-bottom:2px solid {plots.PALETTE["grey"]}">{html.escape(system)}</div>'
            f"{rows or 'No entry has a word of the question.'}</div>"
        )
    return (
        f'<div role="status" style="line-height:1.5"><b>{html.escape(finding(index, found))}</b>'
        f"<br>Searched for: “{html.escape(found.asked)}”</div>"
        f'<div style="display:flex;flex-wrap:wrap;gap:12px">{columns}</div>'
        f'<div style="{SMALL}">Bar and figure: the score, from that of the list’s tenth entry (0) '
        "to that of its first (1). Marked: words of the question.</div>"
    )


def finding(index: Index, found: Found) -> str:
    """What is first in the last list, and in how many lists."""
    *_, last = found.lists.values()
    firsts = [rows[0][0] for rows in found.lists.values() if rows]
    name, count = index.entries[last[0][0]].name, firsts.count(last[0][0])
    return f"{name} is first in {count} of {len(found.lists)} lists"


def _row(entry: Entry, share: float, asked: str) -> str:
    """An entry of a list: its name and its score, as a bar too, and what it does."""
    # A dotted name may go on in the next line after a dot.
    name = re.sub(r"[._](?![^<]*>)", r"\g<0><wbr>", marked(entry.name, asked))
    summary = marked(textwrap.shorten(entry.summary, SUMMARY, placeholder="…"), asked)
    bar = f"height:3px;width:{share:.0%};background:{plots.PALETTE['blue']}"
    return (
        f'<div style="{SMALL};margin:5px 0;overflow-wrap:anywhere">'
        f'<div style="display:flex;gap:4px"><b style="flex:1;font-family:monospace">{name}</b>'
        f'{share:.2f}</div><div style="{bar}"></div>{summary}</div>'
    )


def marked(text: str, question: str) -> str:
    """The text as HTML, escaped, with the words of the question marked, in any of their forms."""
    stems, found = set(tokens(question)) - EMPTY, ""
    for word in CAPITAL.split(text):  # "DataLoader" holds two words
        for piece in re.split(f"({WORD.pattern})", word):
            safe = html.escape(piece)
            found += f'<mark style="{MARK}">{safe}</mark>' if stems & {*tokens(piece)} else safe
    return found


def mapped(vectors: np.ndarray) -> tuple[np.ndarray, Honesty]:
    """A map of unit vectors `[n, d]`: points float32 `[n, 2]`, and how honest it is.

    UMAP lays out every so-many-th vector. Another one stands at the mean place of the three nearest
    of these: cheap, and less exact. The honesty is that of as many vectors, drawn at random.
    """
    n = len(vectors)
    rows = np.unique(np.linspace(0, n - 1, MAPPED).round().astype(int))
    laid_out = projection.umap_map(vectors[rows])
    nearest = np.argpartition(-vectors @ vectors[rows].T, NEAREST, axis=1)[:, :NEAREST]
    points = laid_out[nearest].mean(axis=1)
    points[rows] = laid_out
    some = np.random.default_rng(0).permutation(n)[:MAPPED]
    return points, projection.honesty(vectors[some], points[some])


def _scatter(index: Index, points: np.ndarray):
    """The map as a widget of jupyter-scatter; its `selection` stands out. Else ImportError."""
    packages = [entry.package for entry in index.entries]
    colours = {name: plots.colour(place) for place, name in enumerate(dict.fromkeys(packages))}
    told = {"name": index.names, "package": packages}
    scatter = map_explorer.scatter_of(points, told, colours)
    scatter.size(default=4)
    scatter.opacity(unselected=0.3)
    scatter.options(regl_scatterplot_options={"pointSizeSelected": 3, "pointOutlineWidth": 3})
    scatter.widget.toolbar_buttons = ["pan_zoom", "full_screen", "reset"]
    return scatter.widget


def picture(index: Index, found: Found, points: np.ndarray, note: str):
    """The map where no widget is: the figure, with a ring around each entry that was found."""
    packages = [entry.package for entry in index.entries]
    title = finding(index, found)
    fig = figures.draw_map(points, packages, note=f"rings: what was found · {note}")
    plots.entitle(fig, title)
    (ax,) = fig.axes
    for dots in ax.collections:
        dots.set(sizes=[5], linewidths=0, alpha=0.5)
    rings = {"s": 90, "facecolors": "none", "edgecolors": plots.PALETTE["ink"], "linewidths": 1.5}
    ax.scatter(*points[found.rows].T, **rings)
    return fig
