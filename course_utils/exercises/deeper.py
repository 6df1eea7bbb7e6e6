"""The exercises of the optional notebooks, each with the solution that the next cells use."""

import math
import re

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from course_utils.exercises.registry import NOTHING, exercise, same, verdict


def unit_rows(vectors):
    """Each row divided by its length: `[n, d]` to `[n, d]`."""
    return vectors / vectors.norm(dim=1, keepdim=True)


@exercise("L1.1 unit rows", solution=unit_rows)
def _unit_rows(answer) -> str | None:
    vectors = torch.tensor([[3.0, 4.0, 0.0], [0.0, 0.0, 2.0], [1.0, -2.0, 2.0]])
    wrong = [
        (
            lambda given: same(given.norm(dim=0), torch.ones(3)),
            "the columns have length 1, not the rows. Which dimension has to disappear?",
        ),
        (
            vectors / vectors.norm(dim=1),
            "lengths [3] stand beside the columns. With keepdim=True they are [3, 1].",
        ),
        (
            vectors / vectors.norm(),
            "all rows are divided by the same number, the length of the whole table.",
        ),
    ]

    def otherwise(given):
        lengths = ", ".join(f"{length:.2f}" for length in given.norm(dim=1))
        return f"your rows have the lengths {lengths}."

    asked = "for vectors [3, 3] a tensor [3, 3]"
    return verdict(answer(vectors.clone()), unit_rows(vectors), wrong, otherwise, asked)


def step_down(weight, gradient, rate):
    """The weight after one step of gradient descent."""
    return weight - rate * gradient


@exercise("L1.2 step down", solution=step_down)
def _step_down(answer) -> str | None:
    weight, gradient = torch.tensor(3.0), torch.tensor(-2.0)
    wrong = [
        (2.8, "that is a step uphill: the loss rises. Go against the gradient."),
        (5.0, "the learning rate is not used."),
        (0.2, "that is the step alone. Take it from the weight."),
        (-0.2, "that is the step alone. Take it from the weight."),
    ]
    otherwise = "start at the weight, and take away the learning rate times the gradient."
    return verdict(answer(weight.clone(), gradient.clone(), 0.1), 3.2, wrong, otherwise)


def seen_token(token, fate, mask, other):
    """What the model sees where `token` is to be guessed; `fate` is between 0 and 1."""
    if fate < 0.8:
        return mask
    return other if fate < 0.9 else token


@exercise("L2.A seen token", solution=seen_token)
def _seen_token(answer) -> str | None:
    names = {7: "the token itself", 103: "[MASK]", 55: "another token"}
    for fate in (0.0, 0.5, 0.79, 0.81, 0.89, 0.91, 0.99):
        given, right = answer(7, fate, 103, 55), seen_token(7, fate, 103, 55)
        if given is None:
            return "your function returns None. Does it say `return` in each case?"
        if given not in names:
            return f"for fate={fate} it returns {given!r}, which is not one of the three."
        if given != right:
            return f"for fate={fate} the model sees {names[given]}. How large is each share?"
    return None


def log_shares(counts):
    """The logarithm of each token's share, one added to each count: `[V]` to `[V]`."""
    return torch.log((counts + 1) / (counts + 1).sum())


@exercise("L2.B log shares", solution=log_shares)
def _log_shares(answer) -> str | None:
    counts = torch.tensor([5, 0, 2, 1])
    right = log_shares(counts)
    wrong = [
        (
            lambda given: not torch.isfinite(given).all(),
            "a token that was never counted costs infinitely much. Add one to each count.",
        ),
        (right.exp(), "these are the shares. Now take their logarithm."),
        (right / math.log(2), "that is in bits; nats use the natural logarithm."),
        (-right, "the sign: the logarithm of a share is below 0."),
        ((counts + 1).log(), "the shares do not sum to 1. Divide by the sum first."),
        (((counts + 1) / counts.sum()).log(), "add the ones to the sum, too."),
    ]

    def otherwise(given):
        return f"your shares sum to {given.exp().sum():.2f}; add one to each count, then divide."

    asked = "for counts [4] a tensor [4]"
    return verdict(answer(counts.clone()), right, wrong, otherwise, asked)


def max_sim(question, text):
    """The mean, over the rows of a question `[Q, d]`, of the best cosine with one of `[T, d]`."""
    return (question @ text.T).max(axis=1).mean()


@exercise("L3.A max sim", solution=max_sim)
def _max_sim(answer) -> str | None:
    question = np.array([[1.0, 0.0], [0.6, 0.8]])
    text = np.array([[0.0, 1.0], [0.8, 0.6], [-1.0, 0.0]])
    cosines = question @ text.T
    best = cosines.max(axis=1)
    wrong = [
        (best.sum(), "that is the sum of the best cosines; take their mean."),
        (cosines.max(axis=0).mean(), "there each token of the *text* looked for its best match."),
        (cosines.mean(), "that is the mean of the whole map. First take the best of each row."),
        (cosines.max(), "that is the best of all. Each token of the question has its own."),
    ]
    otherwise = "the best cosines here are 0.80 and 0.96. What is their mean?"
    return verdict(answer(question.copy(), text.copy()), best.mean(), wrong, otherwise)


def uniformity(vectors):
    """log of the mean of exp(-2 d²) over all couples of different rows of `[n, d]`, length 1."""
    squared = 2 - 2 * vectors @ vectors.T
    couples = np.triu_indices(len(vectors), 1)
    return np.log(np.exp(-2 * squared[couples]).mean())


@exercise("L3.B uniformity", solution=uniformity)
def _uniformity(answer) -> str | None:
    vectors = np.array([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0], [-0.8, 0.6]])
    squared_all = 2 - 2 * vectors @ vectors.T
    squared = squared_all[np.triu_indices(4, 1)]
    right = uniformity(vectors)
    wrong = [
        (np.log(np.exp(-2 * squared_all).mean()), "a vector and itself are no couple."),
        (np.exp(right), "the logarithm of the mean is missing."),
        ((-2 * squared).mean(), "first the mean, then its logarithm."),
        (np.log(np.exp(-2 * squared**0.5).mean()), "the distance has to be squared."),
        (np.log(np.exp(-squared).mean()), "the factor 2 before the squared distance is missing."),
        (np.log(np.exp(-2 * squared).sum()), "that is the sum over the couples; take the mean."),
        (np.log(np.exp(2 * squared).mean()), "the sign: vectors far apart should count little."),
        (-right, "the sign: lower is more even."),
    ]
    otherwise = f"for four vectors in the upper half of a circle it is {right:.2f}."
    return verdict(answer(vectors.copy()), right, wrong, otherwise)


def precision_by_coverage(support, right):
    """Entry k - 1: the share of right ones among the k with the most support: `[n]` each."""
    order = np.argsort(-support)
    return np.cumsum(right[order]) / np.arange(1, len(right) + 1)


@exercise("L5.A coverage", solution=precision_by_coverage)
def _precision_by_coverage(answer) -> str | None:
    support, right = np.array([0.5, 0.9, 0.2, 0.7]), np.array([True, False, True, False])
    given = np.asarray(answer(support.copy(), right.copy()), dtype=float)
    if given.shape != (4,):
        return f"for 4 questions 4 numbers were expected, not an array of shape {given.shape}."
    wrong = [
        ([1, 1 / 2, 2 / 3, 1 / 2], "sort by support first: these are in the order of asking."),
        ([1, 1, 2 / 3, 1 / 2], "you begin with the least support. Begin with the most."),
        ([0, 0, 1, 2], "these are counts. Divide each by the number of questions so far."),
        ([0, 0, 1 / 4, 1 / 2], "divide by the number of questions so far, not by all."),
        ([0, 0, 1, 1], "one entry a question: each should be a mean of all so far."),
    ]
    otherwise = "the last entry has to be the share of right ones among all. What are the others?"
    return verdict(given, np.array([0, 0, 1 / 3, 1 / 2]), wrong, otherwise)


def missing_words(sentence, source):
    """The words of four letters or more that the source lacks: a set, in lower case."""
    found = (set(re.findall(r"\w{4,}", text.lower())) for text in (sentence, source))
    return set.difference(*found)


@exercise("L5.B missing words", solution=missing_words)
def _missing_words(answer) -> str | None:
    given = answer("Wages are paid in rupees, as is rent.", "WAGES: repaid each week.")
    if not isinstance(given, set):
        return f"a set of words was expected, not {type(given).__name__}."
    wrong = [
        ({"each", "repaid", "week"}, "these are the words that only the source has."),
        ({"wages"}, "these are the words that both have."),
        ({"wages", "paid", "rupees", "rent"}, "Wages and WAGES are one word: use lower case."),
        ({"Wages", "paid", "rupees", "rent"}, "Wages and WAGES are one word: use lower case."),
        ({"rupees", "rent"}, "repaid is another word than paid: compare whole words."),
        ({*"are paid in rupees as is rent".split()}, "leave out those of fewer than four."),
        ({"paid", "rupees,", "rent."}, "take the comma and the full stop off the words."),
    ]
    for words, reason in [({"paid", "rupees", "rent"}, None), *wrong]:
        if given == words:
            return reason
    return f"paid, rupees and rent are missing; you have {sorted(map(str, given))}."


def carry_on(embeddings, gradient):
    """Let a gradient `[b, d]` with respect to embeddings `[b, d]` flow on into the weights."""
    (embeddings * gradient).sum().backward()


@exercise("L4.A carry on", solution=carry_on)
def _carry_on(answer) -> str | None:
    generator = torch.Generator().manual_seed(0)
    texts, gradient = (torch.randn(5, 3, generator=generator) for _ in range(2))
    weight = torch.eye(3, requires_grad=True)
    right = texts.T @ gradient
    answer(texts @ weight, gradient.clone())
    if weight.grad is None:
        return "the weights have no gradient afterwards. Is there a .backward()?"
    wrong = [
        (texts.sum(0)[:, None].expand(3, 3), "the cached gradient is not used: multiply by it."),
        (right / 15, "that is the mean of the products; the chain rule asks for their sum."),
        (right / 5, "that is the mean over the texts; the chain rule asks for the sum."),
        (-right, "the sign: the step downhill is the optimizer's business."),
    ]
    otherwise = "the weights get another gradient. Each embedding has to meet its own gradient."
    return verdict(weight.grad, right, wrong, otherwise)


def both_directions(scores, echo):
    """The mean of the loss by rows, which have the echo term, and by columns: `[B, B]` each."""
    right = torch.arange(len(scores))
    by_row = cross_entropy(torch.cat([scores, echo], dim=1), right)
    return (by_row + cross_entropy(scores.T, right)) / 2


@exercise("L4.B both directions", solution=both_directions)
def _both_directions(answer) -> str | None:
    scores, echo = torch.randn(2, 5, 5, generator=torch.Generator().manual_seed(0))
    right, places = both_directions(scores, echo), torch.arange(5)
    row, both_row, column, both_column = (
        cross_entropy(part, places)
        for part in (scores, torch.cat([scores, echo], 1), scores.T, torch.cat([scores, echo]).T)
    )
    wrong = [
        (row + column, "the echo term is missing, and that is the sum; take the mean."),
        ((row + column) / 2, "the echo term is missing: more columns for the rows' loss."),
        (both_row + column, "that is the sum of the two; take the mean."),
        (
            (both_row + both_column) / 2,
            "a question is no wrong candidate for an answer's question.",
        ),
        (both_row, "that is one direction, question to answer. Add the columns' loss."),
        (column, "that is one direction, answer to question. Add the rows' loss."),
        (-right, "the sign: a loss is minus the logarithm."),
    ]
    otherwise = "the loss is another one. What are the columns of each of the two softmaxes?"
    asked = "one number, as a tensor that can go backward,"
    return verdict(answer(scores.clone(), echo.clone()), right, wrong, otherwise, asked)


def gathered(shares, own):
    """The embeddings of all processes `[b, d]` as one batch; only share number `own` is trained."""
    rows = [share.detach() for share in shares]
    rows[own] = shares[own]
    return torch.cat(rows)


@exercise("L4.C gathered", solution=gathered)
def _gathered(answer) -> str | None:
    leaves = [torch.full((2, 3), float(n), requires_grad=True) for n in range(3)]
    for own in (1, 2):
        given = answer([leaf * 1 for leaf in leaves], own)
        otherwise = "the rows are not in the order of the shares: all processes need the same one."
        asked = "for three shares [2, 3] a tensor [6, 3]"
        if problem := verdict(given, torch.cat(leaves).detach(), [], otherwise, asked):
            return problem
        if not given.requires_grad:
            return "no row carries a gradient: the own share has to."
        found = torch.autograd.grad(given.sum(), leaves, allow_unused=True)
        carried = [n for n, gradient in enumerate(found) if gradient is not None]
        if carried != [own]:
            return f"for own={own} the shares {carried} carry a gradient; only the own one should."
    return None


def to_compare(query, centres, cell, nprobe):
    """The rows of the points in the `nprobe` cells whose centres are nearest to the query."""
    nearest = np.argsort(((centres - query) ** 2).sum(axis=1))[:nprobe]
    return np.flatnonzero(np.isin(cell, nearest))


@exercise("L5.M1 points to compare", solution=to_compare)
def _to_compare(answer) -> str | None:
    centres = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 9.0]])
    cell = np.array([2, 1, 0, 0, 1, 2, 0])
    query = np.array([3.0, 1.0])
    for nprobe in (1, 2, 3):
        given = answer(query, centres, cell, nprobe)
        if given is None:
            return NOTHING
        given = sorted(np.ravel(given).tolist())
        right = to_compare(query, centres, cell, nprobe).tolist()
        if given == right:
            continue
        if given == sorted([1, 0, 2][:nprobe]):
            return "these are the numbers of cells. Which points lie in them?"
        if given == [0, 5]:
            return "these points lie in the cells that are farthest away."
        if len(given) == len(cell):
            return "row numbers were expected, or these are all points: numpy.flatnonzero helps."
        if given == to_compare(query, centres, cell, 1).tolist():
            return f"for nprobe={nprobe} only the nearest cell was looked into."
        return f"for nprobe={nprobe} the rows {right} were expected, not {given}."
    return None


def product_scores(query, typical, codes):
    """The scores of coded vectors: a table of products for this query, then look up and add."""
    parts = query.reshape(len(typical), 1, -1)
    table = (typical * parts).sum(axis=2)
    return table[np.arange(len(typical)), codes].sum(axis=1)


@exercise("L5.M2 scores from codes", solution=product_scores)
def _product_scores(answer) -> str | None:
    generator = np.random.default_rng(0)
    query, typical = generator.normal(size=12), generator.normal(size=(4, 5, 3))
    codes = generator.integers(5, size=(7, 4))
    given = answer(query.copy(), typical.copy(), codes.copy())
    if given is None:
        return NOTHING
    given, right = np.asarray(given), product_scores(query, typical, codes)
    if given.shape != (7,):
        return f"a score for each of the 7 coded vectors was expected, not shape {given.shape}."
    table = (typical * query.reshape(4, 1, 3)).sum(axis=2)
    wrong = [
        (right / 4, "that is the mean over the parts; a dot product is their sum."),
        (table[0][codes].sum(1), "each part has its own row of the table; you always look in one."),
        (table.sum(0)[codes].sum(1), "look up first, then add: do not add the parts of the table."),
        (codes.sum(1), "the codes are numbers of rows, not values: look up what they stand for."),
    ]
    otherwise = "the scores are other ones. What does part 0 of the query meet, and what part 1?"
    return verdict(given, right, wrong, otherwise)
