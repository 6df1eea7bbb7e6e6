"""The training loop: it learns, it repeats itself, and it reports what it did."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from course_utils import ranking
from course_utils.dual_encoder import (
    Heads,
    Settings,
    Towers,
    batch_loss,
    batches,
    score_matrix,
    steps,
    tokenize,
    train,
)
from course_utils.errors import BadInput

WIDTH = 16


@pytest.fixture(autouse=True)
def one_thread():
    """Several threads would wait for each other longer than these small matrices take."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def made_pairs(rows: int = 200, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Answers that are their questions turned by one rotation, and some noise."""
    generator = torch.Generator().manual_seed(seed)
    questions = normalize(torch.randn(rows, WIDTH, generator=generator), dim=1)
    turn = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(9)))[0]
    noise = 0.05 * torch.randn(rows, WIDTH, generator=generator)
    return questions, normalize(questions @ turn + noise, dim=1)


def mrr(model, questions, answers) -> float:
    found = ranking.ranks(score_matrix(model, questions, answers))
    return ranking.reciprocal_rank(found).mean()


def weights(model) -> torch.Tensor:
    return torch.cat([value.flatten() for value in model.state_dict().values()])


# ------------------------------------------------------------------------------------ it learns


def test_heads_learn_what_carries_over_to_other_pairs():
    heads, unseen = Heads(WIDTH), made_pairs(100, seed=1)
    before = mrr(heads, *unseen)
    train(heads, *made_pairs(), Settings(steps=150, batch=100, learning_rate=1e-2))
    assert before < 0.2  # chance is 0.05
    assert mrr(heads, *unseen) > 0.9


def test_shuffled_targets_teach_nothing():
    heads, (questions, answers) = Heads(WIDTH), made_pairs()
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    train(heads, questions, answers[order], Settings(steps=150, batch=100, learning_rate=1e-2))
    assert mrr(heads, *made_pairs(100, seed=1)) < 0.2


def test_one_batch_can_be_learned_by_heart():
    questions, answers = (made_pairs(8, seed=seed)[0] for seed in (0, 1))  # nothing in common
    done = train(Heads(WIDTH), questions, answers, Settings(steps=200, batch=8, learning_rate=2e-2))
    assert done[-1].loss < 0.02 < math.log(8) < done[0].loss * 2


def test_towers_learn_a_batch_by_heart():
    words = ["sort", "open", "close", "print", "split", "copy"]
    questions = tokenize([f"How do I {word} it?" for word in words])
    answers = tokenize([f"This text is about {word}." for word in reversed(words)])
    towers = Towers(dimension=16, heads=2)
    done = train(towers, questions, answers, Settings(steps=40, batch=6, learning_rate=1e-2))
    assert done[-1].loss < 0.1
    assert mrr(towers, questions, answers) == 1


def test_the_echo_term_drives_questions_out_of_the_answers():
    questions, turned = made_pairs()
    # An answer is like its question, and has a direction that questions lack.
    answers = normalize(questions + 0.5 * turned + 0.5, dim=1)
    rates = []
    for echo in (0.0, 1.0):
        heads = Heads(WIDTH)
        train(
            heads, questions, answers, Settings(steps=60, batch=100, learning_rate=1e-2, echo=echo)
        )
        own = (heads.questions(questions) * heads.answers(questions)).sum(1).detach()
        rates.append(ranking.echoes(score_matrix(heads, questions, answers), own).mean())
    assert rates[1] < 0.1 < 0.5 < rates[0], rates


def test_labels_keep_copies_from_being_negatives():
    questions, answers = made_pairs(4)
    answers[1] = answers[0]
    labels = torch.tensor([0, 0, 1, 2])
    settings = Settings(scale=50.0, symmetric=False)
    heads = Heads(WIDTH)
    plain = batch_loss(heads, answers, answers, settings)
    masked = batch_loss(heads, answers, answers, settings, labels)
    assert plain.item() == pytest.approx(math.log(2) / 2, abs=1e-3)
    assert masked.item() == pytest.approx(0, abs=1e-3)
    first = next(iter(steps(heads, answers, answers, settings, labels)))
    assert first.loss == pytest.approx(0, abs=1e-3)


# --------------------------------------------------------------------------- it repeats itself


@pytest.mark.parametrize("make", [lambda: Heads(WIDTH), None], ids=["heads", "towers"])
def test_the_same_seed_gives_the_same_weights(make):
    if make:
        data = made_pairs()
    else:
        make, data = (lambda: Towers(dimension=16, heads=2)), (torch.randint(1, 99, (40, 6)),) * 2
    runs = []
    for seed, noise in ((1, 0), (1, 7), (2, 0)):
        model = make()
        torch.manual_seed(noise)  # what else draws random numbers does not matter
        for _ in steps(model, *data, Settings(steps=5, batch=16, seed=seed)):
            torch.rand(noise)
        runs.append(weights(model))
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])


def test_batches_cover_every_row_once_an_epoch_in_new_orders():
    drawn = list(itertools.islice(batches(10, Settings(batch=4)), 6))
    assert [len(rows) for rows in drawn] == [4, 4, 2, 4, 4, 2]
    epochs = torch.cat(drawn[:3]), torch.cat(drawn[3:])
    assert all(sorted(epoch.tolist()) == list(range(10)) for epoch in epochs)
    assert not torch.equal(*epochs)


def test_a_single_row_left_over_makes_no_batch():
    drawn = itertools.islice(batches(9, Settings(batch=4)), 4)
    assert [len(rows) for rows in drawn] == [4, 4, 4, 4]


def test_batches_can_be_taken_up_half_way():
    settings = Settings(batch=4, seed=3)
    whole = list(itertools.islice(batches(10, settings), 9))
    for start in range(9):
        rest = itertools.islice(batches(10, settings, start), 9 - start)
        assert all(torch.equal(*two) for two in zip(whole[start:], rest, strict=True))


# ---------------------------------------------------------------------------------- it reports


def test_each_step_reports_what_it_did():
    done = train(Heads(WIDTH), *made_pairs(10), Settings(steps=4, batch=4, echo=0.5))
    assert [step.number for step in done] == [1, 2, 3, 4]
    assert [step.pairs for step in done] == [4, 8, 10, 14]
    # The third batch is short, and its chance line lower: half of each question is a negative.
    chances = [(math.log(size * 1.5) + math.log(size)) / 2 for size in (4, 4, 2, 4)]
    assert [step.chance for step in done] == pytest.approx(chances)
    assert 0 < done[0].seconds < done[-1].seconds


def test_untrained_towers_start_at_the_chance_line():
    ids = torch.randint(1, 9000, (64, 12), generator=torch.Generator().manual_seed(0))
    settings = Settings(steps=1, batch=64, scale=1.0)
    (step,) = train(Towers(dimension=32, heads=2), ids, ids.flip(0), settings)
    assert step.loss == pytest.approx(math.log(64), abs=0.1)
    assert step.chance == pytest.approx(math.log(64))


def test_training_ends_in_evaluation_mode_and_scoring_keeps_the_mode():
    towers, ids = Towers(dimension=16, heads=2), torch.randint(1, 99, (6, 5))
    for step in steps(towers, ids, ids, Settings(steps=2, batch=6)):
        before = score_matrix(towers, ids, ids)
        assert towers.training == (step.number < 2)
        np.testing.assert_array_equal(before, score_matrix(towers, ids, ids))  # without dropout


def test_the_score_matrix_is_of_cosines_in_any_chunks():
    heads, (questions, answers) = Heads(WIDTH), made_pairs(7)
    whole = score_matrix(heads, questions, answers[:5])
    np.testing.assert_allclose(whole, questions @ answers[:5].T, atol=1e-6)
    np.testing.assert_allclose(
        score_matrix(heads, questions, answers[:5], rows=2), whole, atol=1e-6
    )


# ----------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "wrong",
    [
        {"steps": 0},
        {"steps": 1.5},
        {"batch": 1},
        {"scale": 0.0},
        {"scale": math.inf},
        {"learning_rate": -1.0},
        {"learning_rate": math.nan},
        {"weight_decay": -0.1},
        {"echo": -0.1},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(BadInput, match=next(iter(wrong))):
        Settings(**wrong)


def test_rows_that_do_not_match_are_refused():
    questions, answers = made_pairs(5)
    with pytest.raises(BadInput, match=r"\[5, 4\]"):
        train(Heads(WIDTH), questions, answers[:4])
    with pytest.raises(BadInput, match=r"\[5, 5, 3\]"):
        train(Heads(WIDTH), questions, answers, labels=torch.zeros(3))
    with pytest.raises(BadInput, match="two pairs"):
        train(Heads(WIDTH), questions[:1], answers[:1])


def test_vectors_that_hold_nan_are_refused():
    questions, answers = made_pairs(5)
    answers[2, 3] = math.nan
    with pytest.raises(BadInput, match="NaN"):
        train(Heads(WIDTH), questions, answers)
