"""A JupyterLab of its own for the tests: on this machine only, on a copy, gone afterwards."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

SERVER = Path(__file__).with_name("server.py")
SECONDS_TO_START = 120
SECONDS_TO_END = 30

# No news and no update check (both ask other machines), nothing saved behind the test's back, and
# every cell in the page, also those that are out of sight.
SETTINGS = {
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
    "notebook-extension/tracker": {"windowingMode": "none"},
}


class LabServer:
    """Context manager: JupyterLab on a free loopback port, with a token, on a copy of the lessons.

    `source` is the folder that holds `notebooks/` and, where lessons show pictures, `img/`; the
    `tools/` of the course are copied, too, so that its server extension takes the copy for the
    course. Jupyter and IPython see no file of the user's; all else, COURSE_CACHE too, is as in this
    process, so caches stay warm. Raises RuntimeError with the end of its log where the server does
    not start.
    """

    def __init__(self, source: Path):
        self.source = source
        self.url = self.token = ""
        self._folder = self._process = None

    def __enter__(self) -> "LabServer":
        self._folder = Path(tempfile.mkdtemp(prefix="course-lab-"))
        try:
            self._fill()
            self._process = self._start()
            self.url, self.token = self._address()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_error) -> None:
        if self._process is not None:
            self._end()
        shutil.rmtree(self._folder, ignore_errors=True)  # a kernel may still be writing its last

    @property
    def notebooks(self) -> Path:
        """The folder of the copied notebooks."""
        return self._folder / "course" / "notebooks"

    @property
    def pid(self) -> int:
        """The process id of the server, which is also that of its group."""
        return self._process.pid

    def page_of(self, notebook: str) -> str:
        """The address, token included, at which JupyterLab opens with this notebook alone."""
        return f"{self.url}lab/tree/notebooks/{quote(notebook)}?reset&token={self.token}"

    def _fill(self) -> None:
        """The copy that the server works on, and its settings."""
        for name in ("notebooks", "img", "tools"):
            if (self.source / name).is_dir():
                shutil.copytree(self.source / name, self._folder / "course" / name)
        for plugin, settings in SETTINGS.items():
            path = self._folder / "settings/@jupyterlab" / f"{plugin}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(settings), encoding="utf-8")

    def _start(self) -> subprocess.Popen:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]  # should another take it first, Jupyter tries the next
        options = [
            "--no-browser",
            "--expose-app-in-browser",  # the page's scripts then find `window.jupyterapp`
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={port}",
            f"--ServerApp.root_dir={self._folder / 'course'}",
            "--LabApp.extension_manager=readonly",
            "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]
        if os.geteuid() == 0:
            options.append("--allow-root")
        with (self._folder / "log").open("wb") as log:
            return subprocess.Popen(
                # -P: the modules beside server.py do not hide installed ones
                [sys.executable, "-P", str(SERVER), *options],
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        """This process's environment; Jupyter's folders and the course's tools are the copies."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY_"))}
        own = {
            "JUPYTER_CONFIG_DIR": "config",
            "JUPYTER_DATA_DIR": "data",
            "JUPYTER_RUNTIME_DIR": "runtime",
            "JUPYTERLAB_SETTINGS_DIR": "settings",
            "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
            "IPYTHONDIR": "ipython",
        }
        kept["PYTHONPATH"] = os.pathsep.join(
            [str(self._folder / "course"), *filter(None, [kept.get("PYTHONPATH")])]
        )
        return kept | {name: str(self._folder / folder) for name, folder in own.items()}

    def _address(self) -> tuple[str, str]:
        """URL and token, once the server listens and has written them down."""
        deadline = time.monotonic() + SECONDS_TO_START
        while time.monotonic() < deadline and self._process.poll() is None:
            for path in (self._folder / "runtime").glob("jpserver-*.json"):
                try:
                    about = json.loads(path.read_text(encoding="utf-8"))
                except ValueError:  # half written
                    continue
                return about["url"], about["token"]
            time.sleep(0.1)
        log = (self._folder / "log").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"JupyterLab did not start. Its last words:\n{log[-3000:]}")

    def _end(self) -> None:
        """End the server; it ends its kernels. By force, the whole group, where it does not."""
        try:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        except ProcessLookupError:
            self._process.wait()  # it had ended before
        finally:
            self._process.stdin.close()
