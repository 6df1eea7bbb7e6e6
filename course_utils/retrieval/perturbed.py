"""More vectors than there are texts: real ones, perturbed as far as real neighbours lie apart.

Used where L5 measures search among a million vectors. Uniformly random vectors would not do: they
have no near neighbours at all, and every index fails on them.
"""

import numpy as np

from course_utils.errors import BadInput

BLOCK = 50_000  # rows made at a time: a million of them need no second gigabyte
SAMPLE = 2_000


def nearest_cosine(vectors, sample: int = SAMPLE, seed: int = 0) -> float:
    """The median cosine of a unit vector and its nearest other, over a sample of rows of `[n, d]`.

    Raises BadInput for fewer than two vectors.
    """
    vectors = _checked(vectors)
    rows = np.random.default_rng(seed).permutation(len(vectors))[:sample]
    cosines = vectors[rows] @ vectors.T
    cosines[np.arange(len(rows)), rows] = -2
    return float(np.median(cosines.max(axis=1)))


def spread(vectors) -> float:
    """How long noise must be, to lead a unit vector about as far away as its nearest neighbour is.

    Noise at a right angle and of length tan(a) turns a unit vector by the angle a.
    """
    return float(np.tan(np.arccos(min(1.0, nearest_cosine(vectors)))))


def made_vectors(real, n: int, seed: int = 0, length: float | None = None) -> np.ndarray:
    """`n` unit vectors, float32 `[n, d]`: rows of `real` `[m, d]` at random, each with its noise.

    The noise is normal and has the covariance of the real vectors, so that it leads where texts
    differ from each other. Its usual length is `length`, by default `spread(real)`. Raises BadInput
    for fewer than two real vectors, n below 1, or a negative length.
    """
    real = _checked(real)
    if n < 1 or (length is not None and length < 0):
        raise BadInput(f"There must be one vector or more, and no negative length: {n}, {length}.")
    length = spread(real) if length is None else length
    centred = real - real.mean(axis=0)
    values, axes = np.linalg.eigh(centred.T @ centred / len(real))
    shape = np.sqrt(np.maximum(values, 0))[:, None] * axes.T  # [d, d]
    shape = (length * shape / np.linalg.norm(shape)).astype(np.float32)
    generator = np.random.default_rng(seed)
    made = np.empty((n, real.shape[1]), dtype=np.float32)
    for start in range(0, n, BLOCK):
        block = made[start : start + BLOCK]  # a view
        generator.standard_normal(out=block, dtype=np.float32)
        block[:] = block @ shape
        block += real[generator.integers(len(real), size=len(block))]
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return made


def _checked(vectors) -> np.ndarray:
    vectors = np.asarray(vectors, dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) < 2 or not np.isfinite(vectors).all():
        raise BadInput(f"Vectors are finite and [n, d], two or more: not {vectors.shape}.")
    return vectors
