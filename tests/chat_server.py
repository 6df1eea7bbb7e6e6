"""Servers on loopback that the tests of the endpoint ask: one that says what it is told to say."""

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STREAM = {"Content-Type": "text/event-stream"}
JSON = {"Content-Type": "application/json"}


def event(text: str | None, finished: str | None = None) -> bytes:
    """An event of a stream, as the protocol has it."""
    delta = {} if text is None else {"content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finished}
    return b"data: " + json.dumps({"choices": [choice]}).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


@dataclass
class Canned:
    """What the server says next, and what it was asked.

    `pieces` are sent one by one; where one of them is None, the server waits until the test ends.
    `announced` is a length that the server promises, whatever it sends. `forever` repeats the last
    piece until the other side has had enough.
    """

    address: str = ""
    status: int = 200
    headers: dict = field(default_factory=lambda: dict(STREAM))
    pieces: list = field(default_factory=list)
    announced: int | None = None
    forever: bool = False
    asked: list = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def says(self, *texts: str) -> None:
        """An answer in so many pieces, streamed to its end."""
        self.pieces = [*map(event, texts), event(None, "stop"), DONE]


@contextmanager
def canned():
    """A server in a thread of its own, at a free port."""
    state = Canned()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            state.asked.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            if state.announced is not None:
                self.send_header("Content-Length", str(state.announced))
            self.end_headers()
            try:
                for piece in state.pieces:
                    if piece is None:
                        state.ended.wait(30)
                        return
                    self.wfile.write(piece)
                    self.wfile.flush()
                while state.forever and not state.ended.is_set():
                    self.wfile.write(state.pieces[-1])
            except (BrokenPipeError, ConnectionResetError):
                pass  # the other side has had enough

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.address = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield state
    finally:
        state.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
