"""Answers with sources, made of what was found: retrieval-augmented generation. Taught in L5.

`rag.answer(question)` is the whole flow. Nothing heavy is loaded before it is used.
"""

from course_utils import lazy

_PLACES = {
    "abstention": ("Rule", "enough", "rule", "support"),
    "answers": ("NOT_FOUND", "Answer", "Citation", "answer"),
    "chat": ("complete", "stream"),
    "endpoint": ("Endpoint", "EndpointError", "Patience", "from_environment", "is_set_up"),
    "extractive": ("Statement", "best_sentences"),
    "prompt": ("Prompt", "Source", "build"),
    "prose": ("sentences",),
}
__all__, __getattr__ = lazy.exports(__name__, _PLACES)
