"""Token states, pooling, words in their sentences, and the table of static vectors."""

from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from course_utils import embed, models
from course_utils.embed import States
from course_utils.errors import BadInput

near = partial(assert_allclose, rtol=0)

# ------------------------------------------------------------------------------------ pooling

POOL_STATES = np.array(
    [
        [[1.0, -2.0], [3.0, -4.0], [1e6, 1e6]],
        [[-5.0, -1.0], [1e6, 1e6], [-1e6, 1e6]],
        [[0.0, 2.0], [-1.0, 1.0], [4.0, 0.0]],
    ]
)
POOL_MASK = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1]])
POOLED = {
    "mean": [[2.0, -3.0], [-5.0, -1.0], [1.0, 1.0]],
    "cls": [[1.0, -2.0], [-5.0, -1.0], [0.0, 2.0]],
    "max": [[3.0, -2.0], [-5.0, -1.0], [4.0, 2.0]],
}


@pytest.mark.parametrize("pooling", embed.POOLINGS)
@pytest.mark.parametrize("mask", [torch.bool, torch.int64, torch.float32])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_pooling_by_hand(pooling, mask, dtype):
    states = torch.tensor(POOL_STATES, dtype=dtype)
    before = states.clone()
    pooled = embed.pool(states, torch.tensor(POOL_MASK).to(mask), pooling)
    assert pooled.dtype == dtype
    assert torch.equal(pooled, torch.tensor(POOLED[pooling], dtype=dtype))
    assert torch.equal(states, before)


def test_pooling_against_a_loop_on_random_states():
    rng = np.random.default_rng(0)
    states = rng.normal(size=(20, 9, 5)) - 3  # mostly negative
    lengths = rng.integers(1, 10, size=20)
    mask = np.arange(9) < lengths[:, None]
    found = {
        how: embed.pool(torch.tensor(states), torch.tensor(mask), how).numpy()
        for how in embed.POOLINGS
    }
    for row, length in enumerate(lengths):
        inside = states[row, :length]
        near(found["mean"][row], inside.mean(0), atol=1e-12)
        near(found["max"][row], inside.max(0), atol=0)
        near(found["cls"][row], inside[0], atol=0)


@pytest.mark.parametrize(
    "states, mask, pooling, message",
    [
        ((2, 3, 4), (2, 3), "sum", "Unknown pooling 'sum'"),
        ((2, 3), (2, 3), "mean", r"\(2, 3\)"),
        ((2, 3, 4), (2, 4), "mean", r"\(2, 3, 4\) and \(2, 4\)"),
        ((2, 3, 4), (3,), "max", r"\(3,\)"),
    ],
)
def test_pooling_of_what_does_not_fit_is_refused(states, mask, pooling, message):
    with pytest.raises(BadInput, match=message):
        embed.pool(torch.zeros(states), torch.ones(mask), pooling)


# ---------------------------------------------------------------------- states, words, the table


def test_the_shapes_of_the_states():
    states = embed.hidden_states(["hello world", "tokenization"], attention=True)
    assert isinstance(states, States)
    assert states.tokens[0] == ["[CLS]", "hello", "world", "[SEP]"]
    assert states.tokens[1] == ["[CLS]", "token", "##ization", "[SEP]"]
    assert states.states.shape == (2, 7, 4, 384) and states.states.dtype == torch.float32
    assert states.mask.shape == (2, 4) and states.mask.dtype == torch.bool and states.mask.all()
    assert states.attention.shape == (2, 6, 12, 4, 4)
    assert states.spans[0] == [(0, 0), (0, 5), (6, 11), (0, 0)]
    assert embed.hidden_states(["hello"]).attention is None
    assert embed.hidden_states("hello").tokens == [["[CLS]", "hello", "[SEP]"]]


def test_asking_for_attention_leaves_the_model_as_it_was():
    _, model = models.load()
    before = model.config._attn_implementation
    embed.hidden_states(["hello"], attention=True)
    assert model.config._attn_implementation == before


def test_the_states_of_a_very_long_text_end_with_the_position_table():
    states = embed.hidden_states(["word " * 20_000, "short"])
    assert [len(tokens) for tokens in states.tokens] == [512, 3]
    assert states.mask.sum(1).tolist() == [512, 3]


@pytest.mark.parametrize(
    "text, word, pieces",
    [
        ("A bat and another bat.", "bat", ["bat"]),
        ("The Bat!", "bat", ["bat"]),
        ("the combat bat", "bat", ["bat"]),
        ("I love tokenization", "tokenization", ["token", "##ization"]),
        ("C++ and C", "C++", ["c", "+", "+"]),
        ("a naïve idea", "naïve", ["naive"]),
        ("in New York today", "new york", ["new", "york"]),
        ("the price is $5 (net)", "$5", ["$", "5"]),
        ("  bat  ", " bat ", ["bat"]),
        ("🙂🙂 bat", "bat", ["bat"]),
        ("b\x00at", "b\x00at", ["bat"]),
        ("word " * 509 + "bat", "bat", ["bat"]),
    ],
)
def test_where_a_word_stands(text, word, pieces):
    states = embed.hidden_states([text])
    at = embed.word_positions(states, text, word)
    assert [states.tokens[0][position] for position in at] == pieces
    span = states.spans[0][at[0]][0], states.spans[0][at[-1]][1]
    assert text[slice(*span)].lower() == word.strip().lower()


@pytest.mark.parametrize(
    "text, word, spans",
    [
        ("A bat, a BAT: bats!", "bat", [(2, 5), (9, 12)]),
        ("combat bat_man b.at bat2", "bat", []),
        ("C++, C++x and c++", "C++", [(0, 3), (14, 17)]),
        ("a (net) price", " (net) ", [(2, 7)]),
        ("a naïve, NAÏVE idea", "naïve", [(2, 7), (9, 14)]),
        ("שלום עולם", "עולם", [(5, 9)]),
        ("any text", ".*", []),
        ("any text", " ", []),
        ("", "bat", []),
    ],
)
def test_occurrences_of_a_whole_word(text, word, spans):
    assert embed.occurrences(text, word) == spans


def test_the_first_of_several_occurrences_counts():
    text = "combat, bat, bat"
    states = embed.hidden_states(["", text])
    assert embed.word_positions(states, text, "Bat", index=1) == [3]


@pytest.mark.parametrize(
    "text, word, message",
    [
        ("a combat", "bat", "'bat' does not occur in 'a combat'"),
        ("a bat", "", "does not occur"),
        ("a bat", "  ", "does not occur"),
        ("a bat", ".*", "does not occur"),
        ("word " * 600 + "bat", "bat", "beyond the first 512 tokens"),
        ("word " * 509 + "C++", "C++", "beyond the first 512 tokens"),  # only its C is within
        ("a \x00 bat", "\x00", r"drops the word '\\x00'"),
        ("a \u0301 bat", "\u0301", "drops the word"),
        ("a soft\u00adware", "soft", "reads 'soft.*ware' as one word: 'soft' has no tokens"),
        ("a soft\x00ware", "ware", "reads 'soft.*ware' as one word: 'ware' has no tokens"),
    ],
)
def test_a_word_that_is_not_there(text, word, message):
    with pytest.raises(BadInput, match=message):
        embed.word_vectors([text], word)


def test_a_words_vector_is_the_mean_of_its_pieces():
    texts = ["we like tokenization", "tokenization is what we fear"]
    vectors = embed.word_vectors(texts, "tokenization")
    assert vectors.shape == (2, 7, 384) and vectors.dtype == np.float32
    states = embed.hidden_states(texts)
    near(vectors[0], states.states[0][:, 3:5].mean(1).numpy(), atol=1e-6)
    near(vectors[1], states.states[1][:, 1:3].mean(1).numpy(), atol=1e-6)


def test_a_word_for_each_sentence_and_any_batch_size():
    texts = ["a bat", "the bank of a river", "a long winter before spring"]
    words = ["bat", "bank", "spring"]
    at_once = embed.word_vectors(texts, words)
    one_by_one = embed.word_vectors(texts, words, batch=1)
    near(at_once, one_by_one, atol=1e-5)
    single = [embed.word_vectors([text], word)[0] for text, word in zip(texts, words, strict=True)]
    assert np.array_equal(one_by_one, np.stack(single))


@pytest.mark.parametrize(
    "sentences, words", [(["a bat"], ["bat", "bat"]), ("a bat", "bat"), ([None], "bat")]
)
def test_sentences_and_words_that_do_not_fit(sentences, words):
    with pytest.raises(BadInput):
        embed.word_vectors(sentences, words)


def test_the_static_table_is_the_whole_list_of_words_with_their_vectors():
    words, matrix = embed.static_table()
    vocabulary, table = models.load("static word vectors")
    assert len(words) == len(matrix) == 400_000 and matrix.dtype == np.float32
    king = table.get_input_embeddings().weight[vocabulary.get_vocab()["king"]]
    assert np.array_equal(matrix[words.index("king")], king.numpy())
