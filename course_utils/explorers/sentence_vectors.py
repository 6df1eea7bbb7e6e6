"""Sentences as one vector each, compared: the numbers behind the explorer of L3."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from course_utils import embed, models, similarity
from course_utils.errors import BadInput
from course_utils.explorers import typed

ROLE = "sentence encoder"
STATIC = "static mean"
POOLINGS = (*embed.POOLINGS, STATIC)
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
FEWEST, MOST = 2, len(ORDINALS)  # sentences
MAX_SENTENCE = 120  # characters, and
MAX_TOKENS = 40  # tokens: a strip has to be read
SAME = 0.995  # vectors with this cosine or more are practically the same


@dataclass(frozen=True)
class SentencesToVectors:
    """Sentences, one a line; how each becomes one vector, one of `POOLINGS`; a layer.

    The sentences of the start: two that say the same in other words, one that denies it in its
    words, two that share words and not their meaning, and one about something else.
    """

    sentences: str = (
        "Buy cheap airline tickets.\n"
        "Purchase low cost flights.\n"
        "Never buy cheap airline tickets.\n"
        "The plant makes new leaves each spring.\n"
        "The plant makes new cars each day.\n"
        "Penguins waddle across the ice."
    )
    pooling: str = "mean"
    layer: int = 6


@dataclass(frozen=True)
class Comparison:
    """What the explorer shows of a state with n sentences.

    `strips`: the tokens of each sentence, `[PAD]` up to the longest, T in all. `counts`: bool
    `[n, T]`, True at the tokens whose vectors are pooled. `cosines`: float64 `[n, n]`.
    """

    sentences: tuple[str, ...]
    pooling: str
    layer: int
    strips: list[list[str]]
    counts: np.ndarray
    cosines: np.ndarray

    @property
    def nearest(self) -> tuple[int, int]:
        """The numbers, from 0, of the two sentences with the highest cosine."""
        return self._pair(np.argmax)

    @property
    def farthest(self) -> tuple[int, int]:
        """The numbers, from 0, of the two sentences with the lowest cosine."""
        return self._pair(np.argmin)

    @property
    def alike(self) -> bool:
        """Whether all vectors are practically the same."""
        return bool(self.cosines.min() >= SAME)

    def common(self, one: int, other: int) -> list[str]:
        """The tokens that two sentences share, in their order; no signs and no special tokens."""
        words = [token for token in self.strips[one] if token[-1].isalnum()]  # not ".", "[SEP]"
        return [token for token in dict.fromkeys(words) if token in self.strips[other]]

    def _pair(self, choose: Callable[[np.ndarray], int]) -> tuple[int, int]:
        rows, columns = np.triu_indices(len(self.cosines), k=1)
        best = choose(self.cosines[rows, columns].round(6))  # of equal ones the first
        return int(rows[best]), int(columns[best])


def compare(state: SentencesToVectors, weights: str) -> Comparison:
    """Run the model that `weights` names over the sentences of a state, and pool what it gives.

    `STATIC` is the mean of the rows that the tokens have in the input table, without [CLS] and
    [SEP]; the layer does not matter then. Raises BadInput, in words that say what to type, for a
    state that cannot be compared.
    """
    sentences = _sentences(state.sentences)
    if state.pooling not in POOLINGS:
        known = ", ".join(POOLINGS)
        raise BadInput(f"There is no pooling {state.pooling!r}: choose one of {known}.")
    found = _states(sentences, weights)
    layers = found.states.shape[1] - 1
    if not 0 <= state.layer <= layers:
        raise BadInput(f"There is no layer {state.layer}: choose one from 0 to {layers}.")
    _check_tokens(found.tokens)
    length = found.mask.shape[1]
    strips = [tokens + ["[PAD]"] * (length - len(tokens)) for tokens in found.tokens]
    counts = _counted(found.mask, state.pooling)
    if state.pooling == STATIC:
        vectors = embed.pool(_static(strips), counts)
    else:
        vectors = embed.pool(found.states[:, state.layer], found.mask, state.pooling)
    cosines = similarity.cosine_matrix(vectors.numpy())
    return Comparison(sentences, state.pooling, state.layer, strips, counts.numpy(), cosines)


def _sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text, one a line; lines without any are left out."""
    sentences = tuple(filter(None, map(typed.spaced, text.splitlines())))
    if not FEWEST <= len(sentences) <= MOST:
        raise BadInput(
            f"There {_count(len(sentences))}: type {FEWEST} to {MOST} sentences, each on a line of "
            "its own."
        )
    for ordinal, sentence in zip(ORDINALS, sentences, strict=False):
        typed.check(f"{ordinal} sentence", sentence, MAX_SENTENCE)
    return sentences


def _count(sentences: int) -> str:
    if not sentences:
        return "is no sentence"
    return "is only one sentence" if sentences == 1 else f"are {sentences:,} sentences"


def _check_tokens(strips: list[list[str]]) -> None:
    for ordinal, tokens in zip(ORDINALS, strips, strict=False):
        if len(tokens) > MAX_TOKENS:
            raise BadInput(
                f"The {ordinal} sentence has {len(tokens)} tokens: type one of at most "
                f"{MAX_TOKENS}, so that its strip can be read."
            )
        if len(tokens) == 2:  # [CLS] and [SEP]
            raise BadInput(
                f"The tokenizer drops all characters of the {ordinal} sentence: type another one."
            )


@functools.lru_cache(maxsize=2)  # these sentences, and those before
def _states(sentences: tuple[str, ...], _weights: str) -> embed.States:
    """The states of a batch of sentences; `_weights` names the model, for the cache."""
    return embed.hidden_states(sentences, ROLE)


def _counted(mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Which tokens are pooled, bool `[n, T]`."""
    if pooling not in ("cls", STATIC):
        return mask
    counts = torch.zeros_like(mask)
    if pooling == "cls":
        counts[:, 0] = True
    else:
        counts[:, 1:-1] = mask[:, 2:]  # the last token of each text is [SEP]: none follows it
    return counts


def _static(strips: list[list[str]]) -> torch.Tensor:
    """The row of the input table for each token, `[n, T, d]`."""
    tokenizer, model = models.load(ROLE)
    ids = torch.tensor([tokenizer.convert_tokens_to_ids(tokens) for tokens in strips])
    return model.get_input_embeddings().weight.detach()[ids]
