"""The exercises of L5: plausible mistakes are named, other ways to the right answer are right.

WRONG and RIGHT are part of those of `tests/test_exercises.py`, which tries them all.
"""

from collections import Counter

import numpy as np

from course_utils import exercises


def cosines(q, p):
    return p @ q / np.linalg.norm(p, axis=1)


def fused(rankings, weights, first=1, constant=60):
    found = Counter()
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, item in enumerate(ranking, start=first):
            found[item] += weight / (constant + rank)
    return dict(found)


def overwritten(rankings, weights):
    return {
        item: weight / (60 + rank)
        for ranking, weight in zip(rankings, weights, strict=True)
        for rank, item in enumerate(ranking, start=1)
    }


def backwards(rankings, weights):
    return fused([ranking[::-1] for ranking in rankings], weights)


WRONG = {
    "L5.1 exact search": [
        (lambda q, p, k: None, "returns None. Does it say `return`?"),
        (lambda q, p, k: np.argsort(cosines(q, p))[:k], "farthest from the question"),
        (lambda q, p, k: np.argsort(-(p @ q))[:k], "the longest vectors win"),
        (lambda q, p, k: np.argsort(p @ q)[-k:], "the longest vectors win"),
        (lambda q, p, k: np.argsort(cosines(q, p))[-k:], "the best one has to come first"),
        (lambda q, p, k: np.sort(-cosines(q, p))[:k], "row numbers were expected, not scores"),
        (lambda q, p, k: np.argsort(-cosines(q, p)), "3 row numbers were expected for k=3"),
        (lambda q, p, k: cosines(q, p).argmax(), "not an array of shape ()"),
        (lambda q, p, k: range(k), "other passages have a higher cosine"),
        (lambda q, p, k: q @ p, "your answer raises ValueError"),
    ],
    "L5.2 weighted fusion": [
        (lambda r, w: None, "returns None. Does it say `return`?"),
        (lambda r, w: fused(r, [1, 1]), "the weights are not used"),
        (lambda r, w: fused(r, w[::-1]), "those of the other ranking"),
        (lambda r, w: fused(r, w, first=0), "your ranks begin at 0"),
        (lambda r, w: fused(r, w, constant=0), "the constant 60 is missing"),
        (overwritten, "an item that is in both rankings gets both terms"),
        (backwards, "each ranking is best first"),
        (lambda r, w: fused(r[:1], w[:1]), "your dictionary has a, b, c"),
        (lambda r, w: list(fused(r, w).items()), "was expected, not list"),
        (lambda r, w: fused(r, [x / 4 for x in w]), "'b' is first and third"),
        (lambda r, w: {}, "your dictionary has none"),
    ],
    "L5.3 threshold": [
        (lambda a, u, most: None, "returns None. Does it say `return`?"),
        (lambda a, u, most: np.quantile(a, most), "of the *answerable* questions"),
        (lambda a, u, most: np.quantile(u, most), "unanswerable questions get an answer"),
        (lambda a, u, most: u.mean(), "unanswerable questions get an answer"),
        (lambda a, u, most: u.max(), "too strict"),
        (lambda a, u, most: 10.0, "too strict"),
        (lambda a, u, most: u >= np.quantile(u, 1 - most), "one number was expected"),
        (lambda a, u, most: float("nan"), "one number was expected"),
    ],
}

RIGHT = {
    "L5.1 exact search": [
        lambda q, p, k: np.argsort(-cosines(q, p))[:k],
        lambda q, p, k: sorted(range(len(p)), key=lambda row: -cosines(q, p)[row])[:k],
        lambda q, p, k: np.argsort(cosines(q, p))[::-1][:k].tolist(),
    ],
    "L5.2 weighted fusion": [fused, lambda r, w: Counter(fused(r, w))],
    "L5.3 threshold": [
        lambda a, u, most: np.quantile(u, 1 - most),
        lambda a, u, most: np.sort(u)[-int(most * len(u))],
        lambda a, u, most: min(t for t in [*a, *u] if (u >= t).mean() <= most),
    ],
}


def test_all_exercises_of_the_lesson_are_here():
    assert set(WRONG) == set(RIGHT) == {name for name in exercises.names() if name[:2] == "L5"}
