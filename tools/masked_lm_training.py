"""The training loop of the masked language model, one step at a time, and its figures."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from course_utils import embed
from course_utils.errors import BadInput
from course_utils.masked_lm import Masked, MaskedLM, hide
from tools.training import adapter_training
from tools.training.adapter_training import Step


@dataclass(frozen=True)
class Settings(adapter_training.Settings):
    """How to train; the learning rate rises over the first twentieth of the steps."""

    WHOLE = ("steps", "batch")
    RISE = 20

    steps: int = 1000
    learning_rate: float = 2e-3
    head: float = 2.5
    weight_decay: float = 0.01
    batch: int = 48


class Run(adapter_training.Run):
    """A training run of a masked language model."""

    def __init__(self, model: MaskedLM, settings: Settings | None = None):
        super().__init__(model, settings or Settings())

    def steps(self, ids: torch.Tensor) -> Iterator[Step]:
        """The steps that are left, on blocks `[n, T]`; `pairs` of a `Step` are guessed tokens."""
        left = islice(batches(len(ids), self.settings), self.done, None)
        return self._steps(ids[rows] for rows in left)

    def loss(self, batch: torch.Tensor) -> tuple[torch.Tensor, float, int]:
        masked = hide(batch, seed=self.settings.seed * 1_000_003 + self.done)
        loss = masked_loss(self.model, masked, self.settings.precision)
        return loss, math.log(self.model.config.vocab_size), len(masked.targets)


def masked_loss(model: MaskedLM, masked: Masked, precision: str = "auto") -> torch.Tensor:
    """Mean over the chosen places of -log P(the hidden token), in nats; a scalar."""
    return cross_entropy(_logits(model, masked, precision), masked.targets)


def log_probabilities(model: MaskedLM) -> Callable[[torch.Tensor, Masked], np.ndarray]:
    """A model's guesses in the form of those of the baselines: float32 `[k, V]`."""

    @torch.inference_mode()
    def guess(ids: torch.Tensor, masked: Masked) -> np.ndarray:
        return _logits(model, masked, "bfloat16").log_softmax(dim=-1).numpy()

    return guess


def figures(
    guess: Callable[[torch.Tensor, Masked], np.ndarray],
    ids: torch.Tensor,
    seed: int = 0,
    batch: int = 32,
) -> dict[str, np.ndarray]:
    """Top-1, top-5 and loss in nats of guesses, a number a hidden token, and its block: `[k]`.

    `guess` is that of a baseline, or `log_probabilities` of a model. The same seed hides the same
    tokens of the blocks `ids`, whoever guesses.
    """
    found: dict[str, list[np.ndarray]] = {name: [] for name in ("top-1", "top-5", "loss", "block")}
    for start in range(0, len(ids), batch):
        part = ids[start : start + batch]
        masked = hide(part, seed=seed * 1_000_003 + start)
        logs = guess(part, masked)
        of_right = logs[np.arange(len(logs)), masked.targets.numpy()]
        ranks = (logs >= of_right[:, None]).sum(axis=1)  # ties count against the guess
        found["top-1"].append(ranks <= 1)
        found["top-5"].append(ranks <= 5)
        found["loss"].append(-of_right)
        found["block"].append(start + masked.chosen.nonzero()[:, 0].numpy())
    return {name: np.concatenate(parts).astype(np.float64) for name, parts in found.items()}


def _logits(model: MaskedLM, masked: Masked, precision: str) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16, enabled=embed.wants_bfloat16(precision)):
        return model(masked.ids, masked.attention, chosen=masked.chosen).logits.float()


def batches(rows: int, settings: Settings) -> Iterator[torch.Tensor]:
    """Row numbers of batch after batch, without end; each epoch in an order of its own."""
    if rows < settings.batch:
        raise BadInput(f"{rows} blocks are fewer than a batch of {settings.batch}.")
    epoch = 0
    while True:
        order = np.random.default_rng((settings.seed, epoch)).permutation(rows)
        for begin in range(0, rows - settings.batch + 1, settings.batch):
            yield torch.from_numpy(order[begin : begin + settings.batch])
        epoch += 1
