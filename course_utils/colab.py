"""Getting a lesson to run on Colab: add what is missing there, move nothing that is there.

The first cell of each lesson fetches the course and calls `prepare`, on Colab only. Colab brings
PyTorch, numpy and ipywidgets in versions that fit its machines and its page, so every package that
is installed is pinned to its version while pip adds the missing ones.
"""

import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import VERSION_PATTERN

from course_utils.errors import CourseError

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"
WEIGHTS = REQUIREMENTS.with_name("weights.txt")


def section(path: Path, title: str = "lessons") -> dict[str, Requirement]:
    """Normalised name → requirement, of those below the line `# [title]`; "": before any such."""
    parts = re.split(r"^# \[(\w+)\]\s*$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    text = dict(zip(["", *parts[1::2]], parts[::2], strict=True)).get(title, "")
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    asked = [Requirement(line) for line in lines if line]
    return {canonicalize_name(each.name): each for each in asked}


def installed() -> dict[str, str]:
    """Every installed package: normalised name → version."""
    # Backwards, so that of two copies the one that Python finds first is kept.
    everything = reversed([*metadata.distributions()])
    return {canonicalize_name(d.name): d.version for d in everything if d.name and d.version}


def unmet(needed: dict[str, Requirement], present: dict[str, str]) -> list[str]:
    """One sentence for each package that is installed in a version outside the wanted range."""
    return [
        f"{name} is {present[name]} here; the course is tested with {wanted}."
        for name, wanted in needed.items()
        if name in present and not wanted.specifier.contains(present[name], prereleases=True)
    ]


def prepare() -> None:
    """Install what the lessons need and this machine lacks; say so in a line or two.

    Raises CourseError with pip's own words where pip does not manage it.
    """
    needed, weights, present = section(REQUIREMENTS), section(WEIGHTS, ""), installed()
    for sentence in unmet(needed, present):
        print(sentence)
    packages = [str(needed[name]) for name in needed if name not in present]
    carriers = [str(weights[name]) for name in weights if name not in present]
    valid = re.compile(VERSION_PATTERN, re.VERBOSE | re.IGNORECASE)  # pip compares no others
    pins = [f"{name}=={have}" for name, have in present.items() if valid.fullmatch(have)]
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder, "constraints.txt")
        constraints.write_text("\n".join(pins), encoding="utf-8")
        if packages:
            _pip("--constraint", str(constraints), *packages)
    if carriers:
        _pip("--no-deps", *carriers)
    added = ", ".join(name for name in needed | weights if name not in present)
    print("The course is ready" + (f"; added {added}." if added else "."))


def _pip(*arguments: str) -> None:
    """One call of `pip install`, which must move nothing that is there."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run = subprocess.run([*pip, *arguments], capture_output=True, text=True)
    if run.returncode:
        raise CourseError(
            f"pip could not add {' '.join(arguments)} without moving what is installed. Restart "
            f"the session and try again, or open an issue with these lines:\n{run.stderr}"
        )
