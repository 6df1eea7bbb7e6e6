"""From text to vectors: token states layer by layer, pooling, and `encode` for many texts.

Taught in L2 (token states, attention) and L3 (pooling).
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from tqdm.auto import tqdm

from course_utils import cache, models
from course_utils.errors import BadInput
from course_utils.token_states import (  # noqa: F401, lessons know them by this module's name
    States,
    checked,
    hidden_states,
    loaded,
    occurrences,
    word_positions,
    word_vectors,
)

POOLINGS = ("mean", "cls", "max")
PRECISIONS = ("auto", "float32", "bfloat16")
MAX_TOKENS = 256  # what the published model reads of a text; BERT's position table ends at 512
BATCH_TOKENS = 4096  # of a batch, padding included
LONG_WORK = 32  # texts from which on `encode` uses bfloat16, the cache and a progress bar


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
    tokenizer, model = loaded(role)
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
    if hasattr(torch.cpu, "get_capabilities"):
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return torch.cpu._is_avx512_bf16_supported()  # PyTorch 2.9


def wants_bfloat16(precision: str, texts: int = LONG_WORK) -> bool:
    """Whether layers are to run in bfloat16 for so many texts.

    With "auto" they are where the work is long and the CPU has instructions for it.
    """
    if precision not in PRECISIONS:
        raise BadInput(f"Unknown precision {precision!r}. Use one of: {', '.join(PRECISIONS)}.")
    long_work = texts >= LONG_WORK
    return precision == "bfloat16" or precision == "auto" and long_work and has_bfloat16()


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
