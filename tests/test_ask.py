"""The command `ask`: real calls on a part of the documentation, and packages of every temper."""

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path

import pytest

from course_utils import cache, data
from course_utils.__main__ import main
from course_utils.data import corpus
from tests.helpers import ROOT

WANTED = {"shutil.copytree", "numpy.argsort", "json.dump", "sklearn.cluster.KMeans"}
PACKAGES = {
    "tinypkg": '''
        print("hello from tinypkg")
        import os
        os.write(1, b"more")
        from json import dumps
        class Base:
            def open(self):
                """Lift the lid of the Crate and look inside."""
        class Box(Base):
            """A box that holds coloured marbles."""
            class label:
                """What is written on the outside."""
                def scratch(self):
                    """Remove the writing with a knife."""
            @property
            def weight(self):
                """How many kilograms it has."""
            def _hidden(self):
                """Never to be shown."""
        class Crate(Base):
            """A large box, made of wooden boards."""
        def paint(box, colour="red"):
            """Give the box another colour."""
    ''',
    "exits": "import sys; sys.exit('bye from exits')",
    "crashes": "import os; os._exit(7)",
    "raises": "raise RuntimeError('no licence')",
    "silent": "def f(): pass",
    "sleeps": "import time; open(__file__[:-11] + 'here', 'w'); time.sleep(100)",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Iterator[Path]:
    """A cache folder in which every fiftieth entry stands for the whole documentation."""
    entries = data.documentation()
    few = [each for at, each in enumerate(entries) if at % 50 == 0 or each.name in WANTED]
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_CACHE", str(folder))
        rows = json.dumps([astuple(entry) for entry in few])
        cache.write("documentation", f"{corpus._key()}.json", rows.encode())
        yield folder


@pytest.fixture
def packages(tmp_path, monkeypatch) -> Path:
    """A folder with packages of every temper, where Python looks for packages."""
    for name, text in PACKAGES.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(textwrap.dedent(text), encoding="utf-8")
    (tmp_path / "tinypkg" / "broken.py").write_text("import nothing_of_that_name")
    (tmp_path / "tinypkg" / "lids.py").write_text('def close():\n    """Put the lid on it."""\n')
    (tmp_path / "tinypkg" / "tests.py").write_text("import os; os._exit(1)")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ['PYTHONPATH']}")
    return tmp_path


def ask(capsys, *arguments: str) -> tuple[int, str, str]:
    """The status, and what is said on standard output and standard error."""
    status = main(["ask", *arguments])
    return status, *capsys.readouterr()


def started(*arguments: str, cwd: Path) -> subprocess.Popen:
    """Python in a process and a session of its own, as in a terminal."""
    path = os.pathsep.join([str(ROOT), os.environ["PYTHONPATH"]])
    settings = {"cwd": cwd, "env": {**os.environ, "PYTHONPATH": path}, "start_new_session": True}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *arguments], **settings, **pipes)


def test_it_answers_anywhere_and_loads_no_notebook(small, tmp_path):
    code = (
        "import sys; from course_utils.__main__ import main; status = main(sys.argv[1:]); "
        "print({'IPython', 'ipywidgets', 'matplotlib', 'pymilvus'} & set(sys.modules)); "
        "sys.exit(status)"
    )
    process = started("-c", code, "ask", "copy", "a", "whole", "folder", "-k", "2", cwd=tmp_path)
    out, _ = process.communicate()
    first, summary, *_, loaded = out.splitlines()
    assert first == " 1. shutil.copytree  (stdlib, 100%)" and "\n 2. " in out
    assert summary.startswith("    Recursively copy") and loaded == "set()"


def test_json_holds_the_same(small, capsys):
    status, out, _ = ask(capsys, "--json", "-k", "3", "copy a whole direktory")
    told, first = json.loads(out), json.loads(out)["results"][0]
    assert (status, told["fits"], len(told["results"])) == (0, True, 3)
    assert (told["question"], told["asked"]) == ("copy a whole direktory", "copy a whole directory")
    assert (first["rank"], first["name"], first["package"]) == (1, "shutil.copytree", "stdlib")
    assert set(first["parts"]) == {"BM25", "encoder", "hybrid"}
    assert "Searched for: copy a whole directory\n" in ask(capsys, "copy a whole direktory")[1]


def test_what_nothing_answers_ends_with_status_one(small, capsys):
    status, out, _ = ask(capsys, "what is the capital of France", "-k", "3")
    assert (status, "%" in out, "\n 3. " in out) == (1, False, True)
    assert out.startswith("Perhaps nothing here fits. The nearest:\n 1. ")


@pytest.mark.parametrize(
    "question",
    ["sort it " * 12_500, "配列を並べ替える", "a\n\udcff x"],
    ids=range(3),
)
def test_odd_questions_get_an_answer(small, capsys, question):
    status, out, err = ask(capsys, "--json", "-k", "3", question)
    assert status in (0, 1) and err == ""
    assert len(json.loads(out)["results"]) == 3


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([""], "nothing to search for"),
        (["sort", "-k", "0"], "1 or more"),
        (["sort", "--packages", "no-such-thing"], "no package 'no-such-thing' installed"),
        (["sort", "--packages", "__main__"], "no package '__main__'"),
        (["sort", "--packages", "numpy,raises"], "raises .*no licence"),
        (["sort", "--packages", "exits"], "exits .*bye from exits"),
        (["sort", "--packages", "crashes"], "crashes .*status 7"),
        (["sort", "--packages", "silent"], "'silent' has no docstrings"),
    ],
)
def test_bad_input_gets_one_sentence_and_status_two(small, packages, capfd, arguments, message):
    assert main(["ask", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == "" and re.search(message, err) and err.count("\n") == 1


def test_a_cache_that_cannot_be_written_is_named(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_CACHE", str(Path(__file__) / "cache"))
    assert "test_ask.py/cache cannot be created" in ask(capsys, "sort an array")[2]


def test_a_package_is_read_in_another_process(small, packages, capfd):
    found = {each.name: each for each in data.documentation_of("tinypkg")}
    assert set(found) == {
        *("tinypkg.Box", "tinypkg.Crate", "tinypkg.paint", "tinypkg.lids.close"),
        *("tinypkg.Box.label", "tinypkg.Box.label.scratch", "tinypkg.Box.weight"),
        "tinypkg.Base.open",
    }
    assert found["tinypkg.Box.weight"].summary == "How many kilograms it has."
    assert "tinypkg" not in sys.modules
    assert capfd.readouterr() == ("", "")


def test_a_package_is_searched_and_read_again_when_it_changes(small, packages, capsys):
    asked = "--packages", "tinypkg", "--json", "-k", "1", "give the box another colour"
    first = json.loads(ask(capsys, *asked)[1])["results"][0]
    assert (first["name"], first["package"]) == ("tinypkg.paint", "tinypkg")
    status, out, err = ask(capsys, *asked)
    assert (status, json.loads(out)["results"][0], err) == (0, first, "")  # no bar: it was kept
    file = packages / "tinypkg" / "__init__.py"
    file.write_text(file.read_text().replace("def paint", "def varnish"))
    assert json.loads(ask(capsys, *asked)[1])["results"][0]["name"] == "tinypkg.varnish"


def test_ctrl_c_stops_it_and_leaves_nothing(small, packages):
    before = sorted(small.rglob("*"))
    command = ["-m", "course_utils", "ask", "--packages", "sleeps", "sort"]
    process = started(*command, cwd=packages / "silent")
    while process.poll() is None and not (packages / "sleeps" / "here").exists():
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, "", "Stopped.\n")
    assert sorted(small.rglob("*")) == before
