"""Asking a language model over HTTP, and reading the answer while it is written.

The protocol is "Create chat completion" of OpenAI's API reference, streamed as server-sent events.
Whatever goes wrong is an EndpointError in plain words; none holds the key.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence

from course_utils.rag.endpoint import API_KEY, BASE_URL, MODEL, Endpoint, EndpointError, Patience

LONGEST = 20_000  # characters of an answer that are read
PATIENCE = Patience()
_TOLD = 300  # characters of the server's own words that an error repeats
_LONGEST_LINE = 1_000_000
_DONE = "[DONE]"
_BROKEN = "{} broke the answer off. Ask again."
_FOREIGN = "{} sends what is no answer of an OpenAI-compatible endpoint: check OPENAI_BASE_URL."


def complete(endpoint: Endpoint, messages: Sequence[Mapping[str, str]], **options) -> str:
    """The whole answer. Options and errors are those of `stream`."""
    return "".join(stream(endpoint, messages, **options)).strip()


def stream(
    endpoint: Endpoint,
    messages: Sequence[Mapping[str, str]],
    *,
    max_tokens: int = 300,
    temperature: float = 0.0,
    patience: Patience = PATIENCE,
) -> Iterator[str]:
    """The answer of the language model, piece by piece as it comes.

    `messages` hold `role` and `content`. No tools are offered: the model can do nothing but write.
    Raises EndpointError, also in the middle of an answer.
    """
    import httpx

    address = endpoint.base_url.rstrip("/") + "/chat/completions"
    headers = {"Accept": "text/event-stream"}
    if endpoint.api_key:
        headers["Authorization"] = f"Bearer {endpoint.api_key}"
    body = {
        "model": endpoint.model,
        "messages": [dict(message) for message in messages],
        "max_tokens": max_tokens,
        "temperature": temperature,
        "stream": True,
    }
    limits = httpx.Timeout(patience.piece, connect=patience.connect)
    until = time.monotonic() + patience.whole
    try:
        # A redirect would take the key along, and a proxy has no business on this machine.
        with httpx.Client(
            timeout=limits, follow_redirects=False, trust_env=not endpoint.is_local
        ) as client:
            with client.stream("POST", address, json=body, headers=headers) as response:
                if response.status_code != 200:
                    raise EndpointError(_refusal(response, endpoint, until))
                written = 0
                for piece in _pieces(response, endpoint, until):
                    yield piece[: LONGEST - written]
                    written += len(piece)
                    if written >= LONGEST:
                        return
    except httpx.TimeoutException as error:
        waited = patience.connect if isinstance(error, httpx.ConnectTimeout) else patience.piece
        raise EndpointError(
            f"{endpoint.host} did not answer within {waited:g} s. It may be busy, or still "
            "loading its model: ask again, or wait longer (Patience)."
        ) from None
    except httpx.RemoteProtocolError:
        raise EndpointError(_BROKEN.format(endpoint.host)) from None
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise EndpointError(
            f"{endpoint.host} cannot be reached ({_scrubbed(str(error), endpoint)}). Is the "
            f"server running, and is {BASE_URL} its address?"
        ) from None


def _pieces(response, endpoint: Endpoint, until: float) -> Iterator[str]:
    """The text in the events of a stream, or of one whole answer where a server does not stream."""
    lines = _lines(response, endpoint, until)
    if "json" in response.headers.get("content-type", ""):
        yield _choice("\n".join(lines), "message", endpoint)[0]
        return
    ended = False
    for line in lines:
        name, _, value = line.partition(":")
        if name != "data":  # a blank line, a comment that keeps the line open, another field
            continue
        if value.strip() == _DONE:
            return
        piece, last = _choice(value, "delta", endpoint)
        ended = ended or last
        if piece:
            yield piece
    if not ended:
        raise EndpointError(_BROKEN.format(endpoint.host))


def _lines(response, endpoint: Endpoint, until: float) -> Iterator[str]:
    """The lines of the body. (httpx's own also break at signs that may stand inside JSON.)"""
    rest = ""
    for text in response.iter_text():
        if time.monotonic() > until:
            raise EndpointError(f"{endpoint.host} did not come to an end in time.")
        *whole, rest = (rest + text).split("\n")
        yield from (line.rstrip("\r") for line in whole)
        if len(rest) > _LONGEST_LINE:
            raise EndpointError(_FOREIGN.format(endpoint.host))
    if rest:
        yield rest


def _choice(value: str, part: str, endpoint: Endpoint) -> tuple[str, bool]:
    """The text of an event, and whether the model says that it is the last."""
    try:
        event = json.loads(value)
        if error := event.get("error"):
            said = error.get("message") if isinstance(error, dict) else error
            raise EndpointError(
                f"{endpoint.host} gave up: {_scrubbed(str(said), endpoint)[:_TOLD]}"
            )
        for choice in event["choices"]:
            text = (choice.get(part) or {}).get("content") or ""
            if not isinstance(text, str):
                raise TypeError(text)
            return text, bool(choice.get("finish_reason"))
        return "", False  # an event that only counts tokens
    except (ValueError, KeyError, TypeError, AttributeError):
        raise EndpointError(_FOREIGN.format(endpoint.host)) from None


def _refusal(response, endpoint: Endpoint, until: float) -> str:
    """What a status other than 200 means, what to do, and what the server itself says."""
    status = response.status_code
    if status in (401, 403):
        advice = f"It does not accept the key: check {API_KEY}."
    elif status == 404:
        advice = (
            f"It knows no such address or model: check {BASE_URL} (mostly it ends in /v1) and "
            f"{MODEL}={endpoint.model}."
        )
    elif status == 429:
        wait = response.headers.get("retry-after", "")
        after = f" in {wait} s" if wait.isdigit() else " later"
        advice = f"It has too much to do, or your share is used up: ask again{after}."
    elif status >= 500:
        advice = "It has a fault of its own: ask again later."
    elif status < 400:
        advice = f"It points to another address, which is not followed: correct {BASE_URL}."
    else:
        advice = "It does not accept the request; a prompt that is too long is one reason."
    told = _scrubbed(_told("\n".join(_lines(response, endpoint, until))), endpoint)[:_TOLD]
    told = f" It says: {told}" if told else ""
    return f"{endpoint.host} answered with status {status}. {advice}{told}"


def _told(body: str) -> str:
    """The message in the body of a refusal, in one line; "" where it is no JSON."""
    try:
        found = json.loads(body)
        found = found.get("error", found.get("detail", ""))
        found = found.get("message", "") if isinstance(found, dict) else found
    except (ValueError, AttributeError):
        return ""
    return " ".join(str(found).split())


def _scrubbed(text: str, endpoint: Endpoint) -> str:
    """A text of the server's without the key: some repeat it in their messages."""
    return text.replace(endpoint.api_key, "(the key)") if endpoint.api_key else text
