"""From text to vectors: token states layer by layer, pooling, and `encode` for many texts.

Taught in L2 (token states, attention) and L3 (pooling).
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from tqdm.auto import tqdm

from course_utils import cache, memory, models
from course_utils.errors import BadInput

POOLINGS = ("mean", "cls", "max")
PRECISIONS = ("auto", "float32", "bfloat16")
MAX_TOKENS = 256  # what the published model reads of a text; BERT's position table ends at 512
POSITIONS = 512
BATCH_TOKENS = 4096  # of a batch, padding included
LONG_WORK = 32  # texts from which on `encode` uses bfloat16, the cache and a progress bar
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
    Raises BadInput where a text is not a string or the list is empty.
    """
    texts = checked([texts] if isinstance(texts, str) else texts)
    if not texts:
        raise BadInput("hidden_states needs at least one text; the list is empty.")
    tokenizer, model = _loaded(role)
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
    with _attention_kept(model) if attention else nullcontext():
        out = model(**batch, output_hidden_states=True, output_attentions=attention)
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
    limit of the model, it is made of signs that the tokenizer drops, or it is one token with what
    stands beside it (after "soft" + soft hyphen + "ware" the tokenizer reads "software").
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
    words = [words] * len(sentences) if isinstance(words, str) else checked(words)
    if not sentences or len(words) != len(sentences):
        raise BadInput(
            f"word_vectors needs sentences and one word each; it got {len(sentences)} sentences "
            f"and {len(words)} words."
        )
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


def static_table() -> tuple[list[str], np.ndarray]:
    """The words that have one vector each, and their vectors: `(words, float32 [V, d])`.

    All of them, in lower case, the most frequent first: 400,000 words of 50 numbers with GloVe.
    """
    vocabulary, table = models.load("static word vectors")
    return vocabulary.words, table.get_input_embeddings().weight.numpy()


def pool(states: torch.Tensor, mask: torch.Tensor, pooling: str = "mean") -> torch.Tensor:
    """One vector a text from token states `[n, T, d]` and a mask `[n, T]` (True or 1 at tokens).

    "mean": over the tokens, padding left out. "cls": the first token. "max": the largest value of
    each dimension, padding left out. Returns `[n, d]`. Source: Reimers and Gurevych 2019, sec. 3.
    """
    if pooling not in POOLINGS:
        raise BadInput(f"Unknown pooling {pooling!r}. Use one of: {', '.join(POOLINGS)}.")
    if states.ndim != 3 or mask.shape != states.shape[:2]:  # some others would broadcast
        shapes = f"{tuple(states.shape)} and {tuple(mask.shape)}"
        raise BadInput(f"pool needs states [n, T, d] and a mask [n, T]; it got {shapes}.")
    if pooling == "cls":
        return states[:, 0]
    weights = mask.unsqueeze(-1).to(states.dtype)  # [n, T, 1]
    if pooling == "mean":
        return (states * weights).sum(1) / weights.sum(1).clamp(min=1)
    return states.masked_fill(weights == 0, -torch.inf).amax(1)


def encode(
    texts: str | Sequence[str],
    pooling: str = "mean",
    normalize: bool = True,
    *,
    layer: int = -1,
    role: str = "sentence encoder",
    max_tokens: int = MAX_TOKENS,
    precision: str = "auto",
    batch_tokens: int = BATCH_TOKENS,
    use_cache: bool = True,
    progress: bool | None = None,
) -> np.ndarray:
    """One vector a text: float32 `[n, d]` (`[d]` for a single string), of length 1 if `normalize`.

    Texts are cut at `max_tokens`, sorted by length and run in batches of at most `batch_tokens`
    tokens, padding included. `layer` counts from 0 (what enters the first layer); -1 is the last.
    `precision="auto"` computes long work (32 texts or more) in bfloat16 where the CPU has
    instructions for it, everything else in float32. Long work is also cached on disk, by weights,
    text and settings, and shows a progress bar (`progress=False` hides it).

    Every string has a vector: "" is the vector of `[CLS] [SEP]` alone, as in sentence-transformers;
    characters that the tokenizer drops (NUL) do not count, unknown ones (many emoji) are `[UNK]`.
    An empty list gives an array `[0, d]`. Raises BadInput for anything that is not a string or an
    option that is not known.
    """
    if isinstance(texts, str):
        options = {"layer": layer, "role": role, "max_tokens": max_tokens, "precision": precision}
        return encode([texts], pooling, normalize, **options)[0]
    texts = checked(texts)
    long_work = len(texts) >= LONG_WORK
    bfloat16 = wants_bfloat16(precision, len(texts))
    if models.role(role).name == "language model":
        raise BadInput("encode reads with encoders: for a language model see embed.hidden_states.")
    tokenizer, model = _loaded(role)
    layers, width = model.config.num_hidden_layers, model.config.hidden_size
    if not -layers - 1 <= layer <= layers:
        raise BadInput(f"There is no layer {layer!r}: the model has layers 0 to {layers}.")
    layer %= layers + 1

    vectors = np.empty((len(texts), width), dtype=np.float32)
    missing, keys, store = list(range(len(texts))), [], None
    if use_cache and long_work and (weights := models.identity(role)):
        store = cache.VectorCache(width)
        dtype = "bfloat16" if bfloat16 else "float32"
        keys = [cache.key(weights, pooling, layer, max_tokens, dtype, text) for text in texts]
        known = store.get(keys)
        for index, key in enumerate(keys):
            if key in known:
                vectors[index] = known[key]
        missing = [index for index in missing if keys[index] not in known]

    numbers = tokenized(tokenizer, [texts[index] for index in missing], max_tokens=max_tokens)
    shown = long_work if progress is None else progress
    bar = tqdm(total=len(missing), desc="encoding", unit="text", disable=not (shown and missing))
    options = {"output_hidden_states": layer != layers}
    with torch.inference_mode(), bar:
        for rows, batch, out in in_batches(
            model, tokenizer, numbers, bfloat16, batch_tokens, **options
        ):
            states = out.last_hidden_state if layer == layers else out.hidden_states[layer]
            at = [missing[row] for row in rows]
            # The mean is taken in float32.
            vectors[at] = pool(states.float(), batch["attention_mask"], pooling).numpy()
            if store:
                store.put({keys[index]: vectors[index] for index in at})
            bar.update(len(rows))
    if normalize:
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return vectors


def has_bfloat16() -> bool:
    """Whether this CPU has bfloat16 instructions; without them autocast is slower, not faster."""
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    if capabilities:
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    probe = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # older PyTorch
    return bool(probe and probe())


def wants_bfloat16(precision: str, texts: int = LONG_WORK) -> bool:
    """Whether layers are to run in bfloat16 for so many texts.

    With "auto" they are where the work is long and the CPU has instructions for it.
    """
    if precision not in PRECISIONS:
        raise BadInput(f"Unknown precision {precision!r}. Use one of: {', '.join(PRECISIONS)}.")
    long_work = texts >= LONG_WORK
    return precision == "bfloat16" or precision == "auto" and long_work and has_bfloat16()


def _loaded(role: str):
    """`models.load` for roles that give vectors of texts."""
    name = models.role(role).name
    if name in NO_VECTORS:
        raise BadInput(f"The {name} {NO_VECTORS[name]}.")
    return models.load(name)


def tokenized(
    tokenizer, *texts: Sequence[str], max_tokens: int | None = None, **options
) -> dict[str, list[list[int]]]:
    """Texts, or pairs of texts from two lists, as token numbers without padding.

    Cut at `max_tokens`, of a pair the longer part first; `options` are the tokenizer's.
    """
    options["return_attention_mask"] = False
    options["return_token_type_ids"] = len(texts) > 1
    if max_tokens is not None:
        options |= {"truncation": "longest_first", "max_length": max_tokens}
    found: dict[str, list[list[int]]] = {"input_ids": []}
    # Until it returns, a tokenizer keeps what it cut off, too: some hundred MB for thousands of
    # long texts. So a part of them at a time.
    for start in range(0, len(texts[0]), 256):
        part = tokenizer(*(side[start : start + 256] for side in texts), **options)
        for name, rows in part.items():
            found.setdefault(name, []).extend(rows)
    return found


def in_batches(
    model, tokenizer, numbers: dict, bfloat16: bool, batch_tokens: int = BATCH_TOKENS, **options
) -> Iterator[tuple[list[int], dict[str, torch.Tensor], object]]:
    """Run a model over what `tokenized` gives: `(rows, batch, output)`, batch after batch.

    `rows` says which texts they are, `batch` are their tensors `[n, T]`; `options` are the model's.
    """
    for rows in batches([len(ids) for ids in numbers["input_ids"]], batch_tokens):
        some = {name: [values[row] for row in rows] for name, values in numbers.items()}
        batch = tokenizer.pad(some, return_tensors="pt")
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            out = model(**batch, **options)
        yield rows, batch, out


def batches(lengths: list[int], batch_tokens: int) -> Iterator[list[int]]:
    """Row numbers, longest texts first, so that a batch holds texts of about one length.

    Longest first also means that a batch that needs too much memory fails at once.
    """
    rows: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: -lengths[row]):
        if rows and (len(rows) + 1) * lengths[rows[0]] > batch_tokens:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


@contextmanager
def _attention_kept(model):
    """Fused attention kernels never build the attention matrix; the plain one does."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def _causal(mask: torch.Tensor) -> torch.Tensor:
    """An additive mask `[n, 1, T, T]`: 0 where a token may look, the lowest float where not."""
    length = mask.shape[1]
    allowed = torch.ones(length, length, dtype=torch.bool).tril() & mask[:, None, None, :]
    return torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)


def checked(texts: Sequence[str]) -> list[str]:
    """The texts as a list, once every one of them is known to be a string that can be encoded."""
    try:
        # A string is a collection too, of its characters; that is never meant here.
        each = iter(None if isinstance(texts, (str, bytes)) else texts)
    except TypeError:
        kind = type(texts).__name__
        raise BadInput(f"Expected a list of strings, not {kind}.") from None
    texts = list(each)
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
