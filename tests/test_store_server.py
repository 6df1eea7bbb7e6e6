"""The store's server: tokens, going away and coming back, and several processes that write."""

import fcntl
import os
import signal

import numpy as np
import pytest

from course_utils.errors import BadInput
from course_utils.retrieval.connection import (
    StoreError,
    StoreLocked,
    StoreRefused,
    StoreUnreachable,
)
from course_utils.retrieval.ingestion import ingest, ingest_in_processes
from course_utils.retrieval.server import Server, main
from course_utils.retrieval.store import VectorStore
from tests.helpers import run_python
from tests.stores import DIMENSION, TOKEN, chunk, encode, state, units


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Server(tmp_path_factory.mktemp("server") / "store", token=TOKEN) as running:
        yield running


def opened(server: Server, token: str = TOKEN, collection: str = "documentation") -> VectorStore:
    return VectorStore(server.uri, collection, DIMENSION, token)


@pytest.mark.parametrize("token", ["", "root:wrong", TOKEN + "x", TOKEN[:-1], "ünknown"])
def test_a_wrong_token_is_refused(server, token):
    with pytest.raises(StoreRefused, match="does not accept") as caught:
        opened(server, token)
    assert TOKEN not in str(caught.value) and not token or token not in str(caught.value)


def test_a_password_in_the_address_is_taken_and_never_shown(server):
    def address(password: str) -> str:
        return f"http://root:{password}@127.0.0.1:{server.port}"

    with VectorStore(address(TOKEN.partition(":")[2]), "password", DIMENSION) as store:
        assert store.count() == 0 and "root" not in repr(store)
    with pytest.raises(StoreRefused) as caught:
        VectorStore(address("mistake"), "password", DIMENSION)
    assert "mistake" not in str(caught.value)


def test_a_store_outlives_its_server_going_away_and_coming_back(server):
    vectors = units(3)
    with opened(server, collection="outage") as store:
        store.put([chunk(name) for name in "abc"], vectors)
        before = state(store)
        server.stop()
        for call in (store.count, store.digests, lambda: store.search(vectors[0])):
            with pytest.raises(
                StoreUnreachable, match=f"answers at http://127.0.0.1:{server.port}"
            ):
                call()
        with pytest.raises(StoreUnreachable):
            opened(server)
        server.start()
        assert [hit.name for hit in store.search(vectors[1], 1)] == ["b"]  # loads it again
        np.testing.assert_equal(state(store), before)
        # Back before anyone noticed that it was away.
        server.stop()
        server.start()
        assert [hit.name for hit in store.search(vectors[2], 1)] == ["c"]
        store.put([chunk("d")], units(1, seed=9))
        assert store.count() == 4


def test_a_killed_server_loses_nothing_that_was_put(server):
    with opened(server, collection="killed") as store:
        store.put([chunk(name) for name in "abc"], units(3))
        before = state(store)
        server._process.kill()
        server.stop()
        server.start()
        np.testing.assert_equal(state(store), before)


def test_processes_that_write_at_once_leave_what_one_would(server):
    chunks = [chunk(f"p{number}", part) for number in range(60) for part in range(3)]
    with opened(server, collection="alone") as alone, opened(server, collection="many") as many:
        one = ingest(chunks, alone, encode, batch=16, progress=False)
        # A part of it is there, one chunk is old, one document is gone.
        ingest([*chunks[:5], chunk("gone")], many, encode, progress=False)
        many.put([chunk("p1", 0, "as it was")], units(1))
        arguments = (server.uri, encode, 2, "many", DIMENSION, TOKEN)
        found = ingest_in_processes(chunks, *arguments, batch=16, prune=True)
        assert (one.added, found.added, found.replaced) == (180, 175, 1)
        assert (found.removed, found.unchanged) == (1, 4)
        np.testing.assert_equal(state(many), state(alone))
        again = ingest_in_processes(chunks, *arguments, batch=16, prune=True)
        assert (again.unchanged, again.added + again.replaced + again.removed) == (180, 0)


def killed(_texts: list[str]) -> np.ndarray:
    """Ends the process that encodes, as the system does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_process_that_dies_is_told(server):
    with pytest.raises(StoreError, match="killed"):
        ingest_in_processes([chunk("a")], server.uri, killed, 1, "dies", DIMENSION, TOKEN)


def test_a_folder_is_no_place_for_several_processes(tmp_path):
    with pytest.raises(BadInput, match="one process"):
        ingest_in_processes([chunk("a")], str(tmp_path), encode)
    with pytest.raises(BadInput, match="processes"):
        ingest_in_processes([chunk("a")], "http://127.0.0.1:1", encode, processes=0)


def test_a_server_s_folder_is_locked(server):
    with pytest.raises(StoreLocked, match="Another process"):
        VectorStore(server.folder, dimension=DIMENSION)
    with pytest.raises(StoreLocked, match="Another process"):
        Server(server.folder)


@pytest.mark.parametrize("port", [-1, 65_536, "19530", True])
def test_a_port_that_is_none_is_refused(tmp_path, port):
    with pytest.raises(BadInput, match="port"):
        Server(tmp_path, port=port)


def test_a_port_that_is_taken_is_told(server, tmp_path):
    with pytest.raises(StoreError, match="does not start"):
        Server(tmp_path / "other", port=server.port)


def test_the_server_ends_with_the_process_that_started_it(tmp_path):
    code = (
        "import os, signal, sys; from course_utils.retrieval.server import Server\n"
        "Server(sys.argv[1])\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert run_python("-c", code, str(tmp_path)).returncode == -signal.SIGKILL
    with (tmp_path / "LOCK").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # waits for the server, which gives it up as it ends
    with VectorStore(tmp_path, dimension=DIMENSION) as store:
        assert store.count() == 0


def test_the_command_explains_itself(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0 and "--token" in capsys.readouterr().out
