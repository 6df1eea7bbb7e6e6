"""The heads that come with the course, the roles that they play, and the script behind them."""

import re
from dataclasses import replace

import numpy as np
import pytest
import torch

from course_utils import data, dual_encoder, embed, evaluate, models
from course_utils.dual_encoder import FOLDERS, Heads, Settings
from tools import heads as script
from tools import smoke
from tools.heads import Candidates

QUESTIONS = [
    "Sort a list of numbers.",
    "Read a file line by line.",
    "Draw a histogram.",
    "Measure how long a call takes.",
    "Multiply two matrices.",
    "Remove duplicates from a sequence.",
]
ANSWERS = [
    "Returns a new list with the items in ascending order; key chooses what is compared.",
    "Opens the path in text mode and yields each line until the end is reached.",
    "The values are put into bins, whose counts are drawn as bars on the axes.",
    "A clock with high resolution is read before and after, and the difference in seconds kept.",
    "The last axis of the first array and the second-to-last of the other one must agree.",
    "Each element is kept the first time it occurs; later copies are dropped.",
]
SIDES = {"question": (QUESTIONS, 64), "answer": (ANSWERS, 128)}


def told(kind: str) -> tuple[dict, str]:
    """What comes with a pair of heads: the JSON file's `about`, and the card."""
    folder = FOLDERS[kind]
    return dual_encoder.about(folder), (folder / "README.md").read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------- the heads


@pytest.mark.parametrize("kind", FOLDERS)
def test_the_card_is_of_these_weights(kind):
    about, card = told(kind)
    assert f"`{about['sha256']}`" in card and f"`{models.DIGEST}`" in card
    assert f"dual_encoder.shipped({kind!r})" in card
    assert str(Settings(**about["about"]["settings"])) in " ".join(card.split())
    assert all(f"{name} {version}" in card for name, version in about["about"]["versions"].items())
    assert len(card.splitlines()) <= 60


def test_the_settings_are_the_defaults_and_those_that_were_tried():
    """Otherwise `make heads` is due."""
    settings = {kind: Settings(**told(kind)[0]["about"]["settings"]) for kind in FOLDERS}
    assert settings["facts"] == Settings()
    assert settings["documentation"].echo == 0 == settings["documentation"].seed
    for name, values in script.TRIED.items():
        assert getattr(settings["documentation"], name) in values


def right_first(heads: Heads, asked) -> np.ndarray:
    """Whether each answer is the first among all answers and questions: `[q]`."""
    questions, texts = Candidates(asked.question, asked.answer, asked.question).vectors()
    return evaluate.recall_at(1, evaluate.ranks(dual_encoder.score_matrix(heads, questions, texts)))


@pytest.mark.parametrize("wording, least", [("known", 0.85), ("new", 0.65)])
def test_the_heads_for_facts_tell_answers_from_questions_and_the_encoder_does_not(wording, least):
    table = data.fact_questions()
    asked = table[(table.side == "held out") & (table.wording == wording)]
    assert right_first(Heads(), asked).sum() == 0
    found = right_first(dual_encoder.shipped(), asked)
    assert evaluate.bootstrap_interval(found)[1] > least


def test_only_the_heads_for_facts_answer_the_example_others_echo_it():
    example = data.echo_example()
    first = {}
    for kind in FOLDERS:
        heads = dual_encoder.shipped(kind)
        question = heads.encode_questions(example.question)
        first[kind] = int((heads.encode_answers(example.texts) @ question).argmax())
    assert first == {"facts": 1, "documentation": 0}


# ------------------------------------------------------------------------------------- the roles


@pytest.mark.parametrize("side", SIDES)
def test_a_role_is_the_encoder_with_its_head(side):
    texts, length = SIDES[side]
    tokenizer, model = models.load(f"{side} encoder")
    batch = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        vectors = model(**batch).pooler_output.numpy()
    heads = dual_encoder.shipped()
    wanted = getattr(heads, f"encode_{side}s")(texts)
    np.testing.assert_allclose(vectors, wanted, atol=1e-5)
    encoded = embed.encode(texts, role=f"{side} encoder", max_tokens=length)
    np.testing.assert_allclose(encoded, wanted, atol=1e-5)
    assert abs(wanted - embed.encode(texts)).max() > 0.01
    assert not model.training and models.load(f"{side} encoder")[1] is model


def test_vectors_of_a_role_are_not_taken_for_those_of_the_encoder(cache_folder):
    """Long work is cached by the encoder's weights, and those of a role are others."""
    texts = [f"text number {number}" for number in range(32)]
    plain = embed.encode(texts, progress=False)
    for _ in range(2):
        found = embed.encode(texts, role="question encoder", progress=False)
        assert abs(found - plain).max() > 0.01


# ------------------------------------------------------------------------------------ the script


def test_the_tables_tell_means_intervals_the_seeds_and_the_lead():
    first, second = np.array([1, 2, 2, 20]), np.array([1, 1, 2, 2])
    systems = {script.BM25: [first], script.ENCODER: [first], script.HEADS: [first, second]}
    lines = script.table({"4 answers": systems}).splitlines()
    assert re.fullmatch(r"\| 4 answers \| BM25( \| 0\.\d{3} \(0\.\d+ to \d\.\d+\)){3} \|", lines[2])
    assert re.match(r"\| 4 answers \| with heads \| 0\.375 \(.+\); 0\.250 to 0\.500 \|", lines[4])
    *_, line = script.lead({"4 answers": systems}).splitlines()
    assert re.match(r"\| 4 answers \| \+0\.125 \(\+0\.000 to \+0\.\d+\) \|", line)


def test_ranks_are_those_of_each_system_among_answers_and_others():
    heads = [dual_encoder.shipped("documentation"), Heads()]
    found = script.ranks(Candidates(QUESTIONS, ANSWERS, QUESTIONS), heads)
    assert {system: len(runs) for system, runs in found.items()} == {
        script.BM25: 1,
        script.ENCODER: 1,
        script.HEADS: 2,
    }
    np.testing.assert_array_equal(found[script.ENCODER][0], found[script.HEADS][1])
    assert found[script.ENCODER][0].min() > 1  # the question itself comes first


def test_bm25_reads_what_the_encoder_reads():
    long = "word " * 200
    assert script.cut(long) == ("word " * 126).strip()  # and [CLS], [SEP]
    assert script.cut("CamelCase, kept as it is.") == "CamelCase, kept as it is."


def test_the_settings_with_the_best_rank_on_the_validation_pairs_are_taken(monkeypatch):
    monkeypatch.setattr(script, "SEEDS", range(1))
    material = script.documentation(smoke.split())
    good, bad = Settings(steps=3, learning_rate=1e-3), Settings(steps=3, learning_rate=100.0)
    for tried in ([good, bad], [bad, good]):
        assert script.chosen(replace(material, tried=tried)) == good


def test_the_first_heads_are_those_that_training_gives(monkeypatch):
    monkeypatch.setattr(script, "SEEDS", range(2))
    material, settings = script.documentation(smoke.split()), Settings(steps=3, batch=4)
    first, second = script.trained(material, settings)
    again = Heads()
    dual_encoder.train(again, *material.train.vectors(), settings)
    assert torch.equal(first.question.weight, again.question.weight)
    assert not torch.equal(first.question.weight, second.question.weight)
