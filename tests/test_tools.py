"""The scripts behind the make targets: badges on the course itself, oldest versions, bench."""

import re
import shutil

import nbformat
import pytest

from course_utils import data
from course_utils.retrieval import SYSTEMS, index
from tests.helpers import ROOT, run_python
from tools import badges, bench, bench_retrieval, lessons, minimum, readme

# --- badges: tests/test_project.py holds the rules; this is the course itself --------------------


@pytest.fixture
def course(tmp_path):
    """A copy of the files that the address stands in."""
    for name in ("pyproject.toml", "README.md", "CITATION.cff"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(
        ROOT / "notebooks", tmp_path / "notebooks", ignore=lambda *_: [".ipynb_checkpoints"]
    )
    return tmp_path


@pytest.mark.parametrize("given", ["ann/her-course", "https://github.com/ann/her-course.git"])
def test_badges_publish_the_course_at_an_address(course, given, capsys):
    old = badges.repository()
    folder = course / "notebooks"
    cells = {path: nbformat.read(path, 4).cells for path in lessons.notebooks(folder)}
    assert badges.main([given], course) == 0
    assert badges.repository(course) == "ann/her-course"
    said = capsys.readouterr().out
    for path in [
        course / "pyproject.toml",
        course / "README.md",
        course / "CITATION.cff",
        *cells,
    ]:
        text = path.read_text(encoding="utf-8")
        assert "ann/her-course" in text and old not in text, path.name
        assert f"{path.relative_to(course)} now says ann/her-course." in said
    for path, before in cells.items():
        after = nbformat.read(path, as_version=4).cells
        name = path.relative_to(folder).with_suffix("").as_posix()
        assert badges.links("ann/her-course", name) in after[0].source
        assert after[1].source == badges.first_cell("ann/her-course")
        assert after[2:] == before[2:]
    assert readme.updated(course) == (course / "README.md").read_text(encoding="utf-8")
    assert badges.main([given], course) == 0
    assert capsys.readouterr().out == ""  # a second time there is nothing to do


# --- minimum ------------------------------------------------------------------------------------

LIST = """\
# Words about the list, of which torch>=1.0 is none.

# [lessons]
torch>=2.9                  # all lessons
transformers>=5.0,<6        # all lessons
exact-package==0.1.0        # has no range
sentence-transformers>=5.2  # with a hyphen

# [jupyter]
jupyterlab>=4.2,<5          # not a lesson's own
"""


def test_the_oldest_versions_are_those_of_the_lessons_section():
    expected = ["torch==2.9", "transformers==5.0", "sentence-transformers==5.2"]
    assert minimum.minimum(LIST) == expected
    assert minimum.minimum(LIST.partition("# [lessons]")[0]) == []


def test_the_script_prints_constraints_for_every_range_of_the_lessons():
    run = run_python("tools/minimum.py")
    assert (run.returncode, run.stderr) == (0, "")
    printed = run.stdout.splitlines()
    assert all(re.fullmatch(r"[\w-]+==[\d.]*\d", line) for line in printed)
    names = [line.partition("==")[0] for line in printed]
    assert names.count("torch") == 1  # the workflow looks for it by `grep ^torch`
    assert [name for name in names if name.startswith("torch")] == ["torch"]
    assert {"numpy", "transformers", "scikit-learn", "ipywidgets"} <= set(names)
    assert not {"jupyterlab", "pytest", "ruff"} & set(names)


# --- bench --------------------------------------------------------------------------------------


def test_bench_compares_and_prints_a_ratio(capsys):
    """No speed is asserted: on a busy machine eight texts say nothing."""
    bench.main(["--texts", "8", "--repeats", "2"])
    first, *repeats, last = capsys.readouterr().out.splitlines()
    assert first.startswith("8 documentation texts, at most 256 tokens, ")
    assert len(repeats) == 2
    for number, line in enumerate(repeats, start=1):
        pattern = (
            rf"repeat {number}: encode +[\d.]+ texts/s, sentence-transformers +[\d.]+ texts/s, "
            r"ratio (\d+\.\d\d), lowest cosine (\d\.\d{6})"
        )
        ratio, cosine = map(float, re.fullmatch(pattern, line).groups())
        assert ratio > 0 and 0.9999 <= cosine < 1.000001
    assert re.fullmatch(r"median ratio \d+\.\d\d \(from \d+\.\d\d to \d+\.\d\d\)", last)


def test_the_searches_are_compared_with_two_peers(capsys, monkeypatch):
    """On the entries that answer four of the tune questions; again, no speed is asserted."""
    asked = [each for each in data.questions() if each.split == "tune" and each.answers][:4]
    names = {name for each in asked for name in each.answers}
    few = index.build([each for each in data.documentation() if each.name in names], False)
    monkeypatch.setattr(index, "documentation_index", lambda: few)
    bench_retrieval.main(["--questions", "4", "--rounds", "1"])
    first, *lines = capsys.readouterr().out.splitlines()
    assert first.startswith(f"4 questions, {len(few)} entries, ")
    systems = (bench_retrieval.SENTENCES, bench_retrieval.WORDS, *SYSTEMS)
    for line, system in zip(lines, systems, strict=True):
        found = re.fullmatch(
            rf"{system} +[\d.]+ ms +[\d.]+ of sentence-transformers'   "
            r"MRR@10 (\d\.\d{3})   success@5 (\d\.\d{3})",
            line,
        )
        assert 0.5 < float(found[1]) <= 1 and 0.5 < float(found[2]) <= 1  # among so few
