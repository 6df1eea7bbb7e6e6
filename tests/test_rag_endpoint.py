"""`ask` of the notebook on answers to trust: a real server, and servers that fail.

The real one is `transformers serve`, a process of its own on loopback, with a Llama of random
weights that is built here. The code is that of the notebook's cells.
"""

import json
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import nbformat
import pytest

from tests.helpers import ROOT

NOTEBOOK = ROOT / "notebooks/deeper/L5_answers_you_can_trust.ipynb"
CELLS = {cell.id: cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells}
KEY = "sk-a-key-that-nobody-must-see"
VARIABLES = ("OPENAI_BASE_URL", "OPENAI_MODEL", "OPENAI_API_KEY")


@pytest.fixture(scope="module")
def cells():
    """The names that the notebook's cells about the endpoint define."""
    names = {}
    for cell in ("imports", "endpoint-sentences", "endpoint-ask"):
        exec(CELLS[cell], names)
    return SimpleNamespace(**names)


# --- a real server ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The folder of a Llama with random weights that knows sixty words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    words = ["<unk>", "<s>", "</s>", *(f"w{number}" for number in range(60))]
    plain = Tokenizer(models.WordLevel({word: n for n, word in enumerate(words)}, "<unk>"))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, **special)
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'] }}\n{% endfor %}"
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        bos_token_id=1,
        eos_token_id=2,
    )
    folder = tmp_path_factory.mktemp("llama")
    LlamaForCausalLM(config).eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def served(tiny):
    """The address of `transformers serve` with the tiny model."""
    command = "import sys; from transformers.cli.transformers import main; sys.exit(main())"
    options = ["--host", "127.0.0.1", "--port", "0", "--device", "cpu"]
    process = subprocess.Popen(
        [sys.executable, "-c", command, "serve", tiny, *options],
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
        yield found[1] + "/v1"
    finally:
        limit.cancel()
        process.terminate()
        process.wait(20)
    reader.join()
    process.stdout.close()


def test_a_real_server_answers(cells, tiny, served):
    answer = cells.ask("w4 w5", served, tiny, "none")
    assert re.fullmatch(r"(w\d+|<unk>)( (w\d+|<unk>))*", answer.strip())


def test_the_notebook_asks_the_server_of_the_environment(tiny, served, monkeypatch, capsys):
    for name, value in zip(VARIABLES, (served, tiny, KEY), strict=True):
        monkeypatch.setenv(name, value)
    assert re.fullmatch("┃ .+\n", live_cell(capsys))


def test_without_a_server_the_notebook_says_what_to_do(monkeypatch, capsys):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    said = live_cell(capsys)
    assert all(name in said for name in VARIABLES)


def live_cell(capsys) -> str:
    """What the cell prints that asks where a server is set up."""
    names = {}
    for cell in ("imports", "endpoint-sentences", "endpoint-ask", "endpoint-live"):
        exec(CELLS[cell], names)
    return capsys.readouterr().out


# --- servers that fail -----------------------------------------------------------------------


@contextmanager
def saying(body: bytes | None, status: int = 200, **headers: str):
    """A server that gives everybody this answer, or, for None, none: its address, what it got."""
    got, ended = [], threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            sent = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, self.headers["Authorization"], json.loads(sent)))
            if body is None:
                ended.wait(30)
                return
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", got
    finally:
        ended.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_what_is_sent(cells):
    reply = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}}]}
    with saying(json.dumps(reply).encode()) as (address, got):
        assert cells.ask("Is it?", address, "a-model", KEY) == "Yes."
    message = {"role": "user", "content": "Is it?"}
    ((path, key, body),) = got
    assert (path, key) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert body == {"model": "a-model", "messages": [message]}  # no tools, above all


REFUSED = json.dumps({"error": {"message": f"no, {KEY}, never"}}).encode()


@pytest.mark.parametrize(
    "body, status, said",
    [
        (REFUSED, 401, "check OPENAI_API_KEY"),
        (REFUSED, 404, "check OPENAI_BASE_URL and OPENAI_MODEL"),
        (REFUSED, 429, "try again later"),
        (REFUSED, 500, "refuses"),
        (b"<html>Welcome</html>", 200, "no answer of this protocol"),
        (b'{"choices": []}', 200, "no answer of this protocol"),
        (b'{"choices": [{"message": {"content": null}}]}', 200, "is empty"),
        (None, 200, "did not answer in time"),
    ],
)
def test_each_failure_is_one_sentence_without_the_key(cells, body, status, said):
    with saying(body, status) as (address, got):
        answer = cells.ask("Is it?", address, "a-model", KEY, timeout=0.5)
    assert said in answer and KEY not in answer
    assert len(got) == 1  # asked once


def test_a_redirect_is_not_followed(cells):
    with saying(b"{}") as (elsewhere, got):
        location = f"{elsewhere}/chat/completions"
        with saying(b"", 307, Location=location) as (address, _):
            assert "another address" in cells.ask("Is it?", address, "a-model", KEY)
    assert got == []


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/v1", "nonsense", "http://[::1", ""])
def test_an_address_that_leads_nowhere_is_one_sentence(cells, address):
    assert re.fullmatch(r"[^.]+\.", cells.ask("Is it?", address, "a-model", KEY))
