"""Which language model is asked: the address of an OpenAI-compatible endpoint, and its key.

Three variables say it: `OPENAI_BASE_URL` (up to and with /v1), `OPENAI_MODEL` and `OPENAI_API_KEY`.
`chat` does the asking.
"""

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from course_utils.errors import CourseError

BASE_URL, MODEL, API_KEY = "OPENAI_BASE_URL", "OPENAI_MODEL", "OPENAI_API_KEY"
ALLOW_HTTP = "COURSE_ALLOW_PLAIN_HTTP"  # set to 1: a key may go over an unencrypted connection


class EndpointError(CourseError):
    """The endpoint is not set up, cannot be reached, refuses, or does not speak the protocol."""


@dataclass(frozen=True)
class Endpoint:
    """Where a language model answers. `api_key` may be "" only on this machine.

    Raises EndpointError for an address that is none, that holds a password, or that would send the
    key unencrypted to another machine, and for a key that cannot be one.
    """

    base_url: str
    model: str
    api_key: str = field(default="", repr=False)
    allow_http: bool = False

    def __post_init__(self):
        try:
            parts = urlsplit(self.base_url)
            parts.port  # noqa: B018 - raises where it is no number
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise EndpointError(
                f"{BASE_URL} is no address of a server. It looks like https://example.org/v1."
            )
        if parts.username or parts.password:
            raise EndpointError(
                f"{BASE_URL} holds a user name or a password. Leave them out; the key goes into "
                f"{API_KEY}."
            )
        if not (self.api_key.isascii() and self.api_key.isprintable() and " " not in self.api_key):
            raise EndpointError(f"{API_KEY} holds blanks or signs that no key has: copy it again.")
        unencrypted = parts.scheme == "http" and not self.is_local
        if unencrypted and self.api_key and not self.allow_http:
            raise EndpointError(
                f"The key would go to {parts.hostname} unencrypted, for anybody on the way to "
                f"read. Use https in {BASE_URL}; or, where you trust that network, set "
                f"{ALLOW_HTTP}=1."
            )

    @property
    def host(self) -> str:
        """The server's name, and its port where the address has one."""
        return urlsplit(self.base_url).netloc

    @property
    def is_local(self) -> bool:
        """Whether the server is on this machine."""
        host = urlsplit(self.base_url).hostname
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


@dataclass(frozen=True)
class Patience:
    """Seconds that are waited: to connect, for the next piece of an answer, and for all of it."""

    connect: float = 10.0
    piece: float = 60.0
    whole: float = 300.0


def is_set_up(environ: Mapping[str, str] | None = None) -> bool:
    """Whether an endpoint's address and model are named."""
    environ = os.environ if environ is None else environ
    return all(environ.get(name, "").strip() for name in (BASE_URL, MODEL))


def from_environment(environ: Mapping[str, str] | None = None) -> Endpoint:
    """The endpoint that the three variables describe.

    Raises EndpointError, which names those that are missing; a server on this machine needs no key.
    """
    environ = os.environ if environ is None else environ
    url, model, key = (environ.get(name, "").strip() for name in (BASE_URL, MODEL, API_KEY))
    missing = [name for name, value in ((BASE_URL, url), (MODEL, model)) if not value]
    if not missing:
        endpoint = Endpoint(url, model, key, environ.get(ALLOW_HTTP, "") == "1")
        if key or endpoint.is_local:
            return endpoint
        missing = [API_KEY]
    raise EndpointError(
        f"No language model is set up: {', '.join(missing)} "
        f"{'is' if len(missing) == 1 else 'are'} missing. Set {BASE_URL} (such as "
        f"https://example.org/v1), {MODEL} and {API_KEY} before you start Python; or use the "
        "extractive answerer, which needs none of them."
    )
