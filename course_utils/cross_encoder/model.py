"""The cross-encoder: question and text are read together, and one number says how well they fit.

Taught in L2. The encoder reads `[CLS] question [SEP] text [SEP]`; every token of the text sees
every token of the question, in all layers. Low-rank adapters in each layer and a small linear head
are trained; the encoder's own weights stay as they are. Source of joint encoding for ranking:
Nogueira and Cho 2019, "Passage Re-ranking with BERT".

A head on the `[CLS]` state or on the mean of all states would begin by knowing nothing. This one
begins as the encoder does, as a cosine: that of the mean over the question's states and the mean
over the text's. The head weighs the cosine's products dimension by dimension, and adds what it
learns to read from the mean itself.
"""

import torch
from torch import nn
from torch.nn.functional import normalize
from transformers.modeling_outputs import SequenceClassifierOutput

from course_utils import embed, low_rank

RANK = 16
SCALE = 15.0  # what the cosine is multiplied by before the first step


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
        **options,
    ) -> SequenceClassifierOutput:
        """Pairs as token numbers, mask and segments `[n, T]`; `.logits` `[n, 1]` are the scores.

        Segment 0 is the question with what stands around it, segment 1 the text. `options` are the
        encoder's: with `output_attentions`, `.attentions` are what it gives.
        """
        batch = {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "token_type_ids": token_type_ids,
        }
        out = self.encoder(**batch, **options)
        states = out.last_hidden_state.float()  # [n, T, d]
        mask, second = attention_mask.bool(), token_type_ids.bool()
        with torch.autocast(input_ids.device.type, enabled=False):
            question, text, both = (
                normalize(embed.pool(states, part), dim=-1)  # [n, d]
                for part in (mask & ~second, mask & second, mask)
            )
            scores = self.head(torch.cat([question * text, both], dim=-1))  # [n, 1]
        return SequenceClassifierOutput(logits=scores, attentions=out.attentions)
