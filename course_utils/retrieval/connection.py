"""A connection to a Milvus store: a folder of this machine, or a server or cluster by its address.

The client library is the same for both. What differs is what can go wrong: a folder belongs to one
process at a time, and a server may be away, or refuse us. Each has an error of its own here, with
what to do about it; the libraries' own reports stay off the screen.
"""

import contextlib
import logging
import os
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from course_utils.errors import BadInput, CourseError

SECONDS = 30.0  # how long one call may take
_SCHEMES = ("http", "https", "tcp")
_NOT_LOADED = 101  # Milvus' number for it


class StoreError(CourseError):
    """The store could not do what it was asked to; the message says why."""


class StoreLocked(StoreError):
    """Another process has the folder open."""


class StoreUnreachable(StoreError):
    """No server answers at the address."""


class StoreRefused(StoreError):
    """The server does not accept the token."""


class StoreMismatch(StoreError):
    """The collection was made with other settings than those asked for."""


class StoreNotLoaded(StoreError):
    """The server was started again and has not loaded the collection yet. VectorStore does it."""


class Connection:
    """A client of the store at `uri`, made at the first call and made anew when it was lost.

    Calls raise StoreError or one of its kinds; BadInput for an address that cannot be one.
    """

    def __init__(self, uri: str | Path, token: str = "", seconds: float = SECONDS):
        self.remote = is_address(uri)
        self.place = shown(uri) if self.remote else str(Path(uri).expanduser().resolve())
        self._uri, self._token, self._seconds = str(uri), token, seconds
        self._client = self._release = None
        self._closed = False

    def call(self, method: str, *arguments, **named):
        """Call a method of pymilvus' `MilvusClient`; its result."""
        if self._closed:
            raise StoreError(f"This store is closed ({self.place}): make a new VectorStore.")
        with quiet():
            try:
                if self._client is None:
                    self._client = self._connected()
                return getattr(self._client, method)(*arguments, timeout=self._seconds, **named)
            except CourseError:
                raise
            except Exception as problem:
                error = self._ours(problem)
                if isinstance(error, StoreUnreachable | StoreRefused):
                    self._disconnect()  # the next call begins again from the start
                raise error from problem

    def close(self) -> None:
        """Let go of the client, and of the folder and its lock. A second time does nothing."""
        self._closed = True
        with quiet():
            self._disconnect()
            if self._release is not None:
                self._release()

    def _connected(self):
        from pymilvus import MilvusClient

        address = self._uri
        if not self.remote:
            folder = Path(self.place)
            if self._release is None:
                _open(folder)
                # Also where nobody closes it: a notebook's cell that is run again forgets the
                # store that it made before. Not at the end of the process, which frees the lock.
                self._release = weakref.finalize(self, _close, folder)
                self._release.atexit = False
            address = f"http://127.0.0.1:{_folders[folder].port}"
        # One of our own, not shared by address: a port may come to belong to another server.
        return MilvusClient(
            address,
            token=self._token,
            timeout=min(self._seconds, 10.0),
            dedicated=True,
            # By default it asks an idle server so often whether it is there that milvus-lite
            # hangs up, and gRPC writes that to stderr.
            grpc_options={"grpc.keepalive_time_ms": 600_000},
        )

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):  # the connection may be gone already
                client.close()

    def _ours(self, problem: Exception) -> StoreError:
        """The error of ours for one of the client library's."""
        status, text = _status(problem), str(getattr(problem, "message", "") or problem).strip()
        if status in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            given = "this token" if self._token else "a client without a token"
            return StoreRefused(
                f"The server at {self.place} does not accept {given}. Ask whoever runs it for the "
                "right one, and pass it: VectorStore(uri, token=...)."
            )
        if status == "UNAVAILABLE":
            return StoreUnreachable(
                f"No Milvus server answers at {self.place}. Is it running, and is the address "
                "right? This store works again as soon as the server does."
            )
        if status == "DEADLINE_EXCEEDED":
            return StoreUnreachable(
                f"The server at {self.place} did not answer within {self._seconds:g} seconds. "
                "It may be overloaded, or the network slow: try again."
            )
        if getattr(problem, "code", None) == _NOT_LOADED:
            return StoreNotLoaded(f"The store at {self.place} has not loaded the collection.")
        return StoreError(f"The store at {self.place} reports: {text or type(problem).__name__}")


def is_address(uri: str | Path) -> bool:
    """Whether `uri` is a server's address, and not a folder.

    Raises BadInput for an address of an unknown kind, and for neither text nor path.
    """
    if isinstance(uri, Path):
        return False
    if not isinstance(uri, str) or not uri.strip():
        raise BadInput(f"A store is a folder or an address like http://host:19530, not {uri!r}.")
    scheme, found, _ = uri.partition("://")
    if found and (scheme.lower() not in _SCHEMES or not urlsplit(uri).hostname):
        raise BadInput(f"A server's address is like http://host:19530 ({', '.join(_SCHEMES)}).")
    return bool(found)


def shown(uri: str) -> str:
    """An address without the user and password that may be in it. Raises BadInput for its port."""
    parts = urlsplit(uri)
    try:
        port = parts.port
    except ValueError:
        raise BadInput("The port of an address is a number up to 65535.") from None
    return f"{parts.scheme}://{parts.hostname}" + (f":{port}" if port else "")


@contextlib.contextmanager
def quiet():
    """Keep the client and the store from writing their own reports of errors that we raise."""
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")  # read when grpc is first imported
    loggers = [logging.getLogger(name) for name in ("pymilvus", "milvus_lite", "grpc")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


@dataclass
class _Folder:
    """A folder that this process has open: its engine, served on loopback to our own clients."""

    server: object
    engine: object
    port: int
    users: int = 1


_folders: dict[Path, _Folder] = {}
_guard = threading.RLock()  # re-entrant: `_close` may be called while garbage is collected


def _open(folder: Path) -> None:
    """Open a folder, or count one more user of it. Raises StoreLocked, StoreError and BadInput."""
    from milvus_lite.adapter.grpc.server import start_server_in_thread
    from milvus_lite.exceptions import DataDirLockedError

    with _guard:
        if folder in _folders:
            _folders[folder].users += 1
            return
        if folder.exists() and not folder.is_dir():
            raise BadInput(f"{folder} is a file; a store is a folder.")
        try:
            # One worker: the engine does not guard itself against two writes at the same time.
            server, engine, port = start_server_in_thread(str(folder), max_workers=1)
        except DataDirLockedError:
            raise StoreLocked(
                f"Another process has the store {folder} open: a notebook whose kernel is still "
                "running, say. Close it there (store.close(), or shut that kernel down), or use "
                "another folder."
            ) from None
        except OSError as problem:
            raise StoreError(f"The folder {folder} cannot be opened: {problem}.") from problem
        _folders[folder] = _Folder(server, engine, port)


def _close(folder: Path) -> None:
    """Count one user less; after the last one, write everything down and give up the lock."""
    with _guard:
        held = _folders[folder]
        held.users -= 1
        if held.users:
            return
        del _folders[folder]
        try:
            held.server.stop(grace=2).wait()
        finally:
            held.engine.close()


def _status(problem: BaseException | None) -> str:
    """The name of the gRPC status behind an error of the client library; "" if there is none."""
    seen = []
    while problem is not None and problem not in seen:  # pymilvus raises errors from themselves
        code = getattr(problem, "code", None)
        code = code() if callable(code) else code
        if hasattr(code, "name"):
            return code.name
        seen.append(problem)
        cause = problem.__cause__
        problem = problem.__context__ if cause is None or cause in seen else cause
    return ""
