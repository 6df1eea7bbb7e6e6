"""Runs that take longer than a lesson: what they measured, as a script stored it."""

import json
from pathlib import Path

from course_utils.errors import CourseError

RUNS = Path(__file__).parent / "runs"


class StoredRunError(CourseError):
    """A stored run is missing or damaged."""


def stored_run(name: str) -> dict:
    """What a long run measured; `command` and `date` in it say how and when it was made.

    What trained something is named like it: `adapters`, `cross_encoder`, `masked_lm`.
    What measured something: `l4_table` of L4, and of L5 `rag`, `retrieval`, `approximate`.
    Raises StoredRunError where it cannot be read.
    """
    path = RUNS / f"{name}.json"
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        known = ", ".join(sorted(file.stem for file in RUNS.glob("*.json"))) or "none"
        raise StoredRunError(
            f"The stored run {name!r} cannot be read ({error}). There are: {known}. "
            "`make adapters`, `make retrieval` and `make bench` make them again."
        ) from error
