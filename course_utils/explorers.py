"""Explorers: small panels of sliders and text fields beside a picture that follows them.

An explorer is two things. Its *view* is a pure function, state in, picture and words out, which a
test can call. `explorer` wires a view to widgets and knows nothing about its subject. Only parts of
ipywidgets that version 7.7 has are used.
"""

import base64
import functools
import html
import re
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ipywidgets as widgets
import numpy as np
from IPython.display import display
from matplotlib import rc_context
from matplotlib.font_manager import findfont, get_font

from course_utils import embed, models, plots, similarity
from course_utils.errors import BadInput, CourseError

# ------------------------------------------------------------------------- for every explorer

WIDTH = "880px"  # of a picture of 8 inches; less where the window is narrower


@dataclass(frozen=True)
class View:
    """What an explorer shows: a picture, HTML below it, and a message.

    `png` is None where the state gives no picture; the last one then stays, and `message` says what
    to type. The view escapes what it puts into `html`; `message` is plain text.
    """

    png: bytes | None = None
    html: str = ""
    message: str = ""


def answering(view: Callable[..., View]) -> Callable[..., View]:
    """A view that turns every CourseError into a View with the error's words as its message."""

    @functools.wraps(view)
    def answer(state) -> View:
        try:
            return view(state)
        except CourseError as error:
            return View(message=str(error))

    return answer


def explorer(
    name: str,
    state: Callable[..., object],
    view: Callable[..., View],
    controls: Mapping[str, widgets.Widget],
) -> widgets.VBox:
    """Build an explorer: controls, a message, the picture of `view(state(**values))`, its HTML.

    `controls` maps the fields of the state to widgets with a `value`. They stand in rows that wrap;
    one of width "100%" has a row for itself. Raises CourseError where the first values give no
    picture: an explorer opens with something to see.
    """
    answer = answering(view)

    def look() -> View:
        return answer(state(**{field: control.value for field, control in controls.items()}))

    first = look()
    if first.png is None:
        raise CourseError(f"The explorer {name!r} has nothing to show at first: {first.message}")
    message = widgets.HTML(value=_message(first))
    message.add_class("explorer-message")
    picture = widgets.Image(value=first.png, format="png")
    picture.layout.width, picture.layout.max_width = "100%", WIDTH
    picture.layout.margin = "0"  # or it would be wider than its box in a narrow window
    words = widgets.HTML(value=first.html)

    def follow(_change) -> None:
        seen = look()
        message.value = _message(seen)
        if seen.png is not None:
            picture.value, words.value = seen.png, seen.html

    for control in controls.values():
        control.observe(follow, names="value")
    rows = widgets.Box(list(controls.values()))
    rows.layout.flex_flow, rows.layout.align_items = "row wrap", "center"
    rows.layout.max_width = WIDTH
    box = widgets.VBox([rows, message, picture, words])
    box.add_class("course-explorer")
    box.add_class(f"explorer-{name}")
    return box


def present(box: widgets.VBox, alt: str) -> None:
    """Show an explorer in a notebook: the widget where a kernel runs, its first picture elsewhere.

    One output holds both, so that a reader on GitHub sees the picture. `alt` describes it in words
    that hold on every machine.
    """
    if (
        "google.colab" in sys.modules
    ):  # which shows one form of an output, and not surely the widget
        display(box)
        return
    picture = next(child for child in box.children if isinstance(child, widgets.Image))
    bundle = {
        "text/plain": f"[explorer] {alt}",
        "image/png": base64.b64encode(picture.value).decode(),
        "application/vnd.jupyter.widget-view+json": {
            "version_major": 2,
            "version_minor": 0,
            "model_id": box.model_id,
        },
    }
    display(bundle, metadata={"image/png": {"alt": alt}}, raw=True)


def text_field(label: str, value: str, width: str = "100%") -> widgets.Text:
    """A text field that hands its text over on Enter, or when the reader leaves it."""
    return _laid_out(widgets.Text(value, description=label, continuous_update=False), width)


def slider(label: str, value: int, low: int, high: int, width: str = "280px") -> widgets.IntSlider:
    """A slider over the whole numbers from `low` to `high`; the arrow keys move it."""
    return _laid_out(widgets.IntSlider(value, low, high, description=label), width)


def dropdown(
    label: str, options: Sequence[tuple[str, object]], width: str = "220px"
) -> widgets.Dropdown:
    """A choice of one of `(what is read, value)`, at first the first."""
    return _laid_out(widgets.Dropdown(options=options, description=label), width)


def _laid_out(control, width: str):
    control.style.description_width = "initial"  # a label is never cut
    control.layout.width = width
    control.layout.margin = "2px 16px 2px 0"
    return control


def _message(view: View) -> str:
    """The message as HTML that a screen reader reads out when it appears; "" for no message."""
    if not view.message:
        return ""
    stays = "" if view.png else " What stands below is the last input that worked."
    return (
        f'<div role="alert" style="border-left:4px solid {plots.PALETTE["orange"]};'
        f'padding:2px 8px">{html.escape(view.message + stays)}</div>'
    )


# ------------------------------------------------------------------- L2: a word in two contexts

ROLE = "contextual encoder"
MAX_SENTENCE = 240  # characters: a strip has to be read, and attention grows with the square
MAX_WORD = 40
BARS = 6  # tokens that the picture names for each sentence; the strips show all
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

    The word's pieces are one token here, number `place`. `weights` is empty at layer 0.
    """

    text: str
    times: int
    tokens: list[str]
    place: int
    weights: Sequence[float]
    edges: float


def word_in_context() -> None:
    """Show the explorer of L2: the vectors of one word in two sentences, layer by layer."""
    _, model = models.load(ROLE)
    start, heads = WordInContext(), range(1, model.config.num_attention_heads + 1)
    controls = {
        "first": text_field("first sentence", start.first),
        "second": text_field("second sentence", start.second),
        "word": text_field("word", start.word, "200px"),
        "layer": slider("layer", start.layer, 0, model.config.num_hidden_layers),
        "head": dropdown("head", [("all heads (mean)", 0), *((f"{head}", head) for head in heads)]),
    }
    present(
        explorer("word-in-context", WordInContext, view_word_in_context, controls),
        "Word in context: the word “bat” in a sentence about a cave and in one about baseball. A "
        "line shows the cosine similarity of its two vectors: almost one at layer 0, lower at the "
        "last layer, and far above that of two different tokens throughout. Bars show the tokens "
        "that the word looks at most.",
    )


@answering
def view_word_in_context(state: WordInContext) -> View:
    """How alike a word's two vectors are at each layer, and what the word looks at in one of them.

    A word of several pieces is their mean, as in `embed.word_vectors`. A state that cannot be
    compared gives a View with a message and no picture.
    """
    return _seen(state, models.identity(ROLE))


@functools.lru_cache(maxsize=32)  # drawing is what takes time; going back to a layer is free
def _seen(state: WordInContext, weights: str) -> View:
    """The view of a state under the model that `weights` names."""
    texts, word = [_spaced(state.first), _spaced(state.second)], _spaced(state.word)
    _check(texts, word)
    both = [_states(text, weights) for text in texts]
    layers, heads = both[0].attention.shape[1:3]
    if not 0 <= state.layer <= layers:
        raise BadInput(f"There is no layer {state.layer}: choose one from 0 to {layers}.")
    if not 0 <= state.head <= heads:
        raise BadInput(f"There is no head {state.head}: choose one from 1 to {heads}, or the mean.")
    at = [
        embed.word_positions(states, text, word) for states, text in zip(both, texts, strict=True)
    ]
    path, others = _path(both, at), _different_tokens(both)
    contexts = [
        _context(states, text, word, places, state)
        for states, text, places in zip(both, texts, at, strict=True)
    ]
    return View(
        _draw(state, word, path, others, contexts), _tell(state, word, path, others, contexts)
    )


def _spaced(text: str) -> str:
    """The text on one line, with single spaces."""
    return " ".join(text.split())


def _check(texts: list[str], word: str) -> None:
    """Raise BadInput, in words that say what to type, for what cannot be compared."""
    inputs = {"first sentence": texts[0], "second sentence": texts[1], "word": word}
    for name, text in inputs.items():
        most = MAX_WORD if name == "word" else MAX_SENTENCE
        if not text:
            raise BadInput(f"The {name} is empty: type one.")
        if len(text) > most:
            raise BadInput(f"The {name} has {len(text):,} characters: type one of at most {most}.")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise BadInput(f"The {name} holds half a character, which is no text: type it again.")
    if not any(character.isalnum() for character in word):
        raise BadInput(f"“{word}” holds no letter: type a word that stands in both sentences.")
    for name, text in zip(inputs, texts, strict=False):
        if not _occurrences(text, word):
            raise BadInput(
                f"The {name} does not hold the word “{word}”: type a word that both sentences hold."
            )


def _occurrences(text: str, word: str) -> list[re.Match]:
    """Where the whole word stands in the text; upper and lower case count as the same."""
    return list(re.finditer(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.IGNORECASE))


@functools.lru_cache(maxsize=4)  # two sentences, and the two before
def _states(text: str, _weights: str) -> embed.States:
    """The states and the attention of one sentence; `_weights` names the model, for the cache."""
    return embed.hidden_states(text, ROLE, attention=True)


def _path(both: list[embed.States], at: list[list[int]]) -> np.ndarray:
    """The cosine of the word's two vectors at each layer, `[layers + 1]`."""
    one, two = (
        states.states[0][:, places].mean(dim=1).numpy()  # [layers + 1, d]
        for states, places in zip(both, at, strict=True)
    )
    return np.diag(similarity.cosine_matrix(one, two))


def _different_tokens(both: list[embed.States]) -> np.ndarray:
    """The mean cosine of two different tokens, one from each sentence, at each layer.

    It says how alike any two vectors are there. NaN where both sentences are the same lone token.
    """
    one, two = (np.array(states.tokens[0][1:-1]) for states in both)
    different = one[:, None] != two[None, :]
    if not different.any():
        return np.full(both[0].states.shape[1], np.nan)
    layers = zip(*(states.states[0][:, 1:-1].numpy() for states in both), strict=True)
    return np.array([similarity.cosine_matrix(a, b)[different].mean() for a, b in layers])


def _context(
    states: embed.States, text: str, word: str, at: list[int], state: WordInContext
) -> Context:
    """What the word looks at in the layer and head of the state: the mean over its pieces' rows."""
    tokens, spans = states.tokens[0], states.spans[0]
    start, end = at[0], at[-1] + 1
    whole = text[spans[start][0] : spans[end - 1][1]]
    weights, edges = [], 0.0
    if state.layer:
        attention = states.attention[0, state.layer - 1]  # [heads, tokens, tokens]
        attention = attention[state.head - 1] if state.head else attention.mean(0)
        row = attention[at].mean(0).tolist()
        weights = [*row[1:start], sum(row[start:end]), *row[end:-1]]
        edges = row[0] + row[-1]
    tokens = [*tokens[1:start], whole, *tokens[end:-1]]
    return Context(text, len(_occurrences(text, word)), tokens, start - 1, weights, edges)


def _in_words(cosine: float) -> str:
    if cosine >= 0.995:
        return "practically the same vector"
    if cosine >= 0.9:
        return "very much alike"
    if cosine >= 0.6:
        return "alike, and clearly not the same"
    return "more different than alike" if cosine >= 0.3 else "hardly alike"


def _where(state: WordInContext) -> str:
    return f"layer {state.layer}, " + (f"head {state.head}" if state.head else "mean of all heads")


def _tell(state, word: str, path, others, contexts: list[Context]) -> str:
    """The HTML below the picture: the finding, what may surprise, and a strip a sentence."""
    name, cosine = f"“{html.escape(word)}”", path[state.layer]
    said = (
        f"<b>At layer {state.layer} the two {name} vectors have a cosine similarity of "
        f"{cosine:.2f}</b>: {_in_words(cosine)}."
    )
    if not np.isnan(others[state.layer]):
        said += (
            f" Two different tokens, one from each sentence, have {others[state.layer]:.2f} there "
            "on average."
        )
    for order, context in zip(("first", "second"), contexts, strict=True):
        if context.times > 1:
            said += (
                f" The {order} sentence holds {name} {context.times} times: the first one counts."
            )
    if not state.layer:
        looked = (
            "Layer 0 has no attention: it is what enters the model, and no token has looked at "
            "another yet. Choose layer 1 or higher."
        )
    else:
        looked = f"What {name} (outlined) looks at, {_where(state)}; darker is more:"
    strips = ""
    for context in contexts:
        weights = context.weights or [0.0] * len(context.tokens)
        strips += plots.tokens_strip(context.tokens, weights, context.place)
        if state.layer:
            strips += (
                f'<div style="font-size:90%;margin-bottom:6px">{100 * context.edges:.0f} % of its '
                "attention rests on [CLS] and [SEP], the marks at both ends; "
                f"{100 * (1 - context.edges):.0f} % is on the tokens above.</div>"
            )
    return (
        f'<div style="max-width:{WIDTH};line-height:1.5">'
        f'<div role="status">{said}</div><div style="margin-top:6px">{looked}</div>{strips}</div>'
    )


def _draw(state, word: str, path, others, contexts: list[Context]) -> bytes:
    """The path through the layers, and beside it the tokens that the word looks at most."""
    with rc_context({"text.parse_math": False}):  # a learner's $ is only a dollar
        fig = plots.figure(8.0, 4.8)
        # Fixed places: nothing jumps while a slider moves, and drawing takes half the time.
        fig.set_layout_engine("none")
        left = fig.add_axes((0.075, 0.11, 0.445, 0.665))
        right = [fig.add_axes((0.645, bottom, 0.335, 0.305)) for bottom in (0.54, 0.11)]
        fig.text(0.012, 0.952, _finding(word, state.layer, path), fontsize=12.5, weight="bold")
        _draw_path(left, word, state.layer, path, others)
        most = max(max(context.weights, default=0) for context in contexts)
        for ax, context in zip(right, contexts, strict=True):
            ax.set_title(
                _excerpt(context.text, word), fontsize=9.5, weight="normal", pad=5, x=-0.325
            )
            _draw_attention(ax, context, most)
        if state.layer:
            right[0].tick_params(labelbottom=False)
            right[1].set_xlabel(f"attention (%), {_where(state)}", fontsize=10)
        return plots.png(fig)


def _draw_path(ax, word: str, layer: int, path, others) -> None:
    series = {f"“{_short(word)}” in the two sentences": path}
    if not np.isnan(others).any():
        series["two different tokens (mean)"] = others
    plots.lines(
        ax,
        range(len(path)),
        series,
        xlabel="layer",
        ylabel="cosine similarity",
        chance=1.0,
        chance_label="static vectors: always 1",
    )
    ax.axvline(layer, color=plots.PALETTE["pale"], linewidth=9, zorder=0)
    ring = {"markerfacecolor": "none", "markeredgewidth": 2, "color": plots.PALETTE["ink"]}
    ax.plot(layer, path[layer], "o", markersize=13, **ring)
    below = {"xytext": (0, -22), "textcoords": "offset points", "ha": "center"}
    ax.annotate(f"{path[layer]:.2f}", (layer, path[layer]), weight="bold", **below)
    ax.set_xticks(range(len(path)))
    ax.set_ylim(min(0.0, path.min() - 0.15, np.nanmin(others, initial=0.0) - 0.05), 1.06)
    ax.legend(loc="lower left", bbox_to_anchor=(-0.02, 0.985), fontsize=9.5, labelspacing=0.3)


def _draw_attention(ax, context: Context, most: float) -> None:
    grey = plots.PALETTE["grey"]
    if not context.weights:
        ax.set_axis_off()
        said = "Layer 0: no token has looked\nat another yet."
        ax.text(-0.325, 0.9, said, va="top", color=grey, transform=ax.transAxes)
        return
    best = np.argsort(context.weights)[::-1][:BARS]
    values = [100 * context.weights[index] for index in best]
    colours = [grey if index == context.place else plots.PALETTE["blue"] for index in best]
    ax.barh(range(len(best)), values, color=colours, height=0.7)
    for row, value in enumerate(values):
        ax.text(value, row, f" {value:.0f}", va="center", fontsize=9)
    ax.text(0, BARS, f" {100 * context.edges:.0f}, not drawn", va="center", fontsize=9, color=grey)
    names = [_short(context.tokens[index], 12) for index in best]
    ax.set_yticks([*range(len(best)), BARS], [*names, "[CLS], [SEP]"], fontsize=9.5)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(BARS + 0.6, -0.6)
    ax.set_xlim(0, 115 * most)


def _finding(word: str, layer: int, path) -> str:
    """The title: what context has done to the two vectors up to this layer."""
    change = path[layer] - path[0]
    if not layer:
        return f"At layer 0 only their places differ: cosine {path[0]:.2f}"
    if abs(change) < MOVED:
        found = f"The two “{_short(word)}” vectors stay together"
    elif change < 0:
        found = f"Context pulls the two “{_short(word)}” vectors apart"
    else:
        found = f"Context draws the two “{_short(word)}” vectors together"
    return f"{found}: cosine {path[0]:.2f} → {path[layer]:.2f}"


def _short(text: str, most: int = 14) -> str:
    return _drawable(text if len(text) <= most else text[: most - 1] + "…")


def _excerpt(text: str, word: str, width: int = 36) -> str:
    """The sentence in at most two lines; a long one around the word."""
    if len(text) > 2 * width:
        begin = max(0, _occurrences(text, word)[0].start() - width // 2)
        text = ("… " if begin else "") + text[begin:].lstrip()
    return _drawable(textwrap.fill(text, width, max_lines=2, placeholder=" …"))


def _drawable(text: str) -> str:
    """The text with a box for each character that the font of the figures lacks, as emoji."""
    known = _glyphs()
    return "".join(letter if letter == "\n" or ord(letter) in known else "□" for letter in text)


@functools.cache
def _glyphs() -> frozenset[int]:
    return frozenset(get_font(findfont(plots.STYLE["font.family"])).get_charmap())
