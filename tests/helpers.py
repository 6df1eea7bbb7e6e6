"""What several test modules share."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What tools make anew whenever they need it: neither in git nor in the package.
MADE_ANEW = {".venv", "__pycache__", ".ipynb_checkpoints", ".pytest_cache", ".ruff_cache"}
MADE_ANEW |= {"build", "dist", "embedding_course.egg-info", "screenshots"}


def run_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    """A new interpreter in the course's folder; `environment` is added to that of the tests."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
    )


def commit(folder: Path) -> None:
    """Put a folder under git and commit what is in it."""
    identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for arguments in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
