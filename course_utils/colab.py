"""Getting a lesson to run on Colab: add what is missing there, move nothing that is there.

The first cell of each lesson fetches the course and calls `prepare`, on Colab only. Colab brings
PyTorch, numpy and ipywidgets in versions that fit its machines and its page, so every package that
is installed is pinned to its version while pip adds the missing ones.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

from course_utils.errors import CourseError

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"
WEIGHTS = REQUIREMENTS.with_name("weights.txt")
SECTION = "lessons"  # the part of requirements.txt that the lessons need to run


class InstallFailed(CourseError):
    """pip could not add a missing package."""


def section(text: str, name: str = SECTION) -> list[str]:
    """The requirements below the line `# [name]` of a requirements file, without their comments."""
    current, found = "", []
    for line in text.splitlines():
        if line.startswith("# [") and line.rstrip().endswith("]"):
            current = line.strip()[3:-1]
        elif requirement := line.partition("#")[0].strip():
            found += [requirement] if current == name else []
    return found


def installed() -> dict[str, str]:
    """Every installed package: normalised name → version."""
    from packaging.utils import canonicalize_name

    # Backwards, so that of two copies the one that Python finds first is kept.
    everything = reversed([*metadata.distributions()])
    return {canonicalize_name(d.name): d.version for d in everything if d.name and d.version}


def missing(requirements: Iterable[str], present: Mapping[str, str]) -> list[str]:
    """The requirements whose package is not installed at all, in order."""
    return [line for line in requirements if _name(line) not in present]


def unmet(requirements: Iterable[str], present: Mapping[str, str]) -> list[str]:
    """One sentence for each package that is installed in a version outside the wanted range."""
    from packaging.requirements import Requirement

    found = []
    for line in requirements:
        have = present.get(_name(line))
        if have and not Requirement(line).specifier.contains(have, prereleases=True):
            found.append(f"{_name(line)} is {have} here; the course is tested with {line}.")
    return found


def frozen(present: Mapping[str, str]) -> str:
    """A constraints file that keeps every installed package at its version."""
    from packaging.version import InvalidVersion, Version

    lines = []
    for name, version in sorted(present.items()):
        try:
            lines.append(f"{name}=={Version(version)}\n")
        except InvalidVersion:  # a package of the system; pip could not compare it either
            continue
    return "".join(lines)


def prepare(requirements: Path = REQUIREMENTS, weights: Path = WEIGHTS) -> None:
    """Install what the lessons need and this machine lacks; say so in a line or two.

    Raises InstallFailed with pip's own words where pip does not manage it.
    """
    needed = section(requirements.read_text(encoding="utf-8"))
    present = installed()
    for sentence in unmet(needed, present):
        print(sentence)
    wanted = missing(needed, present)
    carriers = missing(section(weights.read_text(encoding="utf-8"), ""), present)
    if wanted:
        with tempfile.TemporaryDirectory() as folder:
            constraints = Path(folder, "constraints.txt")
            constraints.write_text(frozen(present), encoding="utf-8")
            _pip("--constraint", str(constraints), *wanted)
    if carriers:
        _pip("--no-deps", *carriers)
    added = ", ".join(map(_name, wanted + carriers))
    print("The course is ready" + (f"; added {added}." if added else "."))


def _pip(*arguments: str) -> None:
    """One call of `pip install`, which must move nothing that is there."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run = subprocess.run([*pip, *arguments], capture_output=True, text=True)
    asked = " ".join(arguments)
    if run.returncode:
        raise InstallFailed(
            f"pip could not add {asked} without moving what is installed. Restart the "
            f"session and try again, or open an issue with these lines:\n{run.stderr}"
        )


def _name(requirement: str) -> str:
    """The normalised name of the package that a requirement asks for."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    return canonicalize_name(Requirement(requirement).name)
