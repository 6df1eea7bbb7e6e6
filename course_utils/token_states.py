"""What the encoder computes for each token, layer by layer, and where a word is among the tokens.

Taught in L2. Lessons call it by way of `embed`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from course_utils import memory, models
from course_utils.errors import BadInput

POSITIONS = 512  # BERT's position table ends here
NO_VECTORS = {
    "static word vectors": "read no texts: see embed.static_table",
    "masked language model": "gives guesses, and no vectors: see masked_lm.guesses",
    "cross-encoder": "gives scores, and no vectors: see cross_encoder.score",
}


@dataclass(frozen=True)
class States:
    """What the encoder computes for a padded batch of n texts, T tokens long, in all L layers.

    `tokens`: the word pieces of each text, without padding. `mask`: bool `[n, T]`, True at tokens.
    `states`: float32 `[n, L + 1, T, d]`; layer 0 is what enters the first layer.
    `attention`: float32 `[n, L, heads, T, T]`, rows look at columns; None unless asked for.
    `spans`: for each text, the `(start, end)` characters of each token.
    """

    tokens: list[list[str]]
    mask: torch.Tensor
    states: torch.Tensor
    attention: torch.Tensor | None
    spans: list[list[tuple[int, int]]]


@torch.inference_mode()
def hidden_states(
    texts: str | Sequence[str],
    role: str = "contextual encoder",
    attention: bool = False,
    causal: bool = False,
) -> States:
    """Run the encoder once over a batch of texts, in float32, and keep the states of every layer.

    `role` may be "language model", too, a decoder. `causal=True` lets each token of an encoder see
    itself and the tokens before it, as in a decoder; the weights are the same. Meant for
    demonstrations (a few hundred short texts); texts are cut at 512 tokens.
    """
    texts = checked([texts] if isinstance(texts, str) else texts)
    tokenizer, model = loaded(role)
    batch = tokenizer(
        texts,
        padding=True,
        padding_side="right",  # a decoder's, too: its tokens never look at what follows them
        truncation=True,
        max_length=POSITIONS,
        return_tensors="pt",
        return_offsets_mapping=True,
    )
    # A language model is asked for its states only: its guesses are 49,152 numbers a token.
    model = getattr(model, "model", model)
    spans = batch.pop("offset_mapping").tolist()
    mask = batch["attention_mask"].bool()  # [n, T]
    if causal:
        batch["attention_mask"] = _causal(mask)
    # Fused attention kernels never build the attention matrix; the plain one does.
    before = model.config._attn_implementation
    try:
        if attention:
            model.set_attn_implementation("eager")
        out = model(**batch, output_hidden_states=True, output_attentions=attention)
    finally:
        model.set_attn_implementation(before)
    lengths = mask.sum(1).tolist()
    return States(
        tokens=[
            tokenizer.convert_ids_to_tokens(ids[:length])
            for ids, length in zip(batch["input_ids"].tolist(), lengths, strict=True)
        ],
        mask=mask,
        states=torch.stack(out.hidden_states, dim=1),
        attention=torch.stack(out.attentions, dim=1) if attention else None,
        spans=[
            [_without_blanks(text, *span) for span in row[:length]]
            for text, row, length in zip(texts, spans, lengths, strict=True)
        ],
    )


def _without_blanks(text: str, start: int, end: int) -> tuple[int, int]:
    """Where a token begins and ends; a language model's begin with the blank before the word."""
    return end - len(text[start:end].lstrip()), end


def occurrences(text: str, word: str) -> list[tuple[int, int]]:
    """Where `word` stands in `text` as a whole word: the `(start, end)` characters of each time.

    Upper and lower case count as the same, and blanks around `word` do not count. An empty word
    stands nowhere.
    """
    word = word.strip()
    whole = rf"(?<!\w){re.escape(word)}(?!\w)"  # not \b, which would miss "C++"
    return [found.span() for found in re.finditer(whole, text, re.IGNORECASE)] if word else []


def word_positions(states: States, text: str, word: str, index: int = 0) -> list[int]:
    """The token positions of the first of the `occurrences` of `word` in text number `index`.

    Raises BadInput where the word does not occur, or has no tokens of its own: it stands beyond the
    limit of the model, its signs are dropped, or it is one token with what stands beside it (of
    "soft" + soft hyphen + "ware" the tokenizer reads "software").
    """
    found = occurrences(text, word)
    if not found:
        raise BadInput(f"The word {word.strip()!r} does not occur in {text!r}.")
    start, end = found[0]
    word, spans = text[start:end], states.spans[index]
    if len(spans) == POSITIONS and end > max(last for _, last in spans):
        raise BadInput(f"The word {word!r} stands beyond the first {POSITIONS} tokens of its text.")
    positions = [at for at, (first, last) in enumerate(spans) if first < end and last > start]
    if not positions:
        raise BadInput(f"The tokenizer drops the word {word!r}: it has no token.")
    first, last = spans[positions[0]][0], spans[positions[-1]][1]
    if first < start or last > end:
        raise BadInput(
            f"The tokenizer reads {text[first:last]!r} as one word: {word!r} has no tokens there."
        )
    return positions


def word_vectors(
    sentences: Sequence[str],
    words: str | Sequence[str],
    role: str = "contextual encoder",
    causal: bool = False,
    batch: int = 16,
) -> np.ndarray:
    """One vector a layer for one word in each sentence: the mean over the word's pieces.

    `words` is one word for all sentences, or one a sentence. Returns float32 `[n, layers + 1, d]`.
    Raises BadInput where a sentence does not hold its word.
    """
    sentences = checked(sentences)
    words = [words] * len(sentences) if isinstance(words, str) else words
    if len(words) != len(sentences):
        raise BadInput(f"{len(sentences)} sentences have {len(words)} words: each needs one.")
    rows = sorted(range(len(sentences)), key=lambda row: len(sentences[row]))  # little padding
    vectors = {}
    for start in range(0, len(rows), batch):
        some = rows[start : start + batch]
        states = hidden_states([sentences[row] for row in some], role=role, causal=causal)
        for index, row in enumerate(some):
            at = word_positions(states, sentences[row], words[row], index)
            vectors[row] = states.states[index][:, at].mean(dim=1).numpy()  # [layers + 1, d]
        del states  # of a language model some 30 MB
        memory.give_back()
    return np.stack([vectors[row] for row in range(len(rows))])


def loaded(role: str):
    """`models.load` for roles that give vectors of texts."""
    name = models.role(role).name
    if name in NO_VECTORS:
        raise BadInput(f"The {name} {NO_VECTORS[name]}.")
    return models.load(name)


def _causal(mask: torch.Tensor) -> torch.Tensor:
    """An additive mask `[n, 1, T, T]`: 0 where a token may look, the lowest float where not."""
    length = mask.shape[1]
    allowed = torch.ones(length, length, dtype=torch.bool).tril() & mask[:, None, None, :]
    return torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)


def checked(texts: Iterable[str]) -> list[str]:
    """The texts as a list, once every one of them is known to be a string that can be encoded."""
    # A string is a collection too, of its characters; that is never meant here.
    if isinstance(texts, (str, bytes)) or not isinstance(texts, Iterable):
        raise BadInput(f"Expected a list of strings, not {type(texts).__name__}.")
    texts = list(texts)
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise BadInput(
                f"Text {number} is {type(text).__name__}, not a string. Convert it or leave it out."
            )
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise BadInput(
                f"Text {number} holds half a surrogate pair at character {error.start}, which no "
                "encoding can represent. Decode the text again with errors='replace'."
            ) from error
    return texts
