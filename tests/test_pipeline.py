"""Search from end to end, on the real encoders and a handful of real entries."""

import numpy as np
import pytest

from course_utils import cross_encoder, data, embed
from course_utils.errors import BadInput
from course_utils.retrieval import SYSTEMS, build, hybrid, pipeline, search, standardised
from course_utils.retrieval.pipeline import HYBRID, RERANKED, cleaned, scores

WANTED = {"numpy.argsort", "shutil.copytree", "functools.lru_cache", "random.shuffle"}


@pytest.fixture(scope="module")
def index():
    """Every hundredth entry, and those that the tests ask for."""
    entries = enumerate(data.documentation())
    return build([each for at, each in entries if each.name in WANTED or at % 100 == 0], False)


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_finds_the_folder_copier(index, system):
    found = search("copy a whole folder with everything in it", 5, system=system, index=index)
    assert found[0].name == "shutil.copytree" == found[0].entry.name
    assert [each.rank for each in found] == [1, 2, 3, 4, 5]
    of = scores(index, found[0].asked, system)
    for each in found:
        row = index.names.index(each.name)
        assert each.parts == {name: float(part[row]) for name, part in of.items()}
        assert each.score == each.parts[system]


def test_the_scores_by_hand(index):
    parts = scores(index, "sort an array", RERANKED)
    vector = embed.encode("sort an array", max_tokens=64)
    np.testing.assert_allclose(parts["encoder"], index.vectors @ vector, atol=1e-6)
    np.testing.assert_array_equal(parts["BM25"], index.bm25.scores(["sort an array"])[0])
    units = [(part - part.mean()) / part.std() for part in (parts["BM25"], parts["encoder"])]
    np.testing.assert_allclose(parts[HYBRID], 0.25 * units[0] + 0.75 * units[1], atol=1e-4)


def test_reranking_gives_the_first_entries_the_cross_encoders_order_and_no_others(index):
    parts = scores(index, "remember what a function returned", RERANKED)
    first = np.argsort(-parts[HYBRID], kind="stable")
    again = np.argsort(-parts[RERANKED], kind="stable")
    passages = [index.passages[row] for row in first[:10]]
    read = cross_encoder.score("remember what a function returned", passages)
    assert again[:10].tolist() == first[:10][np.argsort(-read, kind="stable")].tolist()
    assert again[10:].tolist() == first[10:].tolist()


def test_a_weighted_sum_by_hand_and_equal_scores_say_nothing():
    assert hybrid(np.array([0.0, 2.0]), np.array([10.0, 0.0]), 0.25).tolist() == [0.5, -0.5]
    assert hybrid(np.array([0.3, 0.3]), np.array([1.0, 3.0]), 0.25).tolist() == [-0.75, 0.75]
    rows = np.random.default_rng(0).normal(5, 3, (4, 50))
    np.testing.assert_allclose(standardised(rows).mean(1), 0, atol=1e-12)
    np.testing.assert_allclose(standardised(rows), standardised(10 * rows - 7))


def test_equal_scores_are_in_the_order_of_the_index(index):
    found = search("xylophone zyzzyva", len(index) + 5, system="BM25", index=index)
    assert [each.name for each in found] == index.names  # no word is shared: all have 0


def test_misspelt_words_are_corrected_and_it_is_said(index):
    assert search("shufle a sequense", 1, index=index)[0].asked == "shuffle a sequence"


@pytest.mark.parametrize(
    "question",
    ["x" * 100_000, "a b " * 25_000, "<b>sort</b> <img src=x onerror=alert(1)>", "配列を並べ替える",
     "np.sort(a)[::-1]", "SELECT * FROM x; --", "7", "\x00sort"],
    ids=lambda text: ascii(text[:20]),
)  # fmt: skip
def test_odd_questions_have_an_answer(index, question):
    found = search(question, 3, index=index)
    assert len(found) == 3 and all(np.isfinite(each.score) for each in found)
    assert len(found[0].asked) <= pipeline.LONGEST and "<img" not in found[0].asked


def test_tags_are_left_out_and_all_else_is_kept():
    assert cleaned(" <b>sort</b>\n an<br/>array <!-- x -->") == "sort an array"
    assert cleaned("<tuple>") == "<tuple>"  # nothing else was asked
    assert cleaned("where a < b and c > d") == "where a < b and c > d"
    assert cleaned("word " * 300) == ("word " * 200).strip()


@pytest.mark.parametrize("question", ["", "  \n", "?!", "<" * 100_000, None, 7, ["sort"]])
def test_what_holds_no_word_is_refused(index, question):
    with pytest.raises(BadInput, match="nothing to search for|is a string"):
        search(question, index=index)
