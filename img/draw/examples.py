"""What the pictures of L4 and L5 show: held-out documentation, and a question asked of it."""

import functools
import hashlib

import numpy as np
import torch

from course_utils import data, dual_encoder
from course_utils.data import QaPair
from course_utils.dual_encoder import Heads, storage

BATCH_OF = "torch.nn."  # pairs of one subject: harder than pairs drawn from everywhere
QUESTION = "How do I check whether two arrays are almost equal?"
SHOWN = 12  # of the 384 numbers of a vector


@functools.cache
def held_out() -> list[QaPair]:
    """The documentation pairs that the shipped heads were not trained on, in their order."""
    return data.split_pairs(data.qa_pairs()).held_out


def documentation() -> str:
    """Which documentation this is: other versions of its packages have other pairs."""
    texts = "\0".join(f"{pair.name}\0{pair.question}\0{pair.answer}" for pair in held_out())
    return hashlib.sha256(texts.encode()).hexdigest()[:16]


def batch(size: int) -> list[QaPair]:
    """The first held-out pairs that stand directly in torch.nn."""
    inside = [pair for pair in held_out() if pair.name.startswith(BATCH_OF)]
    return [pair for pair in inside if pair.name.count(".") == BATCH_OF.count(".")][:size]


def scores(heads: Heads, pairs: list[QaPair]) -> torch.Tensor:
    """Each question with each answer, cosines `[n, n]`."""
    questions = heads.encode_questions([pair.question for pair in pairs], precision="float32")
    answers = heads.encode_answers([pair.answer for pair in pairs], precision="float32")
    return torch.from_numpy(questions @ answers.T)


def scale() -> float:
    """What the shipped heads were trained with."""
    return dual_encoder.about(storage.SHIPPED)["about"]["settings"]["scale"]


@functools.cache
def search_vectors() -> tuple[np.ndarray, np.ndarray]:
    """The question `[384]` and the answers of all held-out pairs `[n, 384]`, as unit vectors."""
    heads = dual_encoder.shipped()
    answers = [pair.answer for pair in held_out()]
    options = {"precision": "float32", "progress": False}
    return heads.encode_questions(QUESTION), heads.encode_answers(answers, **options)


def search(k: int) -> dict:
    """The names and scores of the k best, and the first numbers of the question's vector."""
    question, answers = search_vectors()
    found = answers @ question
    best = np.argsort(-found, kind="stable")[:k]
    return {
        "documentation": documentation(),
        "names": [held_out()[row].name for row in best],
        "scores": found[best].tolist(),
        "question": question[:SHOWN].tolist(),
    }
