"""Keeps a Python process on this machine: only loopback and Unix sockets work.

Python imports a module of this name by itself when it starts. tests/conftest.py and the Makefile
put this folder on PYTHONPATH, so that the rule holds in the test process, its workers, every
notebook's kernel and every other Python that any of them starts. It is an audit hook: raised from
inside the interpreter's own socket calls, and impossible to take off again.

A refusal is an OSError, as if the network were down, and a line on stderr. Code that swallows the
error is still caught: in a notebook the line is an output that nobody stored.

It also says how often cyclic garbage is looked for: more rarely than usual, for importing PyTorch
makes a million objects that all stay, and looking through them is a fourth of the time it takes.
"""

import gc
import importlib.machinery
import importlib.util
import ipaddress
import os
import socket
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MARK = "tests/sockets"
LOCAL_NAMES = {"", "localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"}


def name_of(host: object) -> str:
    """A host, as given to the socket calls, as text; "" for none."""
    return host.decode("ascii", "replace") if isinstance(host, bytes) else str(host or "")


def address_of(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is written as, or None where it is a name."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_local(host: object) -> bool:
    """Whether a host is this machine: loopback or "any address"."""
    name = name_of(host)
    address = address_of(name)
    if address is None:
        return name.lower() in LOCAL_NAMES
    return address.is_loopback or address.is_unspecified


def needs_lookup(host: object) -> bool:
    """Whether finding the address of a host means asking another machine."""
    return address_of(name_of(host)) is None and not is_local(host)


def refuse(event: str, target: object) -> str:
    """The message of a refusal, also written to stderr."""
    message = f"{MARK}: {event} to {target!r} is refused; tests stay on this machine"
    print(message, file=sys.stderr, flush=True)
    return message


def hook(event: str, arguments: tuple) -> None:
    """The audit hook: raises for a socket call that would leave this machine."""
    if not event.startswith("socket."):
        return
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        sock, address = arguments
        if address is None or sock.family == getattr(socket, "AF_UNIX", None):
            return  # already connected (and checked then), or a Unix socket
        if sock.family not in (socket.AF_INET, socket.AF_INET6) or not is_local(address[0]):
            raise ConnectionRefusedError(refuse(event, address))
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        if needs_lookup(arguments[0]):
            raise socket.gaierror(socket.EAI_NONAME, refuse(event, arguments[0]))
    elif event in ("socket.gethostbyaddr", "socket.getnameinfo"):
        host = arguments[0][0] if isinstance(arguments[0], tuple) else arguments[0]
        if not is_local(host):
            raise socket.gaierror(socket.EAI_NONAME, refuse(event, host))


def install() -> None:
    """Put the hook in place, once a process."""
    if not getattr(sys, "course_sockets_guarded", False):
        sys.addaudithook(hook)
        sys.course_sockets_guarded = True


def run_other() -> None:
    """Run the sitecustomize that this one hides, where there is one."""
    path = [entry for entry in sys.path if os.path.abspath(entry or ".") != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", path)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


if __name__ == "sitecustomize":
    run_other()
install()
gc.set_threshold(50_000, 10, 10)  # new objects between two searches; the usual number is 700
