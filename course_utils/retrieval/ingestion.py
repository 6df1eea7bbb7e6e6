"""From chunks to a vector store: embed what is new, replace what changed, leave the rest alone.

Each stored chunk carries the digest of what was embedded. So the store itself knows what is done,
and there is no separate journal that could disagree with it: an ingest that was killed is run
again, and goes on with the first chunk that is missing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from course_utils import memory
from course_utils.errors import BadInput
from course_utils.retrieval import checks
from course_utils.retrieval.chunks import Chunk
from course_utils.retrieval.connection import StoreError, is_address
from course_utils.retrieval.store import VectorStore

Encode = Callable[[list[str]], np.ndarray]


@dataclass(frozen=True)
class Ingested:
    """What an ingest did to the store, in chunks. `unchanged` were not embedded again."""

    added: int
    replaced: int
    removed: int
    unchanged: int


@dataclass(frozen=True)
class Plan:
    """What there is to do: chunks to put, keys to remove, and the counts of it."""

    put: list[Chunk]
    remove: list[str]
    counts: Ingested


def plan(chunks: Sequence[Chunk], stored: Mapping[str, str], prune: bool = False) -> Plan:
    """Compare chunks with the digests of a store (`VectorStore.digests()`).

    A document's chunks that it no longer has are removed; with `prune`, those of documents that are
    not among `chunks` at all, too. Raises BadInput as `checks.chunks` does.
    """
    chunks = checks.chunks(chunks)
    given, names = {chunk.key for chunk in chunks}, {chunk.name for chunk in chunks}
    put = [chunk for chunk in chunks if stored.get(chunk.key) != chunk.digest]
    remove = [
        key for key in stored if key not in given and (prune or key.rpartition("#")[0] in names)
    ]
    replaced = sum(chunk.key in stored for chunk in put)
    counts = Ingested(len(put) - replaced, replaced, len(remove), len(chunks) - len(put))
    return Plan(put, remove, counts)


def ingest(
    chunks: Sequence[Chunk],
    store: VectorStore,
    encode: Encode,
    batch: int = 256,
    progress: bool = True,
    prune: bool = False,
) -> Ingested:
    """Bring the store to hold these chunks; returns what had to be done.

    `encode` turns a list of passages into vectors `[n, d]`; it is called with `batch` at a time,
    and not at all where nothing changed. A chunk's digest says nothing about the encoder: keep one
    collection an encoder. `progress` shows a bar. `prune` is as in `plan`.

    The chunks of a batch are written together, and old ones are removed at the end: killed anywhere
    and run again, it ends with the same store. Raises BadInput for chunks, a batch size or vectors
    that cannot be right, and what VectorStore raises.
    """
    _check_batch(batch)
    todo = plan(chunks, store.digests(), prune)
    _write(todo.put, store, encode, batch, progress)
    store.delete(todo.remove)
    if todo.put or todo.remove:
        store.flush()
        memory.give_back()
    return todo.counts


def ingest_in_processes(
    chunks: Sequence[Chunk],
    uri: str,
    encode: Encode,
    processes: int = 2,
    collection: str = "documentation",
    dimension: int = 384,
    token: str = "",
    index: str = "FLAT",
    batch: int = 256,
    prune: bool = False,
) -> Ingested:
    """`ingest` into a server, with several processes that embed and write at the same time.

    `encode` has to be a function of a module: each process imports it anew. Raises BadInput for a
    folder, which belongs to one process; StoreError where a process dies. What is written stays
    written: run it again, and it goes on.
    """
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool
    from multiprocessing import get_context

    _check_batch(batch)
    if not is_address(uri):
        raise BadInput("A folder belongs to one process: start a server on it, or use ingest().")
    if not isinstance(processes, int) or processes < 1:
        raise BadInput(f"The number of processes is 1 or more: not {processes!r}.")
    place = (uri, collection, dimension, token, index)
    with VectorStore(*place) as store:
        todo = plan(chunks, store.digests(), prune)
        # Dealt out in batches, so that no process gets all of the long ones.
        batches = [todo.put[start : start + batch] for start in range(0, len(todo.put), batch)]
        shares = [sum(batches[first::processes], []) for first in range(processes)]
        # Not forked: a copy of a process with threads and open connections can hang.
        with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
            jobs = [pool.submit(_share, share, place, encode, batch) for share in shares if share]
            try:
                for job in jobs:
                    job.result()
            except BrokenProcessPool as problem:
                raise StoreError(
                    "A process of the ingest was killed (out of memory?). What it wrote is kept: "
                    "run the ingest again, with fewer processes if need be."
                ) from problem
        store.delete(todo.remove)
        if todo.put or todo.remove:
            store.flush()
    return todo.counts


def _share(chunks: list[Chunk], place: tuple, encode: Encode, batch: int) -> None:
    """One process's share of the work."""
    with VectorStore(*place) as store:
        _write(chunks, store, encode, batch, progress=False)


def _write(
    chunks: list[Chunk], store: VectorStore, encode: Encode, batch: int, progress: bool
) -> None:
    from tqdm.auto import tqdm

    shown = progress and bool(chunks)
    with tqdm(total=len(chunks), desc="ingest", unit="chunk", disable=not shown) as bar:
        for start in range(0, len(chunks), batch):
            part = chunks[start : start + batch]
            store.put(part, encode([chunk.passage for chunk in part]))
            bar.update(len(part))


def _check_batch(batch: int) -> None:
    if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
        raise BadInput(f"A batch is a whole number of chunks from 1 up: not {batch!r}.")
