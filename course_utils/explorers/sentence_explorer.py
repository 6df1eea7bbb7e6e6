"""The explorer of L3, "sentences to vectors": its widgets, its picture and its words."""

import functools
import html

import numpy as np
from matplotlib.figure import Figure

from course_utils import models, plots
from course_utils.explorers import panel
from course_utils.explorers.panel import View
from course_utils.explorers.sentence_vectors import (
    MOST,
    POOLINGS,
    ROLE,
    STATIC,
    Comparison,
    SentencesToVectors,
    compare,
)
from course_utils.plots import lettering

READ = {"mean": "mean", "cls": "CLS", "max": "max", STATIC: STATIC}  # in the dropdown
LOW = -0.2  # where the colour scale ends; every state has the same colours
SMALL = 10.0  # the size of the sentences, in points
INDENT, APART = 16.0, 8.0  # from a number to its sentence, and from there to the cells, in points

# The picture, in inches: the heatmap below the title, the strips below the heatmap.
WIDTH, EDGE = 8.0, 0.1
TITLE = 0.5
CELL, SMALLEST, LARGEST = 0.5, 1.6, 3.6  # a cell of the heatmap, and all of it
SCALE = 0.25  # the share of the heatmap's side that its colour scale takes in addition
BESIDE = 0.7  # the labels of the colour scale
BELOW = 0.5  # the numbers of the columns


def sentences_to_vectors() -> None:
    """Show the explorer: sentences as one vector each, pooled in four ways, and their cosines."""
    _, model = models.load(ROLE)
    start = SentencesToVectors()
    poolings = [(READ[pooling], pooling) for pooling in POOLINGS]
    controls = {
        "sentences": panel.text_area("one sentence a line, then Tab", start.sentences, MOST),
        "pooling": panel.dropdown("pooling", poolings),
        "layer": panel.slider("layer", start.layer, 0, model.config.num_hidden_layers),
    }
    panel.present(
        panel.explorer(
            "sentences-to-vectors", SentencesToVectors, view_sentences_to_vectors, controls
        ),
        "Sentences to vectors: a heatmap of the cosine similarities of six sentences, for the mean "
        "of their tokens at the last layer. The two that say the same in other words are nearest. "
        "One that denies what they say follows closely, then two that share words but not their "
        "meaning; all other pairs are near zero. Below, each sentence as a strip of tokens, "
        "filled up with [PAD] to the length of the longest. All tokens but these are outlined: "
        "they are what is pooled.",
    )


@panel.answering
def view_sentences_to_vectors(state: SentencesToVectors) -> View:
    """Which sentences are near each other, and which of their tokens that comes from.

    A state that cannot be compared gives a View with a message and no picture.
    """
    return _seen(state, models.identity(ROLE))


@functools.lru_cache(maxsize=32)  # drawing is what takes time; going back to a layer is free
def _seen(state: SentencesToVectors, weights: str) -> View:
    """The view of a state under the model that `weights` names."""
    found = compare(state, weights)
    return View(plots.png(picture(found)), words(found))


def words(found: Comparison) -> str:
    """The HTML below the picture: what a vector is, and the nearest and the farthest pair."""
    if found.alike:
        said = "<b>All vectors are practically the same.</b>"
    elif len(found.sentences) == 2:
        said = f"{_pair(found, found.nearest)} {_shared(found)}"
    else:
        said = (
            f"<b>Nearest</b>: {_pair(found, found.nearest)} {_shared(found)}<br>"
            f"<b>Farthest</b>: {_pair(found, found.farthest)}"
        )
    return (
        f'<div style="max-width:{panel.WIDTH};line-height:1.5">'
        f'<div role="status">{said}</div><div style="margin-top:6px">{_how(found)}</div></div>'
    )


def _pair(found: Comparison, pair: tuple[int, int]) -> str:
    one, other = (f"“{html.escape(found.sentences[index])}”" for index in pair)
    return f"{one} and {other}, cosine {found.cosines[pair]:z.2f}."


def _shared(found: Comparison) -> str:
    """What the nearest two have in common."""
    tokens = found.common(*found.nearest)
    if not tokens:
        return "They share no token."
    return f"They share: {html.escape(', '.join(tokens))}."


def _how(found: Comparison) -> str:
    """How a sentence becomes a vector, and what may surprise."""
    if found.pooling == STATIC:
        return (
            "Each vector is the mean of the rows that the outlined tokens have in the input table. "
            "No token has looked at another, and their order does not count. The layer does not "
            "matter here: the table comes before all layers."
        )
    if found.pooling == "mean":
        return f"Each vector is the mean of the outlined tokens at layer {found.layer}."
    if found.pooling == "max":
        return (
            "Each number of a vector is the largest that an outlined token has in that place at "
            f"layer {found.layer}."
        )
    if not found.layer:
        return (
            "Each vector is that of [CLS] at layer 0, where it has looked at no other token: it is "
            "the same in every sentence. Choose layer 1 or higher."
        )
    return (
        f"Each vector is that of [CLS] at layer {found.layer}. The other tokens are in it as far "
        "as [CLS] has looked at them."
    )


def picture(found: Comparison) -> Figure:
    """The cosines as a heatmap, and below it the tokens, those that are pooled outlined."""
    numbers = [f"{number}" for number in range(1, len(found.sentences) + 1)]
    strips = {"names": numbers, "mark": _pooled(found)}
    side = min(max(CELL * len(numbers), SMALLEST), LARGEST)
    across = WIDTH - 2 * EDGE
    down = plots.strips_height(found.strips, width=across, **strips)
    bottom = EDGE + down + BELOW  # of the heatmap
    fig = plots.figure(WIDTH, height := bottom + side + TITLE)
    # Fixed places: nothing jumps while a slider moves, and drawing takes half the time.
    fig.set_layout_engine("none")
    fig.text(EDGE / WIDTH, 1 - 0.3 / height, _finding(found), fontsize=12.5, weight="bold")
    left = WIDTH - BESIDE - (1 + SCALE) * side
    heat = fig.add_axes((left / WIDTH, bottom / height, (1 + SCALE) * side / WIDTH, side / height))
    plots.charts.heatmap(heat, found.cosines, [""] * len(numbers), numbers, low=LOW)
    heat.tick_params(axis="x", labelrotation=0)
    _name_rows(heat, found.sentences, 72 * (left - EDGE) - INDENT - APART)
    below = fig.add_axes((EDGE / WIDTH, EDGE / height, across / WIDTH, down / height))
    marked = [np.flatnonzero(row) for row in found.counts]
    plots.token_strips(below, found.strips, marked=marked, **strips)
    return fig


def _finding(found: Comparison) -> str:
    """The title: which sentences are nearest, and how much they have in common."""
    value = f"cosine {found.cosines[found.nearest]:z.2f}"
    if found.alike:
        return f"All vectors are practically the same: {value}"
    shared = len(found.common(*found.nearest)) or "no"
    common = f"{shared} token{'' if shared == 1 else 's'} in common"
    if len(found.sentences) == 2:
        return f"Two sentences with {common}: {value}"
    one, other = (index + 1 for index in found.nearest)
    return f"Sentences {one} and {other} are nearest: {value}, {common}"


def _pooled(found: Comparison) -> str:
    """What the outline means, in the key of the strips."""
    where = "" if found.pooling == STATIC else f", layer {found.layer}"
    return f"pooled: {READ[found.pooling]}{where}"


def _name_rows(ax, sentences: tuple[str, ...], room: float) -> None:
    """Write each sentence beside its row, numbered, in at most two lines of `room` points."""
    excerpts = [lettering.excerpt(sentence, (0, 0), room, SMALL) for sentence in sentences]
    lines = (line for excerpt in excerpts for line in excerpt.split("\n"))
    widest = max(lettering.width(line, SMALL) for line in lines)  # all begin at one left edge
    for row, excerpt in enumerate(excerpts):
        for text, left in ((f"{row + 1}", INDENT + widest), (excerpt, widest)):
            place = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points"}
            ax.annotate(text, (0, row), (-left - APART, 0), va="center", fontsize=SMALL, **place)
