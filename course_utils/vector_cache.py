"""Text vectors kept on disk: one row a text, each with its own checksum, in an SQLite database.

Rows are committed batch by batch, so that a killed process loses at most the batch at work. A row
whose checksum fails counts as absent; a database that SQLite itself refuses is set aside and begun
anew. Several notebooks may use it at the same time.
"""

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import numpy as np

from course_utils import cache

Result = TypeVar("Result")
_BUSY_SECONDS = 60
_CHUNK = 500  # SQLite limits the number of parameters of a query
_ATTEMPTS = 3
# The errors that a new database cures; SQLITE_ERROR: a table with other columns. All others (busy,
# read-only, disk full, ...) are none of the file's fault.
_DAMAGE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class VectorCache:
    """Maps keys (hex strings) to float32 vectors of one length.

    Both methods raise cache.CacheUnwritable where the database cannot be used.
    """

    def __init__(self, dimension: int, path: Path | None = None):
        self.dimension = dimension
        self.path = path or cache.folder() / "vectors.sqlite"

    def get(self, keys: Iterable[str]) -> dict[str, np.ndarray]:
        """The vectors that are there, whole and of the right length; float32 `[d]` each."""
        rows = self._attempt(self._select, list(dict.fromkeys(keys)))
        return {
            key: np.frombuffer(data, dtype="<f4")
            for key, data, checksum in rows
            if data and len(data) == 4 * self.dimension and checksum == _checksum(key, data)
        }

    def put(self, vectors: Mapping[str, np.ndarray]) -> None:
        """Keep these vectors; all of them or, where the process is killed meanwhile, none."""
        rows = []
        for key, vector in vectors.items():
            data = np.ascontiguousarray(vector, dtype="<f4").tobytes()
            rows.append((key, data, _checksum(key, data)))
        self._attempt(self._insert, rows)

    def _attempt(self, action: Callable[[list], Result], rows: list) -> Result:
        """`action(rows)`; where the database turns out to be damaged, on a new one."""
        for left in reversed(range(_ATTEMPTS)):
            seen = self._file()
            try:
                return action(rows)
            except sqlite3.DatabaseError as error:
                code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
                # Whatever went wrong while another process put a new file there is worth a retry.
                if not left or (code not in _DAMAGE and self._file() == seen):
                    raise cache.CacheUnwritable(
                        f"The cache {self.path} cannot be used ({error}). End the process that "
                        "holds it, or set COURSE_CACHE to a folder that you can write to."
                    ) from error
            self._set_aside(seen)

    def _file(self) -> tuple[int, int] | None:
        """Which file stands at `path` now."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _set_aside(self, seen: tuple[int, int] | None) -> None:
        """Move the damaged file away; not the new one that another process has begun meanwhile."""
        # An empty database of its own is the lock: SQLite lets go of it when its process ends.
        lock = sqlite3.connect(self.path.with_suffix(".lock"), timeout=_BUSY_SECONDS)
        with closing(lock):
            lock.execute("BEGIN EXCLUSIVE")
            if seen is not None and self._file() == seen:
                self.path.replace(self.path.with_suffix(".damaged"))

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

    def _select(self, keys: list[str]) -> list[tuple[str, bytes | None, int | None]]:
        rows = []
        with closing(self._connect()) as connection:
            for start in range(0, len(keys), _CHUNK):
                some = keys[start : start + _CHUNK]
                # The casts are for damaged rows: SQLite keeps a value of any type in any column.
                rows += connection.execute(
                    "SELECT key, CAST(data AS BLOB), CAST(crc AS INTEGER) FROM vectors "
                    f"WHERE key IN ({','.join('?' * len(some))})",
                    some,
                )
        return rows

    def _insert(self, rows: list[tuple[str, bytes, int]]) -> None:
        with closing(self._connect()) as connection, connection:  # one transaction
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)


def _checksum(key: str, data: bytes) -> int:
    """Over both: a damaged index could lead from one key to another one's row."""
    return zlib.crc32(data, zlib.crc32(key.encode()))
