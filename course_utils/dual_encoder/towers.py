"""Two small transformers that are trained from nothing: one for questions, one for answers.

Taught in L4. Only the tokenizer is borrowed; every weight starts at random.
"""

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.functional import normalize

from course_utils import embed, models

QUESTION_TOKENS = 24
ANSWER_TOKENS = 64


class Tower(nn.Module):
    """Token and position embeddings, transformer layers, the mean over the tokens, a projection.

    Source of the layers: Vaswani et al. 2017, "Attention Is All You Need", section 3.1.
    """

    def __init__(
        self,
        vocabulary: int,
        dimension: int = 128,
        layers: int = 1,
        heads: int = 4,
        longest: int = ANSWER_TOKENS,
        padding: int = 0,
        dropout: float = 0.1,
    ):
        super().__init__()
        self.padding = padding
        self.tokens = nn.Embedding(vocabulary, dimension, padding_idx=padding)
        self.positions = nn.Embedding(longest, dimension)
        nn.init.normal_(self.positions.weight, std=0.02)  # small: words first, then their order
        layer = nn.TransformerEncoderLayer(
            dimension, heads, 2 * dimension, dropout, batch_first=True, norm_first=True
        )
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.out = nn.Linear(dimension, dimension)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Token numbers `[n, T]`, padded at the end, to unit vectors `[n, d]`."""
        mask = ids != self.padding  # [n, T]
        longest = int(mask.sum(1).max())
        ids, mask = ids[:, :longest], mask[:, :longest]
        places = torch.arange(longest, device=ids.device)
        states = self.tokens(ids) + self.positions(places)  # [n, T, d]
        states = self.encoder(states, src_key_padding_mask=~mask)
        return normalize(self.out(embed.pool(states, mask)), dim=-1)


class Towers(nn.Module):
    """A tower for questions and a tower for answers; each is trained by itself.

    With `same_start` both begin with the same weights, so that a word means the same to both before
    it means anything; without, each tower has to find out what the other one's words are. The same
    `seed` gives the same weights; `options` are those of `Tower`.
    """

    def __init__(self, seed: int = 0, same_start: bool = True, **options):
        super().__init__()
        tokenizer, _ = models.load()
        options = {"vocabulary": len(tokenizer), "padding": tokenizer.pad_token_id, **options}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.question, self.answer = Tower(**options), Tower(**options)
        if same_start:
            self.answer.load_state_dict(self.question.state_dict())

    def questions(self, ids: torch.Tensor) -> torch.Tensor:
        """Token numbers `[n, T]` of questions to unit vectors `[n, d]`."""
        return self.question(ids)

    def answers(self, ids: torch.Tensor) -> torch.Tensor:
        """Token numbers `[n, T]` of answers to unit vectors `[n, d]`."""
        return self.answer(ids)


def tokenize(texts: Sequence[str], max_tokens: int = ANSWER_TOKENS) -> torch.Tensor:
    """The token numbers of each text, cut and padded to one length: int64 `[n, T]`."""
    tokenizer, _ = models.load()
    ids = embed.token_numbers(tokenizer, list(texts), max_tokens)
    return tokenizer.pad({"input_ids": ids}, return_tensors="pt")["input_ids"]
