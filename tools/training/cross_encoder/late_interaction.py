"""Late interaction: question and text are read apart, and their tokens are compared one by one.

Between one vector a text, whose meanings are mixed, and a cross-encoder, which has to read every
pair: the vectors of a text's tokens are computed once, and any question is compared with them. What
that costs is memory: a vector a token. Source: Khattab and Zaharia 2020, "ColBERT", section 3
(there the sum over the question's tokens, here the mean: it gives the same order).
"""

from collections.abc import Sequence

import numpy as np
import torch

from course_utils import embed, models
from course_utils.errors import BadInput

QUESTION_TOKENS = 64
TEXT_TOKENS = 128


@torch.inference_mode()
def token_vectors(
    texts: Sequence[str], max_tokens: int = TEXT_TOKENS, precision: str = "auto"
) -> list[np.ndarray]:
    """The last layer's state of each token, as a unit vector: for each text float32 `[T, d]`.

    Texts are cut at `max_tokens`. [CLS] and [SEP] count as tokens: an empty text has two.
    `precision` is as in `embed.encode`, and so is what raises BadInput.
    """
    texts = embed.checked(texts)
    tokenizer, model = models.load()
    bfloat16 = embed.wants_bfloat16(precision, len(texts))
    numbers = embed.tokenized(tokenizer, texts, max_tokens=max_tokens)
    found: list[np.ndarray] = [np.empty(0)] * len(texts)
    for rows, _, out in embed.in_batches(model, tokenizer, numbers, bfloat16):
        units = torch.nn.functional.normalize(out.last_hidden_state.float(), dim=-1).numpy()
        for row, unit in zip(rows, units, strict=True):
            length = len(numbers["input_ids"][row])
            found[row] = unit[:length].copy()  # not the padding, nor a view of the batch
    return found


def interaction(question: np.ndarray, text: np.ndarray) -> float:
    """The mean, over the question's tokens `[Q, d]`, of the best cosine with one of `[T, d]`."""
    if question.ndim != 2 or text.ndim != 2 or question.shape[1] != text.shape[1]:
        raise BadInput(
            f"Token vectors are [tokens, d] of one d: not {question.shape} and {text.shape}."
        )
    return float((question @ text.T).max(axis=1).mean())


def score(question: str, texts: Sequence[str], precision: str = "auto") -> np.ndarray:
    """How well each text fits the question: float32 `[n]`, from -1 to 1.

    `precision` is that of the texts, as in `embed.encode`. For more than one question, compute
    `token_vectors` of the texts once.
    """
    (asked,) = token_vectors([question], QUESTION_TOKENS)
    found = [interaction(asked, vectors) for vectors in token_vectors(texts, precision=precision)]
    return np.array(found, dtype=np.float32)
