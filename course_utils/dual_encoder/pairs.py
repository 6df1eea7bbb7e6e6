"""Pairs of texts as `Heads` read them, and how heads do on pairs that they have not seen."""

from collections.abc import Sequence

import numpy as np
import torch

from course_utils import cards, ranking
from course_utils.data.retrieval_pairs import QaPair
from course_utils.dual_encoder.heads import Heads, embed_answers, embed_questions
from course_utils.dual_encoder.training import score_matrix
from course_utils.evaluate import bootstrap_interval


def rows(pairs: Sequence[QaPair]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What `training.steps` asks for: questions and answers float32 `[n, d]`, labels int64 `[n]`.

    Rows with the same answer have the same label.
    """
    answers = [pair.answer for pair in pairs]
    numbers = {answer: number for number, answer in enumerate(dict.fromkeys(answers))}
    return (
        torch.from_numpy(embed_questions([pair.question for pair in pairs])),
        torch.from_numpy(embed_answers(answers)),
        torch.tensor([numbers[answer] for answer in answers]),
    )


def figures(heads: Heads, questions: torch.Tensor, answers: torch.Tensor) -> dict[str, np.ndarray]:
    """MRR, recall@1 and the echo rate, as a number a question `[n]` each; see `ranking`.

    Each question is to find its own answer among all of them. The echo is the question itself, read
    as an answer.
    """
    scores = score_matrix(heads, questions, answers)
    found = ranking.ranks(scores)
    with torch.inference_mode():
        echo = (heads.questions(questions) * heads.answers(questions)).sum(1).numpy()
    return {
        "MRR": ranking.reciprocal_rank(found),
        "recall@1": ranking.recall_at(1, found),
        "echo rate": ranking.echoes(scores, echo),
    }


def mean_and_interval(values: np.ndarray) -> str:
    """The mean of one of the `figures`, and its 95 % interval, as text."""
    return cards.interval((values.mean(), *bootstrap_interval(values)))
