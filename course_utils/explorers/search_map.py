"""A map of the documents, on which a question and what it found light up. Behind the search desk.

Made once for an index, from the dual encoder's vectors, and kept in the cache: UMAP takes a quarter
of a minute. The question was not there when the map was made. It stands at the mean place of the
three entries of the map that are nearest to it in the space, and so does an entry that is not on
the map: cheap, and no more exact than that.
"""

import importlib.metadata
import json
from dataclasses import dataclass

import numpy as np

from course_utils import cache, projection
from course_utils.errors import BadInput
from course_utils.projection import Honesty

MOST = 2000  # entries on a map
FEW = 100  # entries, below which PCA makes the map: UMAP needs neighbourhoods
NEAREST = 3  # entries that say where something else stands
SHARPNESS = 0.05  # a cosine that much lower counts 1/e as much there


@dataclass(frozen=True, eq=False)
class Map:
    """m of an index's n entries in two dimensions.

    `rows` int64 `[m]`: which entries, in their order. `points` float32 `[m, 2]`: their places.
    `method` is "UMAP" or "PCA"; `honesty` is None where the entries are too few to measure it.
    """

    rows: np.ndarray
    points: np.ndarray
    method: str
    honesty: Honesty | None
    total: int

    def place(self, cosines) -> np.ndarray:
        """Where something stands that has these cosines `[n]` with the entries: float `[2]`."""
        near = np.asarray(cosines, dtype=np.float64)[self.rows]
        nearest = np.argsort(-near, kind="stable")[:NEAREST]
        weights = np.exp((near[nearest] - near[nearest[0]]) / SHARPNESS)
        return weights @ self.points[nearest] / weights.sum()

    def place_of(self, row: int, vectors: np.ndarray) -> np.ndarray:
        """Where an entry stands, `[2]`: its own place, or `place` where it is not on the map.

        `vectors` float32 `[n, d]` are the unit vectors that the map was made from.
        """
        at = np.searchsorted(self.rows, row)
        if at < len(self.rows) and self.rows[at] == row:
            return self.points[at]
        return self.place(vectors @ vectors[row])


def mapped(vectors: np.ndarray, most: int = MOST) -> Map:
    """The map of unit vectors float32 `[n, d]`, from the cache where it has been made before.

    Of more than `most`, every so-many-th is on it, from the first to the last. Raises BadInput for
    fewer than three vectors.
    """
    if len(vectors) < 3:
        raise BadInput(f"A map needs three entries: the index has {len(vectors)}.")
    rows = np.unique(np.linspace(0, len(vectors) - 1, min(most, len(vectors))).round().astype(int))
    chosen = np.ascontiguousarray(vectors[rows], dtype=np.float32)
    method = "UMAP" if len(rows) >= FEW else "PCA"
    name = f"{_key(chosen, method)}.json"
    kept = cache.read("maps", name)
    if kept is None:
        kept = json.dumps(_made(chosen, method)).encode()
        cache.write("maps", name, kept)
    made = json.loads(kept)
    honesty = Honesty(**made["honesty"]) if made["honesty"] else None
    points = np.array(made["points"], dtype=np.float32)
    return Map(rows, points, method, honesty, len(vectors))


def _key(vectors: np.ndarray, method: str) -> str:
    """Changes with the vectors and with what maps them."""
    library = {"UMAP": "umap-learn", "PCA": "scikit-learn"}[method]
    return cache.key(vectors.shape, vectors.tobytes(), method, importlib.metadata.version(library))


def _made(vectors: np.ndarray, method: str) -> dict:
    """The places, and how honest they are, as JSON keeps them."""
    make = {"UMAP": projection.umap_map, "PCA": projection.pca_map}[method]
    points = make(vectors)
    honesty = None
    if len(vectors) > 2 * projection.NEIGHBOURS:
        of = projection.honesty(vectors, points)
        honesty = {"trustworthiness": of.trustworthiness, "kept": of.kept, "k": of.k, "n": of.n}
    return {"points": points.astype(float).round(5).tolist(), "honesty": honesty}


def spread(
    anchors: np.ndarray, apart: float, box: tuple[float, float], away: np.ndarray | None = None
) -> np.ndarray:
    """Places for labels near their `anchors` `[n, 2]`, at least about `apart` from each other.

    They keep the same distance from the anchors and from the points `away` `[m, 2]`, and stay
    within a box from (0, 0) to `box`. All in one unit, say points of a figure. The same labels get
    the same places. Float64 `[n, 2]`.
    """
    anchors = np.asarray(anchors, dtype=np.float64)
    fixed = anchors if away is None else np.concatenate([anchors, away])
    # Begin around the anchor, each in a direction of its own: equal anchors part, too.
    turns = 2.4 * np.arange(len(anchors))  # the golden angle: no two directions are near
    places = anchors + 0.7 * apart * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    edge = np.full(2, apart / 2)
    for _ in range(200):
        push = np.zeros_like(places)
        for others, need in ((places, apart), (fixed, 0.75 * apart)):
            gap = places[:, None] - others[None]
            far = np.linalg.norm(gap, axis=-1)
            if others is places:
                np.fill_diagonal(far, np.inf)
            short = np.clip(need - far, 0, None)
            push += ((short / np.maximum(far, 1e-9))[..., None] * gap).sum(axis=1) / 2
        if np.abs(push).max() < 0.01:
            break
        places = np.clip(places + push, edge, np.asarray(box) - edge)
    return places
