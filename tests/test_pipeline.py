"""Search from end to end, on the real encoders and a handful of real entries."""

import numpy as np
import pytest

from course_utils import data
from course_utils.errors import BadInput
from course_utils.retrieval import SYSTEMS, Settings, build, cleaned, pipeline, scored, search

PACKAGES = {"shutil", "random", "numpy", "functools"}


@pytest.fixture(scope="module")
def index():
    """Entries of four packages, every twentieth of them, and those that the tests ask for."""
    wanted = {"numpy.argsort", "shutil.copytree", "functools.lru_cache", "random.shuffle"}
    entries = [each for each in data.documentation() if each.name.split(".")[0] in PACKAGES]
    return build(
        [each for at, each in enumerate(entries) if each.name in wanted or at % 20 == 0],
        progress=False,
    )


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_finds_the_folder_copier(index, system):
    found = search("copy a whole folder with everything in it", 5, system=system, index=index)
    assert "shutil.copytree" in [each.name for each in found]
    assert [each.rank for each in found] == [1, 2, 3, 4, 5]
    assert all(one.score >= other.score for one, other in zip(found, found[1:], strict=False))


def test_the_vectors_are_units_and_the_dual_encoders_are_those_of_its_heads(index):
    from course_utils import dual_encoder

    np.testing.assert_allclose(np.linalg.norm(index.plain, axis=1), 1, atol=1e-5)
    vector = pipeline.encoded("sort an array")
    heads = dual_encoder.shipped("documentation")
    np.testing.assert_allclose(
        pipeline.as_question(index.question_head, vector),
        heads.encode_questions("sort an array"),
        atol=1e-5,
    )


def test_the_hybrid_is_the_sum_of_standardised_scores(index):
    found = scored(index, "sort an array", "hybrid", Settings(words=0.5, spelling=False))
    units = {
        name: (part - part.mean()) / part.std()
        for name, part in found.parts.items()
        if name != "hybrid"
    }
    by_hand = 0.25 * units["single encoder"] + 0.25 * units["dual encoder"] + 0.5 * units["BM25"]
    np.testing.assert_allclose(found.total, by_hand, atol=1e-5)


@pytest.mark.parametrize("words, system", [(1.0, "BM25"), (0.0, "single encoder")])
def test_the_share_of_words_leads_from_meaning_to_words(index, words, system):
    question = "shuffle a list"
    mixed = scored(index, question, "hybrid", Settings(words=words)).total
    alone = scored(index, question, system).total
    assert np.corrcoef(mixed, alone)[0, 1] > 0.9


def test_reranking_changes_the_order_of_the_first_entries_alone(index):
    settings = Settings(depth=6, cross=1.0)
    question = "remember what a function returned"
    first = np.argsort(-scored(index, question, "hybrid").total, kind="stable")
    found = scored(index, question, "pipeline", settings)
    again = np.argsort(-found.total, kind="stable")
    assert set(again[:6]) == set(first[:6])
    assert again[6:].tolist() == first[6:].tolist()
    read = ~np.isnan(found.parts["cross-encoder"])
    assert set(np.flatnonzero(read)) == set(first[:6])


def test_a_vector_that_is_known_already_gives_the_same_scores(index):
    vector = pipeline.encoded("sort an array")
    np.testing.assert_array_equal(
        scored(index, "sort an array", vector=vector).total, scored(index, "sort an array").total
    )


def test_misspelt_words_are_found_unless_that_is_switched_off(index):
    found = search("shufle a sequense", 3, index=index)
    assert found[0].asked == "shuffle a sequence"
    off = search("shufle a sequense", 3, index=index, settings=Settings(spelling=False))
    assert off[0].asked == "shufle a sequense"


@pytest.mark.parametrize(
    "question",
    [
        "x" * 10_000,
        "как отсортировать массив",
        "配列を並べ替える",
        "np.sort(a)[::-1]",
        "a b " * 3000,
    ]
    + ["<b>sort</b> an <img src=x onerror=alert(1)> array", "SELECT * FROM x; --", "7"],
)
def test_odd_questions_have_an_answer(index, question):
    found = search(question, 3, index=index)
    assert len(found) == 3
    assert all(np.isfinite(each.score) for each in found)
    assert len(found[0].asked) <= pipeline.LONGEST


def test_tags_are_left_out_and_what_looks_like_one_alone_is_kept():
    assert cleaned(" <b>sort</b>\n an array ") == "sort an array"
    assert cleaned("<tuple>") == "<tuple>"


@pytest.mark.parametrize("question", ["", "  \n", "?!", "...", None, 7, ["sort"]])
def test_what_holds_no_word_is_refused_with_advice(index, question):
    with pytest.raises(BadInput):
        search(question, index=index)


@pytest.mark.parametrize(
    "options", [{"k": 0}, {"k": 1.5}, {"system": "magic"}], ids=["k=0", "k=1.5", "system"]
)
def test_options_that_are_not_there_are_refused(index, options):
    with pytest.raises(BadInput):
        search("sort an array", index=index, **options)


@pytest.mark.parametrize(
    "options", [{"words": -0.1}, {"words": 1.1}, {"depth": 0}, {"depth": 2.5}, {"late": -1}]
)
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(BadInput):
        Settings(**options)


@pytest.mark.parametrize("entries", ["none", "twice"])
def test_an_index_needs_entries_and_each_name_once(index, entries):
    with pytest.raises(BadInput):
        build([] if entries == "none" else index.entries[:1] * 2)


def test_more_than_there_are_gives_all(index):
    assert len(search("sort", 10**6, index=index)) == len(index)
