"""One word in two sentences, compared layer by layer: the numbers behind the explorer of L2."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from course_utils import embed, similarity
from course_utils.errors import BadInput
from course_utils.explorers import typed

ROLE = "contextual encoder"
MAX_SENTENCE = 240  # characters: a strip has to be read, and attention grows with the square
MAX_WORD = 40


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

    `found` is where the word stands in the text; the first place counts. Its pieces are one token
    here, number `place`. `weights` is empty at layer 0.
    """

    text: str
    found: list[tuple[int, int]]
    tokens: list[str]
    place: int
    weights: Sequence[float]
    edges: float


@dataclass(frozen=True)
class Comparison:
    """What the explorer shows of a state.

    `path`: the cosine of the word's two vectors at each layer, `[layers + 1]`. `others`: the mean
    cosine of two different tokens, one from each sentence; it says how alike any two vectors are
    there, and is NaN where both sentences are the same lone token.
    """

    word: str
    layer: int
    head: int
    path: np.ndarray
    others: np.ndarray
    contexts: tuple[Context, Context]

    @property
    def where(self) -> str:
        """The layer and the head, in words."""
        return f"layer {self.layer}, " + (f"head {self.head}" if self.head else "mean of all heads")


def compare(state: WordInContext, weights: str) -> Comparison:
    """Run the model that `weights` names over both sentences of a state.

    A word of several pieces is their mean, as in `embed.word_vectors`. Raises BadInput, in words
    that say what to type, for a state that cannot be compared.
    """
    texts = [typed.spaced(text) for text in (state.first, state.second)]
    word = typed.spaced(state.word)
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
    first, second = (
        _context(states, text, word, places, state)
        for states, text, places in zip(both, texts, at, strict=True)
    )
    path, others = _path(both, at), _different_tokens(both)
    return Comparison(word, state.layer, state.head, path, others, (first, second))


def _check(texts: list[str], word: str) -> None:
    inputs = {"first sentence": texts[0], "second sentence": texts[1], "word": word}
    for name, text in inputs.items():
        typed.check(name, text, MAX_WORD if name == "word" else MAX_SENTENCE)
    if not any(character.isalnum() for character in word):
        raise BadInput(f"“{word}” holds no letter: type a word that stands in both sentences.")
    for name, text in zip(inputs, texts, strict=False):
        if not embed.occurrences(text, word):
            raise BadInput(
                f"The {name} does not hold the word “{word}”: type a word that both sentences hold."
            )


@functools.lru_cache(maxsize=4)  # two sentences, and the two before
def _states(text: str, _weights: str) -> embed.States:
    """The states and the attention of one sentence; `_weights` names the model, for the cache."""
    return embed.hidden_states(text, ROLE, attention=True)


def _path(both: list[embed.States], at: list[list[int]]) -> np.ndarray:
    one, two = (
        states.states[0][:, places].mean(dim=1).numpy()  # [layers + 1, d]
        for states, places in zip(both, at, strict=True)
    )
    return np.diag(similarity.cosine_matrix(one, two))


def _different_tokens(both: list[embed.States]) -> np.ndarray:
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
    return Context(text, embed.occurrences(text, word), tokens, start - 1, weights, edges)
