"""A trained part on disk: its weights as safetensors, and a JSON file beside them.

The JSON file says what the weights belong to, and their SHA-256: weights that were cut short,
edited or left from another run do not match it and are refused. Nothing is ever unpickled.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from course_utils import cache
from course_utils.errors import CourseError

if TYPE_CHECKING:  # heads are stored here, too, and do not need peft
    from course_utils.low_rank import AdaptedEncoder

SHIPPED = Path(__file__).parent / "weights"
FORMAT = 1


@dataclass(frozen=True)
class StoredWeights:
    """How one kind of part is stored, `name` being that of its files and in its messages.

    Every method raises `error`, whose message says what to do.
    """

    name: str
    error: type[CourseError]

    @property
    def weights(self) -> str:
        return f"{self.name}.safetensors"

    @property
    def config(self) -> str:
        return f"{self.name}.json"

    def save(
        self,
        folder: str | Path,
        tensors: Mapping[str, torch.Tensor],
        made_for: Mapping[str, object],
        about: Mapping[str, object] | None = None,
    ) -> Path:
        """Write both files, each at once or not at all; returns the folder, made if need be.

        `made_for` is what has to be the same when they are loaded. `about` is kept as it is: how
        the part was trained, say.
        """
        folder = Path(folder)
        weights = save_tensors({name: value.contiguous() for name, value in tensors.items()})
        config = {
            "format": FORMAT,
            **made_for,
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

    def save_trained(
        self,
        model: "AdaptedEncoder",
        folder: str | Path,
        made_for: Mapping[str, object],
        about: Mapping[str, object] | None = None,
    ) -> Path:
        """`save` for what training has changed in a model, in half precision."""
        tensors = {name: value.half() for name, value in model.trained_weights().items()}
        return self.save(folder, tensors, made_for, about)

    def load_trained(
        self,
        make: Callable[[], "AdaptedEncoder"],
        folder: str | Path,
        made_for: Mapping[str, object],
    ) -> "AdaptedEncoder":
        """A model that `make` makes with the weights of a folder in it, in evaluation mode.

        It is made once the weights are known to be whole.
        """
        tensors = self.load(folder, made_for)
        model = make()
        wanted = {name: list(value.shape) for name, value in model.trained_weights().items()}
        self.require_shapes(folder, tensors, wanted)
        model.set_trained_weights({name: value.float() for name, value in tensors.items()})
        return model.eval()

    def load(self, folder: str | Path, made_for: Mapping[str, object]) -> dict[str, torch.Tensor]:
        """The weights of a folder, once they are known to be whole and made for what is here."""
        folder = Path(folder)
        config = self.about(folder)
        weights = self._read(folder / self.weights)
        found = hashlib.sha256(weights).hexdigest()
        if found != config.get("sha256"):
            raise self.error(
                f"{folder / self.weights} is not what {self.config} describes: its SHA-256 begins "
                f"with {found[:12]}, not {str(config.get('sha256'))[:12]}. {self._again}"
            )
        for key, here in made_for.items():
            if config.get(key) != here:
                raise self.error(
                    f"The {self.name} in {folder}: trained with {key} = {config.get(key)!r}; "
                    f"here it is {here!r}. Train the {self.name} here."
                )
        try:
            return load_tensors(weights)
        except SafetensorError as error:
            raise self.error(
                f"{folder / self.weights} is no safetensors file ({error}). {self._again}"
            ) from error

    def require_shapes(
        self, folder: str | Path, tensors: Mapping[str, torch.Tensor], wanted: Mapping[str, list]
    ) -> None:
        """Refuse weights of other names or shapes than `wanted`."""
        shapes = {name: list(tensor.shape) for name, tensor in tensors.items()}
        wrong = sorted(name for name in {*shapes, *wanted} if shapes.get(name) != wanted.get(name))
        if wrong:
            name = wrong[0]
            raise self.error(
                f"{Path(folder) / self.weights} holds {shapes.get(name)} as {name!r}, not "
                f"{wanted.get(name)}. {self._again}"
            )

    def about(self, folder: str | Path) -> dict:
        """What the JSON file says."""
        path = Path(folder) / self.config
        try:
            config = json.loads(self._read(path))
        except ValueError as error:
            raise self.error(f"{path} is not JSON ({error}). {self._again}") from error
        if not isinstance(config, dict) or config.get("format") != FORMAT:
            raise self.error(
                f"{path} does not describe {self.name} in format {FORMAT}. {self._again}"
            )
        return config

    @property
    def _again(self) -> str:
        return f"Train the {self.name} again and save the result."

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise self.error(f"{path} cannot be read ({error.strerror}). {self._again}") from error
