"""What counting alone can guess: the most frequent token, and the most frequent after another."""

from collections import Counter, defaultdict

import numpy as np
import torch

from course_utils import models
from course_utils.masked_lm.masking import Masked

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
        padding = tokenizer.pad_token_id
        self.after: dict[int, Counter] = defaultdict(Counter)
        for row in ids.tolist():
            for first, second in zip(row, row[1:], strict=False):
                if second not in (padding, tokenizer.sep_token_id):
                    self.after[first][second] += 1

    def log_probabilities(self, ids: torch.Tensor, masked: Masked) -> np.ndarray:
        """As `Unigrams`; the token before each place is the true one of `ids` `[n, T]`."""
        rows, columns = masked.chosen.nonzero(as_tuple=True)
        found = np.empty((len(rows), len(self.unigrams.shares)), dtype=np.float32)
        for number, before in enumerate(ids[rows, columns - 1].tolist()):
            counts = self.after.get(before, Counter())
            known = self.weight * self.unigrams.shares
            known[list(counts)] += list(counts.values())
            found[number] = np.log(known / (counts.total() + self.weight))
        return found
