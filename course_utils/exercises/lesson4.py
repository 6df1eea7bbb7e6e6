"""The exercises of L4."""

import math

from course_utils.exercises.registry import exercise


@exercise("L4.1 the other direction")
def _other_direction(answer) -> str | None:
    import torch
    from torch.nn.functional import cross_entropy

    scores = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    right = torch.arange(5)
    given = answer(scores.clone())
    if given is None:
        return "your function returns None. Does it say `return`?"
    try:
        given = float(given)
    except (TypeError, ValueError):
        return f"one number was expected, not {type(given).__name__}: take the mean."
    wrong = {
        cross_entropy(scores, right).item(): "that is the loss from question to answer.",
        cross_entropy(scores.T, right, reduction="sum").item(): "that is the sum, not the mean.",
        -cross_entropy(scores.T, right).item(): "the sign: a loss is minus the logarithm.",
    }
    if math.isclose(given, cross_entropy(scores.T, right).item(), abs_tol=1e-4):
        return None
    for value, reason in wrong.items():
        if math.isclose(given, value, abs_tol=1e-4):
            return reason
    return "the loss is another one. Which softmax runs down a column?"


@exercise("L4.2 short batch")
def _short_batch(answer) -> str | None:
    if isinstance(answer, bool) or not isinstance(answer, (int, float)):
        return f"a number was expected, not {type(answer).__name__}."
    if math.isclose(answer, (3 * math.log(300) + math.log(100)) / 4, abs_tol=0.005):
        return None
    if math.isclose(answer, math.log(300), abs_tol=0.005):
        return "that is the loss of the three full batches. How many pairs are in the fourth?"
    if math.isclose(answer, math.log(1000), abs_tol=0.005):
        return "a question is compared with the answers of its batch, not of the whole epoch."
    if math.isclose(answer, math.log(250), abs_tol=0.005):
        return "take the mean of the four losses, not the loss of the mean size."
    return "what does a batch of B cost a model that knows nothing?"


@exercise("L4.3 mean reciprocal rank")
def _mean_reciprocal_rank(answer) -> str | None:
    import numpy as np

    scores = np.random.default_rng(0).normal(size=(6, 6)) + 0.5 * np.eye(6)
    ranks = (scores >= np.diag(scores)[:, None]).sum(1)
    given = answer(scores.copy())
    if given is None:
        return "your function returns None. Does it say `return`?"
    if np.ndim(given):
        return "one number was expected: take the mean over the questions."
    right = float((1 / ranks).mean())
    wrong = {
        float((ranks == 1).mean()): "that is recall@1: the share of first places.",
        float(ranks.mean()): "that is the mean rank; take 1 / rank of each question first.",
        float(1 / ranks.mean()): "that is 1 / mean rank; take 1 / rank first, and then the mean.",
        float((1 / (ranks + 1)).mean()): "your ranks begin at 2. The best place is rank 1.",
    }
    if math.isclose(float(given), right, abs_tol=1e-6):
        return None
    for value, reason in wrong.items():
        if math.isclose(float(given), value, abs_tol=1e-6):
            return reason
    return "the ranks are other ones. How many answers score as much as the right one, or more?"
