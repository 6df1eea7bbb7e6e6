"""The training loop in several processes or on several GPUs, under `accelerate`. Taught in L4.

All processes draw the same batches. Each one embeds its share of a batch, then all share their
embeddings, so that the negatives of a question are the answers of the whole batch, wherever they
were embedded. What is trained is what one process trains with the same batch, up to rounding and to
the random numbers of dropout, which every process draws for itself.

Source: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision"
(CLIP), section 2.5, shards the scores in the same way.
"""

from functools import partial

import torch
from accelerate import Accelerator

from course_utils.dual_encoder.training import Run, Settings, batch_loss
from course_utils.errors import BadInput


class DistributedRun(Run):
    """A `Run` that trains together with the other processes of `accelerator`.

    With one process it does, bit for bit, what `Run` does.
    """

    def __init__(self, model: torch.nn.Module, settings: Settings | None, accelerator: Accelerator):
        super().__init__(model.to(accelerator.device), settings)
        self.accelerator = accelerator
        self.process = accelerator.process_index
        self._batch, self.optimizer = accelerator.prepare(
            _Batch(self.model, self.settings), self.optimizer
        )

    def steps(self, questions, answers, labels=None):
        """As `Run.steps`; every process is given all pairs."""
        device = self.accelerator.device
        yield from super().steps(questions.to(device), answers.to(device), labels)

    def loss(self, questions, answers, labels, chosen):
        """The loss of the whole batch, which all processes have; its gradient reaches the model
        through the embeddings of this process's rows."""
        own = share(chosen, self.process, self.accelerator.num_processes)
        return self._batch(
            questions[own],
            answers[own],
            None if labels is None else labels[chosen],
            partial(gathered, self.accelerator, size=len(chosen)),
        )

    def backward(self, loss):
        """Give every parameter the gradient of the whole batch, the same one in every process.

        By the chain rule it is a sum over the rows of the batch, and each process has found the
        terms of its own rows. DistributedDataParallel takes the mean over the processes, not the
        sum: the loss is multiplied by their number to make up for that.
        """
        self.accelerator.backward(loss * self.accelerator.num_processes)


class _Batch(torch.nn.Module):
    """`batch_loss` as a module: gradients are exchanged only for what runs in a `forward`."""

    def __init__(self, model: torch.nn.Module, settings: Settings):
        super().__init__()
        self.model, self.settings = model, settings

    def forward(self, questions, answers, labels, gather) -> torch.Tensor:
        return batch_loss(self.model, questions, answers, self.settings, labels, gather)


def share(chosen: torch.Tensor, process: int, processes: int) -> torch.Tensor:
    """The rows of a batch that a process embeds: as many in each, since gathering needs that.

    Where they do not come out even, the last rows are some of the first again.
    """
    size = -(-len(chosen) // processes)
    return chosen[torch.arange(process * size, (process + 1) * size) % len(chosen)]


def gathered(accelerator: Accelerator, rows: torch.Tensor, size: int) -> torch.Tensor:
    """The embeddings of a whole batch, in its order: `[share, d]` in each process to `[size, d]`.

    Gathering does not carry gradients. The rows of this process therefore stand as they are, with
    their history; those of the others are constants here, and variables where they come from.
    """
    everyone = accelerator.gather(rows.detach())  # [processes × share, d]
    begin = accelerator.process_index * len(rows)
    return torch.cat([everyone[:begin], rows, everyone[begin + len(rows) :]])[:size]


def require_agreement(accelerator: Accelerator, pairs: str, done: int) -> None:
    """Raise BadInput unless all processes have the same pairs, and begin at the same step.

    `pairs` is a digest, in hexadecimal. Without this, they would train on nonsense and not notice.
    """
    mine = torch.tensor([[int(pairs[:15], 16), done]], device=accelerator.device)
    if len(accelerator.gather(mine).unique(dim=0)) > 1:
        raise BadInput(
            "The processes have different training pairs or checkpoints. All machines need the "
            "same versions of the packages, the same files, and a folder for the results that they "
            "share."
        )
