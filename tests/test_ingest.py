"""Ingesting: what is embedded and what is not, and that a killed ingest ends as it should."""

import signal
import subprocess
import sys

import numpy as np
import pytest

from course_utils.errors import BadInput
from course_utils.retrieval.ingestion import Ingested, ingest, plan
from course_utils.retrieval.store import VectorStore
from tests.helpers import ROOT
from tests.stores import DIMENSION, chunk, encode, state


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for all tests, each with a collection of its own."""
    folder = tmp_path_factory.mktemp("ingest") / "store"
    with VectorStore(folder, "keeps_it_open", DIMENSION):
        yield folder


@pytest.fixture
def store(folder, request):
    with VectorStore(folder, request.node.originalname, DIMENSION) as found:
        yield found


class Counting:
    """`encode`, and the texts that it was asked for, call by call."""

    def __init__(self):
        self.calls: list[list[str]] = []

    def __call__(self, texts: list[str]) -> np.ndarray:
        self.calls.append(texts)
        return encode(texts)


def documents(count: int, parts: int = 3) -> list:
    return [chunk(f"d{row:03}", part) for row in range(count) for part in range(parts)]


def test_the_first_time_everything_is_embedded_once_in_batches(store):
    chunks, counting = documents(10), Counting()
    assert ingest(chunks, store, counting, batch=8, progress=False) == Ingested(30, 0, 0, 0)
    assert [len(texts) for texts in counting.calls] == [8, 8, 8, 6]
    assert sum(counting.calls, []) == [one.passage for one in chunks]
    found = store.get([one.key for one in chunks])
    np.testing.assert_array_equal(
        [one.vector for one in found.values()], encode([one.passage for one in chunks])
    )
    assert store.digests() == {one.key: one.digest for one in chunks}


def test_the_same_documents_again_change_nothing_and_embed_nothing(store):
    chunks = documents(10)
    ingest(chunks, store, encode, progress=False)
    before, counting = state(store), Counting()
    assert ingest(chunks[::-1], store, counting, progress=False) == Ingested(0, 0, 0, 30)
    assert not counting.calls
    np.testing.assert_equal(state(store), before)


def test_a_changed_document_replaces_its_chunks_and_loses_those_it_no_longer_has(store):
    ingest(documents(3), store, encode, progress=False)
    # d001 has two parts now, and its second is another; d000 and d002 are not given at all.
    changed, counting = [chunk("d001", 0), chunk("d001", 1, "rewritten")], Counting()
    assert ingest(changed, store, counting, progress=False) == Ingested(0, 1, 1, 1)
    assert counting.calls == [["d001: rewritten"]]
    assert store.count() == 8 and "d001#2" not in store.digests()
    assert store.get(["d001#1"])["d001#1"].text == "rewritten"
    (hit,) = store.search(encode(["d001: rewritten"])[0], 1)
    assert hit.key == "d001#1" and hit.score == pytest.approx(1, abs=1e-6)


def test_documents_that_are_gone_go_where_pruning_is_asked_for(store):
    chunks = documents(4)
    ingest(chunks, store, encode, progress=False)
    assert ingest(chunks[:6], store, encode, progress=False) == Ingested(0, 0, 0, 6)
    assert store.count() == 12
    assert ingest(chunks[:6], store, encode, progress=False, prune=True) == Ingested(0, 0, 6, 6)
    assert list(store.digests()) == [one.key for one in chunks[:6]]
    assert ingest([], store, encode, progress=False, prune=True) == Ingested(0, 0, 6, 0)
    assert store.count() == 0


def test_a_name_that_begins_like_another_s_is_another_document():
    stored = {"a#0": "x", "a#1": "x", "a.b#1": "x", "a#b#0": "x", "a#b#1": "x"}
    assert plan([chunk("a")], stored).remove == ["a#1"]
    assert plan([chunk("a#b")], stored).remove == ["a#b#1"]


def test_an_encoder_that_fails_or_is_wrong_leaves_what_was_done(store):
    chunks = documents(4)

    def wrong(texts: list[str]) -> np.ndarray:
        vectors = encode(texts)
        vectors[["d002#1" in text or "d002: What d002 does, part 1." == text for text in texts]] = 0
        return vectors

    with pytest.raises(BadInput, match="'d002#1'.* is all zeros"):
        ingest(chunks, store, wrong, batch=4, progress=False)
    assert store.count() == 4  # the first batch
    counting = Counting()
    assert ingest(chunks, store, counting, progress=False) == Ingested(8, 0, 0, 4)
    assert sum(map(len, counting.calls)) == 8


@pytest.mark.parametrize("batch", [0, -1, 2.5, True, None], ids=str)
def test_a_batch_that_cannot_be_is_refused(store, batch):
    with pytest.raises(BadInput, match="batch"):
        ingest([chunk("a")], store, encode, batch)


def test_a_key_that_comes_twice_is_refused_before_anything_is_embedded(store):
    counting = Counting()
    with pytest.raises(BadInput, match="comes twice"):
        ingest([chunk("a"), chunk("b"), chunk("a", 0, "other")], store, counting)
    assert not counting.calls


def test_the_bar_counts_chunks_and_is_not_shown_where_there_is_nothing_to_do(store, capsys):
    ingest(documents(2), store, encode, batch=4)
    shown = capsys.readouterr().err
    assert "ingest" in shown and "6/6" in shown
    ingest(documents(2), store, encode)
    ingest(documents(3), store, encode, progress=False)
    assert capsys.readouterr().err == ""


KILLED = """
import os, signal, sys
from course_utils.retrieval import ingestion as module
from course_utils.retrieval.store import VectorStore
from tests.stores import chunk, encode
from tests.test_ingest import after, before, changes

calls = 0
place, at = sys.argv[1], sys.argv[2]

def dies(texts):
    global calls
    calls += 1
    if at == f"encode {calls}":
        os.kill(os.getpid(), signal.SIGKILL)
    return encode(texts)

class Store(VectorStore):
    def delete(self, keys):
        if at == "delete":
            os.kill(os.getpid(), signal.SIGKILL)
        super().delete(keys)
        if at == "flush":
            os.kill(os.getpid(), signal.SIGKILL)

    def put(self, chunks, vectors):
        super().put(chunks, vectors)
        print(len(chunks), flush=True)

module.ingest(changes(), Store(place, dimension=8), dies, batch=10, progress=False, prune=True)
"""


def before() -> list:
    return documents(12)


def after() -> list:
    """Ten documents stay, of which four are others; two go; eight are new."""
    changed = [chunk(f"d{row:03}", part, "rewritten") for row in range(4) for part in range(2)]
    return changed + documents(20)[12:30] + documents(20)[36:]


changes = after


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The store after both ingests without a kill: what it holds, and what the second did."""
    with VectorStore(tmp_path_factory.mktemp("whole"), dimension=DIMENSION) as store:
        ingest(before(), store, encode, progress=False)
        done = ingest(after(), store, encode, progress=False, prune=True)
        return state(store), done


@pytest.mark.parametrize("at", ["encode 1", "encode 3", "delete", "flush"])
def test_a_killed_ingest_goes_on_where_it_was_and_ends_the_same(tmp_path, uninterrupted, at):
    whole, done = uninterrupted
    with VectorStore(tmp_path, dimension=DIMENSION) as store:
        ingest(before(), store, encode, progress=False)
    found = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), at], cwd=ROOT, capture_output=True, text=True
    )
    assert (found.returncode, found.stderr) == (-signal.SIGKILL, "")
    written = sum(map(int, found.stdout.split()))
    assert written == {"encode 1": 0, "encode 3": 20}.get(at, done.added + done.replaced)
    counting = Counting()
    with VectorStore(tmp_path, dimension=DIMENSION) as store:  # a killed process leaves no lock
        rest = ingest(after(), store, counting, progress=False, prune=True)
        np.testing.assert_equal(state(store), whole)
        assert store.count() == len(whole)
    assert rest.added + rest.replaced == done.added + done.replaced - written
    assert sum(map(len, counting.calls)) == rest.added + rest.replaced
    assert rest.removed == (0 if at == "flush" else done.removed)
    with VectorStore(tmp_path, dimension=DIMENSION) as store:  # and so it stays
        np.testing.assert_equal(state(store), whole)
