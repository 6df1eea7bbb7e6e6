"""Two real processes train what one process trains with the whole batch."""

import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from course_utils import data, dual_encoder
from course_utils.dual_encoder import Heads, Settings
from tests.helpers import run_python

pytestmark = pytest.mark.usefixtures("one_thread")

SETTINGS = Settings(steps=4, batch=16)
FACTS = 40
COMMAND = ["-m", "tools.training.several_processes", "--steps=4", "--batch=16"]
COMMAND += [f"--facts={FACTS}"]


@pytest.fixture(scope="module")
def vectors() -> tuple[torch.Tensor, torch.Tensor]:
    facts = data.fact_questions(wordings=1)[:FACTS]
    questions = dual_encoder.embed_questions(facts.question.tolist(), progress=False)
    answers = dual_encoder.embed_answers(facts.answer.tolist(), progress=False)
    return torch.from_numpy(questions), torch.from_numpy(answers)


def two_processes(out: Path) -> list[subprocess.CompletedProcess]:
    """The command in two processes, with what torchrun would set for each."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": f"{port}", "WORLD_SIZE": "2"}
    meeting["GLOO_SOCKET_IFNAME"] = "lo0" if sys.platform == "darwin" else "lo"

    def start(rank: str) -> subprocess.CompletedProcess:
        return run_python(*COMMAND, f"--out={out}", RANK=rank, OMP_NUM_THREADS="1", **meeting)

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(start, "01"))


def test_two_processes_arrive_at_the_weights_of_one(tmp_path, vectors):
    runs = two_processes(tmp_path)
    assert [run.returncode for run in runs] == [0, 0], [run.stderr for run in runs]
    alone = Heads()
    losses = dual_encoder.train(alone, *vectors, SETTINGS)
    together = dual_encoder.load(tmp_path)
    for name, weight in alone.state_dict().items():
        assert (weight - torch.eye(384)).abs().max() > 5e-3
        torch.testing.assert_close(together.state_dict()[name], weight, rtol=0, atol=1e-5)
    assert f"loss {losses[0]:.2f}, at the end {losses[-1]:.2f}" in runs[0].stdout
    assert runs[1].stdout == ""  # only one process speaks


def test_with_its_own_negatives_alone_each_process_would_go_elsewhere(vectors):
    """What the first test would see if nothing were gathered."""
    questions, answers = (side[:16] for side in vectors)
    gradients = []
    for parts in (1, 2):
        heads = Heads()
        for q, a in zip(questions.chunk(parts), answers.chunk(parts), strict=True):
            scores = 20 * heads.questions(q) @ heads.answers(a).T
            (dual_encoder.contrastive_loss(scores) / parts).backward()
        gradients.append(heads.answer.weight.grad.flatten())
    assert torch.cosine_similarity(*gradients, dim=0) < 0.98
