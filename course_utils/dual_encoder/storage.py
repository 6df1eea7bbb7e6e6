"""Heads on disk: `heads.safetensors` and `heads.json` in a folder of their own.

The JSON file says what the weights belong to, and their SHA-256: weights that were cut short,
edited or left from another run do not match it and are refused. Nothing is ever unpickled.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from course_utils import cache, models
from course_utils.dual_encoder.heads import ANSWER_TOKENS, QUESTION_TOKENS, Heads
from course_utils.errors import CourseError

WEIGHTS, CONFIG = "heads.safetensors", "heads.json"
SHIPPED = Path(__file__).parent.parent / "weights" / "heads"
FORMAT = 1


class HeadsError(CourseError):
    """Stored heads are missing, damaged, or made for something else."""


def save(heads: Heads, folder: str | Path, about: Mapping[str, object] | None = None) -> Path:
    """Write both files, each at once or not at all; returns the folder, which is made if need be.

    `about` is kept in the JSON file as it is: how the heads were trained, say. Raises HeadsError
    where the folder cannot be written.
    """
    folder = Path(folder)
    weights = save_tensors({name: value.contiguous() for name, value in heads.state_dict().items()})
    config = {
        "format": FORMAT,
        "dimension": heads.dimension,
        **made_for(),
        "sha256": hashlib.sha256(weights).hexdigest(),
        "about": dict(about or {}),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        cache.replace(folder / WEIGHTS, weights)
        # Last, since it is what makes the weights valid.
        cache.replace(folder / CONFIG, (json.dumps(config, indent=2) + "\n").encode())
    except OSError as error:
        raise HeadsError(
            f"The heads cannot be written to {folder} ({error.strerror}). Choose another folder."
        ) from error
    return folder


def load(folder: str | Path) -> Heads:
    """The heads of a folder, in evaluation mode.

    Raises HeadsError where a file is missing or damaged, where the weights are not those that the
    JSON file describes, or where they were trained on another encoder or length of text.
    """
    folder = Path(folder)
    config = about(folder)
    weights = _read(folder / WEIGHTS)
    found = hashlib.sha256(weights).hexdigest()
    if found != config.get("sha256"):
        raise HeadsError(
            f"{folder / WEIGHTS} is not what {CONFIG} describes: its SHA-256 begins with "
            f"{found[:12]}, not {str(config.get('sha256'))[:12]}. {_AGAIN}"
        )
    for key, here in made_for().items():
        if config.get(key) != here:
            raise HeadsError(
                f"These heads were trained with {key} = {config.get(key)!r}; here it is {here!r}. "
                "Vectors of the one mean nothing to the other: train the heads here."
            )
    try:
        tensors = load_tensors(weights)
    except SafetensorError as error:
        raise HeadsError(
            f"{folder / WEIGHTS} is no safetensors file ({error}). {_AGAIN}"
        ) from error
    dimension = config.get("dimension")
    shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
    wanted = {f"{side}.weight": [dimension, dimension] for side in ("question", "answer")}
    if shapes != wanted:
        raise HeadsError(f"{folder / WEIGHTS} holds {shapes}, not {wanted}. {_AGAIN}")
    heads = Heads(dimension)
    heads.load_state_dict(tensors)
    return heads.eval()


def shipped() -> Heads:
    """The heads that come with the course, `make heads` trains them; the card beside them says how.

    Raises HeadsError as `load` does.
    """
    return load(SHIPPED)


def about(folder: str | Path) -> dict:
    """What `heads.json` says. Raises HeadsError where it is missing or damaged."""
    path = Path(folder) / CONFIG
    try:
        config = json.loads(_read(path))
    except ValueError as error:
        raise HeadsError(f"{path} is not JSON ({error}). {_AGAIN}") from error
    if not isinstance(config, dict) or config.get("format") != FORMAT:
        raise HeadsError(f"{path} does not describe heads in format {FORMAT}. {_AGAIN}")
    return config


_AGAIN = "Train the heads again and save them."


def made_for() -> dict[str, object]:
    """What heads belong to: the frozen encoder, and how much of a text it reads."""
    return {
        "encoder": models.identity(),
        "question_tokens": QUESTION_TOKENS,
        "answer_tokens": ANSWER_TOKENS,
    }


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HeadsError(f"{path} cannot be read ({error.strerror}). {_AGAIN}") from error
