"""Writes the course's address from pyproject.toml into everything that repeats it.

    python tools/badges.py [owner/name]

With an address, pyproject.toml is changed first. CITATION.cff, the links to Colab and Binder and
the first cell of each lesson follow; tests/test_project.py checks that they agree. Prints the files
it changed. The placeholder OWNER stands for an address that is not known yet; the links say so.
"""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = "https://github.com/"
ADDRESS = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")
NOTE = " (both work once the course is published at its address)"
# Links to these places are always to the course itself; links to other repositories stay.
SERVICES = re.compile(
    r"(colab\.research\.google\.com/github/|mybinder\.org/v2/gh/)[\w.-]+/[\w.-]+(?=/)"
)


def repository(root: Path = ROOT) -> str:
    """The course's address as `owner/name`, from `[project.urls]`."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"]["Repository"].removeprefix(HOST)


def links(address: str, lesson: str) -> str:
    """The line of links that stands in the first Markdown cell of a lesson.

    A lesson is named by its path in notebooks/, such as "L2_..." or "deeper/L2_...". Words,
    not pictures: a badge would be fetched from another machine each time the page is opened.
    """
    return (
        f"[Open in Colab]({colab(address, lesson)}) · [Open in Binder]({binder(address, lesson)})"
        f"{'' if published(address) else NOTE}"
    )


def colab(address: str, lesson: str) -> str:
    """Where Colab opens a lesson."""
    return f"https://colab.research.google.com/github/{address}/blob/main/notebooks/{lesson}.ipynb"


def binder(address: str, lesson: str) -> str:
    """Where Binder opens a lesson, in JupyterLab."""
    return f"https://mybinder.org/v2/gh/{address}/HEAD?urlpath=lab/tree/notebooks/{lesson}.ipynb"


def published(address: str) -> bool:
    """Whether this is a real address and not the placeholder."""
    return not address.startswith("OWNER/")


def first_cell(address: str) -> str:
    """The first code cell of each lesson, with the id `colab`; does nothing but on Colab."""
    return f"""\
import sys

if "google.colab" in sys.modules:  # only on Colab: fetch the course, add the packages it lacks
    !test -d /content/course || git clone --quiet --depth 1 {HOST}{address} /content/course
    sys.path.insert(0, "/content/course")
    from course_utils import colab

    colab.prepare()"""


def rewritten(text: str, old: str, new: str) -> str:
    """The text with the course's address changed; works on Markdown and on a notebook's JSON."""
    text = SERVICES.sub(lambda match: match[1] + new, text)
    if published(new):
        text = text.replace(NOTE, "")
    return re.sub(re.escape(HOST + old) + r"(?![\w.-]*[\w-])", HOST + new, text)


def main(arguments: list[str], root: Path = ROOT) -> int:
    """The command line; 0 when all went well."""
    old = repository(root)
    new = arguments[0].removeprefix(HOST).removesuffix(".git") if arguments else old
    if len(arguments) > 1 or not ADDRESS.fullmatch(new):
        print("usage: make badges REPO=owner/name", file=sys.stderr)
        return 2
    files = [root / name for name in ("pyproject.toml", "README.md", "CITATION.cff")]
    files += sorted([*root.glob("notebooks/*.ipynb"), *root.glob("notebooks/deeper/*.ipynb")])
    for path in filter(Path.exists, files):
        text = path.read_text(encoding="utf-8")
        changed = rewritten(text, old, new)
        if changed != text:
            path.write_text(changed, encoding="utf-8", newline="\n")
            print(f"{path.relative_to(root)} now says {new}.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
