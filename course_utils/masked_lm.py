"""How BERT is trained: some tokens are hidden, and a model guesses them. Taught in L2.

The model is the embedded encoder with low-rank adapters, and a head. The encoder was trained
further to compare sentences, and its own masked language model's head was thrown away. The head
here is BERT's without its GELU: a linear map that begins as the identity, layer normalisation, then
a score for each token of the vocabulary by the product with its input vector ("tied"), and a bias.
Sources: Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers", section 3.1;
Press and Wolf 2017, "Using the Output Embedding to Improve Language Models" (tying).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from transformers.modeling_outputs import MaskedLMOutput

from course_utils import embed, low_rank, models, trained_parts
from course_utils.errors import BadInput

BLOCK_TOKENS = 64
SHARE = 0.15  # of the tokens are to be guessed
MASKED, RANDOM = 0.8, 0.1  # of these become [MASK], and another token; the rest stay as they are
RANK = 24
SHIPPED = trained_parts.SHIPPED / "masked_lm"


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
    tokenizer = models.load_tokenizer()
    room = tokens - 2
    pieces = embed.tokenized(
        tokenizer, embed.checked(texts), add_special_tokens=False, verbose=False
    )
    rows = []
    for ids in pieces["input_ids"]:
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
    tokenizer = models.load_tokenizer()
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
    tokenizer, player = models.load(
        "masked language model" if model is None else "sentence encoder"
    )
    batch = tokenizer(text, truncation=True, return_tensors="pt")
    hidden = batch["input_ids"][0] == tokenizer.mask_token_id
    if not hidden.any():
        raise BadInput(f"There is no {tokenizer.mask_token} in {text!r}.")
    logits = (model or player)(**batch).logits[0, hidden]  # [k, V]
    best = logits.float().softmax(dim=-1).topk(first)
    return [
        [
            Guess(tokenizer.convert_ids_to_tokens(number), value)
            for number, value in zip(numbers, values, strict=True)
        ]
        for numbers, values in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]


PART = trained_parts.TrainedPart(
    "masked-lm", MaskedLM, lambda: {"encoder": models.identity(), "rank": RANK}
)
save, load, about = PART.save, PART.load, PART.about


def shipped() -> MaskedLM:
    """The one that comes with the course: `make masked-lm` trains it, its card says how."""
    return load(SHIPPED)
