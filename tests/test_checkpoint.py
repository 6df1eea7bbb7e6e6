"""Training runs that are put down and taken up again."""

import itertools

import pytest
import torch

from tools.training import adapter_training, checkpoint
from tools.training.checkpoint import CheckpointError

WIDTH = 8
SETTINGS = adapter_training.Settings(steps=7, learning_rate=1e-2, head=2.0)
OF = {"steps": 7, "batch": 4, "training pairs": "abc"}


class Small(torch.nn.Module):
    """An encoder and a head, as small as can be."""

    def __init__(self):
        super().__init__()
        self.encoder, self.head = (torch.nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(2))
        torch.nn.init.eye_(self.encoder.weight)
        torch.nn.init.eye_(self.head.weight)

    def head_parameters(self) -> dict[str, torch.nn.Parameter]:
        return {"head.weight": self.head.weight}


class Run(adapter_training.Run):
    """Guesses the next rows of a table from the ones before."""

    def steps(self, rows: torch.Tensor):
        return self._steps(rows[step : step + 4] for step in range(self.done, len(rows)))

    def loss(self, batch: torch.Tensor) -> tuple[torch.Tensor, float, int]:
        found = self.model.head(torch.tanh(self.model.encoder(batch[:-1])))
        return (found - batch[1:]).square().mean(), 1.0, len(batch)


def data() -> torch.Tensor:
    return torch.randn(12, WIDTH, generator=torch.Generator().manual_seed(0))


def begun(steps: int) -> Run:
    run = Run(Small(), SETTINGS)
    list(itertools.islice(run.steps(data()), steps))
    return run


@pytest.mark.parametrize("done", [1, 4, 7])
def test_a_run_goes_on_as_if_it_had_never_been_put_down(tmp_path, done):
    whole = begun(0)
    told = list(whole.steps(data()))
    checkpoint.save(begun(done), tmp_path / "deep" / "state", OF)
    again = begun(0)
    assert checkpoint.restore(again, tmp_path / "deep" / "state", OF)
    rest = list(again.steps(data()))
    assert [step.number for step in rest] == list(range(done + 1, 8))
    assert [step.loss for step in rest] == [step.loss for step in told[done:]]
    assert [step.pairs for step in rest] == [step.pairs for step in told[done:]]
    assert again.seconds > 0 and again.pairs == whole.pairs
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], weight)
    assert not again.model.training


def test_a_later_checkpoint_takes_the_place_of_the_earlier(tmp_path):
    for done in (2, 5):
        checkpoint.save(begun(done), tmp_path / "state", OF)
    run = begun(0)
    checkpoint.restore(run, tmp_path / "state", OF)
    assert run.done == 5
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


@pytest.mark.parametrize(
    "other, said",
    [
        ({"steps": 9, "batch": 8}, "steps = 7, not 9, batch = 4, not 8"),
        ({"training pairs": "abd"}, "training pairs = 'abc', not 'abd'"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_nothing_changes(tmp_path, other, said):
    checkpoint.save(begun(3), tmp_path / "state", OF)
    run = begun(0)
    with pytest.raises(CheckpointError, match=f"there {said}"):
        checkpoint.restore(run, tmp_path / "state", OF | other)
    assert run.done == 0
    assert torch.equal(run.model.head.weight, torch.eye(WIDTH))


@pytest.mark.parametrize("cut", [0, 500, -1])
def test_a_checkpoint_that_was_cut_short_is_refused(tmp_path, cut):
    path = tmp_path / "state"
    checkpoint.save(begun(3), path, OF)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CheckpointError, match="is damaged. Delete it to begin anew"):
        checkpoint.restore(begun(0), path, OF)
