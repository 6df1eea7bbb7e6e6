"""What counting alone can guess: the most frequent token, and the most frequent after another."""

import numpy as np
import torch

from course_utils import models
from course_utils.masked_lm import Masked

WEIGHT = 50.0  # of the single tokens' shares in those of pairs, counted in tokens


class Unigrams:
    """The share of each token of the vocabulary in blocks `[n, T]`, one added to each count."""

    def __init__(self, ids: torch.Tensor):
        tokenizer, _ = models.load()
        counts = torch.bincount(ids.flatten(), minlength=len(tokenizer)).double()
        counts[tokenizer.all_special_ids] = 0
        counts += 1
        self.shares = (counts / counts.sum()).numpy()  # [V]

    def log_probabilities(self, ids: torch.Tensor, masked: Masked) -> np.ndarray:
        """The logarithm of each token's probability at the chosen places: float32 `[k, V]`."""
        row = np.log(self.shares).astype(np.float32)
        return np.broadcast_to(row, (len(masked.targets), len(row)))


class Bigrams:
    """How often a token stands after another, mixed with the share that it has anywhere.

    P(b | a) = (n(a, b) + w share(b)) / (n(a) + w). Source: MacKay and Peto 1995, "A Hierarchical
    Dirichlet Language Model".
    """

    def __init__(self, ids: torch.Tensor, weight: float = WEIGHT):
        tokenizer, _ = models.load()
        self.weight, self.unigrams = weight, Unigrams(ids)
        firsts, seconds = ids[:, :-1].numpy(), ids[:, 1:].numpy()
        real = ~np.isin(seconds, (tokenizer.pad_token_id, tokenizer.sep_token_id))
        pairs = firsts[real] * len(tokenizer) + seconds[real]
        self.pairs, self.counts = np.unique(pairs, return_counts=True)  # sorted by first token

    def log_probabilities(self, ids: torch.Tensor, masked: Masked) -> np.ndarray:
        """As `Unigrams`; the token before each place is the true one of `ids` `[n, T]`."""
        rows, columns = masked.chosen.nonzero(as_tuple=True)
        vocabulary = len(self.unigrams.shares)
        found = np.empty((len(rows), vocabulary), dtype=np.float32)
        for number, before in enumerate(ids[rows, columns - 1].tolist()):
            ends = np.searchsorted(self.pairs, (before * vocabulary, (before + 1) * vocabulary))
            own = slice(*ends)
            known = self.weight * self.unigrams.shares
            known[self.pairs[own] - before * vocabulary] += self.counts[own]
            found[number] = np.log(known / (self.counts[own].sum() + self.weight))
        return found
