"""Long work: batches, bfloat16, the progress bar, and a cache that can be relied on."""

import signal
import sqlite3
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from course_utils import cache, embed, models
from tests.helpers import ROOT, run_python

near = partial(assert_allclose, rtol=0)
ALONE = {"use_cache": False, "progress": False}


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


@pytest.mark.parametrize("budget", [1, 16, 100, 10_000])
def test_batches_keep_to_their_budget_and_do_not_change_the_result(budget, calls):
    texts = ["word " * length for length in (1, 30, 3, 3, 12, 60, 2, 1)]
    lengths = [length + 2 for length in (1, 30, 3, 3, 12, 60, 2, 1)]
    expected = np.stack([embed.encode(text, normalize=False) for text in texts])
    del calls[:]
    near(embed.encode(texts, normalize=False, batch_tokens=budget), expected, atol=1e-5)
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


def many(number: int = 6) -> list[str]:
    return [f"This is text number {n}" + ", and on it goes" * (n % 4) for n in range(number)]


@pytest.fixture
def folder(cache_folder, monkeypatch):
    """An empty cache folder; 4 texts are long work here, or these tests would be."""
    monkeypatch.setattr(embed, "LONG_WORK", 4)
    return cache_folder


def test_the_second_call_reads_the_cache(calls, folder):
    texts = many()
    first = embed.encode(texts, progress=False)
    assert sum(calls) == 6 and (folder / "vectors.sqlite").exists()
    second = embed.encode(texts[::-1], progress=False)
    assert sum(calls) == 6
    assert np.array_equal(second, first[::-1])
    near(first, embed.encode(texts, **ALONE), atol=1e-7)
    assert sum(calls) == 12


def test_only_what_is_new_is_computed(calls, folder):
    embed.encode(many(6), progress=False)
    del calls[:]
    embed.encode(many(9) + many(2), progress=False)
    assert sum(calls) == 3


def test_normalized_and_plain_vectors_share_what_is_kept(calls, folder):
    plain = embed.encode(many(), normalize=False, progress=False)
    unit = embed.encode(many(), normalize=True, progress=False)
    assert sum(calls) == 6
    near(unit, plain / np.linalg.norm(plain, axis=1, keepdims=True), atol=1e-6)
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
def test_other_settings_do_not_share_vectors(calls, folder, other):
    base = {"pooling": "mean", "precision": "float32", "progress": False}
    first = embed.encode(many(), **base)
    second = embed.encode(many(), **base | other)
    assert sum(calls) == 12
    assert not np.array_equal(first, second)
    near(second, embed.encode(many(), **base | other, use_cache=False), atol=1e-7)


def test_the_last_layer_by_either_number_is_one_setting(calls, folder):
    embed.encode(many(), layer=-1, progress=False)
    embed.encode(many(), layer=6, progress=False)
    assert sum(calls) == 6


def test_other_weights_do_not_share_vectors(calls, folder, monkeypatch):
    embed.encode(many(), progress=False)
    monkeypatch.setattr(models, "DIGEST", "0" * 64)
    embed.encode(many(), progress=False)
    assert sum(calls) == 12


def test_short_work_leaves_no_cache_behind(folder):
    embed.encode(many(3))
    embed.encode(many(6), **ALONE)
    assert not folder.exists()


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
        (lambda path: path.write_bytes(b"garbage" * 1000), 6),
        (lambda path: path.write_bytes(path.read_bytes()[:-3000]), 6),
        (lambda path: path.write_bytes(b""), 6),
        (lambda path: path.unlink(), 6),
    ],
    ids=["a row", "garbage", "cut short", "empty", "deleted"],
)
def test_what_is_damaged_is_computed_again(calls, folder, damage, again):
    options = {"precision": "float32", "progress": False}
    right = embed.encode(many(), **options)
    del calls[:]
    damage(folder / "vectors.sqlite")
    near(embed.encode(many(), **options), right, atol=1e-6)
    assert sum(calls) == again
    near(embed.encode(many(), **options), right, atol=1e-6)
    assert sum(calls) == again


SHARED = {"batch_tokens": 100, "precision": "float32", "progress": False}
KILLED = """
import os, signal, sys
from course_utils import embed, models
sys.path.insert(0, ".")
from tests.test_encode_many import SHARED, many

_, model = models.load()
forward, left = model.forward, [4]

def run(*arguments, **options):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return forward(*arguments, **options)

model.forward = run
embed.encode(many(48), **SHARED)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_a_killed_process_leaves_its_finished_batches(calls, cache_folder):
    right = embed.encode(many(48), **SHARED, use_cache=False)
    finished = sum(calls[:4])
    assert finished and len(calls) > 6
    run = run_python("-c", KILLED)
    assert run.returncode == -signal.SIGKILL, run.stderr
    del calls[:]
    near(embed.encode(many(48), **SHARED), right, atol=1e-6)
    assert sum(calls) == 48 - finished


SIDE_BY_SIDE = """
import sys
import numpy as np
from course_utils import embed, models
sys.path.insert(0, ".")
from tests.test_encode_many import SHARED, many

models.load()
print("ready", flush=True)
sys.stdin.readline()
np.save(sys.argv[1], embed.encode(many(48), **SHARED))
"""


def test_two_processes_share_one_cache(calls, cache_folder, tmp_path):
    right = embed.encode(many(48), **SHARED, use_cache=False)
    command = [sys.executable, "-c", SIDE_BY_SIDE, str(tmp_path / "theirs.npy")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as other:
        assert other.stdout.readline() == "ready\n"
        other.stdin.write("go\n")
        other.stdin.flush()
        ours = embed.encode(many(48), **SHARED)
    assert other.returncode == 0
    near(ours, right, atol=1e-6)
    near(np.load(tmp_path / "theirs.npy"), right, atol=1e-6)
    del calls[:]
    embed.encode(many(48), **SHARED)
    assert not calls


def test_a_cache_that_cannot_be_made_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file"))
    with pytest.raises(cache.CacheUnwritable, match="Set COURSE_CACHE"):
        embed.encode(many(32), progress=False)
    assert embed.encode(many(5)).shape == (5, 384)  # short work needs no cache
    assert embed.encode(many(32), **ALONE).shape == (32, 384)


def test_the_cache_holds_vectors_and_no_text(folder):
    embed.encode([f"a secret {n}" for n in range(4)], progress=False)
    (path,) = folder.iterdir()
    assert b"secret" not in path.read_bytes()
