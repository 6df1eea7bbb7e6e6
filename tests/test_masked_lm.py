"""Hidden tokens: how they are chosen, who guesses them, and what comes back from disk."""

import math

import numpy as np
import pytest
import torch

from course_utils import masked_lm, models
from course_utils.errors import BadInput
from course_utils.masked_lm import MaskedLM
from tools.counted_guesses import Bigrams, Unigrams
from tools.masked_lm_training import Run, Settings, figures, log_probabilities

pytestmark = pytest.mark.usefixtures("one_thread")

TEXT = "the old mill by the river has a red wheel and a blue door and a grey roof . "
STEPS = Settings(steps=40, batch=4, learning_rate=2e-3, head=2.0, precision="float32")


def ids(copies: int = 4) -> torch.Tensor:
    return masked_lm.blocks([TEXT], tokens=24).repeat(copies, 1)


@pytest.fixture(scope="module")
def run() -> tuple[MaskedLM, list[float]]:
    bias = torch.from_numpy(np.log(Unigrams(ids(10_000)).shares))
    model = MaskedLM(bias=bias)
    return model, [step.loss for step in Run(model, STEPS).steps(ids())]


# ------------------------------------------------------------------------------------- the blocks


def test_blocks_hold_all_tokens_of_a_text_but_a_short_rest():
    tokenizer, _ = models.load()
    long = "wheel " * 33
    found = masked_lm.blocks([long, "door"], tokens=12)
    wheel, padding = tokenizer.convert_tokens_to_ids("wheel"), tokenizer.pad_token_id
    assert found.shape == (4, 12)  # 10 + 10 + 10 + 3 tokens; "door" alone is too short
    assert (found == wheel).sum(dim=1).tolist() == [10, 10, 10, 3]
    assert (found[:, 0] == tokenizer.cls_token_id).all()
    assert found[3, 4] == tokenizer.sep_token_id and (found[3, 5:] == padding).all()
    for nothing in ([], ["door"]):
        with pytest.raises(BadInput, match="long enough"):
            masked_lm.blocks(nothing, tokens=12)


def test_tokens_are_hidden_in_the_shares_of_bert():
    """20,480 tokens: four standard deviations are 0.010 of 0.15, and 0.029 of 0.8."""
    tokenizer, _ = models.load()
    wheel = tokenizer.convert_tokens_to_ids("wheel")
    rows = masked_lm.blocks(["wheel " * 640] * 32)
    masked = masked_lm.hide(rows, seed=0)
    tokens = rows == wheel
    assert abs(masked.chosen[tokens].float().mean() - 0.15) < 0.010
    seen = masked.ids[masked.chosen]
    share = {
        "mask": (seen == tokenizer.mask_token_id).float().mean().item(),
        "same": (seen == wheel).float().mean().item(),
    }
    assert abs(share["mask"] - 0.8) < 0.029 and abs(share["same"] - 0.1) < 0.022
    assert len(seen.unique()) > 200  # the rest are random ones
    assert (masked.targets == wheel).all() and not masked.chosen[~tokens].any()
    assert torch.equal(masked.ids[~masked.chosen], rows[~masked.chosen])


def test_each_block_has_something_to_guess_and_the_seed_decides_what():
    short = masked_lm.blocks(["red door"] * 50, tokens=6)
    masked, same, other = (masked_lm.hide(short, seed) for seed in (0, 0, 1))
    assert (masked.chosen.sum(dim=1) >= 1).all()
    assert torch.equal(masked.ids, same.ids) and not torch.equal(masked.chosen, other.chosen)
    assert torch.equal(masked.attention, (short != 0).long())


# ---------------------------------------------------------------------------------- the baselines


def test_counted_probabilities_by_hand():
    tokenizer, _ = models.load()
    red, blue, door = tokenizer.convert_tokens_to_ids(["red", "blue", "door"])
    rows = masked_lm.blocks(["red door red door red blue"], tokens=8)
    unigrams, bigrams = Unigrams(rows), Bigrams(rows, weight=2.0)
    total = 6 + len(tokenizer)
    assert unigrams.shares[[red, door, blue]].tolist() == pytest.approx(
        [4 / total, 3 / total, 2 / total]
    )
    chosen = torch.zeros_like(rows, dtype=torch.bool)
    chosen[0, 2] = True  # "door", after "red"
    masked = masked_lm.Masked(rows, torch.ones_like(rows), chosen, rows[chosen])
    for system in (unigrams, bigrams):
        logs = system.log_probabilities(rows, masked)
        assert logs.shape == (1, len(tokenizer))
        assert np.exp(logs.astype(np.float64)).sum() == pytest.approx(1, abs=1e-4)
    assert math.exp(logs[0, door]) == pytest.approx((2 + 2 * 3 / total) / (3 + 2), rel=1e-5)


def test_figures_count_ranks_with_ties_against_and_the_loss():
    rows = ids(1)
    vocabulary = len(models.load()[0])

    def perfect(part, masked):
        logs = np.full((len(masked.targets), vocabulary), -20.0)
        logs[np.arange(len(logs)), masked.targets] = -0.5
        return logs

    found = figures(perfect, rows)
    assert found["top-1"].all() and found["loss"].tolist() == [0.5] * len(found["loss"])
    equal = figures(lambda _, m: np.zeros((len(m.targets), vocabulary)), rows)
    assert not equal["top-5"].any()


# -------------------------------------------------------------------------------------- the model


def test_a_batch_is_learned_and_the_baselines_left_behind(run):
    model, losses = run
    assert losses[0] > 2 and np.mean(losses[-8:]) < 0.6
    found = figures(log_probabilities(model), ids(), seed=9)
    counted = figures(Unigrams(ids()).log_probabilities, ids(), seed=9)
    assert found["loss"].mean() < counted["loss"].mean() and not model.training


def test_the_bias_is_what_scores_begin_with():
    bias = torch.linspace(0, 90, len(models.load()[0]))
    model = MaskedLM(rank=1, bias=bias)
    masked = masked_lm.hide(ids(1), 0)
    with torch.no_grad():
        model.norm.weight.zero_()
        logits = model(masked.ids, masked.attention).logits
        some = model(masked.ids, masked.attention, chosen=masked.chosen).logits
    assert logits.shape == (*masked.ids.shape, len(bias))
    torch.testing.assert_close(logits[0, 0], bias)
    torch.testing.assert_close(some, logits[masked.chosen])


def test_the_same_seed_gives_the_same_weights_twice():
    settings = Settings(steps=2, batch=2, precision="float32", seed=3)
    first, second = MaskedLM(seed=3), MaskedLM(seed=3)
    for model in (first, second):
        list(Run(model, settings).steps(ids()))
    for name, value in first.trained_weights().items():
        assert torch.equal(value, second.trained_weights()[name]), name


def test_guesses_are_the_most_probable_tokens(run):
    model, _ = run
    (first, second) = masked_lm.guesses("the [MASK] mill has a [MASK] door", 3, model)
    assert len(first) == len(second) == 3
    probabilities = [guess.probability for guess in first]
    assert probabilities == sorted(probabilities, reverse=True) and 0 < sum(probabilities) <= 1
    with pytest.raises(BadInput, match=r"no \[MASK\]"):
        masked_lm.guesses("the old mill", model=model)


# ---------------------------------------------------------------------------------------- on disk


def test_it_comes_back_from_disk_in_half_precision(run, tmp_path):
    model, _ = run
    again = masked_lm.load(masked_lm.save(model, tmp_path))
    for name, value in model.trained_weights().items():
        assert torch.equal(again.trained_weights()[name], value.half().float()), name
