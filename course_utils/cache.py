"""What is kept between runs: computed once, verified on every read, not trusted if damaged.

A cached file is its payload followed by the SHA-256 digest of the payload (32 bytes). A file that
was cut short, edited or left by a killed process does not match its digest and counts as absent.
Writing goes to a temporary file in the same folder and then renames it: a reader sees the old file
or the new one, never half of one.

Vectors of texts are rows of one SQLite database, each with a checksum of its own. They are
committed batch by batch, so that a killed process loses at most the batch at work. A row whose
checksum fails counts as absent; a database that SQLite itself refuses is set aside and begun anew.
Several notebooks may use it at the same time.
"""

import hashlib
import os
import sqlite3
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.errors import CourseError

if TYPE_CHECKING:  # files are kept where numpy is not installed, too
    import numpy as np

DIGEST_BYTES = hashlib.sha256().digest_size
BUSY_SECONDS = 60
ATTEMPTS = 3
# The errors that a new database cures; SQLITE_ERROR: a table with other columns. All others (busy,
# read-only, disk full, ...) are none of the file's fault.
DAMAGE = (sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class CacheUnwritable(CourseError):
    """The cache folder cannot be created or written."""


def folder() -> Path:
    """The cache folder, made on demand: `$COURSE_CACHE`, or one within the user's own."""
    if chosen := os.environ.get("COURSE_CACHE"):
        path = Path(chosen).expanduser()
    else:
        home = Path.home()
        if sys.platform == "win32":
            base = os.environ.get("LOCALAPPDATA") or home / "AppData/Local"
        elif sys.platform == "darwin":
            base = home / "Library/Caches"
        else:
            base = os.environ.get("XDG_CACHE_HOME") or home / ".cache"
        path = Path(base) / "embedding-course"
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CacheUnwritable(
            f"The cache folder {path} cannot be created ({error.strerror}). "
            "Set COURSE_CACHE to a folder that you can write to."
        ) from error
    return path


def key(*parts: object) -> str:
    """SHA-256 (hex) over the parts, each framed by its length: ("ab", "c") is not ("a", "bc")."""
    digest = hashlib.sha256()
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()


def path_of(kind: str, name: str) -> Path:
    """Where the payload of this kind and name is kept, whether or not it is there."""
    return folder() / kind / name


def read(kind: str, name: str) -> bytes | None:
    """The payload, or None where it is absent or damaged."""
    try:
        data = path_of(kind, name).read_bytes()
    except OSError:
        return None
    return unsealed(data)


def write(kind: str, name: str, payload: bytes) -> Path:
    """Keep the payload; atomic, so that a process killed half-way leaves no damaged file behind."""
    path = path_of(kind, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, sealed(payload))
    except OSError as error:
        raise CacheUnwritable(
            f"The cache file {path} cannot be written ({error.strerror}). "
            "Free some space, or set COURSE_CACHE to a folder that you can write to."
        ) from error
    return path


def sealed(payload: bytes) -> bytes:
    """The payload, followed by its digest."""
    return payload + hashlib.sha256(payload).digest()


def unsealed(data: bytes) -> bytes | None:
    """The payload of what `sealed` made, or None where it is damaged."""
    payload, digest = data[:-DIGEST_BYTES], data[-DIGEST_BYTES:]
    return payload if hashlib.sha256(payload).digest() == digest else None


def replace(path: Path, data: bytes) -> None:
    """Write a file of any kind at once or not at all; its folder must be there. Raises OSError."""
    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        os.replace(temporary, path)
    finally:
        if temporary is not None and os.path.exists(temporary):
            os.unlink(temporary)


class VectorCache:
    """Maps keys (hex strings) to float32 vectors of one length.

    Both methods raise CacheUnwritable where the database cannot be used.
    """

    def __init__(self, dimension: int):
        self.dimension = dimension
        self.path = folder() / "vectors.sqlite"

    def get(self, keys: Iterable[str]) -> "dict[str, np.ndarray]":
        """The vectors that are there, whole and of the right length; float32 `[d]` each."""
        import numpy as np

        keys = list(keys)
        # The casts are for damaged rows: SQLite keeps a value of any type in any column.
        query = "SELECT CAST(data AS BLOB), CAST(crc AS INTEGER) FROM vectors WHERE key = ?"

        def select(connection: sqlite3.Connection) -> dict[str, tuple | None]:
            return {key: connection.execute(query, [key]).fetchone() for key in keys}

        found = {}
        for key, row in self._attempt(select).items():
            data, checksum = row or (None, None)
            if data and len(data) == 4 * self.dimension and checksum == _checksum(key, data):
                found[key] = np.frombuffer(data, dtype="<f4")
        return found

    def put(self, vectors: "Mapping[str, np.ndarray]") -> None:
        """Keep these vectors; all of them or, where the process is killed meanwhile, none."""
        rows = []
        for key, vector in vectors.items():
            data = vector.astype("<f4").tobytes()
            rows.append((key, data, _checksum(key, data)))

        def insert(connection: sqlite3.Connection) -> None:
            with connection:  # one transaction
                connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

        self._attempt(insert)

    def _attempt(self, action: Callable[[sqlite3.Connection], dict | None]):
        """`action(connection)`; where the database turns out to be damaged, on a new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        for left in reversed(range(ATTEMPTS)):
            seen = self._file()
            try:
                with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as connection:
                    connection.execute(
                        "CREATE TABLE IF NOT EXISTS vectors "
                        "(key TEXT PRIMARY KEY, data BLOB, crc INTEGER)"
                    )
                    return action(connection)
            except sqlite3.DatabaseError as error:
                code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
                # Whatever went wrong while another process put a new file there is worth a retry.
                if not left or (code not in DAMAGE and self._file() == seen):
                    raise CacheUnwritable(
                        f"The cache {self.path} cannot be used ({error}). End the process that "
                        "holds it, or set COURSE_CACHE to a folder that you can write to."
                    ) from error
            # Set the damaged file aside, not the new one that another process has begun meanwhile:
            # an empty database is the lock, which SQLite lets go of when its process ends.
            lock = sqlite3.connect(self.path.with_suffix(".lock"), timeout=BUSY_SECONDS)
            with closing(lock):
                lock.execute("BEGIN EXCLUSIVE")
                if seen is not None and self._file() == seen:
                    self.path.replace(self.path.with_suffix(".damaged"))

    def _file(self) -> tuple[int, int] | None:
        """Which file stands at `path` now."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino


def _checksum(key: str, data: bytes) -> int:
    """Over both: a damaged index could lead from one key to another one's row."""
    return zlib.crc32(data, zlib.crc32(key.encode()))
