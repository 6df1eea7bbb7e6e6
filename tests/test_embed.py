"""From text to vectors: every kind of input, pooling by hand, and a cache that can be relied on."""

import os
import signal
import sqlite3
import subprocess
import sys

import numpy as np
import pytest
import torch

from course_utils import embed, models
from course_utils.embed import States
from course_utils.errors import BadInput
from tests.helpers import ROOT, run_python

ALONE = {"use_cache": False, "progress": False}


def close(a, b, by: float) -> bool:
    return np.shape(a) == np.shape(b) and float(np.abs(np.subtract(a, b)).max()) <= by


@pytest.fixture(autouse=True)
def one_thread(monkeypatch):
    """Several processes with several threads each would mostly wait for each other."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # of the processes that tests start
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def calls(monkeypatch) -> list[int]:
    """The number of texts in each call of the model, which runs as it is."""
    _, model = models.load()
    forward, counted = model.forward, []

    def counting(*arguments, **options):
        counted.append(len(options["input_ids"]))
        return forward(*arguments, **options)

    monkeypatch.setattr(model, "forward", counting)
    return counted


# ------------------------------------------------------------------------ what `encode` takes


def test_a_list_gives_a_matrix_and_a_string_a_vector():
    matrix = embed.encode(["a small cat", "a large dog"])
    assert matrix.shape == (2, 384) and matrix.dtype == np.float32
    vector = embed.encode("a large dog")
    assert vector.shape == (384,) and vector.dtype == np.float32
    assert close(vector, matrix[1], 1e-6)


@pytest.mark.parametrize("empty", [[], (), iter(()), np.array([], dtype=str)])
@pytest.mark.parametrize("normalize", [True, False])
def test_no_texts_give_no_vectors(empty, normalize, calls):
    vectors = embed.encode(empty, normalize=normalize)
    assert vectors.shape == (0, 384) and vectors.dtype == np.float32 and not calls


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
    """The documented meaning: the vector of [CLS] [SEP] alone, and what drops to nothing is equal."""
    states = embed.hidden_states([""])
    assert states.tokens == [["[CLS]", "[SEP]"]]
    by_hand = states.states[0, -1].mean(0).numpy()
    assert close(embed.encode("", normalize=False), by_hand, 1e-6)
    for nothing in (" \n\t ", "\x00", "\x00\x00"):
        assert np.array_equal(embed.encode(nothing), embed.encode(""))
    assert np.array_equal(embed.encode("on\x00e"), embed.encode("one"))


def test_a_text_beyond_the_limit_is_its_beginning():
    text = "lorem ipsum " * 8334
    tokenizer, _ = models.load()
    assert len(text) > 100_000
    start = tokenizer.decode(tokenizer(text, truncation=True, max_length=256)["input_ids"][1:-1])
    assert np.array_equal(embed.encode(text), embed.encode(start))
    assert not close(embed.encode(text, max_tokens=64), embed.encode(text), 1e-3)


@pytest.mark.parametrize("alone", [None, 3, 2.5, b"bytes", True, object()])
def test_what_is_no_collection_of_strings_is_refused(alone):
    with pytest.raises(BadInput, match=f"Expected a list of strings, not {type(alone).__name__}"):
        embed.encode(alone)


def test_a_single_string_in_a_numpy_array_is_refused():
    with pytest.raises(BadInput):
        embed.encode(np.array("text"))


@pytest.mark.parametrize("inside", [None, 3, 2.5, b"bytes", ["nested"], ("t",), np.array(["t"])])
def test_a_text_that_is_no_string_is_named_by_its_number(inside, calls):
    texts = ["fine", inside]
    with pytest.raises(BadInput, match=f"Text 1 is {type(inside).__name__}, not a string"):
        embed.encode(texts)
    with pytest.raises(BadInput, match="Text 1"):
        embed.hidden_states(texts)
    assert not calls


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
        ({"pooling": None}, "None. Use one of: mean, cls, max"),
        ({"precision": "float16"}, "'float16'. Use one of: auto, float32, bfloat16"),
        ({"layer": 7}, "no layer 7: .* 0 to 6"),
        ({"layer": -8}, "no layer -8"),
        ({"layer": "last"}, "layer 'last'"),
        ({"layer": 1.5}, "layer 1.5"),
        ({"max_tokens": 2}, "max_tokens=2 is outside 3 to 512"),
        ({"max_tokens": 513}, "max_tokens=513 is outside 3 to 512"),
        ({"max_tokens": None}, "max_tokens=None"),
        ({"max_tokens": 10.5}, "max_tokens=10.5"),
    ],
)
def test_an_option_that_is_not_known_is_named(options, message, calls):
    for texts in (["a text"], "a text", []):
        with pytest.raises(BadInput, match=message):
            embed.encode(texts, **options)
    assert not calls


def test_a_role_that_is_not_known_or_not_there():
    with pytest.raises(models.UnknownRole):
        embed.encode(["text"], role="poet")
    with pytest.raises(models.RoleUnavailable):
        embed.encode(["text"], role="cross-encoder")


# --------------------------------------------------------------------- what `encode` computes


@pytest.mark.parametrize("layer", [0, 1, 5, 6, -1, -2, -7])
@pytest.mark.parametrize("pooling", embed.POOLINGS)
def test_a_layer_pooled_is_the_same_as_from_the_states(layer, pooling):
    texts = ["a bat", "the bat flew out of the old barn at dusk", ""]
    states = embed.hidden_states(texts, role="sentence encoder")
    by_hand = embed.pool(states.states[:, layer], states.mask, pooling).numpy()
    assert close(embed.encode(texts, pooling, False, layer=layer), by_hand, 1e-5)


def test_normalizing_is_division_by_the_length():
    texts = ["a bat", "another text altogether"]
    plain = embed.encode(texts, normalize=False)
    lengths = np.sqrt((plain.astype(np.float64) ** 2).sum(1, keepdims=True))
    assert (lengths > 2).all()
    assert close(embed.encode(texts), plain / lengths, 1e-6)


@pytest.mark.parametrize("budget", [1, 16, 100, 10_000])
def test_batches_keep_to_their_budget_and_do_not_change_the_result(budget, calls):
    texts = ["word " * length for length in (1, 30, 3, 3, 12, 60, 2, 1)]
    lengths = [length + 2 for length in (1, 30, 3, 3, 12, 60, 2, 1)]
    expected = np.stack([embed.encode(text, normalize=False) for text in texts])
    del calls[:]
    assert close(embed.encode(texts, normalize=False, batch_tokens=budget), expected, 1e-5)
    assert sum(calls) == len(texts)
    longest = sorted(lengths, reverse=True)
    for size in calls:  # longest first: a batch is as long as its first text
        assert size == 1 or size * longest[0] <= budget
        longest = longest[size:]
    assert len(calls) == {1: 8, 10_000: 1}.get(budget, len(calls))


def test_bfloat16_is_close_to_float32_with_or_without_instructions(cache_folder):
    texts = ["cats", "", "How do I sort a list?", "🙂", "a longer text about many things " * 12]
    for pooling in embed.POOLINGS:
        one = embed.encode(texts, pooling, precision="float32")
        two = embed.encode(texts, pooling, precision="bfloat16")
        assert two.dtype == np.float32
        assert not np.array_equal(one, two)
        assert ((one * two).sum(1) > 0.999).all()


@pytest.mark.parametrize("number, instructions", [(31, True), (32, True), (32, False)])
def test_auto_is_bfloat16_for_long_work_where_the_cpu_can(monkeypatch, number, instructions):
    monkeypatch.setattr(embed, "has_bfloat16", lambda: instructions)
    texts = [f"text number {n}" for n in range(number)]
    auto = embed.encode(texts, **ALONE)
    chosen = "bfloat16" if number >= 32 and instructions else "float32"
    other = {"bfloat16": "float32", "float32": "bfloat16"}[chosen]
    assert np.array_equal(auto, embed.encode(texts, precision=chosen, **ALONE))
    assert not np.array_equal(auto, embed.encode(texts, precision=other, **ALONE))


@pytest.mark.parametrize(
    "capabilities, answer",
    [({"avx512_bf16": True}, True), ({"amx_bf16": True}, True), ({"avx2": True}, False)],
)
def test_where_the_instructions_are_looked_for(monkeypatch, capabilities, answer):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert embed.has_bfloat16() is answer


@pytest.mark.parametrize("found", [True, False])
def test_an_older_pytorch_is_asked_in_its_own_way(monkeypatch, found):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: found, raising=False)
    assert embed.has_bfloat16() is found


def test_short_work_is_silent_and_long_work_has_a_bar(capfd, cache_folder):
    embed.encode(["one", "two"])
    embed.encode("one")
    embed.hidden_states(["one"], attention=True, causal=True)
    texts = [f"text number {n}" for n in range(32)]
    embed.encode(texts, progress=False, use_cache=False)
    assert capfd.readouterr() == ("", "")
    embed.encode(texts)
    assert "32/32" in capfd.readouterr().err
    embed.encode(texts)  # from the cache
    assert capfd.readouterr() == ("", "")


# --------------------------------------------------------------------------------- the cache


def many(number: int = 40) -> list[str]:
    return [f"This is text number {n}" + ", and on it goes" * (n % 4) for n in range(number)]


def test_the_second_call_reads_the_cache(calls, cache_folder):
    texts = many()
    first = embed.encode(texts, progress=False)
    assert sum(calls) == 40 and (cache_folder / "vectors.sqlite").exists()
    second = embed.encode(texts[::-1], progress=False)
    assert sum(calls) == 40
    assert np.array_equal(second, first[::-1])
    assert close(first, embed.encode(texts, **ALONE), 1e-7)
    assert sum(calls) == 80


def test_only_what_is_new_is_computed(calls, cache_folder):
    embed.encode(many(40), progress=False)
    del calls[:]
    embed.encode(many(47), progress=False)
    assert sum(calls) == 7


def test_a_text_twice_in_one_call(cache_folder):
    vectors = embed.encode(many(20) * 2, precision="float32", progress=False)
    assert close(vectors[:20], vectors[20:], 1e-6)
    alone = embed.encode(many(20), precision="float32", **ALONE)
    assert close(vectors[:20], alone, 1e-6)


def test_normalized_and_plain_vectors_share_what_is_kept(calls, cache_folder):
    plain = embed.encode(many(), normalize=False, progress=False)
    unit = embed.encode(many(), normalize=True, progress=False)
    assert sum(calls) == 40
    assert close(unit, plain / np.linalg.norm(plain, axis=1, keepdims=True), 1e-6)
    assert np.array_equal(embed.encode(many(), normalize=False, progress=False), plain)


@pytest.mark.parametrize(
    "other",
    [
        {"pooling": "cls"},
        {"pooling": "max"},
        {"layer": 3},
        {"layer": 0},
        {"max_tokens": 6},
        {"precision": "bfloat16"},
    ],
    ids=str,
)
def test_other_settings_do_not_share_vectors(calls, cache_folder, other):
    base = {"pooling": "mean", "precision": "float32", "progress": False}
    first = embed.encode(many(), **base)
    second = embed.encode(many(), **base | other)
    assert sum(calls) == 80
    assert not np.array_equal(first, second)
    assert close(second, embed.encode(many(), **base | other, use_cache=False), 1e-7)


def test_the_last_layer_by_either_number_is_one_setting(calls, cache_folder):
    embed.encode(many(), layer=-1, progress=False)
    embed.encode(many(), layer=6, progress=False)
    assert sum(calls) == 40


def test_other_weights_do_not_share_vectors(calls, cache_folder, monkeypatch):
    embed.encode(many(), progress=False)
    monkeypatch.setattr(models, "DIGEST", "0" * 64)
    embed.encode(many(), progress=False)
    assert sum(calls) == 80


def test_short_work_leaves_no_cache_behind(cache_folder):
    embed.encode(many(31))
    embed.encode(many(40), **ALONE)
    assert not cache_folder.exists()


def spoil_a_row(path):
    connection = sqlite3.connect(path)
    with connection:
        key, data = connection.execute("SELECT key, data FROM vectors LIMIT 1").fetchone()
        spoiled = bytes([data[0] ^ 255]) + data[1:]
        connection.execute("UPDATE vectors SET data = ? WHERE key = ?", (spoiled, key))
    connection.close()


@pytest.mark.parametrize(
    "damage, again",
    [
        (spoil_a_row, 1),
        (lambda path: path.write_bytes(b"garbage" * 1000), 40),
        (lambda path: path.write_bytes(path.read_bytes()[:-3000]), 40),
        (lambda path: path.write_bytes(b""), 40),
        (lambda path: path.unlink(), 40),
    ],
    ids=["a row", "garbage", "cut short", "empty", "deleted"],
)
def test_what_is_damaged_is_computed_again(calls, cache_folder, damage, again):
    options = {"precision": "float32", "progress": False}
    right = embed.encode(many(), **options)
    del calls[:]
    damage(cache_folder / "vectors.sqlite")
    assert close(embed.encode(many(), **options), right, 1e-6)
    assert sum(calls) == again
    assert close(embed.encode(many(), **options), right, 1e-6)
    assert sum(calls) == again


SHARED = {"batch_tokens": 100, "precision": "float32", "progress": False}
KILLED = """
import os, signal, sys
from course_utils import embed, models
sys.path.insert(0, ".")
from tests.test_embed import SHARED, many

_, model = models.load()
forward, left = model.forward, [4]

def run(*arguments, **options):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return forward(*arguments, **options)

model.forward = run
embed.encode(many(80), **SHARED)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_a_killed_process_leaves_its_finished_batches(calls, cache_folder):
    right = embed.encode(many(80), **SHARED, use_cache=False)
    finished = sum(calls[:4])
    assert finished and len(calls) > 6
    run = run_python("-c", KILLED)
    assert run.returncode == -signal.SIGKILL, run.stderr
    del calls[:]
    assert close(embed.encode(many(80), **SHARED), right, 1e-6)
    assert sum(calls) == 80 - finished


SIDE_BY_SIDE = """
import sys
import numpy as np
from course_utils import embed, models
sys.path.insert(0, ".")
from tests.test_embed import SHARED, many

models.load()
print("ready", flush=True)
sys.stdin.readline()
np.save(sys.argv[1], embed.encode(many(64), **SHARED))
"""


def test_two_processes_share_one_cache(calls, cache_folder, tmp_path):
    right = embed.encode(many(64), **SHARED, use_cache=False)
    other = subprocess.Popen(
        [sys.executable, "-c", SIDE_BY_SIDE, str(tmp_path / "theirs.npy")],
        cwd=ROOT,
        env=dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout.readline() == "ready\n"
    other.stdin.write("go\n")
    other.stdin.flush()
    ours = embed.encode(many(64), **SHARED)
    other.communicate(timeout=60)
    assert other.returncode == 0
    assert close(ours, right, 1e-6)
    assert close(np.load(tmp_path / "theirs.npy"), right, 1e-6)
    del calls[:]
    embed.encode(many(64), **SHARED)
    assert not calls


def test_a_cache_that_cannot_be_made_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    with pytest.raises(Exception, match="Set COURSE_CACHE") as caught:
        embed.encode(many(), progress=False)
    assert type(caught.value).__name__ == "CacheUnwritable"
    assert embed.encode(many(5)).shape == (5, 384)  # short work needs no cache
    assert embed.encode(many(), **ALONE).shape == (40, 384)


def test_the_cache_holds_vectors_and_no_text(cache_folder):
    embed.encode([f"a secret {n}" for n in range(32)], progress=False)
    for path in cache_folder.iterdir():
        assert b"secret" not in path.read_bytes()


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
        assert close(found["mean"][row], inside.mean(0), 1e-12)
        assert close(found["max"][row], inside.max(0), 0)
        assert close(found["cls"][row], inside[0], 0)


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
    with pytest.raises(BadInput):
        embed.hidden_states([], attention=True)
    assert model.config._attn_implementation == before


@pytest.mark.parametrize("nothing", [[], (), iter(())])
def test_states_of_nothing_are_refused(nothing):
    with pytest.raises(BadInput, match="at least one text"):
        embed.hidden_states(nothing)


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
    ],
)
def test_where_a_word_stands(text, word, pieces):
    states = embed.hidden_states([text])
    at = embed.word_positions(states, text, word)
    assert [states.tokens[0][position] for position in at] == pieces
    span = states.spans[0][at[0]][0], states.spans[0][at[-1]][1]
    assert text[slice(*span)].lower() == word.strip().lower()


def test_the_first_of_several_occurrences_counts():
    states = embed.hidden_states(["bat, bat, bat"])
    assert embed.word_positions(states, "bat, bat, bat", "bat") == [1]


@pytest.mark.parametrize(
    "text, word, message",
    [
        ("a combat", "bat", "'bat' does not occur in 'a combat'"),
        ("a bat", "", "does not occur"),
        ("a bat", "  ", "does not occur"),
        ("a bat", ".*", "does not occur"),
        ("word " * 600 + "bat", "bat", "beyond the first 512 tokens"),
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
    assert close(vectors[0], states.states[0][:, 3:5].mean(1).numpy(), 1e-6)
    assert close(vectors[1], states.states[1][:, 1:3].mean(1).numpy(), 1e-6)


def test_a_word_for_each_sentence_and_any_batch_size():
    texts = ["a bat", "the bank of a river", "a long winter before spring"]
    words = ["bat", "bank", "spring"]
    at_once = embed.word_vectors(texts, words)
    one_by_one = embed.word_vectors(texts, words, batch=1)
    assert close(at_once, one_by_one, 1e-5)
    single = [embed.word_vectors([text], word)[0] for text, word in zip(texts, words, strict=True)]
    assert np.array_equal(one_by_one, np.stack(single))


@pytest.mark.parametrize(
    "sentences, words",
    [([], "bat"), ([], []), (["a bat"], []), (["a bat"], ["bat", "bat"]), ("a bat", "bat"),
     (["a bat"], 3), (["a bat"], [3]), ([None], "bat")],
)  # fmt: skip
def test_sentences_and_words_that_do_not_fit(sentences, words):
    with pytest.raises(BadInput):
        embed.word_vectors(sentences, words)


def test_the_static_table_holds_whole_words_and_the_models_own_rows():
    words, matrix = embed.static_table()
    assert len(words) == len(set(words)) == len(matrix) > 20_000
    assert matrix.shape[1] == 384 and matrix.dtype == np.float32
    tokenizer, model = models.load()
    for word in ("king", "queen", "python", "cafe"):
        row = model.get_input_embeddings().weight[tokenizer.get_vocab()[word]]
        assert np.array_equal(matrix[words.index(word)], row.detach().numpy())
    assert not {"[CLS]", "##ing", "[unused1]", "2019", "!", "a"} & set(words)
