"""What comes trained, on disk: weights as safetensors, and a JSON file beside them.

The JSON file says what the weights belong to, and their SHA-256: weights that were cut short,
edited or left from another run do not match it and are refused. Nothing is ever unpickled.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors import torch as safetensors
from torch import nn

from course_utils import cache
from course_utils.errors import CourseError

SHIPPED = Path(__file__).parent / "weights"
FORMAT = 1


@dataclass(frozen=True)
class TrainedPart:
    """How one kind of part is stored; every method raises `error`, whose message says what to do.

    `name` is that of its files. `make()` gives an untrained one, with `trained_weights()` and
    `set_trained_weights(tensors)`. What `made_for()` says has to be the same when it is loaded.
    """

    name: str
    make: Callable[[], nn.Module]
    made_for: Callable[[], Mapping[str, object]]
    dtype: torch.dtype = torch.float16
    error: type[CourseError] = CourseError

    @property
    def weights(self) -> str:
        return f"{self.name}.safetensors"

    @property
    def config(self) -> str:
        return f"{self.name}.json"

    def save(
        self, part: nn.Module, folder: str | Path, about: Mapping[str, object] | None = None
    ) -> Path:
        """Write both files, each at once or not at all; returns the folder, made if need be.

        `about` is kept in the JSON file as it is: how the part was trained, say.
        """
        folder = Path(folder)
        tensors = part.trained_weights().items()
        weights = safetensors.save(
            {name: tensor.to(self.dtype).contiguous() for name, tensor in tensors}
        )
        config = {
            "format": FORMAT,
            **self.made_for(),
            "sha256": hashlib.sha256(weights).hexdigest(),
            "about": dict(about or {}),
        }
        try:
            folder.mkdir(parents=True, exist_ok=True)
            cache.replace(folder / self.weights, weights)
            # Last, since it is what makes the weights valid.
            cache.replace(folder / self.config, (json.dumps(config, indent=2) + "\n").encode())
        except OSError as error:
            raise self.error(
                f"The {self.name} cannot be written to {folder} ({error.strerror}). Choose another "
                "folder."
            ) from error
        return folder

    def load(self, folder: str | Path) -> nn.Module:
        """The part of a folder, in evaluation mode.

        It is made once the weights are known to be whole, and made for what is here.
        """
        path, config = Path(folder) / self.weights, self.about(folder)
        weights = self._read(path)
        found = hashlib.sha256(weights).hexdigest()
        if found != config.get("sha256"):
            raise self._refused(
                f"{path} is not what {self.config} describes: its SHA-256 begins with "
                f"{found[:12]}, not {str(config.get('sha256'))[:12]}"
            )
        for key, here in self.made_for().items():
            if config.get(key) != here:
                raise self._refused(
                    f"The {self.name} in {folder}: trained with {key} = {config.get(key)!r}; "
                    f"here it is {here!r}"
                )
        try:
            tensors = safetensors.load(weights)
        except SafetensorError as error:
            raise self._refused(f"{path} is no safetensors file ({error})") from error
        part = self.make()
        shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
        wanted = {name: list(tensor.shape) for name, tensor in part.trained_weights().items()}
        for name in sorted({*shapes, *wanted}):
            if shapes.get(name) != wanted.get(name):
                raise self._refused(
                    f"{path} holds {shapes.get(name)} as {name!r}, not {wanted.get(name)}"
                )
        part.set_trained_weights({name: tensor.float() for name, tensor in tensors.items()})
        return part.eval()

    def about(self, folder: str | Path) -> dict:
        """What the JSON file says."""
        path = Path(folder) / self.config
        try:
            config = json.loads(self._read(path))
        except ValueError as error:
            raise self._refused(f"{path} is not JSON ({error})") from error
        if not isinstance(config, dict) or config.get("format") != FORMAT:
            raise self._refused(f"{path} does not describe {self.name} in format {FORMAT}")
        return config

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise self._refused(f"{path} cannot be read ({error.strerror})") from error

    def _refused(self, why: str) -> CourseError:
        return self.error(f"{why}. Train the {self.name} again and save the result.")
