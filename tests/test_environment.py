"""tools/environment.*: `.venv` is made once, repaired where it is broken, else left alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import ROOT

READY = ".venv/course-ready"


def call(folder: Path, **environment: str) -> subprocess.CompletedProcess:
    """What `make` does before anything else, in this folder."""
    kept = {name: value for name, value in os.environ.items() if name != "TORCH_INDEX"}
    return subprocess.run(
        ["sh", "tools/environment.sh"],
        cwd=folder,
        env={**kept, "PYTHON": sys.executable, **environment},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, str]:
    """A course that needs only pip, which every environment has, and what its first call said."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "tools").mkdir()
    for name in ("environment.py", "environment.sh"):
        shutil.copy(ROOT / "tools" / name, folder / "tools")
    (folder / "requirements.txt").write_text("pip>=20\n")
    (folder / "constraints.txt").touch()
    (folder / "weights.txt").touch()
    (folder / "matplotlib").mkdir()  # this and umap stand in for the packages
    (folder / "matplotlib" / "font_manager.py").touch()
    (folder / "umap.py").touch()
    (folder / "course_utils").mkdir()
    (folder / "course_utils" / "language_model.py").write_text("print('the copy is made')")
    run = call(folder)
    assert run.returncode == 0, run.stderr
    return folder, run.stdout


def test_the_first_call_makes_it_and_the_second_does_nothing(made):
    folder, said = made
    assert said.startswith("Making .venv with Python 3.")
    assert "the copy is made\n" in said and "The environment is ready after" in said
    before = (folder / READY).stat().st_mtime_ns
    again = call(folder)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert call(folder, PYTHON="").stdout == ""  # the environment's own interpreter will do
    assert (folder / READY).stat().st_mtime_ns == before


def test_the_course_can_be_imported_from_anywhere(made):
    folder, _ = made
    code = "import matplotlib; print(matplotlib.__path__)"
    command = [folder / ".venv/bin/python", "-c", code]
    run = subprocess.run(command, cwd="/", capture_output=True, text=True)
    assert str(folder / "matplotlib") in run.stdout


def test_a_changed_list_is_installed_and_the_environment_kept(made):
    folder, _ = made
    (folder / ".venv" / "mine").touch()
    (folder / "requirements.txt").write_text("pip>=21\n")
    said = call(folder).stdout
    assert "Installing" in said and "Making" not in said
    assert (folder / ".venv" / "mine").exists()
    assert call(folder).stdout == ""


def test_a_failed_installation_says_why_and_is_tried_again(made):
    folder, _ = made
    (folder / "requirements.txt").write_text("no-such-package-of-the-course==1.0\n")
    run = call(folder, PIP_NO_INDEX="1", PIP_CONFIG_FILE="/dev/null")
    assert run.returncode == 1
    assert "No matching distribution found for no-such-package-of-the-course" in run.stderr
    assert not (folder / READY).exists()
    (folder / "requirements.txt").write_text("pip>=20\n")
    assert "The environment is ready after" in call(folder).stdout


def test_an_environment_that_does_not_run_is_made_anew(made):
    folder, _ = made
    interpreter = folder / ".venv/bin/python"
    interpreter.unlink()
    interpreter.symlink_to("/nowhere/python")
    said = call(folder).stdout
    assert said.startswith("Removing .venv") and "Making .venv" in said
    assert call(folder).stdout == ""


def test_torch_index_is_declined_where_torch_is(made):
    folder, _ = made
    (package,) = folder.glob(".venv/lib/python3.*/site-packages")
    (package / "torch").mkdir()
    said = call(folder, TORCH_INDEX="https://example.org/cpu").stdout
    assert said.startswith("TORCH_INDEX is not used") and "Installing" not in said


@pytest.mark.parametrize("wrong", ["no-such-python", "false"])
def test_an_interpreter_that_will_not_do_is_named(made, wrong):
    folder, _ = made
    run = call(folder, PYTHON=wrong)
    assert run.returncode == 1
    assert f"PYTHON={wrong} cannot be used: it has to be Python 3.11, 3.12 or 3.13" in run.stderr
