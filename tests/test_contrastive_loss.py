"""The contrastive loss: by hand, by the library, by its gradient, and what must not change it."""

import math

import pytest
import torch
from torch.nn.functional import normalize

from course_utils.dual_encoder import chance_level, contrastive_loss, loss_gradient
from course_utils.errors import BadInput


def scores(size: int = 6, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(size, size, generator=generator, dtype=torch.float64)


def unit(rows: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(rows, 8, generator=generator), dim=1)


# ----------------------------------------------------------------------------------- its value


def test_two_questions_by_hand():
    # softmax of (2, 0) gives the right answer e² / (e² + 1); of (1, 1) it gives one half.
    by_hand = (-math.log(math.e**2 / (math.e**2 + 1)) + math.log(2)) / 2
    matrix = torch.tensor([[2.0, 0.0], [1.0, 1.0]])
    assert contrastive_loss(matrix).item() == pytest.approx(by_hand, abs=1e-6)


def library_loss(questions: torch.Tensor, *answers: torch.Tensor) -> float:
    losses = pytest.importorskip("sentence_transformers.losses")
    loss = losses.MultipleNegativesRankingLoss(torch.nn.Identity(), scale=20.0)
    return loss.compute_loss_from_embeddings([questions, *answers], None).item()


def test_the_librarys_loss_is_the_same():
    q, a = unit(9, 1), unit(9, 2)
    assert contrastive_loss(20 * q @ a.T).item() == pytest.approx(library_loss(q, a), abs=1e-5)


def test_the_librarys_loss_with_hard_negatives_is_the_same():
    q, a, hard = unit(9, 1), unit(9, 2), unit(9, 3)
    found = contrastive_loss(20 * q @ a.T, extra=20 * q @ hard.T).item()
    assert found == pytest.approx(library_loss(q, a, hard), abs=1e-5)


# ------------------------------------------------------------------------------------ gradient


def test_the_gradient_is_softmax_minus_one_hot():
    matrix = scores().requires_grad_()
    contrastive_loss(matrix).backward()
    by_hand = (torch.softmax(matrix.detach(), 1) - torch.eye(6, dtype=torch.float64)) / 6
    torch.testing.assert_close(matrix.grad, by_hand)
    torch.testing.assert_close(loss_gradient(matrix.detach()), by_hand)
    torch.testing.assert_close(matrix.grad.sum(1), torch.zeros(6, dtype=torch.float64))


def test_the_gradient_by_finite_differences():
    matrix = scores(4).requires_grad_()
    contrastive_loss(matrix).backward()
    step = 1e-6
    for i in range(4):
        for j in range(4):
            moved = torch.zeros(4, 4, dtype=torch.float64)
            moved[i, j] = step
            up, down = (contrastive_loss(matrix.detach() + sign * moved).item() for sign in (1, -1))
            assert (up - down) / (2 * step) == pytest.approx(matrix.grad[i, j].item(), abs=1e-7)


# --------------------------------------------------------------------------------- invariances


def test_the_order_of_the_pairs_does_not_matter():
    matrix, order = scores(), torch.tensor([3, 0, 5, 1, 4, 2])
    torch.testing.assert_close(contrastive_loss(matrix), contrastive_loss(matrix[order][:, order]))


def test_a_constant_added_to_a_row_does_not_matter_and_to_a_column_it_does():
    matrix, shift = scores(), torch.arange(6.0, dtype=torch.float64)
    loss = contrastive_loss(matrix)
    torch.testing.assert_close(contrastive_loss(matrix + shift[:, None]), loss)
    assert abs(contrastive_loss(matrix + shift) - loss) > 0.1


def test_temperature_and_scale_are_one_thing():
    cosines = unit(5, 1) @ unit(5, 2).T
    torch.testing.assert_close(contrastive_loss(cosines / 0.05), contrastive_loss(20 * cosines))
    torch.testing.assert_close(contrastive_loss(0 * cosines).item(), math.log(5), atol=1e-6, rtol=0)


def test_large_scores_do_not_overflow():
    loss = contrastive_loss(1e4 * torch.eye(3))
    assert loss.item() == 0


# ------------------------------------------------------------------------------- chance, batches


@pytest.mark.parametrize("size", [1, 2, 7, 32])
def test_equal_scores_cost_the_chance_level(size):
    loss = contrastive_loss(torch.zeros(size, size)).item()
    assert loss == pytest.approx(chance_level(size), abs=1e-5)
    assert chance_level(size) == pytest.approx(math.log(size))


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0, 3.0])
def test_equal_scores_cost_the_chance_level_with_extra_negatives_too(weight):
    extra = torch.zeros(4, 6)
    loss = contrastive_loss(torch.zeros(4, 4), extra=extra, extra_weight=weight).item()
    assert loss == pytest.approx(chance_level(4, 6, weight), abs=1e-5)
    assert loss == pytest.approx(math.log(4 + 6 * weight), abs=1e-5)


# ----------------------------------------------------------------------------- extra negatives


def test_an_extra_negative_of_weight_two_counts_twice():
    matrix, extra = scores(), scores(6, seed=1)[:, :2]
    once = contrastive_loss(matrix, extra=extra, extra_weight=2.0)
    twice = contrastive_loss(matrix, extra=torch.cat([extra, extra], dim=1))
    torch.testing.assert_close(once, twice)


def test_weight_zero_is_no_extra_negative():
    matrix = scores()
    ignored = contrastive_loss(matrix, extra=torch.full((6, 3), 99.0), extra_weight=0.0)
    torch.testing.assert_close(ignored, contrastive_loss(matrix))


def test_extra_negatives_cost_more_and_pull_at_the_question():
    matrix, extra = scores(), scores(6, seed=1).requires_grad_()
    loss = contrastive_loss(matrix, extra=extra)
    loss.backward()
    assert loss > contrastive_loss(matrix)
    assert (extra.grad > 0).all()


# ----------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (torch.zeros(2, 3), "square"),
        (torch.zeros(4), "square"),
        (torch.tensor([[1.0, math.nan], [0.0, 1.0]]), "NaN"),
    ],
)
def test_what_would_be_silently_wrong_is_refused_with_the_reason(matrix, message):
    with pytest.raises(BadInput, match=message):
        contrastive_loss(matrix)
