"""The cross-encoder: question and text are read together, and one number says how well they fit.

Taught in L3, used in L5. The encoder reads `[CLS] question [SEP] text [SEP]`; every token of the
text sees every token of the question, in all layers. Low-rank adapters in each layer and a small
linear head are trained; the encoder's own weights stay as they are. Source of joint encoding for
ranking: Nogueira and Cho 2019, "Passage Re-ranking with BERT".

A head on the `[CLS]` state or on the mean of all states would begin by knowing nothing. This one
begins as the encoder does, as a cosine: that of the mean over the question's states and the mean
over the text's. The head weighs the cosine's products dimension by dimension, and adds what it
learns to read from the mean itself.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn
from torch.nn.functional import normalize
from transformers.modeling_outputs import SequenceClassifierOutput

from course_utils import embed, low_rank, models, trained_parts

RANK = 16
SCALE = 15.0  # what the cosine is multiplied by before the first step
MAX_TOKENS = 128  # of question and text together, special tokens included
SHIPPED = trained_parts.SHIPPED / "cross_encoder"


class CrossEncoder(low_rank.AdaptedEncoder):
    """The encoder with adapters, and the head: called like a sequence classifier of transformers.

    The same `seed` gives the same weights. Under `torch.autocast` the encoder's layers follow it;
    the head does not, for scores in bfloat16 would be too coarse to rank by.
    """

    def __init__(self, rank: int = RANK, seed: int = 0):
        super().__init__(rank, seed)
        width = self.config.hidden_size
        self.head = nn.Linear(2 * width, 1, bias=False)  # a bias would move all scores alike
        with torch.no_grad():
            self.head.weight[:, :width] = SCALE
            self.head.weight[:, width:] = 0.0

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
    ) -> SequenceClassifierOutput:
        """Pairs as token numbers, mask and segments `[n, T]`; `.logits` `[n, 1]` are the scores.

        Segment 0 is the question with what stands around it, segment 1 the text.
        """
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state.float()  # [n, T, d]
        mask, second = attention_mask.bool(), token_type_ids.bool()
        with torch.autocast(input_ids.device.type, enabled=False):
            question, text, both = (
                normalize(embed.pool(states, part), dim=-1)  # [n, d]
                for part in (mask & ~second, mask & second, mask)
            )
            scores = self.head(torch.cat([question * text, both], dim=-1))  # [n, 1]
        return SequenceClassifierOutput(logits=scores)


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
    at `max_tokens`, the longer part first. `precision` is as in `embed.encode`. Raises BadInput
    where a text is not a string.
    """
    texts = embed.checked(texts)
    tokenizer, player = models.load("cross-encoder" if model is None else "sentence encoder")
    # Each text once, in an order of their own: batches do not depend on that of the list.
    distinct = sorted(set(texts))
    pairs = embed.tokenized(tokenizer, [question] * len(distinct), distinct, max_tokens=max_tokens)
    bfloat16 = embed.wants_bfloat16(precision, len(texts))
    found = {}
    with torch.inference_mode():
        for rows, _, out in embed.in_batches(model or player, tokenizer, pairs, bfloat16):
            scores = out.logits[:, 0].tolist()
            found |= {distinct[row]: value for row, value in zip(rows, scores, strict=True)}
    return np.array([found[text] for text in texts], dtype=np.float32)


PART = trained_parts.TrainedPart(
    "cross-encoder", CrossEncoder, lambda: {"encoder": models.identity(), "rank": RANK}
)
save, load, about = PART.save, PART.load, PART.about


def shipped() -> CrossEncoder:
    """The one that comes with the course: `make cross-encoder` trains it, its card says how."""
    return load(SHIPPED)
