"""What `encode` takes, what it refuses, and what it computes."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from course_utils import embed, models
from course_utils.errors import BadInput

near = partial(assert_allclose, rtol=0)


def test_a_list_gives_a_matrix_and_a_string_a_vector():
    matrix = embed.encode(["a small cat", "a large dog"])
    assert matrix.shape == (2, 384) and matrix.dtype == np.float32
    vector = embed.encode("a large dog")
    assert vector.shape == (384,) and vector.dtype == np.float32
    near(vector, matrix[1], atol=1e-6)


@pytest.mark.parametrize("empty", [[], (), iter(()), np.array([], dtype=str)])
@pytest.mark.parametrize("normalize", [True, False])
def test_no_texts_give_no_vectors(empty, normalize):
    vectors = embed.encode(empty, normalize=normalize)
    assert vectors.shape == (0, 384) and vectors.dtype == np.float32


@pytest.mark.parametrize(
    "collection",
    [
        lambda texts: tuple(texts),
        lambda texts: (text for text in texts),
        lambda texts: np.array(texts),
        lambda texts: np.array(texts, dtype=object),
        lambda texts: dict.fromkeys(texts).keys(),
    ],
    ids=["tuple", "generator", "numpy strings", "numpy objects", "keys"],
)
def test_any_ordered_collection_of_strings_will_do(collection):
    texts = ["one", "the second text", "three"]
    assert np.array_equal(embed.encode(collection(texts)), embed.encode(texts))


STRANGE = {
    "blank": " \n\t ",
    "NUL": "\x00",
    "NUL inside": "one\x00two",
    "emoji": "🙂 👩‍👩‍👧",
    "right to left": "שלום עולם، مرحبا",
    "combined": "e\u0301 ﬁ ½",
    "CJK": "汉字 かな 한글",
    "byte order mark": "\ufeffhello",
    "replacement": "\ufffd",
    "markup": "[CLS] [PAD] [MASK] <b>&amp;</b>",
    "100,000 characters": "lorem ipsum " * 8334,
    "100,000 letters": "a" * 100_000,
}


@pytest.mark.parametrize("text", STRANGE.values(), ids=STRANGE)
@pytest.mark.parametrize("pooling", embed.POOLINGS)
def test_every_string_has_a_vector_of_length_one(text, pooling):
    vector = embed.encode(text, pooling)
    assert np.isfinite(vector).all()
    assert abs(np.linalg.norm(vector) - 1) < 1e-5


def test_what_the_empty_string_is():
    """As documented: the vector of [CLS] [SEP] alone; what drops to nothing is the same."""
    states = embed.hidden_states([""])
    assert states.tokens == [["[CLS]", "[SEP]"]]
    by_hand = states.states[0, -1].mean(0).numpy()
    near(embed.encode("", normalize=False), by_hand, atol=1e-6)
    for nothing in (" \n\t ", "\x00", "\x00\x00"):
        assert np.array_equal(embed.encode(nothing), embed.encode(""))
    assert np.array_equal(embed.encode("on\x00e"), embed.encode("one"))


def test_a_text_beyond_the_limit_is_its_beginning():
    text = "lorem ipsum " * 8334
    tokenizer, _ = models.load()
    assert len(text) > 100_000
    start = tokenizer.decode(tokenizer(text, truncation=True, max_length=256)["input_ids"][1:-1])
    assert np.array_equal(embed.encode(text), embed.encode(start))
    shorter = embed.encode(text, max_tokens=64)
    assert np.abs(shorter - embed.encode(text)).max() > 1e-3


@pytest.mark.parametrize("alone", [None, 3, b"bytes"])
def test_what_is_no_collection_of_strings_is_refused(alone):
    with pytest.raises(BadInput, match=f"Expected a list of strings, not {type(alone).__name__}"):
        embed.encode(alone)


@pytest.mark.parametrize("inside", [None, 2.5, b"bytes", ["nested"]])
def test_a_text_that_is_no_string_is_named_by_its_number(inside):
    texts = ["fine", inside]
    with pytest.raises(BadInput, match=f"Text 1 is {type(inside).__name__}, not a string"):
        embed.encode(texts)
    with pytest.raises(BadInput, match="Text 1"):
        embed.hidden_states(texts)


@pytest.mark.parametrize("text", ["\ud800", "half \udc00 pair", "\ud83d"])
def test_half_a_surrogate_pair_is_refused(text):
    for attempt in (embed.encode, embed.hidden_states):
        with pytest.raises(BadInput, match="Text 0 holds half a surrogate pair at character"):
            attempt([text])
        with pytest.raises(BadInput, match="surrogate"):
            attempt(text)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"pooling": "median"}, "'median'. Use one of: mean, cls, max"),
        ({"precision": "float16"}, "'float16'. Use one of: auto, float32, bfloat16"),
        ({"layer": 7}, "no layer 7: .* 0 to 6"),
        ({"layer": -8}, "no layer -8"),
        ({"role": "static word vectors"}, "static_table"),
        ({"role": "Language model"}, "hidden_states"),
        ({"role": "masked language model"}, "gives guesses, and no vectors"),
        ({"role": "cross-encoder"}, "gives scores, and no vectors"),
    ],
)
def test_an_option_that_is_not_known_or_does_not_fit_is_named(options, message):
    with pytest.raises(BadInput, match=message):
        embed.encode(["a text"], **options)


# ------------------------------------------------------------------------- what it computes


@pytest.mark.parametrize("layer", [0, 1, 5, 6, -1, -2, -7])
@pytest.mark.parametrize("pooling", embed.POOLINGS)
def test_a_layer_pooled_is_the_same_as_from_the_states(layer, pooling):
    texts = ["a bat", "the bat flew out of the old barn at dusk", ""]
    states = embed.hidden_states(texts, role="sentence encoder")
    by_hand = embed.pool(states.states[:, layer], states.mask, pooling).numpy()
    near(embed.encode(texts, pooling, False, layer=layer), by_hand, atol=1e-5)


def test_normalizing_is_division_by_the_length():
    texts = ["a bat", "another text altogether"]
    plain = embed.encode(texts, normalize=False)
    lengths = np.sqrt((plain.astype(np.float64) ** 2).sum(1, keepdims=True))
    assert (lengths > 2).all()
    near(embed.encode(texts), plain / lengths, atol=1e-6)
