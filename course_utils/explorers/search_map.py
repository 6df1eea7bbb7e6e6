"""A map of the documents, on which a question and what it found light up. Behind the search desk.

Made from the dual encoder's vectors. The question was not there when the map was made. It stands at
the mean place of the three entries of the map that are nearest to it in the space, and so does an
entry that is not on the map: cheap, and no more exact than that.
"""

import functools
from dataclasses import dataclass

import numpy as np

from course_utils import projection
from course_utils.errors import BadInput
from course_utils.projection import Honesty

MOST = 2000  # entries on a map
FEW = 100  # entries, below which PCA makes the map: UMAP needs neighbourhoods
NEAREST = 3  # entries that say where something else stands
SHARPNESS = 0.05  # a cosine that much lower counts 1/e as much there
_DIRECTIONS = 24  # in which a label is looked for a place


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
    """The map of unit vectors float32 `[n, d]`, by UMAP, or by PCA where there are few.

    Of more than `most`, every so-many-th is on it, from the first to the last. Raises BadInput for
    fewer than three vectors.
    """
    if len(vectors) < 3:
        raise BadInput(f"A map needs three entries: the index has {len(vectors)}.")
    rows = np.unique(np.linspace(0, len(vectors) - 1, min(most, len(vectors))).round().astype(int))
    chosen = np.ascontiguousarray(vectors[rows], dtype=np.float32)
    return Map(rows, *_made(chosen.tobytes(), chosen.shape[1]), len(vectors))


@functools.lru_cache(maxsize=2)  # the desk asks for its map at each touch
def _made(data: bytes, width: int) -> tuple[np.ndarray, str, Honesty | None]:
    """Points, method and honesty of the map of float32 vectors, given as bytes."""
    vectors = np.frombuffer(data, dtype=np.float32).reshape(-1, width)
    method = "UMAP" if len(vectors) >= FEW else "PCA"
    points = {"UMAP": projection.umap_map, "PCA": projection.pca_map}[method](vectors)
    enough = len(vectors) > 2 * projection.NEIGHBOURS
    honesty = projection.honesty(vectors, points) if enough else None
    return points.astype(np.float32), method, honesty


def spread(
    anchors: np.ndarray, apart: float, box: tuple[float, float], away: np.ndarray
) -> np.ndarray:
    """Places for labels near their `anchors` `[n, 2]`, at least `apart` from each other.

    Each has three quarters of that to all anchors and to the points `away` `[m, 2]`, and half of it
    to the edges of a box from (0, 0) to `box`. All in one unit, say points of a figure. A label
    goes to the nearest free place, outwards where there is a choice. Float64 `[n, 2]`.
    """
    fixed = np.concatenate([anchors, away]).astype(np.float64)
    turns = np.arange(_DIRECTIONS)
    turns = (turns + 1) // 2 * np.where(turns % 2, 1, -1) * (2 * np.pi / _DIRECTIONS)
    radii = np.arange(0.75, 20, 0.25) * apart
    places: list[np.ndarray] = []
    for anchor in np.asarray(anchors, dtype=np.float64):
        across, up = anchor - fixed.mean(axis=0)
        angles = np.arctan2(up, across) + turns
        around = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        tried = anchor + (radii[:, None, None] * around).reshape(-1, 2)  # the nearest first
        free = ((tried >= apart / 2) & (tried <= np.asarray(box) - apart / 2)).all(axis=1)
        free &= _far(tried, fixed, 0.75 * apart)
        if places:
            free &= _far(tried, np.array(places), apart)
        places.append(tried[np.argmax(free)])  # the first one, were none free
    return np.array(places)


def _far(some: np.ndarray, others: np.ndarray, least: float) -> np.ndarray:
    """Which of some points `[n, 2]` are at least so far from all others: bool `[n]`."""
    far = np.linalg.norm(some[:, None] - others[None], axis=-1)
    return (far > least - 1e-9).all(axis=1)
