"""Links to files and headings lead somewhere, in all Markdown files and in the lessons."""

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mistune
import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from tests.helpers import MADE_ANEW, ROOT

to_html = mistune.create_markdown(escape=False)


class Page(HTMLParser):
    """What a page links to or shows (`targets`), and what can be linked to in it (`anchors`)."""

    def __init__(self, markdown: str):
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()
        self._heading: str | None = None  # the text of the heading that is being read
        self._seen: Counter[str] = Counter()
        self.feed(to_html(markdown))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self.targets += [found[name] for name in ("href", "src") if found.get(name)]
        self.anchors |= {found[name] for name in ("id", "name") if found.get(name)}
        if re.fullmatch("h[1-6]", tag):
            self._heading = ""

    def handle_data(self, data: str) -> None:
        if self._heading is not None:
            self._heading += data

    def handle_endtag(self, tag: str) -> None:
        if re.fullmatch("h[1-6]", tag) and self._heading is not None:
            name = anchor(self._heading)
            self.anchors.add(f"{name}-{self._seen[name]}" if self._seen[name] else name)
            self._seen[name] += 1
            self._heading = None


def anchor(heading: str) -> str:
    """The name that GitHub gives a heading: lower case, no punctuation, hyphens for spaces."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def page(path: Path) -> Page:
    """A Markdown file, or the Markdown cells of a notebook."""
    if path.suffix == ".md":
        return Page(path.read_text(encoding="utf-8"))
    cells = nbformat.read(path, as_version=4).cells
    return Page("\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown"))


def pages(root: Path) -> list[Path]:
    """All Markdown files and notebooks but those that tools make."""
    found = [*root.rglob("*.md"), *root.rglob("*.ipynb")]
    return sorted(path for path in found if not MADE_ANEW & set(path.relative_to(root).parts))


def problems(path: Path, root: Path) -> list[str]:
    """A line for each link of a page that leads nowhere; links to other machines are not tried."""
    found = []
    for target in page(path).targets:
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        file = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not file.is_relative_to(root) or MADE_ANEW & set(file.relative_to(root).parts):
            found.append(f"{target} is no part of the course")
        elif not file.exists():
            found.append(f"{target} is not there")
        elif parts.fragment and file.suffix in {".md", ".ipynb"}:
            if unquote(parts.fragment) not in page(file).anchors:
                found.append(f"{target}: {file.name} has no such heading")
    return found


@pytest.mark.parametrize("path", pages(ROOT), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_link_is_broken(path):
    assert not problems(path, ROOT)


def test_the_readme_is_among_the_pages_and_its_links_are_found():
    assert ROOT / "README.md" in pages(ROOT)
    targets = page(ROOT / "README.md").targets
    assert {"LICENSE", "img/search-desk.png"} <= set(targets)


LINKS = """\
# Here's *one*

## Again

## Again

[up](#heres-one) [second](#again-1) [file](other.md) ![picture](a%20picture.png)
[cell](L9.ipynb#two_b) [elsewhere](https://example.org/none#x) `[code](none.md)`

| a |
|---|
| [1](none.md) |

<img src="none.png"> [3](#Again) [4](other.md#none) [5](L9.ipynb#none) [6](../out.md) [7](.venv/x)
"""


def test_links_that_lead_nowhere_are_found_and_no_others(tmp_path):
    (tmp_path / ".venv").mkdir()
    for name in ("a picture.png", "other.md", ".venv/x"):
        (tmp_path / name).touch()
    nbformat.write(new_notebook(cells=[new_markdown_cell("## Two_b")]), tmp_path / "L9.ipynb")
    (tmp_path / "links.md").write_text(LINKS)
    assert [path.name for path in pages(tmp_path)] == ["L9.ipynb", "links.md", "other.md"]
    assert problems(tmp_path / "links.md", tmp_path) == [
        "none.md is not there",
        "none.png is not there",
        "#Again: links.md has no such heading",
        "other.md#none: other.md has no such heading",
        "L9.ipynb#none: L9.ipynb has no such heading",
        "../out.md is no part of the course",
        ".venv/x is no part of the course",
    ]
