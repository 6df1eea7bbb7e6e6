"""Text vectors kept on disk: one row a text, each with its own checksum, in an SQLite database.

Rows are committed batch by batch, so that a killed process loses at most the batch at work. A row
whose checksum fails counts as absent; a database that SQLite itself refuses is set aside and begun
anew. Several notebooks may use it at the same time.
"""

import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from course_utils import cache

_BUSY_SECONDS = 60
_CHUNK = 500  # SQLite limits the number of parameters of a query


class VectorCache:
    """Maps keys (hex strings) to float32 vectors of one length."""

    def __init__(self, dimension: int, path: Path | None = None):
        self.dimension = dimension
        self.path = path or cache.folder() / "vectors.sqlite"

    def get(self, keys: Iterable[str]) -> dict[str, np.ndarray]:
        """The vectors that are there, whole and of the right length; float32 `[d]` each."""
        keys = list(dict.fromkeys(keys))
        try:
            rows = self._select(keys)
        except sqlite3.DatabaseError:
            self._start_anew()
            return {}
        return {
            key: np.frombuffer(data, dtype="<f4")
            for key, data, checksum in rows
            if len(data) == 4 * self.dimension and zlib.crc32(data) == checksum
        }

    def put(self, vectors: Mapping[str, np.ndarray]) -> None:
        """Keep these vectors; all of them or, where the process is killed meanwhile, none."""
        rows = []
        for key, vector in vectors.items():
            data = np.ascontiguousarray(vector, dtype="<f4").tobytes()
            rows.append((key, data, zlib.crc32(data)))
        try:
            self._insert(rows)
        except sqlite3.DatabaseError:
            self._start_anew()
            self._insert(rows)

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=_BUSY_SECONDS)
        try:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, data BLOB, crc INTEGER)"
            )
        except sqlite3.DatabaseError:
            connection.close()
            raise
        return connection

    def _select(self, keys: list[str]) -> list[tuple[str, bytes, int]]:
        connection = self._connect()
        try:
            rows = []
            for start in range(0, len(keys), _CHUNK):
                some = keys[start : start + _CHUNK]
                marks = ",".join("?" * len(some))
                rows += connection.execute(
                    f"SELECT key, data, crc FROM vectors WHERE key IN ({marks})", some
                )
            return rows
        finally:
            connection.close()

    def _insert(self, rows: list[tuple[str, bytes, int]]) -> None:
        connection = self._connect()
        try:
            with connection:  # one transaction
                connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)
        finally:
            connection.close()

    def _start_anew(self) -> None:
        # Set aside, not deleted: if it was only busy or read-only, nothing is lost.
        if self.path.exists():
            self.path.replace(self.path.with_suffix(".damaged"))
