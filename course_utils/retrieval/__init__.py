"""Finding what answers a question: chunks, an index, search, the vector store. Taught in L5.

`retrieval.search(question, k=10)` is the whole pipeline.
"""

from course_utils.retrieval.chunks import Chunk, first_chunks, sections, split
from course_utils.retrieval.index import Index, build, documentation_index
from course_utils.retrieval.pipeline import SYSTEMS, Result, hybrid, search, standardised
from course_utils.retrieval.store import StoreError, checked, connect, ingest, release

__all__ = [
    "SYSTEMS",
    "Chunk",
    "Index",
    "Result",
    "StoreError",
    "build",
    "checked",
    "connect",
    "documentation_index",
    "first_chunks",
    "hybrid",
    "ingest",
    "release",
    "search",
    "sections",
    "split",
    "standardised",
]
