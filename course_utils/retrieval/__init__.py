"""Finding what answers a question: chunks, search, fusion, the vector store. Taught in L5.

`retrieval.search(question, k=10)` is the whole pipeline. Nothing heavy is loaded before it is used.
"""

from course_utils import lazy

_PLACES = {
    "chunks": ("Chunk", "sections", "split", "split_all"),
    "exact": ("Found", "exact_search"),
    "fusion": ("reciprocal_rank_fusion", "standardised", "weighted_sum"),
    "index": ("Index", "build", "documentation_index"),
    "ingestion": ("Ingested", "ingest", "ingest_in_processes"),
    "pipeline": ("BEST", "SYSTEMS", "Result", "Settings", "cleaned", "scored", "scores", "search"),
    "store": ("Hit", "VectorStore"),
}
__all__, __getattr__ = lazy.exports(__name__, _PLACES)
