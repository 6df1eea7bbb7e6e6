"""Which model plays which role in the course, and how it is loaded.

Two switches, one call. With `COURSE_MODELS=embedded` (the default) the weights of every role come
with pip, see `published`: nothing is downloaded. With `COURSE_MODELS=hub` the same call loads the
well-known published model of that role from the Hugging Face hub. Only safetensors are read there,
and no code from the hub is ever run.
"""

import functools
import os
import re
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from course_utils import published
from course_utils.errors import CourseError

SWITCH = "COURSE_MODELS"
DIGEST = published.MINILM.digests["model/model.safetensors"]
MINILM = "sentence-transformers/all-MiniLM-L6-v2"
MINILM_REVISION = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"


@dataclass(frozen=True)
class Role:
    """One row of the roles table: what plays the role with each switch.

    `revision` is the commit of the hub's model; None follows its main branch. `auto` names the
    transformers class that loads it; "" where both switches load the same.
    """

    name: str
    embedded: str
    hub: str
    revision: str | None = None
    auto: str = "AutoModel"


_BERT = ("google-bert/bert-base-uncased", "86b5e0934494bd15c9632b12f734a8a67f723594")
_CROSS = ("cross-encoder/ms-marco-MiniLM-L6-v2", "c5ee24cb16019beea0893ab7796b1df96625c6b8")
_SMOLLM2 = ("HuggingFaceTB/SmolLM2-135M-Instruct", "12fd25f77366fa6b3b4b768ec3050bf629380bac")
_DPR = "facebook/dpr-{}_encoder-single-nq-base"
_ROWS = (
    Role("static word vectors", "GloVe 6B, 50 numbers a word", "the same", auto=""),
    Role("contextual encoder", "MiniLM, hidden states", *_BERT),
    Role("sentence encoder", "MiniLM, mean pooling", MINILM, MINILM_REVISION),
    Role("masked language model", "MiniLM + adapter", *_BERT, "AutoModelForMaskedLM"),
    Role("cross-encoder", "MiniLM + adapter", *_CROSS, "AutoModelForSequenceClassification"),
    Role(
        "question encoder",
        "MiniLM + question head",
        _DPR.format("question"),
        auto="DPRQuestionEncoder",
    ),
    Role("answer encoder", "MiniLM + answer head", _DPR.format("ctx"), auto="DPRContextEncoder"),
    Role("language model", "SmolLM2-135M-Instruct", *_SMOLLM2, "AutoModelForCausalLM"),
)
ROLES = {row.name: row for row in _ROWS}
# What the course trains itself is built on the encoder. This module knows nothing of it:
# `course_utils/__init__.py` says here, by role, what loads such a model.
TRAINED: dict[str, Callable[[], object]] = {}
STATIC, LANGUAGE_MODEL = "static word vectors", "language model"


def switch() -> str:
    """What `$COURSE_MODELS` says: "embedded" (also where it is unset or empty) or "hub"."""
    value = os.environ.get(SWITCH, "").strip().lower() or "embedded"
    if value not in ("embedded", "hub"):
        raise CourseError(
            f"{SWITCH}={value!r} is not a known switch. Use {SWITCH}=embedded (weights from pip, "
            f"the default) or {SWITCH}=hub (published models from the Hugging Face hub)."
        )
    return value


def role(name: str) -> Role:
    """The role of this name; case, hyphens and underscores do not matter. Raises CourseError."""
    wanted = re.sub(r"[\s_-]+", " ", str(name).strip().lower())
    for known in ROLES.values():
        if known.name.replace("-", " ") == wanted:
            return known
    raise CourseError(f"There is no role {name!r}. The roles are: {', '.join(ROLES)}.")


def load(name: str = "sentence encoder"):
    """The tokenizer and the model that play a role, loaded once per process, in evaluation mode.

    Returns `(tokenizer, model)`: what transformers' `AutoTokenizer` and `AutoModel` give (for the
    language model: `AutoModelForCausalLM`, and the tokenizer pads left), on the CPU, in float32.
    The static word vectors are a `Vocabulary` and a `Table` of `static_vectors`; what the course
    has trained is a `TextEncoder` (questions, answers), a `CrossEncoder` or a `MaskedLM`. Raises
    CourseError, whose message says what to do.
    """
    wanted = role(name)
    if switch() == "hub" and wanted.auto:
        return _load_hub(wanted)[:2]
    if wanted.name == STATIC:
        return _load_model(STATIC)
    kind = wanted.name if wanted.name in (LANGUAGE_MODEL, *TRAINED) else "encoder"
    return load_tokenizer(name), _load_model(kind)


def load_tokenizer(name: str = "sentence encoder"):
    """The tokenizer of `load`, without the model: that of the language model needs no weights."""
    wanted = role(name)
    if switch() == "hub" and wanted.auto or wanted.name == STATIC:
        return load(name)[0]
    return _load_tokenizer(LANGUAGE_MODEL if wanted.name == LANGUAGE_MODEL else "encoder")


def sentence_transformer(pooling: str = "mean"):
    """The embedded weights as a `SentenceTransformer` on the CPU; with "mean", "cls" or "max"."""
    from sentence_transformers import SentenceTransformer

    with _no_progress_bar():
        peer = SentenceTransformer(str(embedded_path()), device="cpu")
    # Trained by the library's trainer, it would choose examples for a card that nobody writes.
    peer.model_card_data.widget = [{"text": ""}]
    if pooling != "mean":  # its class by way of an instance: the import path changed with version 6
        peer[1] = type(peer[1])(peer[0].auto_model.config.hidden_size, pooling)
    return peer


def embedded_path() -> Path:
    """The folder of MiniLM, once it is known to be the published one. Raises CourseError."""
    return published.MINILM.verified() / "model"


def identity(name: str = "sentence encoder") -> str:
    """What the weights of an encoder are, for cache keys: a digest, or a hub name and commit.

    "" for a role that the course has trained: nothing is kept of it.
    """
    wanted = role(name)
    if switch() == "hub" and wanted.auto:
        return f"{wanted.hub}@{_load_hub(wanted)[-1]}"
    return "" if wanted.name in TRAINED else DIGEST


def table() -> list[dict[str, str]]:
    """The roles table, one dict a row, for the environment checker and the lessons."""
    rows = []
    for row in ROLES.values():
        pinned = f" @ {row.revision[:8]}" if row.revision else ""
        rows.append({"role": row.name, "embedded": row.embedded, "hub": row.hub + pinned})
    return rows


@functools.cache
def _load_tokenizer(kind: str):
    if kind == LANGUAGE_MODEL:
        from course_utils import language_model

        return language_model.tokenizer()
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(embedded_path())


@functools.cache
def _load_model(kind: str):
    if kind in TRAINED:
        return TRAINED[kind]()
    if kind == STATIC:
        from course_utils import static_vectors

        return static_vectors.load()
    with _no_progress_bar():
        if kind == LANGUAGE_MODEL:
            from course_utils import language_model

            return language_model.model()
        from transformers import AutoModel

        return AutoModel.from_pretrained(embedded_path()).eval()


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
        raise CourseError(
            f"The {wanted.name}, {wanted.hub}, cannot be loaded from the hub: it may need a login, "
            "or have no safetensors, and the course reads nothing else. Look at the error above "
            f"this one, or unset {SWITCH} to do without the hub."
        ) from error


def _from_hub(wanted: Role, local_files_only: bool):
    """The tokenizer, the model, and the commit that they are from."""
    from huggingface_hub import try_to_load_from_cache

    # Where a repository has no safetensors, the library would ask a service to convert its pickle.
    os.environ["DISABLE_SAFETENSORS_CONVERSION"] = "true"
    import transformers

    options = {"local_files_only": local_files_only}
    if wanted.revision:
        options["revision"] = wanted.revision
    with _no_progress_bar():
        tokenizer = transformers.AutoTokenizer.from_pretrained(wanted.hub, **options)
        loader = getattr(transformers, wanted.auto)
        model = loader.from_pretrained(wanted.hub, use_safetensors=True, dtype="float32", **options)
    if wanted.auto == "AutoModelForCausalLM":  # as in `language_model`
        tokenizer.padding_side, tokenizer.pad_token = "left", tokenizer.eos_token
    # The library's cache has a folder for each commit, in which every model has this file.
    config = try_to_load_from_cache(wanted.hub, "config.json", revision=wanted.revision)
    return tokenizer, model.eval(), Path(config).parent.name


def require_hub(wanted: str) -> None:
    """Raise CourseError unless the hub answers; `wanted` is what is asked of it.

    Asks once, briefly: the libraries themselves would try for three quarters of a minute.
    """
    from huggingface_hub import constants
    from huggingface_hub.utils import get_session

    try:
        get_session().head(constants.ENDPOINT, timeout=10)
    except Exception as error:  # whatever the HTTP library or a firewall raises
        raise CourseError(
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
