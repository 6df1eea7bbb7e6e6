"""What the package makes of the same input stays the same: `tests/golden.json`, value by value.

`python -m tests.test_golden` writes the file anew. Do that only where a number is meant to change,
and say in the commit which and why. What depends on the installed packages is not in it; the
docstrings here are the course's own.
"""

import hashlib
import json
import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from course_utils import data, embed, evaluate, retrieval
from course_utils.bm25 import BM25
from course_utils.data import Entry, QaPair, docstrings
from course_utils.retrieval.spelling import Vocabulary

HERE = Path(__file__).parent
FILE = HERE / "golden.json"
TABLES = (
    "words analogies senses pairs themes everyday judged_answers questions failures facts "
    "fact_templates fact_questions"
)
TYPED = (
    "rank the arays along an axsi",
    "concatnate a sequense of tensors",
    "numpy.argsrot of a lsit",
    "the percentil of weigths",
    "where is the streem positoin",
)


def digest(value) -> str:
    """SHA-256 of a value as JSON."""
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()


def table(rows) -> str:
    """The digest of a table: its columns, and each cell as text."""
    frame = pd.DataFrame(rows)
    return digest([[*frame.columns], *([*map(str, row)] for row in frame.itertuples(index=False))])


def entries() -> list[Entry]:
    parts = (HERE / "golden_docstrings.txt").read_text(encoding="utf-8").split("%%% ")[1:]
    named = (part.split("\n", 1) for part in parts)
    return [
        Entry(name, docstrings.summary(text), text.strip("\n"), "made", "function")
        for name, text in named
    ]


def qa_pairs() -> list[QaPair]:
    """300 pairs of drawn words; every fifth is nearly a copy of an earlier one."""
    draw, words, made = random.Random(0), list(data.words().word), []
    for number in range(300):
        question, answer = draw.choices(words, k=8), draw.choices(words, k=30)
        if made and number % 5 == 0:
            copied = draw.choice(made)
            question = [*copied.question.split()[:-1], "again"]
        made.append(QaPair(" ".join(question), " ".join(answer), f"made.{number}", "made"))
    return made


def of_sides(split) -> dict:
    return {side: table(getattr(split, side)) for side in ("train", "validation", "held_out")}


def of_tables() -> dict:
    return {name: table(getattr(data, name)()) for name in TABLES.split()}


def of_facts() -> dict:
    split = data.split_facts(data.facts())
    groups = [
        [*vars(group.fact).values(), group.question, group.answer]
        + [[negative.text, negative.hardness] for negative in group.negatives]
        for group in data.fact_groups(split.held_out)
    ]
    return {
        "split": {
            side: table(getattr(split, side)) for side in ("train", "validation", "held_out")
        },
        "groups": digest(groups),
        "another seed": table(data.fact_questions(wordings=3, seed=1)),
    }


def of_docstrings() -> dict:
    return {
        entry.name: {
            "summary": entry.summary,
            "body": docstrings.body(entry.text),
            "chunks": [[each.key, each.section, each.text] for each in retrieval.split(entry)],
        }
        for entry in entries()
    }


def of_pairs() -> dict:
    pairs = qa_pairs()
    split = data.split_pairs(pairs, validation=40, held_out=60)
    questions = [pair.question for pair in pairs]
    return {
        "near copies": digest(sorted(data.near_copies(questions, questions))),
        "split": {
            side: table(getattr(split, side)) for side in ("train", "validation", "held_out")
        },
        "leaks": len(data.leaks(pairs[:150], pairs[150:])),
    }


def of_search() -> dict:
    texts = [entry.text for entry in entries()]
    scores = BM25(texts).scores([entry.summary for entry in entries()])
    vocabulary = Vocabulary.of(texts, known=["where", "weights", "list"])
    return {
        "typed": {typed: vocabulary.corrected(typed) for typed in TYPED},
        "BM25": np.round(scores.astype(float), 4).tolist(),
    }


def of_vectors() -> dict:
    """Every eighth number of the vectors of ten texts."""
    texts = [*data.senses().sentence[:5], *(entry.text for entry in entries()[:4]), ""]
    vectors = embed.encode(texts, precision="float32")
    return {"encode": np.round(vectors[:, ::8].astype(float), 3).tolist()}


def of_intervals() -> dict:
    drawn = np.random.default_rng(0)
    lists = [drawn.random(size) for size in range(20, 120, 10)]
    shifted = [values + drawn.normal(0.02, 0.1, len(values)) for values in lists]
    return {
        "bootstrap": [evaluate.bootstrap_interval(values) for values in lists],
        "median": evaluate.bootstrap_interval(lists[0], statistic=np.median),
        "groups": evaluate.bootstrap_interval(lists[9], groups=np.arange(110) // 5),
        "Wilson": [evaluate.wilson_interval(hits, 20) for hits in range(0, 20, 2)],
        "paired": [
            list(vars(evaluate.paired_difference(one, other)).values())
            for one, other in zip(lists, shifted, strict=True)
        ],
    }


PARTS = {
    "tables": of_tables,
    "facts": of_facts,
    "docstrings": of_docstrings,
    "pairs": of_pairs,
    "search": of_search,
    "vectors": of_vectors,
    "intervals": of_intervals,
}
# How far a number may be off on another processor: of a vector, the third decimal.
BANDS = {"vectors": 0.0011, "search": 2e-4, "intervals": 1e-9}


def same(found, golden, band: float) -> None:
    """Texts must be equal, and numbers within the band."""
    if isinstance(golden, dict):
        assert list(found) == list(golden)
        for name in golden:
            same(found[name], golden[name], band)
    elif band and isinstance(golden, list):
        np.testing.assert_allclose(found, golden, atol=band, rtol=0)
    else:
        assert found == golden


@pytest.mark.parametrize("part", PARTS)
def test_what_is_made_of_the_same_input_is_the_same(part):
    golden = json.loads(FILE.read_text(encoding="utf-8"))
    same(json.loads(json.dumps(PARTS[part]())), golden[part], BANDS.get(part, 0))


if __name__ == "__main__":
    made = {part: make() for part, make in PARTS.items()}
    lines = ",\n".join(
        f" {json.dumps(part)}: {{\n"
        + ",\n".join(
            f"  {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
            for name, value in of.items()
        )
        + "\n }"
        for part, of in made.items()
    )
    FILE.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")
