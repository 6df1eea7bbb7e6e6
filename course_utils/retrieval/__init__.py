"""Finding what answers a question: chunks, search, fusion, the vector store. Taught in L5.

`retrieval.search(question, k=10)` is the whole pipeline. Nothing heavy is loaded before it is used.
"""

import importlib

_PLACES = {
    "chunks": ("Chunk", "sections", "split", "split_all"),
    "exact": ("Found", "exact_search"),
    "fusion": ("reciprocal_rank_fusion", "standardised", "weighted_sum"),
    "index": ("Index", "build", "documentation_index"),
    "ingestion": ("Ingested", "ingest", "ingest_in_processes"),
    "pipeline": ("BEST", "SYSTEMS", "Result", "Settings", "cleaned", "scored", "scores", "search"),
    "store": ("Hit", "VectorStore"),
}
_MODULE_OF = {name: module for module, names in _PLACES.items() for name in names}
__all__ = sorted(_MODULE_OF)  # noqa: PLE0604


def __getattr__(name: str):
    if name in _MODULE_OF:
        module = importlib.import_module(f"{__name__}.{_MODULE_OF[name]}")
        return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
