"""The table of what was found: what it says and leaves out, and that nothing in it is alive."""

import re
from html.parser import HTMLParser

import pytest

from course_utils.retrieval import display
from course_utils.retrieval.store import Hit

QUESTION = "How do I sort an array?"
FILLER = "It says nothing of interest for a while. "
LONG = FILLER * 8 + "Here one can sort the array. " + "End. " * 50


def hit(text: str, name: str = "made.sort", section: str = "", score: float = 0.5) -> Hit:
    return Hit(f"{name}#0", name, name.split(".")[0], section, text, score)


HITS = [
    hit("Sort an array, in place.", "made.sort", score=0.876),
    hit("a : the array.", "made.argsort", "Parameters", score=0.5),
    hit("Nothing that was asked for.", "made.other", "Notes", score=-0.031),
]


class Text(HTMLParser):
    """What a browser would show, what it would mark, and the elements that it would make."""

    def __init__(self, page: str):
        super().__init__()
        self.shown, self.marked, self.made, self._within = [], [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.made.append((tag, dict(attrs)))
        self._within.append(tag)

    def handle_endtag(self, tag):
        if tag in self._within:
            self._within.reverse()
            self._within.remove(tag)
            self._within.reverse()

    def handle_data(self, data):
        self.shown.append(data)
        if "mark" in self._within:
            self.marked.append(data)


def test_the_html_has_rank_score_name_section_and_passage_in_the_order_of_the_hits():
    shown = "|".join(Text(display.as_html(QUESTION, HITS)).shown)
    order = [QUESTION, "1", "0.88", "made.sort", "2", "0.50", "made.argsort", "Parameters"]
    order += ["3", "-0.03", "made.other", "Notes"]
    places = [re.search(rf"(?<!\w){re.escape(each)}(?!\w)", shown) for each in order]
    assert all(places)
    at = 0
    for each in order:
        at = shown.index(each, at) + len(each)


def test_words_of_the_question_are_marked_and_no_others():
    marked = {word.lower() for word in Text(display.as_html(QUESTION, HITS)).marked}
    assert marked == {"sort", "array"}
    text = display.as_text(QUESTION, HITS)
    assert set(re.findall(r"\[(.+?)\]", text)) == {"Sort", "array"}


def test_the_plain_text_says_the_same_and_keeps_to_its_width():
    text = display.as_text(QUESTION, [*HITS, hit(LONG)])
    lines = text.splitlines()
    assert lines[0] == QUESTION
    assert lines[1] == " 1  0.88  made.sort"
    assert lines[3] == " 2  0.50  made.argsort · Parameters"
    assert max(map(len, lines)) <= 100
    shown = re.sub(r"\s+", " ", "".join(Text(display.as_html(QUESTION, [hit(LONG)])).shown))
    plain = re.sub(r"\s+", " ", re.sub(r"[\[\]]", "", display.as_text(QUESTION, [hit(LONG)])))
    assert display.excerpt(QUESTION, LONG) in shown
    assert display.excerpt(QUESTION, LONG) in plain


@pytest.mark.parametrize(
    "bad",
    [
        "<script>alert(1)</script> sort",
        '<img src=x onerror="alert(1)"> array',
        "a < b && sort > c",
        '"><b>sort</b>',
        "</td></table><iframe>array",
    ],
)
def test_text_of_documents_and_questions_stays_text(bad):
    hits = [hit(bad, name=f"made.{bad}", section=bad)]
    page = Text(display.as_html(bad, hits))
    allowed = {"table", "caption", "thead", "tbody", "tr", "th", "td", "b", "code", "br", "span"}
    assert {tag for tag, _ in page.made} <= allowed | {"mark"}
    assert all(set(attributes) <= {"style", "colspan"} for _, attributes in page.made)
    assert "".join(page.shown).count(bad) == 4  # question, name, section and passage


def test_nothing_found_is_said():
    assert "Nothing was found." in display.as_html(QUESTION, [])
    assert display.as_text(QUESTION, []) == f"{QUESTION}\nNothing was found."


def test_an_excerpt_is_the_place_that_holds_most_of_the_question():
    shown = display.excerpt(QUESTION, LONG, width=60)
    assert "sort the array" in shown and shown.startswith("… ") and shown.endswith(" …")
    assert len(shown) <= 60 + 15
    assert shown[2:-2] in LONG


@pytest.mark.parametrize("width", [20, 40, 75, 200, 300, 5000])
def test_an_excerpt_has_whole_words_of_the_text_and_about_its_width(width):
    shown = display.excerpt(QUESTION, LONG, width)
    inside = shown.removeprefix("… ").removesuffix(" …")
    at = LONG.index(inside)
    assert at == 0 or LONG[at - 1] == " "
    assert LONG[at + len(inside) : at + len(inside) + 1] in ("", " ")
    assert len(inside) <= width + 12
    assert shown.startswith("… ") == (at > 0)


def test_a_text_without_the_question_is_shown_from_its_beginning():
    shown = display.excerpt("zebra", LONG, 50)
    assert LONG.startswith(shown.removesuffix(" …")) and shown.endswith(" …")


def test_a_text_of_one_long_word_is_shown_all_the_same():
    assert display.excerpt("zebra", "x" * 500, 100).strip("… ") == "x" * 100 or display.excerpt(
        "zebra", "x" * 500, 100
    ).startswith("x")


def test_the_output_in_a_notebook_has_both_forms(monkeypatch):
    import IPython.display

    seen = []
    monkeypatch.setattr(IPython.display, "display", lambda bundle, raw: seen.append((bundle, raw)))
    assert display.passages_table(QUESTION, HITS) is None
    ((bundle, raw),) = seen
    assert raw and bundle == {
        "text/html": display.as_html(QUESTION, HITS),
        "text/plain": display.as_text(QUESTION, HITS),
    }
