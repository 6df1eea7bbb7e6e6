"""`make bench`, L4: how soon two heads beat BM25, and fine-tuning by sentence-transformers.

All in one process and on the same held-out pairs. Heads are trained twice, from an empty cache of
vectors and from a full one. Then sentence-transformers fine-tunes the whole encoder on the same
training pairs with MultipleNegativesRankingLoss, for as long as the heads took from the empty
cache. Measuring does not count as training time.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from course_utils import bm25, dual_encoder, embed, models, ranking
from course_utils.data import retrieval_pairs
from course_utils.data.retrieval_pairs import QaPair
from course_utils.dual_encoder import Heads, Settings, adapters, pairs
from course_utils.dual_encoder.heads import ANSWER_TOKENS

PEER_BATCH, PEER_RATE = 32, 5e-5  # the learning rate of transformers' Trainer
ADAPTER_STEPS = 5
EVERY = 10  # steps of the heads between two looks at the held-out pairs


def mrr(scores: np.ndarray) -> float:
    """The mean reciprocal rank of the right answers, which stand on the diagonal."""
    return float(ranking.reciprocal_rank(ranking.ranks(scores)).mean())


def heads_run(
    train: list[QaPair], held_out: tuple[torch.Tensor, torch.Tensor], settings: Settings
) -> Iterator[tuple[float, int, float]]:
    """(seconds, pairs seen, held-out MRR) along a run; seconds include embedding `train`."""
    began = time.perf_counter()
    rows = pairs.rows(train)
    embedding = time.perf_counter() - began
    heads = Heads()
    yield embedding, 0, mrr(dual_encoder.score_matrix(heads, *held_out))
    for step in dual_encoder.steps(heads, rows[0], rows[1], settings, rows[2]):
        if step.number % EVERY == 0 or step.number == settings.steps:
            found = mrr(dual_encoder.score_matrix(heads, *held_out))
            yield embedding + step.seconds, step.pairs, found


def peer_run(train: list[QaPair], held_out: list[QaPair], limit: float) -> tuple[float, int, float]:
    """Fine-tune with sentence-transformers for `limit` seconds: (seconds, pairs seen, MRR)."""
    from sentence_transformers import losses

    peer = models.sentence_transformer()
    peer.max_seq_length = ANSWER_TOKENS
    loss_of = losses.MultipleNegativesRankingLoss(peer)
    optimizer = torch.optim.AdamW(peer.parameters(), lr=PEER_RATE)
    seconds, seen = 0.0, 0
    peer.train()
    for chosen in dual_encoder.batches(len(train), Settings(batch=PEER_BATCH)):
        began = time.perf_counter()
        texts = zip(*((train[row].question, train[row].answer) for row in chosen), strict=True)
        features = [peer.tokenize(list(side)) for side in texts]
        with torch.autocast("cpu", torch.bfloat16, enabled=embed.has_bfloat16()):
            loss = loss_of(features, torch.empty(0))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seconds, seen = seconds + time.perf_counter() - began, seen + len(chosen)
        if seconds >= limit:
            break
    peer.eval()
    questions, answers = (
        peer.encode(list(side), normalize_embeddings=True, show_progress_bar=False)
        for side in zip(*((pair.question, pair.answer) for pair in held_out), strict=True)
    )
    return seconds, seen, mrr(questions @ answers.T)


def adapter_speed(train: list[QaPair]) -> float:
    """Pairs per second of low-rank adapters, the first step left out."""
    settings = Settings(steps=ADAPTER_STEPS + 1, batch=min(PEER_BATCH, len(train)))
    rows = adapters.rows(train, adapters.TRAINING_TOKENS)
    first, *_, last = dual_encoder.train(adapters.Adapters(), *rows, settings)
    return (last.pairs - first.pairs) / (last.seconds - first.seconds)


def report(name: str, points: list[tuple[float, int, float]], baseline: float) -> str:
    """One line about a run of heads."""
    above = next((seconds for seconds, _, found in points if found > baseline), None)
    beaten = f"above BM25 after {above:.1f} s" if above is not None else "never above BM25"
    (embedding, _, start), (seconds, seen, end) = points[0], points[-1]
    return (
        f"heads, {name} cache: embedding {embedding:.1f} s, {beaten}, MRR {start:.3f} at first "
        f"and {end:.3f} after {seconds:.1f} s, {seen / max(seconds - embedding, 1e-9):.0f} pairs/s"
    )


def in_an_empty_cache(work: Callable[[], None]) -> None:
    """Run with a cache folder of its own, which is gone afterwards."""
    before = os.environ.get("COURSE_CACHE")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["COURSE_CACHE"] = folder
        try:
            work()
        finally:
            if before is None:
                del os.environ["COURSE_CACHE"]
            else:
                os.environ["COURSE_CACHE"] = before


def main() -> None:
    """Run all of it and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, help="to train on; all if not given")
    parser.add_argument("--held-out", type=int, help="to measure with; all if not given")
    parser.add_argument("--steps", type=int, default=Settings().steps, help="of the heads")
    options = parser.parse_args()
    split = retrieval_pairs.split_pairs(retrieval_pairs.qa_pairs())
    in_an_empty_cache(
        lambda: compare(
            split.train[: options.pairs],
            split.held_out[: options.held_out],
            Settings(steps=options.steps),
        )
    )


def compare(train: list[QaPair], held_out: list[QaPair], settings: Settings) -> None:
    """Every system in turn, on the same pairs."""
    index = bm25.BM25([pair.answer for pair in held_out])
    baseline = mrr(index.scores([pair.question for pair in held_out]))
    print(f"{len(train)} training and {len(held_out)} held-out pairs, BM25 MRR {baseline:.3f}")
    models.load()  # is not what is measured
    unseen = pairs.rows(held_out)[:2]
    for name in ("cold", "warm"):
        points = list(heads_run(train, unseen, settings))
        print(report(name, points, baseline), flush=True)
        if name == "cold":
            limit = points[-1][0]
    seconds, seen, found = peer_run(train, held_out, limit)
    print(
        f"sentence-transformers, the whole encoder: MRR {found:.3f} after {seconds:.1f} s, "
        f"{seen / seconds:.1f} pairs/s",
        flush=True,
    )
    print(f"adapters: {adapter_speed(train):.1f} pairs/s")


if __name__ == "__main__":
    main()
