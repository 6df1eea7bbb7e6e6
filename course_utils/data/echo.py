"""A question among five texts, one of which is the question itself: the question echo in small.

The example is the one that the dual-encoder course of DeepLearning.AI and Vectara made known, in
sentences of our own.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class EchoExample:
    """A question, and texts to rank for it: first the question itself, second its answer."""

    question: str
    texts: tuple[str, ...]


def echo_example() -> EchoExample:
    """The tallest mountain: the question, its answer, and three texts ever further away."""
    question = "What is the tallest mountain in the world?"
    return EchoExample(
        question,
        (
            question,
            "The tallest mountain in the world is Mount Everest.",
            "Kilimanjaro is a mountain in Africa.",
            "We like to hike in the hills on Sundays.",
            "My yoga class begins at six.",
        ),
    )
