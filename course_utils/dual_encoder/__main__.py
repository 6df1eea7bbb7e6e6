"""Train the question head and the answer head on the frozen encoder, and save them.

    python -m course_utils.dual_encoder train --out FOLDER

trains on the documentation of the installed packages, a minute or less on two cores, and says how
well the heads rank pairs that they have not seen. The same in several processes:

    accelerate launch -m course_utils.dual_encoder train --out FOLDER              every GPU here
    torchrun --nproc-per-node 2 -m course_utils.dual_encoder train --out FOLDER    two on the CPU

Each process embeds a share of every batch, and the negatives come from the whole batch: --batch is
the size of all shares together, and the result is the same, up to rounding, however many there are.

A run that was ended half-way goes on from its checkpoint when the same command is given again; on
one CPU process its weights are then, bit for bit, those of a run that was never interrupted.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path

import torch

from course_utils import cache
from course_utils.data import retrieval_pairs
from course_utils.data.retrieval_pairs import QaPair, Split
from course_utils.dual_encoder import checkpoint, pairs, storage
from course_utils.dual_encoder.heads import Heads
from course_utils.dual_encoder.training import Settings
from course_utils.errors import BadInput, CourseError

HELP = {
    "steps": "how many batches to train on",
    "batch": "pairs in a batch, all processes together",
    "scale": "what cosines are multiplied by (1 / temperature)",
    "learning_rate": "of the first step; it falls to 0",
    "weight_decay": "of AdamW",
    "symmetric": "train from answers to questions as well",
    "echo": "weight of the questions as wrong answers",
    "seed": "of the order of the pairs",
}
HELD_OUT = 700


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 1 where something was wrong; stderr says what."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except CourseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def train(options: argparse.Namespace) -> None:
    """Train, save and measure; goes on from a checkpoint in the folder where there is one."""
    from accelerate import Accelerator

    from course_utils.dual_encoder.distributed import DistributedRun, require_agreement

    settings = Settings(**{field.name: getattr(options, field.name) for field in fields(Settings)})
    for name, least in (("checkpoint_every", 1), ("held_out", 2)):
        if getattr(options, name) < least:
            raise BadInput(f"{name}={getattr(options, name)} must be {least} or more.")
    if options.out.exists() and not options.out.is_dir():
        raise BadInput(f"--out {options.out} is a file. Name a folder.")
    # Without `cpu`, processes on a machine without GPU would not find each other.
    accelerator = Accelerator(cpu=not torch.accelerator.is_available())
    with accelerator.local_main_process_first():  # the others find its vectors in the cache
        split = _split(options)
        rows = pairs.rows(split.train)
    run = DistributedRun(Heads(), settings, accelerator)
    state = options.out / "checkpoint" / "run"
    of = {**asdict(settings), **storage.made_for(), "training pairs": _digest(split.train)}
    if checkpoint.restore(run, state, of):
        accelerator.print(f"goes on from step {run.done}, where {state} was written")
    require_agreement(accelerator, of["training pairs"], run.done)
    for step in run.steps(*rows):
        if step.number % max(1, settings.steps // 10) == 0:
            accelerator.print(
                f"step {step.number:>{len(str(settings.steps))}}/{settings.steps}   loss "
                f"{step.loss:.3f} (chance {step.chance:.3f})   {step.pairs:,} pairs, "
                f"{step.seconds:.1f} s",
                flush=True,
            )
        more = step.number < settings.steps and step.number % options.checkpoint_every == 0
        if more and accelerator.is_main_process:
            checkpoint.save(run, state, of)
    if accelerator.is_main_process:
        heads = run.model.cpu()
        about = {"settings": asdict(settings), "pairs": len(split.train), "from": _source(options)}
        storage.save(heads, options.out, about)
        shutil.rmtree(state.parent, ignore_errors=True)
        print(f"{len(split.train):,} pairs trained on; heads saved in {options.out}")
        _report(heads, split.held_out)
    accelerator.end_training()


def _split(options: argparse.Namespace) -> Split:
    """The pairs to train on and those to measure with; a file of one's own is all trained on."""
    if options.pairs:
        return Split(retrieval_pairs.read_pairs(options.pairs), [], [])
    documentation = retrieval_pairs.qa_pairs()
    if options.package_held_out:
        return retrieval_pairs.hold_out_package(
            documentation, options.package_held_out, held_out=options.held_out
        )
    return retrieval_pairs.split_pairs(documentation, held_out=options.held_out)


def _source(options: argparse.Namespace) -> str:
    if options.pairs:
        return options.pairs.name
    without = f" without {options.package_held_out}" if options.package_held_out else ""
    return f"documentation{without}"


def _digest(train: Sequence[QaPair]) -> str:
    return cache.key(*(text for pair in train for text in (pair.question, pair.answer)))


def _report(heads: Heads, held_out: Sequence[QaPair]) -> None:
    """Print how heads do on these pairs, beside the encoder alone, with 95 % intervals."""
    if not held_out:
        return
    questions, answers, _ = pairs.rows(held_out)
    print(f"{len(held_out):,} held-out pairs, mean and 95 % interval:")
    for system, measured in (("encoder alone", Heads()), ("with heads", heads)):
        found = pairs.figures(measured, questions, answers)
        cells = [f"{name} {pairs.mean_and_interval(values)}" for name, values in found.items()]
        print(f"  {system:<14} {'   '.join(cells)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m course_utils.dual_encoder",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(title="commands", metavar="command", required=True)
    command = commands.add_parser("train", help="train heads, save and measure them")
    command.set_defaults(run=train)
    command.add_argument(
        "--out", type=Path, required=True, help="folder for the heads, and for the checkpoint"
    )
    for field in fields(Settings):
        kind = {"type": field.type}
        if field.type is bool:
            kind = {"action": argparse.BooleanOptionalAction}
        command.add_argument(
            "--" + field.name.replace("_", "-"),
            default=field.default,
            help=f"{HELP[field.name]} (default: {field.default})",
            **kind,
        )
    data = command.add_mutually_exclusive_group()
    data.add_argument(
        "--pairs",
        type=Path,
        metavar="FILE.tsv",
        help="train on all pairs of this file: tab-separated, with the header question, answer",
    )
    data.add_argument(
        "--package-held-out", metavar="NAME", help="measure on this package, train on the others"
    )
    command.add_argument(
        "--held-out",
        type=int,
        default=HELD_OUT,
        metavar="N",
        help=f"documentation pairs to measure with (default: {HELD_OUT})",
    )
    command.add_argument(
        "--checkpoint-every",
        type=int,
        default=25,
        metavar="N",
        help="steps from one checkpoint to the next (default: 25)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
