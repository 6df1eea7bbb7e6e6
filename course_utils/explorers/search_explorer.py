"""The explorer of L5, "the search desk": its widgets and its picture."""

import functools
from functools import partial

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from course_utils import plots
from course_utils.explorers import panel, search_map
from course_utils.explorers.panel import View
from course_utils.explorers.search_map import Map
from course_utils.explorers.search_results import (
    COLUMNS,
    DEEPEST,
    MOST,
    READERS,
    RERANKED,
    SHALLOWEST,
    Desk,
    Findings,
    SearchDesk,
)
from course_utils.explorers.search_words import words
from course_utils.plots import lettering
from course_utils.retrieval.index import Index
from course_utils.retrieval.pipeline import DUAL, SINGLE

TINY = 8.5  # the size of texts, in points
HEADINGS = {SINGLE: "single", DUAL: "dual", RERANKED: "re-\nranked"}
NAMED = 6  # packages that are told apart by name; more would not fit
FAR = 999  # ranks above this are not told apart

# The picture, in inches: the title above, the map on the left, the ranks on the right.
WIDTH, HEIGHT, EDGE = 8.0, 4.5, 0.1
MAP = (EDGE, 0.42, 3.25, 3.05)  # left, bottom, width, height
RANKS = (3.5, EDGE, 4.4, 3.75)
BADGE, NAMES, COLUMN = 0.3, 1.85, 0.45  # the widths of a badge, of the names, of a column of ranks
HEAD = 0.45  # the height of the headings
APART = 15.0  # between two badges on the map, in points
CIRCLE = {"boxstyle": "circle,pad=0.18", "facecolor": "white", "linewidth": 1}


def search_desk(index: Index | None = None) -> None:
    """Show the explorer: one question, five ways to search, the answer, and where it all lies.

    Without an `index`, it searches the course's documentation. The first map of an index takes
    UMAP about a quarter of a minute; it is kept.
    """
    desk, start = Desk(index), SearchDesk()
    controls = {
        "question": panel.text_field("question", start.question),
        "k": panel.slider("k, entries a list", start.k, 1, MOST, "270px"),
        "words": panel.fine_slider("fusion: weight of BM25", start.words, 0, 1, 0.05, "310px"),
        "depth": panel.slider("depth of reranking", start.depth, SHALLOWEST, DEEPEST, "256px"),
        "reader": panel.dropdown("reranked by", [(name, name) for name in READERS], "284px"),
        "shown": panel.dropdown(
            "numbered and quoted", [(name, name) for name in COLUMNS], "276px", start.shown
        ),
    }
    for name in ("words", "depth"):  # each place on the way would be searched for
        controls[name].continuous_update = False
    view = partial(view_search_desk, desk=desk)
    panel.present(
        panel.explorer("search-desk", SearchDesk, view, controls),
        "The search desk: on the left, a map of the documentation as small points, one colour and "
        "marker a package. A star shows where the question lies, and numbered badges show the "
        "entries that were found first. On the right, these entries with the rank that each of "
        "five systems gives them: BM25, the single encoder, the dual encoder, the hybrid of these "
        "three, and the reranked list. The five agree on some entries and differ on others.",
    )


def view_search_desk(state: SearchDesk, desk: Desk) -> View:
    """What five systems find, the answer, and a map with the question on it.

    A state that cannot be searched for gives a View with a message and no picture.
    """
    return panel.answered(_seen, state, desk)


@functools.lru_cache(maxsize=32)  # drawing takes longer than all but the rerankers
def _seen(state: SearchDesk, desk: Desk) -> View:
    found = desk.find(state)
    return View(plots.png(picture(found, search_map.mapped(found.index.answers))), words(found))


def picture(found: Findings, on: Map) -> Figure:
    """The map with the question and what was found, beside the ranks that all systems give it."""
    fig = plots.figure(WIDTH, HEIGHT)
    fig.set_layout_engine("none")  # fixed places: nothing jumps while a slider moves
    room = 72 * (WIDTH - 4 * EDGE)  # on the screen, letters are a little wider than in print
    title = lettering.shorten(_finding(found), room, 12.5, "bold")
    fig.text(EDGE / WIDTH, 1 - 0.28 / HEIGHT, title, fontsize=12.5, weight="bold")
    asked = lettering.shorten(f"“{found.asked}”", room, 9.5)
    grey = {"fontsize": 9.5, "color": plots.PALETTE["grey"]}
    fig.text(EDGE / WIDTH, 1 - 0.5 / HEIGHT, asked, **grey)
    _draw_map(_axes(fig, MAP), found, on)
    _draw_ranks(_axes(fig, RANKS), found)
    return fig


def _axes(fig: Figure, place: tuple[float, float, float, float]):
    left, bottom, width, height = place
    return fig.add_axes((left / WIDTH, bottom / HEIGHT, width / WIDTH, height / HEIGHT))


def _finding(found: Findings) -> str:
    """The title: what is first in the shown list, and in how many lists."""
    row, lists = found.best()
    name = found.index.entries[row].name
    return f"{name} is first in {lists} of {len(COLUMNS)} lists"


def _draw_map(ax, found: Findings, on: Map) -> None:
    packages = [found.index.entries[row].package for row in on.rows]
    names = list(dict.fromkeys(packages))
    looks = [plots.MARKERS[number % len(plots.MARKERS)] for number in range(len(names))]
    for number, (name, marker) in enumerate(zip(names, looks, strict=True)):
        points = on.points[[package == name for package in packages]]
        small = {"s": 7, "alpha": 0.4, "linewidths": 0}
        ax.scatter(*points.T, color=plots.colour(number), marker=marker, **small)
    ax.margins(0.06)
    ax.autoscale_view()
    ax.set_autoscale_on(False)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(True)
    ax.spines[:].set_color(plots.PALETTE["pale"])
    key = list(zip(names, looks, map(plots.colour, range(NAMED)), strict=False))
    handles = [Line2D([], [], **_star(), markersize=9, linestyle="none", label="question")]
    for name, marker, colour in key if len(names) <= NAMED else []:
        look = {"marker": marker, "color": colour, "linestyle": "none"}
        handles.append(Line2D([], [], **look, label=lettering.shorten(name, 55, 8)))
    above = {"loc": "lower left", "bbox_to_anchor": (-0.03, 0.985), "ncols": 4, "fontsize": 8}
    ax.legend(handles=handles, handletextpad=-0.2, columnspacing=0.6, labelspacing=0.2, **above)
    below = {"va": "top", "fontsize": 8, "color": plots.PALETTE["grey"]}
    ax.text(0, -0.02, _note(on), transform=ax.transAxes, **below)
    _light_up(ax, found, on)


def _star() -> dict[str, object]:
    """How a `Line2D` marks the question."""
    ink = {"markeredgecolor": plots.PALETTE["ink"], "markeredgewidth": 0.8}
    return {"marker": "*", "color": plots.PALETTE["amber"], **ink}


def _note(on: Map) -> str:
    """Below the map: what is on it, and how honest it is."""
    shown = f"{len(on.rows):,} of {on.total:,} entries by {on.method}"
    if on.honesty is None:
        return shown
    return (
        f"{shown} · trustworthiness {on.honesty.trustworthiness:.2f}\n"
        f"keeps {on.honesty.kept:.0%} of the {on.honesty.k} nearest neighbours"
    )


def _light_up(ax, found: Findings, on: Map) -> None:
    """The question as a star, and the entries of the shown list as numbered badges."""
    star = on.place(found.cosines)
    at = np.array([on.place_of(row, found.index.answers) for row in found.numbers])
    ax.scatter(*at.T, s=16, color=plots.PALETTE["ink"], zorder=4)
    ax.plot(*star, **_star(), markersize=16, zorder=5)
    # From data to points of the figure, in which badges have one size.
    size, low = 72 * np.array(MAP[2:]), np.array([ax.get_xlim()[0], ax.get_ylim()[0]])
    scale = size / (np.array([ax.get_xlim()[1], ax.get_ylim()[1]]) - low)
    anchors, middle = (at - low) * scale, (star - low) * scale
    places = search_map.spread(anchors, APART, tuple(size), middle[None])
    for number, (anchor, place) in enumerate(zip(at, places, strict=True), start=1):
        middle = low + place / scale
        ax.plot(*np.stack([anchor, middle], axis=1), color=plots.PALETTE["ink"], linewidth=0.8)
        look = {"ha": "center", "va": "center", "fontsize": TINY, "zorder": 6}
        ax.text(*middle, f"{number}", **look, bbox=CIRCLE)


def _draw_ranks(ax, found: Findings) -> None:
    """A row an entry of the shown list, a column a system: the rank that it gives the entry."""
    _, _, width, height = RANKS
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.set_axis_off()
    starts = BADGE + NAMES + COLUMN * (0.5 + np.arange(len(COLUMNS)))
    for start, system in zip(starts, COLUMNS, strict=True):
        weight = "bold" if system == found.state.shown else "normal"
        heading = HEADINGS.get(system, system)
        look = {"ha": "center", "va": "bottom", "fontsize": 8, "weight": weight}
        ax.text(start, HEAD - 0.06, heading, **look)
    between = starts[[COLUMNS.index(SINGLE), COLUMNS.index(DUAL)]].mean()
    ax.text(between, HEAD - 0.2, "encoder", ha="center", va="bottom", fontsize=8)
    step = min((height - HEAD) / len(found.numbers), 0.33)
    for row, number in found.numbers.items():
        middle = HEAD + step * (number - 0.5)
        ax.text(
            0.12,
            middle,
            f"{number}",
            ha="center",
            va="center",
            fontsize=TINY,
            bbox=CIRCLE,
        )
        name = _short(found.index.entries[row].name, 72 * (NAMES - 0.1))
        ax.text(BADGE, middle, name, va="center", fontsize=TINY)
        for start, system in zip(starts, COLUMNS, strict=True):
            rank = found.rankings[system].ranks[row]
            _cell(ax, start, middle, step, rank, found.state.k)


def _cell(ax, middle: float, at: float, height: float, rank: int, k: int) -> None:
    """A rank; shaded where it is among the first k, the better the darker."""
    if rank <= k:
        shade = 0.55 - 0.4 * (rank - 1) / max(k - 1, 1)
        ax.add_patch(_box(middle, at, height, shade))
    ink = plots.PALETTE["ink" if rank <= k else "grey"]
    text = f"{rank}" if rank <= FAR else f">{FAR}"
    ax.text(middle, at, text, ha="center", va="center", fontsize=TINY, color=ink)


def _box(middle: float, at: float, height: float, shade: float):
    colour = colormaps[plots.SEQUENTIAL](shade)
    corner = (middle - COLUMN / 2 + 0.02, at - height / 2 + 0.015)
    return Rectangle(corner, COLUMN - 0.04, height - 0.03, color=colour, linewidth=0)


def _short(name: str, room: float) -> str:
    """A dotted name in `room` points: where it is too wide, its middle is left out."""
    name = lettering.drawable(name)
    if lettering.width(name, TINY) <= room:
        return name
    package, *parts = name.split(".")
    for start in range(1, len(parts)):
        shorter = f"{package}{lettering.CUT}{'.'.join(parts[start:])}"
        if lettering.width(shorter, TINY) <= room:
            return shorter
    return lettering.shorten(f"{package}{lettering.CUT}{parts[-1]}" if parts else name, room, TINY)
