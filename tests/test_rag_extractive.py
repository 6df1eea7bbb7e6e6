"""The answerer that quotes, and the whole way from a question to an answer with its sources."""

import dataclasses

import numpy as np
import pytest

from course_utils import cross_encoder, rag, retrieval
from course_utils.errors import BadInput
from course_utils.rag import abstention, answers, extractive
from tests.rag_entries import QUESTION, TEXTS, UNRELATED, entries

RULE = rag.Rule("dual encoder", 0.3)
PASSAGES = [(name, TEXTS[name]) for name in ("tools.sort_rows", "tools.shuffle_rows")]


@pytest.fixture(scope="module")
def index():
    return retrieval.build(entries(), progress=False)


@pytest.fixture(scope="module")
def results(index):
    return retrieval.search(QUESTION, 5, index=index)


def longest(question: str, texts: list[str]) -> np.ndarray:
    """A reader that likes long texts."""
    return np.array([len(text) for text in texts], dtype=np.float32)


@pytest.mark.parametrize("reader", extractive.READERS)
def test_statements_stand_word_for_word_in_the_source_that_they_name(reader):
    said = rag.best_sentences(QUESTION, PASSAGES, 5, reader)
    assert len({each.text for each in said}) == 5
    for each in said:
        assert each.text in PASSAGES[each.source - 1][1]
    assert said[0].text == "Sort the rows of a table by one column."
    assert said[1].score >= said[2].score >= said[3].score >= said[4].score


def test_scores_are_those_of_the_cross_encoder_for_name_and_sentence():
    for each in rag.best_sentences(QUESTION, PASSAGES, 4):
        read = f"{PASSAGES[each.source - 1][0]}: {each.text}"
        assert each.score == pytest.approx(cross_encoder.score(QUESTION, [read])[0], abs=0.05)


def test_the_first_statement_is_of_the_first_passage_whatever_scores_more():
    passages = [("a.b", "Short one."), ("c.d", "A much longer sentence stands in the other one.")]
    said = rag.best_sentences("?", passages, 2, longest)
    assert [(each.source, each.text[:5]) for each in said] == [(1, "Short"), (2, "A muc")]
    assert said[0].score < said[1].score


@pytest.mark.parametrize("ahead, first", [(0.5, 0), (0.7, 0), (0.9, 1), (4.0, 1)])
def test_a_summary_comes_first_unless_another_sentence_scores_clearly_more(ahead, first):
    """The scores are 0, `ahead`, 1 and -1; their standard deviation is 0.8 for 0.7 and for 0.9."""
    passages = [
        ("a.b", "It sorts. And it does that in a certain way."),
        ("c.d", "It is. So is mine too."),
    ]
    said = rag.best_sentences("?", passages, 1, lambda _, texts: np.array([0.0, ahead, 1.0, -1.0]))
    assert said[0].text == ["It sorts.", "And it does that in a certain way."][first]


def test_no_statement_is_made_of_lists_and_a_passage_without_a_sentence_gives_its_name():
    said = rag.best_sentences(QUESTION, PASSAGES, 50)
    assert not any("whose rows" in each.text or "name of the column" in each.text for each in said)
    (only,) = rag.best_sentences("?", [("a.b", "")], 2, longest)
    assert (only.text, only.source) == ("a.b", 1)


def test_two_passages_that_say_the_same_say_it_once():
    said = rag.best_sentences("?", [("a.b", "It sorts."), ("c.d", "It sorts.")], 2, longest)
    assert [(each.text, each.source) for each in said] == [("It sorts.", 1)]


@pytest.mark.parametrize(
    "passages, count, reader", [([], 1, longest), (PASSAGES, 0, longest), (PASSAGES, 1, "oracle")]
)
def test_what_cannot_be_answered_from_is_refused(passages, count, reader):
    with pytest.raises(BadInput):
        rag.best_sentences(QUESTION, passages, count, reader)


def test_an_answer_has_a_source_for_each_statement(index):
    found = rag.answer(QUESTION, index=index, by=RULE)
    assert not found.abstained and found.reason == "" and found.generator == "extractive"
    assert found.text == " ".join(f"{each.quote} [{each.number}]" for each in found.citations)
    assert [source.number for source in found.sources] == [1, 2, 3]
    assert found.citations[0].number == 1 and found.citations[0].name == "tools.sort_rows"
    for each in found.citations:
        source = found.sources[each.number - 1]
        assert source.name == each.name and each.quote in source.text
    assert str(found).split("\n")[:2] == [found.text, "[1] tools.sort_rows"]


def test_results_that_are_there_already_are_not_searched_for_again(index, results):
    assert rag.answer(QUESTION, results, by=RULE) == rag.answer(QUESTION, index=index, by=RULE)
    reversed_order = rag.answer(QUESTION, results[::-1], by=rag.Rule("dual encoder", -1.0))
    assert reversed_order.citations[0].name == results[-1].name


def test_the_spelling_is_that_of_the_search(index):
    found = rag.answer("How do I sort the rows of a tabel?", index=index, by=RULE)
    assert "table" in found.question and not found.abstained


def test_below_the_threshold_it_abstains_and_asks_nobody(index, results, monkeypatch):
    monkeypatch.setattr(extractive, "best_sentences", None)
    found = rag.answer(UNRELATED, index=index, by=RULE)
    assert found.abstained and found.text == rag.NOT_FOUND and found.citations == ()
    assert found.reason == answers.LITTLE_SUPPORT and found.support < RULE.threshold
    assert len(found.sources) == 3 and str(found) == rag.NOT_FOUND
    just = results[0].parts["dual encoder"]
    assert rag.answer(QUESTION, results, by=rag.Rule("dual encoder", just + 1e-6)).abstained
    with pytest.raises(TypeError):  # at the threshold itself it goes on to the answerer
        rag.answer(QUESTION, results, by=rag.Rule("dual encoder", just))


def test_the_support_is_the_cosine_of_the_first_result(results):
    for name in abstention.SUPPORTS:
        assert rag.support(results, name) == results[0].parts[name]
    assert rag.enough(results, rag.Rule("single encoder", -1.0))
    assert not rag.enough(results, rag.Rule("single encoder", 1.0))
    assert rag.support(results) == results[0].parts[rag.rule().support]


@pytest.mark.parametrize(
    "change, message",
    [({"generator": "oracle"}, "no generator 'oracle'"), ({"results": []}, "Nothing was found")],
)
def test_a_wrong_argument_is_refused(results, change, message):
    with pytest.raises(BadInput, match=message):
        rag.answer(QUESTION, **{"results": results, "by": RULE, **change})


def test_results_of_a_system_without_encoders_have_no_support(index):
    found = retrieval.search(QUESTION, 3, system="BM25", index=index)
    with pytest.raises(BadInput, match="search with another system"):
        rag.answer(QUESTION, found, by=RULE)


@pytest.mark.parametrize("question", ["", "   ", "?!", None, 5])
def test_a_question_without_a_word_is_refused(index, question):
    with pytest.raises(BadInput):
        rag.answer(question, index=index, by=RULE)


@pytest.mark.parametrize(
    "question", ["sort " * 2000, "<b>sort</b> the rows", "как отсортировать", "x[0] = {1: 2}", "行"]
)
def test_odd_questions_have_a_sane_end(index, question):
    found = rag.answer(question, index=index, by=RULE)
    assert found.text and (found.abstained or found.citations)


def test_answers_cannot_be_changed():
    fields = {field.name for field in dataclasses.fields(rag.Answer)}
    assert {"text", "citations", "sources", "abstained", "support"} <= fields
    with pytest.raises(dataclasses.FrozenInstanceError):
        rag.Citation(1, "a.b").number = 2
