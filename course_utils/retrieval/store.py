"""What `pymilvus.MilvusClient` leaves to us: clear errors, a folder's lock, vectors that are none.

The client itself is used in plain sight, in L5 and here: `connect` gives one. A path that ends in
".db" is a folder that milvus-lite opens inside this process; an address is a Milvus server, or a
cluster. The rest of the code is the same for all three.
"""

import json
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from course_utils.errors import BadInput, CourseError
from course_utils.retrieval.chunks import Chunk

BATCH = 256  # chunks that are embedded and written at a time
_PAGE = 2000  # documents that are asked for at a time


class StoreError(CourseError):
    """The store cannot be opened, or does not answer; the message says why."""


def connect(uri: str | Path, token: str = "", seconds: float = 10.0):
    """A `MilvusClient` of the store at `uri`: a path that ends in ".db", or "http://host:19530".

    Raises BadInput for neither of the two, and StoreError where the folder is locked or cannot be
    made, or no server answers within so many `seconds`, or it refuses the `token`.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # read when grpc is first imported
    from pymilvus import MilvusClient
    from pymilvus.exceptions import ConnectionConfigException, MilvusException

    for name in ("pymilvus", "milvus_lite"):  # they log what they raise as well
        logging.getLogger(name).setLevel(logging.CRITICAL)
    remote = "://" in str(uri)
    # By default a client asks every 10 s whether its server is there; milvus-lite throws it out.
    options = {"grpc.keepalive_time_ms": 600_000}
    if not remote:  # a folder is served on loopback: a proxy for the network knows nothing of it
        options["grpc.enable_http_proxy"] = 0
    uri = str(uri if remote else _folder(uri))
    try:
        client = MilvusClient(uri, token=token, timeout=seconds, grpc_options=options)
        for name in [] if remote else client.list_collections():
            client.load_collection(name)  # a server does so by itself, a folder opened again not
        return client
    except (ConnectionConfigException, ValueError) as error:  # of a port above 65535, the latter
        if remote:
            raise BadInput(f"{uri} is no address: one is like http://host:19530.") from error
        raise StoreError(
            f"The store {uri} cannot be opened: mostly because another notebook or program has it "
            "open. Shut that one down, or use another folder."
        ) from error
    except (MilvusException, OSError) as error:
        raise StoreError(
            f"No Milvus server at {uri} lets us in within {seconds:g} seconds. Is it running, and "
            "are the address and the token right?"
        ) from error


def release(folder: str | Path) -> None:
    """Write everything down and give up the folder's lock, which `client.close()` does not.

    A folder that this process does not hold does not matter.
    """
    from milvus_lite.server_manager import server_manager_instance

    server_manager_instance.release_server(str(_folder(folder)))


def checked(client, collection: str, vectors) -> np.ndarray:
    """The vectors as float32 `[n, d]`, fit for this collection: to be put there, or searched for.

    Raises BadInput for NaN, which Milvus stores without a word, and for another dimension.
    """
    vectors = np.atleast_2d(np.asarray(vectors, dtype=np.float32))
    fields = {field["name"]: field for field in client.describe_collection(collection)["fields"]}
    dimension = int(fields["vector"]["params"]["dim"])
    if vectors.ndim != 2 or vectors.shape[1] != dimension:
        raise BadInput(
            f"The collection {collection!r} holds vectors of {dimension} numbers, not of "
            f"{vectors.shape[-1]}: another encoder made it. Use that one, or another collection."
        )
    if not np.isfinite(vectors).all():
        raise BadInput("A vector holds NaN or infinity: no text has such an embedding.")
    return vectors


def ingest(
    client,
    collection: str,
    chunks: Sequence[Chunk],
    encode: Callable[[list[str]], np.ndarray],
    batch: int = BATCH,
) -> dict[str, int]:
    """Bring a collection to hold these chunks: embed what is new, replace what changed.

    A document's chunks that it no longer has go; documents that are not among `chunks` stay.
    `encode` turns passages into vectors `[n, d]`. Returns how many chunks were "added", "replaced",
    "removed" and "unchanged". Each row carries the digest of what was embedded, so the store itself
    knows what is done: killed anywhere and run again, an ingest ends with the same store. Raises
    BadInput where two documents have one name: one would replace the other.
    """
    keys, names = {chunk.key for chunk in chunks}, {chunk.name for chunk in chunks}
    if len(keys) < len(chunks):
        raise BadInput("Two of these chunks have one key: each document needs a name of its own.")
    stored = _stored(client, collection, sorted(names))
    new = [chunk for chunk in chunks if stored.get(chunk.key) != chunk.digest]
    for start in range(0, len(new), batch):
        part = new[start : start + batch]
        vectors = checked(client, collection, encode([chunk.passage for chunk in part]))
        client.upsert(
            collection,
            [_row(chunk, vector) for chunk, vector in zip(part, vectors, strict=True)],
        )
    if gone := sorted(stored.keys() - keys):
        client.delete(collection, filter=_among("key", gone))
    replaced = sum(chunk.key in stored for chunk in new)
    return {
        "added": len(new) - replaced,
        "replaced": replaced,
        "removed": len(gone),
        "unchanged": len(chunks) - len(new),
    }


def _row(chunk: Chunk, vector: np.ndarray) -> dict:
    return {
        "key": chunk.key,
        "vector": vector,
        "name": chunk.name,
        "section": chunk.section,
        "text": chunk.text,
        "digest": chunk.digest,
    }


def _stored(client, collection: str, names: list[str]) -> dict[str, str]:
    """The digest of each stored chunk of these documents, by its key."""
    found = {}
    for start in range(0, len(names), _PAGE):
        rows = client.query(
            collection,
            filter=_among("name", names[start : start + _PAGE]),
            output_fields=["key", "digest"],
        )
        found |= {row["key"]: row["digest"] for row in rows}
    return found


def _among(field: str, values: list[str]) -> str:
    """A filter. The client's own, of `ids=` and of iterators, fail at a quote or a backslash."""
    return f"{field} in {json.dumps(values, ensure_ascii=False)}"


def _folder(path: str | Path) -> Path:
    """The whole path of a store's folder. Raises BadInput where it cannot be one."""
    path = Path(path).expanduser().absolute()
    if path.suffix != ".db":
        raise BadInput(f"A store is a folder whose name ends in .db, or an address: not {path}.")
    if path.is_file():
        raise BadInput(f"{path} is a file, and a store is a folder.")
    if not path.parent.is_dir():
        raise BadInput(f"The store cannot be made in {path.parent}: there is no such folder.")
    return path
