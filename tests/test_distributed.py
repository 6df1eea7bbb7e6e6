"""Several processes train what one process trains with the joined batch.

Two real processes are started once. They run `work`, at the end of this file, and leave what they
found in a folder; each test compares a part of it with one process. One interpreter is started and
forks, for importing PyTorch twice takes longer than all that the two do.
"""

import contextlib
import json
import os
import signal
import sys
import traceback
from pathlib import Path

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.numpy import load_file, save_file
from torch.nn.functional import normalize

from course_utils import dual_encoder
from course_utils.dual_encoder import Heads, Settings, __main__, batch_loss
from course_utils.dual_encoder.distributed import DistributedRun, require_agreement, share
from course_utils.errors import BadInput
from tests.helpers import run_python

pytestmark = pytest.mark.usefixtures("one_thread")

WIDTH = 12
RANKS = ("0", "1")
CASES = {
    "even": (8, Settings(scale=5.0)),
    "uneven": (7, Settings(scale=5.0)),
    "one direction": (6, Settings(scale=5.0, symmetric=False)),
    "with the echo": (7, Settings(scale=5.0, echo=0.5)),
}
RUN = Settings(steps=7, batch=7, learning_rate=1e-2, scale=5.0, echo=0.3)
COMMAND = ["train", "--steps", "6", "--batch", "3", "--learning-rate", "0.01"]
OWN_PAIRS = """question\tanswer
How do I sort a list?\tThe function sorted returns a new list in ascending order.
How do I open a file?\tCall open with a path and a mode, best in a with statement.
How do I copy a folder?\tshutil.copytree copies a directory tree.
How do I join words?\tThe method join of a string puts it between them.
How do I measure time?\tperf_counter counts the seconds between two calls.
"""


class Drawing(Heads):
    """Heads that draw a random number at each step, as dropout does."""

    drawn = 0.0

    def questions(self, vectors):
        self.drawn = torch.rand(()).item()
        return super().questions(vectors)


def model() -> Drawing:
    heads, generator = Drawing(WIDTH), torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in heads.parameters():
            weight += 0.3 * torch.randn(WIDTH, WIDTH, generator=generator)
    return heads


def data(rows: int = 20) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Questions, answers and labels; the first two rows have one label."""
    generator = torch.Generator().manual_seed(3)
    questions, answers = normalize(torch.randn(2, rows, WIDTH, generator=generator), dim=-1)
    return questions, answers, torch.arange(rows).clamp(min=1)


def numbers(model) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy().copy() for name, value in model.named_parameters()}


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> list[Path]:
    """The folders that two processes left."""
    shared = tmp_path_factory.mktemp("two")
    (shared / "own.tsv").write_text(OWN_PAIRS)
    for rank in RANKS:
        (shared / rank).mkdir()
    run = run_python(
        "-m",
        "tests.test_distributed",
        str(shared),
        WORLD_SIZE="2",
        MASTER_ADDR="127.0.0.1",
        GLOO_SOCKET_IFNAME="lo0" if sys.platform == "darwin" else "lo",
        OMP_NUM_THREADS="1",
    )
    said = [(shared / rank / name).read_text() for rank in RANKS for name in ("out", "err")]
    assert run.returncode == 0, (run.stderr, *said)
    return [shared / "0", shared / "1"]


@pytest.mark.parametrize("case", CASES)
def test_the_loss_and_the_gradients_are_those_of_the_joined_batch(two, case):
    rows, settings = CASES[case]
    alone, (questions, answers, labels) = model(), data(rows)
    loss = batch_loss(alone, questions, answers, settings, labels)
    loss.backward()
    # Large enough for the tolerance below to mean something.
    assert all(parameter.grad.abs().max() > 0.05 for parameter in alone.parameters())
    for folder in two:
        found = load_file(folder / f"{case}.safetensors")
        assert found.pop("loss") == pytest.approx(loss.item(), abs=1e-5)
        for name, parameter in alone.named_parameters():
            np.testing.assert_allclose(found[name], parameter.grad, rtol=0, atol=1e-5)


def test_negatives_of_one_process_alone_would_be_another_loss():
    """What the test above would see if the embeddings were not gathered."""
    rows, settings = CASES["even"]
    questions, answers, _ = data(rows)
    whole = batch_loss(model(), questions, answers, settings)
    halves = [
        batch_loss(model(), questions[part], answers[part], settings)
        for part in (slice(0, 4), slice(4, 8))
    ]
    assert whole - sum(halves) / 2 > 0.1


def test_whole_runs_end_with_the_same_weights(two):
    alone = model()
    done = dual_encoder.train(alone, *data()[:2], RUN, data()[2])
    found = [load_file(folder / "run.safetensors") for folder in two]
    for name, before in numbers(model()).items():
        np.testing.assert_array_equal(found[0][name], found[1][name])
        np.testing.assert_allclose(found[0][name], numbers(alone)[name], rtol=0, atol=1e-5)
        assert abs(found[0][name] - before).max() > 0.01
    told = json.loads((two[1] / "steps.json").read_text())
    assert told["pairs"] == [step.pairs for step in done]
    assert told["loss"] == pytest.approx([step.loss for step in done], abs=1e-5)


def test_each_process_draws_its_own_random_numbers(two):
    alone = model()
    dual_encoder.train(alone, *data()[:2], RUN)
    drawn = [json.loads((folder / "steps.json").read_text())["drawn"] for folder in two]
    assert drawn[0] == alone.drawn != drawn[1]


def test_processes_that_differ_are_stopped(two):
    for folder in two:
        told = json.loads((folder / "agreement.json").read_text())
        assert told["same"] is None
        assert "different training pairs" in told["pairs"]
        assert "different training pairs or checkpoints" in told["done"]


def test_the_command_trains_the_same_heads_in_two_processes(two, tmp_path, capsys):
    shared = two[0].parent
    assert (
        __main__.main([*COMMAND, "--pairs", f"{shared / 'own.tsv'}", "--out", f"{tmp_path}"]) == 0
    )
    alone, together = dual_encoder.load(tmp_path), dual_encoder.load(shared / "heads")
    for name, weight in numbers(alone).items():
        np.testing.assert_allclose(numbers(together)[name], weight, rtol=0, atol=1e-5)
        assert abs(weight - np.eye(384)).max() > 0.01
    assert "5 pairs trained on" in capsys.readouterr().out
    assert "5 pairs trained on" in (two[0] / "out").read_text()
    assert (two[1] / "out").read_text() == ""  # only one process speaks


# ------------------------------------------------------------------------------- in one process


def test_one_process_under_accelerate_is_bit_for_bit_the_plain_loop():
    plain, under = model(), model()
    told = dual_encoder.train(plain, *data()[:2], RUN, data()[2])
    run = DistributedRun(under, RUN, Accelerator(cpu=True))
    assert [step.loss for step in run.steps(*data())] == [step.loss for step in told]
    for name, weight in numbers(plain).items():
        np.testing.assert_array_equal(numbers(under)[name], weight)


@pytest.mark.parametrize("rows, processes", [(8, 2), (7, 2), (7, 3), (2, 5), (5, 1)])
def test_shares_are_of_one_size_and_make_up_the_batch_in_its_order(rows, processes):
    chosen = torch.randperm(rows) + 100
    shares = [share(chosen, process, processes) for process in range(processes)]
    assert len({len(part) for part in shares}) == 1
    assert len(shares[0]) < rows / processes + 1
    assert torch.equal(torch.cat(shares)[:rows], chosen)


# --------------------------------------------------------------------- what the processes run


def work(shared: Path) -> None:
    """Everything that the tests look at, in one of two processes."""
    rank = int(os.environ["RANK"])
    meeting = f"file://{shared / 'meeting'}"  # unlike a port, nobody else can have taken it
    torch.distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
    accelerator = Accelerator(cpu=True)
    assert accelerator.num_processes == 2
    folder = shared / str(rank)
    for case, (rows, settings) in CASES.items():
        run = DistributedRun(model(), settings, accelerator)
        loss = run.loss(*data(rows), torch.arange(rows))
        run.backward(loss)
        gradients = {name: weight.grad.numpy() for name, weight in run.model.named_parameters()}
        save_file({"loss": loss.detach().numpy(), **gradients}, folder / f"{case}.safetensors")

    run = DistributedRun(model(), RUN, accelerator)
    steps = list(run.steps(*data()))
    save_file(numbers(run.model), folder / "run.safetensors")
    told = {"loss": [step.loss for step in steps], "pairs": [step.pairs for step in steps]}
    (folder / "steps.json").write_text(json.dumps({**told, "drawn": run.model.drawn}))

    said = {}
    for name, pairs, done in (("same", "ab", 3), ("pairs", f"a{rank}", 3), ("done", "ab", rank)):
        try:
            said[name] = require_agreement(accelerator, pairs, done)
        except BadInput as error:
            said[name] = str(error)
    (folder / "agreement.json").write_text(json.dumps(said))

    own = ["--pairs", str(shared / "own.tsv"), "--out", str(shared / "heads")]
    assert __main__.main([*COMMAND, *own]) == 0  # last: it leaves the group


def forked(shared: Path, rank: str) -> int:
    """`work` in a process of its own, which writes into the files `out` and `err`; its id."""
    child = os.fork()
    if child:
        return child
    ended = 1
    try:
        signal.alarm(100)  # ends it, should nobody wait for it any more
        os.environ.update(RANK=rank, LOCAL_RANK=rank)
        for name, stream in (("out", 1), ("err", 2)):
            os.dup2(os.open(shared / rank / name, os.O_WRONLY | os.O_CREAT), stream)
        work(shared)
        sys.stdout.flush()
        ended = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(ended)


if __name__ == "__main__":
    started = [forked(Path(sys.argv[1]), rank) for rank in RANKS]
    for _ in started:
        if os.wait()[1]:  # the other one would wait for it
            for child in started:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            sys.exit(1)
