"""The masked language model that comes with the course: files, role, guesses, how good it is."""

import json

import numpy as np
import pytest

from course_utils import data, masked_lm, models
from course_utils.masked_lm import SHIPPED, MaskedLM
from tools import masked_lm as script
from tools import stored_scores
from tools.counted_guesses import Bigrams, Unigrams
from tools.masked_lm_training import Settings, figures, log_probabilities

pytestmark = pytest.mark.usefixtures("one_thread")

ABOUT = masked_lm.about(SHIPPED)
RECORD = data.stored_run("masked_lm")
STORED = json.loads((stored_scores.STORED / "masked_lm.json").read_text(encoding="utf-8"))
BAND = 0.005  # what other CPUs and versions may change in a probability
BLOCKS = 60  # of held-out documentation


# ------------------------------------------------------------------------------------- the files


def test_the_card_is_that_of_these_weights_and_of_the_stored_run():
    """Otherwise one of the three is of another training."""
    assert ABOUT["about"]["settings"] == RECORD["settings"]
    assert Settings(**RECORD["settings"]).steps == RECORD["curve"][-1]["step"]
    stored = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert script.card(SHIPPED, RECORD) == stored


def test_it_was_measured_to_be_ahead_of_counting_on_both_sides():
    for found in RECORD["held_out"].values():
        model = found["masked language model"]
        for baseline in ("unigram", "bigram"):
            for measure in ("top-1", "top-5"):
                assert model[measure][1] > found[baseline][measure][2]  # intervals apart
            assert model["loss"][2] < found[baseline]["loss"][1]


# -------------------------------------------------------------------------------------- the role


def test_the_role_is_played_by_these_weights():
    tokenizer, model = models.load("masked language model")
    assert isinstance(model, MaskedLM) and not model.training
    assert models.load("masked language model")[1] is model
    assert tokenizer.get_vocab() == models.load()[0].get_vocab()
    text = "Returns a new [MASK] with the items in ascending order."
    again = masked_lm.guesses(text, model=masked_lm.load(SHIPPED))
    assert masked_lm.guesses(text) == again


# ----------------------------------------------------------------------------------- the guesses


def test_the_guesses_for_50_stored_sentences_come_back():
    """All of the stored tokens are among the first ten, with their probabilities."""
    assert STORED["weights"] == ABOUT["sha256"], "run tools/stored_scores.py"
    assert len(STORED["sentences"]) == 50
    for sentence, wanted in STORED["sentences"]:
        (best,) = masked_lm.guesses(sentence, first=10)
        found = {guess.token: guess.probability for guess in best}
        for token, probability in wanted.items():
            assert found.get(token) == pytest.approx(probability, abs=BAND), (sentence, token)
    first = [next(iter(wanted.values())) for _, wanted in STORED["sentences"]]
    assert np.std(first) > 10 * BAND  # probabilities that are all alike would tell nothing


def test_the_stored_sentences_are_those_that_the_script_would_store_now():
    assert [sentence for sentence, _ in STORED["sentences"]] == stored_scores.masked_sentences()


# ----------------------------------------------------------------------------------- how good it is


def test_on_held_out_documentation_it_is_ahead_of_counting_and_as_good_as_its_card_says():
    """Counted on the documentation alone, which makes the baselines better here, not worse."""
    split = data.split_pairs(data.qa_pairs())
    counted = masked_lm.blocks(script.texts_of(split.train))
    ids = script.evenly(masked_lm.blocks(script.texts_of(split.held_out)), BLOCKS)
    found = {
        name: figures(guess, ids)
        for name, guess in {
            "unigram": Unigrams(counted).log_probabilities,
            "bigram": Bigrams(counted).log_probabilities,
            "model": log_probabilities(models.load("masked language model")[1]),
        }.items()
    }
    means = {name: {key: each[key].mean() for key in each} for name, each in found.items()}
    assert means["unigram"]["loss"] > means["bigram"]["loss"] > means["model"]["loss"] + 0.5
    assert means["unigram"]["top-1"] < means["bigram"]["top-1"] < means["model"]["top-1"] - 0.05
    card = RECORD["held_out"]["documentation"]["masked language model"]
    for measure, band in (("top-1", 0.08), ("top-5", 0.08), ("loss", 0.5)):
        assert means["model"][measure] == pytest.approx(card[measure][0], abs=band), measure
