"""`python tools/stored_scores.py`: what the trained parts say of a few texts, kept for the tests.

Run it after `make cross-encoder` or `make masked-lm`: the tests compare what the weights say on
another machine with what is stored here, and refuse figures of other weights. All texts are the
course's own.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from course_utils import cache, cross_encoder, data, masked_lm
from tools.training.cross_encoder import everyday_groups

STORED = Path(__file__).parent.parent / "tests" / "stored"
FIRST = 5  # tokens that are kept for a hidden one


def pairs() -> list[tuple[str, str]]:
    """50 questions with a text, of held-out facts and everyday groups; every other one answers."""
    facts = data.fact_groups(data.split_facts(data.facts()).held_out)[::30]
    chosen = [(group.question, group.answer, group.negatives[0].text) for group in facts]
    everyday = everyday_groups(data.everyday())[::6]
    chosen += [(group.question, group.right, group.wrong[0]) for group in everyday]
    return [(question, text) for question, *texts in chosen for text in texts]


def masked_sentences() -> list[str]:
    """50 sentences of the table of senses, the ambiguous word hidden."""
    return [
        sense.sentence.replace(sense.word, "[MASK]") for sense in data.senses()[:250:5].itertuples()
    ]


def of_cross_encoder() -> dict:
    """The scores of `pairs` by the shipped cross-encoder, in float32."""
    return {
        "weights": cross_encoder.about(cross_encoder.SHIPPED)["sha256"],
        "pairs": [
            [question, text, round(float(cross_encoder.score(question, [text])[0]), 4)]
            for question, text in pairs()
        ],
    }


def of_masked_lm() -> dict:
    """The most probable tokens of `masked_sentences` by the shipped masked language model."""
    found = []
    for sentence in masked_sentences():
        (best,) = masked_lm.guesses(sentence, FIRST)
        found.append([sentence, {guess.token: round(guess.probability, 5) for guess in best}])
    return {
        "weights": masked_lm.about(masked_lm.SHIPPED)["sha256"],
        "sentences": found,
    }


PARTS = {"cross_encoder": of_cross_encoder, "masked_lm": of_masked_lm}


def main(names: Sequence[str]) -> None:
    """Write a file for each of these parts, or for all."""
    for name in names or PARTS:
        path = STORED / f"{name}.json"
        text = json.dumps(PARTS[name](), indent=1, ensure_ascii=False)
        cache.replace(path, (text + "\n").encode())
        print(path.name)


if __name__ == "__main__":
    main(sys.argv[1:])
