"""What a question most likely meant by a word that nobody knows. Used by the pipeline of L5.

One encoder in the pipeline reads pieces of words, and a misspelt word falls into other pieces; the
one that counts words finds nothing at all. Source: Norvig 2007, "How to Write a Spelling
Corrector": the most frequent known word within one change, or else within two.
"""

import functools
import re
import string
from collections import Counter
from collections.abc import Iterable, Mapping

SHORTEST = 4  # letters of a word that is corrected; shorter ones are near too many others
TWO_CHANGES = 7  # letters from which on two changes are tried
_WORD = re.compile(r"[^\W\d_]+")
_CODE = re.compile(r"[._\d()\[\]{}=/\\@]")  # in numpy.argsort, k_means, x1, sort(x)


class Vocabulary:
    """The words that may stand in a question, and how often each is in the documents.

    `counts` maps words in lower case to 0 (known, but in no document) or more.
    """

    def __init__(self, counts: Mapping[str, int]):
        self.counts = dict(counts)

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
        near = [other for other in changed(lower) if other in self.counts]
        if not near and len(word) >= TWO_CHANGES:
            near = [other for other in self._alike(lower) if within_two(lower, other)]
        return max(near, key=lambda other: (self.counts[other], other)) if near else word

    def _known(self, word: str) -> bool:
        """A plural or another form of a known word is known as well."""
        if word in self.counts:
            return True
        endings = ("s", "es", "ed", "ing", "ly")
        return any(
            word.endswith(ending) and word[: -len(ending)] in self.counts for ending in endings
        )

    def _alike(self, word: str) -> list[str]:
        """Words of about that length with the same first letter, which is rarely the wrong one."""
        return [
            other for other in self._by_letter.get(word[0], ()) if abs(len(other) - len(word)) <= 2
        ]

    @functools.cached_property
    def _by_letter(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for word, count in self.counts.items():
            if count:
                found.setdefault(word[0], []).append(word)
        return found


def changed(word: str) -> set[str]:
    """All strings one change away: a letter dropped, swapped with the next, replaced or added."""
    letters = string.ascii_lowercase
    halves = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    dropped = {a + b[1:] for a, b in halves if b}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in halves if len(b) > 1}
    replaced = {a + letter + b[1:] for a, b in halves if b for letter in letters}
    added = {a + letter + b for a, b in halves for letter in letters}
    return (dropped | swapped | replaced | added) - {word}


def within_two(one: str, other: str) -> bool:
    """Whether at most two changes of a letter (see `changed`) lead from one word to the other.

    Source: Damerau 1964; computed as in Wagner and Fischer 1974, row by row.
    """
    before, last = [], list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        row = [i]
        for j, its in enumerate(other, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != its))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == its:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        if min(row) > 2:
            return False
        before, last = last, row
    return last[-1] <= 2
