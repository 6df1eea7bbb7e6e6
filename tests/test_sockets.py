"""The network rule of the tests (tests/sockets): this machine only, in every process."""

import asyncio
import socket
import subprocess
import sys

import pytest

OUTSIDE = "192.0.2.1"  # reserved for documentation (RFC 5737): never anybody's machine


def dial(host: str, port: int = 9) -> None:
    with socket.socket() as sock:
        sock.settimeout(2)
        sock.connect((host, port))


@pytest.mark.parametrize(
    "attempt",
    [
        lambda: dial(OUTSIDE),
        lambda: socket.create_connection((OUTSIDE, 9), timeout=2),
        lambda: socket.socket().connect_ex((OUTSIDE, 9)),
        lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (OUTSIDE, 9)),
        lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", ("2001:db8::1", 9)),
        lambda: socket.getaddrinfo("example.org", 443),
        lambda: socket.gethostbyname("example.org"),
        lambda: socket.gethostbyaddr(OUTSIDE),
        lambda: asyncio.run(asyncio.open_connection("example.org", 443)),
    ],
)
def test_the_outside_is_refused_here(attempt, capsys):
    with pytest.raises(OSError, match="tests stay on this machine"):
        attempt()
    assert "tests/sockets:" in capsys.readouterr().err  # seen even where the error is swallowed


@pytest.mark.parametrize("family, host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, "")])
def test_loopback_works(family, host):
    with socket.create_server((host or "0.0.0.0", 0), family=family) as server:
        with socket.create_connection(("localhost", server.getsockname()[1]), timeout=5) as client:
            client.sendall(b"hello")
            peer, _ = server.accept()
            with peer:
                assert peer.recv(5) == b"hello"


TRY = f"import socket; socket.create_connection(({OUTSIDE!r}, 9), timeout=2)"
NESTED = (
    f"import subprocess, sys; subprocess.run([sys.executable, '-c', {TRY!r}]).check_returncode()"
)


@pytest.mark.parametrize("code", [TRY, NESTED], ids=["child", "grandchild"])
def test_the_outside_is_refused_in_processes_started_here(code):
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    assert "ConnectionRefusedError" in run.stderr
    assert "tests/sockets: socket.connect to" in run.stderr
