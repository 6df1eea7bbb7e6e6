"""Training runs that are put down and taken up again."""

import itertools

import pytest
import torch

from course_utils.dual_encoder import Heads, Run, Settings, checkpoint
from course_utils.dual_encoder.checkpoint import CheckpointError

WIDTH = 8
SETTINGS = Settings(steps=7, batch=4, learning_rate=1e-2)
OF = {"steps": 7, "batch": 4, "training pairs": "abc"}


class Dropping(Heads):
    """Heads behind dropout, whose random numbers have to come back as well."""

    def questions(self, vectors):
        return super().questions(torch.dropout(vectors, 0.3, self.training))


def data() -> tuple[torch.Tensor, torch.Tensor]:
    return tuple(torch.randn(2, 10, WIDTH, generator=torch.Generator().manual_seed(0)))


def begun(steps: int, model: torch.nn.Module | None = None) -> Run:
    run = Run(model or Dropping(WIDTH), SETTINGS)
    list(itertools.islice(run.steps(*data()), steps))
    return run


@pytest.mark.parametrize("done", range(1, 8))
def test_a_run_goes_on_as_if_it_had_never_been_put_down(tmp_path, done):
    whole = begun(0)
    told = list(whole.steps(*data()))
    checkpoint.save(begun(done), tmp_path / "deep" / "state", OF)
    again = begun(0)
    assert checkpoint.restore(again, tmp_path / "deep" / "state", OF)
    torch.manual_seed(99)  # what has been drawn in this process does not matter
    rest = list(again.steps(*data()))
    assert [step.number for step in rest] == list(range(done + 1, 8))
    assert [step.loss for step in rest] == [step.loss for step in told[done:]]
    assert [step.pairs for step in rest] == [step.pairs for step in told[done:]]
    assert again.seconds > 0 and again.pairs == whole.pairs
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], weight)
    assert not again.model.training


def test_where_there_is_no_checkpoint_nothing_changes(tmp_path):
    run = begun(0)
    assert not checkpoint.restore(run, tmp_path / "state", OF)
    assert run.done == 0


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
        ({"batch": 8}, "batch = 4, not 8"),
        ({"steps": 9, "batch": 8}, "steps = 7, not 9, batch = 4, not 8"),
        ({"training pairs": "abd"}, "training pairs = 'abc', not 'abd'"),
        ({"echo": 1.0}, "echo = None, not 1.0"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_nothing_changes(tmp_path, other, said):
    checkpoint.save(begun(3), tmp_path / "state", OF)
    run = begun(0)
    with pytest.raises(CheckpointError, match=f"there {said}"):
        checkpoint.restore(run, tmp_path / "state", OF | other)
    assert run.done == 0
    assert torch.equal(run.model.question.weight, torch.eye(WIDTH))


@pytest.mark.parametrize("cut", [0, 20, 500, -1])
def test_a_checkpoint_that_was_cut_short_is_refused(tmp_path, cut):
    path = tmp_path / "state"
    checkpoint.save(begun(3), path, OF)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(CheckpointError, match="is damaged. Delete it to begin anew"):
        checkpoint.restore(begun(0), path, OF)


def test_a_single_changed_bit_is_noticed(tmp_path):
    path = tmp_path / "state"
    checkpoint.save(begun(3), path, OF)
    data = bytearray(path.read_bytes())
    data[-100] ^= 1
    path.write_bytes(data)
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.restore(begun(0), path, OF)


def test_what_cannot_be_written_or_read_is_named(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CheckpointError, match="cannot be written"):
        checkpoint.save(begun(1), tmp_path / "file" / "state", OF)
    with pytest.raises(CheckpointError, match="cannot be read"):
        checkpoint.restore(begun(0), tmp_path, OF)
