"""The explorer of L2, "word in context": the vectors of one word in two sentences."""

import html
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from course_utils import embed, models, plots, similarity
from course_utils.errors import BadInput
from course_utils.explorers import panel, typed
from course_utils.explorers.panel import View
from course_utils.plots import lettering

ROLE = "contextual encoder"
LONGEST, LONGEST_WORD = 240, 40  # characters: a strip has to be read
MOVED = 0.05  # a cosine that changes by less is called the same


@dataclass(frozen=True)
class WordInContext:
    """Two sentences, a word of both, a layer (0 enters the first), a head (from 1; 0: the mean)."""

    first: str = "At dusk a bat flew out of the cave to hunt insects."
    second: str = "He swung the bat and hit the ball over the fence."
    word: str = "bat"
    layer: int = 6
    head: int = 0


@dataclass(frozen=True)
class Context:
    """One sentence, and what its word looks at: a weight a token, `[CLS]` and `[SEP]` set apart.

    `times`: how often the word stands in it; the first place counts. Its pieces are one token here,
    number `place`. All weights are 0 at layer 0.
    """

    times: int
    tokens: list[str]
    place: int
    weights: np.ndarray
    edges: float


@dataclass(frozen=True)
class Comparison:
    """What the explorer shows of a state.

    `path`: the cosine of the word's two vectors at each layer, `[layers + 1]`. `others`: the mean
    cosine of two different tokens, one from each sentence; it says how alike any two vectors are
    there, and is NaN where both sentences are the same lone token.
    """

    state: WordInContext
    word: str
    path: np.ndarray
    others: np.ndarray
    contexts: list[Context]


def word_in_context() -> None:
    """Show the explorer: the vectors of one word in two sentences, layer by layer."""
    config, start = models.load(ROLE)[1].config, WordInContext()
    heads = [(f"{head}", head) for head in range(1, config.num_attention_heads + 1)]
    controls = {
        "first": panel.text_field("first sentence", start.first),
        "second": panel.text_field("second sentence", start.second),
        "word": panel.text_field("word", start.word, "200px"),
        "layer": panel.slider("layer", start.layer, 0, config.num_hidden_layers),
        "head": panel.dropdown("head", [("all heads (mean)", 0), *heads]),
    }
    panel.present(
        panel.explorer("word-in-context", WordInContext, view, controls),
        "Word in context: the word “bat” in a sentence about a cave and in one about baseball. A "
        "line shows the cosine similarity of its two vectors: almost one at layer 0, lower at the "
        "last layer, and far above that of two different tokens throughout. Below, where a kernel "
        "runs, the tokens of both sentences, shaded by how much the word looks at them.",
    )


def view(state: WordInContext) -> View:
    """How alike a word's two vectors are at each layer, and what the word looks at in one of them.

    Raises BadInput, in words that say what to type, for a state that cannot be compared.
    """
    found = compare(state)
    return View(plots.png(picture(found)), words(found))


def compare(state: WordInContext) -> Comparison:
    """Run the model over both sentences. A word of several pieces is their mean."""
    word, *texts = map(typed.spaced, (state.word, state.first, state.second))
    typed.check("word", word, LONGEST_WORD)
    for name, text in zip(("first sentence", "second sentence"), texts, strict=True):
        typed.check(name, text, LONGEST)
        if not embed.occurrences(text, word):
            raise BadInput(f"The {name} does not hold the word “{word}”: type one that both hold.")
    both = [embed.hidden_states(text, ROLE, attention=True) for text in texts]
    at = [embed.word_positions(*each, word) for each in zip(both, texts, strict=True)]
    states = [each.states[0].numpy() for each in both]  # [layers + 1, tokens, d] each
    one, two = (each[:, places].mean(axis=1) for each, places in zip(states, at, strict=True))
    path = np.diag(similarity.cosine_matrix(one, two))
    tokens = [np.array(each.tokens[0][1:-1]) for each in both]
    different = tokens[0][:, None] != tokens[1]
    others = [
        similarity.cosine_matrix(a[1:-1], b[1:-1])[different].mean() if different.any() else np.nan
        for a, b in zip(*states, strict=True)
    ]
    contexts = [_context(*each, word, state) for each in zip(both, texts, at, strict=True)]
    return Comparison(state, word, path, np.array(others), contexts)


def _context(read: embed.States, text: str, at: list[int], word: str, state) -> Context:
    """What the word looks at in the layer and head of the state: the mean over its pieces' rows."""
    row = np.zeros(len(read.tokens[0]))
    if state.layer:
        heads = read.attention[0, state.layer - 1, :, at].mean(1).numpy()  # [heads, tokens]
        row = heads[state.head - 1] if state.head else heads.mean(axis=0)
    start, end = at[0], at[-1] + 1
    whole = text[read.spans[0][start][0] : read.spans[0][end - 1][1]]
    tokens = [*read.tokens[0][1:start], whole, *read.tokens[0][end:-1]]
    weights = np.array([*row[1:start], row[start:end].sum(), *row[end:-1]])
    times = len(embed.occurrences(text, word))
    return Context(times, tokens, start - 1, weights, row[0] + row[-1])


def words(found: Comparison) -> str:
    """The HTML below the picture: the finding, what may surprise, and a strip a sentence."""
    name, layer, head = f"“{html.escape(found.word)}”", found.state.layer, found.state.head
    said = (
        f"<b>At layer {layer} the two {name} vectors have a cosine similarity of "
        f"{found.path[layer]:.2f}.</b>"
    )
    if not np.isnan(found.others[layer]):
        said += f" Two different tokens, one from each, have {found.others[layer]:.2f} on average."
    for order, context in zip(("first", "second"), found.contexts, strict=True):
        if context.times > 1:
            said += f" The {order} sentence holds {name} {context.times} times: the first counts."
    where = f"layer {layer}, " + (f"head {head}" if head else "mean of all heads")
    looked = f"What {name} (outlined) looks at, {where}; darker is more:"
    if not layer:
        looked = "At layer 0 no token has looked at another yet: choose a higher layer."
    for context in found.contexts:
        looked += plots.tokens_strip(context.tokens, context.weights, context.place)
        if layer:
            looked += f"{100 * context.edges:.0f} % of its attention rests on [CLS] and [SEP].<br>"
    return (
        f'<div style="max-width:{panel.WIDTH};line-height:1.5">'
        f'<div role="status">{said}</div><div style="margin-top:6px">{looked}</div></div>'
    )


def picture(found: Comparison) -> Figure:
    """The path of the cosine through the layers."""
    path, layer = found.path, found.state.layer
    word = lettering.shorten(found.word, 80, 12)
    fig = plots.figure(8.0, 3.6)
    fig.suptitle(_finding(path, layer, word), x=0.01, ha="left", fontsize=12.5, weight="bold")
    ax = plots.axes(fig)
    ax.plot(path, marker="o", label=f"“{word}” in the two sentences")
    ax.plot(found.others, marker="s", color=plots.colour(1), label="two different tokens (mean)")
    ax.axhline(1, color=plots.PALETTE["grey"], linestyle="--", label="static vectors: always 1")
    ax.axvline(layer, color=plots.PALETTE["pale"], linewidth=9, zorder=0)
    ax.plot(layer, path[layer], "o", color="black", markersize=13, markerfacecolor="none")
    ax.set(xlabel="layer", ylabel="cosine similarity", xticks=range(len(path)))
    ax.set_ylim(np.nanmin([0, *path, *found.others]) - 0.05, 1.06)
    ax.legend(loc="lower left", bbox_to_anchor=(1, 0))
    return fig


def _finding(path: np.ndarray, layer: int, word: str) -> str:
    """The title: what context has done to the two vectors up to this layer."""
    before, now = path[0], path[layer]
    if not layer:
        return f"At layer 0 only their places differ: cosine {before:.2f}"
    does, where = ("pulls", "apart") if now < before else ("draws", "together")
    if abs(now - before) < MOVED:
        does, where = "leaves", "together"
    return f"Context {does} the two “{word}” vectors {where}: cosine {before:.2f} → {now:.2f}"
