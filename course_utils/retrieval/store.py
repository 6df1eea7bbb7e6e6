"""The vector store: chunks with their vectors, on disk or on a server, searched by cosine.

Behind it is Milvus. A folder is opened by `milvus-lite` inside this process; an address is a Milvus
server, or a cluster of many machines. The code that uses the store is the same. What Milvus accepts
without a word and should not is refused here (`checks`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from re import ASCII, fullmatch

import numpy as np

from course_utils.errors import BadInput
from course_utils.retrieval import checks
from course_utils.retrieval.chunks import Chunk
from course_utils.retrieval.connection import SECONDS, Connection, StoreMismatch, StoreNotLoaded

# For each kind of index, how it is built and how it is searched. Explained in L5.
INDEXES = {
    "FLAT": ({}, {}),
    "HNSW": ({"M": 16, "efConstruction": 200}, {"ef": 128}),
    "IVF_FLAT": ({"nlist": 64}, {"nprobe": 16}),
}
_SHOWN = ["key", "name", "package", "section", "text"]
_ROWS, _QUESTIONS = 1_000, 128  # in one call: a server's messages have a largest size
_SPARE = 16
_DECIMALS = 6  # float32 sums differ in the seventh with the order of adding


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found. `score` is the cosine: from -1 to 1, higher is better."""

    key: str
    name: str
    package: str
    section: str
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Stored:
    """A chunk as the store has it: `vector` is float32 `[d]`, as it was put."""

    key: str
    name: str
    package: str
    section: str
    text: str
    digest: str
    vector: np.ndarray


class VectorStore:
    """Chunks and their vectors in one collection of a store.

    `uri` is a folder (made where it is missing) or an address such as `http://127.0.0.1:19530`,
    with its `token` if it asks for one. `dimension` is that of the vectors, `index` one of INDEXES;
    `seconds` is how long one call may take. Use it in a `with` block, or call `close()`: a folder
    belongs to one process until then.

    Raises BadInput for arguments that cannot be right; StoreLocked where another process has the
    folder; StoreUnreachable and StoreRefused (see `connection`); StoreMismatch where the collection
    exists with another dimension or index. Any method may raise StoreError of these kinds. After
    StoreUnreachable the same object works again as soon as the server does.
    """

    def __init__(
        self,
        uri: str | Path,
        collection: str = "documentation",
        dimension: int = 384,
        token: str = "",
        index: str = "FLAT",
        seconds: float = SECONDS,
    ):
        if not isinstance(collection, str) or not fullmatch(
            r"[a-z_]\w{0,254}", collection.lower(), ASCII
        ):
            raise BadInput(f"A collection's name is letters, digits and _: not {collection!r}.")
        if not isinstance(dimension, int | np.integer) or not 2 <= dimension <= 32_768:
            raise BadInput(f"A dimension is a whole number from 2 to 32,768: not {dimension!r}.")
        if index not in INDEXES:
            raise BadInput(f"There is no index {index!r} here: {', '.join(INDEXES)} are.")
        self.collection, self.dimension, self.index = collection, int(dimension), index
        self._connection = Connection(uri, token, seconds)
        try:
            self._prepare()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "VectorStore":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"VectorStore({self._connection.place!r}, {self.collection!r}, {self.dimension})"

    def close(self) -> None:
        """Write everything down and release the folder's lock. A second time does nothing."""
        self._connection.close()

    def put(self, chunks: Sequence[Chunk], vectors) -> None:
        """Store chunks with their vectors `[n, d]`; a chunk whose key is there already is replaced.

        Nothing is written where one of them is refused with BadInput: see `checks.chunks` and
        `checks.vectors`.
        """
        chunks = checks.chunks(chunks)
        if len(chunks) != len(vectors):
            raise BadInput(f"{len(chunks)} chunks and {len(vectors)} vectors: one each is needed.")
        if not chunks:
            return
        vectors = checks.vectors(vectors, self.dimension, [chunk.key for chunk in chunks])
        for start in range(0, len(chunks), _ROWS):
            part = slice(start, start + _ROWS)
            rows = [
                {field: getattr(chunk, field) for field in checks.ROOM} | {"vector": vector}
                for chunk, vector in zip(chunks[part], vectors[part], strict=True)
            ]
            self._call("upsert", data=rows)

    def search(
        self, vectors, k: int = 10, where: Mapping[str, str] | None = None
    ) -> list[Hit] | list[list[Hit]]:
        """The `k` chunks nearest to a vector `[d]`, best first; a list of such for `[q, d]`.

        `where` keeps the chunks whose fields are exactly so: {"package": "numpy"}. Fewer than `k`
        come back where there are no more. Scores that are equal to six decimals are in the order of
        the keys. Raises BadInput as `checks` tells.
        """
        k, condition = checks.how_many(k), checks.condition(where)
        vectors = checks.numbers(vectors)
        single = vectors.ndim == 1
        asked = checks.vectors(vectors[None] if single else vectors, self.dimension)
        found = []
        for start in range(0, len(asked), _QUESTIONS):
            found += self._nearest(asked[start : start + _QUESTIONS], k, condition)
        return found[0] if single else found

    def digests(self) -> dict[str, str]:
        """The digest of each chunk by its key, in the order of the keys."""
        pages = self._call("query_iterator", batch_size=_ROWS, output_fields=["key", "digest"])
        found = {}
        try:
            while page := pages.next():
                found |= {row["key"]: row["digest"] for row in page}
        finally:
            pages.close()
        return dict(sorted(found.items()))

    def get(self, keys: Sequence[str]) -> dict[str, Stored]:
        """What is stored under the keys; those that are not there are left out."""
        keys, rows = checks.keys(keys), {}
        fields = [*checks.ROOM, "vector"]
        for part in _parts(keys):
            for row in self._call("query", filter=part, output_fields=fields):
                vector = np.array(row["vector"], dtype=np.float32)
                rows[row["key"]] = Stored(*(row[field] for field in checks.ROOM), vector)
        return {key: rows[key] for key in keys if key in rows}

    def delete(self, keys: Sequence[str]) -> None:
        """Remove what is stored under the keys; a key that is not there does not matter."""
        for part in _parts(checks.keys(keys)):
            self._call("delete", filter=part)

    def count(self) -> int:
        """How many chunks are stored."""
        (row,) = self._call("query", filter="", output_fields=["count(*)"])
        return int(row["count(*)"])

    def flush(self) -> None:
        """Build the index of what was put since. Until then a search compares with all of that."""
        self._call("flush")

    def _call(self, method: str, **arguments):
        try:
            return self._connection.call(method, self.collection, **arguments)
        except StoreNotLoaded:  # a server that was started again
            self._connection.call("load_collection", self.collection)
            return self._connection.call(method, self.collection, **arguments)

    def _nearest(self, vectors: np.ndarray, k: int, condition: str) -> list[list[Hit]]:
        """The hits of each vector. Asks for more than k, until no tie goes on beyond the last."""
        limit = k + _SPARE
        while True:
            settings = dict(INDEXES[self.index][1])
            if "ef" in settings:
                settings["ef"] = max(settings["ef"], limit)  # HNSW finds no more than these
            found = self._call(
                "search",
                data=list(vectors),
                limit=limit,
                filter=condition,
                output_fields=_SHOWN,
                search_params={"metric_type": "COSINE", "params": settings},
            )
            lists = [[_hit(row) for row in rows] for rows in found]
            tied = any(
                len(hits) == limit and _rounded(hits[k - 1]) == _rounded(hits[-1]) for hits in lists
            )
            if not tied or limit > checks.MOST_HITS:
                return [
                    sorted(hits, key=lambda hit: (-_rounded(hit), hit.key))[:k] for hits in lists
                ]
            limit = min(4 * limit, checks.MOST_HITS + _SPARE)

    def _prepare(self) -> None:
        """Make the collection, or see that the one that is there is what was asked for."""
        if not self._call("has_collection"):
            self._create()
        found = self._call("describe_collection")
        fields = {field["name"]: field for field in found["fields"]}
        if set(fields) != {*checks.ROOM, "vector"}:
            raise StoreMismatch(
                f"The collection {self.collection!r} was not made by this course (its fields: "
                f"{', '.join(sorted(fields))}): use another name."
            )
        dimension = int(fields["vector"]["params"]["dim"])
        if dimension != self.dimension:
            raise StoreMismatch(
                f"The collection {self.collection!r} holds vectors of {dimension} numbers, not "
                f"{self.dimension}: another encoder made it. Pass dimension={dimension}, or use "
                "another name."
            )
        index = self._call("describe_index", index_name="vector")["index_type"]
        if index != self.index:
            raise StoreMismatch(
                f"The collection {self.collection!r} has the index {index}, not {self.index}: pass "
                f"index={index!r}, or use another name."
            )
        self._call("load_collection")

    def _create(self) -> None:
        from pymilvus import DataType, MilvusClient

        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        for field, room in checks.ROOM.items():
            schema.add_field(field, DataType.VARCHAR, max_length=room, is_primary=field == "key")
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self.dimension)
        settings = INDEXES[self.index][0]
        index = MilvusClient.prepare_index_params()
        index.add_index(
            "vector",
            index_type=self.index,
            index_name="vector",
            metric_type="COSINE",
            # Twice, since the client flattens one level, and milvus-lite reads the other only.
            params=dict(settings, params=settings),
        )
        # Strong: a search sees what was put before it, in a cluster too.
        self._call(
            "create_collection", schema=schema, index_params=index, consistency_level="Strong"
        )


def _hit(row: Mapping) -> Hit:
    """A hit from what the client library gives for one: {"distance": ..., "entity": {...}}."""
    return Hit(*(row["entity"][field] for field in _SHOWN), float(row["distance"]))


def _rounded(hit: Hit) -> float:
    return round(hit.score, _DECIMALS)


def _parts(keys: Sequence[str]) -> Iterator[str]:
    """Conditions for the keys, so many at a time."""
    for start in range(0, len(keys), _ROWS):
        listed = ", ".join(map(checks.quoted, keys[start : start + _ROWS]))
        yield f"key in [{listed}]"
