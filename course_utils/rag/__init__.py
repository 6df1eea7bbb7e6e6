"""Answers with sources, made of what was found: retrieval-augmented generation. Taught in L5.

`rag.answer(question)` is the whole flow. Nothing heavy is loaded before it is used.
"""

import importlib

_PLACES = {
    "abstention": ("Rule", "enough", "rule", "support"),
    "answers": ("NOT_FOUND", "Answer", "Citation", "answer"),
    "chat": ("complete", "stream"),
    "endpoint": ("Endpoint", "EndpointError", "Patience", "from_environment", "is_set_up"),
    "extractive": ("Statement", "best_sentences"),
    "prompt": ("Prompt", "Source", "build"),
    "prose": ("sentences",),
}
_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names}
__all__ = sorted(_MODULE_OF)  # noqa: PLE0604


def __getattr__(name: str):
    if name in _MODULE_OF:
        module = importlib.import_module(f"{__name__}.{_MODULE_OF[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
