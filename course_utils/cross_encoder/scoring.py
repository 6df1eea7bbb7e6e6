"""Scores of texts for a question, and the order that they make. Taught in L2 and L5."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from course_utils import embed, models
from course_utils.errors import BadInput

MAX_TOKENS = 128  # of question and text together, special tokens included
BATCH_TOKENS = 4096


@dataclass(frozen=True)
class Reading:
    """A question and a text as the model reads them: T tokens, L layers.

    `tokens`: `[CLS] question [SEP] text [SEP]`. `segments`: int64 `[T]`, 0 up to the first [SEP],
    then 1. `attention`: float32 `[L, heads, T, T]`, rows look at columns.
    """

    tokens: list[str]
    segments: np.ndarray
    attention: np.ndarray


def score(
    question: str,
    texts: Sequence[str],
    *,
    model=None,
    max_tokens: int = MAX_TOKENS,
    precision: str = "auto",
) -> np.ndarray:
    """How well each text answers the question: float32 `[n]`, the higher the better.

    The scores of one question can be compared with each other, and with nothing else. A text has
    the same score wherever it stands in the list. `model` is a `CrossEncoder` or any sequence
    classifier with the encoder's tokenizer; without it, the one that plays the role. Pairs are cut
    at `max_tokens`, the longer part first. `precision` is as in `embed.encode`.

    Raises BadInput where the question or a text is not a string, or max_tokens is out of range.
    """
    texts = embed.checked(texts)
    if not isinstance(max_tokens, int) or not 4 < max_tokens <= embed.POSITIONS:
        raise BadInput(f"max_tokens={max_tokens!r} is outside 5 to {embed.POSITIONS}.")
    tokenizer, model = _reader(question, model)
    bfloat16 = embed.wants_bfloat16(precision, len(texts))
    # Each text once, in an order of their own: batches do not depend on that of the list.
    distinct = sorted(set(texts))
    found = {}
    pairs = tokenized(tokenizer, [question] * len(distinct), distinct, max_tokens)
    for rows in embed.batches([len(ids) for ids in pairs["input_ids"]], BATCH_TOKENS):
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            logits = model(**padded(tokenizer, pairs, rows)).logits[:, 0]  # [n]
        found |= {distinct[row]: value for row, value in zip(rows, logits.tolist(), strict=True)}
    return np.array([found[text] for text in texts], dtype=np.float32)


def rerank(question: str, texts: Sequence[str], **options) -> tuple[np.ndarray, np.ndarray]:
    """The positions of the texts, best first, int64 `[n]`, and the scores in that order `[n]`.

    Equal scores keep the order of the list. Options and errors are those of `score`.
    """
    scores = score(question, texts, **options)
    order = np.argsort(-scores, kind="stable")
    return order, scores[order]


@torch.inference_mode()
def read(question: str, text: str, *, model=None) -> Reading:
    """Read one pair, in float32, and keep the attention of every head.

    `model`, the length at which a pair is cut, and what raises BadInput are as in `score`.
    """
    tokenizer, model = _reader(question, model)
    pairs = tokenized(tokenizer, [question], embed.checked([text]), MAX_TOKENS)
    batch = padded(tokenizer, pairs, [0])
    with embed.attention_kept(model):
        attention = model(**batch, output_attentions=True).attentions
    return Reading(
        tokenizer.convert_ids_to_tokens(pairs["input_ids"][0]),
        batch["token_type_ids"][0].numpy(),
        torch.cat(attention).numpy(),
    )


def _reader(question: str, model):
    """The tokenizer and the model that reads pairs, for a question that is one."""
    if not isinstance(question, str):
        raise BadInput(f"The question is {type(question).__name__}, not a string.")
    tokenizer, role_player = models.load("cross-encoder" if model is None else "sentence encoder")
    return tokenizer, model or role_player


def tokenized(tokenizer, questions: Sequence[str], texts: Sequence[str], max_tokens: int):
    """`[CLS] question [SEP] text [SEP]` of each pair, not padded: lists of token numbers."""
    if not texts:
        return {"input_ids": []}
    return tokenizer(
        list(questions), list(texts), truncation="longest_first", max_length=max_tokens
    )


def padded(tokenizer, pairs, rows: Sequence[int]) -> dict[str, torch.Tensor]:
    """Some of the `tokenized` pairs as a batch of tensors `[n, T]`."""
    some = {name: [values[row] for row in rows] for name, values in pairs.items()}
    return tokenizer.pad(some, return_tensors="pt")
