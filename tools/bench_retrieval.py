"""`make bench`, L5: milliseconds a question and MRR, beside BM25 and sentence-transformers.

Every system answers the same questions of the tune split, one at a time, in one process; the
systems take turns question by question, so that a busy moment of the machine meets all of them.
The peer is sentence-transformers' encoder with `util.semantic_search` over the same passages.
Only ratios mean something on another machine.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from course_utils import data, models
from course_utils.retrieval import evaluation, pipeline
from course_utils.retrieval.index import Index, documentation_index
from course_utils.retrieval.pipeline import BEST, BM25, CROSS, HYBRID, LATE, PIPELINE, SINGLE

PEER = "sentence-transformers"
QUESTIONS, DEPTH = 40, 20
WITHOUT, WITH = 60, 500  # milliseconds: the aims without and with reranking

Ranker = Callable[[str], np.ndarray]


def peer(index: Index) -> Ranker:
    """The plain pipeline of sentence-transformers: scores `[n]` of all entries for a question."""
    from sentence_transformers import util

    encoder = models.sentence_transformer()
    passages = [chunk.passage for chunk in index.chunks]
    vectors = encoder.encode(passages, convert_to_tensor=True, show_progress_bar=False)

    def scores(question: str) -> np.ndarray:
        asked = encoder.encode(question, convert_to_tensor=True, show_progress_bar=False)
        (hits,) = util.semantic_search(asked, vectors, top_k=len(passages))
        found = np.empty(len(passages))
        for hit in hits:
            found[hit["corpus_id"]] = hit["score"]
        return found

    return scores


def ours(index: Index, system: str) -> Ranker:
    settings = replace(BEST, depth=DEPTH)
    return lambda question: pipeline.scores(index, question, system, settings)


def main() -> None:
    """Print one line a system: median and 95th percentile of milliseconds, MRR, the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)

    index = documentation_index()
    asked = [each for each in data.questions() if each.split == "tune" and each.answers]
    asked = asked[:: max(1, len(asked) // options.questions)][: options.questions]
    right = evaluation.acceptable(asked, index.names)
    names = (BM25, SINGLE, HYBRID, PIPELINE, LATE, CROSS)
    rankers = {PEER: peer(index), **{name: ours(index, name) for name in names}}
    seconds: dict[str, list[float]] = {name: [] for name in rankers}
    scores: dict[str, list[np.ndarray]] = {name: [] for name in rankers}
    for ranker in rankers.values():
        ranker(asked[0].question)  # loads what has to be loaded
    for each in asked:
        for name, ranker in rankers.items():
            began = time.perf_counter()
            scores[name].append(ranker(each.question))
            seconds[name].append(time.perf_counter() - began)

    middle = {name: 1000 * float(np.median(each)) for name, each in seconds.items()}
    print(f"{len(asked)} questions, {len(index):,} entries, {torch.get_num_threads()} threads")
    for name in rankers:
        late = 1000 * float(np.percentile(seconds[name], 95))
        mrr = evaluation.measured(scores[name], right)["MRR"].mean()
        print(
            f"{name:22s} p50 {middle[name]:6.1f} ms   p95 {late:6.1f} ms   "
            f"{middle[name] / middle[PEER]:5.2f} of the peer's time   MRR {mrr:.3f}"
        )
    for what, name, aim in (("without", PIPELINE, WITHOUT), ("with", CROSS, WITH)):
        kept = "kept" if middle[name] <= aim else "MISSED"
        print(f"{what} reranking: aim {aim} ms, {middle[name]:.0f} ms: {kept}")


if __name__ == "__main__":
    main()
