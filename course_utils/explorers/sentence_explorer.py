"""The explorer of L3, "sentences to vectors": one vector a sentence, compared, and what it is of.

Two tokenizers cut each sentence: the encoder's WordPiece, and the language model's byte-level BPE.
"""

import functools
import html
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from course_utils import embed, models, plots, similarity
from course_utils.errors import BadInput
from course_utils.explorers import panel, typed
from course_utils.explorers.panel import View
from course_utils.plots import figures, lettering

ROLE = "sentence encoder"
GLOVE = "averaged GloVe"
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
FEWEST, MOST, LONGEST = 2, len(ORDINALS), 120  # sentences, and characters of one
HOW = {
    "mean": "Each vector is the mean of the shaded word pieces at layer {}.",
    "cls": "Each vector is that of [CLS] at layer {}.",
    "max": "Each number of a vector is the largest that a shaded word piece has there at layer {}.",
    GLOVE: "Each vector is the mean of the shaded words' vectors. The layer does not matter.",
}


@dataclass(frozen=True)
class SentencesToVectors:
    """Sentences, one a line; how each becomes one vector, a key of `HOW`; a layer.

    At the start: two that say the same in other words, one that denies it in its words, two that
    share words and not their meaning, and one about something else.
    """

    sentences: str = (
        "Buy cheap airline tickets.\n"
        "Purchase low cost flights.\n"
        "Never buy cheap airline tickets.\n"
        "The plant makes new leaves each spring.\n"
        "The plant makes new cars each day.\n"
        "Penguins waddle across the ice 🐧."
    )
    pooling: str = "mean"
    layer: int = 6


def sentences_to_vectors() -> None:
    """Show the explorer: sentences as one vector each, and their tokens in two tokenizers."""
    layers = models.load(ROLE)[1].config.num_hidden_layers
    poolings = [(pooling.replace("cls", "CLS"), pooling) for pooling in HOW]
    start, label = SentencesToVectors(layer=layers), "one sentence a line, then Tab"
    controls = {
        "sentences": panel.text_area(label, start.sentences, MOST),
        "pooling": panel.dropdown("pooling", poolings),
        "layer": panel.slider("layer", start.layer, 0, layers),
    }
    panel.present(
        panel.explorer("sentences-to-vectors", SentencesToVectors, view, controls),
        "Sentences to vectors: a heatmap of the cosine similarities of six sentences, for the mean "
        "of their tokens at the last layer. The two that say the same in other words are nearest. "
        "One that denies what they say follows closely, then two that share words but not their "
        "meaning; all other pairs are near zero. Below, where a kernel runs, the tokens of each.",
    )


def view(state: SentencesToVectors) -> View:
    """Which sentences are near each other, and the tokens of each.

    Raises BadInput, in words that say what to type, for sentences that cannot be compared.
    """
    sentences = sentences_of(state.sentences)
    cosines = similarity.cosine_matrix(vectors(sentences, state.pooling, state.layer))
    return View(plots.png(picture(sentences, cosines)), words(state, sentences, cosines))


def sentences_of(text: str) -> list[str]:
    """The sentences of a text, one a line; blank lines are left out. Raises BadInput."""
    sentences = list(filter(None, map(typed.spaced, text.splitlines())))
    if not FEWEST <= len(sentences) <= MOST:
        raise BadInput(f"Type {FEWEST} to {MOST} sentences, a line each, not {len(sentences)}.")
    for ordinal, sentence in zip(ORDINALS, sentences, strict=False):
        typed.check(f"{ordinal} sentence", sentence, LONGEST)
        if len(word_pieces(sentence)) == 2:  # [CLS] and [SEP]
            raise BadInput(f"The tokenizer drops all of the {ordinal} sentence: type another.")
    return sentences


def vectors(sentences: Sequence[str], pooling: str, layer: int) -> np.ndarray:
    """One vector a sentence, float32 `[n, d]`. Raises BadInput where GloVe knows none of one."""
    if pooling != GLOVE:
        return embed.encode(sentences, pooling, layer=layer)
    rows, table = _glove()
    known = [[rows[word] for word in glove_words(each) if word in rows] for each in sentences]
    if [] in known:
        ordinal = ORDINALS[known.index([])]
        raise BadInput(f"GloVe knows no word of the {ordinal} sentence: type another one.")
    return np.stack([table[each].mean(axis=0) for each in known])


def word_pieces(sentence: str) -> list[str]:
    """What the encoder reads: WordPiece tokens, from [CLS] to [SEP]."""
    tokenizer = models.load_tokenizer(ROLE)
    return tokenizer.convert_ids_to_tokens(tokenizer(sentence).input_ids)


def byte_pieces(sentence: str) -> list[str]:
    """The language model's tokens: "␣" for a blank, a number of bytes for what is no whole letter.

    Source: Radford et al. 2019, sec. 2.2.
    """
    tokenizer = models.load_tokenizer("language model")
    numbers = tokenizer(sentence, add_special_tokens=False).input_ids
    pieces = []
    for raw, number in zip(tokenizer.convert_ids_to_tokens(numbers), numbers, strict=True):
        piece = tokenizer.decode([number]).replace(" ", "␣")
        if "\ufffd" in piece:  # bytes that make no letter; raw has a sign for each
            blank = "␣" * piece.startswith("␣")
            size = len(raw) - len(blank)
            piece = f"{blank}{size} byte{'s' * (size > 1)}"
        pieces.append(piece)
    return pieces


def glove_words(sentence: str) -> list[str]:
    """What is looked up in GloVe: the words in lower case, without signs."""
    return re.findall(r"\w+", sentence.lower())


@functools.cache
def _glove() -> tuple[dict[str, int], np.ndarray]:
    words, table = embed.static_table()
    return {word: row for row, word in enumerate(words)}, table


def words(state: SentencesToVectors, sentences: Sequence[str], cosines: np.ndarray) -> str:
    """The HTML below the picture: the nearest and the farthest, what a vector is, all tokens."""
    pairs, said = _pairs(cosines), ""
    ends = dict.fromkeys((pairs[0], pairs[-1]))  # of two sentences, one pair
    for name, pair in zip(("Nearest", "Farthest"), ends, strict=False):
        one, other = (html.escape(f"“{sentences[index]}”") for index in pair)
        said += f"<div><b>{name}</b>: {one} and {other}, cosine {cosines[pair]:z.2f}.</div>"
    how = HOW[state.pooling].format(state.layer)
    if state.pooling == "cls" and not state.layer:
        how += " It has looked at no token yet, and is the same everywhere: choose a higher layer."
    cut = "".join(_cut(*each, state.pooling) for each in enumerate(sentences, 1))
    return (
        f'<div style="max-width:{panel.WIDTH};line-height:1.5"><div role="status">{said}</div>{how}'
        " The encoder reads WordPiece: what its vocabulary lacks is [UNK], and lost. Byte-level "
        f"BPE has no [UNK]: what it lacks becomes bytes. “␣” is a blank.{cut}</div>"
    )


def _cut(number: int, sentence: str, pooling: str) -> str:
    """HTML: one sentence, and its tokens in both tokenizers, those that are pooled shaded."""
    pieces, smaller = word_pieces(sentence), byte_pieces(sentence)
    pooled = [pooling in ("mean", "max")] * len(pieces)
    pooled[0] = pooling != GLOVE
    strips = {
        f"WordPiece: {len(pieces)} tokens, {pieces.count('[UNK]')} [UNK]": (pieces, pooled),
        f"Byte-level BPE: {len(smaller)} tokens": (smaller, [False] * len(smaller)),
    }
    if pooling == GLOVE:
        found, rows = glove_words(sentence), _glove()[0]
        left_out = ", ".join(word for word in found if word not in rows) or "no word"
        strips[f"GloVe, left out: {left_out}"] = (found, [word in rows for word in found])
    row = (
        '<div style="display:flex;align-items:baseline"><span style="flex:0 0 215px;'
        'overflow-wrap:anywhere">{}</span>{}</div>'
    ).format
    lines = "".join(row(html.escape(name), plots.tokens_strip(*strips[name])) for name in strips)
    return f'<div style="margin-top:6px"><b>{number} {html.escape(sentence)}</b>{lines}</div>'


def _pairs(cosines: np.ndarray) -> list[tuple[int, int]]:
    """The numbers, from 0, of any two sentences, the nearest first."""
    pairs = itertools.combinations(range(len(cosines)), 2)
    return sorted(pairs, key=lambda pair: -cosines[pair].round(6))


def picture(sentences: Sequence[str], cosines: np.ndarray) -> Figure:
    """The cosines as a heatmap, each row with its sentence."""
    one, other = pair = _pairs(cosines)[0]
    title = f"Sentences {one + 1} and {other + 1} are nearest: cosine {cosines[pair]:z.2f}"
    fig = plots.figure(6.6, max(2.3, 0.9 + 0.38 * len(sentences)))
    plots.entitle(fig, title)
    columns = [f"{number}" for number in range(1, len(sentences) + 1)]
    rows = [f"{lettering.shorten(each, 230, 10)}  {row}" for row, each in enumerate(sentences, 1)]
    ax = plots.axes(fig)
    figures.draw_heatmap(ax, cosines, rows, columns, low=-0.2, label="cosine similarity")
    ax.tick_params(labelsize=10)
    ax.tick_params(axis="x", labelrotation=0)
    return fig
