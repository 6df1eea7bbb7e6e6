"""The documentation corpus: what is in it, how it is named, and that it is the same everywhere."""

import hashlib
import importlib.metadata
import json
import re
from collections import Counter
from dataclasses import astuple

import pytest

from course_utils import cache
from course_utils.data import Entry, corpus, documentation, gather
from course_utils.errors import CourseError
from tests.helpers import run_python

EXPECTED = """
    numpy.absolute numpy.argsort numpy.array numpy.exp numpy.linalg.norm numpy.ndarray
    numpy.random.default_rng numpy.where numpy.fft.fft numpy.testing.assert_allclose
    torch.autograd.grad torch.cat torch.einsum torch.nn.CrossEntropyLoss torch.nn.Linear
    torch.nn.functional.softmax torch.nn.utils.clip_grad_norm_ torch.no_grad torch.optim.AdamW
    torch.optim.lr_scheduler.StepLR torch.tensor torch.utils.data.DataLoader
    torch.distributed.all_reduce torch.nn.parallel.DistributedDataParallel
    sklearn.base.clone sklearn.cluster.KMeans sklearn.datasets.load_iris sklearn.decomposition.PCA
    sklearn.feature_extraction.text.TfidfVectorizer sklearn.metrics.pairwise.cosine_similarity
    sklearn.model_selection.train_test_split sklearn.pipeline.make_pipeline
    scipy.integrate.solve_ivp scipy.io.wavfile.read scipy.optimize.minimize scipy.signal.butter
    scipy.sparse.csr_matrix scipy.spatial.distance.cdist scipy.special.expit scipy.stats.spearmanr
    matplotlib.axes.Axes matplotlib.colors.LogNorm matplotlib.figure.Figure
    matplotlib.pyplot.plot matplotlib.pyplot.subplots matplotlib.ticker.MultipleLocator
    builtins.ValueError builtins.dict builtins.open builtins.print builtins.sorted builtins.zip
    collections.Counter concurrent.futures.ThreadPoolExecutor dataclasses.dataclass datetime.date
    functools.lru_cache hashlib.sha256 importlib.metadata.version itertools.chain json.dumps
    math.sqrt multiprocessing.Pool operator.itemgetter os.getcwd os.path.join pathlib.Path
    pickle.load random.choice re.sub shutil.copytree socket.socket sqlite3.connect struct.pack
    subprocess.run sys.exit threading.Lock time.sleep typing.Optional typing.Protocol
    unittest.mock.patch urllib.request.urlopen warnings.warn xml.etree.ElementTree.parse
""".split()


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    """The whole corpus, collected once a run: whichever test or lesson is the first to ask."""
    return documentation()


def digest(entries: list[Entry]) -> str:
    return hashlib.sha256(json.dumps([astuple(entry) for entry in entries]).encode()).hexdigest()


def test_large_enough_and_from_every_package(entries):
    assert len(entries) >= 4_000
    counts = Counter(entry.package for entry in entries)
    assert list(counts) == ["stdlib", "numpy", "scipy", "sklearn", "matplotlib", "torch"]
    assert min(counts.values()) >= 300
    assert {entry.kind for entry in entries} == {"function", "class"}


def test_one_entry_a_docstring_and_a_name(entries):
    assert len({entry.text for entry in entries}) == len(entries)
    assert len({entry.name for entry in entries}) == len(entries)


def test_the_names_an_engineer_looks_for(entries):
    assert not set(EXPECTED) - {entry.name for entry in entries}


RESOLVE = """
import importlib, inspect, re, warnings
from course_utils.data import documentation
warnings.simplefilter("ignore")

def settled(text):
    # Without the random numbers that scipy draws when it is imported.
    return re.sub(".*  # may vary", "", text or "")

for entry in documentation():
    module, _, attribute = entry.name.rpartition(".")
    value = getattr(importlib.import_module(module), attribute)
    isclass = inspect.isclass(value)
    texts = [inspect.getdoc(value), inspect.getdoc(value.__init__) if isclass else None]
    if settled(entry.text) not in map(settled, texts):
        print(entry.name, "has another docstring")
    if isclass != (entry.kind == "class") and module != "typing":
        print(entry.name, "is no", entry.kind)
print("all resolved")
"""


def test_every_name_leads_to_its_docstring(entries):
    done = run_python("-c", RESOLVE, PYTHONHASHSEED="0")  # scipy prints a set in one of them
    assert done.stdout == "all resolved\n", done.stderr


def test_summaries_are_one_line_of_plain_text(entries):
    for entry in entries:
        last = entry.name.rpartition(".")[2]
        assert entry.summary, entry.name
        assert entry.summary == " ".join(entry.summary.split()), entry.name
        assert not re.search(r":\w+:`|``|>>>", entry.summary), entry
        assert not re.match(rf"{re.escape(last)}\(.*\) (->|=)", entry.summary), entry
        assert "casting='same_kind'" not in entry.summary, entry


def test_order_is_that_of_the_modules_and_then_of_names(entries):
    modules = [
        name.removesuffix("?") for names in gather.MODULES.values() for name in names.split()
    ]
    parts = [entry.name.rpartition(".") for entry in entries]
    places = [(modules.index(module), name) for module, _, name in parts]
    assert places == sorted(places)


ELSEWHERE = """
import builtins, hashlib, json, os, sys, warnings
import doctest, unittest.mock, xml.dom.minidom, sqlite3, ctypes
from dataclasses import astuple
builtins.display = lambda: None
builtins.display.__doc__ = "A function that IPython adds to the builtins."
json.dumps.__doc__ = "Something that another package wrote over it."
from course_utils.data import documentation
os.chdir(sys.argv[1])
heavy = {"torch", "numpy", "scipy", "sklearn", "matplotlib", "numba"} & set(sys.modules)
assert not heavy, heavy
entries = documentation()
heavy = {"torch", "numpy", "scipy", "sklearn", "matplotlib", "numba"} & set(sys.modules)
assert not heavy, heavy
print(hashlib.sha256(json.dumps([astuple(entry) for entry in entries]).encode()).hexdigest())
"""


def test_the_same_in_another_process_and_nothing_leaks(entries, tmp_path):
    (tmp_path / "random.py").write_text("raise ImportError('a file of the learner')")
    done = run_python(
        "-c",
        ELSEWHERE,
        str(tmp_path),
        PYTHONHASHSEED="12345",
        PYTHONWARNINGS="error",
        PYTHONOPTIMIZE="",
        MPLBACKEND="module://matplotlib_inline.backend_inline",
        COURSE_CACHE=str(tmp_path / "cache"),
    )
    assert done.stderr == ""
    assert done.stdout == digest(entries) + "\n"


def test_docstrings_are_there_when_python_strips_them(monkeypatch):
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    assert len(corpus._gathered(("stdlib",))) > 1_000


def test_from_the_cache(entries, monkeypatch):
    monkeypatch.setattr(corpus, "_gathered", lambda packages: pytest.fail("collected again"))
    assert documentation() == entries


ROWS = {
    "stdlib": [["json.dumps", "function", "stdlib", "Write a value as JSON."]],
    "torch": [
        ["torch.json", "function", "torch", "Write a value as JSON."],  # known from elsewhere
        ["torch.add", "function", "torch", "add(a, b) -> Tensor\n\nAdd two tensors."],
        ["torch.pos", "function", "torch", "pos(a) -> Tensor"],  # says nothing
        ["torch.neg", "function", "torch", "Negate it."],  # too short
        ["torch.sub", "function", "torch", "Deprecated, use :func:`torch.add`."],  # a pointer
    ],
}


@pytest.fixture
def small(cache_folder, monkeypatch) -> list[tuple[str, ...]]:
    """A corpus of a few rows; the list grows with each process that would have been started."""
    started = []

    def gathered(packages):
        started.append(packages)
        return [row for package in packages for row in ROWS.get(package, [])]

    monkeypatch.setattr(corpus, "_gathered", gathered)
    return started


def test_what_is_kept(small):
    assert documentation() == [
        Entry("json.dumps", "Write a value as JSON.", ROWS["stdlib"][0][3], "stdlib", "function"),
        Entry("torch.add", "Add two tensors.", ROWS["torch"][1][3], "torch", "function"),
    ]


@pytest.mark.parametrize("damage", [lambda data: data[:-40], lambda data: b"[]" + data[2:]])
def test_a_damaged_cache_is_collected_again(small, cache_folder, damage):
    whole = documentation()
    count = len(small)
    (file,) = (cache_folder / "documentation").iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert documentation() == whole
    assert len(small) == 2 * count
    assert documentation() == whole
    assert len(small) == 2 * count


def test_another_version_is_another_cache_file(small, monkeypatch):
    documentation()
    count = len(small)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "0.0.1")
    documentation()
    assert len(small) == 2 * count
    assert len(list((cache.folder() / "documentation").iterdir())) == 2


def test_a_failed_process_tells_why(tmp_path, monkeypatch):
    script = tmp_path / "gather.py"
    script.write_text("import no_such_module_of_anybody")
    monkeypatch.setattr(corpus, "HERE", tmp_path)
    with pytest.raises(CourseError, match="No module named 'no_such_module_of_anybody'"):
        corpus._gathered(("stdlib",))
