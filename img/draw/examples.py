"""What the pictures of L4 and L5 show: facts and documentation that nothing was trained on."""

import functools
import hashlib

import numpy as np
import pandas as pd
import torch

from course_utils import data, dual_encoder
from course_utils.data import QaPair
from course_utils.dual_encoder import Heads

DOCUMENTS_OF = "torch.nn."
QUESTION = "How do I check whether two arrays are almost equal?"
SHOWN = 12  # of the 384 numbers of a vector


def facts(count: int) -> pd.DataFrame:
    """The first facts that were held out, in known wordings: not chosen for what comes out."""
    table = data.fact_questions()
    return table[(table.side == "held out") & (table.wording == "known")].head(count)


def scores(heads: Heads, facts: pd.DataFrame) -> torch.Tensor:
    """Each question with each answer and then with each question: cosines `[n, 2n]`."""
    candidates = [*facts.answer, *facts.question]
    questions = heads.encode_questions(list(facts.question), precision="float32")
    return torch.from_numpy(questions @ heads.encode_answers(candidates, precision="float32").T)


@functools.cache
def held_out() -> list[QaPair]:
    """The documentation pairs that no heads were trained on, in their order."""
    return data.split_pairs(data.qa_pairs()).held_out


def documentation() -> str:
    """Which documentation this is: other versions of its packages have other pairs."""
    texts = "\0".join(f"{pair.name}\0{pair.question}\0{pair.answer}" for pair in held_out())
    return hashlib.sha256(texts.encode()).hexdigest()[:16]


def documents(count: int) -> list[QaPair]:
    """The first held-out pairs that stand directly in torch.nn."""
    inside = [pair for pair in held_out() if pair.name.startswith(DOCUMENTS_OF)]
    return [pair for pair in inside if pair.name.count(".") == DOCUMENTS_OF.count(".")][:count]


@functools.cache
def search_vectors() -> tuple[np.ndarray, np.ndarray]:
    """The question `[384]` and the answers of all held-out pairs `[n, 384]`, as unit vectors."""
    heads = dual_encoder.shipped("documentation")
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
