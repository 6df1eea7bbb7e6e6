"""The sentence encoder in numpy, for one question at a time: torch alone takes a second to import.

The forward pass of BERT, written out: six layers of attention and a small network each, then the
mean over the tokens. Used by the command `ask`. Source: Vaswani et al. 2017, "Attention Is All You
Need", section 3; Devlin et al. 2019, "BERT", section 3.
"""

import functools
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from course_utils import models
from course_utils.errors import BadInput, CourseError

HEADS = 12
LAYERS = 6
MAX_TOKENS = 64  # of a question, as `dual_encoder.embed_questions` reads it
_EPSILON = 1e-12
_WORDS = "embeddings.word_embeddings.weight"


def encode(text: str, max_tokens: int = MAX_TOKENS) -> np.ndarray:
    """The unit vector of a text: float32 `[384]`, that of `embed.encode(text, max_tokens=...)`.

    Raises BadInput for what is no string, or a limit outside 3 to 512; CourseError where the
    weights are not there or not the published ones.
    """
    if not isinstance(text, str):
        raise BadInput(f"encode reads a string, not {type(text).__name__}.")
    if not isinstance(max_tokens, int) or not 2 < max_tokens <= 512:
        raise BadInput(f"max_tokens={max_tokens!r} is outside 3 to 512, or not whole.")
    path = models.embedded_path()
    ids = np.array(token_numbers(text, max_tokens))
    weights, words = _weights(path)
    return forward(np.concatenate([words[row : row + 1] for row in ids]), weights)


def token_numbers(text: str, max_tokens: int = MAX_TOKENS) -> list[int]:
    """The numbers of the text's tokens, [CLS] and [SEP] included; at most `max_tokens`."""
    try:
        ids = _tokenizer(models.embedded_path()).encode(text).ids
    except (TypeError, UnicodeEncodeError) as error:
        raise BadInput("The text holds half a surrogate pair, which nothing can encode.") from error
    return ids if len(ids) <= max_tokens else [*ids[: max_tokens - 1], ids[-1]]


def forward(words: np.ndarray, weights: Mapping[str, np.ndarray]) -> np.ndarray:
    """From the table's rows of T tokens, float32 `[T, d]`, to the unit vector of them all `[d]`."""
    states = words + weights["embeddings.position_embeddings.weight"][: len(words)]
    states += weights["embeddings.token_type_embeddings.weight"][0]
    states = _norm(states, weights, "embeddings.LayerNorm")
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}"
        seen = _linear(_attention(states, weights, layer), weights, f"{layer}.attention.output")
        states = _norm(states + seen, weights, f"{layer}.attention.output.LayerNorm")
        inner = _gelu(_linear(states, weights, f"{layer}.intermediate"))  # [T, 4 d]
        outer = _linear(inner, weights, f"{layer}.output")
        states = _norm(states + outer, weights, f"{layer}.output.LayerNorm")
    mean = states.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), _EPSILON)


@functools.cache
def _tokenizer(path: Path):
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


@functools.cache
def _weights(path: Path):
    """All weights by name, and the table of words, of which only the rows asked for are read."""
    from safetensors import safe_open

    file = safe_open(str(path / "model.safetensors"), framework="numpy").__enter__()
    shape = json.loads((path / "config.json").read_text(encoding="utf-8"))
    if (shape["num_hidden_layers"], shape["num_attention_heads"]) != (LAYERS, HEADS):
        raise CourseError(f"{path / 'config.json'} describes another model.")
    named = (name for name in file.keys() if name != _WORDS)  # noqa: SIM118 (no mapping)
    return {name: file.get_tensor(name) for name in named}, file.get_slice(_WORDS)


def _linear(states: np.ndarray, weights: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    return states @ weights[f"{name}.dense.weight"].T + weights[f"{name}.dense.bias"]


def _attention(states: np.ndarray, weights: Mapping[str, np.ndarray], layer: str) -> np.ndarray:
    """What each token takes from the others, all heads side by side: `[T, d]`."""
    tokens, width = states.shape

    def heads(part: str) -> np.ndarray:  # [heads, T, d / heads]
        name = f"{layer}.attention.self.{part}"
        out = states @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        return out.reshape(tokens, HEADS, width // HEADS).transpose(1, 0, 2)

    scores = heads("query") @ heads("key").transpose(0, 2, 1) / np.float32((width // HEADS) ** 0.5)
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares /= shares.sum(axis=-1, keepdims=True)
    return (shares @ heads("value")).transpose(1, 0, 2).reshape(tokens, width)


def _norm(states: np.ndarray, weights: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    centred = states - states.mean(axis=-1, keepdims=True)
    spread = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + np.float32(_EPSILON))
    return centred / spread * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def _gelu(x: np.ndarray) -> np.ndarray:
    """x times the share of a normal distribution below x."""
    return x * (1 + _erf(x / np.float32(2**0.5))) / 2


def _erf(x: np.ndarray) -> np.ndarray:
    """The error function, to 1.5e-7. Source: Abramowitz and Stegun 1964, formula 7.1.26."""
    size = np.abs(x)
    t = 1 / (1 + np.float32(0.3275911) * size)
    powers = (1.421413741 + t * (-1.453152027 + t * 1.061405429)).astype(np.float32)
    powers = t * (np.float32(0.254829592) + t * (np.float32(-0.284496736) + t * powers))
    return np.sign(x) * (1 - powers * np.exp(-size * size))
