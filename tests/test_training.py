"""The training loop of two heads: it is the loop by hand, it learns, and it repeats itself."""

import itertools
import math

import pytest
import torch
from torch.nn.functional import cross_entropy, normalize

from course_utils import evaluate
from course_utils.dual_encoder import Heads, Settings, batches, score_matrix, steps, train
from course_utils.errors import BadInput

WIDTH = 16

pytestmark = pytest.mark.usefixtures("one_thread")


def made_pairs(count: int = 200, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Answers that are their questions turned by one rotation, and some noise."""
    generator = torch.Generator().manual_seed(seed)
    questions = normalize(torch.randn(count, WIDTH, generator=generator), dim=1)
    turn = torch.linalg.qr(torch.randn(WIDTH, WIDTH, generator=torch.Generator().manual_seed(9)))[0]
    noise = 0.05 * torch.randn(count, WIDTH, generator=generator)
    return questions, normalize(questions @ turn + noise, dim=1)


def right_first(heads: Heads, questions: torch.Tensor, candidates: torch.Tensor) -> float:
    """How often candidate i is the first of question i."""
    return (evaluate.ranks(score_matrix(heads, questions, candidates)) == 1).mean()


# ------------------------------------------------------------------------------ the loop by hand


@pytest.mark.parametrize("echo", [0.0, 0.5])
@pytest.mark.parametrize("shared", [False, True])
def test_the_steps_are_those_of_the_loop_written_by_hand(echo, shared):
    questions, answers = made_pairs(40)
    settings = Settings(steps=6, batch=8, scale=10.0, learning_rate=1e-2, echo=echo, seed=3)
    heads = Heads(WIDTH, shared=shared)
    losses = train(heads, questions, answers, settings)

    for_questions = torch.eye(WIDTH).requires_grad_()
    for_answers = for_questions if shared else torch.eye(WIDTH).requires_grad_()
    weights = [for_questions] if shared else [for_questions, for_answers]
    optimizer = torch.optim.AdamW(weights, weight_decay=0.0)
    by_hand = []
    for step, chosen in zip(range(6), batches(40, settings), strict=False):
        optimizer.param_groups[0]["lr"] = 1e-2 * (6 - step) / 6
        q = normalize(questions[chosen] @ for_questions.T, dim=1)
        a = normalize(answers[chosen] @ for_answers.T, dim=1)
        shares = torch.exp(10 * q @ a.T)
        all_of_them = shares.sum(1)
        if echo:
            echoes = normalize(questions[chosen] @ for_answers.T, dim=1)
            all_of_them = all_of_them + echo * torch.exp(10 * q @ echoes.T).sum(1)
        loss = -torch.log(shares.diagonal() / all_of_them).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        by_hand.append(loss.item())
    assert losses == pytest.approx(by_hand, abs=1e-5)
    torch.testing.assert_close(heads.question.weight, for_questions, atol=1e-5, rtol=0)
    torch.testing.assert_close(heads.answer.weight, for_answers, atol=1e-5, rtol=0)


def test_questions_that_the_answer_side_reads_otherwise_are_the_negatives():
    questions, answers = made_pairs(8)
    other, _ = made_pairs(8, seed=1)
    settings = Settings(steps=1, batch=8, echo=1.0)
    (loss,) = train(Heads(WIDTH), questions, answers, settings, questions_as_answers=other)
    scores = 20 * questions @ torch.cat([answers, other]).T
    assert loss == pytest.approx(cross_entropy(scores, torch.arange(8)).item(), abs=1e-5)


# ------------------------------------------------------------------------------------ it learns


def test_heads_learn_what_carries_over_to_other_pairs():
    heads, unseen = Heads(WIDTH), made_pairs(100, seed=1)
    before = right_first(heads, *unseen)
    losses = train(heads, *made_pairs(), Settings(batch=100, learning_rate=1e-2, echo=0))
    assert losses[-1] < losses[0]
    assert before < 0.1 and right_first(heads, *unseen) > 0.8


def test_shuffled_targets_teach_nothing():
    heads, (questions, answers) = Heads(WIDTH), made_pairs()
    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    train(heads, questions, answers[order], Settings(batch=100, learning_rate=1e-2, echo=0))
    assert right_first(heads, *made_pairs(100, seed=1)) < 0.1


def test_a_shared_head_never_puts_an_answer_before_the_question_and_two_heads_do():
    questions, answers = made_pairs()
    answers = normalize(questions + answers, dim=1)  # an answer is somewhat like its question
    found = {}
    for shared in (True, False):
        heads = Heads(WIDTH, shared=shared)
        train(heads, questions, answers, Settings(batch=100, learning_rate=1e-2, echo=1))
        found[shared] = right_first(heads, questions, torch.cat([answers, questions]))
    assert found[True] == 0
    assert found[False] > 0.8


# --------------------------------------------------------------------------- it repeats itself


def test_the_same_seed_gives_the_same_weights():
    weights = []
    for seed, noise in ((1, 0), (1, 7), (2, 0)):
        heads = Heads(WIDTH)
        torch.manual_seed(noise)  # what else draws random numbers does not matter
        for _ in steps(heads, *made_pairs(), Settings(steps=5, batch=16, seed=seed)):
            torch.rand(noise)
        weights.append(heads.question.weight.detach())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_no_batch_holds_a_pair_twice_whatever_its_wording():
    drawn = list(itertools.islice(batches(10, Settings(batch=8), wordings=3), 50))
    assert all(len(set((chosen % 10).tolist())) == 8 for chosen in drawn)
    assert set(torch.cat(drawn).tolist()) == set(range(30))
    assert not torch.equal(drawn[0], drawn[1])


def test_a_batch_is_no_larger_than_there_are_pairs():
    chosen = next(batches(5, Settings(batch=256)))
    assert sorted(chosen.tolist()) == list(range(5))


# ----------------------------------------------------------------------------------- bad input


def test_rows_that_do_not_fit_are_refused():
    questions, answers = made_pairs(6)
    with pytest.raises(BadInput, match="6 questions and 5 answers"):
        train(Heads(WIDTH), questions, answers[:5])
    with pytest.raises(BadInput, match="in 4 blocks"):
        train(Heads(WIDTH), questions, answers, wordings=4)


def test_a_batch_of_one_pair_is_refused():
    questions, answers = made_pairs(6)
    for rows, settings, wordings in ((1, None, 1), (6, Settings(batch=1), 1), (6, None, 6)):
        with pytest.raises(BadInput, match="no negatives"):
            train(Heads(WIDTH), questions[:rows], answers[:rows], settings, wordings=wordings)


def test_vectors_that_hold_nan_are_refused():
    questions, answers = made_pairs(5)
    answers[2, 3] = math.nan
    with pytest.raises(BadInput, match="NaN"):
        train(Heads(WIDTH), questions, answers)
