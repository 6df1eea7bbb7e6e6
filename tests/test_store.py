"""The vector store: what `connect` says, what is never stored, and an ingest that is killed."""

import hashlib
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest

from course_utils import retrieval
from course_utils.errors import BadInput
from course_utils.retrieval import Chunk, StoreError, checked, store
from tests.helpers import ROOT, run_python

DIMENSION = 8
FIELDS = ["key", "vector", "name", "section", "text", "digest"]


def documents(count: int, parts: int = 3, word: str = "says") -> list[Chunk]:
    return [
        Chunk(f"d{row}#{part}", f"d{row}", "", f"{word} {row}, {part}")
        for row in range(count)
        for part in range(parts)
    ]


def encode(texts: list[str]) -> np.ndarray:
    """A vector for each text, the same in every process: float32 `[n, 8]`."""
    seeds = [int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) for text in texts]
    return np.array([np.random.default_rng(seed).normal(size=DIMENSION) for seed in seeds])


def collection(client) -> None:
    """An empty collection, as the lesson makes it."""
    if client.has_collection("some"):
        client.drop_collection("some")
    key = {"primary_field_name": "key", "id_type": "string", "max_length": 512}
    client.create_collection("some", dimension=DIMENSION, metric_type="COSINE", **key)


def state(client) -> dict[str, dict]:
    """All that is stored, for np.testing.assert_equal."""
    rows = client.query("some", filter='key != ""', output_fields=FIELDS)
    return {row["key"]: {name: row[name] for name in FIELDS} for row in rows}


def ingest(client, chunks, encode=encode, **settings) -> tuple:
    return tuple(store.ingest(client, "some", chunks, encode, **settings).values())


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store") / "a name.db"
    yield retrieval.connect(folder)
    retrieval.release(folder)


@pytest.fixture
def client(opened):
    """The client of a folder, with an empty collection."""
    collection(opened)
    return opened


# ---- connect and release ---------------------------------------------------------------------

OPENS = """
import sys
from course_utils.retrieval import connect
print(connect(sys.argv[1]).list_collections(), flush=True)
sys.stdin.read()
"""


def test_a_folder_that_another_process_has_is_told_and_free_when_that_one_is_killed(tmp_path):
    folder = tmp_path / "some.db"
    command = [sys.executable, "-c", OPENS, str(folder)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as other:
        assert other.stdout.readline() == "[]\n"
        with pytest.raises(StoreError, match="another notebook or program has it open"):
            retrieval.connect(folder)
        other.kill()
        other.wait()
        assert retrieval.connect(folder).list_collections() == []
    retrieval.release(folder)


def test_a_released_folder_can_be_opened_elsewhere_and_holds_what_was_put(tmp_path):
    folder = tmp_path / "some.db"
    client = retrieval.connect(folder)
    collection(client)
    ingest(client, documents(2))
    before = state(client)
    retrieval.release(folder)
    retrieval.release(folder)  # twice does not matter
    other = run_python("-c", OPENS, str(folder))
    assert (other.returncode, other.stdout, other.stderr) == (0, "['some']\n", "")
    np.testing.assert_equal(state(retrieval.connect(folder)), before)
    retrieval.release(folder)


def test_a_proxy_for_the_network_does_not_stand_before_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    for other in ("no_proxy", "no_grpc_proxy"):
        monkeypatch.delenv(other, raising=False)
    assert retrieval.connect(tmp_path / "some.db").list_collections() == []
    retrieval.release(tmp_path / "some.db")


def test_a_server_that_is_not_there_or_says_nothing_is_not_waited_for():
    with pytest.raises(StoreError, match="No Milvus server .* Is it running"):
        retrieval.connect("http://127.0.0.1:9")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        with pytest.raises(StoreError, match="within 0.5 seconds"):
            retrieval.connect(f"http://127.0.0.1:{silent.getsockname()[1]}", seconds=0.5)


@pytest.mark.parametrize(
    "uri, words",
    [
        ("ftp://host", "is no address"),
        ("", "ends in .db"),
        ("{folder}/missing/some.db", "there is no such folder"),
        ("{folder}/file.db", "is a file"),
    ],
)
def test_what_is_no_place_of_a_store_is_told_and_nothing_is_made(tmp_path, uri, words):
    (tmp_path / "file.db").write_text("text")
    with pytest.raises(BadInput, match=words):
        retrieval.connect(uri.format(folder=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["file.db"]


# ---- vectors that are none ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "vectors, words",
    [
        (np.full(DIMENSION, np.nan), "NaN or infinity"),
        ([[1.0] * DIMENSION, [-np.inf] * DIMENSION], "NaN or infinity"),
        (np.ones((3, 9)), "holds vectors of 8 numbers, not of 9"),
    ],
    ids=["NaN", "infinity", "another encoder"],
)
def test_what_has_no_place_among_the_vectors_is_refused(client, vectors, words):
    with pytest.raises(BadInput, match=words):
        checked(client, "some", vectors)
    with pytest.raises(BadInput, match=words):
        ingest(client, documents(1), lambda _: vectors)
    assert state(client) == {}


# ---- ingest ------------------------------------------------------------------------------------


def never(texts):
    raise AssertionError(f"Nothing is to be embedded, and least of all {texts}")


def test_ingesting_twice_changes_nothing_and_embeds_nothing(client):
    chunks = documents(10)
    assert ingest(client, chunks, batch=8) == (30, 0, 0, 0)
    before = state(client)
    assert list(before) == sorted(chunk.key for chunk in chunks)
    for chunk, vector in zip(chunks, encode([chunk.passage for chunk in chunks]), strict=True):
        np.testing.assert_allclose(before[chunk.key]["vector"], vector, rtol=1e-6)
        assert before[chunk.key]["text"] == chunk.text
    assert ingest(client, chunks[::-1], never) == (0, 0, 0, 30)
    np.testing.assert_equal(state(client), before)


def test_a_changed_document_replaces_its_chunks_loses_stale_ones_and_others_stay(client):
    ingest(client, documents(3))
    before = state(client)
    embedded = []
    changed = [documents(2)[3], Chunk("d1#1", "d1", "", "rewritten")]  # the first is as it was
    told = ingest(client, changed, lambda texts: embedded.extend(texts) or encode(texts))
    assert told == (0, 1, 1, 1) and embedded == ["d1: rewritten"]
    after = state(client)
    assert before.keys() - after.keys() == {"d1#2"}
    assert after["d1#1"]["text"] == "rewritten"
    assert {key for key in after if str(after[key]) != str(before[key])} == {"d1#1"}


def test_more_documents_than_are_asked_for_at_a_time(client, monkeypatch):
    monkeypatch.setattr(store, "_PAGE", 4)
    ingest(client, documents(10))
    assert ingest(client, documents(10, parts=2), never) == (0, 0, 10, 20)


NAMES = [
    'a "quoted"',
    "Newton's laws",
    "x' or key != '",
    "docs\\new.md",
    "two\nlines",
    "#1",
    "中🙂",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_document_of_any_name_is_replaced_and_no_other(client, name):
    ingest(client, documents(2))
    chunks = [Chunk(f"{name}#{part}", name, "", f"part {part}") for part in range(3)]
    assert ingest(client, chunks) == (3, 0, 0, 0)
    assert ingest(client, chunks[:1], never) == (0, 0, 2, 1)
    assert len(state(client)) == 6 + 1


def test_two_documents_of_one_name_are_refused_before_anything_is_embedded(client):
    with pytest.raises(BadInput, match="a name of its own"):
        ingest(client, documents(2) + documents(1, word="another"), never)
    assert state(client) == {}


def before() -> list[Chunk]:
    return documents(12)


def after() -> list[Chunk]:
    """Four of the documents are rewritten and shorter, eight stay, eight are new."""
    return documents(4, parts=2, word="now says") + documents(20)[12:]


KILLED = """
import itertools, os, signal, sys
from milvus_lite.storage.wal import WAL
from course_utils.retrieval import connect, release
from tests.test_store import after, encode, ingest

folder, place, at = sys.argv[1:]

def dies(function):
    calls = itertools.count(1)
    def called(*arguments, **named):
        if next(calls) == int(at):
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **named)
    return called

client = connect(folder)
if place == "encode":
    encode = dies(encode)
else:  # "write_..." while it is put and deleted, "replace" and "remove" as the folder is closed
    of = WAL if place.startswith("write") else os
    setattr(of, place, dies(getattr(of, place)))
ingest(client, after(), encode, batch=10)
release(folder)
"""


@pytest.mark.parametrize(
    "place", ["encode 3", "write_insert 2", "write_delete 1", "replace 1", "remove 1", "remove 2"]
)
def test_a_killed_ingest_goes_on_where_it_was_and_ends_the_same(tmp_path, client, place):
    ingest(client, before())
    ingest(client, after())
    whole = state(client)
    folder = tmp_path / "some.db"
    first = retrieval.connect(folder)
    collection(first)
    ingest(first, before())
    retrieval.release(folder)

    found = run_python("-c", KILLED, str(folder), *place.split())
    assert (found.returncode, found.stderr) == (-signal.SIGKILL, "")
    again = retrieval.connect(folder)  # a killed process leaves no lock
    done = sum(
        row["digest"] == whole.get(key, {}).get("digest") for key, row in state(again).items()
    )
    told = ingest(again, after(), batch=10)
    assert told[0] + told[1] == len(whole) - done
    np.testing.assert_equal(state(again), whole)
    assert ingest(again, after(), never) == (0, 0, 0, len(whole))
    retrieval.release(folder)
    np.testing.assert_equal(state(retrieval.connect(folder)), whole)
    retrieval.release(folder)
