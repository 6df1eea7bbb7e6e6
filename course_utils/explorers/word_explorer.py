"""The explorer of L2, "word in context": its widgets, its picture and its words."""

import functools
import html

import numpy as np
from matplotlib.figure import Figure

from course_utils import models, plots
from course_utils.explorers import panel
from course_utils.explorers.panel import View
from course_utils.explorers.word_pair import ROLE, Comparison, Context, WordInContext, compare
from course_utils.plots import lettering
from course_utils.plots.style import DASHED

BARS = 6  # tokens that the picture names for each sentence; the strips show all
MOVED = 0.05  # a cosine that changes by less is called the same
SMALL = 9.5  # the size of the sentences and of the bars' names, in points
EDGE = -0.4  # where the sentences begin, left of the bars, in widths of their axes


def word_in_context() -> None:
    """Show the explorer: the vectors of one word in two sentences, layer by layer."""
    _, model = models.load(ROLE)
    start, heads = WordInContext(), range(1, model.config.num_attention_heads + 1)
    which = [("all heads (mean)", 0), *((f"{head}", head) for head in heads)]
    controls = {
        "first": panel.text_field("first sentence", start.first),
        "second": panel.text_field("second sentence", start.second),
        "word": panel.text_field("word", start.word, "200px"),
        "layer": panel.slider("layer", start.layer, 0, model.config.num_hidden_layers),
        "head": panel.dropdown("head", which),
    }
    panel.present(
        panel.explorer("word-in-context", WordInContext, view_word_in_context, controls),
        "Word in context: the word “bat” in a sentence about a cave and in one about baseball. A "
        "line shows the cosine similarity of its two vectors: almost one at layer 0, lower at the "
        "last layer, and far above that of two different tokens throughout. Bars show the tokens "
        "that the word looks at most.",
    )


def view_word_in_context(state: WordInContext) -> View:
    """How alike a word's two vectors are at each layer, and what the word looks at in one of them.

    Raises BadInput for a state that cannot be compared.
    """
    return _seen(state, models.identity(ROLE))


@functools.lru_cache(maxsize=32)  # drawing is what takes time; going back to a layer is free
def _seen(state: WordInContext, weights: str) -> View:
    """The view of a state under the model that `weights` names."""
    found = compare(state, weights)
    return View(plots.png(picture(found)), words(found))


def words(found: Comparison) -> str:
    """The HTML below the picture: the finding, what may surprise, and a strip a sentence."""
    name, layer = f"“{html.escape(found.word)}”", found.layer
    said = (
        f"<b>At layer {layer} the two {name} vectors have a cosine similarity of "
        f"{found.path[layer]:.2f}</b>: {_in_words(found.path[layer])}."
    )
    if not np.isnan(found.others[layer]):
        said += (
            f" Two different tokens, one from each sentence, have {found.others[layer]:.2f} there "
            "on average."
        )
    for order, context in zip(("first", "second"), found.contexts, strict=True):
        if (times := len(context.found)) > 1:
            said += f" The {order} sentence holds {name} {times} times: the first one counts."
    if not layer:
        looked = (
            "Layer 0 has no attention: it is what enters the model, and no token has looked at "
            "another yet. Choose layer 1 or higher."
        )
    else:
        looked = f"What {name} (outlined) looks at, {found.where}; darker is more:"
    strips = ""
    for context in found.contexts:
        weights = context.weights or [0.0] * len(context.tokens)
        strips += plots.tokens_strip(context.tokens, weights, context.place)
        if layer:
            strips += (
                f'<div style="font-size:90%;margin-bottom:6px">{100 * context.edges:.0f} % of its '
                "attention rests on [CLS] and [SEP], the marks at both ends; "
                f"{100 * (1 - context.edges):.0f} % is on the tokens above.</div>"
            )
    return (
        f'<div style="max-width:{panel.WIDTH};line-height:1.5">'
        f'<div role="status">{said}</div><div style="margin-top:6px">{looked}</div>{strips}</div>'
    )


def _in_words(cosine: float) -> str:
    if cosine >= 0.995:
        return "practically the same vector"
    if cosine >= 0.9:
        return "very much alike"
    if cosine >= 0.6:
        return "alike, and clearly not the same"
    return "more different than alike" if cosine >= 0.3 else "hardly alike"


def picture(found: Comparison) -> Figure:
    """The path through the layers, and beside it the tokens that the word looks at most."""
    fig = plots.figure(8.0, 4.8)
    # Fixed places: nothing jumps while a slider moves, and drawing takes half the time.
    fig.set_layout_engine("none")
    left = fig.add_axes((0.075, 0.11, 0.445, 0.665))
    right = [fig.add_axes((0.665, bottom, 0.315, 0.305)) for bottom in (0.54, 0.11)]
    fig.text(0.012, 0.952, _finding(found), fontsize=12.5, weight="bold")
    _draw_path(left, found)
    most = max(max(context.weights, default=0) for context in found.contexts)
    for ax, context in zip(right, found.contexts, strict=True):
        sentence = lettering.excerpt(context.text, context.found[0], 250, SMALL)
        ax.set_title(sentence, fontsize=SMALL, weight="normal", pad=5, x=EDGE)
        _draw_attention(ax, context, most)
    if found.layer:
        right[0].tick_params(labelbottom=False)
        right[1].set_xlabel(f"attention (%), {found.where}", fontsize=10, loc="right")
    return fig


def _finding(found: Comparison) -> str:
    """The title: what context has done to the two vectors up to this layer."""
    before, now = found.path[0], found.path[found.layer]
    word = lettering.shorten(found.word, 110, 12.5, "bold")
    if not found.layer:
        return f"At layer 0 only their places differ: cosine {before:.2f}"
    if abs(now - before) < MOVED:
        said = f"The two “{word}” vectors stay together"
    elif now < before:
        said = f"Context pulls the two “{word}” vectors apart"
    else:
        said = f"Context draws the two “{word}” vectors together"
    return f"{said}: cosine {before:.2f} → {now:.2f}"


def _draw_path(ax, found: Comparison) -> None:
    path, others, layer = found.path, found.others, found.layer
    ax.plot(
        path, marker="o", label=f"“{lettering.shorten(found.word, 95, SMALL)}” in the two sentences"
    )
    if not np.isnan(others).any():
        ax.plot(others, marker="s", color=plots.colour(1), label="two different tokens (mean)")
    ax.axhline(1, label="static vectors: always 1", **DASHED)
    ax.set(xlabel="layer", ylabel="cosine similarity")
    ax.axvline(layer, color=plots.PALETTE["pale"], linewidth=9, zorder=0)
    ring = {"markerfacecolor": "none", "markeredgewidth": 2, "color": plots.PALETTE["ink"]}
    ax.plot(layer, path[layer], "o", markersize=13, **ring)
    above = 0 < path[layer] - others[layer] < 0.2  # the other line is where the number would be
    place = {"xytext": (0, 12 if above else -22), "textcoords": "offset points", "ha": "center"}
    ax.annotate(f"{path[layer]:.2f}", (layer, path[layer]), weight="bold", **place)
    ax.set_xlim(-0.5, len(path) - 0.5)
    ax.set_xticks(range(len(path)))
    ax.set_ylim(min(0.0, path.min() - 0.15, np.nanmin(others, initial=0.0) - 0.05), 1.06)
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.985), fontsize=SMALL, labelspacing=0.3)


def _draw_attention(ax, context: Context, most: float) -> None:
    grey = plots.PALETTE["grey"]
    if not context.weights:
        ax.set_axis_off()
        said = "Layer 0: no token has looked\nat another yet."
        ax.text(EDGE, 0.9, said, va="top", color=grey, transform=ax.transAxes)
        return
    best = np.argsort(context.weights)[::-1][:BARS]
    values = [100 * context.weights[index] for index in best]
    colours = [grey if index == context.place else plots.PALETTE["blue"] for index in best]
    ax.barh(range(len(best)), values, color=colours, height=0.7)
    for row, value in enumerate(values):
        ax.text(value, row, f" {value:.0f}", va="center", fontsize=9)
    ax.text(0, BARS, f" {100 * context.edges:.0f}, not drawn", va="center", fontsize=9, color=grey)
    names = [lettering.shorten(context.tokens[index], 68, SMALL) for index in best]
    ax.set_yticks([*range(len(best)), BARS], [*names, "[CLS], [SEP]"], fontsize=SMALL)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(BARS + 0.6, -0.6)
    ax.set_xlim(0, 115 * most)
