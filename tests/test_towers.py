"""The towers that are trained from nothing: padding, cutting, seeds."""

import pytest
import torch

from course_utils.dual_encoder import Tower, Towers, tokenize

SMALL = {"dimension": 32, "heads": 2}
TEXTS = ["Sort a list.", "Return the indices that would sort an array along the given axis."]


class WithoutLayers(torch.nn.Module):
    """In the place of the transformer layers."""

    def forward(self, states, src_key_padding_mask):
        return states


@pytest.fixture(scope="module")
def towers() -> Towers:
    return Towers(seed=1, **SMALL).eval()


def test_token_numbers_are_padded_and_cut():
    ids = tokenize(TEXTS, 8)
    assert ids.shape == (2, 8) and ids.dtype == torch.int64
    assert (ids[0] == 0).sum() == 2  # [CLS] sort a list . [SEP] and two of padding
    assert (ids[1] != 0).all() and ids[1, -1] == 102  # [SEP] stays when a text is cut


def test_vectors_are_of_length_one(towers):
    vectors = towers.answers(tokenize(TEXTS))
    assert vectors.shape == (2, 32)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))
    assert vectors.requires_grad


def test_padding_does_not_change_a_vector(towers):
    together = towers.answers(tokenize(TEXTS))[:1]
    alone = towers.answers(tokenize(TEXTS[:1]))
    padded = torch.nn.functional.pad(tokenize(TEXTS[:1]), (0, 20))
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(towers.answers(padded), alone, atol=1e-5, rtol=0)


def test_the_mean_leaves_padding_out():
    """With no layers between, the vector is a projection of the mean over the real tokens."""
    tower = Tower(vocabulary=10, dimension=8, layers=1, heads=2, longest=5).eval()
    tower.encoder = WithoutLayers()
    ids = torch.tensor([[3, 4, 0, 0]])
    states = tower.tokens.weight[[3, 4]] + tower.positions.weight[[0, 1]]
    by_hand = tower.out(states.mean(0))
    torch.testing.assert_close(tower(ids)[0], by_hand / by_hand.norm())


def test_the_order_of_words_matters():
    tower = Tower(vocabulary=10, dimension=8, layers=1, heads=2, longest=5).eval()
    with torch.no_grad():
        tower.positions.weight *= 50  # as large as a word; at the start they are small
    one, other = tower(torch.tensor([[3, 4, 5], [5, 4, 3]]))
    assert not torch.allclose(one, other, atol=1e-2)


def test_the_two_towers_start_alike_and_are_two(towers):
    ids = tokenize(TEXTS)
    assert torch.equal(towers.questions(ids), towers.answers(ids))
    assert not {id(p) for p in towers.question.parameters()} & set(
        map(id, towers.answer.parameters())
    )
    apart = Towers(seed=1, same_start=False, **SMALL).eval()
    assert not torch.allclose(apart.questions(ids), apart.answers(ids), atol=0.1)


def test_the_seed_decides_the_weights_and_nothing_else_is_touched():
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    one, same, other = (Towers(seed=seed, **SMALL).state_dict() for seed in (3, 3, 4))
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["question.out.weight"], other["question.out.weight"])
