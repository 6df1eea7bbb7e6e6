"""What a head on the frozen encoder learns from the shipped masked language model's training.

    SQUAD=path python -m tools.frozen_head      a copy of SQuAD v1.1; without it, from the hub

The blocks, hidden tokens and their order are those of `tools/masked_lm.py`, and so are
the blocks for the points of the curve; but nothing inside the encoder is trained, half as many
steps are taken, and the learning rate has fallen to 0 at their end, which favours the head. So does
its layer: the best of 2 to 6 in a trial of 100 steps, on the blocks of the curve.
"""

import argparse
import copy
import datetime
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from course_utils import data, masked_lm, models
from course_utils.masked_lm import Masked
from tools import records
from tools.counted_guesses import Bigrams, Unigrams
from tools.masked_lm import POINTS, Texts, all_texts
from tools.masked_lm_training import Settings, batches, figures

LAYER = 2
SETTINGS = Settings(steps=500, learning_rate=1e-2)


class Head(nn.Module):
    """BERT's head without its GELU, as in `masked_lm.MaskedLM`; scores `[k, V]` of states."""

    def __init__(self, bias: torch.Tensor):
        super().__init__()
        _, encoder = models.load("contextual encoder")
        self.table = encoder.get_input_embeddings().weight.detach()  # [V, d]
        self.linear = nn.Linear(self.table.shape[1], self.table.shape[1])
        self.norm = nn.LayerNorm(self.table.shape[1], eps=1e-12)
        self.bias = nn.Parameter(bias)
        nn.init.constant_(self.norm.weight, 0.3)  # so that the bias has the say at first

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.norm(self.linear(states)) @ self.table.T + self.bias


@cache
def lower_layers() -> nn.Module:
    """A copy of the encoder that ends after `LAYER`."""
    encoder = copy.deepcopy(models.load("contextual encoder")[1])
    encoder.encoder.layer = encoder.encoder.layer[:LAYER]
    return encoder.requires_grad_(False)


def read(masked: Masked) -> torch.Tensor:
    """The frozen states of the hidden places, float32 `[k, d]`."""
    return lower_layers()(masked.ids, masked.attention).last_hidden_state[masked.chosen]


def point(head: Head, ids: torch.Tensor) -> float:
    """The head's loss on blocks, with the tokens hidden that `figures` hides."""

    @torch.no_grad()
    def guess(_, masked: Masked) -> np.ndarray:
        return head(read(masked)).log_softmax(dim=-1).numpy()

    return round(float(figures(guess, ids)["loss"].mean()), 4)


def train(ids: torch.Tensor, shown: torch.Tensor, settings: Settings) -> list[dict]:
    """The head's curve."""
    torch.manual_seed(settings.seed)
    head = Head(torch.from_numpy(np.log(Unigrams(ids).shares)).float())
    optimizer = torch.optim.AdamW(head.parameters(), weight_decay=settings.weight_decay)
    curve = [{"step": 0, "loss": point(head, shown)}]
    order = batches(len(ids), settings)
    for step in range(1, settings.steps + 1):
        masked = masked_lm.hide(ids[next(order)], seed=settings.seed * 1_000_003 + step - 1)
        optimizer.param_groups[0]["lr"] = settings.rate(step - 1)
        optimizer.zero_grad()
        cross_entropy(head(read(masked)), masked.targets).backward()
        optimizer.step()
        if step in POINTS or step == settings.steps:
            curve.append({"step": step, "loss": point(head, shown)})
            print(curve[-1], flush=True)
    return curve


def main(arguments: Sequence[str] | None = None, texts: Texts | None = None) -> None:
    """Train the head and write the figures; `texts` instead of those of the course."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=SETTINGS.steps)
    parser.add_argument("--batch", type=int, default=SETTINGS.batch)
    parser.add_argument("--figures", type=Path, default=data.RUNS / "frozen_head.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    texts = texts or all_texts()
    ids, shown = texts.train(), texts.shown()
    settings = Settings(options.steps, SETTINGS.learning_rate, batch=options.batch)
    counted = {"unigram": Unigrams(ids), "bigram": Bigrams(ids)}
    record = {
        "command": f"python -m tools.frozen_head --steps {options.steps} --batch {options.batch}",
        "date": datetime.date.today().isoformat(),
        "versions": records.versions(("torch", "transformers", "numpy")),
        "layer": LAYER,
        "learning_rate": settings.learning_rate,
        "counted": {
            name: round(float(figures(each.log_probabilities, shown)["loss"].mean()), 4)
            for name, each in counted.items()
        },
        "curve": train(ids, shown, settings),
    }
    records.write(record, options.figures)


if __name__ == "__main__":
    main()
