"""`make retrieval`: how large chunks should be, and how many of an entry; writes what L5 shows.

    python -m tools.chunk_run

Chunk size x overlap x how many chunks of an entry are stored: the first, the first two, or all. An
entry scores what the best of its chunks scores. Measured with the single encoder on the tune split
of the question set, over all acceptable entries of all questions, filled up at random. About a
quarter of an hour on two cores, nearly all of it for the settings that store all chunks.
"""

import argparse
import datetime
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from course_utils import data, dual_encoder, evaluate, models
from course_utils.data import Entry, Question
from course_utils.embed import tokenized_in_parts
from course_utils.errors import BadInput
from course_utils.retrieval import chunks, evaluation
from course_utils.retrieval.chunks import Chunk
from tools import records

PATH = data.RUNS / "chunks.json"
PACKAGES = ("torch", "transformers", "numpy", "scipy", "scikit-learn", "matplotlib")
SIZES = (64, 128, 256)
PER_ENTRY = {"first": 1, "first two": 2, "all": None}
BASELINE = (128, 16, "first")  # what `retrieval.Index` holds
MEASURES = ("MRR", "recall@5")


def overlaps(size: int) -> list[int]:
    """None, the course's 16 tokens, and a quarter of a chunk; of 64 tokens that is 16, too."""
    return sorted({0, chunks.OVERLAP, size // 4})


def subset(
    entries: Sequence[Entry], questions: Sequence[Question], documents: int, seed: int = 0
) -> list[Entry]:
    """All entries that answer one of the questions, filled up at random, in their old order.

    Raises BadInput where there are more such entries than `documents`.
    """
    wanted = {name for question in questions for name in question.answers}
    right = [row for row, entry in enumerate(entries) if entry.name in wanted]
    if len(right) > documents:
        raise BadInput(
            f"{len(right)} entries answer a question: documents={documents} leaves no room for "
            "them. Take more documents, or fewer questions."
        )
    others = np.setdiff1d(np.arange(len(entries)), right)
    count = min(documents - len(right), len(others))
    more = np.random.default_rng(seed).choice(others, count, replace=False)
    return [entries[row] for row in sorted([*right, *more.tolist()])]


class Vectors:
    """The single encoder's vectors, each distinct passage embedded once.

    Settings share many passages: a section that is shorter than the chunk is the same in all. They
    are kept in memory and not on disk, where those of all settings would take 200 MB.
    """

    def __init__(self):
        self.rows: dict[str, int] = {}
        self.table = np.empty((0, dual_encoder.Heads().dimension), dtype=np.float32)

    def of(self, passages: Sequence[str]) -> np.ndarray:
        """float32 `[n, 384]`, of length 1."""
        new = [passage for passage in dict.fromkeys(passages) if passage not in self.rows]
        if new:
            longest = max(SIZES)
            found = dual_encoder.embed_answers(new, max_tokens=longest, use_cache=False)
            self.rows.update({passage: len(self.rows) + n for n, passage in enumerate(new)})
            self.table = np.concatenate([self.table, found])
        return self.table[[self.rows[passage] for passage in passages]]


def entry_scores(asked: np.ndarray, passages: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """What each entry scores: the best of its chunks. `[q, d]`, `[n, d]` to `[q, entries]`.

    `counts` says how many rows of `passages` belong to each entry, one entry after the other.
    """
    starts = np.cumsum([0, *counts[:-1]])
    return np.maximum.reduceat(asked @ passages.T, starts, axis=1)


def settings(entries: Sequence[Entry]) -> Iterator[tuple[tuple[int, int, str], list[Chunk]]]:
    """Each setting (size, overlap, which chunks) and what it stores; a first chunk overlaps none.

    Chunks are numbered within their entry: the first so many of all are what `per_entry` keeps.
    """
    for size in SIZES:
        for overlap in overlaps(size):
            every = chunks.split_all(entries, size, overlap)
            for kind, per_entry in PER_ENTRY.items():
                if kind != "first" or overlap == chunks.OVERLAP:
                    limit = per_entry or len(every)
                    yield (
                        (size, overlap, kind),
                        [chunk for chunk in every if int(chunk.key.rpartition("#")[2]) < limit],
                    )


def measured(
    entries: Sequence[Entry], questions: Sequence[Question]
) -> dict[tuple[int, int, str], dict]:
    """For each setting the chunks and tokens that it stores, and its measures `[q]`."""
    right = evaluation.acceptable(questions, [entry.name for entry in entries])
    asked = dual_encoder.embed_questions([each.question for each in questions], progress=False)
    tokenizer, _ = models.load()
    vectors, found = Vectors(), {}
    for (size, overlap, kind), stored in settings(entries):
        passages = [chunk.passage for chunk in stored]
        scores = entry_scores(asked, vectors.of(passages), _counts(entries, stored))
        values = evaluation.measured(scores, right)
        found[size, overlap, kind] = {
            "vectors": len(stored),
            "tokens": sum(map(len, tokenized_in_parts(tokenizer, passages))),
            **{measure: values[measure] for measure in MEASURES},
        }
        print(
            f"{size:3} tokens, overlap {overlap:2}, {kind:9}  {len(stored):6} vectors, "
            f"MRR {values['MRR'].mean():.3f}",
            flush=True,
        )
    return found


def _counts(entries: Sequence[Entry], stored: Sequence[Chunk]) -> list[int]:
    """How many chunks each entry has; every entry has at least one."""
    counts = dict.fromkeys((entry.name for entry in entries), 0)
    for chunk in stored:
        counts[chunk.name] += 1
    return list(counts.values())


def told(found: dict[tuple[int, int, str], dict]) -> list[dict]:
    """Each setting with its intervals, and how far it is ahead of `BASELINE`, paired."""
    baseline = found[BASELINE]
    return [
        {
            "size": size,
            "overlap": overlap,
            "chunks": kind,
            "vectors": values["vectors"],
            "tokens": values["tokens"],
            **{measure: evaluate.summary(values[measure]) for measure in MEASURES},
            "ahead": {
                measure: asdict(evaluate.paired_difference(values[measure], baseline[measure]))
                for measure in MEASURES
            },
        }
        for (size, overlap, kind), values in found.items()
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--documents", type=int, default=2000, help="entries to search (2000)")
    parser.add_argument("--questions", type=int, help="only the first so many, to try this script")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=PATH)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    answered = [each for each in data.questions() if each.answers]
    tune = [each for each in answered if each.split == "tune"][: options.questions]
    judged = answered if options.questions is None else tune
    entries = subset(data.documentation(), judged, options.documents)
    size, overlap, kind = BASELINE
    record = {
        "command": f"python -m tools.chunk_run --documents {options.documents}",
        "date": datetime.date.today().isoformat(),
        "versions": records.versions(PACKAGES),
        "encoder": models.identity(),
        "entries": len(entries),
        "questions": len(tune),
        "baseline": {"size": size, "overlap": overlap, "chunks": kind},
        "settings": told(measured(entries, tune)),
    }
    records.write(record, options.out)
    print(f"Written: {options.out.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
