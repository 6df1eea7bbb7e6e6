"""The vector store: one suite for a folder and for a server, against a comparison by hand."""

import fcntl
import gc
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from course_utils.errors import BadInput
from course_utils.retrieval.connection import StoreError, StoreLocked, StoreMismatch
from course_utils.retrieval.exact import exact_search
from course_utils.retrieval.server import Server
from course_utils.retrieval.store import INDEXES, VectorStore
from tests.helpers import run_python
from tests.stores import DIMENSION, TOKEN, chunk, state, units

NASTY = [
    'a "quoted" name',
    "an 'apostrophe'",
    "back\\slash\\",
    'x" or name != "',
    "two\nlines\tand\r",
    "ünï中文🙂",
    "%_*",
    "",
]


@pytest.fixture(scope="module", params=["folder", "server"])
def place(request, tmp_path_factory) -> dict:
    """Where the store is: the arguments of VectorStore. Each test has a collection of its own."""
    folder = tmp_path_factory.mktemp("store") / "any name"
    if request.param == "folder":
        with VectorStore(folder, "keeps_it_open", DIMENSION):  # so that it is opened once only
            yield {"uri": folder}
    else:
        with Server(folder, token=TOKEN) as server:
            yield {"uri": server.uri, "token": TOKEN}


@pytest.fixture
def opened(place, request):
    """Opens the test's collection; what it opened is closed after the test."""
    name = "".join(letter if letter.isalnum() else "_" for letter in request.node.name)
    stores = []

    def make(**settings) -> VectorStore:
        stores.append(
            VectorStore(**place | {"collection": name, "dimension": DIMENSION} | settings)
        )
        return stores[-1]

    yield make
    for store in stores:
        store.close()


def names(hits) -> list[str]:
    return [hit.name for hit in hits]


def test_the_nearest_are_those_of_the_exact_search(opened):
    store, vectors = opened(), 3 * units(300)  # a cosine does not depend on the length
    questions = units(7, seed=1)
    chunks = [chunk(f"n{row}", package="numpy" if row % 3 else "torch") for row in range(300)]
    store.put(chunks, vectors)
    wanted = exact_search(questions, vectors / 3, 10)
    found = store.search(questions, 10)
    assert [[int(name[1:]) for name in names(hits)] for hits in found] == wanted.rows.tolist()
    scores = [[hit.score for hit in hits] for hits in found]
    np.testing.assert_allclose(scores, wanted.scores, atol=1e-6)
    assert names(store.search(questions[0], 10)) == names(found[0])  # one question, one list
    hit = found[0][0]
    row = int(wanted.rows[0, 0])
    assert (hit.key, hit.package) == (chunks[row].key, chunks[row].package)
    assert (hit.section, hit.text) == ("", chunks[row].text)
    some = exact_search(questions, vectors[::3] / 3, 10)
    found = store.search(questions, 10, where={"package": "torch"})
    assert [[int(name[1:]) // 3 for name in names(hits)] for hits in found] == some.rows.tolist()


@pytest.mark.parametrize("index", INDEXES)
def test_every_index_finds_a_vector_by_itself(opened, index):
    store, vectors = opened(index=index), units(2_600)  # enough for the 64 cells of IVF
    store.put([chunk(f"n{row}") for row in range(2_600)], vectors)
    for _ in range(2):  # before the index is built and after it
        hits = store.search(vectors[::500], 5)
        assert [found[0].name for found in hits] == [f"n{row}" for row in range(0, 2_600, 500)]
        assert all(len(found) == 5 for found in hits)
        store.flush()
    assert len(store.search(vectors[0], 300)) == 300


def test_equal_scores_are_in_the_order_of_the_keys(opened):
    """60 equal vectors, put in disorder: the store's own choice of 3 of them would be by chance."""
    store, vectors = opened(), np.repeat(units(2), [60, 5], axis=0)
    order = np.random.default_rng(0).permutation(65)
    chunks = [chunk(f"{row:02}") for row in range(65)]
    store.put([chunks[row] for row in order], vectors[order])
    assert names(store.search(vectors[0], 3)) == ["00", "01", "02"]
    assert names(store.search(vectors[0], 61)) == [f"{row:02}" for row in range(61)]
    assert names(store.search(vectors[-1], 2)) == ["60", "61"]


def test_putting_again_replaces(opened):
    store, vectors = opened(), units(4)
    store.put([chunk("a"), chunk("b")], vectors[:2])
    store.put([chunk("b", text="new"), chunk("c")], vectors[2:])
    assert store.count() == 3
    assert store.digests() == {
        f"{name}#0": chunk(name, text=text).digest
        for name, text in [("a", ""), ("b", "new"), ("c", "")]
    }
    found = store.get(["c#0", "missing", "b#0", "c#0"])
    assert list(found) == ["c#0", "b#0"] and found["b#0"].text == "new"
    np.testing.assert_array_equal(found["b#0"].vector, vectors[2])
    assert found["b#0"].vector.dtype == np.float32
    assert store.search(vectors[1], 1)[0].score < 0.999  # the old vector is gone


def test_deleting(opened):
    store = opened()
    store.put([chunk(name) for name in "abc"], units(3))
    store.delete(["b#0", "missing", "b#0"])
    store.delete([])
    assert store.count() == 2 and list(store.digests()) == ["a#0", "c#0"]
    assert names(store.search(units(3)[1], 3)) in (["a", "c"], ["c", "a"])
    store.put([chunk("b")], units(1))
    assert store.count() == 3


def test_more_than_one_page_of_keys(opened):
    store = opened()
    store.put([chunk(f"n{row}") for row in range(2_345)], units(2_345))
    digests = store.digests()
    assert len(digests) == 2_345 and list(digests) == sorted(digests)
    assert len(store.get(list(digests))) == 2_345
    store.delete(list(digests)[:1_500])
    assert store.count() == 845 and len(store.digests()) == 845


def test_an_empty_store(opened):
    store = opened()
    assert (store.count(), store.digests(), store.get(["a"])) == (0, {}, {})
    assert store.search(units(1)[0]) == [] and store.search(units(2)) == [[], []]
    store.put([], np.empty((0, DIMENSION)))
    store.flush()
    assert store.search(np.empty((0, DIMENSION))) == []


def test_texts_of_every_kind_come_back_and_can_be_filtered_by(opened):
    store, vectors = opened(), units(len(NASTY))
    chunks = [chunk(f"{name}!", text=name or "-", package=name) for name in NASTY]
    store.put(chunks, vectors)
    for row, one in enumerate(chunks):
        assert names(store.search(vectors[0], 9, where={"package": one.package})) == [one.name]
        found = store.search(vectors[0], 9, where={"name": one.name, "package": one.package})
        assert [(hit.key, hit.text) for hit in found] == [(one.key, one.text)]
        assert store.get([one.key])[one.key].package == one.package
        store.delete([one.key])
        assert store.count() == len(NASTY) - row - 1


def test_a_filter_that_fits_nothing_and_none_at_all(opened):
    store = opened()
    store.put([chunk("a")], units(1))
    assert store.search(units(1)[0], where={"package": "PyTorch"}) == []
    assert len(store.search(units(1)[0], where={})) == 1


@pytest.mark.parametrize(
    "where, words",
    [
        ({"pakage": "numpy"}, "no field 'pakage'"),
        ({"digest": "x"}, "no field 'digest'"),
        ({"name == 'a' or name": "a"}, "no field"),
        ({"package": 3}, "has to be a text"),
        ({"package": ["numpy"]}, "has to be a text"),
        ("package", "A filter is like"),
    ],
    ids=str,
)
def test_a_filter_that_cannot_be_is_refused(opened, where, words):
    with pytest.raises(BadInput, match=words):
        opened().search(units(1)[0], where=where)


@pytest.mark.parametrize("k", [0, -1, 1_001, 2.0, "3", None, True], ids=str)
def test_a_number_of_hits_that_cannot_be_is_refused(opened, k):
    with pytest.raises(BadInput, match="k is a whole number from 1 to 1,000"):
        opened().search(units(1)[0], k)


BAD_VECTORS = {
    "NaN": (1, np.nan, "vector of 'b#0' .row 1. has NaN"),
    "infinity": (1, -np.inf, "vector of 'b#0' .row 1. has NaN or infinity"),
    "too large for float32": (1, 1e300, "vector of 'b#0' .row 1. has NaN or infinity"),
    "zeros": (2, 0.0, "vector of 'c#0' .row 2. is all zeros"),
    "too short for a cosine": (0, 1e-30, "vector of 'a#0' .row 0. has the length 3e-30"),
    "too long for a cosine": (0, 1e30, "vector of 'a#0' .row 0. has the length 3e.30"),
}


@pytest.mark.parametrize("row, value, words", BAD_VECTORS.values(), ids=BAD_VECTORS)
def test_a_vector_without_a_cosine_is_refused_and_nothing_is_written(opened, row, value, words):
    store, vectors = opened(), units(3).astype(np.float64)
    vectors[row] = value
    with pytest.raises(BadInput, match=words):
        store.put([chunk(name) for name in "abc"], vectors)
    with pytest.raises(BadInput, match=f"vector of row {row} "):
        store.search(vectors)
    assert store.count() == 0


@pytest.mark.parametrize(
    "vectors",
    [units(3, dimension=9), units(1)[0], units(3)[None], [["a"] * 8] * 3, [[1j] * 8] * 3,
     [[1.0] * 8, [1.0] * 7, [1.0] * 8], np.zeros((3, 8), bool)],
    ids=["dimension", "one", "deep", "text", "complex", "ragged", "truth"],
)  # fmt: skip
def test_what_is_no_matrix_of_vectors_is_refused(opened, vectors):
    store = opened()
    with pytest.raises(BadInput):
        store.put([chunk(name) for name in "abc"], vectors)
    if not (isinstance(vectors, np.ndarray) and vectors.ndim == 1):  # one is a question
        with pytest.raises(BadInput):
            store.search(vectors)
    assert store.count() == 0


def test_a_question_of_another_dimension_is_told(opened):
    with pytest.raises(BadInput, match="holds vectors of 8 numbers"):
        opened().search(units(1, dimension=9)[0])


BAD_CHUNKS = {
    "counts": ([chunk("a")], "1 chunks and 2 vectors"),
    "a key twice": ([chunk("a"), chunk("a", text="other")], "'a#0' comes twice: rows 0 and 1"),
    "no key": ([chunk("a"), replace(chunk("b"), key="")], "row 1 has no key"),
    "a long text": ([chunk("a"), chunk("b", text="é" * 32_768)],
                    "text of 'b#0' .row 1. has 65,536"),
    "a long name": ([chunk("n" * 513), chunk("b")], "has 51[35] bytes"),
    "half a character": ([chunk("a"), replace(chunk("b"), text="\ud800")],
                         "text of 'b#0' is no valid Unicode"),
    "a number": ([chunk("a"), replace(chunk("b"), section=3)], "Row 1 is no chunk: its section"),
    "text": (["a", "b"], "Row 0 is no chunk"),
}  # fmt: skip


@pytest.mark.parametrize("chunks, words", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_chunks_that_cannot_be_stored_are_refused_and_nothing_is_written(opened, chunks, words):
    store = opened()
    with pytest.raises(BadInput, match=words):
        store.put(chunks, units(2))
    assert store.count() == 0


@pytest.mark.parametrize("keys", ["a#0", [3], [None]], ids=str)
def test_keys_that_are_none_are_refused(opened, keys):
    store = opened()
    for call in (store.get, store.delete):
        with pytest.raises(BadInput, match="key"):
            call(keys)


def test_what_was_put_is_there_when_it_is_opened_again(opened):
    store, vectors = opened(), units(3)
    store.put([chunk(name) for name in "abc"], vectors)
    before = state(store)
    store.close()
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.count()
    with opened() as again:
        np.testing.assert_equal(state(again), before)
        assert names(again.search(vectors[2], 1)) == ["c"]


def test_another_dimension_or_index_than_the_collection_s_is_told(opened):
    opened().put([chunk("a")], units(1))
    with pytest.raises(StoreMismatch, match="holds vectors of 8 numbers, not 9"):
        opened(dimension=9)
    with pytest.raises(StoreMismatch, match="has the index FLAT, not HNSW"):
        opened(index="HNSW")
    assert opened().count() == 1


def test_collections_are_apart(opened):
    one, other = opened(), opened(collection="apart", dimension=4)
    one.put([chunk("a")], units(1))
    other.put([chunk("b"), chunk("c")], units(2, dimension=4))
    assert (one.count(), other.count()) == (1, 2)


@pytest.mark.parametrize(
    "settings",
    [{"collection": "a b"}, {"collection": ""}, {"collection": "1a"}, {"collection": "é"},
     {"collection": None}, {"dimension": 1}, {"dimension": 40_000}, {"dimension": "8"},
     {"index": "flat"}, {"index": "PQ"}, {"uri": ""}, {"uri": None}, {"uri": "ftp://x"},
     {"uri": "http://"}, {"uri": "http://127.0.0.1:99999"}],
    ids=str,
)  # fmt: skip
def test_arguments_that_cannot_be_are_refused(tmp_path, settings):
    with pytest.raises(BadInput):
        VectorStore(**{"uri": tmp_path / "store", "dimension": DIMENSION} | settings)
    assert not (tmp_path / "store").exists()


def test_a_file_is_no_store(tmp_path):
    (tmp_path / "file").write_text("text")
    with pytest.raises(BadInput, match="is a file"):
        VectorStore(tmp_path / "file", dimension=DIMENSION)


OPENS = """
import sys
from course_utils.retrieval.store import VectorStore
store = VectorStore(sys.argv[1], dimension=8)
print(store.count())
"""


def test_a_folder_belongs_to_one_process_until_all_its_stores_are_closed(tmp_path):
    folder = tmp_path / "made" / "on the way"
    first = VectorStore(folder, dimension=DIMENSION)
    second = VectorStore(str(folder), "other", DIMENSION)  # in one process they share it
    first.put([chunk("a")], units(1))
    first.close()
    other = run_python("-c", OPENS, str(folder))
    assert "StoreLocked: Another process has the store" in other.stderr and not other.stdout
    second.close()
    # Free now; and a process that forgets to close leaves neither a lock nor a word behind.
    other = run_python("-c", OPENS, str(folder))
    assert (other.returncode, other.stdout, other.stderr) == (0, "1\n", "")


def test_a_store_that_is_forgotten_gives_its_folder_back(tmp_path):
    """As when a notebook's cell is run again, and its store is made again."""
    store = VectorStore(tmp_path, dimension=DIMENSION)
    store = VectorStore(tmp_path, dimension=DIMENSION)
    assert store.count() == 0
    del store
    gc.collect()  # Python comes to it in its own time
    with (tmp_path / "LOCK").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # raises where somebody has it


def test_a_folder_that_another_process_has_is_told_and_free_when_it_ends(tmp_path):
    code = OPENS + "sys.stdout.flush(); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout.readline() == "0\n"
        with pytest.raises(StoreLocked, match="Close it there"):
            VectorStore(tmp_path, dimension=DIMENSION)
        other.kill()
        other.wait()
        with VectorStore(tmp_path, dimension=DIMENSION) as store:
            assert store.count() == 0


QUIET = """
import sys
import numpy as np
from course_utils import retrieval
from course_utils.errors import CourseError
from course_utils.retrieval.chunks import Chunk
assert not {"torch", "pymilvus", "milvus_lite", "faiss"} & set(sys.modules)
with retrieval.VectorStore(sys.argv[1], dimension=8) as store:
    store.put([Chunk("a#0", "a", "", "", "", "", "")], np.ones((1, 8)))
    assert store.search(np.ones(8))[0].name == "a"
    store.flush()
    assert list(store.digests()) == ["a#0"]
for settings in ({"dimension": 9}, {"uri": "http://127.0.0.1:9", "dimension": 8}):
    try:
        retrieval.VectorStore(**{"uri": sys.argv[1]} | settings)
    except CourseError as error:
        print(type(error).__name__)
assert "torch" not in sys.modules
"""


def test_nothing_is_written_beside_the_errors_and_nothing_heavy_is_loaded_early(tmp_path):
    found = run_python("-c", QUIET, str(tmp_path))
    assert (found.stdout, found.stderr) == ("StoreMismatch\nStoreUnreachable\n", "")
