"""Trains two heads on the facts in several processes, with what one process would arrive at.

    torchrun --standalone --nproc-per-node 2 -m tools.training.several_processes --out FOLDER

All processes draw the same batches. Each embeds its share of a batch; then all gather the
embeddings of all, so that every question has the whole batch as negatives. Shown in
notebooks/deeper/L4. Source: Radford et al. 2021, "Learning Transferable Visual Models From Natural
Language Supervision" (CLIP), section 2.5, shares out the scores in the same way.
"""

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from torch import distributed

from course_utils import data, dual_encoder
from course_utils.dual_encoder import Heads, Settings
from course_utils.errors import BadInput


def gathered(own: torch.Tensor) -> torch.Tensor:
    """The rows of all processes: `[B / processes, d]` in each to `[B, d]`, in one order.

    Gathered rows carry no gradient. The own ones stand as they are, with theirs.
    """
    rows = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
    distributed.all_gather(rows, own.detach())
    rows[distributed.get_rank()] = own
    return torch.cat(rows)


def train(
    heads: Heads, questions: torch.Tensor, answers: torch.Tensor, settings: Settings, wordings: int
) -> list[float]:
    """As `dual_encoder.train`, together with the other processes; all end with the same weights.

    Raises BadInput where a batch cannot be shared out evenly.
    """
    process, processes = distributed.get_rank(), distributed.get_world_size()
    pairs = len(questions) // wordings
    if min(settings.batch, pairs) % processes:
        raise BadInput(f"A batch of {min(settings.batch, pairs)} is not {processes} equal shares.")
    optimizer = torch.optim.AdamW(heads.parameters(), weight_decay=0.0)
    batches = dual_encoder.batches(pairs, settings, wordings)
    losses = []
    for step, rows in zip(range(settings.steps), batches, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * (1 - step / settings.steps)
        own = rows.chunk(processes)[process]
        q = gathered(heads.questions(questions[own]))  # [B, d], and so below
        a = gathered(heads.answers(answers[own]))
        echo = gathered(heads.answers(questions[own]))
        loss = dual_encoder.contrastive_loss(
            settings.scale * q @ a.T,
            extra=settings.scale * q @ echo.T,
            extra_weight=settings.echo,
        )
        optimizer.zero_grad()
        loss.backward()
        for weight in heads.parameters():  # each process has the terms of its own rows
            distributed.all_reduce(weight.grad)
        optimizer.step()
        losses.append(loss.item())
    return losses


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, and let the first process save the heads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=Settings().steps)
    parser.add_argument("--batch", type=int, default=Settings().batch, help="of all together")
    parser.add_argument("--facts", type=int, help="only the first so many, for a trial")
    options = parser.parse_args(arguments)
    settings = Settings(steps=options.steps, batch=options.batch)
    facts = data.fact_questions(wordings=1)
    facts = facts[facts.side == "train"][: options.facts]
    distributed.init_process_group("gloo")
    questions = dual_encoder.embed_questions(facts.question.tolist(), progress=False)
    answers = dual_encoder.embed_answers(facts.answer.tolist(), progress=False)
    heads = Heads()
    losses = train(heads, *map(torch.from_numpy, (questions, answers)), settings, wordings=1)
    if distributed.get_rank() == 0:
        dual_encoder.save(heads, options.out, {"settings": asdict(settings)})
        shares = f"{distributed.get_world_size()} processes"
        print(f"{len(facts)} facts, {shares}: loss {losses[0]:.2f}, at the end {losses[-1]:.2f}")
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
