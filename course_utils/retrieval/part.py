"""A part of the index that the command `ask` keeps: some packages, and what is known about them.

Making a part loads torch and takes a while; reading one needs numpy alone.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

import numpy as np

from course_utils.bm25 import tokens
from course_utils.data import Entry
from course_utils.retrieval import index
from course_utils.retrieval.packages import Documented

_ARRAYS = ("plain", "answers", "question_head", "starts", "rows", "times", "lengths")
MOST = 10  # sentences of a docstring that are kept, to choose one from


@dataclass(frozen=True, eq=False)
class Part:
    """The entries of some packages and what the first stage of the pipeline knows about them.

    The text of `documented` is cut to some sentences after the summary, one a line. `plain`,
    `answers` float32 `[n, 384]` and `question_head` are as in `index.Index`. The words of entry
    texts: word number w stands in the entries `rows[starts[w]:starts[w + 1]]`, as often as `times`
    says; `lengths` `[n]` are all words of an entry. `counts` are those of the `Vocabulary`.
    """

    documented: list[Documented]
    plain: np.ndarray
    answers: np.ndarray
    question_head: np.ndarray
    words: dict[str, int]
    starts: np.ndarray
    rows: np.ndarray
    times: np.ndarray
    lengths: np.ndarray
    counts: dict[str, int]


def made(documented: Sequence[Documented], progress: bool = True) -> Part:
    """The part of these entries; embeds them all, which loads torch."""
    from course_utils.rag.prose import sentences

    entries = [each.entry for each in documented]
    built = index.build(entries, progress=progress)
    numbers: dict[str, int] = {}
    found: list[tuple[int, int, int]] = []  # word, entry, times
    lengths = []
    for row, entry in enumerate(entries):
        stems = tokens(index.words(entry))
        lengths.append(len(stems))
        for stem, times in Counter(stems).items():
            found.append((numbers.setdefault(stem, len(numbers)), row, times))
    table = np.array(sorted(found), dtype=np.int32).reshape(-1, 3)
    starts = np.searchsorted(table[:, 0], np.arange(len(numbers) + 1)).astype(np.int32)
    short = [
        replace(
            each, entry=replace(each.entry, text="\n".join(sentences(each.entry.text, MOST)[1:]))
        )
        for each in documented
    ]
    return Part(
        short,
        built.plain,
        built.answers,
        built.question_head,
        numbers,
        starts,
        table[:, 1].copy(),
        table[:, 2].copy(),
        np.array(lengths, dtype=np.int32),
        built.vocabulary.counts,
    )


def packed(part: Part) -> bytes:
    """A part as bytes, in the format of safetensors: arrays, and JSON as an array of bytes."""
    from safetensors.numpy import save

    said = {
        "documented": [
            [*astuple(each.entry), each.signature, each.deprecated] for each in part.documented
        ],
        "words": list(part.words),
        "counts": part.counts,
    }
    text = json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass")
    arrays = {name: np.ascontiguousarray(getattr(part, name)) for name in _ARRAYS}
    return save({**arrays, "said": np.frombuffer(text, dtype=np.uint8)})


def unpacked(data: bytes) -> Part:
    """The part that `packed` made these bytes of."""
    from safetensors.numpy import load

    arrays = load(data)
    said = json.loads(arrays["said"].tobytes().decode("utf-8", "surrogatepass"))
    return Part(
        documented=[
            Documented(Entry(*row[:5]), signature=row[5], deprecated=row[6])
            for row in said["documented"]
        ],
        words={word: number for number, word in enumerate(said["words"])},
        counts=said["counts"],
        **{name: arrays[name] for name in _ARRAYS},
    )
