"""`make bench`, L4: every system on the same facts in one run; `--store` keeps it for the lesson.

What is asked are facts about entities that nothing is trained on, in wordings that are trained on
and in new ones. The candidates are the answers to all of them, or these and all questions. Whatever
trains a whole encoder does so for `--seconds`; heads have their steps, and their seconds hold the
embedding of all texts, nothing cached. What a rival leaves open was chosen on validation questions.
Seconds are the processor's, on one thread: so other programs take none of them.
"""

import argparse
import datetime
import functools
import json
import os
import platform
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib import metadata
from time import process_time

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.functional import cross_entropy, normalize
from transformers import BertConfig, BertModel

from course_utils import bm25, cache, data, dual_encoder, embed, evaluate, models
from course_utils.dual_encoder import Heads, Settings

PATH = data.RUNS / "l4_table.json"
PACKAGES = ("torch", "transformers", "sentence-transformers", "numpy", "bm25s")
PLAIN, PREFIXES = ("", ""), ("question: ", "answer: ")
STRENGTHS = (0.0, 0.5)  # best on validation, where more is worse; and half of it
PEER = {"batch": 128, "learning_rate": 4e-4}
PEER_ECHO = {"batch": 16, "learning_rate": 1e-5}
BEST = "two heads, echo"

Scores = Callable[[list[str], list[str]], np.ndarray]  # of questions and candidates, [q, c]
Run = tuple[str, Scores, float, int]  # name, scores, seconds of training, pairs seen


def vectors(texts, prefix: str = "", **options) -> torch.Tensor:
    """Of the frozen encoder, float32 `[n, 384]`; questions and answers are read alike."""
    texts = [prefix + text for text in texts]
    return torch.from_numpy(dual_encoder.embed_answers(texts, progress=False, **options))


def of_heads(made: Heads, q: str = "", a: str = "") -> Scores:
    return lambda questions, candidates: dual_encoder.score_matrix(
        made, vectors(questions, q), vectors(candidates, a)
    )


def heads(train: pd.DataFrame, seeds: int) -> Iterator[Run]:
    """The six of the lesson: one head or two, with prefixes or without, so the echo term."""

    @functools.cache
    def read(column: str, prefix: str) -> tuple[torch.Tensor, float]:
        began = process_time()
        found = vectors(train[column], prefix, use_cache=False)
        return found, process_time() - began

    for name, shared, (q, a) in (
        ("one shared head", True, PLAIN),
        ("one shared head, prefixes", True, PREFIXES),
        ("two heads", False, PLAIN),
    ):
        for echo, seed in ((echo, seed) for echo in (0.0, 1.0) for seed in range(seeds)):
            made, settings = Heads(shared=shared), Settings(echo=echo, seed=seed)
            needed = [("question", q), ("answer", a), ("question", a)]
            questions, answers, again = (read(*each)[0] for each in needed)
            took = sum(read(*each)[1] for each in set(needed[: 3 if echo else 2]))
            options = {"questions_as_answers": again, "wordings": 2}
            began = process_time()
            losses = dual_encoder.train(made, questions, answers, settings, **options)
            took += process_time() - began
            seen = len(losses) * min(settings.batch, len(train) // 2)
            yield name + (", echo" if echo else ""), of_heads(made, q, a), took, seen


def whitened(train: pd.DataFrame) -> Iterator[Run]:
    """The directions of the training texts brought nearer to one length; no pair is used.

    Source: Huang et al. 2021, "WhiteningBERT", arXiv 2103.15316; there in full, strength 1. At
    strength 0, only their mean is taken off.
    """
    began = process_time()
    seen = vectors([*train.question, *train.answer], use_cache=False)
    variance, directions = torch.linalg.eigh(seen.double().T.cov())
    used = variance > 1e-9  # in a few directions nothing varies
    took = process_time() - began
    for strength in STRENGTHS:
        change = (directions * variance ** (-strength / 2))[:, used].float()  # [384, directions]

        def scores(questions: list[str], candidates: list[str], change=change) -> np.ndarray:
            both = (vectors(texts) - seen.mean(0) for texts in (questions, candidates))
            q, c = (normalize(moved @ change) for moved in both)
            return (q @ c.T).numpy()

        yield f"whitening, strength {strength:g}", scores, took, 0


def fine_tuned(train: pd.DataFrame, prefixes: bool, limit: float, settings: Settings) -> Run:
    """All weights of one encoder, by sentence-transformers' MultipleNegativesRankingLoss.

    With prefixes, the batch's questions, read as answers, are a column of further negatives.
    """
    from sentence_transformers.sentence_transformer import losses

    q, a = PREFIXES if prefixes else PLAIN
    columns = [q + train.question, a + train.answer, *([a + train.question] if prefixes else [])]
    peer = models.sentence_transformer()
    loss_of = losses.MultipleNegativesRankingLoss(peer)

    def loss(rows: np.ndarray) -> torch.Tensor:
        features = [peer.preprocess(list(column.iloc[rows])) for column in columns]
        with torch.autocast("cpu", torch.bfloat16, enabled=embed.has_bfloat16()):
            return loss_of(features, torch.empty(0))

    def scores(questions: list[str], candidates: list[str]) -> np.ndarray:
        read = functools.partial(peer.encode, normalize_embeddings=True, show_progress_bar=False)
        return read([q + each for each in questions]) @ read([a + each for each in candidates]).T

    name = "MNRL, one encoder" + (", prefixes, echo" if prefixes else "")
    return name, scores, *timed(peer, loss, len(train), limit, settings)


def from_scratch(train: pd.DataFrame, limit: float) -> Run:
    """Two towers of random weights, trained as in DeepLearning.AI's and Vectara's course.

    Three layers, 128 numbers made of [CLS], cross-entropy of dot products, Adam at 1e-5, batch 32.
    """
    tokenizer, _ = models.load()
    shape = {"hidden_size": 512, "num_hidden_layers": 3, "num_attention_heads": 8}
    torch.manual_seed(0)
    towers = nn.ModuleList(BertModel(BertConfig(intermediate_size=2048, **shape)) for _ in "qa")
    last = nn.ModuleList(nn.Linear(512, 128) for _ in "qa")

    def read(side: int, texts) -> torch.Tensor:
        batch = tokenizer(list(texts), padding=True, return_tensors="pt")
        return last[side](towers[side](**batch).last_hidden_state[:, 0])

    def loss(rows: np.ndarray) -> torch.Tensor:
        q, a = read(0, train.question.iloc[rows]), read(1, train.answer.iloc[rows])
        return cross_entropy(q @ a.T, torch.arange(len(rows)))

    @torch.inference_mode()
    def scores(questions: list[str], candidates: list[str]) -> np.ndarray:
        return (read(0, questions) @ read(1, candidates).T).numpy()

    settings, both = Settings(batch=32, learning_rate=1e-5), nn.ModuleList([towers, last])
    return "two towers from scratch", scores, *timed(both, loss, len(train), limit, settings, False)


def timed(model, loss_of, rows: int, limit: float, settings: Settings, falling: bool = True):
    """Train for `limit` seconds: the seconds, and the pairs seen. The rate falls to 0 meanwhile."""
    torch.manual_seed(settings.seed)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.0)
    model.train()
    began, took, seen = process_time(), 0.0, 0
    for chosen in dual_encoder.batches(rows // 2, settings, wordings=2):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * (1 - took / limit if falling else 1)
        loss = loss_of(chosen.numpy())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        took, seen = process_time() - began, seen + len(chosen)
        if took >= limit:
            break
    model.eval()
    return took, seen


def runs(facts: pd.DataFrame, limit: float, seeds: int, peer_seeds: int) -> Iterator[Run]:
    """Every system in turn, some of them with several seeds."""
    train = facts[facts.side == "train"]
    yield "BM25", lambda asked, candidates: bm25.BM25(candidates).scores(asked), 0.0, 0
    yield from_scratch(train, limit)
    yield "single encoder, untrained", of_heads(Heads()), 0.0, 0
    yield from whitened(train)
    for prefixes, chosen in ((False, PEER), (True, PEER_ECHO)):
        for seed in range(peer_seeds):
            yield fine_tuned(train, prefixes, limit, Settings(**chosen, seed=seed))
    yield from heads(train, seeds)


def measured(facts: pd.DataFrame, *options) -> tuple[list[dict], list[dict]]:
    """A row for each system, wording and kind of candidates; and what each system took.

    `right` has a digit a question: with how many seeds its answer came first. `ahead` is how much
    oftener it comes first with two heads and the echo term, paired: mean, low, high.
    """
    models.load()  # is not what is measured
    held_out = facts[facts.side == "held out"]
    ranks, costs = defaultdict(list), defaultdict(list)
    for system, scores, seconds, pairs in runs(facts, *options):
        print(f"{system}: {pairs:,} pairs in {seconds:.1f} s", flush=True)
        costs[system].append((seconds, pairs))
        for wording, asked in held_out.groupby("wording"):
            questions, answers = list(asked.question), list(asked.answer)
            for name, more in (("answers", []), ("answers and questions", questions)):
                found = evaluate.ranks(scores(questions, answers + more))
                ranks[system, wording, name].append(found)
    rows = []
    for (system, *of), found in ranks.items():
        found = np.stack(found)  # [seeds, q]
        right = found == 1
        ahead = (np.stack(ranks[BEST, *of]) == 1).mean(0) - right.mean(0)
        figures = {
            "first": right.mean(),
            "lowest seed": right.mean(1).min(),
            "highest seed": right.mean(1).max(),
            "success@10": (found <= 10).mean(),
            "MRR": (1 / found).mean(),
        }
        figures = {name: round(float(value), 4) for name, value in figures.items()}
        kept = {"ahead": evaluate.summary(ahead), "right": "".join(map(str, right.sum(0)))}
        rows.append({"system": system, "wording": of[0], "candidates": of[1], **figures, **kept})
    took = []
    for system, each in costs.items():
        seconds, pairs = np.mean(each, axis=0)
        took.append({"system": system, "seeds": len(each), "seconds": round(seconds, 2)})
        took[-1]["pairs a second"] = round(pairs / seconds) if pairs else 0
    return rows, took


def main() -> None:
    """Measure, print the tables, and keep them if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60, help="to train a whole encoder")
    parser.add_argument("--seeds", type=int, default=5, help="of heads, at most 9")
    parser.add_argument("--peer-seeds", type=int, default=3, help="of fine-tuning, at most 9")
    parser.add_argument("--store", action="store_true", help=f"write {PATH.name}")
    options = parser.parse_args()
    torch.set_num_threads(1)
    sizes = options.seconds, options.seeds, options.peer_seeds
    rows, took = measured(data.fact_questions(), *sizes)
    print(pd.DataFrame(rows).drop(columns="right").to_string(), pd.DataFrame(took), sep="\n\n")
    if options.store:
        bfloat16 = ", bfloat16 instructions" if embed.has_bfloat16() else ""
        record = {
            "command": " ".join(["python -m tools.bench_dual_encoder", *sys.argv[1:]]),
            "date": datetime.date.today().isoformat(),
            "machine": f"{os.cpu_count()} cores, {platform.machine()}{bfloat16}",
            "threads": 1,
            "versions": {name: metadata.version(name).partition("+")[0] for name in PACKAGES},
            "peer": [PEER, PEER_ECHO],
            "rows": rows,
            "costs": took,
        }
        cache.replace(PATH, (json.dumps(record, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
