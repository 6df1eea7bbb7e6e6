"""The exercises of the optional notebooks: plausible mistakes are named.

WRONG and RIGHT are part of those of `tests/test_exercises.py`, which tries them all.
"""

import torch

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
}

RIGHT = {
    "L1.1 unit rows": [lambda v: torch.nn.functional.normalize(v, dim=1)],
    "L1.2 step down": [lambda w, g, rate: w.sub(g, alpha=rate)],
    "L2.A seen token": [
        lambda token, fate, mask, other: [*[mask] * 8, other, token][int(10 * fate)]
    ],
    "L2.B log shares": [lambda c: (c + 1.0).log().log_softmax(0)],
}
