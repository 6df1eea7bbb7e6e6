"""Files worth keeping between runs: computed once, verified on every read, not trusted if damaged.

A cached file is its payload followed by the SHA-256 digest of the payload (32 bytes). A file that
was cut short, edited or left by a killed process does not match its digest and counts as absent.
Writing goes to a temporary file in the same folder and then renames it: a reader sees the old file
or the new one, never half of one.
"""

import hashlib
import os
import sys
import tempfile
from pathlib import Path

from course_utils.errors import CourseError

DIGEST_BYTES = hashlib.sha256().digest_size


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
