"""A masked language model on the embedded encoder: low-rank adapters, and a head.

The encoder was trained further to compare sentences, and its own masked language model's head was
thrown away. The head here is BERT's without its GELU: a linear map that begins as the identity,
layer normalisation, then a score for each token of the vocabulary by the product with its input
vector ("tied"), and a bias. Sources: Devlin et al. 2019, section 3.1; Press and Wolf 2017, "Using
the Output Embedding to Improve Language Models" (tying).
"""

from dataclasses import dataclass

import torch
from torch import nn
from transformers.modeling_outputs import MaskedLMOutput

from course_utils import low_rank, models
from course_utils.errors import BadInput

RANK = 24


class MaskedLM(low_rank.AdaptedEncoder):
    """Called like a masked language model of transformers. The same `seed` gives the same weights.

    `bias` `[V]`, such as the logarithms of the tokens' shares, is what scores begin with.
    """

    def __init__(self, rank: int = RANK, seed: int = 0, bias: torch.Tensor | None = None):
        super().__init__(rank, seed)
        width, vocabulary = self.config.hidden_size, self.config.vocab_size
        self.head = nn.Linear(width, width)
        self.norm = nn.LayerNorm(width, eps=self.config.layer_norm_eps)
        self.bias = nn.Parameter(torch.zeros(vocabulary) if bias is None else bias.clone().float())
        with torch.no_grad():
            nn.init.eye_(self.head.weight)
            self.head.bias.zero_()
            self.norm.weight.fill_(0.3)  # so that the bias has the say at first

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
        chosen: torch.Tensor | None = None,
    ) -> MaskedLMOutput:
        """Token numbers and mask `[n, T]`; `.logits` are `[n, T, V]`, or `[k, V]` at `chosen`.

        A score for each token of the vocabulary at each place is much: `chosen` saves most of it.
        """
        states = self.encoder(
            input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids
        ).last_hidden_state
        if chosen is not None:
            states = states[chosen]  # [k, d]
        table = self.encoder.get_input_embeddings().weight  # [V, d]
        hidden = self.norm(self.head(states))
        return MaskedLMOutput(logits=hidden @ table.T + self.bias)


@dataclass(frozen=True)
class Guess:
    """A token that may stand at a hidden place, and its probability."""

    token: str
    probability: float


@torch.inference_mode()
def guesses(text: str, first: int = 5, model=None) -> list[list[Guess]]:
    """For each [MASK] of the text the most probable tokens, best first.

    `model` is a `MaskedLM` or any masked language model with the encoder's tokenizer; without it,
    the one that plays the role. Raises BadInput where no [MASK] is in the text.
    """
    tokenizer, role_player = models.load(
        "masked language model" if model is None else "sentence encoder"
    )
    batch = tokenizer(text, truncation=True, return_tensors="pt")
    hidden = batch["input_ids"][0] == tokenizer.mask_token_id
    if not hidden.any():
        raise BadInput(f"There is no {tokenizer.mask_token} in {text!r}.")
    logits = (model or role_player)(**batch).logits[0, hidden]  # [k, V]
    best = logits.float().softmax(dim=-1).topk(first)
    return [
        [
            Guess(tokenizer.convert_ids_to_tokens(number), value)
            for number, value in zip(numbers, values, strict=True)
        ]
        for numbers, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
