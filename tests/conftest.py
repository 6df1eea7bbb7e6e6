"""What holds in every test and every notebook that is run: no network, nothing of the user's own.

Set here and not in a fixture, because the workers of pytest-xdist, the notebooks' kernels and other
processes that tests start must inherit it.
"""

import atexit
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from course_utils import language_model

SOCKETS = Path(__file__).parent / "sockets"

_paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
if str(SOCKETS) not in _paths:
    os.environ["PYTHONPATH"] = os.pathsep.join([str(SOCKETS), *filter(None, _paths)])
_spec = importlib.util.spec_from_file_location("course_sockets", SOCKETS / "sitecustomize.py")
_guard = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_guard)  # for a process that Python started without it

if "PYTEST_XDIST_WORKER" not in os.environ:  # once a run: the workers and kernels share the folder
    _of_the_set_up = language_model.copy()  # made here if need be, and not in every test run
    _scratch = Path(tempfile.mkdtemp(prefix="course-tests-"))
    atexit.register(shutil.rmtree, _scratch, ignore_errors=True)
    os.environ.pop("COURSE_MODELS", None)
    os.environ["COURSE_CACHE"] = str(_scratch / "cache")  # empty: a lesson must run from cold
    _of_the_run = language_model.copy_folder()
    _of_the_run.symlink_to(_of_the_set_up, target_is_directory=True)
    os.environ["HF_HOME"] = str(_scratch / "huggingface")
    os.environ["IPYTHONDIR"] = str(_scratch / "ipython")
    os.environ["MPLCONFIGDIR"] = str(_scratch / "matplotlib")
    # Tests run side by side: with a thread for each core each, they would mostly wait.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")  # UMAP's would become PyTorch's, too


def pytest_sessionstart(session: pytest.Session) -> None:
    """Let matplotlib look for fonts now: the first figure of a notebook would say so on stderr."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        from matplotlib import font_manager  # noqa: F401


@pytest.fixture
def cache_folder(tmp_path, monkeypatch) -> Path:
    """An empty cache folder for one test, which the course uses instead of the user's own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("COURSE_CACHE", str(folder))
    return folder


@pytest.fixture(scope="module")
def one_thread():
    """PyTorch with one thread, as in the processes that a test starts: sums add up in one order."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
