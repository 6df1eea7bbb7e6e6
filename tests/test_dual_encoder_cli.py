"""The command `python -m course_utils.dual_encoder train`, from its options to its heads."""

import functools
import signal

import pytest
import torch

from course_utils import dual_encoder
from course_utils.data import retrieval_pairs
from course_utils.data.retrieval_pairs import QaPair
from course_utils.dual_encoder import Heads, Run, Settings, __main__, checkpoint, pairs
from tests.helpers import run_python

pytestmark = pytest.mark.usefixtures("one_thread")

OWN_PAIRS = """question\tanswer
How do I sort a list?\tThe function sorted returns a new list in ascending order.
How do I open a file?\tCall open with a path and a mode, best in a with statement.
How do I copy a folder?\tshutil.copytree copies a directory tree.
How do I copy everything in it?\tshutil.copytree copies a directory tree.
How do I join words?\tThe method join of a string puts it between them.
"""
FLAGS = ["--steps", "8", "--batch", "3", "--learning-rate", "0.01", "--echo", "0.5", "--seed", "4"]
SETTINGS = Settings(steps=8, batch=3, learning_rate=0.01, echo=0.5, seed=4)
DOCUMENTATION = [
    QaPair(f"How is {word} done?", f"To do {word}, turn the {word} twice.", word, package)
    for package in ("first", "second")
    for word in (f"{package} {n}" for n in ("one", "two", "three", "four", "five", "six"))
]


@pytest.fixture
def own(tmp_path):
    """The options that name a file of pairs and a folder for the heads."""
    (tmp_path / "own.tsv").write_text(OWN_PAIRS)
    return ["--pairs", str(tmp_path / "own.tsv"), "--out", str(tmp_path / "heads")]


def run(*options: str) -> int:
    return __main__.main(["train", *options])


def trained_plainly(path) -> Heads:
    """What the training loop makes of the same pairs and settings."""
    heads = Heads()
    questions, answers, labels = pairs.rows(retrieval_pairs.read_pairs(path))
    dual_encoder.train(heads, questions, answers, SETTINGS, labels)
    return heads


def same(first: Heads, second: Heads) -> bool:
    weights = second.state_dict()
    return all(torch.equal(value, weights[name]) for name, value in first.state_dict().items())


# ------------------------------------------------------------------------------------- it trains


def test_the_command_saves_what_the_training_loop_makes(own, tmp_path, capsys):
    assert run(*FLAGS, *own) == 0
    heads = dual_encoder.load(tmp_path / "heads")
    assert same(heads, trained_plainly(tmp_path / "own.tsv"))
    assert not same(heads, Heads())
    about = dual_encoder.about(tmp_path / "heads")["about"]
    assert Settings(**about["settings"]) == SETTINGS
    assert (about["pairs"], about["from"]) == (5, "own.tsv")
    names = sorted(path.name for path in (tmp_path / "heads").iterdir())
    assert names == ["heads.json", "heads.safetensors"]  # and no checkpoint
    *steps, last = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in steps] == [f"{number}/8" for number in range(1, 9)]
    assert last == f"5 pairs trained on; heads saved in {tmp_path / 'heads'}"


def test_rows_with_one_answer_have_one_label(own, tmp_path):
    labels = pairs.rows(retrieval_pairs.read_pairs(tmp_path / "own.tsv"))[2]
    assert labels.tolist() == [0, 1, 2, 2, 3]


@pytest.mark.parametrize(
    "options, trained_on",
    [([], {"first", "second"}), (["--package-held-out", "first"], {"second"})],
)
def test_the_documentation_is_split_and_the_held_out_pairs_are_measured(
    options, trained_on, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(retrieval_pairs, "qa_pairs", lambda: DOCUMENTATION)
    name = "hold_out_package" if options else "split_pairs"
    few = functools.partial(getattr(retrieval_pairs, name), validation=2)
    monkeypatch.setattr(retrieval_pairs, name, few)
    seen = []
    rows = pairs.rows
    monkeypatch.setattr(pairs, "rows", lambda given: seen.append(given) or rows(given))
    assert run(*FLAGS, *options, "--held-out", "3", "--out", str(tmp_path)) == 0
    train, held_out = seen
    assert {pair.package for pair in train} == trained_on and len(held_out) == 3
    if options:
        assert {pair.package for pair in held_out} == {"first"}
    assert not {pair.name for pair in train} & {pair.name for pair in held_out}
    said = capsys.readouterr().out
    found = pairs.figures(dual_encoder.load(tmp_path), *rows(held_out)[:2])
    assert "3 held-out pairs" in said and "encoder alone" in said
    assert f"with heads     MRR {found['MRR'].mean():.3f} (" in said
    source = dual_encoder.about(tmp_path)["about"]["from"]
    assert source == ("documentation without first" if options else "documentation")


# -------------------------------------------------------------------------------- it is killed

KILLED = """
import os, signal
from course_utils.dual_encoder import __main__
replace, calls = os.replace, []
def fatal(*names):
    calls.append(names)
    if len(calls) == 3:  # the third checkpoint is written, but not yet in its place
        os.kill(os.getpid(), signal.SIGKILL)
    replace(*names)
os.replace = fatal
__main__.main({arguments})
"""


def test_a_run_that_is_killed_half_way_ends_with_the_weights_of_one_that_is_not(
    own, tmp_path, capsys
):
    arguments = ["train", *FLAGS, *own, "--checkpoint-every", "2"]
    dead = run_python("-c", KILLED.format(arguments=arguments), OMP_NUM_THREADS="1")
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    left = {path.name for path in (tmp_path / "heads").rglob("*") if path.is_file()}
    assert "run" in left and "heads.json" not in left
    assert run(*FLAGS, *own) == 0
    assert capsys.readouterr().out.startswith("goes on from step 4, ")
    assert same(dual_encoder.load(tmp_path / "heads"), trained_plainly(tmp_path / "own.tsv"))
    names = sorted(path.name for path in (tmp_path / "heads").iterdir())
    assert names == ["heads.json", "heads.safetensors"]


def test_a_checkpoint_of_other_settings_or_pairs_is_refused(own, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(dual_encoder.storage, "save", lambda *_: 1 / 0)  # as if killed here
    with pytest.raises(ZeroDivisionError):
        run(*FLAGS, *own, "--checkpoint-every", "3")
    monkeypatch.undo()
    assert run(*FLAGS, *own, "--scale", "9") == 1
    assert "scale = 15.0, not 9.0" in capsys.readouterr().err
    (tmp_path / "own.tsv").write_text(OWN_PAIRS.replace("ascending", "descending"))
    assert run(*FLAGS, *own) == 1
    assert "training pairs = '" in capsys.readouterr().err
    assert not (tmp_path / "heads" / "heads.json").exists()


def test_a_damaged_checkpoint_is_refused(own, tmp_path, capsys):
    state = tmp_path / "heads" / "checkpoint" / "run"
    checkpoint.save(Run(Heads(), SETTINGS), state, {})
    state.write_bytes(state.read_bytes()[:-1])
    assert run(*FLAGS, *own) == 1
    assert capsys.readouterr().err == (
        f"The checkpoint {state} is damaged. Delete it to begin anew.\n"
    )


# ------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    "option, value, said",
    [
        ("--steps", "0", "steps=0 must be"),
        ("--batch", "1", "batch=1 must be"),
        ("--scale", "-1", "scale=-1.0 must be"),
        ("--learning-rate", "nan", "learning_rate=nan must be"),
        ("--checkpoint-every", "0", "checkpoint_every=0 must be"),
        ("--held-out", "1", "held_out=1 must be"),
        ("--out", __file__, "is a file"),
        ("--pairs", "not-there.tsv", "not-there.tsv cannot be read"),
    ],
)
def test_values_that_make_no_sense_are_named(own, tmp_path, capsys, option, value, said):
    assert run(*own, option, value) == 1
    out, error = capsys.readouterr()
    assert said in error and not out
    assert not (tmp_path / "heads").exists()


@pytest.mark.parametrize(
    "line, said",
    [
        ("How do I wait?", "line 7: 1 cells, where the header has 2"),
        ("How do I wait?\t", "line 7, column 'answer': the cell is empty"),
        ("How do I wait?\tHow do I wait?", "line 7, column 'answer': the answer only repeats"),
    ],
)
def test_a_malformed_file_is_named_with_its_line(own, tmp_path, capsys, line, said):
    (tmp_path / "own.tsv").write_text(OWN_PAIRS + line + "\n")
    assert run(*own) == 1
    assert f"own.tsv, {said}" in capsys.readouterr().err


def test_one_pair_is_too_few(own, tmp_path, capsys):
    (tmp_path / "own.tsv").write_text("".join(OWN_PAIRS.splitlines(True)[:2]))
    assert run(*own) == 1
    assert "two pairs or more" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options, said",
    [
        ([], "command"),
        (["train"], "--out"),
        (["train", "--out", "x", "--steps", "many"], "invalid int value: 'many'"),
        (["train", "--out", "x", "--pairs", "y", "--package-held-out", "scipy"], "not allowed"),
        (["train", "--out", "x", "--speed", "9"], "--speed"),
    ],
)
def test_options_that_are_not_understood_end_with_the_usage(options, said, capsys):
    with pytest.raises(SystemExit) as ended:
        __main__.main(options)
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("usage: python -m course_utils.dual_encoder") and said in error
