"""The explorer of L5: its lists, map, picture and words as pure functions, and its wiring."""

import html
import re
from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest

from course_utils import explorers, rag, retrieval
from course_utils.data import Entry
from course_utils.errors import BadInput, CourseError
from course_utils.explorers import SearchDesk, search_explorer, search_map, search_words
from course_utils.explorers.search_results import COLUMNS, DEEPEST, READERS, RERANKED, Desk
from course_utils.retrieval import pipeline
from course_utils.retrieval.pipeline import BM25, DUAL, HYBRID, SINGLE
from tests.pictures import faults, texts
from tests.widgets import PNG, everything_in, newer_than_7_7, parts, presented_by, said

NASTY = "<img src=x onerror=alert(1)>"
SCRIPT = "<script>alert(2)</script>"
# What each entry does; its name is made of the words. The last has the markup.
DOCUMENTED = """
numpy.argsort: Returns the indices that would sort an array.
numpy.sort: Return a sorted copy of an array.
numpy.searchsorted: Find where elements should be inserted to keep a sorted array in order.
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
functools.lru_cache: Remember what a function returned for the arguments of late.
json.dumps: Turn an object into text in the JSON format.
itertools.permutations: Give all orders of the elements of an iterable.
re.findall: Find all matches of a pattern in a text.
"""
START = SearchDesk()


def entry(line: str) -> Entry:
    name, summary = line.split(": ")
    package = name.split(".")[0]
    return Entry(name, summary, f"{summary}\n\nMore of it is in the guide.", package, "function")


@pytest.fixture(scope="module")
def index():
    entries = [entry(line) for line in DOCUMENTED.strip().splitlines()]
    text = f"Render markup {NASTY} as a page.\n\nThe {SCRIPT} in a page {NASTY} is run there."
    bad = Entry(f"evil{SCRIPT}.render", f"Render markup {NASTY}.", text, f"<i>{NASTY}", "<b>kind")
    return retrieval.build([*entries, bad], progress=False)


@pytest.fixture(scope="module")
def desk(index):
    return Desk(index)


@pytest.fixture(scope="module")
def on(index):
    return search_map.mapped(index.answers)


def view(desk: Desk, **change):
    return search_explorer.view_search_desk(replace(START, **change), desk)


# ---------------------------------------------------------------------------------- the lists


@pytest.mark.parametrize("reader", READERS)
def test_the_lists_are_those_of_the_search(desk, index, reader):
    state = replace(START, k=4, words=0.4, depth=12, reader=reader)
    last, cross = READERS[reader]
    settings = replace(pipeline.BEST, words=0.4, depth=12, cross=cross)
    found = desk.find(state)
    for column in COLUMNS:
        system = last if column == RERANKED else column
        more = {"system": system, "index": index, "settings": settings}
        expected = retrieval.search(START.question, 4, **more)
        rows = found.first(column)
        assert [index.names[row] for row in rows] == [each.name for each in expected]
        shown = found.rankings[column].scores[rows]
        said = [each.parts.get(system, each.score) for each in expected]
        np.testing.assert_allclose(shown, said, rtol=1e-5)


def test_k_cuts_the_lists_and_nothing_is_searched_for_again(index, monkeypatch):
    calls, plain = [], pipeline.scored
    monkeypatch.setattr(
        pipeline, "scored", lambda *given: (calls.append(given[1]), plain(*given))[1]
    )
    desk = Desk(index)
    lists = [desk.find(replace(START, k=k)).first(HYBRID) for k in (1, 5, 10)]
    assert [len(each) for each in lists] == [1, 5, 10] and lists[2][:5] == lists[1]
    desk.find(replace(START, shown=BM25))
    assert len(calls) == 1
    desk.find(replace(START, words=0.9))
    desk.find(replace(START, depth=11))
    assert len(calls) == 3


def test_the_weight_of_the_words_goes_from_none_to_all(desk):
    words, meaning = (desk.find(replace(START, words=share)) for share in (1.0, 0.0))
    np.testing.assert_array_equal(words.rankings[HYBRID].order, words.rankings[BM25].order)
    both = sum(retrieval.standardised(meaning.rankings[name].scores) / 2 for name in (SINGLE, DUAL))
    np.testing.assert_allclose(meaning.rankings[HYBRID].scores, both, rtol=1e-6)


def test_ranks_and_agreement_are_counted_from_the_lists(desk):
    found = desk.find(replace(START, k=3))
    lists = {column: found.first(column) for column in COLUMNS}
    for row in range(len(found.index)):
        assert found.lists_with(row) == sum(row in each for each in lists.values())
    for column, rows in lists.items():
        assert found.rankings[column].ranks[rows].tolist() == [1, 2, 3]
    first = lists[RERANKED][0]
    assert found.best() == (first, sum(each[0] == first for each in lists.values()))
    assert found.numbers == {row: number for number, row in enumerate(lists[RERANKED], 1)}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_bar_goes_from_the_score_at_the_depth_to_the_first(desk, column):
    found = desk.find(replace(START, k=10, depth=10))
    shares = [found.share(column, row) for row in found.first(column)]
    assert shares[0] == 1 and shares[-1] == 0 and sorted(shares, reverse=True) == shares


def test_where_all_scores_are_equal_there_are_no_bars(desk):
    found = desk.find(replace(START, question="zzqx"))
    assert not found.rankings[BM25].scores.any()
    assert [found.share(BM25, row) for row in found.first(BM25)] == [0] * 5


def test_the_answer_is_that_of_the_reranked_list(desk, index):
    found = desk.find(START)
    names = [index.names[row] for row in found.rankings[RERANKED].order[:3]]
    assert [source.name for source in found.answer.sources] == names
    system, cross = READERS[START.reader]
    more = {"system": system, "index": index, "settings": replace(pipeline.BEST, cross=cross)}
    assert found.answer == rag.answer(START.question, retrieval.search(START.question, 3, **more))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question": ""}, "There is nothing to search for: type a question or some keywords."),
        ({"question": " \n\t?!"}, "There is nothing to search for"),
        ({"question": "🦇🏏"}, "There is nothing to search for"),
        ({"question": "sort \ud83d it"}, "The question holds half a character"),
        ({"k": 0}, "There are no lists of 0 entries: choose 1 to 10."),
        ({"k": 11}, "There are no lists of 11 entries"),
        ({"words": 1.5}, "words=1.5 is a share: 0 to 1."),
        ({"depth": 9}, "There is no depth 9: choose 10 to 50."),
        ({"depth": DEEPEST + 1}, "There is no depth 51"),
        ({"reader": "BM25"}, "There is no list 'BM25': choose one of"),
        ({"shown": "best"}, "There is no list 'best': choose one of BM25, single"),
    ],
)
def test_bad_input_gets_a_sentence_that_says_what_to_do(desk, change, message):
    seen = view(desk, **change)
    assert seen.png is None and not seen.html and message in seen.message
    seen.message.encode("utf-8")  # it can be sent to the browser


# ------------------------------------------------------------------------------------ the map


def test_an_entry_of_the_map_has_its_place_and_others_stand_among_their_nearest(index):
    on = search_map.mapped(index.answers, most=13)
    assert on.rows.tolist() == [*range(0, 25, 2)] and on.total == 25
    np.testing.assert_array_equal(on.place_of(4, index.answers), on.points[2])
    cosines = index.answers @ index.answers[5]
    nearest = on.rows[np.argsort(-cosines[on.rows])[:3]]
    weights = np.exp((cosines[nearest] - cosines[nearest].max()) / search_map.SHARPNESS)
    places = [on.place_of(row, index.answers) for row in nearest]
    expected = np.average(places, axis=0, weights=weights)
    np.testing.assert_allclose(on.place_of(5, index.answers), expected, rtol=1e-5)


def test_what_is_far_nearer_to_one_entry_stands_on_it(on):
    cosines = np.zeros(len(on.rows))
    cosines[7] = 1
    np.testing.assert_allclose(on.place(cosines), on.points[7], atol=1e-4)


def test_many_entries_are_mapped_by_umap_and_few_by_pca(monkeypatch):
    vectors = np.random.default_rng(0).normal(size=(search_map.FEW, 5)).astype(np.float32)
    # UMAP itself takes ten seconds: test_projection has it.
    monkeypatch.setattr(search_map.projection, "umap_map", search_map.projection.pca_map)
    assert search_map.mapped(vectors).method == "UMAP"
    assert search_map.mapped(vectors, most=search_map.FEW - 1).method == "PCA"


def test_a_small_map_has_no_honesty_and_two_entries_have_no_map(index):
    assert search_map.mapped(index.answers[:5]).honesty is None
    assert search_explorer._note(search_map.mapped(index.answers[:5])) == "5 of 5 entries by PCA"
    with pytest.raises(BadInput, match="A map needs three entries: the index has 2"):
        search_map.mapped(index.answers[:2])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("width", [0, 3, 60])
def test_badges_keep_their_distance(seed, width):
    box = (230.0, 220.0)
    anchors = np.array([225, 3]) + np.random.default_rng(seed).uniform(-width, 0, (10, 2))
    anchors[:, 1] = np.clip(anchors[:, 1], 0, None)
    places = search_map.spread(anchors, 15.0, box, anchors[:1])
    assert np.linalg.norm(places[:, None] - anchors, axis=-1).min() > 11.2
    gaps = np.linalg.norm(places[:, None] - places, axis=-1) + 99 * np.eye(10)
    assert gaps.min() > 14.99
    assert (places >= 7.5).all() and (places <= np.array(box) - 7.5).all()
    np.testing.assert_array_equal(places, search_map.spread(anchors, 15.0, box, anchors[:1]))


# -------------------------------------------------------------------------------- the picture


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("k", [1, 5, 10])
@pytest.mark.parametrize("shown", [BM25, RERANKED])
def test_nothing_overlaps_and_nothing_is_cut_off(desk, on, k, shown):
    found = desk.find(replace(START, k=k, shown=shown))
    fig = search_explorer.picture(found, on)
    assert faults(fig) == []
    read = texts(fig)
    assert f"“{START.question}”" in read
    assert any(text.startswith("25 of 25 entries by PCA") for text in read)
    for row, number in found.numbers.items():
        assert read.count(f"{number}") >= 2  # on the map and in the table
        for column in COLUMNS:
            assert f"{found.rankings[column].ranks[row]}" in read


def test_the_table_shows_each_systems_rank(desk, on):
    found = desk.find(replace(START, k=3))
    _, ranks = search_explorer.picture(found, on).axes
    cells = [text.get_text() for text in ranks.texts if re.fullmatch(r"\d+", text.get_text())]
    rows = [cells[start : start + 6] for start in range(0, len(cells), 6)]
    expected = [
        [number, *(found.rankings[column].ranks[row] for column in COLUMNS)]
        for row, number in found.numbers.items()
    ]
    assert [list(map(int, row)) for row in rows] == expected
    shaded = sum(rank <= 3 for row in expected for rank in row[1:])
    assert len(ranks.patches) == shaded


def test_the_title_says_what_is_first_and_how_many_agree(desk, on):
    found = desk.find(START)
    row, lists = found.best()
    assert f"{found.index.names[row]} is first in {lists} of 5 lists" in texts(
        search_explorer.picture(found, on)
    )


def test_a_long_name_loses_its_middle_and_never_its_package():
    short = partial(search_explorer._short, room=120)
    assert short("numpy.argsort") == "numpy.argsort"
    assert short("sklearn.model_selection.train_test_split") == "sklearn…train_test_split"
    long = short("matplotlib.backend_bases.FigureCanvasBase.get_default_filename_of_it")
    assert long.startswith("matplotlib…get_def") and long.endswith("…")
    assert short("x" * 99).endswith("…")


# ---------------------------------------------------------------------------------- the words


def test_the_words_hold_the_five_lists_the_answer_and_the_marks(desk):
    found, seen = desk.find(START), view(desk)
    assert seen.png.startswith(PNG) and not seen.message
    plain = said(seen).replace("\u200b", "")
    for column in COLUMNS:
        assert f"{column}" in plain
        for row in found.first(column):
            assert found.index.names[row] in plain
    assert f"Answer. {found.answer.text}" in plain
    for citation in found.answer.citations:
        assert f"[{citation.number}] {citation.name}" in plain
    marked = re.findall(r"<mark [^>]*>([^<]*)</mark>", seen.html)
    assert {"train", "test", "Split", "split"} <= set(marked) and "how" not in marked
    assert f"{RERANKED}: what these entries say" in plain
    assert "Searched for" not in plain


def test_scores_are_told_and_an_entry_that_was_not_read_has_none(desk):
    found = desk.find(replace(START, depth=10, k=10))
    row = found.first(BM25)[0]
    assert f">{found.rankings[BM25].scores[row]:.1f}</span>" in search_words.words(found)
    unread = replace(found.rankings[RERANKED], scores=np.full(len(found.index), np.nan))
    rankings = {**found.rankings, RERANKED: unread}
    html_ = search_words._list(replace(found, rankings=rankings), RERANKED)
    assert html_.count(">–</span>") == 10


def test_an_entry_has_one_shade_in_all_lists(desk):
    found = desk.find(START)
    for row in found.first(RERANKED):
        tint = search_words.TINTS.get(found.lists_with(row))
        for column in COLUMNS:
            if row in found.first(column):
                shown = search_words._row(found, column, row)
                assert (f"background:{tint}" in shown) if tint else ("color:#222" not in shown)


def test_a_question_without_an_answer_is_told(desk):
    found = desk.find(START)
    none = rag.Answer(
        START.question, rag.NOT_FOUND, (), (), True, "it is <b>far", 0.1, "extractive"
    )
    shown = search_words.words(replace(found, answer=none))
    assert rag.NOT_FOUND in shown and "No answer, since it is &lt;b&gt;far." in shown


def test_a_corrected_question_is_shown(desk):
    assert "Searched for: “shuffle the rows”" in said(view(desk, question="shufle the rows"))


def test_documents_are_escaped_wherever_they_stand(desk, index):
    question = "render markup as a page"
    for shown in (BM25, RERANKED):
        seen = view(desk, question=question, shown=shown)
        assert f"evil{SCRIPT}.render" in said(seen).replace("\u200b", "")
        assert html.escape(NASTY) in re.sub(r"</?(mark|wbr)[^>]*>", "", seen.html)
        for tag in ("<img", "<script", "<i>", "<b>kind"):
            assert tag not in seen.html
    found = desk.find(replace(START, question=question))
    assert f"evil{SCRIPT}.render" in [index.names[row] for row in found.first(RERANKED)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "question",
    [
        NASTY,
        f"{SCRIPT} sort",
        "sort an array " * 700,
        "x" * 10_000,
        "如何对数组排序",
        "שלום عالم",
        "for i in range(10): print(x[i])",
        "$x$ \\frac{1}{0} 7",
        "sort\0 it\u200d",
    ],
)
def test_any_question_is_searched_for_and_shown_as_text(desk, on, question):
    seen = view(desk, question=question)
    assert seen.png.startswith(PNG) and not seen.message
    assert "<img" not in seen.html and "<script" not in seen.html
    assert faults(search_explorer.picture(desk.find(replace(START, question=question)), on)) == []


def test_equal_states_give_equal_views(index):
    assert view(Desk(index), k=3) == view(Desk(index), k=3)


# -------------------------------------------------------------------------- the widgets, wired


@pytest.fixture
def presented(desk, index, monkeypatch):
    """What `present` was given: the widget of `search_desk`, and its description."""
    monkeypatch.setattr(search_explorer, "Desk", lambda _index: desk)  # it has searched already
    return presented_by(partial(explorers.search_desk, index), monkeypatch)


@pytest.fixture
def box(presented):
    return presented[0]


def test_it_opens_with_the_default_view_under_the_classes_that_a_browser_test_looks_for(box, desk):
    controls, message, picture, words = parts(box)
    assert {"course-explorer", "explorer-search-desk"} <= set(box._dom_classes)
    assert len(controls) == len(fields(SearchDesk)) and message.value == ""
    seen = view(desk)
    assert (bytes(picture.value), words.value) == (seen.png, seen.html)


def test_the_description_holds_on_every_machine(presented):
    _, alt = presented
    assert not re.search(r"\d", alt.replace("BM25", "")) and "star" in alt and "badges" in alt


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("question", "sort an array"),
        ("k", 7),
        ("words", 1.0),
        ("depth", 14),
        ("reader", [*READERS][-1]),
        ("shown", BM25),
    ],
)
def test_every_control_changes_what_is_shown(box, desk, field, value):
    controls, message, picture, words = parts(box)
    before = words.value
    controls[[each.name for each in fields(SearchDesk)].index(field)].value = value
    seen = view(desk, **{field: value})
    assert (bytes(picture.value), words.value) == (seen.png, seen.html)
    assert words.value != before and message.value == ""


def test_after_bad_input_the_picture_stays_and_good_input_clears_the_message(box):
    controls, message, picture, words = parts(box)
    before = bytes(picture.value), words.value
    controls[0].value = " "
    assert "There is nothing to search for" in message.value
    assert "last input that worked" in message.value
    assert (bytes(picture.value), words.value) == before
    controls[0].value = START.question
    assert message.value == "" and (bytes(picture.value), words.value) == before


def test_what_costs_a_search_waits_until_the_slider_stands(box):
    question, k, words, depth, *_ = parts(box)[0]
    assert not any(each.continuous_update for each in (question, words, depth))
    assert k.continuous_update


def test_only_what_ipywidgets_7_7_has_is_set(box):
    assert len(everything_in(box)) == 11
    assert newer_than_7_7(box) == []


def test_an_index_without_a_map_is_refused(index):
    with pytest.raises(CourseError, match="A map needs three entries"):
        explorers.search_desk(retrieval.build(index.entries[:2], progress=False))


def test_the_lists_are_systems_of_the_course():
    systems = {system for system, _ in READERS.values()}
    assert {*COLUMNS, *systems} - {RERANKED} <= set(retrieval.SYSTEMS)
