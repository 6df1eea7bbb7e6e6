"""Maps of a vector space in two dimensions, and how honest they are.

Two dimensions cannot keep what hundreds hold. Every map of the course therefore states two figures:
trustworthiness and the share of nearest neighbours kept.
"""

import importlib.metadata
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course_utils import cache
from course_utils.errors import BadInput, CourseError
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

    The first time it takes about 15 seconds (UMAP compiles itself); then it comes from the cache.
    It is made in a process of its own, since the compiler would keep 300 MB of this one's memory.
    The same seed gives the same map on one machine, not on another one. Raises CourseError where
    that process comes to nothing.
    """
    _enough(vectors, n_neighbors + 1)
    directions = np.ascontiguousarray(unit(vectors), dtype=np.float32)
    settings = json.dumps(
        {"n_neighbors": n_neighbors, "min_dist": min_dist, "random_state": seed, "n_jobs": 1}
    )
    version = importlib.metadata.version("umap-learn")
    name = cache.key(version, settings, directions.shape, directions.tobytes())
    kept = cache.read("maps", name)
    if kept is None:
        kept = _in_a_process(directions, settings)
        cache.write("maps", name, kept)
    return np.load(io.BytesIO(kept))


def _in_a_process(directions: np.ndarray, settings: str) -> bytes:
    """The map as the bytes of a .npy file."""
    given = io.BytesIO()
    np.save(given, directions)
    root = str(Path(__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-P", __file__, settings],  # -P: a learner's random.py is not imported
        input=given.getvalue(),
        capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    if done.returncode:
        *_, last = ["it ended", *done.stderr.decode(errors="replace").strip().splitlines()]
        raise CourseError(
            f"The map could not be made: {last}. Install what requirements.txt lists."
        )
    return done.stdout


def _answer_parent() -> None:
    """What the process of `umap_map` does: directions in, the map out."""
    import umap

    directions = np.load(io.BytesIO(sys.stdin.buffer.read()))
    points = umap.UMAP(metric="cosine", **json.loads(sys.argv[1])).fit_transform(directions)
    made = io.BytesIO()
    np.save(made, points)
    sys.stdout.buffer.write(made.getvalue())


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


if __name__ == "__main__":
    _answer_parent()
