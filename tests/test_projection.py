"""Maps and their honesty figures, checked against the definitions, computed in plain loops."""

from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose

from course_utils import projection
from course_utils.errors import BadInput, CourseError

near = partial(assert_allclose, rtol=0, atol=1e-9)


def circle(n: int, turn: float = 0.0) -> np.ndarray:
    """Points on a circle at uneven steps: cosine and distance agree on who is near."""
    angles = np.cumsum(np.random.default_rng(0).uniform(0.5, 1.5, n))
    angles = turn + 1.8 * np.pi * angles / angles[-1]
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def by_cosine(vectors) -> list[list[int]]:
    """For each row, all others, nearest first."""
    units = [row / np.sqrt(sum(row**2)) for row in vectors]
    rows = range(len(units))
    return [sorted(set(rows) - {i}, key=lambda j, i=i: -(units[i] @ units[j])) for i in rows]


def by_distance(points) -> list[list[int]]:
    rows = range(len(points))
    return [
        sorted(set(rows) - {i}, key=lambda j, i=i: sum((points[i] - points[j]) ** 2)) for i in rows
    ]


def trustworthiness(vectors, points, k: int) -> float:
    """Venna and Kaski 2001: each false neighbour on the map costs its rank in the space, less k."""
    high, low = by_cosine(vectors), by_distance(points)
    n = len(points)
    cost = sum(max(0, high[i].index(j) + 1 - k) for i in range(n) for j in low[i][:k])
    return 1 - 2 * cost / (n * k * (2 * n - 3 * k - 1))


def kept(vectors, points, k: int) -> float:
    high, low = by_cosine(vectors), by_distance(points)
    return np.mean([len({*high[i][:k]} & {*low[i][:k]}) / k for i in range(len(points))])


@pytest.mark.parametrize("k", [2, 5, 10])
def test_a_perfect_map_is_perfectly_honest(k):
    vectors = circle(40)
    honest = projection.honesty(vectors * 7, circle(40, turn=1.0) * 3 + 5, k=k)
    assert (honest.trustworthiness, honest.kept, honest.k, honest.n) == (1.0, 1.0, k, 40)


def test_a_random_map_is_near_chance():
    rng = np.random.default_rng(0)
    honest = [
        projection.honesty(rng.normal(size=(300, 20)), rng.normal(size=(300, 2))) for _ in range(5)
    ]
    assert abs(np.mean([h.trustworthiness for h in honest]) - 0.5) < 0.02
    assert abs(np.mean([h.kept for h in honest]) - 10 / 299) < 0.005


@pytest.mark.parametrize("k", [1, 3, 7])
@pytest.mark.parametrize("seed", range(3))
def test_the_figures_are_those_of_the_definitions(k, seed):
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(31, 6)) * rng.uniform(0.1, 10, size=(31, 1))  # lengths do not count
    points = vectors[:, :2] + rng.normal(size=(31, 2))
    honest = projection.honesty(vectors, points, k=k)
    near(honest.trustworthiness, trustworthiness(vectors, points, k))
    near(honest.kept, kept(vectors, points, k))
    assert 0 < honest.kept < 1


def test_what_is_written_on_a_map():
    honest = projection.Honesty(trustworthiness=0.876, kept=0.704, k=10, n=150)
    assert (
        str(honest) == "trustworthiness 0.88 · keeps 70% of the 10 nearest neighbours (chance 7%)"
    )


def test_pca_finds_the_plane_in_which_unit_vectors_vary_most():
    rng = np.random.default_rng(0)
    angles = rng.uniform(0, 2 * np.pi, 50)
    flat = np.stack([3 * np.cos(angles), np.sin(angles)], axis=1)
    basis, _ = np.linalg.qr(rng.normal(size=(20, 2)))
    vectors = (flat / np.linalg.norm(flat, axis=1, keepdims=True)) @ basis.T  # [50, 20], in a plane
    points = projection.pca_map(vectors * rng.uniform(0.1, 10, size=(50, 1)))
    assert points.shape == (50, 2)
    near(points.mean(0), [0, 0])
    assert points[:, 0].var() > points[:, 1].var()
    between = np.linalg.norm(points[:, None] - points[None], axis=-1)
    near(between, np.linalg.norm(vectors[:, None] - vectors[None], axis=-1))  # nothing is lost


def test_pca_has_a_fixed_sign():
    """The same map from rows in another order, and the largest weight of each axis positive."""
    vectors = np.random.default_rng(0).normal(size=(40, 8))
    points = projection.pca_map(vectors)
    order = np.random.default_rng(1).permutation(40)
    near(projection.pca_map(vectors[order]), points[order])
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    centred = units - units.mean(0)
    for axis in range(2):
        direction = centred.T @ points[:, axis]  # an eigenvector: the axis, times a positive number
        assert direction[np.abs(direction).argmax()] > 0


def test_umap_keeps_groups_together_and_its_map_is_kept(cache_folder):
    rng = np.random.default_rng(0)
    groups = np.repeat(np.eye(3, 30), 20, axis=0) + 0.05 * rng.normal(size=(60, 30))
    points = projection.umap_map(groups, n_neighbors=8)
    assert points.shape == (60, 2) and points.dtype == np.float32
    centres = points.reshape(3, 20, 2).mean(1)
    nearest = np.linalg.norm(points[:, None] - centres, axis=-1).argmin(1)
    assert np.array_equal(nearest, np.repeat(range(3), 20))
    (file,) = (cache_folder / "maps").iterdir()
    seen = file.stat().st_mtime_ns
    assert np.array_equal(projection.umap_map(groups * 9, n_neighbors=8), points)  # lengths too
    assert file.stat().st_mtime_ns == seen  # read, not made again
    file.write_bytes(file.read_bytes()[:-40])  # a damaged one is made again, and is the same
    assert np.array_equal(projection.umap_map(groups, n_neighbors=8), points)


def test_a_map_whose_process_fails_says_why(cache_folder, monkeypatch):
    monkeypatch.setattr(projection, "UMAP", "raise ImportError('no umap here')")
    with pytest.raises(CourseError, match="could not be made: ImportError: no umap here. Install"):
        projection.umap_map(np.eye(20))
    assert not (cache_folder / "maps").exists()  # nothing half-made is kept


def test_what_cannot_be_mapped_is_refused():
    with pytest.raises(BadInput, match="of 15 points needs at least 16"):
        projection.umap_map(np.eye(15))
    with pytest.raises(BadInput, match="Row 0 is a zero vector"):
        projection.honesty(np.zeros((30, 3)), circle(30))
