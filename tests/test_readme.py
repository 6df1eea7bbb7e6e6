"""tools/readme.py: README.md is up to date, and says what the notebooks store, whatever it is."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils import claims, pictures
from course_utils.errors import BadInput
from tests.helpers import ROOT
from tools import readme
from tools.readme import Lesson

OPENING = """\
# L9 · A lesson | of two

**What you will be able to do at the end:**

1. count to *ten*, and back;
2. say what a vector is.

It takes about 20 minutes, or a day. Training takes 3 hours."""
PRINTED = [
    "sum   5.0   chance 0.1\nother 4.0\n✔ five is *more*\n✔ four is not  (by 1.0; 2|3)\n",
    "[1 2]\n✘ nothing is lost\n",
    "✘ 1 of the 3 claims above do not hold:\n  ✘ nothing is lost\n",
]
LESSON = Lesson(
    "L9", "Dual-Encoder", {"five is *more*": "sum", "four is not": "other", "nothing is lost": ""}
)
PARTS = ("pictures", "lessons", "optional notebooks", "sample", "claims", "ladder", "search")
MARKED = "\n".join(
    f"<!-- {name}, written by `make readme` -->stale text<!-- end of {name} -->\nkept <{name}>"
    for name in PARTS
)
ASKED = 'command = ["-m", "course_utils", "ask", "how do I count", "-k", "1"]'


def store(root, printed: list[str], opening: str = OPENING, name: str = "L9_of_two") -> None:
    """Write a lesson whose cells have printed this."""
    cells = [new_markdown_cell(opening), new_code_cell("x = 1")]
    for text in printed:
        halves = [text[: len(text) // 2], text[len(text) // 2 :]]  # as a kernel may send them
        outputs = [new_output("stream", name="stdout", text=half) for half in halves]
        cells.append(new_code_cell("claim(...)", outputs=outputs))
    answer = new_output("stream", name="stdout", text="┃  1. itertools.count   100%\nno claim\n")
    cells.append(new_code_cell(ASKED, outputs=[answer], id="ask"))
    nbformat.write(new_notebook(cells=cells), root / "notebooks" / f"{name}.ipynb")


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of one lesson."""
    (tmp_path / "notebooks/deeper").mkdir(parents=True)
    (tmp_path / "README.md").write_text(MARKED, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nurls = { Repository = "https://github.com/ann/course" }\n'
    )
    store(tmp_path, PRINTED)
    store(tmp_path, [], OPENING.replace("A lesson", "More"), "deeper/L9_more")
    monkeypatch.setattr(readme, "LESSONS", (LESSON,))
    monkeypatch.setattr(readme, "SAMPLE", "L9")
    return tmp_path


def test_the_readme_is_up_to_date():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.updated() == text, "README.md is not up to date: run `make readme`"


def test_a_claim_is_read_as_it_is_printed(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(claims, "_LEDGER", {})
    claims.claim("it holds", True, "0.5 (of 1)")
    claims.claim("it (the other) does not", False)
    claims.tally()
    (tmp_path / "notebooks").mkdir()
    store(tmp_path, [capsys.readouterr().out])
    notebook = nbformat.read(tmp_path / "notebooks" / "L9_of_two.ipynb", as_version=4)
    found = readme.claims_of(notebook, "L9")
    assert [(name, claim.holds, claim.detail) for name, claim in found.items()] == [
        ("it holds", True, "0.5 (of 1)"),
        ("it (the other) does not", False, ""),
    ]


def test_the_table_of_claims_says_what_is_stored(course):
    assert readme.parts(course)["claims"].splitlines() == [
        "| lesson | it claims | it prints |",
        "|---|---|---|",
        r"| [L9](notebooks/L9_of_two.ipynb): 2 of 3 claims hold | ✔ five is \*more\* "
        "| sum&emsp;5.0&emsp;chance 0.1 |",
        r"|  | ✔ four is not | other 4.0; by 1.0; 2\|3 |",
        "|  | ✘ nothing is lost |  |",
    ]


def test_the_table_of_lessons_says_what_the_first_cell_says(course):
    link = "notebooks/L9_of_two.ipynb"
    alt = pictures.picture("Dual-Encoder").alt.replace("'", "&#x27;")
    assert [line for line in readme.parts(course)["lessons"].splitlines() if line] == [
        "<table>",
        "<tr>",
        '<td width="180">',
        f'[<img src="img/Dual-Encoder.png" width="180" alt="{alt}">]({link})',
        "</td>",
        "<td>",
        f"**[L9 · A lesson | of two]({link})**<br>count to *ten*; say what a vector is<br>"
        "about 20 minutes · "
        f"[Colab](https://colab.research.google.com/github/ann/course/blob/main/{link}) · "
        f"[Binder](https://mybinder.org/v2/gh/ann/course/HEAD?urlpath=lab/tree/{link})",
        "</td>",
        "</tr>",
        "</table>",
    ]


def test_optional_notebooks_have_a_line_each(course):
    link = "notebooks/deeper/L9_more.ipynb"
    assert readme.parts(course)["optional notebooks"] == (
        f"- [L9 · More | of two]({link}): about 20 minutes · "
        f"[Colab](https://colab.research.google.com/github/ann/course/blob/main/{link}) · "
        f"[Binder](https://mybinder.org/v2/gh/ann/course/HEAD?urlpath=lab/tree/{link})"
    )


def test_the_pictures_above_have_their_captions_and_descriptions(course):
    part = readme.parts(course)["pictures"]
    shown = [pictures.PHOTOGRAPH, pictures.picture("Dual-Encoder")]
    assert part.count("<td") == part.count("<img ") == len(shown)
    for each in shown:
        alt = each.alt.replace("'", "&#x27;")
        assert f'alt="{alt}"><br>{each.caption}\n' in part
        assert f'src="img/{each.png.name}"' in part and each.png.exists()


def test_the_sample_is_what_the_lesson_stores(course):
    assert readme.parts(course)["sample"].splitlines() == [
        "```",
        "$ .venv/bin/python -m course_utils ask 'how do I count' -k 1",
        " 1. itertools.count   100%",
        "```",
    ]


def test_a_lesson_without_a_sample_is_an_error(course, monkeypatch):
    monkeypatch.setattr(readme, "CALL", "tell")
    with pytest.raises(BadInput, match="L9_of_two.ipynb has no cell 'tell' that calls `ask`"):
        readme.updated(course)


def test_the_ladder_tells_shares_with_intervals():
    runs = {name: {"first": "1100", "says": "1111"} for name in readme.LADDER}
    runs["closed book"] = {"says": "0000"}
    run = {"entities": list("abcd"), "wordings": {"known": runs, "new": runs}}
    told = readme.ladder(run).splitlines()[2:]
    assert told[0] == "| closed book | – | 0.00 [0.00 to 0.00] | 0.00 [0.00 to 0.00] |"
    sure = "1.00 [1.00 to 1.00]"
    assert told[1:] == [f"| {name} | 0.50 | {sure} | {sure} |" for name in readme.LADDER[1:]]


def test_the_table_of_the_searches_leaves_out_what_nothing_answers():
    ranks = {name: [1, 1, 0, 10] for name in readme.SYSTEMS}
    test = {"style": ["plain", "plain", "plain", "vague"], "ranks": ranks}
    heads, _, *rows = readme.search({"test": test}).splitlines()
    assert heads == "| | MRR, all 3 | success@5 | MRR, 2 plain ones |"
    assert [row.split(" | ")[3] for row in rows] == ["1.00 [1.00 to 1.00] |"] * len(ranks)
    assert all("| 0.70 [" in row and "| 0.67 [" in row for row in rows)


def test_only_what_stands_between_the_marks_is_replaced(course, capsys):
    assert readme.main(course) == 0
    once = (course / "README.md").read_text(encoding="utf-8")
    assert "stale text" not in once and all(part in once for part in readme.parts(course).values())
    for name in PARTS:
        assert f"\n\n<!-- end of {name} -->\nkept <{name}>" in once
    assert readme.main(course) == 0
    assert (course / "README.md").read_text(encoding="utf-8") == once
    assert capsys.readouterr().out == "README.md changed.\nREADME.md is as it was.\n"


@pytest.mark.parametrize("lost", ["written by `make readme` -->", "<!-- end of claims -->"])
def test_a_lost_mark_is_an_error_that_names_it(course, lost):
    (course / "README.md").write_text(MARKED.replace(lost, ""), encoding="utf-8")
    with pytest.raises(BadInput, match="README.md needs the lines <!-- "):
        readme.updated(course)


@pytest.mark.parametrize(
    ("carrying", "message"),
    [
        ({"six is more": "sum"}, r"L9_of_two.ipynb stores no claim 'six is more'"),
        ({"five is *more*": "product"}, r"'five is \*more\*' prints 0 lines .* 'product'"),
        ({"nothing is lost": "sum"}, r"'nothing is lost' prints 0 lines"),
        ({"five is *more*": "✔"}, r"'five is \*more\*' prints 2 lines .* '✔'"),
    ],
)
def test_what_no_cell_prints_is_an_error_that_names_it(course, monkeypatch, carrying, message):
    monkeypatch.setattr(readme, "LESSONS", (Lesson("L9", "Dual-Encoder", carrying),))
    with pytest.raises(BadInput, match=f"(?s){message}.*correct LESSONS in tools/readme.py"):
        readme.updated(course)


@pytest.mark.parametrize("printed", [PRINTED[1:], PRINTED[:2], ["✔ All 3 claims above hold.\n"]])
def test_claims_that_the_tally_does_not_count_are_an_error(course, printed):
    store(course, printed)
    with pytest.raises(BadInput, match="L9 stores .* claims, and its tally counts .* LESSONS=L9"):
        readme.updated(course)


@pytest.mark.parametrize("lacking", ["# ", "1. count to *ten*, and back;\n2. ", "minutes"])
def test_a_first_cell_that_lacks_something_is_an_error(course, lacking):
    store(course, PRINTED, OPENING.partition(" Training")[0].replace(lacking, ""))
    with pytest.raises(BadInput, match="first cell of L9_of_two.ipynb needs a title"):
        readme.updated(course)


def test_lessons_and_notebooks_have_to_match(course, monkeypatch):
    store(course, PRINTED, name="L8_unknown")
    with pytest.raises(BadInput, match="LESSONS in tools/readme.py lacks L8"):
        readme.updated(course)
    monkeypatch.setattr(readme, "LESSONS", (LESSON, Lesson("L8", "RAG-flow")))
    with pytest.raises(BadInput, match="chooses no claims of L8"):
        readme.updated(course)
    (course / "notebooks" / "L8_unknown.ipynb").unlink()
    with pytest.raises(BadInput, match="There is no notebook L8_"):
        readme.updated(course)


def test_an_error_is_said_and_leaves_the_readme_alone(course, capsys):
    store(course, PRINTED[:1])
    assert readme.main(course) == 1
    assert "L9 stores 2 claims" in capsys.readouterr().err
    assert (course / "README.md").read_text(encoding="utf-8") == MARKED
