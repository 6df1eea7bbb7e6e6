"""`make bench`, L5: milliseconds a question and quality of each system, beside two peers.

The peers are sentence-transformers (the same weights, `util.semantic_search` over the same
passages) and bm25s with its own tokenizer over whole entries. All answer the tune questions one at
a time, in one process: in every round the systems take turns question by question, each time in
another order. Only the ratios mean something on another machine.
"""

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch

from course_utils import data, evaluate, models
from course_utils.retrieval import SYSTEMS, index, search

SENTENCES, WORDS = "sentence-transformers", "bm25s, its own tokens"
ROUNDS, K = 3, 10
Search = Callable[[str], list[str]]  # a question to the names of K entries, best first


def sentence_transformers(about: index.Index) -> Search:
    """Its plain semantic search, over passages that it embeds itself."""
    from sentence_transformers import util

    encoder = models.sentence_transformer()
    passages = encoder.encode(about.passages, convert_to_tensor=True, show_progress_bar=False)

    def found(question: str) -> list[str]:
        asked = encoder.encode(question, convert_to_tensor=True, show_progress_bar=False)
        (hits,) = util.semantic_search(asked, passages, top_k=K)
        return [about.entries[hit["corpus_id"]].name for hit in hits]

    return found


def plain_bm25(about: index.Index) -> Search:
    """bm25s as its documentation shows it."""
    import bm25s

    counted = bm25s.BM25()
    texts = [f"{entry.name} {entry.text}" for entry in about.entries]
    counted.index(bm25s.tokenize(texts, show_progress=False), show_progress=False)

    def found(question: str) -> list[str]:
        asked = bm25s.tokenize(question, show_progress=False)
        rows, _ = counted.retrieve(asked, k=K, show_progress=False)
        return [about.entries[row].name for row in rows[0]]

    return found


def ours(about: index.Index, system: str) -> Search:
    """A system of L5, with all that it does to a question."""
    return lambda question: [each.name for each in search(question, K, system=system, index=about)]


def rank(names: Sequence[str], right: Sequence[str]) -> float:
    """The rank of the first right name, from 1; infinite where there is none."""
    return next((at for at, name in enumerate(names, start=1) if name in right), np.inf)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a line a system: the median of milliseconds, the ratio to a peer's, the quality."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, help="only the first so many")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)

    about = index.documentation_index()
    asked = [each for each in data.questions() if each.split == "tune" and each.answers]
    asked = asked[: options.questions]
    searches = {SENTENCES: sentence_transformers(about), WORDS: plain_bm25(about)}
    searches |= {system: ours(about, system) for system in SYSTEMS}
    names = list(searches)
    ranks = np.array(
        [[rank(searches[name](each.question), each.answers) for each in asked] for name in names]
    )  # [s, q]; and all is loaded now
    seconds = np.empty((options.rounds, len(asked), len(names)))
    for turn in range(options.rounds):
        for row, each in enumerate(asked):
            for at in np.roll(range(len(names)), turn + row):
                began = time.perf_counter()
                searches[names[at]](each.question)
                seconds[turn, row, at] = time.perf_counter() - began

    print(f"{len(asked)} questions, {len(about):,} entries, {torch.get_num_threads()} threads")
    middle = 1000 * np.median(seconds, axis=(0, 1))
    for at, name in enumerate(names):
        ratio = np.median(seconds[..., at] / seconds[..., 0])
        print(
            f"{name:22} {middle[at]:7.1f} ms   {ratio:5.2f} of {SENTENCES}'   "
            f"MRR@{K} {evaluate.reciprocal_rank(ranks[at]).mean():.3f}   "
            f"success@5 {evaluate.recall_at(5, ranks[at]).mean():.3f}"
        )


if __name__ == "__main__":
    main()
