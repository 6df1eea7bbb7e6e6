"""Skip-gram with negative sampling, small enough to train in a lesson. Taught in L2.

Source: Mikolov, Sutskever, Chen, Corrado and Dean 2013, "Distributed Representations of Words and
Phrases and their Compositionality", sections 2.2 (negative sampling) and 2.3 (subsampling).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.functional import logsigmoid

from course_utils.errors import BadInput

_WORD = re.compile(r"[a-z]+(?:_[a-z]+)*")


@dataclass(frozen=True)
class Corpus:
    """A text collection as word numbers.

    `words`: the vocabulary, most frequent first. `counts`: int64 `[V]`. `ids`: int32 `[N]`, all
    texts one after the other. `text_of`: int32 `[N]`, which text each position belongs to.
    """

    words: list[str]
    counts: np.ndarray
    ids: np.ndarray
    text_of: np.ndarray

    @classmethod
    def build(cls, texts: Iterable[str], min_count: int = 20) -> "Corpus":
        """Lower-case words of letters and underscores; those seen fewer than `min_count` times go.

        Raises BadInput where fewer than two words remain.
        """
        # Read twice: kept as strings, the words would take many times the room of their numbers.
        texts = list(texts)
        totals = Counter(word for text in texts for word in _WORD.findall(text.lower()))
        # Ties are broken by the alphabet: the numbering does not depend on the order of the texts.
        kept = sorted((-n, word) for word, n in totals.items() if n >= min_count)
        if len(kept) < 2:
            raise BadInput(f"Only {len(kept)} words occur {min_count} times or more in the texts.")
        words = [word for _, word in kept]
        number = {word: index for index, word in enumerate(words)}
        ids = [
            np.array([number[w] for w in _WORD.findall(text.lower()) if w in number], np.int32)
            for text in texts
        ]
        text_of = np.repeat(np.arange(len(ids), dtype=np.int32), [len(some) for some in ids])
        return cls(words, np.array([-n for n, _ in kept]), np.concatenate(ids), text_of)

    def noise(self, power: float = 0.75) -> np.ndarray:
        """What negatives are drawn from, `[V]`: counts to the power 3/4, summing to 1."""
        weights = self.counts**power
        return weights / weights.sum()

    def pairs(
        self, rng: np.random.Generator, window: int = 5, keep: float = 1e-3
    ) -> tuple[np.ndarray, np.ndarray]:
        """All (centre, context) pairs within `window` words of one text, shuffled: two int32 `[P]`.

        Frequent words are dropped at random first: a word of frequency f stays with probability
        min(1, sqrt(keep / f)).
        """
        frequency = self.counts / self.counts.sum()
        stays = np.minimum(1.0, np.sqrt(keep / frequency))
        chosen = rng.random(len(self.ids)) < stays[self.ids]
        ids, text_of = self.ids[chosen], self.text_of[chosen]
        centres, contexts = [], []
        for distance in range(1, window + 1):
            together = text_of[distance:] == text_of[:-distance]
            left, right = ids[:-distance][together], ids[distance:][together]
            centres += [left, right]
            contexts += [right, left]
        order = rng.permutation(sum(map(len, centres)))
        return np.concatenate(centres)[order], np.concatenate(contexts)[order]


def batches(
    corpus: Corpus, steps: int, size: int = 8192, negatives: int = 5, seed: int = 0, window: int = 5
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """`steps` batches of centre `[B]`, context `[B]` and negative `[B, k]` word numbers.

    When all pairs have been used, they are drawn anew (other frequent words are dropped this time).
    """
    rng = np.random.default_rng(seed)
    cumulative = np.cumsum(corpus.noise())
    made = 0
    while made < steps:
        centre, context = corpus.pairs(rng, window)
        if len(centre) < size:
            raise BadInput(f"The corpus gives {len(centre)} pairs, fewer than a batch of {size}.")
        for start in range(0, len(centre) - size + 1, size):
            if made == steps:
                return
            noise = np.searchsorted(cumulative, rng.random((size, negatives)) * cumulative[-1])
            part = slice(start, start + size)
            yield tuple(torch.from_numpy(a).long() for a in (centre[part], context[part], noise))
            made += 1


def negative_sampling_loss(
    centre: torch.Tensor, context: torch.Tensor, negatives: torch.Tensor
) -> torch.Tensor:
    """Mean over the batch of -log s(c·o) - sum over negatives of log s(-c·n), in nats; a scalar.

    `centre` and `context` are `[B, d]`, `negatives` is `[B, k, d]`. With all dot products at 0 the
    loss is (k + 1) ln 2: the chance line. Source: equation 4 of the paper.
    """
    positive = (centre * context).sum(-1)  # [B]
    negative = (negatives @ centre.unsqueeze(-1)).squeeze(-1)  # [B, k]
    return -(logsigmoid(positive) + logsigmoid(-negative).sum(-1)).mean()


class SkipGram(nn.Module):
    """Two tables `[V, d]`: one vector a word as centre (kept), one as context (thrown away)."""

    def __init__(self, words: int, dimension: int = 100):
        super().__init__()
        self.centre = nn.Embedding(words, dimension)
        self.context = nn.Embedding(words, dimension)
        nn.init.uniform_(self.centre.weight, -0.5 / dimension, 0.5 / dimension)
        nn.init.zeros_(self.context.weight)

    def forward(self, centre, context, negatives) -> torch.Tensor:
        """The loss of a batch of word numbers `[B]`, `[B]`, `[B, k]`; a scalar."""
        return negative_sampling_loss(
            self.centre(centre), self.context(context), self.context(negatives)
        )
