"""The exercises of L2."""

import math

from course_utils.exercises.registry import exercise


def cosine(a, b):
    """The dot product of two vectors `[d]`, divided by both lengths."""
    import numpy as np

    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


@exercise("L2.1 cosine", solution=cosine)
def _cosine(answer) -> str | None:
    import numpy as np

    for a, b in (([3.0, 4.0], [8.0, 6.0]), ([1.0, 0.0], [-2.0, 0.0]), ([2.0, 1.0], [-1.0, 2.0])):
        a, b = np.array(a), np.array(b)
        given = answer(a.copy(), b.copy())
        if given is None:
            return "your function returns None. Does it say `return`?"
        if np.ndim(given):
            return f"one number was expected, not an array of shape {np.shape(given)}: use a @ b."
        right = cosine(a, b)
        if math.isclose(given, right, abs_tol=1e-6):
            continue
        if math.isclose(given, a @ b, abs_tol=1e-6):
            return "that is the dot product. Divide it by the two lengths."
        if math.isclose(given, a @ b / np.linalg.norm(a), abs_tol=1e-6):
            return "divide by both lengths, that of a and that of b."
        if math.isclose(given, a @ b / (a @ a) / (b @ b), abs_tol=1e-6):
            return "a length is the square root of a @ a."
        if math.isclose(given, a @ b / np.linalg.norm(a) * np.linalg.norm(b), abs_tol=1e-6):
            return "x / a * b multiplies by b: put the product of the lengths in brackets."
        return f"for {a.tolist()} and {b.tolist()} it returns {given:.3f}, not {right:.3f}."
    return None


def analogy_vector(a, b, c):
    """Where the step from a to b leads if it is taken from c: `[d]`."""
    return b - a + c


@exercise("L2.2 analogy", solution=analogy_vector)
def _analogy(answer) -> str | None:
    import numpy as np

    a, b, c = np.array([1.0, 0.0, 2.0]), np.array([1.0, 3.0, 2.0]), np.array([5.0, 1.0, 0.0])
    given = answer(a.copy(), b.copy(), c.copy())
    if given is None:
        return "your function returns None. Does it say `return`?"
    if np.shape(given) != (3,):
        return f"a vector of the same size was expected, not the shape {np.shape(given)}."
    if np.allclose(given, analogy_vector(a, b, c)):
        return None
    if np.allclose(given, a - b + c):
        return "the step goes from a to b: b - a, and not a - b."
    if np.allclose(given, b - a):
        return "that is the step alone. Take it from c."
    return "start at c, and add the step that leads from a to b."


@exercise("L2.3 chance line", solution=6 * math.log(2))
def _chance_line(answer) -> str | None:
    if isinstance(answer, bool) or not isinstance(answer, (int, float)):
        return f"a number was expected, not {type(answer).__name__}."
    if math.isclose(answer, 6 * math.log(2), abs_tol=0.005):
        return None
    if math.isclose(answer, 5 * math.log(2), abs_tol=0.005):
        return "five negatives, and one more term: which?"
    if math.isclose(answer, 6, abs_tol=0.005):
        return "that is in bits; nats use the natural logarithm."
    return "what is the sigmoid of 0, and how many terms does the loss have?"


def attention_weights(q, k):
    """Softmax of the scaled dot products of queries `[n, d]` and keys `[m, d]`, row by row."""
    import torch

    return torch.softmax(q @ k.T / math.sqrt(q.shape[1]), dim=-1)


@exercise("L2.4 attention weights", solution=attention_weights)
def _attention_weights(answer) -> str | None:
    import torch

    generator = torch.Generator().manual_seed(0)
    q, k = (torch.randn(rows, 16, generator=generator) for rows in (3, 5))
    given = answer(q, k)
    right = torch.softmax(q @ k.T / math.sqrt(16), dim=-1)
    if not isinstance(given, torch.Tensor) or given.shape != right.shape:
        shape = tuple(given.shape) if hasattr(given, "shape") else type(given).__name__
        return f"for q [3, 16] and k [5, 16] a tensor [3, 5] was expected, not {shape}."
    if torch.allclose(given, right, atol=1e-5):
        return None
    if torch.allclose(given, torch.softmax(q @ k.T, dim=-1), atol=1e-5):
        return "the scores are not divided by the square root of the dimension."
    if torch.allclose(given.sum(0), torch.ones(5), atol=1e-4):
        return "the columns sum to 1. Each query should share out its attention: rows sum to 1."
    return "the weights differ from softmax of the scaled scores, row by row."


def causal_mask(n):
    """Which of n tokens each row may look at: 1 for itself and those before it, `[n, n]`."""
    import torch

    return torch.ones(n, n).tril()


@exercise("L2.5 causal mask", solution=causal_mask)
def _causal_mask(answer) -> str | None:
    import torch

    for n in (4, 6):
        given = answer(n)
        if not isinstance(given, torch.Tensor) or given.shape != (n, n):
            shape = tuple(given.shape) if hasattr(given, "shape") else type(given).__name__
            return f"for n={n} a tensor {[n, n]} was expected, not {shape}."
        given, right = given.long(), causal_mask(n).long()
        if torch.equal(given, right):
            continue
        if torch.equal(given, right.T):
            return "each token sees what comes after it. A row looks at the columns before it."
        if torch.equal(given, right - torch.eye(n).long()):
            return "a token may look at itself, too: the diagonal is 1."
        if torch.equal(given, 1 - right):
            return "1 and 0 are exchanged: 1 means that the row may look at the column."
        return f"for n={n} the mask is wrong in row {int((given != right).any(1).int().argmax())}."
    return None


def masked_loss(scores, targets, chosen):
    """Mean of -log P(target) over the chosen of T places: scores `[T, V]`, the others `[T]`."""
    from torch.nn.functional import cross_entropy

    return cross_entropy(scores[chosen], targets[chosen])


@exercise("L2.6 masked loss", solution=masked_loss)
def _masked_loss(answer) -> str | None:
    import torch
    from torch.nn.functional import cross_entropy

    generator = torch.Generator().manual_seed(0)
    scores = torch.randn(12, 7, generator=generator)
    targets = torch.randint(7, (12,), generator=generator)
    chosen = torch.zeros(12, dtype=torch.bool)
    chosen[[2, 5, 6, 9]] = True
    given = answer(scores.clone(), targets.clone(), chosen.clone())
    if given is None:
        return "your function returns None. Does it say `return`?"
    try:
        given = float(given)
    except (TypeError, ValueError, RuntimeError):
        return "one number was expected: take the mean over the chosen places."
    each = cross_entropy(scores, targets, reduction="none")  # [T]
    right = each[chosen].mean().item()
    wrong = {
        each.mean().item(): "that is the mean over all places; only the chosen ones count.",
        each[~chosen].mean().item(): "that is the loss of the places that are *not* chosen.",
        each[chosen].sum().item(): "that is the sum over the chosen places, not their mean.",
        right * 4 / 12: "the sum is right. Divide it by the number of chosen places, not by T.",
        -right: "the sign: a loss is minus the logarithm.",
        right / math.log(2): "that is in bits; nats use the natural logarithm.",
    }
    if math.isclose(given, right, abs_tol=1e-4):
        return None
    for value, reason in wrong.items():
        if math.isclose(given, value, abs_tol=1e-4):
            return reason
    if math.isclose(given, cross_entropy(scores * chosen[:, None], targets).item(), abs_tol=1e-4):
        return "scores of 0 are not free: they mean equal probabilities, and cost log V each."
    return "the loss is another one. Which places count, and over what does the softmax run?"
