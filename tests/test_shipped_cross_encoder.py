"""The cross-encoder that comes with the course: its files, its role, its scores, how good it is."""

import json

import numpy as np
import pytest
import torch

from course_utils import cross_encoder, data, models
from course_utils.cross_encoder import SHIPPED, CrossEncoder
from tools import stored_scores
from tools.training.cross_encoder import Settings, card, comparison

pytestmark = pytest.mark.usefixtures("one_thread")

ABOUT = cross_encoder.about(SHIPPED)
STORED = json.loads((stored_scores.STORED / "cross_encoder.json").read_text(encoding="utf-8"))
BAND = 0.01  # what other CPUs and versions may change in a score; bfloat16 would change up to 0.04


# ------------------------------------------------------------------------------------- the files


def test_the_card_is_that_of_these_weights_and_of_the_stored_run():
    """Otherwise one of the three is of another training."""
    record = data.stored_run("cross_encoder")
    assert ABOUT["about"]["settings"] == record["settings"]
    assert Settings(**record["settings"]).steps == record["runs"]["all"]["steps"]
    stored = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert card.card(SHIPPED, record) == stored


def test_the_figures_of_the_card_are_what_was_asked_for():
    """Ahead of the encoder and of late interaction; the right sentence first in 95 of 100."""
    found = data.stored_run("cross_encoder")["runs"]["all"]["held_out"]
    ahead = found["documentation"]["ahead"]
    for other in (comparison.ENCODER, comparison.LATE):
        assert ahead[f"{comparison.SUM} over {other}"]["low"] > 0, other
    assert found["facts"]["systems"][comparison.CROSS]["first"][0] >= 0.95


# -------------------------------------------------------------------------------------- the role


def test_the_role_is_played_by_these_weights():
    tokenizer, model = models.load("cross-encoder")
    assert isinstance(model, CrossEncoder) and not model.training
    assert models.load("cross-encoder")[1] is model
    assert tokenizer is models.load()[0]
    question, texts = "Who wrote Emma?", ["Jane Austen wrote Emma.", "Emma sold her car."]
    again = cross_encoder.score(question, texts, model=cross_encoder.load(SHIPPED))
    np.testing.assert_array_equal(cross_encoder.score(question, texts), again)


# ------------------------------------------------------------------------------------ the scores


def test_scores_of_50_stored_pairs_come_back():
    assert STORED["weights"] == ABOUT["sha256"], "run tools/stored_scores.py"
    assert len(STORED["pairs"]) == 50
    found = [cross_encoder.score(question, [text])[0] for question, text, _ in STORED["pairs"]]
    wanted = [score for *_, score in STORED["pairs"]]
    np.testing.assert_allclose(found, wanted, atol=BAND, rtol=0)
    assert np.std(wanted) > 50 * BAND  # scores of one size would tell nothing


def test_the_stored_pairs_are_those_that_the_script_would_store_now():
    assert [tuple(pair[:2]) for pair in STORED["pairs"]] == stored_scores.pairs()


def test_the_score_by_hand_is_the_models():
    """The states of the encoder, the means over question and text, their product, the head."""
    tokenizer, model = models.load("cross-encoder")
    pair = tokenizer("Who wrote Emma?", "Jane Austen wrote it.", return_tensors="pt")
    with torch.inference_mode():
        states = model.encoder(**pair).last_hidden_state[0]
        second = pair["token_type_ids"][0] == 1
        question, text, both = (
            torch.nn.functional.normalize(some.mean(0), dim=0)
            for some in (states[~second], states[second], states)
        )
        by_hand = model.head(torch.cat([question * text, both])).item()
    (score,) = cross_encoder.score("Who wrote Emma?", ["Jane Austen wrote it."])
    assert by_hand == pytest.approx(score, abs=1e-4)


# ----------------------------------------------------------------------------------- how good it is


def test_on_held_out_facts_the_right_sentence_is_first():
    """Every eighth of them, eight sentences each: what the card says of all, to within one group.

    The encoder takes the question itself for the best answer every time.
    """
    known = comparison.scorers(models.load("cross-encoder")[1])
    systems = {name: known[name] for name in (comparison.ENCODER, comparison.CROSS)}
    groups = data.fact_groups(data.split_facts(data.facts()).held_out)[::8]
    assert len(groups) >= 40
    found = comparison.on_facts(systems, groups)["systems"]
    assert found[comparison.CROSS]["first"][0] >= 0.95
    assert found[comparison.CROSS]["beaten_by"]["echo"] == 0
    assert found[comparison.CROSS]["beaten_by"]["rewording"] == 0
    assert found[comparison.ENCODER]["first"][0] <= 0.05
    assert found[comparison.ENCODER]["beaten_by"]["echo"] == 1
