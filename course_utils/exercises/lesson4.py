"""The exercises of L4, each with the solution that the lesson's next cells use meanwhile."""

import math

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from course_utils.exercises.registry import exercise, verdict


def _ranks(scores):
    """The rank of column i in row i, from 1; ties count against it: `[q]`."""
    return (scores >= scores.diagonal()[:, None]).sum(1)


def right_first(scores):
    """1.0 where the right answer, column i of row i, beats all others, else 0.0: `[q]`."""
    return (_ranks(scores) == 1).astype(float)


@exercise("L4.1 right answer first", solution=right_first)
def _right_first(answer) -> str | None:
    scores = np.eye(5, 7)  # five answers, and two candidates that are none
    scores[1, 5], scores[2, 0], scores[3, 6] = 1, 2, 2  # a tie; an answer and another text win
    wrong = [
        (scores.argmax(1) == np.arange(5), "a tie is no win: an equal score makes it 0.0."),
        (right_first(scores[:, :5]), "look at all columns: not every candidate is an answer."),
        (_ranks(scores), "those are ranks. 1.0 stands for rank 1, and 0.0 for any other."),
    ]
    otherwise = "which candidates have a score as high as that of column i in row i?"
    return verdict(answer(scores.copy()), right_first(scores), wrong, otherwise)


def row_loss(row, right):
    """-log softmax of a row of scores `[n]` at the position `right`, a float."""
    return math.log(sum(math.exp(score) for score in row)) - float(row[right])


@exercise("L4.2 the loss of one row", solution=row_loss)
def _row_loss(answer) -> str | None:
    row, right = torch.tensor([2.0, 0.5, -1.0, 1.5]), 3
    loss, logs = row_loss(row, right), torch.log_softmax(row, 0)
    wrong = [
        (-loss, "the sign: a loss is minus the logarithm."),
        (math.exp(-loss), "that is the probability itself. The loss is minus its logarithm."),
        (-logs.mean(), "that is the mean over the row. Only the right position counts."),
        (loss / math.log(10), "that is the logarithm to base 10; nats use the natural one."),
    ]
    otherwise = f"the loss of position 3 of [2, 0.5, -1, 1.5] is {loss:.3f}, not what it returns."
    return verdict(answer(row.clone(), right), loss, wrong, otherwise)


def mean_reciprocal_rank(scores):
    """The mean of 1 / rank of the right answer, column i of row i; ties count against it."""
    return float((1 / _ranks(scores)).mean())


@exercise("L4.3 mean reciprocal rank", solution=mean_reciprocal_rank)
def _mean_reciprocal_rank(answer) -> str | None:
    scores = np.random.default_rng(0).normal(size=(6, 9)) + 0.5 * np.eye(6, 9)
    scores[0, 7] = scores[0, 0]  # a tie
    ranks, untied = _ranks(scores), 1 + (scores > scores.diagonal()[:, None]).sum(1)
    wrong = [
        ((ranks == 1).mean(), "that is the share of first places."),
        (ranks.mean(), "that is the mean rank; take 1 / rank of each question first."),
        (1 / ranks.mean(), "that is 1 / mean rank; take 1 / rank first, and then the mean."),
        ((1 / (ranks + 1)).mean(), "your ranks begin at 2. The best place is rank 1."),
        ((1 / untied).mean(), "a candidate with the same score stands before the right answer."),
        (mean_reciprocal_rank(scores[:, :6]), "look at all columns, also where there are more."),
    ]
    otherwise = "the ranks are other ones. How many candidates score as much as the right one?"
    return verdict(answer(scores.copy()), mean_reciprocal_rank(scores), wrong, otherwise)


def contrastive_step(heads, optimizer, questions, answers):
    """One step of training on a batch of encoder vectors `[B, d]`; the loss before it, a float."""
    scores = 20 * heads.questions(questions) @ heads.answers(answers).T  # [B, B]
    loss = cross_entropy(scores, torch.arange(len(scores)))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


@exercise("L4.4 training step", solution=contrastive_step)
def _contrastive_step(answer) -> str | None:
    loss, (start, *given) = _two_steps(answer)
    right_loss, (_, *right) = _two_steps(contrastive_step)
    heads, questions, answers = _small_batch()
    scores = 20 * (heads.questions(questions) @ heads.answers(answers).T).detach()
    places = torch.arange(len(scores))
    wrong = [
        (cross_entropy(scores / 20, places), "the scale is missing: 20 × cosine."),
        (cross_entropy(scores.T, places), "in your rows each answer picks a question."),
        (cross_entropy(scores, 0 * places), "the right answer of row i is in column i."),
    ]
    otherwise = "the loss is another one. What are the scores, and what are the targets?"
    if problem := verdict(loss, right_loss, wrong, otherwise):
        return problem
    if not isinstance(loss, float):
        return f"a float was expected, not {type(loss).__name__}: return loss.item()."
    if torch.equal(given[0], start):
        return "the weights do not move: zero_grad(), backward(), step(), in this order."
    if not torch.allclose(given[0], right[0], atol=1e-5):
        return "the loss is right, but the step is not the one against its gradient."
    if not torch.allclose(given[1], right[1], atol=1e-5):
        return "in the second step the gradient of the first is still there: zero_grad() first."
    return None


def echo_scores(heads, questions, answers, scale=20):
    """Scores of each question with the answers, then with the questions read as answers."""
    candidates = torch.cat([heads.answers(answers), heads.answers(questions)])  # [2B, d]
    return scale * heads.questions(questions) @ candidates.T  # [B, 2B]


@exercise("L4.5 echo term", solution=echo_scores)
def _echo_scores(answer) -> str | None:
    heads, questions, answers = batch = _small_batch()
    right, q = echo_scores(*batch, scale=5).detach(), heads.questions(questions).detach()
    itself = torch.cat([right[:, :6], 5 * q @ q.T], dim=1)
    wrong = [
        (itself, "the question head reads both: a question then has the score 5 with itself."),
        (right.roll(6, dims=1), "the columns of the answers come first, then the questions'."),
        (right / 5, "the scale is missing."),
        (right * 4, "`scale` is an argument of the function: use it in place of 20."),
    ]
    otherwise = "the scores are other ones. Which head reads what?"
    return verdict(answer(*batch, scale=5), right, wrong, otherwise)


@exercise("L4.6 the chance line", solution=math.log(512))
def _chance_line(answer) -> str | None:
    wrong = [
        (math.log(256), "the questions stand among the candidates, too. How many are there?"),
        (1 / 512, "that is the probability of the right answer. What is its loss?"),
        (math.log2(512), "that is in bits; nats use the natural logarithm."),
        (math.log10(512), "that is the logarithm to base 10; nats use the natural one."),
    ]
    otherwise = "how many candidates does a question have, and what is their softmax?"
    return verdict(answer, math.log(512), wrong, otherwise, tolerance=1e-3)


def _small_batch():
    """Heads that are not the identity, and a batch of six: `[6, 8]` questions and answers."""
    from course_utils.dual_encoder import Heads

    generator, heads = torch.Generator().manual_seed(0), Heads(8)
    for weights in heads.parameters():
        torch.nn.init.normal_(weights, generator=generator)
    return heads, *torch.randn(2, 6, 8, generator=generator)


def _two_steps(step):
    """What the first of two steps returns, and the question head before, between and after."""
    heads, questions, answers = _small_batch()
    optimizer = torch.optim.SGD(heads.parameters(), lr=0.1)
    losses, weights = [], [heads.question.weight.detach().clone()]
    for _ in range(2):
        losses.append(step(heads, optimizer, questions, answers))
        weights.append(heads.question.weight.detach().clone())
    return losses[0], weights
