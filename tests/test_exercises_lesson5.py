"""The exercises of L5: plausible mistakes are named, other ways to the right answer are right.

WRONG and RIGHT are part of those of `tests/test_exercises.py`, which tries them all.
"""

import re
from collections import Counter

import numpy as np

from course_utils import exercises, rag
from course_utils.exercises.lesson5 import fit, fused, plan, windows


def cosines(q, p):
    return p @ q / np.linalg.norm(p, axis=1)


def steps(words, size, overlap):
    return [words[at : at + size] for at in range(0, len(words), size - overlap)]


def without_the_last(words, size, overlap):
    return [window for window in steps(words, size, overlap) if len(window) == size]


def overwritten(rankings):
    return {item: 1 / (60 + rank) for one in rankings for rank, item in enumerate(one, start=1)}


def ranked_from(first, constant=60):
    def answer(rankings):
        found = Counter()
        for ranking in rankings:
            for rank, item in enumerate(ranking, start=first):
                found[item] += 1 / (constant + rank)
        return dict(found)

    return answer


def greedy(texts, budget):
    kept = []
    for text in texts:
        words = text.split()[:budget]
        budget -= len(words)
        kept.append(" ".join(words))
    return kept


NONE = (lambda *given: None, "returns None. Does it say `return`?")
WRONG = {
    "L5.1 windows": [
        NONE,
        (lambda w, s, o: windows(w, s, 0), "do not overlap"),
        (steps, "holds nothing new"),
        (lambda w, s, o: windows(w, s + 1, o), "more than `size`"),
        (without_the_last, "some words are in no window"),
        (lambda w, s, o: windows(w, s, o + 1), "are 3 windows"),
        (lambda w, s, o: windows(w, s, o) if len(w) > s else [], "is one window"),
    ],
    "L5.2 what has to be done": [
        NONE,
        (lambda w, s: plan(w, s)[0], "two lists of keys"),
        (lambda w, s: plan(w, s)[::-1], "the wrong way round"),
        (lambda w, s: (list(w), [key for key in s if key not in w]), "need not be embedded again"),
        (lambda w, s: ([k for k in w if k not in s], plan(w, s)[1]), "its text has changed"),
        (lambda w, s: ([k for k in w if k in s and w[k] != s[k]], ["d"]), "not in the store"),
        (lambda w, s: (plan(w, s)[0], list(s)), "only 'd' is in the store"),
    ],
    "L5.4 a right answer": [
        NONE,
        (lambda a, v: v.lower() in a.lower(), "Compare words"),
        (lambda a, v: a == v, "stands in the answer"),
        (lambda a, v: f" {v.lower()} " in f" {re.sub(r'[^a-z ]', ' ', a.lower())} ", "blanks"),
        (lambda a, v: set(re.findall(r"\w+", v)) <= set(re.findall(r"\w+", a)), "capitals"),
        (
            lambda a, v: set(re.findall(r"\w+", v.lower())) <= set(re.findall(r"\w+", a.lower())),
            "in that order",
        ),
        (lambda a, v: True, "should be False"),
    ],
    "L5.3 exact search": [
        NONE,
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
    "L5.5 rank fusion": [
        NONE,
        (ranked_from(0), "your ranks begin at 0"),
        (ranked_from(1, 0), "the constant 60 is missing"),
        (overwritten, "an item that is in both rankings gets both terms"),
        (lambda r: fused([one[::-1] for one in r]), "each ranking is best first"),
        (lambda r: fused(r[:1]), "your dictionary has a, b, c"),
        (lambda r: list(fused(r).items()), "was expected, not list"),
        (lambda r: {item: score / 2 for item, score in fused(r).items()}, "'b' is first and third"),
        (lambda r: {}, "your dictionary has none"),
    ],
    "L5.6 a fair share": [
        NONE,
        (greedy, "takes the room of the others"),
        (lambda t, b: t, "more words than the budget"),
        (lambda t, b: fit(t, b)[:2], "3 texts were expected"),
        (lambda t, b: [text.split()[:2] for text in t], "texts were expected"),
        (lambda t, b: [text[:2] for text in t], "each may have 2 words"),
    ],
}

RIGHT = {
    "L5.1 windows": [windows],
    "L5.2 what has to be done": [lambda w, s: (set(plan(w, s)[0]), set(s) - set(w))],
    "L5.4 a right answer": [rag.says],
    "L5.3 exact search": [
        lambda q, p, k: np.argsort(-cosines(q, p))[:k],
        lambda q, p, k: sorted(range(len(p)), key=lambda row: -cosines(q, p)[row])[:k],
        lambda q, p, k: np.argsort(cosines(q, p))[::-1][:k].tolist(),
    ],
    "L5.5 rank fusion": [ranked_from(1)],
    "L5.6 a fair share": [lambda t, b: [" ".join(x.split()[: b // len(t)]) for x in t]],
}


def test_all_exercises_of_the_lesson_are_here():
    lesson = {name for name in exercises.names() if re.match(r"L5\.\d", name)}
    assert set(WRONG) == set(RIGHT) == lesson
