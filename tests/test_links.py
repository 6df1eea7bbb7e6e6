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


@pytest.fixture
def course(tmp_path) -> Path:
    """A little course to link to."""
    (tmp_path / "notebooks").mkdir()
    (tmp_path / ".venv").mkdir()
    for name in ("a picture.png", "notebooks/LICENSE", ".venv/here"):
        (tmp_path / name).touch()
    (tmp_path / "other.md").write_text("# L2 · What's *in* `it`?\n\n## Again\n\n## Again\n")
    cells = [new_markdown_cell("# One"), new_markdown_cell("See [two](#two_b).\n\n## Two_b")]
    nbformat.write(new_notebook(cells=cells), tmp_path / "notebooks" / "L9.ipynb")
    return tmp_path


GOOD = """\
# Here

[up](#here) [file](other.md) ![picture](a%20picture.png) [folder](notebooks/)
[![both](<a picture.png>)](notebooks/LICENSE) <img src="a picture.png"> <a id="place"></a>
[heading](other.md#l2--whats-in-it) [second](other.md#again-1) [cell](notebooks/L9.ipynb#two_b)
[place](#place) [by name][ref] [elsewhere](https://example.org/none#x) <mailto:a@example.org>

`[code](none.md)`

    [code](none.md)

[ref]: other.md#again
"""


def test_links_that_lead_somewhere_are_let_through(course):
    (course / "good.md").write_text(GOOD)
    assert [path.name for path in pages(course)] == ["good.md", "L9.ipynb", "other.md"]
    assert len(page(course / "good.md").targets) == 14
    assert [problems(path, course) for path in pages(course)] == [[], [], []]


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("[file](none.md)", "is not there"),
        ("[![both](none.png)](other.md)", "is not there"),
        ("[by name][ref]\n\n[ref]: none.md", "is not there"),
        ('<img src="none.png">', "is not there"),
        ("<table>\n<tr>\n<td>\n\n[in it](none.md)\n\n</td>\n</tr>\n</table>", "is not there"),
        ("[here](#none)", "has no such heading"),
        ("[there](other.md#none)", "has no such heading"),
        ("[thrice](other.md#again-2)", "has no such heading"),
        ("[cell](notebooks/L9.ipynb#none)", "has no such heading"),
        ("[out](../out.md)", "is no part of the course"),
        ("[made anew](.venv/here)", "is no part of the course"),
    ],
)
def test_a_broken_link_is_found(course, link, why):
    (course / "bad.md").write_text(f"# Here\n\n{link}\n")
    (problem,) = problems(course / "bad.md", course)
    assert why in problem


def test_a_broken_link_in_a_lesson_is_found(course):
    """It is read from where the notebook lies."""
    cells = [new_markdown_cell("[up](../other.md) [beside](LICENSE) [down](other.md)")]
    nbformat.write(new_notebook(cells=cells), course / "notebooks" / "L8.ipynb")
    assert problems(course / "notebooks" / "L8.ipynb", course) == ["other.md is not there"]
