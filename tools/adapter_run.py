"""`make l4-adapters`: low-rank adapters inside the encoder beside heads on top of it, on the facts.

Shown in notebooks/deeper/L4. All systems are trained with the echo term, all but one on the same
batches. Their settings are chosen on validation questions, with seed 0; the held-out questions
choose nothing. What becomes of each question is kept: the notebook compares in pairs.
"""

import argparse
import datetime
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import process_time

import numpy as np
import pandas as pd
import torch
from torch import nn
from torch.nn.functional import normalize

from course_utils import data, dual_encoder, embed, low_rank, models
from course_utils.dual_encoder import Heads, Settings
from tools import records

PACKAGES = ("torch", "transformers", "peft", "numpy")
SEEDS = (0, 1, 2)
RANK = 16
TOKENS = 64  # the longest fact has 29


class Adapters(nn.Module):
    """Encoders with adapters, called like `Heads`; `shared` makes one encoder of both sides.

    They read token numbers `[n, T]`, with 0 for padding, and give unit vectors `[n, d]`.
    """

    def __init__(self, shared: bool, seed: int):
        super().__init__()
        self.question = low_rank.adapted(RANK, seed)
        self.answer = self.question if shared else low_rank.adapted(RANK, seed)
        for encoder in (self.question, self.answer):  # on a CPU its gradient takes half the time
            encoder.get_base_model().set_attn_implementation("eager")

    def questions(self, ids: torch.Tensor) -> torch.Tensor:
        return self._vectors(self.question, ids)

    def answers(self, ids: torch.Tensor) -> torch.Tensor:
        return self._vectors(self.answer, ids)

    def _vectors(self, encoder: nn.Module, ids: torch.Tensor) -> torch.Tensor:
        mask = ids != 0
        longest = int(mask.sum(1).max())
        ids, mask = ids[:, :longest], mask[:, :longest]
        with torch.autocast("cpu", torch.bfloat16, enabled=embed.wants_bfloat16("auto")):
            states = encoder(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return normalize(embed.pool(states.float(), mask), dim=-1)


@dataclass(frozen=True)
class System:
    """What is trained, and the values of the settings that are tried."""

    adapters: bool
    shared: bool  # then questions and answers are told apart by a prefix
    tried: Mapping[str, Sequence[float]]
    batch: int = 64

    def model(self, seed: int) -> nn.Module:
        return Adapters(self.shared, seed) if self.adapters else Heads(shared=self.shared)

    def read(self, rows: pd.DataFrame) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What the model reads: the questions, the answers, and the questions as answers."""
        asks, states = ("question: ", "answer: ") if self.shared else ("", "")
        texts = (asks + rows.question, states + rows.answer, states + rows.question)
        read = token_numbers if self.adapters else vectors
        return tuple(read(side.tolist()) for side in texts)


# Scales 10 and 50 and the rates 1e-3 and 8e-3 were tried before for adapters: worse on validation.
FOR_HEADS = {"learning_rate": (4e-3, 1.6e-2), "scale": (10.0, 20.0), "echo": (0.1, 1.0)}
FOR_ADAPTERS = {"learning_rate": (2e-3, 4e-3), "scale": (20.0,), "echo": (0.1, 1.0)}
SYSTEMS = {
    "two heads": System(False, False, FOR_HEADS),
    "two heads, batch 256": System(False, False, FOR_HEADS, batch=256),
    "one head, prefixes": System(False, True, FOR_HEADS),
    "two encoders, adapters": System(True, False, FOR_ADAPTERS),
    "one encoder, adapters, prefixes": System(True, True, FOR_ADAPTERS),
}


def vectors(texts: list[str]) -> torch.Tensor:
    return torch.from_numpy(dual_encoder.embed_answers(texts, progress=False))


def token_numbers(texts: list[str]) -> torch.Tensor:
    tokenizer, _ = models.load("sentence encoder")
    cut = {"truncation": True, "max_length": TOKENS, "padding": "max_length"}
    return tokenizer(texts, return_tensors="pt", **cut)["input_ids"]


def trained(system: System, settings: Settings, facts: pd.DataFrame) -> tuple[nn.Module, float]:
    """The system after its training, and the seconds of the processor that this took."""
    model = system.model(settings.seed)
    train = facts[facts.side == "train"]
    questions, answers, echo = system.read(train)
    blocks = len(train) // len(train.drop_duplicates(["entity", "relation"]))
    began = process_time()
    dual_encoder.train(
        model, questions, answers, settings, questions_as_answers=echo, wordings=blocks
    )
    return model, process_time() - began


@torch.inference_mode()
def outcomes(system: System, model: nn.Module, rows: pd.DataFrame) -> dict[str, np.ndarray]:
    """Whether each right answer comes first, by candidates: `[q]` of 0 and 1."""
    questions, answers, echo = system.read(rows)
    asked = model.questions(questions)
    scores = asked @ model.answers(answers).T  # [q, q]
    right = scores.diagonal().clone()
    best = scores.fill_diagonal_(-2).amax(1)
    best_question = (asked @ model.answers(echo).T).amax(1)
    among_both = right > torch.maximum(best, best_question)
    found = {"answers": right > best, "answers and questions": among_both}
    return {name: hits.int().numpy() for name, hits in found.items()}


def measured(system: System, model: nn.Module, facts: pd.DataFrame, side: str) -> dict[str, dict]:
    """`outcomes` for known and for new wordings."""
    rows = facts[facts.side == side]
    return {name: outcomes(system, model, part) for name, part in rows.groupby("wording")}


def choose(system: System, steps: int, facts: pd.DataFrame) -> tuple[Settings, list[dict]]:
    """The settings whose right answers come first most often, and what was tried."""
    settings, runs = Settings(steps=steps, batch=system.batch), []
    for values in itertools.product(*system.tried.values()):
        choices = dict(zip(system.tried, values, strict=True))
        model, seconds = trained(system, replace(settings, **choices), facts)
        found = measured(system, model, facts, "validation")
        first = {name: share(of["answers and questions"]) for name, of in found.items()}
        runs.append({**choices, **first, "seconds": round(seconds, 1)})
        print(runs[-1], flush=True)
    best = max(runs, key=lambda run: run["known"] + run["new"])
    return replace(settings, **{name: best[name] for name in system.tried}), runs


def run(system: System, settings: Settings, facts: pd.DataFrame) -> dict:
    """One training, measured on held-out questions.

    `known` and `new` are texts of 0 and 1, a question each: is the right answer first among answers
    and questions? `among_answers` has the shares among the answers alone.
    """
    model, seconds = trained(system, settings, facts)
    found = measured(system, model, facts, "held out")
    record = {"seed": settings.seed, "seconds": round(seconds, 1)}
    for wording, of in found.items():
        record[wording] = "".join(map(str, of["answers and questions"]))
    alone = {wording: share(of["answers"]) for wording, of in found.items()}
    return {**record, "among_answers": alone}


def share(hits: np.ndarray) -> float:
    return round(float(hits.mean()), 4)


def main(arguments: Sequence[str] | None = None, facts: pd.DataFrame | None = None) -> None:
    """Choose, train, measure, and write the file at the end; `facts` instead of all facts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--out", type=Path, default=data.RUNS / "adapters.json")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    facts = data.fact_questions() if facts is None else facts
    systems = {}
    for name, system in SYSTEMS.items():
        print(name, flush=True)
        settings, tried = choose(system, options.steps, facts)
        trainable = [part for part in system.model(0).parameters() if part.requires_grad]
        runs = [run(system, replace(settings, seed=seed), facts) for seed in SEEDS]
        systems[name] = {
            "trained_numbers": sum(part.numel() for part in trainable),
            "settings": {key: value for key, value in asdict(settings).items() if key != "seed"},
            "tried": tried,
            "runs": runs,
        }
    record = {
        "command": f"python -m tools.adapter_run --steps {options.steps}",
        "date": datetime.date.today().isoformat(),
        "versions": records.versions(PACKAGES),
        "threads": 1,
        "rank": RANK,
        "systems": systems,
    }
    records.write(record, options.out)


if __name__ == "__main__":
    main()
