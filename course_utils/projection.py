"""Maps of a vector space in two dimensions, and how honest they are.

Two dimensions cannot keep what hundreds hold. Every map of the course therefore states two figures:
trustworthiness and the share of nearest neighbours kept.
"""

import importlib.metadata
import io
import json
import subprocess
import sys
from dataclasses import dataclass

import numpy as np

from course_utils import cache
from course_utils.errors import BadInput, CourseError
from course_utils.similarity import cosine_matrix, unit

# UMAP runs in a process of its own: its compiler would keep 300 MB of this one's memory.
UMAP = """
import io, json, sys
import numpy, umap
vectors = numpy.load(io.BytesIO(sys.stdin.buffer.read()))
points = umap.UMAP(metric="cosine", **json.loads(sys.argv[1])).fit_transform(vectors)
numpy.save(made := io.BytesIO(), points)
sys.stdout.buffer.write(made.getvalue())
"""


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

    return PCA(n_components=2, svd_solver="full").fit_transform(unit(vectors))


def umap_map(vectors, n_neighbors: int = 15, min_dist: float = 0.1, seed: int = 0) -> np.ndarray:
    """A UMAP map of the vectors `[n, d]` by cosine: float32 `[n, 2]`. Source: McInnes et al. 2018.

    The first time it takes about 15 seconds (UMAP compiles itself); then it comes from the cache.
    The same seed gives the same map on one machine, not on another one. Raises CourseError where
    UMAP comes to nothing.
    """
    if len(vectors) <= n_neighbors:
        raise BadInput(f"A map of {len(vectors)} points needs at least {n_neighbors + 1}.")
    directions = np.ascontiguousarray(unit(vectors), dtype=np.float32)
    settings = json.dumps(
        {"n_neighbors": n_neighbors, "min_dist": min_dist, "random_state": seed, "n_jobs": 1}
    )
    version = importlib.metadata.version("umap-learn")
    name = cache.key(version, settings, directions.shape, directions.tobytes())
    kept = cache.read("maps", name)
    if kept is None:
        np.save(given := io.BytesIO(), directions)
        command = [sys.executable, "-P", "-c", UMAP, settings]  # -P: not a learner's own random.py
        done = subprocess.run(command, input=given.getvalue(), capture_output=True)
        if done.returncode:
            *_, last = ["it ended", *done.stderr.decode(errors="replace").strip().splitlines()]
            said = f"The map could not be made: {last}. Install what requirements.txt lists."
            raise CourseError(said)
        cache.write("maps", name, kept := done.stdout)
    return np.load(io.BytesIO(kept))


def honesty(vectors, points, k: int = 10) -> Honesty:
    """How honest a map `points` `[n, 2]` of `vectors` `[n, d]` is; cosine above, distance below."""
    from sklearn.manifold import trustworthiness

    # On unit vectors, Euclidean distance and cosine give the same neighbours.
    trust = trustworthiness(unit(vectors), points, n_neighbors=k)
    near = cosine_matrix(vectors), -np.linalg.norm(points[:, None] - points[None], axis=-1)
    for scores in near:
        np.fill_diagonal(scores, -np.inf)
    nearest = [np.argsort(-scores, axis=1)[:, :k] for scores in near]
    kept = np.mean([len(np.intersect1d(*both)) for both in zip(*nearest, strict=True)])
    return Honesty(float(trust), float(kept) / k, k, len(points))
