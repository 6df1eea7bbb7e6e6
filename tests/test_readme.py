"""tools/readme.py: README.md is up to date, and says what notebooks and stored runs say."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils import pictures
from course_utils.errors import BadInput
from tests.helpers import ROOT
from tools import readme

OPENING = """\
# L9 · A lesson | of two

**What you will be able to do at the end:**

1. count to *ten* and sometimes beyond, and back;
2. say, with figures, what a vector is.

It takes about 20 minutes, or a day. Training takes 3 hours."""
PARTS = ("picture", "lessons", "optional", "six", "ladder", "sample")
MARKED = "\n".join(
    f"<!--make-readme:{name}-->stale text<!--end-of:{name}-->\nkept <{name}>" for name in PARTS
)
ASKED = 'command = ["-m", "course_utils", "ask", "how do I count", "-k", "1"]'
LINK = "notebooks/{0}.ipynb"
PLACES = (
    f"about 20 minutes, [Colab](https://colab.research.google.com/github/ann/course/blob/main/{LINK}"
    f"), [Binder](https://mybinder.org/v2/gh/ann/course/HEAD?urlpath=lab/tree/{LINK})"
)


def store(root, opening: str = OPENING, name: str = "L9_of_two") -> None:
    """Write a lesson with this first cell, and with a call of `ask`."""
    answer = new_output("stream", name="stdout", text="┃  1. itertools.count   100%\nelse\n")
    cells = [new_markdown_cell(opening), new_code_cell(ASKED, outputs=[answer], id="ask")]
    nbformat.write(new_notebook(cells=cells), root / "notebooks" / f"{name}.ipynb")


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one lesson."""
    (tmp_path / "notebooks/deeper").mkdir(parents=True)
    (tmp_path / "README.md").write_text(MARKED, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nurls = { Repository = "https://github.com/ann/course" }\n'
    )
    store(tmp_path)
    store(tmp_path, OPENING.replace("A lesson", "More"), "deeper/L9_more")
    monkeypatch.setattr(readme, "LESSONS", {"L9": "Dual-Encoder"})
    monkeypatch.setattr(readme, "SAMPLE", "L9")
    return tmp_path


def test_the_readme_is_up_to_date():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.updated() == text, "README.md is not up to date: run `make readme`"


@pytest.mark.parametrize(("page", "words"), [("README.md", 1500), ("CONTRIBUTING.md", 1800)])
def test_a_page_is_short_and_names_targets_and_commands_that_exist(page, words):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert len(text.split()) <= words
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE):
        assert f"\n{target}: " in makefile, target
    for option in re.findall(r"\b([A-Z_]{5,})=", text):
        assert option in makefile or option.startswith("COURSE_"), option
    for module in re.findall(r" -m (tools[\w.]+)", text):
        assert (ROOT / module.replace(".", "/")).with_suffix(".py").exists(), module
    for path in re.findall(r"`((?:course_utils|tests|tools|img|notebooks)/[\w./-]*)`", text):
        assert (ROOT / path).exists(), path


def test_the_clone_is_named_by_the_address_of_the_course():
    (clone,) = re.findall(r"git clone (\S+?)`", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert clone == f"https://github.com/{readme.badges.repository()}"


def test_the_table_of_lessons_says_what_the_first_cell_says(course):
    link = LINK.format("L9_of_two")
    caption = pictures.picture("Dual-Encoder").caption
    assert [line for line in readme.parts(course)["lessons"].splitlines() if line] == [
        "<table>",
        "<tr>",
        '<td width="180">',
        f'[<img src="img/Dual-Encoder.png" width="180" alt="{caption}">]({link})',
        "</td>",
        "<td>",
        f"**[L9 · A lesson | of two]({link})**<br>count to *ten* and sometimes beyond; "
        f"say, with figures, what a vector is<br>{PLACES.format('L9_of_two')}",
        "</td>",
        "</tr>",
        "</table>",
    ]


def test_optional_notebooks_have_a_line_each(course):
    link, places = LINK.format("deeper/L9_more"), PLACES.format("deeper/L9_more")
    assert readme.parts(course)["optional"] == f"- [L9 · More | of two]({link}): {places}"


def test_the_sample_is_what_the_lesson_stores(course):
    assert readme.parts(course)["sample"].splitlines() == [
        "```",
        "$ .venv/bin/python -m course_utils ask 'how do I count' -k 1",
        " 1. itertools.count   100%",
        "```",
    ]


def test_the_ladder_tells_shares_and_how_far_each_is_behind():
    runs = {name: {"first": "1100", "says": "0000"} for name in readme.LADDER}
    runs["closed book"] = {"says": "0000"}
    runs[readme.DUAL] = {"first": "1111", "says": "1111"}
    run = {"entities": list("abcd"), "wordings": {"known": runs, "new": runs}}
    rows, sure = readme.ladder(run).splitlines()[2:], readme.interval([1, 1, 1])
    assert sure == "1.00\xa0[1.00,\xa01.00]"
    assert rows[0] == f"| closed book |  | 0.00 | 0.00 | {sure} |"
    assert rows[1] == f"| BM25 | 0.50 | 0.00 | 0.00 | {sure} |"
    assert rows[readme.LADDER.index(readme.DUAL)] == "| dual encoder | 1.00 | 1.00 | 1.00 | – |"


def test_only_what_stands_between_the_marks_is_replaced(course, capsys):
    assert readme.main(course) == 0
    once = (course / "README.md").read_text(encoding="utf-8")
    assert "stale text" not in once and all(part in once for part in readme.parts(course).values())
    for name in PARTS:
        assert f"\n\n<!--end-of:{name}-->\nkept <{name}>" in once
    assert readme.main(course) == 0
    assert (course / "README.md").read_text(encoding="utf-8") == once
    assert capsys.readouterr().out == "README.md changed.\nREADME.md is as it was.\n"


@pytest.mark.parametrize(
    "lacking", ["# ", "1. count to *ten* and sometimes beyond, and back;\n2. "]
)
def test_what_is_lacking_is_said_and_leaves_the_readme_alone(course, capsys, lacking):
    store(course, OPENING.replace(lacking, ""))
    assert readme.main(course) == 1
    assert "first cell of L9_of_two.ipynb needs a title" in capsys.readouterr().err
    assert (course / "README.md").read_text(encoding="utf-8") == MARKED


def test_a_lost_mark_and_a_lesson_without_a_picture_are_errors_that_name_them(course):
    store(course, name="L8_unknown")
    with pytest.raises(BadInput, match="has L9, and in notebooks/ there are L8, L9"):
        readme.updated(course)
    (course / "notebooks" / "L8_unknown.ipynb").unlink()
    (course / "README.md").write_text(MARKED.replace("<!--end-of:six-->", ""), encoding="utf-8")
    with pytest.raises(BadInput, match="README.md needs the lines <!--make-readme:six-->"):
        readme.updated(course)
