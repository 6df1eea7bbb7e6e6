"""The cross-encoder on disk: `cross-encoder.safetensors` in float16, and `cross-encoder.json`."""

from collections.abc import Mapping
from pathlib import Path

from course_utils import models, stored_weights
from course_utils.cross_encoder.model import RANK, CrossEncoder
from course_utils.errors import CourseError

SHIPPED = stored_weights.SHIPPED / "cross_encoder"


class CrossEncoderError(CourseError):
    """A stored cross-encoder is missing, damaged, or made for something else."""


FILES = stored_weights.StoredWeights("cross-encoder", CrossEncoderError)


def save(
    model: CrossEncoder, folder: str | Path, about: Mapping[str, object] | None = None
) -> Path:
    """Write the trained weights, in half precision; returns the folder, made if need be.

    `about` is kept in the JSON file as it is. Raises CrossEncoderError where it cannot be written.
    """
    return FILES.save_trained(model, folder, made_for(), about)


def load(folder: str | Path) -> CrossEncoder:
    """The cross-encoder of a folder, in evaluation mode.

    Raises CrossEncoderError where a file is missing or damaged, where the weights are not those
    that the JSON file describes, or where they were trained on another encoder.
    """
    return FILES.load_trained(CrossEncoder, folder, made_for())


def shipped() -> CrossEncoder:
    """The one that comes with the course: `make cross-encoder` trains it, its card says how."""
    return load(SHIPPED)


def about(folder: str | Path) -> dict:
    """What the JSON file says. Raises CrossEncoderError where it is missing or damaged."""
    return FILES.about(folder)


def made_for() -> dict[str, object]:
    """What the weights belong to: the encoder, and how its adapters are built."""
    return {"encoder": models.identity(), "rank": RANK}
