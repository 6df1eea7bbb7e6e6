"""The STS benchmark as published: pairs of sentences with the mean of several people's grades.

Behind the same switch as the models: with `COURSE_MODELS=hub` the file is taken from the hub, or
from where you say. Its text is other people's and is not part of the course. Source: Cer, Diab,
Agirre, Lopez-Gazpio and Specia 2017, "SemEval-2017 Task 1".
"""

import gzip
import json
import zlib
from pathlib import Path

from course_utils import models
from course_utils.data.tables import Pair
from course_utils.errors import CourseError

REPOSITORY = "mteb/stsbenchmark-sts"
# The commit that the benchmark suite MTEB pins in its STSBenchmark task.
REVISION = "b0fddb56ed78048fa8b90373c8a3cfc37b684831"
COLUMNS = ("sentence1", "sentence2", "score")
SPLITS = ("train", "validation", "test")
HIGHEST = 5.0


class StsError(CourseError, ValueError):
    """The benchmark's file is missing, damaged, or not what it should be."""


def sts_b(split: str = "test", path: str | Path | None = None) -> list[Pair]:
    """The pairs of one split: the two sentences, a grade from 0 to 5, and the kind "published".

    `path` reads a file of your own in the published format instead: JSON lines, perhaps gzipped,
    with the fields sentence1, sentence2 and score. Raises StsError, naming file, line and field;
    for the hub also CourseError.
    """
    if split not in SPLITS:
        raise StsError(f"There is no split {split!r}: choose one of {', '.join(SPLITS)}.")
    return _read(Path(path) if path else _download(split))


def _download(split: str) -> Path:
    """The file of a split; a copy that was downloaded before needs no network."""
    if models.switch() != "hub":
        raise StsError(
            f"The published benchmark comes from the Hugging Face hub: set {models.SWITCH}=hub and "
            "restart the kernel, or give the path of a copy. `data.pairs()` needs neither."
        )
    from huggingface_hub import hf_hub_download

    file = {"repo_id": REPOSITORY, "filename": f"{split}.jsonl.gz", "revision": REVISION}
    try:
        return Path(hf_hub_download(**file, repo_type="dataset", local_files_only=True))
    except OSError:
        models.require_hub(REPOSITORY)
    try:
        return Path(hf_hub_download(**file, repo_type="dataset"))
    except OSError as error:
        raise StsError(
            f"The benchmark cannot be taken from the hub ({type(error).__name__}). Download "
            f"{file['filename']} from {REPOSITORY} in a browser, and give its path."
        ) from error


def _read(path: Path) -> list[Pair]:
    opened = gzip.open if path.suffix == ".gz" else open
    pairs = []
    try:
        with opened(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    pairs.append(_pair(line, f"{path}, line {number}"))
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise StsError(f"{path} cannot be read ({why}).") from error
    if not pairs:
        raise StsError(f"{path} holds no pairs.")
    if max(pair.grade for pair in pairs) <= 1:
        raise StsError(
            f"{path}: all scores are at most 1. This course wants the grades as people gave them, "
            "from 0 to 5; multiply by 5."
        )
    return pairs


def _pair(line: str, where: str) -> Pair:
    """One line of the file as a pair; `where` begins the message of an error."""
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise StsError(f"{where}: not JSON ({error}).") from error
    if not isinstance(fields, dict) or any(column not in fields for column in COLUMNS):
        raise StsError(f"{where}: the fields {', '.join(COLUMNS)} are needed.")
    first, second, score = (fields[column] for column in COLUMNS)
    if not (isinstance(first, str) and isinstance(second, str)):
        raise StsError(f"{where}: sentence1 and sentence2 must be text.")
    if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= HIGHEST:
        raise StsError(f"{where}: the score must be a number from 0 to 5, but is {score!r}.")
    return Pair(first, second, float(score), "published")
