"""The exercises of L5."""

import math

from course_utils.exercises.registry import exercise


@exercise("L5.1 exact search")
def _exact_search(answer) -> str | None:
    import numpy as np

    rng = np.random.default_rng(0)
    question, passages = rng.normal(size=8), rng.normal(size=(20, 8))
    passages *= np.linspace(0.2, 5, 20)[:, None]  # of very different lengths
    dots = passages @ question
    cosines = dots / np.linalg.norm(passages, axis=1)
    given = answer(question.copy(), passages.copy(), 3)
    if given is None:
        return "your function returns None. Does it say `return`?"
    given = np.asarray(given)
    if given.shape != (3,):
        return f"3 row numbers were expected for k=3, not an array of shape {given.shape}."
    if not np.array_equal(given, np.round(given)):
        return "row numbers were expected, not scores: `argsort` gives them."
    wrong = {
        tuple(np.argsort(cosines)[:3]): "these are the passages farthest from the question.",
        tuple(np.argsort(-dots)[:3]): "the longest vectors win: divide by their lengths.",
        tuple(np.argsort(dots)[-3:]): "the longest vectors win: divide by their lengths.",
        tuple(np.argsort(cosines)[-3:]): "the right passages, but the best one has to come first.",
    }
    given = tuple(int(row) for row in given)
    if given == tuple(np.argsort(-cosines)[:3]):
        return None
    return wrong.get(given, "other passages have a higher cosine. Which axis do you sort?")


@exercise("L5.2 weighted fusion")
def _weighted_fusion(answer) -> str | None:
    rankings = [["b", "a", "c"], ["d", "c", "b", "e"]]
    weights = [3.0, 1.0]
    given = answer([list(ranking) for ranking in rankings], list(weights))
    if given is None:
        return "your function returns None. Does it say `return`?"
    if not isinstance(given, dict):
        return f"a dictionary from items to scores was expected, not {type(given).__name__}."
    if set(given) != set("abcde"):
        return f"the items are a, b, c, d and e; your dictionary has {_listed(given)}."
    right = _fused(rankings, weights)
    wrong = [
        (_fused(rankings, [1, 1]), "the weights are not used."),
        (_fused(rankings, [1, 3]), "the weights are those of the other ranking."),
        (_fused(rankings, weights, first=0), "your ranks begin at 0. The best place is rank 1."),
        (_fused(rankings, weights, constant=0), "the constant 60 is missing."),
        (_last(rankings, weights), "an item that is in both rankings gets both terms."),
        (_reversed(rankings, weights), "the last place counts most: each ranking is best first."),
    ]
    if _same(given, right):
        return None
    for values, reason in wrong:
        if _same(given, values):
            return reason
    return (
        f"'b' is first and third; its score is not {given['b']:.4f}. Add up weight / (60 + rank)."
    )


@exercise("L5.3 threshold")
def _threshold(answer) -> str | None:
    import numpy as np

    rng = np.random.default_rng(0)
    answerable, unanswerable = rng.normal(0.6, 0.1, 200), rng.normal(0.4, 0.1, 50)
    given = answer(answerable.copy(), unanswerable.copy(), 0.1)
    if given is None:
        return "your function returns None. Does it say `return`?"
    if isinstance(given, bool) or np.ndim(given) or not np.isfinite(given):
        return "one number was expected, a threshold for scores."
    given = float(given)
    if math.isclose(given, np.quantile(answerable, 0.1), abs_tol=0.003):
        return "so a tenth of the *answerable* questions stays without an answer. Which may not?"
    let_through = (unanswerable >= given).mean()
    if let_through > 0.1:
        return f"{let_through:.2f} of the unanswerable questions get an answer; 0.1 is allowed."
    ordered = np.sort(unanswerable)[::-1]
    lowest = ordered[5]  # the sixth of 50 has to stay below the threshold, five may pass
    between = ordered[4] - lowest
    if given <= lowest + between + 1e-9:
        return None
    lost = ((answerable < given) & (answerable > lowest)).sum()
    return f"too strict: {lost} more answerable questions could be answered."


def _fused(rankings, weights, first: int = 1, constant: float = 60) -> dict[str, float]:
    scores: dict[str, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, item in enumerate(ranking, start=first):
            scores[item] = scores.get(item, 0.0) + weight / (constant + rank)
    return scores


def _last(rankings, weights) -> dict[str, float]:
    """As where each ranking overwrites the one before."""
    scores: dict[str, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        scores |= _fused([ranking], [weight])
    return scores


def _reversed(rankings, weights) -> dict[str, float]:
    return _fused([ranking[::-1] for ranking in rankings], weights)


def _same(given: dict, wanted: dict) -> bool:
    return all(math.isclose(given[item], wanted[item], abs_tol=1e-7) for item in wanted)


def _listed(items) -> str:
    return ", ".join(sorted(map(str, items))) or "none"
