"""Short training runs of the two heads, and how each ranks: the numbers behind "train the heads".

A run is decided by its settings: each is trained once, and the ones before are there for free.
"""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch

from course_utils import data
from course_utils.dual_encoder import Heads, Settings, Step, pairs, steps

PARTS = 4  # in which a run is shown while it trains
KEPT = 5  # runs that are shown side by side

Rows = tuple[torch.Tensor, torch.Tensor, torch.Tensor]  # as `dual_encoder.pairs.rows` gives them


@dataclass(frozen=True)
class TrainTheHeads:
    """The settings of the runs made so far, the newest last, at most `KEPT`."""

    runs: tuple[Settings, ...] = ()

    def then(
        self, temperature: float = 0.07, batch: int = 256, echo: float = 0.0
    ) -> "TrainTheHeads":
        """The history after one more run. The same settings again are trained from another seed."""
        settings = Settings(batch=batch, scale=round(1 / temperature, 4), echo=echo)
        seeds = [run.seed for run in self.runs if replace(run, seed=0) == settings]
        if seeds:
            settings = replace(settings, seed=max(seeds) + 1)
        return TrainTheHeads((*self.runs, settings)[-KEPT:])


@dataclass(frozen=True)
class Progress:
    """A run as far as it is: its settings, its steps, and how its heads rank validation pairs now.

    `figures` are those of `dual_encoder.pairs`, a number a question: `[q]` each.
    """

    settings: Settings
    steps: tuple[Step, ...]
    figures: dict[str, np.ndarray]


class Trainings:
    """Runs on the same pairs: each settings is trained once, from heads that are the identity."""

    def __init__(self, train: Rows, validation: Rows):
        self._train, self._validation = train, validation
        self._done: dict[Settings, Progress] = {}
        self.untrained = self._figures(self._new_heads())

    @property
    def answers(self) -> int:
        """How many answers a validation question has to choose from."""
        return len(self._validation[1])

    def run(self, settings: Settings) -> Progress:
        """The whole run."""
        *_, whole = self.follow(settings)
        return whole

    def follow(self, settings: Settings) -> Iterator[Progress]:
        """The run after each of `PARTS` parts; at once the whole of one that is done already."""
        if settings not in self._done:
            questions, answers, labels = self._train
            heads, taken = self._new_heads(), ()
            stepping = steps(heads, questions, answers, settings, labels)
            while len(taken) < settings.steps:
                with _one_thread():
                    taken += tuple(itertools.islice(stepping, -(-settings.steps // PARTS)))
                    progress = Progress(settings, taken, self._figures(heads))
                if len(taken) < settings.steps:
                    yield progress
            self._done[settings] = progress
        yield self._done[settings]

    def _new_heads(self) -> Heads:
        return Heads(self._train[0].shape[1])

    def _figures(self, heads: Heads) -> dict[str, np.ndarray]:
        questions, answers, _ = self._validation
        return pairs.figures(heads, questions, answers)


def on_documentation(split: data.Split | None = None) -> Trainings:
    """Runs on documentation pairs, embedded by the frozen encoder (from the cache, if it can).

    Without a split, the one that `data.split_pairs` makes of `data.qa_pairs`.
    """
    split = split or data.split_pairs(data.qa_pairs())
    return Trainings(pairs.rows(split.train), pairs.rows(split.validation))


@contextmanager
def _one_thread():
    """On a machine that is busy, several threads wait for each other longer than these steps take.

    An explorer shares the machine with a browser, at the least.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
