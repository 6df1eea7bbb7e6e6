"""Files and vectors that outlive a process: never half, never damaged, never somebody else's."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading

import numpy as np
import pytest

from course_utils import cache
from course_utils.cache import VectorCache
from tests.helpers import ROOT, run_python

pytestmark = pytest.mark.usefixtures("cache_folder")
ONE = np.array([1.0, -2.5, 0.0], dtype=np.float32)


# --------------------------------------------------------------------------------- the folder


def test_the_folder_is_the_chosen_one_and_is_made_on_demand(cache_folder):
    assert not cache_folder.exists()
    assert cache.folder() == cache_folder
    assert cache_folder.is_dir()


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="the rule of Linux")
@pytest.mark.parametrize("chosen", [None, ""])
def test_without_a_choice_the_folder_is_in_the_users_cache(tmp_path, monkeypatch, chosen):
    if chosen is None:
        monkeypatch.delenv("COURSE_CACHE")
    else:
        monkeypatch.setenv("COURSE_CACHE", chosen)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder() == tmp_path / "xdg" / "embedding-course"
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert cache.folder() == tmp_path / "home" / ".cache" / "embedding-course"


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path, monkeypatch, below):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "file" / below))
    for attempt in (
        cache.folder,
        lambda: cache.read("kind", "name"),
        lambda: cache.write("kind", "name", b""),
        lambda: VectorCache(3),
    ):
        with pytest.raises(cache.CacheUnwritable, match="cannot be created .* Set COURSE_CACHE"):
            attempt()


# ------------------------------------------------------------------------------------- a file


@pytest.mark.parametrize("payload", [b"", b"\x00", b"text\n", bytes(range(256)) * 1000])
def test_what_is_written_is_read(payload):
    assert cache.read("kind", "name") is None
    path = cache.write("kind", "name", payload)
    assert cache.read("kind", "name") == payload
    assert path == cache.path_of("kind", "name")
    cache.write("kind", "name", b"newer")
    assert cache.read("kind", "name") == b"newer"
    assert cache.read("kind", "other") is None and cache.read("other", "name") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:10],
        lambda data: data[:-1],
        lambda data: data[1:],
        lambda data: data + b"x",
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: bytes(len(data)),
    ],
)
def test_a_damaged_file_counts_as_absent_and_can_be_written_again(damage):
    path = cache.write("kind", "name", b"payload")
    path.write_bytes(damage(path.read_bytes()))
    assert cache.read("kind", "name") is None
    cache.write("kind", "name", b"payload")
    assert cache.read("kind", "name") == b"payload"


def test_a_write_that_fails_leaves_the_old_file_and_no_other():
    path = cache.write("kind", "name", b"old")
    with pytest.raises(TypeError):
        cache.write("kind", "name", "text is not bytes")
    assert cache.read("kind", "name") == b"old"
    assert list(path.parent.iterdir()) == [path]
    cache.path_of("kind", "folder").mkdir()
    with pytest.raises(cache.CacheUnwritable, match="cannot be written .* set COURSE_CACHE"):
        cache.write("kind", "folder", b"cannot replace a folder")
    assert sorted(p.name for p in path.parent.iterdir()) == ["folder", "name"]


def test_a_reader_never_sees_half_a_file():
    versions = [bytes([value]) * 200_000 for value in range(2)]
    cache.write("kind", "name", versions[0])
    done = threading.Event()

    def keep_writing():
        for round_ in range(100):
            cache.write("kind", "name", versions[round_ % 2])
        done.set()

    writer = threading.Thread(target=keep_writing)
    writer.start()
    seen = set()
    while not done.is_set():
        seen.add(cache.read("kind", "name"))
    writer.join()
    assert seen <= set(versions)


# -------------------------------------------------------------------------------------- keys


def test_a_key_tells_its_parts_apart():
    keys = [
        cache.key(),
        cache.key(""),
        cache.key("", ""),
        cache.key("ab", "c"),
        cache.key("a", "bc"),
        cache.key("abc"),
        cache.key("c", "ab"),
        cache.key("mean", 1, 12),
        cache.key("mean", 11, 2),
        cache.key("é"),
        cache.key("e\u0301"),
        cache.key("\ud800"),
    ]
    assert len(set(keys)) == len(keys)
    assert all(len(key) == 64 and int(key, 16) >= 0 for key in keys)


def test_a_key_is_the_same_in_every_process():
    code = "from course_utils import cache; print(cache.key('weights', 3, b'\\x00', 'é'))"
    for seed in ("1", "2"):
        run = run_python("-c", code, PYTHONHASHSEED=seed)
        assert run.stdout.strip() == cache.key("weights", 3, b"\x00", "é"), run.stderr


# ------------------------------------------------------------------------------------- vectors


def sql(store: VectorCache, query: str, *values: object) -> None:
    connection = sqlite3.connect(store.path)
    try:
        with connection:
            connection.execute(query, values)
    finally:
        connection.close()


def test_vectors_come_back_bit_by_bit():
    store = VectorCache(3)
    assert store.get(["a"]) == {}
    odd = np.array([-0.0, 1e-45, np.finfo(np.float32).max], dtype=np.float32)
    store.put({"a": ONE, "b": odd})
    found = VectorCache(3).get(["b", "missing", "a", "a"])
    assert set(found) == {"a", "b"}
    for key, vector in (("a", ONE), ("b", odd)):
        assert found[key].dtype == np.float32 and found[key].tobytes() == vector.tobytes()
    store.put({"a": odd})
    assert store.get(["a"])["a"].tobytes() == odd.tobytes()


def test_a_vector_of_another_length_counts_as_absent():
    VectorCache(3).put({"a": ONE})
    assert VectorCache(4).get(["a"]) == {}


@pytest.mark.parametrize(
    "change, values",
    [
        ("data = ?", [ONE.tobytes()[:-1] + b"\x01"]),
        ("data = ?", [ONE.tobytes()[:-1]]),
        ("data = ?", [b""]),
        ("data = ?", [None]),
        ("data = ?", ["twelve chars"]),
        ("data = CAST(? AS TEXT)", [b"\xff"]),
        ("data = ?", [12]),
        ("crc = ?", [1]),
        ("crc = ?", [None]),
        ("crc = ?", ["x"]),
        ("crc = CAST(? AS TEXT)", [b"\xff"]),
        ("(data, crc) = (SELECT data, crc FROM vectors WHERE key = 'good')", []),
    ],
)
def test_a_damaged_row_counts_as_absent_and_harms_no_other(change, values):
    store = VectorCache(3)
    store.put({"bad": ONE, "good": -ONE})
    sql(store, f"UPDATE vectors SET {change} WHERE key = 'bad'", *values)
    assert list(store.get(["bad", "good"])) == ["good"]
    store.put({"bad": 2 * ONE})
    assert np.array_equal(store.get(["bad"])["bad"], 2 * ONE)
    assert [path.name for path in store.path.parent.iterdir()] == ["vectors.sqlite"]


def filled() -> tuple[VectorCache, list[str]]:
    store = VectorCache(3)
    keys = [f"key {number}" for number in range(1000)]
    store.put(dict.fromkeys(keys, ONE))
    return store, keys


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"this is no database " * 500,
        lambda data: data[:50],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-100],
        lambda data: data[:4096] + b"\xff" * 4096 + data[8192:],
        lambda data: b"\x00" * len(data),
    ],
)
@pytest.mark.parametrize("first", ["get", "put"])
def test_a_damaged_database_is_begun_anew(damage, first):
    store, keys = filled()
    store.path.write_bytes(damage(store.path.read_bytes()))
    if first == "put":
        store.put({"new": ONE})  # may be lost: SQLite finds some damage only when it reads
    assert all(np.array_equal(vector, ONE) for vector in store.get(keys).values())
    store.put(dict.fromkeys(keys, 2 * ONE))
    found = store.get(keys)
    assert len(found) == len(keys)
    assert all(np.array_equal(vector, 2 * ONE) for vector in found.values())


def test_a_table_of_another_version_is_begun_anew():
    store = VectorCache(3)
    store.path.parent.mkdir(exist_ok=True)
    sql(store, "CREATE TABLE vectors (key TEXT)")
    assert store.get(["a"]) == {}
    store.put({"a": ONE})
    assert list(store.get(["a"])) == ["a"]


def test_a_folder_in_the_place_of_the_database_is_a_clear_error():
    store = VectorCache(3)
    store.path.mkdir(parents=True)
    for attempt in (lambda: store.get(["a"]), lambda: store.put({"a": ONE})):
        with pytest.raises(cache.CacheUnwritable, match="vectors.sqlite"):
            attempt()


@pytest.mark.parametrize("lock", ["EXCLUSIVE", "IMMEDIATE"])
def test_a_busy_database_is_not_taken_for_a_damaged_one(monkeypatch, lock):
    monkeypatch.setattr(cache, "BUSY_SECONDS", 0.1)
    store = VectorCache(3)
    store.put({"a": ONE})
    other = sqlite3.connect(store.path, isolation_level=None)
    try:
        other.execute(f"BEGIN {lock}")
        with pytest.raises(cache.CacheUnwritable, match="locked"):
            store.put({"b": ONE})
    finally:
        other.close()
    assert list(store.get(["a", "b"])) == ["a"]  # what was there still is
    assert [path.name for path in store.path.parent.iterdir()] == ["vectors.sqlite"]


def test_where_nothing_can_be_written_what_is_kept_is_read(monkeypatch):
    store, keys = filled()
    connect = sqlite3.connect
    monkeypatch.setattr(
        cache.sqlite3,
        "connect",
        lambda path, **options: connect(f"file:{path}?mode=ro", uri=True, **options),
    )
    assert len(store.get(keys)) == len(keys)
    with pytest.raises(cache.CacheUnwritable, match="readonly"):
        store.put({"new": ONE})
    assert len(store.get(keys)) == len(keys)
    assert [path.name for path in store.path.parent.iterdir()] == ["vectors.sqlite"]


# A process that is killed while its transaction is half written to the file: the journal is there.
KILLED = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size = 1")
connection.execute("BEGIN")
connection.execute("UPDATE vectors SET crc = 0")
connection.executemany(
    "INSERT INTO vectors VALUES (?, ?, 0)", [(f"half {i}", bytes(500)) for i in range(2000)]
)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
@pytest.mark.parametrize("damaged", [False, True])
def test_a_killed_transaction_leaves_nothing_behind(damaged):
    store, keys = filled()
    run = run_python("-c", KILLED, str(store.path))
    assert run.returncode == -signal.SIGKILL, run.stderr
    journal = store.path.with_name("vectors.sqlite-journal")
    assert journal.stat().st_size > 0  # or this test would show nothing
    if damaged:
        store.path.write_bytes(b"garbage" * 1000)
        assert store.get(keys) == {}
        store.put(dict.fromkeys(keys, ONE))
    assert len(store.get(keys)) == len(keys)
    assert store.get([f"half {i}" for i in range(2000)]) == {}


WRITER = """
import sys
import numpy as np
from course_utils.cache import VectorCache
store = VectorCache(3)
print("ready", flush=True)
sys.stdin.readline()
for number in range(100):
    store.put({f"{sys.argv[1]} {number}": np.full(3, number)})
"""


@pytest.mark.parametrize("damaged", [False, True])
def test_two_processes_write_at_the_same_time(damaged):
    store = VectorCache(3)
    if damaged:
        store.path.parent.mkdir(exist_ok=True)
        store.path.write_bytes(b"garbage" * 1000)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, name],
            cwd=ROOT,
            env=dict(os.environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("one", "two")
    ]
    for writer in writers:
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:
        writer.stdin.write("go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    found = store.get(f"{name} {number}" for name in ("one", "two") for number in range(100))
    for key, vector in found.items():
        assert vector.tolist() == [float(key.split()[1])] * 3
    assert len(found) == 200  # both may find the damage; only one of them starts anew
