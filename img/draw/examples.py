"""What the pictures of L4 and L5 show: facts and documentation that nothing was trained on."""

import functools
import hashlib

import numpy as np
import pandas as pd
import torch

from course_utils import data, dual_encoder
from course_utils.data import Entry
from course_utils.dual_encoder import Heads
from course_utils.retrieval import chunks

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
def held_out() -> list[Entry]:
    """The entries of the documentation that no heads were trained on, in their order."""
    entries = {entry.name: entry for entry in data.documentation()}
    return [entries[pair.name] for pair in data.split_pairs(data.qa_pairs()).held_out]


def documentation() -> str:
    """Which documentation this is: other versions of its packages have other entries."""
    texts = "\0".join(f"{entry.name}\0{entry.text}" for entry in data.documentation())
    return hashlib.sha256(texts.encode()).hexdigest()[:16]


@functools.cache
def search_vectors() -> tuple[np.ndarray, np.ndarray]:
    """The question `[384]` and the first chunk of each held-out entry `[n, 384]`: unit vectors."""
    heads = dual_encoder.shipped("documentation")
    passages = [chunk.passage for chunk in chunks.first_chunks(held_out())]
    options = {"precision": "float32", "progress": False}
    return heads.encode_questions(QUESTION), heads.encode_answers(passages, **options)
