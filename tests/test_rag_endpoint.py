"""The language model behind an endpoint: a real server with a tiny model, and servers that fail.

The real one is `transformers serve`, a process of its own on loopback, with a Llama of random
weights that is built here.
"""

import json
import re
import socket
import subprocess
import sys
import threading

import pytest
import torch

from course_utils import rag, retrieval
from course_utils.rag import chat
from course_utils.rag.endpoint import ALLOW_HTTP, API_KEY, BASE_URL, MODEL, Endpoint, EndpointError
from tests.chat_server import DONE, JSON, canned, event
from tests.rag_entries import QUESTION, UNRELATED, entries

KEY = "sk-a-key-that-nobody-must-see"
MESSAGES = [
    {"role": "system", "content": "w1 w2 w3"},
    {"role": "user", "content": "w4 w5"},
]
RULE = rag.Rule("dual encoder", 0.3)
WORDS = 60


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The folder of a Llama with random weights, the model and its tokenizer."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<unk>", "<s>", "</s>", *(f"w{number}" for number in range(WORDS))]
    plain = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, "<unk>"))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, **special)
    tokenizer.chat_template = (
        "{% for m in messages %}{{ m['role'] }} : {{ m['content'] }}\n{% endfor %}assistant :"
    )
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = LlamaForCausalLM(config).eval()
    folder = tmp_path_factory.mktemp("llama")
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder, model, tokenizer


@pytest.fixture(scope="module")
def served(tiny):
    """`transformers serve` with the tiny model, at a free port: an Endpoint."""
    folder, _, _ = tiny
    command = "import sys; from transformers.cli.transformers import main; sys.exit(main())"
    options = ["--host", "127.0.0.1", "--port", "0", "--device", "cpu"]
    process = subprocess.Popen(
        [sys.executable, "-c", command, "serve", str(folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    limit = threading.Timer(100, process.kill)  # then its output ends, and so does the loop below
    limit.start()
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if found := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
                break
        else:
            pytest.fail("transformers serve did not start:\n" + "".join(said[-30:]))
        reader = threading.Thread(target=process.stdout.read)  # so that its output finds a way out
        reader.start()
        yield Endpoint(found[1] + "/v1", str(folder))
    finally:
        limit.cancel()
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    reader.join()
    process.stdout.close()


@pytest.fixture
def server():
    with canned() as state:
        yield state


def told(server, **options) -> str:
    """What asking the canned server gives."""
    return rag.complete(Endpoint(server.address, "m", KEY), MESSAGES, **options)


def error_of(server, **options) -> str:
    with pytest.raises(EndpointError) as caught:
        told(server, **options)
    assert KEY not in repr(caught.getrepr(showlocals=False, style="short"))
    return str(caught.value)


# --- a real server ---------------------------------------------------------------------------


def greedy(tiny, messages, new: int) -> str:
    """What the model itself writes after these messages."""
    _, model, tokenizer = tiny
    asked = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.inference_mode():
        written = model.generate(**asked, max_new_tokens=new, do_sample=False, pad_token_id=2)
    return tokenizer.decode(written[0, asked["input_ids"].shape[1] :], skip_special_tokens=True)


def test_a_real_server_is_asked_and_says_what_its_model_writes(tiny, served):
    other = [MESSAGES[0], {"role": "user", "content": "w9 w9 w7 w30"}]
    found = [rag.complete(served, messages, max_tokens=12) for messages in (MESSAGES, other)]
    assert found == [greedy(tiny, MESSAGES, 12), greedy(tiny, other, 12)]
    assert found[0] != found[1] and len(found[0].split()) == 12


def test_the_answer_of_a_real_server_comes_in_pieces(served):
    pieces = list(rag.stream(served, MESSAGES, max_tokens=6))
    assert len(pieces) >= 3
    assert "".join(pieces).strip() == rag.complete(served, MESSAGES, max_tokens=6)


def test_a_real_server_that_does_not_know_the_model_is_understood(served):
    with pytest.raises(EndpointError, match=r"status 4\d\d.*It says: .*another-model"):
        rag.complete(Endpoint(served.base_url, "another-model"), MESSAGES)


def test_the_whole_way_with_a_real_server(served, monkeypatch):
    """Random weights know no sources: what they write is read to its end, and not passed on."""
    monkeypatch.setenv(BASE_URL, served.base_url)
    monkeypatch.setenv(MODEL, served.model)
    monkeypatch.delenv(API_KEY, raising=False)
    pieces = []
    index = retrieval.build(entries(), progress=False)
    found = rag.answer(QUESTION, index=index, by=RULE, generator="endpoint", on_piece=pieces.append)
    assert len(pieces) > 3 and not re.search(r"\[\d\]", "".join(pieces))
    assert found.abstained and found.text == rag.NOT_FOUND and found.generator == "endpoint"
    assert found.reason == "the language model's answer names none of the sources"


# --- what is sent, and what can be read ------------------------------------------------------


def test_what_is_sent(server):
    server.says("Yes.")
    assert told(server, max_tokens=7) == "Yes."
    ((path, headers, body),) = server.asked
    assert path == "/v1/chat/completions" and headers["Authorization"] == f"Bearer {KEY}"
    assert body == {
        "model": "m",
        "messages": MESSAGES,
        "max_tokens": 7,
        "temperature": 0.0,
        "stream": True,
    }


def test_without_a_key_none_is_sent(server):
    server.says("Yes.")
    assert rag.complete(Endpoint(server.address, "m"), MESSAGES) == "Yes."
    assert "Authorization" not in server.asked[0][1]


NON_ASCII = (
    event("Größe ≤ 3 — ok").replace(b"\\u00f6", "ö".encode()).replace(b"\\u2264", "≤".encode())
)


@pytest.mark.parametrize(
    "pieces, wanted",
    [
        ([event("a"), event(" b"), DONE], "a b"),
        ([event("a"), event(None, "stop")], "a"),  # without [DONE], as transformers serve does it
        ([b": wait\n\n", b"event: x\nid: 3\n", event("a", "stop")], "a"),
        ([event("a").replace(b"\n", b"\r\n"), DONE.replace(b"\n", b"\r\n")], "a"),
        ([event("a").replace(b"data: ", b"data:"), b"data:[DONE]\n\n"], "a"),
        ([event("a"), b'data: {"choices": [], "usage": {}}\n\n', DONE], "a"),
        ([event("a"), b'data: {"choices": [{"delta": {"content": null}}]}\n\n', DONE], "a"),
        ([NON_ASCII[:40], NON_ASCII[40:], DONE], "Größe ≤ 3 — ok"),
        ([bytes([byte]) for byte in NON_ASCII] + [DONE], "Größe ≤ 3 — ok"),
        ([event("a\u2028b").replace(b"\\u2028", "\u2028".encode()), DONE], "a\u2028b"),
        ([event("a"), event(None, "length")[:-2]], "a"),  # the last line is not ended
    ],
)
def test_streams_that_can_be_read(server, pieces, wanted):
    server.pieces = pieces
    assert told(server) == wanted


def test_a_server_that_does_not_stream_is_read_as_well(server):
    server.headers = JSON
    body = {"choices": [{"message": {"content": "All\nat once."}, "finish_reason": "stop"}]}
    server.pieces = [json.dumps(body, indent=1).encode()]
    assert told(server) == "All\nat once."


def test_an_answer_without_end_is_cut(server):
    server.pieces, server.forever = [event("again and again ")], True
    assert len(told(server)) in range(chat.LONGEST - 1, chat.LONGEST + 1)


# --- what can go wrong -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "status, headers, message",
    [
        (401, {}, "does not accept the key: check OPENAI_API_KEY"),
        (403, {}, "does not accept the key"),
        (404, {}, "check OPENAI_BASE_URL .* and OPENAI_MODEL=m"),
        (429, {"Retry-After": "20"}, "ask again in 20 s"),
        (429, {"Retry-After": "<script>"}, "ask again later"),
        (500, {}, "fault of its own"),
        (503, {}, "fault of its own"),
        (400, {}, "does not accept the request"),
        (418, {}, "does not accept the request"),
        (204, {}, "status 204"),
    ],
)
def test_each_status_has_its_own_advice(server, status, headers, message):
    server.status, server.headers = status, {**JSON, **headers}
    if status != 204:
        server.pieces = [json.dumps({"error": {"message": f"no, {KEY}, never"}}).encode()]
    said = error_of(server)
    assert re.search(message, said) and f"status {status}" in said
    assert status == 204 or "It says: no, (the key), never" in said


@pytest.mark.parametrize(
    "body", [b"", b"<html>gone</html>", b"[1]", b'{"error": null}', b"\xff\xfe"]
)
def test_a_refusal_with_any_body_is_told(server, body):
    server.status, server.pieces = 500, [body]
    assert "status 500" in error_of(server)


def test_a_redirect_is_not_followed(server):
    with canned() as other:
        server.status, server.headers = 307, {"Location": f"{other.address}/chat/completions"}
        assert "points to another address" in error_of(server)
        assert other.asked == []


@pytest.mark.parametrize(
    "pieces, message",
    [
        ([event("a")], "broke the answer off"),
        ([], "broke the answer off"),
        ([b"<html>Welcome</html>"], "broke the answer off"),
        ([b"data: {not json\n\n"], "no answer of an OpenAI-compatible endpoint"),
        ([b"data: 5\n\n"], "no answer of an OpenAI"),
        ([b'data: {"result": "a"}\n\n'], "no answer of an OpenAI"),
        ([b'data: {"choices": [{"delta": {"content": 5}}]}\n\n'], "no answer of an OpenAI"),
        ([event("a"), b'data: {"error": {"message": "out of memory"}}\n\n'], "gave up: out of mem"),
        ([event("a"), b'data: {"error": "bad ' + KEY.encode() + b'"}\n\n'], "bad .the key."),
    ],
)
def test_streams_that_cannot_be_read(server, pieces, message):
    server.pieces = pieces
    assert re.search(message, error_of(server))


def test_a_connection_that_breaks_in_the_middle_is_told(server):
    server.pieces, server.announced = [event("a")], 10_000
    assert "broke the answer off" in error_of(server)


def test_a_body_that_is_no_answer_is_told(server):
    server.headers, server.pieces = JSON, [b'{"choices": "none"}']
    assert "no answer of an OpenAI" in error_of(server)


def test_a_line_without_end_is_given_up(server):
    server.pieces, server.forever = [b"data: " + b"x" * 60_000], True
    assert "no answer of an OpenAI" in error_of(server)


def test_a_server_that_says_nothing_is_given_up(server):
    server.pieces = [None]
    said = error_of(server, patience=rag.Patience(piece=0.2))
    assert "did not answer within 0.2 s" in said and server.asked


def test_a_server_that_stops_in_the_middle_is_given_up(server):
    server.pieces = [event("a"), None]
    pieces = rag.stream(Endpoint(server.address, "m"), MESSAGES, patience=rag.Patience(piece=0.2))
    assert next(pieces) == "a"
    with pytest.raises(EndpointError, match="did not answer within"):
        next(pieces)


def test_a_server_that_never_comes_to_an_end_is_given_up(server):
    server.pieces, server.forever = [b": still there\n"], True
    assert "to an end in time" in error_of(server, patience=rag.Patience(whole=0.2))


def test_a_server_that_is_not_there_is_told():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(EndpointError, match="cannot be reached .*Is the server running"):
        rag.complete(Endpoint(address, "m", KEY), MESSAGES)


def test_another_machine_that_cannot_be_reached_is_told():
    with pytest.raises(EndpointError, match=r"example\.invalid cannot be reached"):
        rag.complete(Endpoint("https://example.invalid/v1", "m", KEY), MESSAGES)


# --- the three variables ---------------------------------------------------------------------

ALL = {BASE_URL: "https://example.org/v1", MODEL: "m", API_KEY: KEY}


def test_the_three_variables():
    found = rag.from_environment(ALL)
    assert (found.base_url, found.model, found.api_key) == tuple(ALL.values())
    assert KEY not in repr(found) and rag.is_set_up(ALL)


@pytest.mark.parametrize(
    "missing", [(BASE_URL,), (MODEL,), (API_KEY,), (BASE_URL, MODEL), tuple(ALL)]
)
def test_what_is_missing_is_named(missing):
    some = {name: value for name, value in ALL.items() if name not in missing}
    wanted = ", ".join(name for name in missing if name != API_KEY) or API_KEY
    with pytest.raises(EndpointError, match=f"{wanted} (is|are) missing.*extractive answerer"):
        rag.from_environment(some)
    assert rag.is_set_up(some) == (missing == (API_KEY,))


@pytest.mark.parametrize("host", ["127.0.0.1:1234", "localhost", "[::1]:80"])
def test_a_server_on_this_machine_needs_no_key_and_no_encryption(host):
    found = rag.from_environment({BASE_URL: f"http://{host}/v1", MODEL: "m"})
    assert found.is_local and found.api_key == ""
    assert Endpoint(f"http://{host}/v1", "m", KEY).is_local


@pytest.mark.parametrize("host", ["example.org", "192.0.2.7", "localhost.example.org"])
def test_a_key_goes_to_no_other_machine_unencrypted(host):
    some = {**ALL, BASE_URL: f"http://{host}/v1"}
    with pytest.raises(EndpointError, match=f"unencrypted.*https.*{ALLOW_HTTP}=1"):
        rag.from_environment(some)
    assert not rag.from_environment({**some, ALLOW_HTTP: "1"}).is_local


@pytest.mark.parametrize(
    "url, key, message",
    [
        ("example.org/v1", KEY, "no address of a server"),
        ("ftp://example.org", KEY, "no address of a server"),
        ("https://example.org:port/v1", KEY, "no address of a server"),
        ("https://[::1/v1", KEY, "no address of a server"),
        (f"https://me:{KEY}@example.org/v1", "", "holds a user name or a password"),
        ("https://example.org/v1", f"{KEY}\n{KEY}", "holds blanks or signs"),
        ("https://example.org/v1", f"{KEY}…", "holds blanks or signs"),
    ],
)
def test_an_address_or_a_key_that_cannot_be_one_is_refused(url, key, message):
    with pytest.raises(EndpointError, match=message) as caught:
        Endpoint(url, "m", key)
    assert KEY not in str(caught.value)


def test_nobody_is_asked_where_support_is_low_or_nothing_is_set_up(server, monkeypatch):
    index = retrieval.build(entries(), progress=False)
    at = Endpoint(server.address, "m")
    found = rag.answer(UNRELATED, index=index, by=RULE, generator="endpoint", at=at)
    assert found.abstained and server.asked == []
    for name in ALL:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(EndpointError, match="No language model is set up"):
        rag.answer(QUESTION, index=index, by=RULE, generator="endpoint")
