"""The masked language model on disk: `masked-lm.safetensors` in float16, and `masked-lm.json`."""

from collections.abc import Mapping
from pathlib import Path

from course_utils import models, stored_weights
from course_utils.errors import CourseError
from course_utils.masked_lm.model import RANK, MaskedLM

SHIPPED = stored_weights.SHIPPED / "masked_lm"


class MaskedLMError(CourseError):
    """A stored masked language model is missing, damaged, or made for something else."""


FILES = stored_weights.StoredWeights("masked-lm", MaskedLMError)


def save(model: MaskedLM, folder: str | Path, about: Mapping[str, object] | None = None) -> Path:
    """Write the trained weights, in half precision; returns the folder, made if need be.

    `about` is kept in the JSON file as it is. Raises MaskedLMError where it cannot be written.
    """
    return FILES.save_trained(model, folder, made_for(), about)


def load(folder: str | Path) -> MaskedLM:
    """The model of a folder, in evaluation mode.

    Raises MaskedLMError where a file is missing or damaged, where the weights are not those that
    the JSON file describes, or where they were trained on another encoder.
    """
    return FILES.load_trained(MaskedLM, folder, made_for())


def shipped() -> MaskedLM:
    """The one that comes with the course: `make masked-lm` trains it, its card says how."""
    return load(SHIPPED)


def about(folder: str | Path) -> dict:
    """What the JSON file says. Raises MaskedLMError where it is missing or damaged."""
    return FILES.about(folder)


def made_for() -> dict[str, object]:
    """What the weights belong to: the encoder, and how its adapters are built."""
    return {"encoder": models.identity(), "rank": RANK}
