"""Maps of a vector space in two dimensions, and how honest they are.

Two dimensions cannot keep what hundreds hold. Every map of the course therefore states two figures:
trustworthiness and the share of nearest neighbours kept.
"""

from dataclasses import dataclass

import numpy as np

from course_utils.errors import BadInput
from course_utils.similarity import cosine_matrix, unit

NEIGHBOURS = 10


@dataclass(frozen=True)
class Honesty:
    """How much of the space a map keeps, looking at the `k` nearest neighbours of each point.

    `trustworthiness`: 1 where points that are neighbours on the map are neighbours in the space,
    about 0.5 for a random map (Venna and Kaski 2001). `kept`: the share of each point's `k`
    neighbours in the space that are among its `k` neighbours on the map; a random map keeps
    `k / (n - 1)`.
    """

    trustworthiness: float
    kept: float
    k: int
    n: int

    def __str__(self) -> str:
        return (
            f"trustworthiness {self.trustworthiness:.2f} · keeps {self.kept:.0%} of the "
            f"{self.k} nearest neighbours (chance {self.k / (self.n - 1):.0%})"
        )


def pca_map(vectors) -> np.ndarray:
    """The two directions in which the unit vectors `[n, d]` vary most: `[n, 2]`, signs fixed.

    PCA's directions are defined up to their sign; here the largest entry of each is positive.
    """
    from sklearn.decomposition import PCA

    _enough(vectors, 3)
    return PCA(n_components=2, svd_solver="full").fit_transform(unit(vectors))


def umap_map(vectors, n_neighbors: int = 15, min_dist: float = 0.1, seed: int = 0) -> np.ndarray:
    """A UMAP map of the vectors `[n, d]` by cosine: float32 `[n, 2]`. Source: McInnes et al. 2018.

    The first call in a process takes about ten seconds (UMAP compiles itself). The same seed gives
    the same map on one machine, not on another one.
    """
    import umap

    _enough(vectors, n_neighbors + 1)
    reducer = umap.UMAP(
        n_neighbors=n_neighbors, min_dist=min_dist, metric="cosine", random_state=seed, n_jobs=1
    )
    return reducer.fit_transform(unit(vectors))


def honesty(vectors, points, k: int = NEIGHBOURS) -> Honesty:
    """How honest a map `points` `[n, 2]` of `vectors` `[n, d]` is; cosine above, distance below."""
    from sklearn.manifold import trustworthiness

    n = len(points)
    if len(vectors) != n:
        raise BadInput(f"There are {len(vectors)} vectors and {n} points.")
    _enough(vectors, 2 * k + 1)
    # On unit vectors, Euclidean distance and cosine give the same neighbours.
    trust = trustworthiness(unit(vectors), points, n_neighbors=k)
    high = cosine_matrix(vectors)
    low = -np.linalg.norm(points[:, None] - points[None], axis=-1)
    for scores in (high, low):
        np.fill_diagonal(scores, -np.inf)
    nearest_high, nearest_low = (np.argsort(-scores, axis=1)[:, :k] for scores in (high, low))
    both = zip(nearest_high, nearest_low, strict=True)
    kept = np.mean([len(np.intersect1d(one, two)) for one, two in both])
    return Honesty(float(trust), float(kept) / k, k, n)


def _enough(vectors, least: int) -> None:
    if len(vectors) < least:
        raise BadInput(f"A map of {len(vectors)} points is asked for; it needs at least {least}.")
