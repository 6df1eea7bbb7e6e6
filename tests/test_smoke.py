"""`make adapters SMOKE=1`: every training script from end to end, on a handful of texts."""

import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from course_utils import cross_encoder, dual_encoder, masked_lm
from course_utils.cross_encoder import CrossEncoder
from tools import adapter_run, heads, smoke
from tools import cross_encoder as cross_encoder_script
from tools import masked_lm as masked_lm_script
from tools.training.cross_encoder import Settings

TRIED = {"learning_rate": (1e-3,), "scale": (20.0,), "echo": (1.0,)}


@dataclass(frozen=True)
class FewGroups(Settings):
    """A step of a fourth of the time."""

    groups: int = 4


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The folder that all scripts have written to."""
    folder, threads = tmp_path_factory.mktemp("smoke"), torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:  # less of everything, but never just one
        patch.setattr(heads, "SEEDS", range(2))
        some = list(adapter_run.SYSTEMS.items())[::3]
        patch.setattr(adapter_run, "SYSTEMS", {name: replace(of, tried=TRIED) for name, of in some})
        patch.setattr(adapter_run, "SEEDS", (0,))
        patch.setattr(cross_encoder_script, "Settings", FewGroups)
        patch.setattr(cross_encoder_script, "POINTS", (1,))
        patch.setattr(cross_encoder_script, "EVERY", 1)
        patch.setattr(cross_encoder_script, "POINT_GROUPS", 2)
        patch.setattr(cross_encoder_script, "SQUAD_GROUPS", 3)
        patch.setattr(masked_lm_script, "EVERY", 1)
        for recipe in smoke.RECIPES:
            recipe(folder)
        yield folder
    torch.set_num_threads(threads)


def test_the_cross_encoders_card_and_figures_are_of_its_runs(out):
    folder = out / "cross_encoder"
    card = (folder / "out" / "README.md").read_text(encoding="utf-8")
    record = json.loads((folder / "figures.json").read_text())
    assert cross_encoder.about(folder / "out")["sha256"] in card
    assert list(record["runs"]) == [
        "all",
        "all, shorter",
        "squad alone",
        "documentation alone",
        "facts alone",
    ]
    for name, run in record["runs"].items():
        assert f"| {name} |" in card
        assert run["curve"][-1]["step"] == run["steps"] == (2 if name == "all" else 1)
        assert set(run["curve"][0]["MRR"]) == {"squad", "documentation", "facts"}
    found = record["runs"]["all"]["held_out"]
    for name in ("facts", "squad", "everyday"):
        assert set(found[name]["systems"]) == {"encoder", "late interaction", "cross-encoder"}
    assert found["documentation"]["questions"] == 8
    assert set(found["documentation"]["ahead"]) == {
        f"{first} over {second}"
        for first in ("cross-encoder", "encoder + cross-encoder")
        for second in ("encoder", "late interaction")
    }


def test_every_weight_of_the_cross_encoder_is_trained(out):
    stored = cross_encoder.load(out / "cross_encoder" / "out").trained_weights()
    for name, value in CrossEncoder().trained_weights().items():
        assert not np.array_equal(value, stored[name]), name


def test_called_again_the_scripts_train_and_measure_nothing_a_second_time(out, capsys):
    folder = out / "cross_encoder"
    before = (folder / "figures.json").read_text()
    digest = cross_encoder.about(folder / "out")["sha256"]
    smoke.try_cross_encoder(out)
    smoke.try_masked_lm(out)
    again = capsys.readouterr().out
    assert "all: goes on from step 2" in again and "\ngoes on from step 2" in again
    assert "min left" not in again
    assert cross_encoder.about(folder / "out")["sha256"] == digest
    assert json.loads((folder / "figures.json").read_text())["runs"] == json.loads(before)["runs"]


def test_the_masked_language_models_card_and_figures_are_of_its_run(out):
    folder = out / "masked_lm"
    record = json.loads((folder / "figures.json").read_text())
    assert [each["step"] for each in record["curve"]] == [0, 1, 2]
    for side in ("documentation", "encyclopedia"):
        assert set(record["held_out"][side]) == {"unigram", "bigram", "masked language model"}
    card = (folder / "out" / "README.md").read_text(encoding="utf-8")
    assert masked_lm.about(folder / "out")["sha256"] in card and "| bigram |" in card
    assert [each["step"] for each in json.loads((out / "frozen.json").read_text())["curve"]] == [
        0,
        2,
    ]


def test_both_pairs_of_heads_have_weights_and_a_card(out):
    for kind, echo in (("heads", 1.0), ("documentation_heads", 0.0)):
        about = dual_encoder.about(out / kind)
        assert about["about"]["settings"]["echo"] == echo
        card = (out / kind / "README.md").read_text(encoding="utf-8")
        assert about["sha256"] in card and "| with heads | " in card


def test_the_adapters_are_trained_too(out):
    systems = json.loads((out / "adapters.json").read_text())["systems"]
    assert len(systems) == 2
    for system in systems.values():
        (run,) = system["runs"]
        assert len(run["known"]) == len(run["new"]) == 4
