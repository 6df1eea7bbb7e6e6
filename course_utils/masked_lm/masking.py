"""Texts in blocks of tokens, some of which are hidden.

Source: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers", section 3.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from course_utils import embed, models
from course_utils.errors import BadInput

BLOCK_TOKENS = 64
SHARE = 0.15  # of the tokens are to be guessed
MASKED, RANDOM = 0.8, 0.1  # of these become [MASK], and another token; the rest stay as they are


@dataclass(frozen=True)
class Masked:
    """A batch as the model sees it.

    `ids` int64 `[n, T]` with some tokens hidden, `attention` `[n, T]` 1 at tokens, `chosen` bool
    `[n, T]` True where a token is to be guessed, `targets` int64 `[k]` which ones those are.
    """

    ids: torch.Tensor
    attention: torch.Tensor
    chosen: torch.Tensor
    targets: torch.Tensor


def blocks(texts: Sequence[str], tokens: int = BLOCK_TOKENS) -> torch.Tensor:
    """The texts cut into blocks, `[CLS] ... [SEP]`, padded at the end: int64 `[n, tokens]`.

    A block holds tokens of one text alone; what is left over at the end of a text is a block too,
    unless it is shorter than a quarter of one. Raises BadInput where nothing is left.
    """
    tokenizer, _ = models.load()
    room = tokens - 2
    options = {"add_special_tokens": False, "verbose": False}
    rows = []
    for ids in embed.tokenized_in_parts(tokenizer, embed.checked(texts), **options):
        parts = (ids[start : start + room] for start in range(0, len(ids), room))
        rows += [
            [tokenizer.cls_token_id, *part, tokenizer.sep_token_id]
            for part in parts
            if 4 * len(part) >= room
        ]
    if not rows:
        raise BadInput("There is no text that is long enough for a block.")
    padded = tokenizer.pad({"input_ids": rows}, padding="max_length", max_length=tokens)
    return torch.tensor(padded["input_ids"])


def hide(ids: torch.Tensor, seed: int) -> Masked:
    """Choose tokens to be guessed, 15 % at random, and hide them the way BERT does.

    Of the chosen, 80 % become [MASK], 10 % a random token and 10 % stay: what is to be guessed
    cannot be told from what is not. [CLS], [SEP] and padding are never chosen; in each block of
    `ids` `[n, T]` at least one token is. The same seed hides the same.
    """
    tokenizer, _ = models.load()
    generator = torch.Generator().manual_seed(seed)
    special = torch.isin(ids, torch.tensor(tokenizer.all_special_ids))
    luck = torch.rand(ids.shape, generator=generator).masked_fill(special, 2.0)
    chosen = (luck < SHARE) | (luck == luck.min(dim=1, keepdim=True).values)
    chosen &= ~special
    how = torch.rand(ids.shape, generator=generator)
    others = torch.randint(len(tokenizer), ids.shape, generator=generator)
    seen = torch.where(chosen & (how < MASKED), tokenizer.mask_token_id, ids)
    replaced = chosen & (how >= MASKED) & (how < MASKED + RANDOM)
    seen = torch.where(replaced, others, seen)
    attention = (ids != tokenizer.pad_token_id).long()
    return Masked(seen, attention, chosen, ids[chosen])
