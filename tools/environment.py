"""Makes `.venv` and installs requirements.txt under constraints.txt; does nothing when up to date.

Started by tools/environment.sh with the interpreter that `.venv` is (or will be) built from, so
only the standard library is used here. "Up to date" means: the key kept in `.venv/course-ready` is
the digest of the files that decide what is installed, of where the course lies, and of the version
of Python.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
READY = VENV / "course-ready"
INPUTS = ("requirements.txt", "constraints.txt", "tools/environment.py")
DOWNLOAD = re.compile(r"\s*(?:Downloading|Using cached) (\S+?)-\d\S* \((\d+)\.?\d* (MB|GB)\)")
IDENTITY = "import sys; print(sys.base_prefix, *sys.version_info[:3])"

# JupyterLab's defaults for this environment; a user's own settings still win over them.
LAB_SETTINGS = {
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}


def python() -> Path:
    """The environment's own interpreter."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def identity(interpreter: Path | str) -> str | None:
    """Where an interpreter is installed and its version, or None where it does not run."""
    try:
        run = subprocess.run([interpreter, "-c", IDENTITY], capture_output=True, text=True)
    except OSError:
        return None
    return run.stdout.strip() if run.returncode == 0 else None


def key() -> str:
    """Changes when anything changes that decides what `.venv` holds."""
    digest = hashlib.sha256(f"{ROOT} {sys.version_info[:2]}".encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def interesting(line: str) -> str | None:
    """What to show of a line of pip's output: big downloads and the start of the unpacking."""
    if match := DOWNLOAD.match(line):
        name, size, unit = match.groups()
        return f"  {name}, {size} {unit}" if unit == "GB" or int(size) >= 5 else None
    if match := re.match(r"Installing collected packages: (.+)", line):
        return f"  unpacking {len(match[1].split(', '))} packages"
    return None


def pip(*arguments: str) -> None:
    """Run `pip install` in the environment; show what takes long and, where it fails, why."""
    command = [str(python()), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", *arguments]
    said = []
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        for line in process.stdout:
            said.append(line)
            if shown := interesting(line):
                print(shown, flush=True)
    if process.returncode:
        sys.exit("".join(said[-30:]) + f"\nThis failed: {' '.join(command)}")


def site_packages() -> Path:
    """Where the environment keeps its packages."""
    command = [python(), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())


def has_torch() -> bool:
    """Whether PyTorch is in the environment already."""
    command = [python(), "-c", "import importlib.metadata as m; m.version('torch')"]
    return subprocess.run(command, capture_output=True).returncode == 0


def main() -> None:
    """Bring `.venv` up to date."""
    here = identity(sys.executable)
    there = identity(python())
    other = "--fresh-if-other" in sys.argv and there != here
    index = os.environ.get("TORCH_INDEX")
    if index and there and not other and has_torch():
        print("TORCH_INDEX is not used: .venv has PyTorch already. Delete .venv to start afresh.")
        index = None
    if not other and there and READY.exists() and READY.read_text() == key():
        return

    began = time.monotonic()
    if VENV.exists() and (other or not there):
        print("Removing .venv: its Python is another one, or does not run.", flush=True)
        shutil.rmtree(VENV)
    if not READY.exists():  # no environment yet, or one that was left half-made
        print(f"Making .venv with Python {sys.version.split()[0]}.", flush=True)
        command = [sys.executable, "-m", "venv", VENV, "--prompt", "embedding-course"]
        subprocess.run(command, check=True)
    READY.unlink(missing_ok=True)
    if index:
        print(f"Installing PyTorch from {index}", flush=True)
        pip("--no-deps", "--index-url", index, "--constraint", "constraints.txt", "torch")
    print("Installing the packages of requirements.txt (the first time, minutes).", flush=True)
    pip("--requirement", "requirements.txt", "--constraint", "constraints.txt")
    # Makes course_utils importable from any folder; an editable install would do the same, but put
    # a folder of its own beside the lessons.
    (site_packages() / "embedding-course.pth").write_text(f"{ROOT}\n")
    overrides = VENV / "share/jupyter/lab/settings/overrides.json"
    overrides.parent.mkdir(parents=True, exist_ok=True)
    overrides.write_text(json.dumps(LAB_SETTINGS, indent=2))
    # matplotlib would say on a learner's first figure that it looks for fonts.
    subprocess.run([python(), "-c", "from matplotlib import font_manager"], check=True)
    READY.write_text(key())
    print(f"The environment is ready after {time.monotonic() - began:.0f} s.", flush=True)


if __name__ == "__main__":
    main()
