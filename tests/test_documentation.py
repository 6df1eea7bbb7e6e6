"""The documentation corpus: what is in it, how it is named, and that it is the same everywhere."""

import hashlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import astuple

import pytest

from course_utils import cache
from course_utils.data import Entry, corpus, documentation, gather
from course_utils.errors import CourseError
from tests.helpers import ROOT

EXPECTED = """
    numpy.absolute numpy.arange numpy.argmax numpy.argsort numpy.array numpy.clip numpy.concatenate
    numpy.cumsum numpy.dot numpy.einsum numpy.exp numpy.isnan numpy.linalg.norm numpy.linalg.svd
    numpy.load numpy.mean numpy.meshgrid numpy.ndarray numpy.pad numpy.percentile
    numpy.random.default_rng numpy.reshape numpy.savez numpy.unique numpy.vstack numpy.where
    numpy.fft.fft numpy.testing.assert_allclose
    torch.arange torch.argmax torch.autograd.grad torch.cat torch.compile torch.cuda.is_available
    torch.einsum torch.load torch.manual_seed torch.matmul torch.nn.CrossEntropyLoss
    torch.nn.Dropout torch.nn.Embedding torch.nn.LSTM torch.nn.Linear torch.nn.Module
    torch.nn.Sequential torch.nn.Transformer torch.nn.functional.conv2d
    torch.nn.functional.cosine_similarity torch.nn.functional.cross_entropy
    torch.nn.functional.normalize torch.nn.functional.relu torch.nn.functional.softmax
    torch.nn.utils.clip_grad_norm_ torch.no_grad torch.optim.AdamW torch.optim.lr_scheduler.StepLR
    torch.save torch.sigmoid torch.stack torch.tensor torch.topk torch.utils.data.DataLoader
    torch.utils.data.Dataset torch.distributed.all_reduce
    torch.nn.parallel.DistributedDataParallel
    sklearn.base.clone sklearn.cluster.KMeans sklearn.compose.ColumnTransformer
    sklearn.datasets.load_iris sklearn.decomposition.PCA sklearn.ensemble.RandomForestClassifier
    sklearn.feature_extraction.text.TfidfVectorizer sklearn.impute.SimpleImputer
    sklearn.linear_model.LogisticRegression sklearn.manifold.TSNE sklearn.manifold.trustworthiness
    sklearn.metrics.confusion_matrix sklearn.metrics.f1_score
    sklearn.metrics.pairwise.cosine_similarity sklearn.metrics.roc_auc_score
    sklearn.model_selection.GridSearchCV sklearn.model_selection.cross_val_score
    sklearn.model_selection.train_test_split sklearn.neighbors.NearestNeighbors
    sklearn.pipeline.Pipeline sklearn.pipeline.make_pipeline sklearn.preprocessing.StandardScaler
    sklearn.svm.SVC
    scipy.cluster.hierarchy.linkage scipy.fft.fft scipy.integrate.quad scipy.integrate.solve_ivp
    scipy.interpolate.interp1d scipy.io.loadmat scipy.io.wavfile.read scipy.linalg.eigh
    scipy.ndimage.gaussian_filter scipy.optimize.curve_fit scipy.optimize.minimize
    scipy.signal.butter scipy.signal.find_peaks scipy.sparse.csr_matrix scipy.spatial.KDTree
    scipy.spatial.distance.cdist scipy.spatial.transform.Rotation scipy.special.expit
    scipy.special.logsumexp scipy.special.softmax scipy.stats.bootstrap scipy.stats.spearmanr
    scipy.stats.ttest_ind
    matplotlib.animation.FuncAnimation matplotlib.axes.Axes matplotlib.colors.LogNorm
    matplotlib.figure.Figure matplotlib.gridspec.GridSpec matplotlib.pyplot.bar
    matplotlib.pyplot.colorbar matplotlib.pyplot.figure matplotlib.pyplot.hist
    matplotlib.pyplot.imshow matplotlib.pyplot.legend matplotlib.pyplot.plot
    matplotlib.pyplot.savefig matplotlib.pyplot.scatter matplotlib.pyplot.subplots
    matplotlib.pyplot.title matplotlib.pyplot.twinx matplotlib.pyplot.xlabel
    matplotlib.ticker.MultipleLocator
    builtins.ValueError builtins.all builtins.dict builtins.enumerate builtins.isinstance
    builtins.len builtins.map builtins.open builtins.print builtins.property builtins.range
    builtins.reversed builtins.sorted builtins.str builtins.sum builtins.super builtins.type
    builtins.zip
    argparse.ArgumentParser ast.literal_eval asyncio.gather asyncio.run asyncio.sleep
    atexit.register base64.b64encode bisect.bisect_left calendar.monthrange collections.Counter
    collections.defaultdict collections.deque collections.namedtuple
    concurrent.futures.ThreadPoolExecutor concurrent.futures.as_completed
    configparser.ConfigParser contextlib.ExitStack contextlib.contextmanager contextlib.suppress
    copy.deepcopy csv.reader csv.writer dataclasses.asdict dataclasses.dataclass datetime.date
    datetime.datetime datetime.timedelta decimal.Decimal difflib.SequenceMatcher
    difflib.get_close_matches enum.Enum fnmatch.fnmatch fractions.Fraction functools.lru_cache
    functools.partial functools.reduce functools.wraps gc.collect getpass.getpass glob.glob
    gzip.open hashlib.sha256 heapq.heappush heapq.nlargest html.escape importlib.import_module
    importlib.metadata.version inspect.getsource inspect.signature io.BytesIO io.StringIO
    ipaddress.ip_address itertools.chain itertools.combinations itertools.groupby
    itertools.product json.dumps json.load json.loads locale.setlocale logging.basicConfig
    logging.getLogger math.gcd math.isclose math.sqrt mimetypes.guess_type multiprocessing.Pool
    multiprocessing.Queue operator.attrgetter operator.itemgetter os.getcwd os.getenv os.listdir
    os.makedirs os.path.exists os.path.join os.remove os.walk pathlib.Path pickle.dumps
    pickle.load platform.system pprint.pprint queue.Queue random.choice random.sample random.seed
    random.shuffle re.compile re.escape re.findall re.match re.split re.sub secrets.token_hex
    shelve.open shlex.split shutil.copytree shutil.rmtree shutil.which signal.signal
    socket.socket sqlite3.connect statistics.mean statistics.median string.Template struct.pack
    struct.unpack subprocess.run sys.exit sys.getsizeof tarfile.open
    tempfile.NamedTemporaryFile tempfile.TemporaryDirectory textwrap.dedent textwrap.wrap
    threading.Lock threading.Thread time.perf_counter time.sleep time.strftime timeit.timeit
    tomllib.load traceback.format_exc traceback.print_exc tracemalloc.start types.SimpleNamespace
    typing.NamedTuple typing.Optional typing.Protocol typing.TypedDict typing.Union
    unicodedata.normalize unittest.TestCase unittest.mock.Mock unittest.mock.patch
    urllib.parse.quote urllib.parse.urlencode urllib.parse.urlparse urllib.request.urlopen
    uuid.uuid4 warnings.catch_warnings warnings.warn webbrowser.open xml.etree.ElementTree.parse
    zipfile.ZipFile zlib.compress
""".split()


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    """The whole corpus, collected once a run: whichever test or lesson is the first to ask."""
    return documentation()


def digest(entries: list[Entry]) -> str:
    return hashlib.sha256(json.dumps([astuple(entry) for entry in entries]).encode()).hexdigest()


def run(code: str, *arguments: str, text: str = "", **settings) -> subprocess.CompletedProcess:
    """A Python process that finds the course; `settings` go into its environment."""
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env={**os.environ, "PYTHONPATH": path, **settings},
        input=text,
        capture_output=True,
        text=True,
    )


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
import importlib, inspect, json, re, sys, warnings
warnings.simplefilter("ignore")

def settled(text):
    # Without the random numbers that scipy draws when it is imported.
    return re.sub(".*  # may vary", "", text or "")

for name, kind, text in json.load(sys.stdin):
    module, _, attribute = name.rpartition(".")
    value = getattr(importlib.import_module(module), attribute)
    isclass = inspect.isclass(value)
    texts = [inspect.getdoc(value), inspect.getdoc(value.__init__) if isclass else None]
    if settled(text) not in map(settled, texts):
        print(name, "has another docstring")
    if isclass != (kind == "class") and module != "typing":
        print(name, "is no", kind)
print("all resolved")
"""


def test_every_name_leads_to_its_docstring(entries):
    rows = json.dumps([(entry.name, entry.kind, entry.text) for entry in entries])
    done = run(RESOLVE, text=rows, PYTHONHASHSEED="0")  # scipy prints a set in one of them
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
    done = run(
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
