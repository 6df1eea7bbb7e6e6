"""How well texts are ordered: the encoder's best for each question, and groups of hard negatives.

Every measure is a number a question, `[q]`, as in `ranking`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from course_utils.data import QaPair
from course_utils.dual_encoder import embed_answers, embed_questions
from course_utils.errors import BadInput
from tools.training.cross_encoder import late_interaction
from tools.training.cross_encoder.groups import Group

Scorer = Callable[[str, Sequence[str]], np.ndarray]  # a question and n texts to `[n]`


@dataclass(frozen=True)
class Candidates:
    """The texts that come first for each question by the encoder: what is left to rerank.

    `rows` int64 `[q, k]` says which texts they are, best first, and `right` int64 `[q]` which one
    is right, among them or not. `cosines` `[q, k]` are the encoder's.
    """

    questions: list[str]
    texts: list[str]
    right: np.ndarray
    rows: np.ndarray
    cosines: np.ndarray

    def scores(self, scorer: Scorer) -> np.ndarray:
        """What a scorer says of each question's candidates: float32 `[q, k]`."""
        return np.stack(
            [
                scorer(question, [self.texts[row] for row in rows])
                for question, rows in zip(self.questions, self.rows, strict=True)
            ]
        )

    def late_interaction(self) -> np.ndarray:
        """Those of late interaction, with each text's token vectors computed once: `[q, k]`."""
        asked = late_interaction.token_vectors(self.questions, late_interaction.QUESTION_TOKENS)
        texts = late_interaction.token_vectors(self.texts)
        return np.array(
            [
                [late_interaction.interaction(question, texts[row]) for row in rows]
                for question, rows in zip(asked, self.rows, strict=True)
            ]
        )

    def reciprocal_rank(self, scores: np.ndarray) -> np.ndarray:
        """1 / rank of the right text among the candidates, 0 where it is not one of them: `[q]`.

        Ties count against the system, as in `evaluate.ranks`.
        """
        if scores.shape != self.rows.shape or np.isnan(scores).any():
            raise BadInput(f"The scores must be {self.rows.shape}, without NaN: {scores.shape}.")
        right = self.rows == self.right[:, None]  # [q, k], at most one a row
        of_right = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
        return np.where(right.any(axis=1), 1 / (scores >= of_right).sum(axis=1), 0.0)


def candidates(
    pairs: Sequence[QaPair], first: int = 20, questions: int | None = None
) -> Candidates:
    """The `first` of all pairs' answers for each pair's question, by the encoder's cosine.

    `questions` takes so many of the pairs, at even distances, and looks among all answers still.
    """
    count = len(pairs) if questions is None else questions
    if not 1 <= first <= len(pairs) or not 1 <= count <= len(pairs):
        raise BadInput(f"There are {len(pairs)} pairs: not {count} questions, {first} texts each.")
    right = np.arange(count) * len(pairs) // count
    asked, texts = [pairs[row].question for row in right], [pair.answer for pair in pairs]
    cosines = embed_questions(asked) @ embed_answers(texts).T
    rows = np.argsort(-cosines, axis=1, kind="stable")[:, :first]
    return Candidates(asked, texts, right, rows, np.take_along_axis(cosines, rows, axis=1))


def standardised(scores: np.ndarray) -> np.ndarray:
    """Each question's scores with mean 0 and deviation 1, so that two systems' can be added.

    `[q, k]` to the same; where all are equal, 0.
    """
    centred = scores - scores.mean(axis=1, keepdims=True)
    return centred / np.maximum(centred.std(axis=1, keepdims=True), 1e-9)


def right_ranks(groups: Sequence[Group], scorer: Scorer) -> np.ndarray:
    """The rank of the right text of each group, from 1, ties against it: int64 `[g]`."""
    return np.array([right_rank(scorer(group.question, group.texts)) for group in groups])


def right_rank(scores: np.ndarray) -> int:
    """The rank of the first of some texts, from 1, ties against it, by their scores `[n]`."""
    return int((scores >= scores[0]).sum())
