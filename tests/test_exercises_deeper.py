"""The exercises of the optional notebooks: plausible mistakes are named.

WRONG and RIGHT are part of those of `tests/test_exercises.py`, which tries them all.
"""

import re

import numpy as np
import torch
from torch.nn.functional import cross_entropy


def rows(scores):
    return cross_entropy(scores, torch.arange(len(scores)))


def both(scores, echo):
    return torch.cat([scores, echo], dim=1)


def others(shares, own):
    return [share.detach() for n, share in enumerate(shares) if n != own]


def squared(query, centres):
    return ((centres - query) ** 2).sum(axis=1)


def restored(typical, codes):
    """What the codes `[n, m]` stand for: `[n, d]`."""
    return typical[np.arange(len(typical)), codes].reshape(len(codes), -1)


def distances(vectors):
    """The squared distance of each row from each: `[n, d]` to `[n, n]`."""
    return ((vectors[:, None] - vectors) ** 2).sum(axis=2)


def couples(vectors):
    """The squared distance of each two different rows, once."""
    return distances(vectors)[np.triu_indices(len(vectors), 1)]


COUNT = np.arange(1, 5)


def firsts(values):
    return [values[:n] for n in COUNT]


def long_words(text):
    return set(re.findall(r"\w{4,}", text.lower()))


WRONG = {
    "L1.1 unit rows": [
        (lambda v: None, "a tensor [3, 3] was expected, not NoneType"),
        (lambda v: v.norm(dim=1), "expected, not (3,)"),
        (lambda v: v / v.norm(dim=0), "the columns have length 1, not the rows"),
        (lambda v: v / v.norm(dim=0, keepdim=True), "the columns have length 1, not the rows"),
        (lambda v: v / v.norm(dim=1), "With keepdim=True they are [3, 1]"),
        (lambda v: v / v.norm(), "the length of the whole table"),
        (lambda v: v / (v**2).sum(1, keepdim=True), "your rows have the lengths 0.20, 0.50, 0.33"),
        (lambda v: v / v.norm(dim=2), "your answer raises IndexError"),
    ],
    "L1.2 step down": [
        (lambda w, g, rate: None, "returns None. Does it say `return`?"),
        (lambda w, g, rate: w + rate * g, "a step uphill"),
        (lambda w, g, rate: w - g, "the learning rate is not used"),
        (lambda w, g, rate: rate * g, "the step alone"),
        (lambda w, g, rate: -rate * g, "the step alone"),
        (lambda w, g, rate: w * (1 - rate * g), "start at the weight"),
    ],
    "L2.A seen token": [
        (lambda token, fate, mask, other: None, "in each case?"),
        (lambda token, fate, mask, other: mask, "for fate=0.81 the model sees [MASK]"),
        (lambda token, fate, mask, other: mask if fate < 0.8 else other, "fate=0.91"),
        (lambda token, fate, mask, other: mask if fate < 0.8 else token, "fate=0.81"),
        (lambda token, fate, mask, other: mask if fate > 0.2 else token, "fate=0.0"),
        (lambda token, fate, mask, other: "[MASK]", "returns '[MASK]', which is not one of"),
    ],
    "L2.B log shares": [
        (lambda c: None, "a tensor [4] was expected, not NoneType"),
        (lambda c: (c / c.sum()).log(), "Add one to each count"),
        (lambda c: (c + 1) / (c + 1).sum(), "Now take their logarithm"),
        (lambda c: ((c + 1) / (c + 1).sum()).log2(), "that is in bits"),
        (lambda c: -((c + 1) / (c + 1).sum()).log(), "the sign"),
        (lambda c: (c + 1).log(), "the shares do not sum to 1"),
        (lambda c: ((c + 1) / c.sum()).log(), "add the ones to the sum, too"),
        (lambda c: ((c + 2) / (c + 1).sum()).log(), "your shares sum to"),
        (lambda c: ((c + 1) / (c + 1).sum()).log().mean(), "expected, not ()"),
    ],
    "L3.A max sim": [
        (lambda q, t: None, "returns None"),
        (lambda q, t: (q @ t.T).max(1), "one number was expected, not shape [2]"),
        (lambda q, t: (q @ t.T).max(1).sum(), "the sum of the best cosines"),
        (lambda q, t: (q @ t.T).max(0).mean(), "each token of the *text* looked"),
        (lambda q, t: (q @ t.T).mean(), "the mean of the whole map"),
        (lambda q, t: (q @ t.T).max(), "the best of all"),
        (lambda q, t: (q @ t.T).min(1).mean(), "What is their mean?"),
        (lambda q, t: (q @ t).max(1).mean(), "your answer raises ValueError"),
    ],
    "L3.B uniformity": [
        (lambda v: None, "returns None"),
        (lambda v: np.log(np.exp(-2 * distances(v)).mean(1)), "one number was expected"),
        (lambda v: np.log(np.exp(-2 * distances(v)).mean()), "are no couple"),
        (lambda v: np.exp(-2 * couples(v)).mean(), "the logarithm of the mean is missing"),
        (lambda v: np.log(np.exp(-2 * couples(v))).mean(), "first the mean, then its logarithm"),
        (lambda v: np.log(np.exp(-2 * couples(v) ** 0.5).mean()), "has to be squared"),
        (lambda v: np.log(np.exp(-couples(v)).mean()), "the factor 2"),
        (lambda v: np.log(np.exp(-2 * couples(v)).sum()), "the sum over the couples"),
        (lambda v: np.log(np.exp(2 * couples(v)).mean()), "vectors far apart should count little"),
        (lambda v: -np.log(np.exp(-2 * couples(v)).mean()), "lower is more even"),
        (lambda v: np.log10(np.exp(-2 * couples(v)).mean()), "in the upper half of a circle"),
    ],
    "L5.A coverage": [
        (lambda s, r: None, "4 numbers were expected, not an array of shape ()"),
        (lambda s, r: r.cumsum() / COUNT, "in the order of asking"),
        (lambda s, r: r[s.argsort()].cumsum() / COUNT, "Begin with the most"),
        (lambda s, r: r[(-s).argsort()].cumsum(), "these are counts"),
        (lambda s, r: r[(-s).argsort()].cumsum() / 4, "not by all"),
        (lambda s, r: r[(-s).argsort()], "a mean of all so far"),
        (lambda s, r: s, "What are the others?"),
    ],
    "L5.B missing words": [
        (lambda a, b: ["paid"], "not list"),
        (lambda a, b: long_words(b) - long_words(a), "only the source has"),
        (lambda a, b: long_words(a) & long_words(b), "both have"),
        (lambda a, b: long_words(a) - set(re.findall(r"\w{4,}", b)), "use lower case"),
        (lambda a, b: {w for w in long_words(a) if w not in b.lower()}, "compare whole words"),
        (lambda a, b: set(re.findall(r"\w+", a.lower())) - long_words(b), "fewer than four"),
        (lambda a, b: {w for w in a.split() if len(w) > 3} - {"Wages"}, "take the comma"),
        (lambda a, b: set(), "you have []"),
    ],
    "L4.A carry on": [
        (lambda e, g: None, "Is there a .backward()?"),
        (lambda e, g: e.sum().backward(), "the cached gradient is not used"),
        (lambda e, g: (e + g).sum().backward(), "the cached gradient is not used"),
        (lambda e, g: (e * g).mean().backward(), "the mean of the products"),
        (lambda e, g: (e * g).sum(1).mean().backward(), "the mean over the texts"),
        (lambda e, g: (-e * g).sum().backward(), "the sign"),
        (lambda e, g: (e @ g.T).sum().backward(), "Each embedding has to meet its own"),
        (lambda e, g: (e * g).backward(), "your answer raises RuntimeError"),
    ],
    "L4.B both directions": [
        (lambda s, e: None, "one number, as a tensor that can go backward, was expected"),
        (lambda s, e: rows(both(s, e)).item(), "backward, was expected, not float"),
        (lambda s, e: (rows(s) + rows(s.T)) / 2, "the echo term is missing: more columns"),
        (lambda s, e: rows(s) + rows(s.T), "and that is the sum"),
        (lambda s, e: rows(both(s, e)) + rows(s.T), "the sum of the two"),
        (lambda s, e: (rows(both(s, e)) + rows(both(s.T, e.T))) / 2, "for an answer's question"),
        (lambda s, e: rows(both(s, e)), "one direction, question to answer"),
        (lambda s, e: rows(s.T), "one direction, answer to question"),
        (lambda s, e: -(rows(both(s, e)) + rows(s.T)) / 2, "the sign"),
        (lambda s, e: rows(s), "What are the columns of each"),
    ],
    "L4.C gathered": [
        (lambda shares, own: None, "a tensor [6, 3] was expected, not NoneType"),
        (lambda shares, own: shares[own], "expected, not (2, 3)"),
        (lambda shares, own: torch.cat(shares), "the shares [0, 1, 2] carry a gradient"),
        (lambda shares, own: torch.cat(shares).detach(), "no row carries a gradient"),
        (lambda shares, own: torch.cat([shares[own], *others(shares, own)]), "in the order of"),
        (
            lambda shares, own: torch.cat(
                [*shares[:own], shares[own].detach(), *shares[own + 1 :]]
            ),
            "for own=1 the shares [0, 2] carry",
        ),
    ],
    "L5.M1 points to compare": [
        (lambda q, c, cell, n: None, "returns None"),
        (lambda q, c, cell, n: np.argsort(squared(q, c))[:n], "these are the numbers of cells"),
        (
            lambda q, c, cell, n: np.flatnonzero(np.isin(cell, np.argsort(-squared(q, c))[:n])),
            "the cells that are farthest away",
        ),
        (lambda q, c, cell, n: np.isin(cell, np.argsort(squared(q, c))[:n]), "flatnonzero helps"),
        (lambda q, c, cell, n: np.arange(len(cell)), "or these are all points"),
        (
            lambda q, c, cell, n: np.flatnonzero(cell == squared(q, c).argmin()),
            "for nprobe=2 only the nearest cell was looked into",
        ),
        (lambda q, c, cell, n: [4], "for nprobe=1 the rows [1, 4] were expected, not [4]"),
    ],
    "L5.M2 scores from codes": [
        (lambda q, t, c: None, "returns None"),
        (lambda q, t, c: restored(t, c) * q, "not shape (7, 12)"),
        (lambda q, t, c: restored(t, c) @ q / len(t), "that is the mean over the parts"),
        (
            lambda q, t, c: (t[0] @ q[: t.shape[2]])[c].sum(1),
            "you always look in one",
        ),
        (
            lambda q, t, c: (t * q.reshape(len(t), 1, -1)).sum((0, 2))[c].sum(1),
            "look up first, then add",
        ),
        (lambda q, t, c: c.sum(1), "numbers of rows, not values"),
        (lambda q, t, c: restored(t, c)[:, ::-1] @ q, "What does part 0 of the query meet"),
    ],
}

RIGHT = {
    "L1.1 unit rows": [lambda v: torch.nn.functional.normalize(v, dim=1)],
    "L1.2 step down": [lambda w, g, rate: w.sub(g, alpha=rate)],
    "L2.A seen token": [
        lambda token, fate, mask, other: [*[mask] * 8, other, token][int(10 * fate)]
    ],
    "L2.B log shares": [lambda c: (c + 1.0).log().log_softmax(0)],
    "L3.A max sim": [lambda q, t: np.mean([max(row) for row in q @ t.T])],
    "L3.B uniformity": [
        lambda v: np.log((np.exp(-2 * distances(v)).sum() - len(v)) / (len(v) * (len(v) - 1)))
    ],
    "L5.A coverage": [lambda s, r: [*map(sum, firsts(r[(-s).argsort()]))] / COUNT],
    "L5.B missing words": [
        lambda a, b: {word for word in long_words(a) if word not in long_words(b)}
    ],
    "L4.A carry on": [lambda e, g: e.backward(g)],
    "L4.B both directions": [lambda s, e: (rows(both(s, e)) + rows(s.T)) * 0.5],
    "L4.C gathered": [
        lambda shares, own: torch.cat([s if n == own else s.detach() for n, s in enumerate(shares)])
    ],
    "L5.M1 points to compare": [
        lambda q, c, cell, n: [
            row for row, number in enumerate(cell) if squared(q, c).argsort().argsort()[number] < n
        ]
    ],
    "L5.M2 scores from codes": [lambda q, t, c: restored(t, c) @ q],
}
