"""The exercises of L5, each with the solution that the lesson's next cells use meanwhile."""

import re

import numpy as np

from course_utils.exercises.registry import NOTHING, exercise, verdict


def windows(words: list[str], size: int, overlap: int) -> list[list[str]]:
    found = []
    start = 0
    while True:
        found.append(words[start : start + size])
        if start + size >= len(words):
            return found
        start += size - overlap


@exercise("L5.1 windows", solution=windows)
def _windows(answer) -> str | None:
    letters = list("abcdefghij")
    given = answer(list(letters), 4, 1)
    if given is None:
        return NOTHING
    given = [list(window) for window in given]
    if given == windows(letters, 4, 0):
        return "the windows do not overlap: each next one begins `overlap` words earlier."
    if given == [*windows(letters, 4, 1), ["j"]]:
        return "the last window holds nothing new: stop as soon as a window reaches the end."
    if any(len(window) > 4 for window in given):
        return "a window has more than `size` words."
    nine = [list(window) for window in answer(letters[:9], 4, 1)]
    if {word for window in [*given, *nine] for word in window} != set(letters) or len(nine) < 3:
        return "some words are in no window. Does the last, short window get lost?"
    if given != windows(letters, 4, 1):
        return f"10 words in windows of 4 that share 1 are 3 windows, not {given}."
    if [list(window) for window in answer(["a", "b"], 4, 1)] != [["a", "b"]]:
        return "a text shorter than one window is one window."
    return None


def plan(wanted: dict[str, str], stored: dict[str, str]) -> tuple[list[str], list[str]]:
    put = [key for key, digest in wanted.items() if stored.get(key) != digest]
    delete = [key for key in stored if key not in wanted]
    return put, delete


@exercise("L5.2 what has to be done", solution=plan)
def _plan(answer) -> str | None:
    wanted, stored = {"a": "1", "b": "2", "c": "3"}, {"a": "1", "b": "0", "d": "4"}
    given = answer(dict(wanted), dict(stored))
    if given is None:
        return NOTHING
    if not isinstance(given, tuple | list) or len(given) != 2 or isinstance(given[0], str):
        return "two lists of keys were expected: what to put, and what to delete."
    put, delete = (sorted(keys) for keys in given)
    if (delete, put) == (["b", "c"], ["d"]):
        return "the two lists are the wrong way round: first what to put."
    if put == ["a", "b", "c"]:
        return "'a' has the same digest in the store: it need not be embedded again."
    if put == ["c"]:
        return "'b' is in the store with another digest: its text has changed."
    if put == ["b"]:
        return "'c' is not in the store at all."
    if delete != ["d"]:
        return f"only 'd' is in the store and no longer wanted; you delete {delete}."
    return None if put == ["b", "c"] else f"'b' has changed and 'c' is new; you put {put}."


def says(answer: str, value: str) -> bool:
    words = re.findall(r"\w+", answer.lower())
    wanted = re.findall(r"\w+", value.lower())
    for start in range(len(words)):
        if words[start : start + len(wanted)] == wanted:
            return True
    return False


@exercise("L5.4 a right answer", solution=says)
def _says(answer) -> str | None:
    cases = [
        ("It is Paris.", "Paris", True, "the value stands in the answer."),
        ("This is it.", "HI", False, "'HI' is only a part of the word 'this'. Compare words."),
        ("by H.G. Wells", "H. G. Wells", True, "only dots and blanks differ."),
        ("the danish KRONE", "Danish krone", True, "capitals should not matter."),
        ("a krone that is Danish", "Danish krone", False, "the words have to stand in that order."),
        ("It is Rome.", "Paris", False, "the value does not stand there."),
        ("in Madrid", "Madrid", True, "the value may be the last word."),
    ]
    for text, value, right, why in cases:
        given = answer(text, value)
        if given is None:
            return NOTHING
        if bool(given) is not right:
            return f"{text!r} for {value!r} should be {right}: {why}"
    return None


def nearest(question, passages, k: int):
    cosines = passages @ question / np.linalg.norm(passages, axis=1)
    return np.argsort(-cosines)[:k]


@exercise("L5.3 exact search", solution=nearest)
def _exact_search(answer) -> str | None:
    rng = np.random.default_rng(0)
    question, passages = rng.normal(size=8), rng.normal(size=(20, 8))
    passages *= np.linspace(0.2, 5, 20)[:, None]  # of very different lengths
    dots = passages @ question
    cosines = dots / np.linalg.norm(passages, axis=1)
    given = answer(question.copy(), passages.copy(), 3)
    if given is None:
        return NOTHING
    given = np.asarray(given)
    if given.shape != (3,):
        return f"3 row numbers were expected for k=3, not an array of shape {given.shape}."
    if not np.array_equal(given, np.round(given)):
        return "row numbers were expected, not scores: `argsort` gives them."
    wrong = [
        (np.argsort(cosines)[:3], "these are the passages farthest from the question."),
        (np.argsort(-dots)[:3], "the longest vectors win: divide by their lengths."),
        (np.argsort(dots)[-3:], "the longest vectors win: divide by their lengths."),
        (np.argsort(cosines)[-3:], "the right passages, but the best one has to come first."),
    ]
    otherwise = "other passages have a higher cosine. Which axis do you sort?"
    return verdict(given, np.argsort(-cosines)[:3], wrong, otherwise)


def fused(rankings: list[list[str]]) -> dict[str, float]:
    scores = {}
    for ranking in rankings:
        for rank, item in enumerate(ranking, start=1):
            scores[item] = scores.get(item, 0) + 1 / (60 + rank)
    return scores


@exercise("L5.5 rank fusion", solution=fused)
def _rank_fusion(answer) -> str | None:
    rankings = [["b", "a", "c"], ["d", "c", "b", "e"]]
    given = answer([list(ranking) for ranking in rankings])
    if given is None:
        return NOTHING
    if not isinstance(given, dict):
        return f"a dictionary from items to scores was expected, not {type(given).__name__}."
    if set(given) != set("abcde"):
        listed = ", ".join(sorted(map(str, given))) or "none"
        return f"the items are a, b, c, d and e; your dictionary has {listed}."
    backwards = fused([ranking[::-1] for ranking in rankings])
    last = {item: score for ranking in rankings for item, score in fused([ranking]).items()}
    from_0 = {"b": 1 / 60 + 1 / 62, "a": 1 / 61, "c": 1 / 62 + 1 / 61, "d": 1 / 60, "e": 1 / 63}
    no_60 = {"b": 1 + 1 / 3, "a": 1 / 2, "c": 1 / 3 + 1 / 2, "d": 1.0, "e": 1 / 4}
    wrong = [
        (_in_order(from_0), "your ranks begin at 0. The best place is rank 1."),
        (_in_order(no_60), "the constant 60 is missing."),
        (_in_order(last), "an item that is in both rankings gets both terms."),
        (_in_order(backwards), "the last place counts most: each ranking is best first."),
    ]
    otherwise = (
        f"'b' is first and third; its score is not {given['b']:.4f}. Add up 1 / (60 + rank)."
    )
    right = _in_order(fused(rankings))
    return verdict(_in_order(given), right, wrong, otherwise, tolerance=1e-7)


def _in_order(scores: dict[str, float]) -> np.ndarray:
    return np.array([scores[item] for item in sorted(scores)])


def fit(texts: list[str], budget: int) -> list[str]:
    share = budget // len(texts)
    return [" ".join(text.split()[:share]) for text in texts]


@exercise("L5.6 a fair share", solution=fit)
def _fit(answer) -> str | None:
    texts = ["one two three four", "five six", "seven eight nine"]
    given = answer(list(texts), 7)
    if given is None:
        return NOTHING
    given = list(given)
    if len(given) != 3:
        return f"3 texts were expected, not {len(given)}."
    if not all(isinstance(text, str) for text in given):
        return "texts were expected: join the words with blanks."
    if [len(text.split()) for text in given] == [4, 2, 1]:
        return "the first text takes the room of the others: each gets a third of the budget."
    if sum(len(text.split()) for text in given) > 7:
        return "together they have more words than the budget."
    if given != ["one two", "five six", "seven eight"]:
        return f"with a budget of 7 each may have 2 words: not {given}."
    return None
