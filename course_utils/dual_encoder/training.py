"""The training loop of two heads, one step at a time. Taught in L4, section 5.

`steps` is a generator: whoever runs it draws a curve, measures or stops between two steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from course_utils.dual_encoder.heads import Heads
from course_utils.dual_encoder.loss import contrastive_loss
from course_utils.errors import BadInput


@dataclass(frozen=True)
class Settings:
    """How to train. The defaults are for the facts: a scale of 20 is usual elsewhere, and the
    learning rate was chosen for it on validation questions.

    `scale` multiplies the cosines (1 / temperature). `echo` is the weight of the batch's own
    questions, read as answers, as further negatives; 0 leaves them out. The learning rate falls to
    0 along a straight line.
    """

    steps: int = 100
    batch: int = 256
    scale: float = 20.0
    learning_rate: float = 4e-3
    echo: float = 1.0
    seed: int = 0


def steps(
    heads: Heads,
    questions: torch.Tensor,
    answers: torch.Tensor,
    settings: Settings | None = None,
    *,
    questions_as_answers: torch.Tensor | None = None,
    wordings: int = 1,
) -> Iterator[float]:
    """Train `heads` in place with AdamW; yield the loss of each batch, in nats, after its step.

    `questions` and `answers` are encoder vectors, float32 `[n, d]`, a pair a row. The rows may come
    in `wordings` blocks, each with the same pairs in other words: no batch holds a pair twice.
    `questions_as_answers` `[n, d]` are the questions as the answer side reads them, where that is
    not the same: with a prefix, say. The same settings give the same weights.

    Raises BadInput where the rows are no pairs, or a batch would hold a single one.
    """
    settings = settings or Settings()
    if len(questions) != len(answers) or len(questions) % wordings:
        raise BadInput(
            f"There are {len(questions)} questions and {len(answers)} answers; training needs as "
            f"many of both, in {wordings} blocks of one size."
        )
    if min(settings.batch, len(questions) // wordings) < 2:
        raise BadInput("A batch of one pair has no negatives: training needs two pairs or more.")
    if questions_as_answers is None:
        questions_as_answers = questions
    optimizer = torch.optim.AdamW(heads.parameters(), weight_decay=0.0)
    rows = batches(len(questions) // wordings, settings, wordings)
    for step, chosen in zip(range(settings.steps), rows, strict=False):
        for group in optimizer.param_groups:
            group["lr"] = settings.learning_rate * (1 - step / settings.steps)
        q, a = heads.questions(questions[chosen]), heads.answers(answers[chosen])  # [B, d]
        echo = None
        if settings.echo:
            echo = settings.scale * q @ heads.answers(questions_as_answers[chosen]).T  # [B, B]
        loss = contrastive_loss(settings.scale * q @ a.T, extra=echo, extra_weight=settings.echo)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield loss.item()


def train(
    heads: Heads,
    questions: torch.Tensor,
    answers: torch.Tensor,
    settings: Settings | None = None,
    **options,
) -> list[float]:
    """All of `steps` at once: trains `heads` in place and returns the losses.

    On one thread: where another program computes too, several would wait for each other in each of
    these small steps, up to ten times as long.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return list(steps(heads, questions, answers, settings, **options))
    finally:
        torch.set_num_threads(threads)


def batches(pairs: int, settings: Settings, wordings: int = 1) -> Iterator[torch.Tensor]:
    """Row numbers of batch after batch, without end: int64 `[B]`, with B at most `pairs`.

    Each batch is drawn anew: different pairs, and one wording of each.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    while True:
        chosen = torch.randperm(pairs, generator=generator)[: settings.batch]
        yield chosen + pairs * torch.randint(wordings, (len(chosen),), generator=generator)
