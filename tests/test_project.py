"""The house around the package: its lists agree, its address is one, nothing local leaks in."""

import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import nbformat
import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tests.helpers import MADE_ANEW, ROOT, run_python
from tools import badges
from tools.lessons import NOTEBOOKS, notebooks

LESSONS = notebooks()
PAGES = [ROOT / "README.md", *LESSONS]


def lines(name: str) -> list[str]:
    """The lines of a list that are not comments."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def pins() -> dict[str, str]:
    """constraints.txt as normalised name → version."""
    pairs = (line.split("==") for line in lines("constraints.txt"))
    return {canonicalize_name(name): version for name, version in pairs}


# --- the lists of packages -------------------------------------------------------------------


def test_every_requirement_says_what_it_is_for():
    for line in lines("requirements.txt"):
        requirement, _, reason = line.partition("#")
        assert Requirement(requirement).specifier, f"{line}: no range"
        assert len(reason.strip()) > 8, f"{line}: no reason"


def test_constraints_are_exact_and_name_no_place():
    for line in lines("constraints.txt"):
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line), line


def test_constraints_lie_in_the_ranges():
    for line in lines("requirements.txt"):
        requirement = Requirement(line.partition("#")[0])
        version = pins()[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(Version(version)), line


def test_binder_takes_the_same_torch_built_for_cpus():
    (pinned,) = (line for line in lines(".binder/requirements.txt") if line.startswith("torch"))
    assert pinned == f"torch=={pins()['torch']}+cpu"


# --- the package -----------------------------------------------------------------------------


def test_importing_the_package_alone_is_light():
    run = run_python("-c", "import sys, course_utils; print(*sys.modules)")
    assert "course_utils" in run.stdout.split(), run.stderr
    heavy = {"torch", "numba", "umap", "transformers", "numpy", "matplotlib", "ipywidgets"}
    assert not heavy & set(run.stdout.split())


def test_a_wheel_carries_every_module_and_table(tmp_path):
    ignored = shutil.ignore_patterns(*MADE_ANEW)
    shutil.copytree(ROOT / "course_utils", tmp_path / "course_utils", ignore=ignored)
    for name in ("pyproject.toml", "LICENSE", "LICENSE-text", "README.md"):
        shutil.copy(ROOT / name, tmp_path)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", "dist", "."]
    subprocess.run([*pip, *options], cwd=tmp_path, check=True)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("course_utils")}
    ours = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "course_utils").rglob("*")
        if path.is_file() and not MADE_ANEW & set(path.parts)
    }
    assert packed == ours
    assert "course_utils/data/senses.tsv" in packed


# --- the address -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_link_to_the_address_of_pyproject(path):
    text = path.read_text(encoding="utf-8")
    address = badges.repository()
    found = re.findall(
        r"(?:colab\.research\.google\.com/github|mybinder\.org/v2/gh)/([\w.-]+/[\w.-]+)/", text
    )
    assert found and set(found) == {address}
    for notebook in re.findall(r"notebooks/[\w./-]+\.ipynb", text):
        assert (ROOT / notebook).exists(), f"{path.name} links to {notebook}, which is not there"


def test_the_citation_agrees_with_the_package_and_the_readme():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    title = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()[0]
    assert citation == {
        "cff-version": "1.2.0",
        "message": citation["message"],
        "type": "software",
        "title": title.removeprefix("# "),
        "authors": [{"name": "The authors of the course"}],
        "license": project["license"],
        "repository-code": project["urls"]["Repository"],
    }


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lessons_open_with_the_links_and_the_first_cell(path):
    notebook = nbformat.read(path, as_version=4)
    address = badges.repository()
    name = path.relative_to(NOTEBOOKS).with_suffix("").as_posix()
    assert badges.links(address, name) in notebook.cells[0].source
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first.id == "colab"
    assert first.source == badges.first_cell(address)
    assert first.outputs == []


def test_the_first_cell_is_short_silent_and_harmless_here():
    source = badges.first_cell("owner/name")
    assert len(source.splitlines()) <= 8
    python = TransformerManager().transform_cell(source)
    run = run_python("-c", python + "print(*set(sys.modules) & {'course_utils', 'torch'})")
    assert (run.returncode, run.stdout, run.stderr) == (0, "\n", "")


# --- what git keeps --------------------------------------------------------------------------


def git(*arguments: str) -> list[str]:
    """The lines of git's answer; skips where the course is not a git repository."""
    try:
        run = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("git is not installed")
    if run.returncode:
        pytest.skip(f"this is no git repository: {run.stderr.strip()}")
    return run.stdout.splitlines()


def test_git_ignores_only_what_is_made_anew():
    """Whatever .gitignore hides is not in a fresh clone."""
    options = ["--others", "--ignored", "--exclude-per-directory=.gitignore", "--directory"]
    hidden = git("ls-files", *options)
    assert not [name for name in hidden if not MADE_ANEW & set(Path(name).parts)]


def test_scripts_are_executable_in_git():
    for line in git("ls-files", "--stage", ".ci/run", ".binder/postBuild"):
        assert line.startswith("100755"), line


# --- nothing local -----------------------------------------------------------------------------


def files_of_the_course() -> list[Path]:
    """What git keeps or would keep."""
    found = git("ls-files", "--cached", "--others", "--exclude-standard")
    return [path for path in (ROOT / name for name in found) if path.is_file()]


# Put together here, so that this file does not name them itself.
HOMES = "|".join(["ro" + "ot", "ho" + "me", "Us" + "ers"])
REGISTRIES = "|".join(["py" + "pi.org", "python" + "hosted.org"])
LOCAL = re.compile(rf"(?<![\w.-])(?:/(?:{HOMES})/|{re.escape(str(ROOT))}/)|{REGISTRIES}")


def test_no_file_names_a_place_on_somebodys_machine():
    found = []
    for path in files_of_the_course():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {local}" for local in LOCAL.findall(text)]
    assert len(files_of_the_course()) > 20
    assert not found, "\n".join(found)


# --- style ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["check"], ["format", "--check"]], ids=" ".join)
def test_all_code_keeps_the_style(command):
    """What `make lint` runs, notebooks included."""
    run = run_python("-m", "ruff", *command, "--no-cache")
    assert run.returncode == 0, run.stdout + run.stderr
