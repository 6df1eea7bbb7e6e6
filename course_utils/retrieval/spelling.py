"""What a question most likely meant by a word that nobody knows. Used by the pipeline of L5.

An encoder reads pieces of words, and a misspelt word falls into other pieces; BM25, which counts
words, finds nothing at all. Source: Norvig 2007, "How to Write a Spelling Corrector": the most
frequent known word within one change, or else within two.
"""

import re
from collections import Counter
from collections.abc import Iterable

SHORTEST = 4  # letters of a word that is corrected; shorter ones are near too many others
TWO_CHANGES = 7  # letters from which on two changes are tried
_WORD = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"[._\d()\[\]{}=/\\@]")  # in numpy.argsort, k_means, x1, sort(x)
_ENDINGS = ("s", "es", "ed", "ing", "ly")


class Vocabulary:
    """The words that may stand in a question, and how often each is in the documents.

    `counts` maps words in lower case to 0 (known, but in no document) or more.
    """

    def __init__(self, counts: dict[str, int]):
        self.counts = counts

    @classmethod
    def of(cls, texts: Iterable[str], known: Iterable[str] = ()) -> "Vocabulary":
        """The words of these texts, and others that are correct, too."""
        counts = Counter(word for text in texts for word in _WORD.findall(text.lower()))
        return cls({**dict.fromkeys(known, 0), **counts})

    def corrected(self, question: str) -> str:
        """The question with unknown words replaced by the nearest known one, where there is one.

        Names with dots, underscores, digits or brackets stay as they are, and so do words in
        capitals and those of fewer than four letters.
        """
        return " ".join(map(self._corrected, question.split()))

    def _corrected(self, part: str) -> str:
        if _CODE.search(part.rstrip(".,;:!?")):
            return part
        return _WORD.sub(lambda found: self._nearest(found[0]), part)

    def _nearest(self, word: str) -> str:
        lower = word.lower()
        if len(word) < SHORTEST or word.isupper() or self._known(lower):
            return word
        near = self._within(1, lower, self.counts)
        if not near and len(word) >= TWO_CHANGES:  # the first letter is rarely the wrong one
            alike = [other for other, n in self.counts.items() if n and other[0] == lower[0]]
            near = self._within(2, lower, alike)
        return max(near, key=lambda other: (self.counts[other], other)) if near else word

    @staticmethod
    def _within(changes: int, word: str, others: Iterable[str]) -> list[str]:
        """The others that so many changes lead to; two neighbouring letters swapped count one."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        found = process.extract(
            word, list(others), scorer=OSA.distance, score_cutoff=changes, limit=None
        )
        return [other for other, _, _ in found]

    def _known(self, word: str) -> bool:
        """A plural or another form of a known word is known as well."""
        return word in self.counts or any(
            word.endswith(ending) and word[: -len(ending)] in self.counts for ending in _ENDINGS
        )
