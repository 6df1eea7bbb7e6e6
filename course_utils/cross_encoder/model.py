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
from peft import get_peft_model_state_dict, set_peft_model_state_dict
from torch import nn
from torch.nn.functional import normalize
from transformers.modeling_outputs import SequenceClassifierOutput

from course_utils import embed, low_rank

RANK = 16
SCALE = 15.0  # what the cosine is multiplied by before the first step


class CrossEncoder(nn.Module):
    """The encoder with adapters, and the head: called like a sequence classifier of transformers.

    The same `seed` gives the same weights. Under `torch.autocast` the encoder's layers follow it;
    the head does not, for scores in bfloat16 would be too coarse to rank by.
    """

    def __init__(self, rank: int = RANK, seed: int = 0):
        super().__init__()
        self.encoder = low_rank.adapted(rank, seed, low_rank.ALL_OF_A_LAYER)
        width = self.config.hidden_size
        self.head = nn.Linear(2 * width, 1, bias=False)  # a bias would move all scores alike
        with torch.no_grad():
            self.head.weight[:, :width] = SCALE
            self.head.weight[:, width:] = 0.0

    @property
    def config(self):
        return self.encoder.config

    def train(self, mode: bool = True) -> "CrossEncoder":
        """As in any module, but that the encoder's dropout stays off: steps need less memory.

        In training attention is computed the plain way: on a CPU the fused kernel is a little
        faster forward, and its gradient takes several times as long.
        """
        super().train(mode)
        self.encoder.eval()
        self.set_attn_implementation("eager" if mode else "sdpa")
        return self

    def set_attn_implementation(self, name: str) -> None:
        """How attention is computed, as in models of transformers: "eager", "sdpa"."""
        self.encoder.get_base_model().set_attn_implementation(name)

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

    def trained_weights(self) -> dict[str, torch.Tensor]:
        """What training changes: the adapters' matrices and the head's."""
        return {
            **get_peft_model_state_dict(self.encoder, save_embedding_layers=False),
            "head.weight": self.head.weight.detach(),
        }

    def set_trained_weights(self, tensors: dict[str, torch.Tensor]) -> None:
        """Put `trained_weights` of this or another cross-encoder in place."""
        adapters = {name: value for name, value in tensors.items() if name != "head.weight"}
        set_peft_model_state_dict(self.encoder, adapters)
        with torch.no_grad():
            self.head.weight.copy_(tensors["head.weight"])
