"""Prompts with sources, a language model's answers, and the answerer that quotes."""

import pytest

from course_utils import models, rag

ISLAND = "Mauritius is governed from Port Louis."
LONG = "A river is a stream of water that flows to the sea. " * 60


def test_a_prompt_without_sources_asks_from_memory():
    assert rag.prompt("Who?") == "Question: Who?\n\nAnswer in a few words."


def test_one_source_has_no_number_and_several_have():
    one, two = rag.prompt("Who?", ["A."]), rag.prompt("Who?", ["A.", "B."])
    assert one == "Source: A.\n\nQuestion: Who?\n\nAnswer in a few words, taken from the source."
    assert two.startswith("Source [1]: A.\nSource [2]: B.\n\n") and two.endswith("sources.")


@pytest.mark.parametrize("count", [1, 3])
def test_all_sources_together_stay_within_the_budget(count):
    tokenizer, _ = models.load("language model")
    asked = rag.prompt("Who?", [LONG] * count, budget=60)
    bare = rag.prompt("Who?", [""] * count)
    tokens = [len(tokenizer(text)["input_ids"]) for text in (asked, bare)]
    assert 40 < tokens[0] - tokens[1] <= 60 + 3 * count  # a cut source ends in " ..."
    assert asked.count(" ...") == count


@pytest.mark.parametrize(
    "answer, value, right",
    [
        ("It is Port Louis.", "port louis", True),
        ("H.G. Wells wrote it.", "H. G. Wells", True),
        ("this", "HI", False),
        ("Louis Port", "Port Louis", False),
        ("Port St. Louis", "Port Louis", False),
        ("not Port Louis", "Port Louis", True),  # nothing else is judged
        ("", "Port Louis", False),
    ],
)
def test_what_says_a_value(answer, value, right):
    assert rag.says(answer, value) is right


def test_answers_come_in_the_order_of_their_prompts_and_do_not_depend_on_the_batch():
    prompts = [rag.prompt("Where is Lima?", ["Lima lies in Peru."]), rag.prompt("What is 2 + 2?")]
    alone = [rag.generate([text], new_tokens=6)[0] for text in prompts]
    assert rag.generate([*prompts, prompts[0]], new_tokens=6) == [*alone, alone[0]]
    assert "Peru" in alone[0] and alone[0] != alone[1]


def test_a_quotation_is_a_sentence_of_its_text():
    texts = ["Lima is large. The Andes are mountains in the west of it.", f"{ISLAND} Yes it is."]
    number, sentence, score = rag.quote("Which city governs Mauritius?", texts)
    assert (number, sentence) == (1, ISLAND) and 0.3 < score < 1


def test_short_sentences_are_quoted_only_where_there_is_nothing_else():
    assert rag.quote("Is Lima large?", ["Lima is large. It has ten million people."])[1] != (
        "Lima is large."
    )
    assert rag.quote("Is Lima large?", ["Lima is large."])[1] == "Lima is large."
