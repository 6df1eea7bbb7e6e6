"""The heads that come with the course, the roles that they play, and the script behind them."""

import re
from dataclasses import asdict

import numpy as np
import pytest
import torch

from course_utils import data, dual_encoder, embed, models
from course_utils.data.retrieval_pairs import QaPair, Split, qa_pairs
from course_utils.dual_encoder import Heads, HeadsError, Settings, batch_loss, pairs, storage
from tools import heads as script

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
CARD = (storage.SHIPPED / "README.md").read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------- the heads


def test_the_shipped_heads_have_learned_the_documentation():
    """Most of these pairs were trained on: this tells these weights from damaged ones, no more."""
    questions, answers, labels = pairs.rows(qa_pairs()[::90])
    losses = [
        batch_loss(heads, questions, answers, Settings(), labels).item()
        for heads in (dual_encoder.shipped(), Heads())
    ]
    assert losses[0] < losses[1] / 3


def test_they_were_trained_with_the_settings_that_are_the_default_now():
    """Otherwise `make heads` is due."""
    assert Settings(**dual_encoder.about(storage.SHIPPED)["about"]["settings"]) == Settings()


def test_their_card_is_of_these_weights():
    about = dual_encoder.about(storage.SHIPPED)
    assert f"`{about['sha256']}`" in CARD and f"`{models.DIGEST}`" in CARD
    assert f"{about['about']['pairs']:,} pairs" in CARD
    for name, value in about["about"]["settings"].items():
        assert f"    {name} = {value}\n" in CARD
    for name, version in about["about"]["versions"].items():
        assert f"{name} {version}" in CARD
    assert len(re.findall(r"^\| with heads \| 0\.\d{3} \(", CARD, re.MULTILINE)) == 2


# ------------------------------------------------------------------ the heads of the mixture


@pytest.mark.parametrize("kind", storage.MIXED)
def test_the_cards_of_the_mixed_heads_are_of_these_weights(kind):
    folder = storage.MIXED[kind]
    about, text = dual_encoder.about(folder), (folder / "README.md").read_text(encoding="utf-8")
    assert f"`{about['sha256']}`" in text and f"dual_encoder.shipped({kind!r})" in text
    settings = about["about"]["settings"]
    assert Settings(**settings) == Settings(echo=settings["echo"])  # L4's recipe
    assert all(f"    {name} = {value}\n" in text for name, value in settings.items())
    assert (folder / storage.WEIGHTS).stat().st_size < 3_000_000


def test_the_heads_against_the_echo_answer_the_example_and_the_others_echo_it():
    example = data.echo_example()
    first = {}
    for kind in ("documentation", *storage.MIXED):
        heads = dual_encoder.shipped(kind)
        question = heads.encode_questions(example.question)
        first[kind] = int((heads.encode_answers(example.texts) @ question).argmax())
    assert first == {"documentation": 0, "mixed": 0, "mixed, against echo": 1}


def test_on_questions_that_people_ask_the_mixed_heads_are_not_behind_the_encoder():
    """As the run that comes with them says: a mean of no less, and an interval that reaches 0."""
    run = data.stored_run("mixed_heads")
    of = {name: figures["questions"]["MRR"] for name, figures in run["systems"].items()}
    start = of["encoder alone"]["first"][0]
    assert min(of["echo term 0"]["seeds"]) > start + 0.02
    assert np.mean(of["echo term 0.1"]["seeds"]) > start - 0.01
    assert run["ahead"]["echo term 0.1"]["high"] > 0 > run["ahead"]["echo term 0.1"]["low"]


def test_heads_of_a_kind_that_is_not_known():
    with pytest.raises(HeadsError, match="no heads 'other'. There are: 'documentation', 'mixed'"):
        dual_encoder.shipped("other")


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


def test_cached_vectors_of_a_role_depend_on_its_head(monkeypatch, tmp_path):
    before = models.identity("question encoder")
    assert models.identity() in before and before != models.identity()
    dual_encoder.save(Heads(), tmp_path)
    monkeypatch.setattr(storage, "SHIPPED", tmp_path)
    assert models.identity("question encoder") != before


def test_without_the_files_the_role_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(storage, "SHIPPED", tmp_path / "gone")
    models._load_with_head.cache_clear()
    for ask in (models.load, models.identity):
        with pytest.raises(HeadsError, match="heads.json cannot be read"):
            ask("answer encoder")


# ------------------------------------------------------------------------------------ the script


def test_a_table_tells_means_intervals_and_the_spread_of_the_seeds():
    first, second = np.array([1.0, 0.5, 0.5, 0.0]), np.array([1.0, 1.0, 0.5, 0.5])
    figures = {"counted": [{"MRR": first}], "trained": [{"MRR": first}, {"MRR": second}]}
    lines = script.table("4 pairs", figures).splitlines()
    assert lines[:3] == ["4 pairs:", "", "| system | MRR | recall@1 | echo rate |"]
    assert re.fullmatch(r"\| counted \| 0\.500 \(0\.\d+ to \d\.\d+\) \| – \| – \|", lines[4])
    assert re.match(r"\| trained \| 0\.625 \(0\.\d+ to 0\.\d+\); 0\.500 to 0\.750 \|", lines[5])


def test_heads_and_baselines_are_measured_on_the_held_out_pairs(monkeypatch):
    made = [QaPair(q, a, q, "made") for q, a in zip(QUESTIONS, ANSWERS, strict=True)]
    monkeypatch.setattr(script, "SEEDS", range(2))
    settings = Settings(steps=3, batch=4)
    first, figures = script.compare(Split(made[:4], [], made[4:]), settings)
    assert {system: len(runs) for system, runs in figures.items()} == {
        "BM25": 1,
        "encoder alone": 1,
        "with heads": 2,
    }
    assert all(run["MRR"].shape == (2,) for runs in figures.values() for run in runs)
    again = Heads()
    dual_encoder.train(again, *pairs.rows(made[:4])[:2], settings)
    assert torch.equal(first.question.weight, again.question.weight)


def test_the_card_of_new_heads_holds_what_was_measured(tmp_path):
    dual_encoder.save(Heads(), tmp_path)
    split = Split([None] * 1234, [None] * 50, [None] * 70)
    text = script.card(tmp_path, split, Settings(seed=3), ["| the first |", "| the second |"])
    assert dual_encoder.about(tmp_path)["sha256"] in text
    assert "1,234 pairs" in text and "| 70 other pairs |" in text
    assert "| the first |\n\n| the second |" in text
    assert all(
        f"    {name} = {value}\n" in text for name, value in asdict(Settings(seed=3)).items()
    )
