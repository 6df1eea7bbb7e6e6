"""The exercises of L2."""

import math

from course_utils.exercises.registry import exercise


@exercise("L2.1 odd one out")
def _odd_one_out(answer) -> str | None:
    cases = {
        ("cat", "dog", "horse", "bread"): "bread",
        ("train", "happy", "boat", "bus"): "happy",
        ("guitar", "red", "blue", "green"): "guitar",
    }
    for words, odd in cases.items():
        given = answer(list(words))
        if given is None:
            return "your function returns None. Does it say `return`?"
        if given not in words:
            return f"for {', '.join(words)} it returns {given!r}, which is not one of the words."
        if given != odd:
            return f"for {', '.join(words)} it returns {given!r}. Lowest mean, or highest?"
    return None


@exercise("L2.2 chance line")
def _chance_line(answer) -> str | None:
    if isinstance(answer, bool) or not isinstance(answer, (int, float)):
        return f"a number was expected, not {type(answer).__name__}."
    if math.isclose(answer, 11 * math.log(2), abs_tol=0.005):
        return None
    if math.isclose(answer, 10 * math.log(2), abs_tol=0.005):
        return "ten negatives, and one more term: which?"
    if math.isclose(answer, 11, abs_tol=0.005):
        return "that is in bits; nats use the natural logarithm."
    return "what is the sigmoid of 0, and how many terms does the loss have?"


@exercise("L2.3 attention weights")
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


@exercise("L2.4 sliding mask")
def _sliding_mask(answer) -> str | None:
    import torch

    for n, w in ((5, 1), (6, 2), (4, 0), (3, 9)):
        right = torch.tensor([[int(abs(i - j) <= w) for j in range(n)] for i in range(n)])
        given = answer(n, w)
        if not isinstance(given, torch.Tensor) or given.shape != right.shape:
            shape = tuple(given.shape) if hasattr(given, "shape") else type(given).__name__
            return f"for n={n}, w={w} a tensor {[n, n]} was expected, not {shape}."
        if torch.equal(given.long(), right):
            continue
        if torch.equal(given.long(), right.tril()):
            return f"for n={n}, w={w} tokens see only what stands before them; let them look ahead."
        row = int((given.long() != right).any(1).int().argmax())
        return f"for n={n}, w={w} the mask is wrong in row {row}."
    return None


@exercise("L2.5 masked loss")
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


@exercise("L2.6 wall")
def _wall(answer) -> str | None:
    import torch

    for segments in ([0, 0, 0, 1, 1], [0, 0, 1, 1, 1, 1], [0, 1]):
        right = torch.tensor([[int(one == other) for other in segments] for one in segments])
        given = answer(torch.tensor(segments))
        if not isinstance(given, torch.Tensor) or given.shape != right.shape:
            shape = tuple(given.shape) if hasattr(given, "shape") else type(given).__name__
            return (
                f"for segments {segments} a tensor {list(right.shape)} was expected, not {shape}."
            )
        given = given.long()
        if torch.equal(given, right):
            continue
        if torch.equal(given, 1 - right):
            return (
                "tokens look across the border and nowhere else. The wall is the wrong way round."
            )
        if torch.equal(given, right * torch.tensor(segments)):
            return "the tokens of the question (segment 0) look at nothing, not even at themselves."
        row = int((given != right).any(1).int().argmax())
        return f"for segments {segments} the mask is wrong in row {row}."
    return None
