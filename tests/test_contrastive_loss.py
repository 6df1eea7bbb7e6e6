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


def test_both_directions_by_hand():
    # The columns are (2, 1) and (0, 1): the right answer has 1 / (1 + 1/e) in each.
    columns = math.log(1 + math.exp(-1))
    rows = (math.log(1 + math.exp(-2)) + math.log(2)) / 2
    matrix = torch.tensor([[2.0, 0.0], [1.0, 1.0]])
    found = contrastive_loss(matrix, symmetric=True).item()
    assert found == pytest.approx((rows + columns) / 2, abs=1e-6)


def library_loss(questions: torch.Tensor, *answers: torch.Tensor) -> float:
    losses = pytest.importorskip("sentence_transformers.losses")
    loss = losses.MultipleNegativesRankingLoss(torch.nn.Identity(), scale=20.0)
    return loss.compute_loss_from_embeddings([questions, *answers], None).item()


def test_the_librarys_loss_is_the_same():
    q, a = unit(9, 1), unit(9, 2)
    assert contrastive_loss(20 * q @ a.T).item() == pytest.approx(library_loss(q, a), abs=1e-5)


def test_the_librarys_loss_of_both_directions_is_the_same():
    q, a = unit(9, 1), unit(9, 2)
    theirs = (library_loss(q, a) + library_loss(a, q)) / 2
    assert contrastive_loss(20 * q @ a.T, symmetric=True).item() == pytest.approx(theirs, abs=1e-5)


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


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_gradient_by_finite_differences(symmetric):
    matrix = scores(4).requires_grad_()
    contrastive_loss(matrix, symmetric=symmetric).backward()
    step = 1e-6
    for i in range(4):
        for j in range(4):
            moved = torch.zeros(4, 4, dtype=torch.float64)
            moved[i, j] = step
            up, down = (
                contrastive_loss(matrix.detach() + sign * moved, symmetric=symmetric).item()
                for sign in (1, -1)
            )
            assert (up - down) / (2 * step) == pytest.approx(matrix.grad[i, j].item(), abs=1e-7)


# --------------------------------------------------------------------------------- invariances


@pytest.mark.parametrize("symmetric", [False, True])
def test_the_order_of_the_pairs_does_not_matter(symmetric):
    matrix, order = scores(), torch.tensor([3, 0, 5, 1, 4, 2])
    one, other = (
        contrastive_loss(m, symmetric=symmetric) for m in (matrix, matrix[order][:, order])
    )
    torch.testing.assert_close(one, other)


def test_wrong_targets_are_not_the_same():
    matrix = scores() + 10 * torch.eye(6)
    assert contrastive_loss(matrix) < 0.5
    assert contrastive_loss(matrix.roll(1, dims=0)) > 5


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
    for symmetric in (False, True):
        loss = contrastive_loss(torch.zeros(size, size), symmetric=symmetric).item()
        assert loss == pytest.approx(chance_level(size, symmetric=symmetric), abs=1e-5)
    assert chance_level(size) == pytest.approx(math.log(size))


@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0, 3.0])
def test_equal_scores_cost_the_chance_level_with_extra_negatives_too(weight):
    options = {"extra_weight": weight, "symmetric": True}
    loss = contrastive_loss(torch.zeros(4, 4), extra=torch.zeros(4, 6), **options).item()
    assert loss == pytest.approx(chance_level(4, 6, **options), abs=1e-5)
    assert loss == pytest.approx((math.log(4 + 6 * weight) + math.log(4)) / 2, abs=1e-5)


def test_accumulating_small_batches_is_not_the_large_batch():
    matrix = scores(8)
    halves = torch.stack([contrastive_loss(matrix[:4, :4]), contrastive_loss(matrix[4:, 4:])])
    # Every question of the large batch has negatives that it lacks in its half: it costs more.
    assert contrastive_loss(matrix) > halves.mean() + 0.1


# -------------------------------------------------------------------------- extra, false negatives


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


def test_a_duplicate_in_the_batch_is_a_false_negative_until_it_is_masked():
    # A perfect model: the answers of rows 0 and 1 are one text, so their scores are equal.
    mask = torch.tensor([[False, True, False], [True, False, False], [False, False, False]])
    matrix = 50 * torch.eye(3)
    matrix[0, 1] = matrix[1, 0] = 50
    assert contrastive_loss(matrix).item() == pytest.approx(2 / 3 * math.log(2), abs=1e-5)
    masked = contrastive_loss(matrix, false_negatives=mask, symmetric=True)
    assert masked.item() == pytest.approx(0, abs=1e-5)


def test_masked_scores_have_no_gradient():
    mask = torch.zeros(6, 6, dtype=torch.bool)
    mask[2, 4] = True
    matrix = scores().requires_grad_()
    contrastive_loss(matrix, false_negatives=mask, symmetric=True).backward()
    assert matrix.grad[2, 4] == 0
    assert (matrix.grad[~mask] != 0).all()


# ----------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("matrix", "options", "message"),
    [
        (torch.zeros(2, 3), {}, "square"),
        (torch.zeros(0, 0), {}, "square"),
        (torch.zeros(4), {}, "square"),
        (torch.zeros(2, 2, dtype=torch.long), {}, "floating-point"),
        ([[1.0]], {}, "tensor"),
        (torch.tensor([[1.0, math.nan], [0.0, 1.0]]), {}, "NaN"),
        (torch.zeros(2, 2), {"extra": torch.zeros(3, 2)}, "extra"),
        (torch.zeros(2, 2), {"extra": torch.full((2, 1), math.nan)}, "NaN"),
        (torch.zeros(2, 2), {"extra_weight": -1.0}, "extra_weight"),
        (torch.zeros(2, 2), {"false_negatives": torch.zeros(2, 2)}, "bool"),
        (torch.zeros(2, 2), {"false_negatives": torch.eye(2, dtype=torch.bool)}, "diagonal"),
    ],
)
def test_other_input_is_refused_with_the_reason(matrix, options, message):
    with pytest.raises(BadInput, match=message):
        contrastive_loss(matrix, **options)


def test_there_is_no_chance_level_without_a_batch():
    with pytest.raises(BadInput, match="batch of 0"):
        chance_level(0)
