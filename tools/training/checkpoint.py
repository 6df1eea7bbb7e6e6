"""A training run on disk, to be taken up again after the process has ended, however it ended.

One file: safetensors (the weights, and AdamW's moments of each), followed by its SHA-256. It is
written at once or not at all, and nothing is unpickled.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from course_utils import cache
from course_utils.errors import CourseError
from tools.training.adapter_training import Run


class CheckpointError(CourseError):
    """A checkpoint is damaged, cannot be read or written, or is of another training run."""


def save(run: Run, path: str | Path, of: Mapping[str, object]) -> None:
    """Write the state of a run; `of` says which run it is. The folder is made if need be.

    Raises CheckpointError where the file cannot be written.
    """
    path = Path(path)
    tensors = {f"model {name}": value for name, value in run.model.state_dict().items()}
    for number, moments in run.optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer {number} {name}": value for name, value in moments.items()}
    about = {"of": dict(of), "done": run.done, "pairs": run.pairs, "seconds": run.seconds}
    payload = save_tensors(
        {name: value.cpu().contiguous() for name, value in tensors.items()},
        metadata={"run": json.dumps(about)},
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        cache.replace(path, cache.sealed(payload))
    except OSError as error:
        raise CheckpointError(
            f"The checkpoint {path} cannot be written ({error.strerror}). Choose another folder, "
            "or free some space."
        ) from error


def restore(run: Run, path: str | Path, of: Mapping[str, object]) -> bool:
    """Put a run where the checkpoint was written; False, and nothing changed, where there is none.

    What follows is, bit for bit, what would have followed then. Raises CheckpointError where the
    file cannot be read, is damaged, or is of a run that `of` does not describe.
    """
    path = Path(path)
    try:
        payload = cache.unsealed(path.read_bytes())
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CheckpointError(
            f"The checkpoint {path} cannot be read ({error.strerror}). {_ANEW}"
        ) from error
    if payload is None:
        raise CheckpointError(f"The checkpoint {path} is damaged. {_ANEW}")
    about = json.loads(_metadata(payload)["run"])
    others = [name for name in of if about["of"].get(name) != of[name]]
    if others:
        found = ", ".join(
            f"{name} = {about['of'].get(name)!r}, not {of[name]!r}" for name in others
        )
        raise CheckpointError(
            f"The checkpoint {path} is of another run: there {found}. Train as then to go on from "
            f"it, or choose another folder. {_ANEW}"
        )
    weights, moments = {}, {}
    for name, tensor in load_tensors(payload).items():
        kind, _, rest = name.partition(" ")
        if kind == "model":
            weights[rest] = tensor
        else:
            number, _, key = rest.partition(" ")
            moments.setdefault(int(number), {})[key] = tensor
    run.model.load_state_dict(weights)
    run.optimizer.load_state_dict({**run.optimizer.state_dict(), "state": moments})
    run.done, run.pairs, run.seconds = about["done"], about["pairs"], about["seconds"]
    return True


_ANEW = "Delete it to begin anew."


def _metadata(payload: bytes) -> dict[str, str]:
    """What stands in the header of a safetensors file: 8 bytes of length, then JSON."""
    length = int.from_bytes(payload[:8], "little")
    return json.loads(payload[8 : 8 + length])["__metadata__"]
