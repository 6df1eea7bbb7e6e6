"""The way to the hub, over a real HTTP server on this machine that answers like it."""

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.parse
from pathlib import Path

import numpy as np
import pytest

from course_utils import models
from tests.helpers import ROOT, run_python


class Hub:
    """A small server that answers like the hub: HEAD and GET of /{repo}/resolve/{commit}/{file}."""

    def __init__(self):
        self.repositories: dict[str, Path] = {}
        self.requests: list[str] = []
        self.silent = False  # takes a request and hangs up
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self):
                hub.requests.append(f"{self.command} {self.path}")
                if hub.silent:
                    self.close_connection = True
                else:
                    self._answer(*hub.find(urllib.parse.urlsplit(self.path).path))

            do_GET = do_POST = do_HEAD

            def _answer(self, status: int, commit: str, data: bytes, error: str) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
                if commit:
                    self.send_header("X-Repo-Commit", commit)
                if error:
                    self.send_header("X-Error-Code", error)
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def find(self, path: str) -> tuple[int, str, bytes, str]:
        """Status, commit, body and error code for a path."""
        if path == "/":
            return 200, "", b"", ""
        if path.startswith("/api/models/"):
            owner, name, *rest = path.removeprefix("/api/models/").split("/")
            return self.describe(f"{owner}/{name}", rest)
        repository, _, rest = path.strip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        if repository not in self.repositories:
            return 404, "", b"", "RepoNotFound"
        file = self.repositories[repository] / name
        if not file.is_file():
            return 404, self.commit(revision), b"", "EntryNotFound"
        return 200, self.commit(revision), file.read_bytes(), ""

    def describe(self, repository: str, rest: list[str]) -> tuple[int, str, bytes, str]:
        """What the hub's programming interface says of a repository: its commit, or its files."""
        folder = self.repositories.get(repository)
        if folder is None:
            return 404, "", b"", "RepoNotFound"
        kind, revision, *below = rest or ["revision", "main"]
        commit = self.commit(revision)
        if kind == "revision":
            return 200, commit, json.dumps({"id": repository, "sha": commit}).encode(), ""
        if below:
            return 404, commit, b"", "EntryNotFound"
        files = [
            {"type": "file", "path": file.name, "size": file.stat().st_size, "oid": "0" * 40}
            for file in folder.iterdir()
        ]
        return 200, commit, json.dumps(files).encode(), ""

    @staticmethod
    def commit(revision: str) -> str:
        return "a" * 40 if revision == "main" else revision


@pytest.fixture(scope="module")
def repositories(tmp_path_factory) -> Path:
    """Tiny models with random weights, as folders: one safe, one that only a pickle carries."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    base = tmp_path_factory.mktemp("repositories")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello", "world", "##s"]
    torch.manual_seed(0)
    model = BertModel(
        BertConfig(
            vocab_size=len(words),
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
        )
    )
    for name in ("safe", "pickle"):
        BertTokenizerFast({word: number for number, word in enumerate(words)}).save_pretrained(
            base / name
        )
        model.save_pretrained(base / name)
    (base / "pickle" / "model.safetensors").unlink()
    torch.save(model.state_dict(), base / "pickle" / "pytorch_model.bin")
    np.save(base / "table.npy", model.get_input_embeddings().weight.detach().numpy())
    return base


# One process that goes through everything: the libraries read the hub's address when imported.
ON_THE_HUB = """
import dataclasses, json, sys
from course_utils import embed, models

def attempt(action):
    try:
        return action()
    except Exception as error:
        return [type(error).__name__, isinstance(error, models.CourseError), str(error)]

def contextual():
    tokenizer, model = models.load("contextual encoder")
    states = embed.hidden_states(["hello worlds", "hello"])
    table = model.get_input_embeddings().weight.detach().numpy()
    return [type(model).__name__, model.training, str(model.dtype), states.tokens,
            list(states.states.shape), table.tolist()]

def static():
    words, matrix = embed.static_table()
    return [words[:2], list(matrix.shape)]

def not_pinned():
    role = dataclasses.replace(models.ROLES["sentence encoder"], name="free", revision=None)
    models.ROLES["free"] = role
    return models.identity("free")

def load(role):
    return lambda: str(models.load(role))

phases = [
    {
        "contextual": contextual,
        "identity": lambda: models.identity("contextual encoder"),
        "static": static,
        "identity, not pinned": not_pinned,
        "sentence": lambda: type(models.load("sentence encoder")[1]).__name__,
        "pickle, pinned": load("cross-encoder"),
        "pickle": load("question encoder"),
        "no repository": load("answer encoder"),
    },
    {"from the disk": lambda: models._load_hub.cache_clear() or contextual()},
    {"silent": load("answer encoder")},
    {"closed": load("answer encoder")},
]
for phase in phases:
    print(json.dumps({name: attempt(action) for name, action in phase.items()}), flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def told(repositories, tmp_path_factory):
    """What that process says in each phase, and what the hub was asked for in it."""
    hub = Hub()
    hub.repositories = {
        models.ROLES["contextual encoder"].hub: repositories / "safe",
        models.ROLES["sentence encoder"].hub: repositories / "safe",
        models.ROLES["cross-encoder"].hub: repositories / "pickle",
        models.ROLES["question encoder"].hub: repositories / "pickle",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", ON_THE_HUB],
        cwd=ROOT,
        env={
            **os.environ,
            "COURSE_MODELS": "hub",
            "HF_ENDPOINT": hub.address,
            "HF_HOME": str(tmp_path_factory.mktemp("huggingface")),
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said, requests = {}, []
    for before in (lambda: None, lambda: None, lambda: setattr(hub, "silent", True), hub.stop):
        before()
        if requests:
            process.stdin.write("\n")
            process.stdin.flush()
        said |= json.loads(process.stdout.readline() or "{}")
        requests.append(hub.requests[:])
        hub.requests.clear()
    _, stderr = process.communicate("\n", timeout=60)
    assert process.returncode == 0, stderr
    return said, requests, stderr


def test_a_role_is_loaded_from_the_pinned_commit(told, repositories):
    said, requests, _ = told
    kind, training, dtype, tokens, shape, table = said["contextual"]
    assert (kind, training, dtype) == ("BertModel", False, "torch.float32")
    assert tokens == [["[CLS]", "hello", "world", "##s", "[SEP]"], ["[CLS]", "hello", "[SEP]"]]
    assert shape == [2, 3, 5, 16]
    assert np.array_equal(np.float32(table), np.load(repositories / "table.npy"))
    role = models.ROLES["contextual encoder"]
    asked = [line for line in requests[0] if f"/{role.hub}/resolve/" in line]
    assert asked and all(f"/resolve/{role.revision}/" in line for line in asked)
    assert said["identity"] == f"{role.hub}@{role.revision}"
    assert said["sentence"] == "BertModel"


def test_glove_comes_from_its_package_with_the_hub_too(told):
    assert told[0]["static"] == [["the", ","], [400_000, 50]]


@pytest.mark.parametrize(
    "case, role",
    [
        ("pickle, pinned", "cross-encoder"),
        ("pickle", "question encoder"),
        ("no repository", "answer encoder"),
    ],
)
def test_what_the_hub_does_not_have_as_safetensors_is_refused_clearly(told, case, role):
    kind, course_error, message = told[0][case]
    assert course_error, f"{kind}: {message}"
    assert models.ROLES[role].hub in message and "unset COURSE_MODELS" in message
    assert "do not set" not in message  # the library's advice is to read the pickle


def test_no_pickle_and_no_conversion_is_asked_for(told):
    _, requests, stderr = told
    assert all(line.startswith(("GET ", "HEAD ")) for line in requests[0])
    # Left to itself, the library looks for a conversion, and sends the user's token to ask for it.
    for trace in (".bin", "/commits/", "/discussions", "refs/pr"):
        assert not [line for line in requests[0] if trace in line]
    assert "tests/sockets" not in stderr  # nor is anybody else asked


def test_what_was_downloaded_needs_no_hub(told):
    said, requests, _ = told
    assert said["from the disk"] == said["contextual"]
    assert requests[1] == []


def test_a_hub_that_does_not_answer_is_asked_once(told):
    said, requests, _ = told
    kind, course_error, message = said["silent"]
    assert (kind, course_error) == ("CourseError", True)
    assert models.ROLES["answer encoder"].hub in message and "unset COURSE_MODELS" in message
    assert requests[2] == ["HEAD /"]  # the libraries would try again for most of a minute


def test_a_refused_connection_is_the_same_error(told):
    kind, course_error, message = told[0]["closed"]
    assert (kind, course_error) == ("CourseError", True)
    assert "http://127.0.0.1:" in message and "Check the network" in message


def test_the_identity_of_what_is_not_pinned_names_the_commit_that_was_loaded(told):
    # Or vectors cached from an older commit would be taken for those of a newer one.
    assert told[0]["identity, not pinned"] == f"{models.MINILM}@{Hub.commit('main')}"


def test_the_embedded_weights_print_nothing_and_ask_nobody(tmp_path):
    hub = Hub()
    code = (
        "from course_utils import models; models.load();"
        "tokenizer, model = models.load('language model'); models.load('static word vectors');"
        "words = tokenizer('The capital of France is', return_tensors='pt');"
        "print(tokenizer.decode(model.generate(**words, max_new_tokens=1, do_sample=False)[0, -1]))"
    )
    run = run_python("-c", code, HF_ENDPOINT=hub.address, HF_HOME=str(tmp_path))
    assert (run.stdout, run.stderr) == (" Paris\n", "")
    hub.stop()
    assert hub.requests == []
