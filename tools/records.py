"""What the training scripts share: a run that can be stopped, its curve, and what is kept."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from time import process_time

import numpy as np

from course_utils import cache
from tools.training import adapter_training, checkpoint
from tools.training.adapter_training import Step


@dataclass(frozen=True)
class Log:
    """Where a run is kept between two starts, and what is told of it.

    `state` and `drawn` are the files of its checkpoint and of its curve, `of` says which run it is,
    as in `checkpoint`. Each `every` steps both are written; in the steps `at`, and in the last, the
    curve has a measured point. `name` and `counted` are for what is printed.
    """

    state: Path
    drawn: Path
    of: Mapping[str, object]
    at: Sequence[int]
    every: int
    name: str = ""
    counted: str = ""


def train(
    run: adapter_training.Run,
    source: object,
    log: Log,
    measured: Callable[[object], dict],
    told: Callable[[Step, float], dict],
) -> list[dict]:
    """Train to the last step, and give the curve; goes on where an earlier start was stopped.

    `source` is what `run.steps` asks for. `measured(model)` are the figures of a model in
    evaluation mode, `told(step, loss)` what else a point holds: `loss` is the mean since the last.
    """
    settings, points = run.settings, []
    start = f"{log.name}: " if log.name else ""
    if checkpoint.restore(run, log.state, log.of):
        points = json.loads(log.drawn.read_text(encoding="utf-8"))
        print(f"{start}goes on from step {run.done}", flush=True)
    else:
        points.append({"step": 0, "processor_seconds": 0.0, **_measured(run.model, measured)})
    used, losses, mark = points[-1]["processor_seconds"], [], process_time()
    for step in run.steps(source):
        used += process_time() - mark
        losses.append(step.loss)
        last = step.number == settings.steps
        looked_at, kept = last or step.number in log.at, last or step.number % log.every == 0
        if looked_at or kept:
            loss = float(np.mean(losses))
            left = (settings.steps - step.number) * step.seconds / step.number
            counted = f"{step.pairs:,} {log.counted}, " if log.counted else ""
            print(
                f"{start}step {step.number}/{settings.steps}   loss {loss:.3f} (chance "
                f"{step.chance:.3f})   {counted}{step.seconds:.0f} s, {left / 60:.1f} min left",
                flush=True,
            )
            points.append(
                {
                    "step": step.number,
                    "seconds": round(step.seconds, 1),
                    "processor_seconds": round(used, 1),
                    **told(step, round(loss, 4)),
                    **(_measured(run.model, measured) if looked_at else {}),
                }
            )
            losses.clear()
        if kept:
            checkpoint.save(run, log.state, log.of)
            cache.replace(log.drawn, json.dumps(points).encode())
        mark = process_time()
    return points


def _measured(model, measured: Callable[[object], dict]) -> dict:
    """The figures, with the model's mode put back afterwards."""
    training = model.training
    found = measured(model.eval())
    model.train(training)
    return found


def versions(packages: Iterable[str]) -> dict[str, str]:
    """Their versions, without what names a build."""
    return {name: metadata.version(name).partition("+")[0] for name in packages}


def write(record: Mapping[str, object], path: Path) -> None:
    """Keep a record as JSON; the folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cache.replace(path, (json.dumps(record, indent=1) + "\n").encode())
