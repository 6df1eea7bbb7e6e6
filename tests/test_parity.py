"""The same numbers by other ways: sentence-transformers, other batches, and the weights by hand."""

import string
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from safetensors.numpy import load_file

from course_utils import data, embed, models

near = partial(assert_allclose, rtol=0)


ODD = [
    "",
    " \n\t ",
    "\x00",
    "nul\x00inside",
    "🙂👩‍👩‍👧 and 🇩🇪",
    "שלום עולם، مرحبا بالعالم",
    "汉字 かな 한글",
    "e\u0301 ﬁ ½ İstanbul Größe",
    "[CLS] [SEP] [PAD] [MASK]",
    "<b>&amp;</b> https://example.org/?a=1#b",
    "def f(x): return x ** 2  # comment",
    "3.14159 -2e-10 0xFF 1,000,000",
    string.punctuation,
    "pneumonoultramicroscopicsilicovolcanoconiosis",
    "x" * 300,
    "UPPER lower MiXeD",
    "word " * 254,  # with [CLS] and [SEP] exactly the limit
    "word " * 255,
    "a longer text than the model reads, " * 100,
    "\u00ad\u200b\ufeff invisible \ufffd",
]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """300 varied texts: odd strings, authored sentences, words, summaries and whole docstrings."""
    entries = data.documentation()
    chosen = np.random.default_rng(0).choice(len(entries), 125, replace=False)
    made = [*ODD, *(entries[index].text for index in chosen[:25])]
    made += [entries[index].summary for index in chosen[25:]]
    made += [*data.words().word[::15]]
    made += [*data.senses().sentence[::3]]
    made += [*data.pairs()["first"][::4]]
    assert len(set(made)) >= 300
    return made[:300]


def encoded(texts, **options) -> np.ndarray:
    """`encode` in float32, computed now."""
    options = {"precision": "float32", "use_cache": False, "progress": False} | options
    return embed.encode(texts, **options)


@pytest.fixture(scope="module")
def ours(texts) -> np.ndarray:
    return encoded(texts, normalize=False)


# ----------------------------------------------------------------------- sentence-transformers


@pytest.fixture(scope="module")
def peer():
    made = models.sentence_transformer()
    made.max_seq_length = embed.MAX_TOKENS
    return made


def test_mean_pooling_equals_sentence_transformers(texts, ours, peer):
    theirs = peer.encode(texts, normalize_embeddings=True, show_progress_bar=False)
    assert theirs.dtype == np.float32
    near(ours / np.linalg.norm(ours, axis=1, keepdims=True), theirs, atol=1e-6)


@pytest.mark.parametrize("pooling", embed.POOLINGS)
def test_every_pooling_equals_that_of_sentence_transformers(texts, pooling):
    theirs = models.sentence_transformer(pooling)
    theirs.max_seq_length = embed.MAX_TOKENS
    some = texts[100:200:4]
    vectors = theirs.encode(some, normalize_embeddings=True, show_progress_bar=False)
    near(encoded(some, pooling=pooling), vectors, atol=1e-6)


# ------------------------------------------------------------------------------------- batches


def test_a_text_alone_and_in_a_padded_batch_has_the_same_vector(texts, ours):
    for index in range(0, 300, 5):
        near(encoded(texts[index], normalize=False), ours[index], atol=1e-5)


@pytest.mark.parametrize("pooling", embed.POOLINGS)
def test_padding_does_not_matter_for_any_pooling(pooling):
    some = ["A bat.", "", "The bat flew out of the cave at night, and nobody saw it. " * 8]
    options = {"pooling": pooling, "normalize": False}
    together = encoded(some, batch_tokens=10_000, **options)
    for text, vector in zip(some, together, strict=True):
        near(encoded(text, **options), vector, atol=1e-5)


def test_the_order_of_a_batch_does_not_matter(texts, ours):
    order = np.random.default_rng(1).permutation(300)[:100]
    near(encoded([texts[row] for row in order], normalize=False), ours[order], atol=1e-5)


def test_token_states_alone_and_in_a_padded_batch_are_the_same():
    some = ["The seal swam.", "One palm.", "Every organ in the church needs a musician."]
    for causal in (False, True):
        together = embed.hidden_states(some, attention=True, causal=causal)
        for row, text in enumerate(some):
            alone = embed.hidden_states(text, attention=True, causal=causal)
            n = len(alone.tokens[0])
            assert together.tokens[row] == alone.tokens[0]
            near(together.states[row, :, :n], alone.states[0], atol=1e-5)
            near(together.attention[row, :, :, :n, :n], alone.attention[0], atol=1e-5)
            assert not together.attention[row, :, :, :n, n:].any()  # none goes to padding


# -------------------------------------------------------------------------- the layers by hand

SENTENCES = ["At dusk a bat flew out of the cave to hunt insects.", "🙂 tokenization!", ""]
LAYERS, HEADS, WIDTH = 6, 12, 384


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    """The numbers of the weights' file, without any class around them."""
    numbers = load_file(models.embedded_path() / "model.safetensors")
    return {name: array.astype(np.float64) for name, array in numbers.items()}


def linear(x, weights, name: str) -> np.ndarray:
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def layer_norm(x, weights, name: str) -> np.ndarray:
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
    return x * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def softmax(scores) -> np.ndarray:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def gelu(x) -> np.ndarray:
    from scipy.special import erf

    return x * (1 + erf(x / np.sqrt(2))) / 2


def attention_by_hand(x, weights, layer: int, may_look) -> tuple[np.ndarray, np.ndarray]:
    """Mixed values `[T, d]` and weights `[heads, T, T]`; Vaswani et al. 2017, section 3.2."""
    name = f"encoder.layer.{layer}.attention.self"
    q, k, v = (
        linear(x, weights, f"{name}.{part}").reshape(len(x), HEADS, -1).swapaxes(0, 1)
        for part in ("query", "key", "value")
    )
    scores = q @ k.swapaxes(1, 2) / np.sqrt(WIDTH / HEADS)
    share = softmax(np.where(may_look, scores, -np.inf))
    return (share @ v).swapaxes(0, 1).reshape(len(x), WIDTH), share


def layer_by_hand(x, weights, layer: int, may_look) -> tuple[np.ndarray, np.ndarray]:
    """What leaves a layer, `[T, d]`, and its attention weights."""
    name = f"encoder.layer.{layer}"
    mixed, share = attention_by_hand(x, weights, layer, may_look)
    mixed = linear(mixed, weights, f"{name}.attention.output.dense")
    x = layer_norm(x + mixed, weights, f"{name}.attention.output.LayerNorm")
    inner = gelu(linear(x, weights, f"{name}.intermediate.dense"))
    inner = linear(inner, weights, f"{name}.output.dense")
    return layer_norm(x + inner, weights, f"{name}.output.LayerNorm"), share


@pytest.mark.parametrize("causal", [False, True], ids=["both ways", "causal"])
@pytest.mark.parametrize("layer", range(LAYERS))
def test_attention_by_hand_equals_every_layer_of_the_model(weights, layer, causal):
    for text in SENTENCES:
        run = embed.hidden_states(text, attention=True, causal=causal)
        states = run.states[0].numpy().astype(np.float64)
        n = len(run.tokens[0])
        may_look = np.tri(n, dtype=bool) if causal else np.ones((n, n), dtype=bool)
        after, share = layer_by_hand(states[layer], weights, layer, may_look)
        near(share, run.attention[0, layer].numpy(), atol=1e-5)
        near(after, states[layer + 1], atol=1e-5)
        assert np.abs(states[layer + 1] - states[layer]).max() > 0.1


def test_the_whole_model_by_hand_from_token_numbers_to_a_sentence_vector(weights):
    tokenizer, _ = models.load()
    for text in SENTENCES:
        numbers = tokenizer(text)["input_ids"]
        x = weights["embeddings.word_embeddings.weight"][numbers]
        x = x + weights["embeddings.position_embeddings.weight"][: len(numbers)]
        x = x + weights["embeddings.token_type_embeddings.weight"][0]
        x = layer_norm(x, weights, "embeddings.LayerNorm")
        near(x, embed.hidden_states(text).states[0, 0].numpy(), atol=1e-5)
        for layer in range(LAYERS):
            x, _ = layer_by_hand(x, weights, layer, True)
        near(encoded(text, normalize=False), x.mean(0), atol=1e-5)
        near(encoded(text), x.mean(0) / np.linalg.norm(x.mean(0)), atol=1e-6)


def test_with_a_causal_mask_later_tokens_cannot_reach_earlier_ones():
    twins = ["The bat flew out of the cave.", "The bat broke when he hit the ball."]
    shared = 3  # [CLS] the bat
    for causal in (True, False):
        one, other = (embed.hidden_states(text, causal=causal).states[0] for text in twins)
        same = torch.equal(one[:, :shared], other[:, :shared])
        assert same is causal
