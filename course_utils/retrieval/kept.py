"""The index of the command `ask`, kept on disk: what a question needs, and no torch to read it.

It is made of parts, one for the course's packages and one for each package that was added. A part
is one sealed file (see `cache`): whole and unchanged, or made again. Word counts are kept, not
scores, because how much a word tells depends on all parts together.
"""

import importlib.metadata
import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from course_utils import cache, models
from course_utils.bm25 import tokens
from course_utils.data import documentation, gather
from course_utils.data.documentation import SOURCES
from course_utils.retrieval import packages
from course_utils.retrieval.packages import Documented
from course_utils.retrieval.part import Part, made, packed, unpacked
from course_utils.retrieval.spelling import Vocabulary

COURSE = "course"  # the name of the part that is always there
K1, B = 1.5, 0.75  # as in `bm25.BM25`
_KIND = "ask"
_ROOT = Path(models.__file__).parent
_HEADS = "weights/*heads/*.safetensors"
_CODE = """
    bm25.py data/documentation.py data/docstrings.py data/gather.py rag/prose.py
    retrieval/chunks.py retrieval/collect.py retrieval/index.py retrieval/packages.py
    retrieval/part.py retrieval/spelling.py
"""


class Words:
    """BM25 over several parts: the scores of `bm25.BM25` on all their entries, without bm25s.

    That library takes a second to import. Source: as there; the idf is that of Lucene.
    """

    def __init__(self, parts: Sequence[Part]):
        self.parts = parts
        self.size = sum(len(part.lengths) for part in parts)
        self.mean = sum(int(part.lengths.sum()) for part in parts) / self.size

    def scores(self, questions: Sequence[str]) -> np.ndarray:
        """What each entry gets for each question: float32 `[q, n]`; 0 where no word is shared."""
        found = np.zeros((len(questions), self.size), dtype=np.float32)
        for row, question in zip(found, questions, strict=True):
            for word in tokens(question):
                self._add(row, word)
        return found

    def _add(self, scores: np.ndarray, word: str) -> None:
        """Add what one word says to the scores `[n]`."""
        spans, at = [], 0
        for part in self.parts:
            number = part.words.get(word)
            if number is not None:
                spans.append((part, at, slice(part.starts[number], part.starts[number + 1])))
            at += len(part.lengths)
        entries = sum(int(span.stop - span.start) for _, _, span in spans)
        idf = math.log(1 + (self.size - entries + 0.5) / (entries + 0.5))
        for part, at, span in spans:
            rows, times = part.rows[span], part.times[span]
            marked_down = K1 * (1 - B + B * part.lengths[rows] / self.mean)
            scores[at + rows] += (idf * times / (marked_down + times)).astype(np.float32)


class Kept:
    """Several parts as one index, for `pipeline.scored` without a second stage."""

    def __init__(self, parts: Sequence[Part]):
        self.documented = [each for part in parts for each in part.documented]
        self.entries = [each.entry for each in self.documented]
        one = len(parts) == 1
        self.plain = parts[0].plain if one else np.concatenate([each.plain for each in parts])
        self.answers = parts[0].answers if one else np.concatenate([each.answers for each in parts])
        self.question_head = parts[0].question_head
        self.bm25 = Words(parts)
        counts = dict(parts[0].counts)
        for part in parts[1:]:
            for word, count in part.counts.items():
                counts[word] = counts.get(word, 0) + count
        self.vocabulary = Vocabulary(counts)

    def __len__(self) -> int:
        return len(self.entries)


def kept(name: str, collected: Callable[[], list[Documented]], key: str, again: bool, say) -> Part:
    """The part of this name and key: from the cache, or made now, of what `collected` returns.

    `again` makes it in any case. `say` is called with a sentence before long work.
    """
    file = f"{name}-{key[:32]}.safetensors"
    stored = None if again else cache.read(_KIND, file)
    if stored is None:
        what = "the course's packages" if name == COURSE else name
        say(f"Building the index of {what}. This happens once and takes a minute or so.")
        stored = packed(made(collected()))
        _tidy(cache.write(_KIND, file, stored), name)
    return unpacked(stored)


def _tidy(newest: Path, name: str) -> None:
    """Remove a name's parts of other versions, but for the last: another environment may use it."""
    others = [file for file in newest.parent.glob(f"{name}-*") if file != newest]
    for file in sorted(others, key=lambda each: each.stat().st_mtime)[:-1]:
        file.unlink(missing_ok=True)


def course(again: bool = False, say: Callable[[str], None] = lambda _: None) -> Part:
    """The documentation of the course's own packages."""

    def collected() -> list[Documented]:
        return packages.with_signatures(documentation(refresh=again))

    return kept(COURSE, collected, course_key(), again, say)


def course_key() -> str:
    """Changes with everything that the course's part depends on."""
    return _key(*(importlib.metadata.version(name) for name in SOURCES))


def package(module: str, again: bool = False, say: Callable[[str], None] = lambda _: None) -> Part:
    """The documentation of an installed package, by the name it is imported by."""
    key = _key(module, packages.version_of(module))
    return kept(module, lambda: packages.read(module), key, again, say)


def added() -> list[str]:
    """The modules that were added to the index and are to be searched from then on."""
    stored = cache.read(_KIND, "packages.json")
    return [] if stored is None else json.loads(stored)


def remember(modules: Sequence[str]) -> None:
    """Search these modules, and no other, beside the course's from now on."""
    cache.write(_KIND, "packages.json", json.dumps(list(modules)).encode())


def is_course(module: str) -> bool:
    """Whether the course's own part holds a module's documentation already."""
    ours = {
        name.strip("?").split(".")[0] for each in gather.MODULES.values() for name in each.split()
    }
    return module in ours


def _key(*parts: str) -> str:
    """Changes with everything that a part depends on."""
    files = [*sorted(_ROOT.glob(_HEADS)), *(_ROOT / name for name in _CODE.split())]
    return cache.key(
        sys.version, sys.platform, models.DIGEST, *parts, *(file.read_bytes() for file in files)
    )
