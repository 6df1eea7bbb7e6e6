"""The exercises of L2, each with the solution that the lesson's next cells use meanwhile."""

import math

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from course_utils.exercises.registry import NOTHING, exercise, same, verdict


def cosine(a, b):
    """The dot product of two vectors `[d]`, divided by both lengths."""
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


@exercise("L2.1 cosine", solution=cosine)
def _cosine(answer) -> str | None:
    for a, b in (([3.0, 4.0], [8.0, 6.0]), ([1.0, 0.0], [-2.0, 0.0]), ([2.0, 1.0], [-1.0, 2.0])):
        a, b = np.array(a), np.array(b)
        given, right = answer(a.copy(), b.copy()), cosine(a, b)
        if given is None:
            return NOTHING
        if np.ndim(given):
            return f"one number was expected, not an array of shape {np.shape(given)}: use a @ b."
        long_a, long_b = np.linalg.norm(a), np.linalg.norm(b)
        wrong = [
            (a @ b, "that is the dot product. Divide it by the two lengths."),
            (a @ b / long_a, "divide by both lengths, that of a and that of b."),
            (a @ b / (a @ a) / (b @ b), "a length is the square root of a @ a."),
            (
                a @ b / long_a * long_b,
                "x / a * b multiplies by b: put the product of the lengths in brackets.",
            ),
        ]
        otherwise = f"for {a.tolist()} and {b.tolist()} it returns {given:.3f}, not {right:.3f}."
        if problem := verdict(given, right, wrong, otherwise, tolerance=1e-6):
            return problem
    return None


def analogy_vector(a, b, c):
    """Where the step from a to b leads if it is taken from c: `[d]`."""
    return b - a + c


@exercise("L2.2 analogy", solution=analogy_vector)
def _analogy(answer) -> str | None:
    a, b, c = np.array([1.0, 0.0, 2.0]), np.array([1.0, 3.0, 2.0]), np.array([5.0, 1.0, 0.0])
    given = answer(a.copy(), b.copy(), c.copy())
    if given is not None and np.shape(given) != (3,):
        return f"a vector of the same size was expected, not the shape {np.shape(given)}."
    wrong = [
        (a - b + c, "the step goes from a to b: b - a, and not a - b."),
        (b - a, "that is the step alone. Take it from c."),
    ]
    otherwise = "start at c, and add the step that leads from a to b."
    return verdict(given, analogy_vector(a, b, c), wrong, otherwise)


@exercise("L2.3 chance line", solution=6 * math.log(2))
def _chance_line(answer) -> str | None:
    wrong = [
        (5 * math.log(2), "five negatives, and one more term: which?"),
        (6, "that is in bits; nats use the natural logarithm."),
    ]
    otherwise = "what is the sigmoid of 0, and how many terms does the loss have?"
    return verdict(answer, 6 * math.log(2), wrong, otherwise, tolerance=0.005)


def attention_weights(q, k):
    """Softmax of the scaled dot products of queries `[n, d]` and keys `[m, d]`, row by row."""
    return torch.softmax(q @ k.T / math.sqrt(q.shape[1]), dim=-1)


@exercise("L2.4 attention weights", solution=attention_weights)
def _attention_weights(answer) -> str | None:
    generator = torch.Generator().manual_seed(0)
    q, k = (torch.randn(rows, 16, generator=generator) for rows in (3, 5))
    wrong = [
        (
            torch.softmax(q @ k.T, dim=-1),
            "the scores are not divided by the square root of the dimension.",
        ),
        (
            lambda given: same(given.sum(0), torch.ones(5)),
            "the columns sum to 1. Each query should share out its attention: rows sum to 1.",
        ),
    ]
    otherwise = "the weights differ from softmax of the scaled scores, row by row."
    asked = "for q [3, 16] and k [5, 16] a tensor [3, 5]"
    return verdict(answer(q, k), attention_weights(q, k), wrong, otherwise, asked)


def causal_mask(n):
    """Which of n tokens each row may look at: 1 for itself and those before it, `[n, n]`."""
    return torch.ones(n, n).tril()


@exercise("L2.5 causal mask", solution=causal_mask)
def _causal_mask(answer) -> str | None:
    for n in (4, 6):
        given, right = answer(n), causal_mask(n)
        wrong = [
            (right.T, "each token sees what comes after it. A row looks at the columns before it."),
            (right - torch.eye(n), "a token may look at itself, too: the diagonal is 1."),
            (1 - right, "1 and 0 are exchanged: 1 means that the row may look at the column."),
        ]

        def otherwise(given, n=n, right=right):
            row = int((given != right).any(1).int().argmax())
            return f"for n={n} the mask is wrong in row {row}."

        asked = f"for n={n} a tensor {[n, n]}"
        if problem := verdict(given, right, wrong, otherwise, asked):
            return problem
    return None


def masked_loss(scores, targets, chosen):
    """Mean of -log P(target) over the chosen of T places: scores `[T, V]`, the others `[T]`."""
    return cross_entropy(scores[chosen], targets[chosen])


@exercise("L2.6 masked loss", solution=masked_loss)
def _masked_loss(answer) -> str | None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(12, 7, generator=generator)
    targets = torch.randint(7, (12,), generator=generator)
    chosen = torch.zeros(12, dtype=torch.bool)
    chosen[[2, 5, 6, 9]] = True
    losses = cross_entropy(scores, targets, reduction="none")  # [T]
    right = losses[chosen].mean()
    wrong = [
        (losses.mean(), "that is the mean over all places; only the chosen ones count."),
        (losses[~chosen].mean(), "that is the loss of the places that are *not* chosen."),
        (losses[chosen].sum(), "that is the sum over the chosen places, not their mean."),
        (right * 4 / 12, "the sum is right. Divide it by the number of chosen places, not by T."),
        (-right, "the sign: a loss is minus the logarithm."),
        (right / math.log(2), "that is in bits; nats use the natural logarithm."),
        (
            cross_entropy(scores * chosen[:, None], targets),
            "scores of 0 are not free: they mean equal probabilities, and cost log V each.",
        ),
    ]
    otherwise = "the loss is another one. Which places count, and over what does the softmax run?"
    return verdict(answer(scores.clone(), targets.clone(), chosen.clone()), right, wrong, otherwise)
