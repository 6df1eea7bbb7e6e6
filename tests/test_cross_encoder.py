"""The cross-encoder: its loss, what it computes, how it trains, and what comes back from disk."""

import math
from itertools import cycle

import numpy as np
import pytest
import torch

from course_utils import cross_encoder, models
from course_utils.cross_encoder import CrossEncoder
from course_utils.errors import BadInput
from tools.training import checkpoint
from tools.training import cross_encoder as recipe
from tools.training.cross_encoder import Group, Run, Settings

QUESTION = "Which bird cannot fly?"
TEXTS = [
    "Ostriches run, for their wings do not carry them.",
    "The swift sleeps in the air.",
    QUESTION,
    "A cake needs flour, butter, sugar and a hot oven, and it takes an hour.",
]
GROUPS = [
    Group(QUESTION, TEXTS[0], (TEXTS[1], QUESTION)),
    Group("Where do swifts sleep?", TEXTS[1], (TEXTS[0], TEXTS[3], "Where do swifts sleep?")),
]
STEPS = Settings(steps=12, groups=2, learning_rate=3e-3, precision="float32")

pytestmark = pytest.mark.usefixtures("one_thread")


def trained(settings: Settings = STEPS) -> tuple[CrossEncoder, list[float]]:
    model = CrossEncoder(seed=settings.seed)
    return model, [step.loss for step in recipe.steps(model, cycle(GROUPS), settings)]


@pytest.fixture(scope="module")
def fresh() -> CrossEncoder:
    return CrossEncoder()


@pytest.fixture(scope="module")
def run() -> tuple[CrossEncoder, list[float]]:
    return trained()


@pytest.fixture(scope="module")
def ready(run) -> CrossEncoder:
    return run[0]


# -------------------------------------------------------------------------------------- the loss


def test_the_loss_of_two_groups_by_hand():
    scores = torch.tensor([2.0, 1.0, 0.0, 0.0, math.log(3)])
    first = -math.log(math.e**2 / (math.e**2 + math.e + 1))
    second = -math.log(1 / (1 + 3))
    loss = recipe.listwise_loss(scores, [3, 2])
    assert loss.item() == pytest.approx((first + second) / 2, abs=1e-6)


def test_equal_scores_cost_the_chance_level_whatever_the_sizes():
    loss = recipe.listwise_loss(torch.full((9,), 4.0), [2, 4, 3])
    assert loss.item() == pytest.approx(recipe.chance_level([2, 4, 3]), abs=1e-6)
    assert recipe.chance_level([4, 4]) == pytest.approx(math.log(4))


def test_the_padding_of_a_smaller_group_has_no_gradient_and_no_weight():
    scores = torch.zeros(5, requires_grad=True)
    recipe.listwise_loss(scores, [3, 2]).backward()
    expected = torch.tensor([-2 / 3, 1 / 3, 1 / 3, -1 / 2, 1 / 2]) / 2
    torch.testing.assert_close(scores.grad, expected)


def test_scores_that_hold_nan_are_refused():
    with pytest.raises(BadInput, match="NaN"):
        recipe.listwise_loss(torch.tensor([0.0, torch.nan]), [2])


# ------------------------------------------------------------------------------- what it computes


def test_before_training_the_score_is_a_cosine_within_the_pair(fresh):
    """By way of the plain encoder, and the token numbers by hand."""
    tokenizer, encoder = models.load()
    asked, text = (
        tokenizer(t, add_special_tokens=False)["input_ids"] for t in (QUESTION, TEXTS[0])
    )
    cls, sep = tokenizer.cls_token_id, tokenizer.sep_token_id
    ids = torch.tensor([[cls, *asked, sep, *text, sep]])
    segments = torch.tensor([[0] * (len(asked) + 2) + [1] * (len(text) + 1)])
    with torch.inference_mode():
        states = encoder(input_ids=ids, token_type_ids=segments).last_hidden_state[0]
    means = [states[segments[0] == segment].mean(0) for segment in (0, 1)]
    wanted = 15 * torch.cosine_similarity(*means, dim=0).item()
    assert cross_encoder.score(QUESTION, TEXTS[:1], model=fresh)[0] == pytest.approx(
        wanted, abs=1e-3
    )


def test_scores_are_a_float32_number_a_text(ready):
    scores = cross_encoder.score(QUESTION, TEXTS, model=ready)
    assert scores.shape == (len(TEXTS),) and scores.dtype == np.float32
    assert np.isfinite(scores).all() and len(set(scores.tolist())) == len(TEXTS)
    assert cross_encoder.score(QUESTION, [], model=ready).shape == (0,)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_order_of_the_texts_does_not_matter(ready, precision):
    texts = TEXTS + [f"Bird number {number} can fly." for number in range(12)]
    scores = cross_encoder.score(QUESTION, texts, model=ready, precision=precision)
    order = np.random.default_rng(0).permutation(len(texts))
    shuffled = [texts[row] for row in order]
    again = cross_encoder.score(QUESTION, shuffled, model=ready, precision=precision)
    np.testing.assert_array_equal(again, scores[order])


def test_padding_does_not_change_a_score(ready):
    alone = [cross_encoder.score(QUESTION, [text], model=ready)[0] for text in TEXTS]
    np.testing.assert_allclose(cross_encoder.score(QUESTION, TEXTS, model=ready), alone, atol=1e-3)


def test_bfloat16_is_close_and_its_scores_are_not_coarse(ready):
    scores = cross_encoder.score(QUESTION, TEXTS, model=ready, precision="float32")
    short = cross_encoder.score(QUESTION, TEXTS, model=ready, precision="bfloat16")
    np.testing.assert_allclose(short, scores, atol=0.5)
    assert not np.array_equal(short, scores)
    as_bfloat16 = torch.from_numpy(short).bfloat16().float().numpy()
    assert not np.array_equal(short, as_bfloat16)


def test_only_the_first_tokens_of_a_long_text_are_read(ready):
    begin = "word " * 130
    scores = cross_encoder.score(QUESTION, [begin, begin + "ostrich"], model=ready)
    assert abs(scores[0] - scores[1]) < 1e-4  # processors differ in how they add up a batch
    longer = cross_encoder.score(QUESTION, [begin, begin + "ostrich"], model=ready, max_tokens=200)
    assert abs(longer[0] - longer[1]) > 1e-3


@pytest.mark.parametrize("texts", ["one text", [None]])
def test_what_is_no_list_of_texts_is_refused(texts):
    with pytest.raises(BadInput):
        cross_encoder.score(QUESTION, texts)


# --------------------------------------------------------------------------------------- training


def test_two_groups_are_learned_by_heart(run):
    model, losses = run
    assert losses[0] > 0.3 and losses[-1] < 0.01
    for group in GROUPS:
        assert cross_encoder.score(group.question, group.texts, model=model).argmax() == 0
    assert not model.training


def test_the_same_seed_gives_the_same_weights_twice():
    settings = Settings(steps=2, groups=2, precision="float32", seed=3)
    (first, _), (second, _) = trained(settings), trained(settings)
    for name, value in first.trained_weights().items():
        assert torch.equal(value, second.trained_weights()[name]), name
    other = CrossEncoder(seed=4).trained_weights()
    assert any(
        not torch.equal(value, other[name]) for name, value in first.trained_weights().items()
    )


def test_training_changes_what_is_stored_and_nothing_else(fresh, ready):
    stored = {id(value) for value in ready.parameters() if value.requires_grad}
    assert len(stored) == len(ready.trained_weights()) == 6 * 6 * 2 + 1
    before, after = fresh.trained_weights(), ready.trained_weights()
    for name, value in after.items():
        assert not torch.equal(value, before[name]), name
    frozen, now = fresh.state_dict(), ready.state_dict()
    for name, value in frozen.items():
        if "lora_" not in name and not name.startswith("head"):
            assert torch.equal(value, now[name]), name


def test_a_run_goes_on_from_its_checkpoint_as_if_it_had_not_been_stopped(tmp_path):
    settings = Settings(steps=3, groups=1, precision="float32")
    whole = CrossEncoder()
    list(recipe.steps(whole, cycle(GROUPS), settings))
    stopped = Run(CrossEncoder(), settings)
    next(stopped.steps(cycle(GROUPS)))
    checkpoint.save(stopped, tmp_path / "run", {})
    goes_on = Run(CrossEncoder(seed=9), settings)
    assert checkpoint.restore(goes_on, tmp_path / "run", {})
    assert [step.number for step in goes_on.steps(cycle(GROUPS))] == [2, 3]
    for name, value in whole.trained_weights().items():
        assert torch.equal(value, goes_on.model.trained_weights()[name]), name


def test_the_learning_rate_rises_and_falls():
    settings = Settings(steps=20, learning_rate=1.0)
    rates = [settings.rate(step) for step in range(20)]
    assert rates[0] == 0.5 and max(rates) == rates[1] == 0.95
    assert rates[1:] == sorted(rates[1:], reverse=True) and rates[-1] == pytest.approx(0.05)


def test_groups_that_come_to_an_end_are_refused():
    with pytest.raises(BadInput, match="too few groups"):
        list(recipe.steps(CrossEncoder(rank=1), iter(GROUPS), Settings(steps=2, groups=2)))


# ----------------------------------------------------------------------------------------- on disk


def test_it_comes_back_from_disk_in_half_precision(ready, tmp_path):
    again = cross_encoder.load(cross_encoder.save(ready, tmp_path))
    for name, value in ready.trained_weights().items():
        assert torch.equal(again.trained_weights()[name], value.half().float()), name
    scores = cross_encoder.score(QUESTION, TEXTS, model=ready)
    np.testing.assert_allclose(cross_encoder.score(QUESTION, TEXTS, model=again), scores, atol=0.05)
