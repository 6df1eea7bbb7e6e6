"""The explorer of L5: its lists, words and map as pure functions, and its wiring."""

import html
import re
import sys

import numpy as np
import pytest

from course_utils import explorers, plots, projection, retrieval
from course_utils.data import Entry
from course_utils.explorers import search_explorer as desk
from course_utils.retrieval.pipeline import BM25, ENCODER, HYBRID, RERANKED, SYSTEMS
from tests.pictures import faults, texts
from tests.widgets import PNG, newer_than_7_7

NASTY = "<img src=x onerror=alert(1)>"
DOCUMENTED = """
numpy.argsort: Returns the indices that would sort an array.
numpy.sort: Return a sorted copy of an array.
numpy.unique: Find the unique elements of an array.
numpy.random.Generator.shuffle: Shuffle the rows of an array in place.
numpy.load: Load an array from a file on disk.
sklearn.model_selection.train_test_split: Split arrays or matrices into train and test subsets.
sklearn.model_selection.KFold: Split data into consecutive folds for cross-validation.
sklearn.model_selection.StratifiedShuffleSplit: Split randomly, with the share of each class kept.
sklearn.metrics.confusion_matrix: Count how often each class is taken for another one.
sklearn.cluster.KMeans: Group samples around the nearest of k centres.
scipy.stats.pearsonr: Measure the linear correlation of two samples and test it.
scipy.optimize.minimize: Find the minimum of a function of several variables.
scipy.signal.convolve: Convolve two signals.
torch.utils.data.random_split: Split a data set at random into parts of given lengths.
torch.nn.Dropout: Set some inputs to zero at random during training.
torch.stack: Join tensors along a new dimension.
matplotlib.pyplot.hist: Compute and plot a histogram.
matplotlib.figure.Figure.savefig: Save the figure to a file, as an image or a vector graphic.
shutil.copytree: Copy a whole folder to another place.
json.dumps: Turn an object into text in the JSON format.
re.findall: Find all matches of a pattern in a text.
"""


def entry(line: str) -> Entry:
    name, summary = line.split(": ")
    return Entry(name, summary, summary, name.split(".")[0], "function")


@pytest.fixture(scope="module")
def index():
    entries = [entry(line) for line in DOCUMENTED.strip().splitlines()]
    bad = Entry(f"evil{NASTY}.render", f"Render markup {NASTY}.", f"Render {NASTY}.", NASTY, "<b>")
    return retrieval.build([*entries, bad], progress=False)


@pytest.fixture(autouse=True)
def quick_map(monkeypatch):
    monkeypatch.setattr(projection, "umap_map", projection.pca_map)  # UMAP takes 15 seconds


def rows(found: desk.Found, system: str) -> list[int]:
    return [row for row, _ in found.lists[system]]


def test_the_lists_are_those_of_the_search(index):
    found = desk.find(index, k=4, again=True)
    assert list(found.lists) == list(SYSTEMS)
    for system in SYSTEMS:
        expected = retrieval.search(desk.QUESTION, 4, system=system, index=index)
        assert [index.names[row] for row in rows(found, system)] == [each.name for each in expected]
    assert RERANKED not in desk.find(index).lists


def test_the_share_of_the_words_goes_from_none_to_all(index):
    all_words, none = (desk.find(index, k=3, share=share) for share in (1.0, 0.0))
    assert rows(all_words, HYBRID) == rows(all_words, BM25)
    assert rows(none, HYBRID) == rows(none, ENCODER)


def test_a_score_is_told_as_a_share_from_the_tenth_entry_to_the_first(index):
    found = desk.find(index, k=10, again=True)
    for shares in ([share for _, share in found.lists[system]] for system in SYSTEMS[1:]):
        assert (shares[0], shares[-1]) == (1, 0) and sorted(shares, reverse=True) == shares
    assert desk.find(index, k=2).lists[HYBRID] == found.lists[HYBRID][:2]


def test_an_entry_without_a_word_of_the_question_is_not_in_the_list_of_words(index):
    assert len(desk.find(index, "histogram", k=10).lists[BM25]) == 1
    found = desk.find(index, "zzqx")
    assert found.lists[BM25] == [] != found.lists[HYBRID]
    assert "No entry has a word of the question." in desk.told(index, found)


def test_the_finding_counts_the_lists_with_the_same_first_entry(index):
    found = desk.Found("sort", {BM25: [(0, 1.0)], ENCODER: [(1, 1.0)], HYBRID: [(1, 1.0)]})
    assert desk.finding(index, found) == "numpy.sort is first in 2 of 3 lists"
    assert found.rows == [0, 1]


def test_the_lists_name_what_was_found_and_a_corrected_question(index):
    found = desk.find(index, "shufle the rows")
    read = html.unescape(re.sub(r"<[^>]*>", "", desk.told(index, found)))
    assert "Searched for: “shuffle the rows”" in read
    for system in found.lists:
        assert system in read and all(index.names[row] in read for row in rows(found, system))


@pytest.mark.parametrize(
    ("text", "question", "expected"),
    [
        ("train_test_split", "how to split for training", ["train", "split"]),
        ("torch.utils.data.DataLoader", "load data", ["data", "Data"]),
        ("the sorted array", "the SORTING of it", ["sorted"]),
        ("x &amp; <y>", "is amp in it", ["amp"]),
    ],
)
def test_the_words_of_the_question_are_marked_in_any_form(text, question, expected):
    made = desk.marked(text, question)
    assert re.findall(r"<mark[^>]*>(.*?)</mark>", made) == expected
    assert html.unescape(re.sub(r"</?mark[^>]*>", "", made)) == text


def test_documents_and_questions_are_escaped(index):
    for question in ("render the markup", NASTY):
        said = desk.told(index, desk.find(index, question))
        assert "evil" in said and "<img" not in said


def test_what_is_not_laid_out_stands_amid_its_three_nearest(index, monkeypatch):
    monkeypatch.setattr(desk, "MAPPED", 21)
    points, honesty = desk.mapped(index.vectors)
    laid_out = np.unique(np.linspace(0, 21, 21).round().astype(int))
    (other,) = {*range(22)} - {*laid_out.tolist()}
    np.testing.assert_allclose(points[laid_out], projection.pca_map(index.vectors[laid_out]))
    nearest = laid_out[np.argsort(-index.vectors[laid_out] @ index.vectors[other])[:3]]
    np.testing.assert_allclose(points[other], points[nearest].mean(axis=0))
    assert honesty.n == 21


def test_the_picture_rings_what_was_found_and_says_how_honest_it_is(index):
    found, (points, honesty) = desk.find(index), desk.mapped(index.vectors)
    fig = desk.picture(index, found, points, str(honesty))
    *_, rings = fig.axes[0].collections
    np.testing.assert_allclose(rings.get_offsets(), points[found.rows])
    read = " ".join(texts(fig))
    assert faults(fig) == [] and "trustworthiness" in read and desk.finding(index, found) in read


def test_the_key_gives_each_package_the_colour_of_its_dots(index):
    drawn = desk._scatter(index, desk.mapped(index.vectors)[0])
    key = {name: colour for name, colour, _ in drawn.legend_encoding["color"]["values"]}
    for entry, dot in zip(index.entries, drawn.points, strict=True):
        assert tuple(drawn.color[int(dot[2])]) == key[entry.package]


def test_the_controls_change_the_lists_and_what_the_map_shows(index):
    controls, message, words, drawn, _ = desk.explorer(index)[0].children
    changes = {"question": "sort an array", "k": 9, "share": 1.0, "again": True}
    for control, (field, value) in zip(controls.children, changes.items(), strict=True):
        before, start, control.value = words.value, control.value, value
        found = desk.find(index, **{field: value})
        assert words.value == desk.told(index, found) != before and message.value == ""
        assert drawn.selection.tolist() == found.rows
        control.value = start
        assert words.value == before


@pytest.mark.parametrize(
    ("question", "message"),
    [(" ?!\n", "There is nothing to search for: type a question"), ("\ud83d it", "half a surr")],
)
def test_bad_input_gets_a_message_and_leaves_what_was_found(index, question, message):
    controls, said, words, drawn, _ = desk.explorer(index)[0].children
    before = words.value, drawn.selection.tolist()
    controls.children[0].value = question
    assert message in said.value and 'role="alert"' in said.value
    assert (words.value, drawn.selection.tolist()) == before
    controls.children[0].value = desk.QUESTION
    assert said.value == ""


def test_without_jupyter_scatter_a_picture_follows_the_question(index, monkeypatch):
    monkeypatch.setitem(sys.modules, "jscatter", None)
    box, png = desk.explorer(index)
    controls, _, _, drawn, _ = box.children
    assert drawn.value == png and png.startswith(PNG)
    controls.children[0].value = "plot a histogram"
    assert drawn.value != png and newer_than_7_7(box) == []


def test_it_shows_itself_with_a_picture_and_words_that_hold_everywhere(index, monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "show_widget", lambda *given: shown.append(given))
    explorers.search_desk(index)
    ((box, words, png, alt),) = shown
    assert {"course-explorer", "explorer-search-desk"} <= set(box._dom_classes)
    assert png.startswith(PNG) and words == f"[explorer] {alt}"
    assert not re.search(r"\d", alt.replace(BM25, ""))
