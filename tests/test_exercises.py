"""Every exercise of every lesson: its own solution is right, its stub is open, mistakes are named.

A new exercise needs its wrong answers in WRONG below; everything else is found in the notebooks.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from math import log
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from torch.nn.functional import cross_entropy

from course_utils import claims, exercises
from course_utils.errors import BadInput
from course_utils.exercises import lesson3, lesson4, registry
from tests import test_exercises_deeper as deeper
from tests import test_exercises_lesson5 as lesson5
from tests.helpers import ROOT
from tests.needed import needed, python

# ------------------------------------------------------------------------------ in the lessons

CHECKED = re.compile(r'exercises\.check\(\s*"([^"]+)"')
SOLUTION = re.compile(r"<details>.*?```python\n(.*?)```\s*</details>", re.DOTALL)


@dataclass(frozen=True)
class Exercise:
    """Where an exercise stands: its check is called in cell number `at` of a lesson."""

    name: str
    lesson: Path
    at: int

    def __str__(self) -> str:
        return self.name

    @property
    def cells(self) -> list[NotebookNode]:
        return cells_of(self.lesson)

    @property
    def solution(self) -> str:
        """The code that is folded away in the text before the answer's cell."""
        assert self.cells[self.at - 1].cell_type == "markdown"
        (code,) = SOLUTION.findall(self.cells[self.at - 1].source)
        return code


@cache
def cells_of(lesson: Path) -> list[NotebookNode]:
    return nbformat.read(lesson, as_version=4).cells


def found() -> Iterator[Exercise]:
    lessons = [
        *(ROOT / "notebooks").glob("L*.ipynb"),
        *(ROOT / "notebooks/deeper").glob("L*.ipynb"),
    ]
    # A lesson's optional notebooks come after it.
    for lesson in sorted(lessons, key=lambda each: (each.name[:2], len(each.parts), each.name)):
        for at, cell in enumerate(cells_of(lesson)):
            if cell.cell_type == "code":
                yield from (Exercise(name, lesson, at) for name in CHECKED.findall(cell.source))


EXERCISES = list(found())
each_exercise = pytest.mark.parametrize("each", EXERCISES, ids=str)


def run(each: Exercise, code: str) -> None:
    """Run code as in the lesson: after the cells above it, of which only those it needs are run."""
    cells = [*each.cells[: each.at], new_code_cell(code, id="answer")]
    sources = {cell.id: python(cell) for cell in cells if cell.cell_type == "code"}
    namespace = {"__name__": "lesson"}
    for name in needed(cells, ["answer"]):
        exec(sources[name], namespace)


@pytest.fixture(autouse=True)
def own_ledger(monkeypatch):
    """Claims in the cells that are run are not to be counted elsewhere."""
    monkeypatch.setattr(claims, "_LEDGER", {})


@each_exercise
def test_the_lessons_own_solution_is_right(each, capsys):
    assert CHECKED.findall(each.solution) == [each.name]
    run(each, each.solution)
    assert capsys.readouterr().out.endswith(f"✔ Exercise {each.name}: right.\n")


@each_exercise
def test_the_stub_is_still_open(each, capsys):
    cell = each.cells[each.at]
    run(each, cell.source)
    line = f"○ Exercise {each.name} is still open.\n"
    assert capsys.readouterr().out.endswith(line)
    assert [output.get("text") for output in cell.outputs] == [line]


@each_exercise
def test_an_exercise_says_how_hard_it_is_and_how_long_it_takes(each):
    label = each.name.partition(" ")[0]
    assert each.lesson.name.startswith(label.partition(".")[0] + "_")
    text = each.cells[each.at - 1].source
    (about,) = re.findall(rf"^### Exercise {label} · .+\n(.+)", text, re.MULTILINE)
    assert re.match(r"\*Difficulty: (easy|medium|hard) · about \d+ minutes\.\* \S", about)


def test_every_registered_exercise_stands_in_exactly_one_lesson():
    assert Counter(each.name for each in EXERCISES) == dict.fromkeys(exercises.names(), 1)
    labels = [each.name.partition(" ")[0] for each in EXERCISES]
    assert labels == sorted(labels)  # numbered as they come


# ---------------------------------------------------------------------- answers right and wrong


def plain_piece(word, start, vocabulary):
    """The longest piece, its ## forgotten."""
    piece = lesson3.longest_piece(word, start, vocabulary)
    return piece and piece.removeprefix("##")


def longest_first(word, start, vocabulary):
    ends = range(start + 1, len(word) + 1)
    pieces = ["##" * (start > 0) + word[start:end] for end in ends]
    return max((piece for piece in pieces if piece in vocabulary), key=len, default=None)


def shortest_first(word, start, vocabulary):
    ends = range(start + 1, len(word) + 1)
    pieces = ["##" * (start > 0) + word[start:end] for end in ends]
    return next((piece for piece in pieces if piece in vocabulary), None)


def ranks(scores):
    return (scores >= np.diag(scores)[:, None]).sum(1)


def echoes(heads, questions, answers, scale=20):
    candidates = heads.answers(torch.cat([answers, questions]))
    return torch.einsum("id,jd->ij", heads.questions(questions), candidates) * scale


def a_step(
    heads,
    optimizer,
    questions,
    answers,
    scale=20,
    scores=lambda scores: scores,
    places=lambda scores: torch.arange(len(scores)),
    returns=torch.Tensor.item,
    order=("zero_grad", "backward", "step"),
):
    """A step of training, right or with one thing wrong."""
    compared = scores(scale * heads.questions(questions) @ heads.answers(answers).T)
    loss = cross_entropy(compared, places(compared))
    actions = {
        "zero_grad": optimizer.zero_grad,
        "backward": loss.backward,
        "upward": lambda: (-loss).backward(),
        "step": optimizer.step,
    }
    for name in order:
        actions[name]()
    return returns(loss)


# Plausible mistakes and what the check must say of each (a part of it).
WRONG = {
    "L2.1 cosine": [
        (lambda a, b: None, "returns None. Does it say `return`?"),
        (lambda a, b: a @ b, "that is the dot product"),
        (lambda a, b: a * b, "one number was expected, not an array"),
        (lambda a, b: a @ b / np.linalg.norm(a), "divide by both lengths"),
        (lambda a, b: a @ b / (a @ a) / (b @ b), "the square root of a @ a"),
        (lambda a, b: a @ b / np.linalg.norm(a) * np.linalg.norm(b), "in brackets"),
        (lambda a, b: np.linalg.norm(a - b), "it returns 5.385, not 0.960"),
        (lambda a, b: a @ c, "your answer raises NameError"),  # noqa: F821
    ],
    "L2.2 analogy": [
        (lambda a, b, c: None, "returns None. Does it say `return`?"),
        (lambda a, b, c: a - b + c, "the step goes from a to b"),
        (lambda a, b, c: b - a, "Take it from c"),
        (lambda a, b, c: (b - a + c).sum(), "a vector of the same size was expected"),
        (lambda a, b, c: a + b + c, "start at c"),
    ],
    "L2.3 chance line": [
        (5 * log(2), "five negatives, and one more term: which?"),
        (6, "that is in bits; nats use the natural logarithm"),
        (log(6), "what is the sigmoid of 0"),
        (-6 * log(2), "what is the sigmoid of 0"),
        (float("nan"), "what is the sigmoid of 0"),
        ("6 * log(2)", "a number was expected, not str"),
        (True, "a number was expected, not bool"),
    ],
    "L2.4 attention weights": [
        (lambda q, k: torch.softmax(q @ k.T, dim=-1), "not divided by the square root"),
        (lambda q, k: torch.softmax(q @ k.T / 4, dim=0), "the columns sum to 1"),
        (lambda q, k: torch.softmax(q @ k.T, dim=0), "the columns sum to 1"),
        (lambda q, k: torch.softmax(q @ k.T / 16, dim=-1), "the weights differ from softmax"),
        (lambda q, k: torch.softmax(q @ k.T / len(q) ** 0.5, dim=-1), "the weights differ"),
        (lambda q, k: q @ k.T / 4, "the weights differ from softmax"),
        (lambda q, k: torch.sigmoid(q @ k.T / 4), "the weights differ from softmax"),
        (lambda q, k: torch.softmax(k @ q.T / 4, dim=-1), "expected, not (5, 3)"),
        (lambda q, k: torch.softmax(q @ k.T / 4, dim=-1) @ k, "expected, not (3, 16)"),
        (lambda q, k: torch.softmax(q @ k.T / 4, dim=-1).numpy(), "a tensor [3, 5] was expected"),
        (lambda q, k: (q, k), "expected, not tuple"),
        (lambda q, k: None, "expected, not NoneType"),
        (lambda q, k: torch.softmax(q @ k / 4, dim=-1), "your answer raises RuntimeError"),
    ],
    "L2.5 causal mask": [
        (lambda n: torch.ones(n, n).triu(), "sees what comes after it"),
        (lambda n: torch.ones(n, n).tril(-1), "the diagonal is 1"),
        (lambda n: 1 - torch.ones(n, n).tril(), "1 and 0 are exchanged"),
        (lambda n: torch.ones(n, n), "for n=4 the mask is wrong in row 0"),
        (lambda n: torch.eye(n), "for n=4 the mask is wrong in row 1"),
        (lambda n: torch.ones(n), "a tensor [4, 4] was expected, not (4,)"),
        (lambda n: np.tri(n), "a tensor [4, 4] was expected"),
        (lambda n: None, "expected, not NoneType"),
    ],
    "L2.6 masked loss": [
        (lambda s, t, m: None, "returns None. Does it say `return`?"),
        (lambda s, t, m: cross_entropy(s, t), "that is the mean over all places"),
        (lambda s, t, m: cross_entropy(s[~m], t[~m]), "that are *not* chosen"),
        (lambda s, t, m: cross_entropy(s[m], t[m], reduction="sum"), "not their mean"),
        (lambda s, t, m: (cross_entropy(s, t, reduction="none") * m).mean(), "not by T"),
        (lambda s, t, m: -cross_entropy(s[m], t[m]), "minus the logarithm"),
        (lambda s, t, m: cross_entropy(s[m], t[m]) / log(2), "that is in bits"),
        (lambda s, t, m: cross_entropy(s * m[:, None], t), "scores of 0 are not free"),
        (lambda s, t, m: cross_entropy(s[m], t[m], reduction="none"), "one number was expected"),
        (lambda s, t, m: -s[m].softmax(0).log()[range(4), t[m]].mean(), "does the softmax run"),
        (lambda s, t, m: -s[m][range(4), t[m]].mean(), "over what does the softmax run"),
        (lambda s, t, m: cross_entropy(s[m], t), "your answer raises ValueError"),
    ],
    "L3.1 longest piece": [
        (lambda w, s, v: None, "Does a piece inside the word begin with ##?"),
        (lambda w, s, v: w[s:] if w[s:] in v else None, "Does a piece inside the word begin"),
        (lambda w, s, v: w[s], "where no piece fits, None is expected"),
        (lambda w, s, v: v[s], "your answer raises TypeError"),
        (plain_piece, "it carries ##"),
        (shortest_first, "There is a longer one"),
    ],
    "L3.2 mean pooling": [
        (lambda states, mask: None, "returns None"),
        (lambda states, mask: states.mean(1), "padding is in the mean"),
        (lambda states, mask: (states * mask[..., None]).mean(1), "divided by all places"),
        (lambda states, mask: states[:, :4].mean(1), "the means are other ones"),
        (
            lambda states, mask: states.sum(1) / mask.sum(1, keepdim=True),
            "right for the text without padding",
        ),
        (lambda states, mask: states * mask, "your answer raises RuntimeError"),
        (lambda states, mask: states.mean(1, keepdim=True), "expected, not (3, 1, 8)"),
    ],
    "L3.3 same in company": [
        (lambda encode, short, long: None, "returns None"),
        (lambda encode, short, long: True, "depend on the longest text"),
        (lambda encode, short, long: False, "it says False of an encoder that is right"),
        (
            lambda encode, short, long: bool(
                (encode([short])[0] == encode([short, long])[1]).all()
            ),
            "Which row is the short text's?",
        ),
        (
            lambda encode, short, long: bool(
                (encode([short])[0] == encode([short, long])[0]).all()
            ),
            "differences of a millionth",
        ),
    ],
    "L3.4 ranks": [
        (lambda values: None, "returns None"),
        (lambda values: np.argsort(np.argsort(values)), "ranks begin at 1"),
        (lambda values: np.argsort(np.argsort(-np.array(values))) + 1, "1 is the smallest"),
        (lambda values: np.argsort(np.roll(values, 1)) + 1, "is that where each number goes"),
        (lambda values: [1] * len(values), "Where does each number stand"),
    ],
    "L3.5 runs of the model": [
        (lambda n, m, k: None, "returns None"),
        (lambda n, m, k: m + n + n * k, "two numbers were expected"),
        (lambda n, m, k: (n + n * k, m), "those ahead come first"),
        (lambda n, m, k: (n + m, n * k), "each text is encoded once"),
        (lambda n, m, k: (m, n * k), "a question has to be encoded"),
        (lambda n, m, k: (m, n + k), "each question has k texts of its own"),
        (lambda n, m, k: (m, n * m), "Count the encoded questions"),
    ],
    "L4.2 the loss of one row": [
        (lambda row, right: None, "returns None. Does it say `return`?"),
        (lambda row, right: row.log_softmax(0)[right], "minus the logarithm"),
        (lambda row, right: row.softmax(0)[right], "that is the probability itself"),
        (lambda row, right: -row.log_softmax(0).mean(), "that is the mean over the row"),
        (lambda row, right: -row.softmax(0)[right].log10(), "the logarithm to base 10"),
        (lambda row, right: -row.log_softmax(0), "one number was expected, not shape [4]"),
        (lambda row, right: -row[right], "the loss of position 3 of [2, 0.5, -1, 1.5] is 1.131"),
        (lambda row, right: -row.log_softmax(0)[0], "the loss of position 3"),
    ],
    "L4.6 the chance line": [
        (log(256), "the questions stand among the candidates, too"),
        (1 / 512, "that is the probability of the right answer"),
        (9, "that is in bits"),
        (2.7093, "the logarithm to base 10"),
        (-log(512), "how many candidates does a question have"),
        (512, "how many candidates does a question have"),
        ("ln 512", "a number was expected, not str"),
        (True, "a number was expected, not bool"),
    ],
    "L4.1 right answer first": [
        (lambda s: None, "returns None. Does it say `return`?"),
        (lambda s: (s.argmax(1) == np.arange(len(s))).astype(float), "a tie is no win"),
        (lambda s: ranks(s[:, : len(s)]) == 1, "look at all columns"),
        (lambda s: (ranks(s) == 1).mean(), "type ndarray was expected, not float64"),
        (lambda s: [float(rank == 1) for rank in ranks(s)], "type ndarray was expected, not list"),
        (lambda s: ranks(s), "those are ranks"),
        (lambda s: (ranks(s) == 1)[:, None], "shape [5] was expected, not shape [5, 1]"),
        (lambda s: ranks(s) != 1, "which candidates have a score as high"),
    ],
    "L4.4 training step": [
        (lambda heads, optimizer, q, a: None, "returns None. Does it say `return`?"),
        (partial(a_step, scale=1), "the scale is missing"),
        (partial(a_step, scores=lambda scores: scores.T), "each answer picks a question"),
        (partial(a_step, places=lambda scores: torch.zeros(len(scores)).long()), "in column i"),
        (partial(a_step, scores=lambda scores: scores.abs()), "the loss is another one"),
        (partial(a_step, returns=lambda loss: loss), "a float was expected, not Tensor"),
        (partial(a_step, order=("backward", "step")), "the gradient of the first is still there"),
        (partial(a_step, order=("zero_grad", "backward")), "the weights do not move"),
        (partial(a_step, order=("zero_grad", "step")), "the weights do not move"),
        (partial(a_step, order=("backward", "zero_grad", "step")), "the weights do not move"),
        (partial(a_step, order=("zero_grad", "upward", "step")), "not the one against its grad"),
    ],
    "L4.5 echo term": [
        (lambda heads, q, a, scale: None, "returns None. Does it say `return`?"),
        (
            lambda heads, q, a, scale: (
                scale * heads.questions(q) @ torch.cat([heads.answers(a), heads.questions(q)]).T
            ),
            "the question head reads both",
        ),
        (
            lambda heads, q, a, scale: (
                scale * heads.questions(q) @ heads.answers(torch.cat([q, a])).T
            ),
            "the columns of the answers come first",
        ),
        (
            lambda heads, q, a, scale: scale * heads.questions(q) @ heads.answers(a).T,
            "shape [6, 12] was expected, not shape [6, 6]",
        ),
        (lambda heads, q, a, scale: echoes(heads, q, a, 1), "the scale is missing"),
        (lambda heads, q, a, scale: echoes(heads, q, a, 20), "`scale` is an argument"),
        (lambda heads, q, a, scale: echoes(heads, a, q, scale), "Which head reads what?"),
        (
            lambda heads, q, a, scale: echoes(heads, q, a, scale).tolist(),
            "type Tensor was expected",
        ),
    ],
    "L4.3 mean reciprocal rank": [
        (lambda s: None, "returns None. Does it say `return`?"),
        (lambda s: 1 / ranks(s), "one number was expected, not shape [6]"),
        (lambda s: (ranks(s) == 1).mean(), "that is the share of first places"),
        (lambda s: ranks(s).mean(), "that is the mean rank"),
        (lambda s: 1 / ranks(s).mean(), "that is 1 / mean rank"),
        (lambda s: (1 / (1 + ranks(s))).mean(), "begin at 2"),
        (lambda s: (1 / (1 + (s > np.diag(s)[:, None]).sum(1))).mean(), "with the same score"),
        (lambda s: (1 / ranks(s[:, : len(s)])).mean(), "look at all columns"),
        (lambda s: (1 / ranks(s[:, : len(s)].T)).mean(), "the ranks are other ones"),
    ],
    **deeper.WRONG,
    **lesson5.WRONG,
}

# Other ways to the right answer than the lesson's own.
RIGHT = {
    "L2.1 cosine": [
        lambda a, b: sum(a * b) / (sum(a**2) * sum(b**2)) ** 0.5,
        lambda a, b: np.float32(a @ b / np.sqrt(a @ a) / np.sqrt(b @ b)),
    ],
    "L2.2 analogy": [lambda a, b, c: c + (b - a)],
    "L2.3 chance line": [6 * np.log(2), 4.16],
    "L2.4 attention weights": [
        lambda q, k: (q @ k.T / q.shape[-1] ** 0.5).softmax(-1),
        lambda q, k: (
            torch.einsum("nd,md->nm", q, k).div(4).exp() / (q @ k.T / 4).exp().sum(1, True)
        ),
    ],
    "L2.5 causal mask": [
        lambda n: torch.arange(n)[:, None] >= torch.arange(n),
        lambda n: torch.tensor([[int(j <= i) for j in range(n)] for i in range(n)]),
    ],
    "L2.6 masked loss": [
        lambda s, t, m: -s.log_softmax(-1)[m].gather(1, t[m][:, None]).mean(),
        lambda s, t, m: cross_entropy(s, t.masked_fill(~m, -100)).item(),
        lambda s, t, m: (cross_entropy(s, t, reduction="none") * m).sum() / m.sum(),
    ],
    "L3.1 longest piece": [lesson3.longest_piece, longest_first],
    "L3.2 mean pooling": [
        lesson3.mean_pool,
        lambda states, mask: torch.stack(
            [row[own.bool()].mean(0) for row, own in zip(states, mask, strict=True)]
        ),
    ],
    "L3.3 same in company": [
        lesson3.same_in_company,
        lambda encode, short, long: torch.allclose(
            encode([short])[0], encode([long, short])[1], atol=1e-4
        ),
    ],
    "L3.4 ranks": [lesson3.ranks, lambda values: np.argsort(np.argsort(values)) + 1],
    "L3.5 runs of the model": [lesson3.runs, lambda n, m, k: [m, n * (k + 1)]],
    "L4.2 the loss of one row": [
        lambda row, right: -row.log_softmax(0)[right],
        lesson4.row_loss,
    ],
    "L4.6 the chance line": [np.log(512), 6.238],
    "L4.1 right answer first": [
        lesson4.right_first,
        lambda s: ranks(s) == 1,
        lambda s: np.array(
            [
                float((row > row[i]).sum() == 0 and (row == row[i]).sum() == 1)
                for i, row in enumerate(s)
            ]
        ),
    ],
    "L4.4 training step": [
        lesson4.contrastive_step,
        a_step,
        partial(a_step, order=("backward", "step", "zero_grad")),
    ],
    "L4.5 echo term": [lesson4.echo_scores, echoes],
    "L4.3 mean reciprocal rank": [
        lesson4.mean_reciprocal_rank,
        lambda s: sum(1 / sum(each >= row[i] for each in row) for i, row in enumerate(s)) / len(s),
    ],
    **deeper.RIGHT,
    **lesson5.RIGHT,
}


@pytest.mark.parametrize("name", exercises.names())
def test_every_exercise_has_stored_wrong_answers(name):
    reasons = {reason for _, reason in WRONG.get(name, [])}
    assert len(reasons) >= 2, f"add plausible wrong answers to {name!r} to WRONG"


@pytest.mark.parametrize(
    "name, answer, reason", [(name, *case) for name, cases in WRONG.items() for case in cases]
)
def test_a_wrong_answer_is_told_why(name, answer, reason, capsys):
    exercises.check(name, answer)
    said = capsys.readouterr().out
    assert said.startswith(f"✘ Exercise {name}: ") and said.count("\n") == 1
    assert reason in said


@pytest.mark.parametrize(
    "name, answer", [(name, answer) for name, answers in RIGHT.items() for answer in answers]
)
def test_another_right_answer_is_right(name, answer):
    assert exercises.problem(name, answer) is None


# ------------------------------------------------------------------------------------ the check


@pytest.fixture
def even(monkeypatch):
    """An exercise of its own: an even number, or a function that returns one."""
    monkeypatch.setattr(registry, "_PROBLEMS", {})

    @exercises.exercise("L9.1 even")
    def problem(answer):
        number = answer() if callable(answer) else answer
        return "it is odd." if number % 2 else None

    return problem


def fails(error: Exception):
    raise error


@pytest.mark.parametrize(
    "answer, line",
    [
        (2, "✔ Exercise L9.1 even: right."),
        (lambda: 4, "✔ Exercise L9.1 even: right."),
        (3, "✘ Exercise L9.1 even: it is odd."),
        ("a", "✘ Exercise L9.1 even: your answer raises TypeError: not all arguments converted"),
        (lambda: 1 / 0, "✘ Exercise L9.1 even: your answer raises ZeroDivisionError: division by"),
        (None, "○ Exercise L9.1 even is still open."),
        (..., "○ Exercise L9.1 even is still open."),
        (lambda: fails(NotImplementedError()), "○ Exercise L9.1 even is still open."),
    ],
)
def test_check_prints_one_line(even, capsys, answer, line):
    exercises.check("L9.1 even", answer)
    assert capsys.readouterr().out.startswith(line)


def test_the_answer_comes_back_where_it_is_right_and_else_the_solution(monkeypatch):
    monkeypatch.setattr(registry, "_PROBLEMS", {})
    monkeypatch.setattr(registry, "_SOLUTIONS", {})
    exercises.exercise("L9.1 one", solution=1)(lambda answer: None if answer == 1 else "no.")
    assert exercises.check("L9.1 one") == exercises.check("L9.1 one", 2) == 1
    mine = 1.0
    assert exercises.check("L9.1 one", mine) is mine


def test_an_unknown_exercise_is_an_error_even_without_an_answer(even):
    for answer in (None, ..., 2):
        with pytest.raises(BadInput, match=r"no exercise 'L9.2'\. There are: L9.1 even\."):
            exercises.check("L9.2", answer)


def test_two_exercises_of_one_name_are_refused(even):
    with pytest.raises(BadInput, match="two exercises named 'L9.1 even'"):
        exercises.exercise("L9.1 even")(lambda answer: None)
    assert exercises.names() == ["L9.1 even"]
    assert even(2) is None  # the decorator hands the function back
