"""Heads on disk: `heads.safetensors` and `heads.json` in a folder of their own."""

from collections.abc import Mapping
from pathlib import Path

from course_utils import models, stored_weights
from course_utils.dual_encoder.heads import ANSWER_TOKENS, QUESTION_TOKENS, Heads
from course_utils.errors import CourseError

SHIPPED = stored_weights.SHIPPED / "heads"  # trained on facts; L4's, and the roles'
FOLDERS = {"facts": SHIPPED, "documentation": stored_weights.SHIPPED / "documentation_heads"}


class HeadsError(CourseError):
    """Stored heads are missing, damaged, or made for something else."""


FILES = stored_weights.StoredWeights("heads", HeadsError)
WEIGHTS, CONFIG = FILES.weights, FILES.config


def save(heads: Heads, folder: str | Path, about: Mapping[str, object] | None = None) -> Path:
    """Write both files, each at once or not at all; returns the folder, which is made if need be.

    `about` is kept in the JSON file as it is: how the heads were trained, say. Raises HeadsError
    where the folder cannot be written.
    """
    of = {"dimension": heads.dimension, **made_for()}
    # Copies, since a shared head is one tensor under two names, which the format does not know.
    weights = {name: value.clone() for name, value in heads.state_dict().items()}
    return FILES.save(folder, weights, of, about)


def load(folder: str | Path) -> Heads:
    """The heads of a folder, in evaluation mode.

    Raises HeadsError where a file is missing or damaged, where the weights are not those that the
    JSON file describes, or where they were trained on another encoder or length of text.
    """
    tensors = FILES.load(folder, made_for())
    dimension = about(folder).get("dimension")
    sides = ("question", "answer")
    FILES.require_shapes(
        folder, tensors, {f"{side}.weight": [dimension, dimension] for side in sides}
    )
    heads = Heads(dimension)
    heads.load_state_dict(tensors)
    return heads.eval()


def shipped(kind: str = "facts") -> Heads:
    """The heads that come with the course (`make heads`); the card beside each pair tells more.

    "facts" are those of L4, trained with the echo term: a question does not find itself.
    "documentation" match summary lines with docstrings, without it. Raises HeadsError as `load`
    does, and for a kind that is not known.
    """
    if kind not in FOLDERS:
        raise HeadsError(
            f"There are no heads {kind!r}. There are: {', '.join(map(repr, FOLDERS))}."
        )
    return load(FOLDERS[kind])


def about(folder: str | Path) -> dict:
    """What `heads.json` says. Raises HeadsError where it is missing or damaged."""
    return FILES.about(folder)


def made_for() -> dict[str, object]:
    """What heads belong to: the frozen encoder, and how much of a text it reads."""
    return {
        "encoder": models.identity(),
        "question_tokens": QUESTION_TOKENS,
        "answer_tokens": ANSWER_TOKENS,
    }
