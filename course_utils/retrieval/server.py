"""A Milvus server on this machine, as a process of its own: the store behind an address.

`milvus-lite server` has two limits that matter as soon as several processes write. It does not
guard its engine against two writes at once, so this one answers one request at a time; and it
lets anybody in, whatever the token, so this one looks at the token, as a cluster does, before the
store sees a request. Run it by hand with

    python -m course_utils.retrieval.server FOLDER --port 19530 --token SECRET

It listens on loopback only, and ends with its standard input: when the process that started it is
gone, so is the server, and the folder is free.
"""

import argparse
import base64
import hmac
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile

from course_utils.errors import BadInput
from course_utils.retrieval.connection import StoreError, StoreLocked, quiet

_TOKEN = "COURSE_STORE_TOKEN"  # noqa: S105 - not in the arguments, which all users can list
_READY, _LOCKED = "ready on port ", 3
_MODULE = "course_utils.retrieval.server"  # and not __name__, which can be "__main__"
_ROOT = Path(__file__).resolve().parents[2]


class Server:
    """A server of the store in `folder`; a context manager. `uri` is its address.

    `port` 0 takes a free one; stop() and start() keep it. `token` is what clients have to give; ""
    lets all in. Raises StoreLocked where another process has the folder, StoreError where the
    server does not start.
    """

    def __init__(self, folder: str | Path, token: str = "", port: int = 0):
        if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port <= 65_535:
            raise BadInput(f"A port is a whole number from 0 to 65,535: not {port!r}.")
        self.folder, self.token, self.port = Path(folder).expanduser().resolve(), token, port
        self._process: subprocess.Popen | None = None
        self.start()

    @property
    def uri(self) -> str:
        """The address for VectorStore."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it answers. Does nothing where it runs."""
        if self._process is not None:
            return
        path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(_ROOT)]))
        with TemporaryFile("w+", encoding="utf-8") as reports:  # a pipe that nobody reads fills up
            process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, str(self.folder), "--port", str(self.port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=reports,
                text=True,
                env=os.environ | {_TOKEN: self.token, "PYTHONPATH": path},
            )
            line = process.stdout.readline()
            if not line.startswith(_READY):
                process.communicate()
                if process.returncode == _LOCKED:
                    raise StoreLocked(f"Another process has the store {self.folder} open.")
                reports.seek(0)
                said = reports.read().strip().splitlines() or [f"status {process.returncode}"]
                raise StoreError(f"The server on {self.folder} does not start: {said[-1]}")
        self._process, self.port = process, int(line.removeprefix(_READY))

    def stop(self) -> None:
        """Let it write everything down and end. Does nothing where it does not run."""
        process, self._process = self._process, None
        if process is not None:
            process.communicate()  # closes its standard input, and waits

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self.stop()


def serve(folder: str, port: int = 0, token: str = "") -> None:
    """Serve the store until standard input ends. Prints the port once it answers."""
    from concurrent.futures import ThreadPoolExecutor

    import grpc
    from milvus_lite.adapter.grpc.servicer import MilvusServicer
    from milvus_lite.db import MilvusLite
    from pymilvus.grpc_gen import milvus_pb2_grpc

    engine = MilvusLite(folder)
    try:
        server = grpc.server(
            ThreadPoolExecutor(max_workers=1),
            interceptors=[_guard(token)] if token else [],
            options=[
                ("grpc.max_receive_message_length", -1),
                ("grpc.so_reuseport", 0),
                ("grpc.http2.max_ping_strikes", 0),  # a client may ask whether it is there
            ],
        )
        milvus_pb2_grpc.add_MilvusServiceServicer_to_server(MilvusServicer(engine), server)
        port = server.add_insecure_port(f"127.0.0.1:{port}")
        server.start()
        print(f"{_READY}{port}", flush=True)
        try:
            sys.stdin.read()
        except KeyboardInterrupt:
            pass
        server.stop(grace=5).wait()
    finally:
        engine.close()


def _guard(token: str):
    """What looks at the token of each request: a server's interceptor of grpc.

    A client sends "authorization: base64(token)"; the status is what a Milvus cluster answers.
    """
    import grpc

    wanted = base64.b64encode(token.encode())

    def refuse(_request, context):
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "auth check failure: wrong token")

    class Guard(grpc.ServerInterceptor):
        def intercept_service(self, continuation, details):
            for name, value in details.invocation_metadata:
                value = value if isinstance(value, bytes) else value.encode()
                if name == "authorization" and hmac.compare_digest(value, wanted):
                    return continuation(details)
            return grpc.unary_unary_rpc_method_handler(refuse)

    return Guard()


def main(arguments: list[str] | None = None) -> int:
    """The command line. Returns its exit status."""
    parser = argparse.ArgumentParser("python -m course_utils.retrieval.server")
    parser.add_argument("folder", help="where the store is, or will be")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument(
        "--token", default=os.environ.get(_TOKEN, ""), help="what clients must give"
    )
    given = parser.parse_args(arguments)
    with quiet():
        from milvus_lite.exceptions import DataDirLockedError

        try:
            serve(given.folder, given.port, given.token)
        except DataDirLockedError as problem:
            print(problem, file=sys.stderr)
            return _LOCKED
    return 0


if __name__ == "__main__":
    sys.exit(main())
