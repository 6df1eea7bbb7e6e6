"""`make echo-ablation`: what makes a model reject the question itself? L3 shows the result.

Two cross-encoders are trained on the same facts, from the same start, in the same number of steps.
One sees all kinds of hard negatives. For the other, the question itself and its rewordings are left
out. Two bi-encoders are trained on these facts as in L4: two heads, with and without the batch's
questions among the negatives. All choose among the sentences of held-out entities, in wordings that
training knew and in new ones: once where no question is among the candidates, once where two are.
"""

import argparse
import datetime
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch

from course_utils import cross_encoder, data, dual_encoder
from course_utils.cross_encoder import CrossEncoder
from course_utils.data import FactGroup
from course_utils.evaluate import paired_difference
from tools import records
from tools.training import cross_encoder as recipe
from tools.training.cross_encoder import Settings, comparison
from tools.training.cross_encoder.figures import Scorer

QUESTIONS = ("echo", "rewording")  # negatives that are questions themselves
ARMS = {"with questions": (), "without questions": QUESTIONS}  # among the negatives


def held_out_groups() -> dict[str, list[FactGroup]]:
    """Groups about entities that no training knows, by the wordings of their sentences."""
    facts, templates = data.split_facts(data.facts()).held_out, data.fact_templates()
    new = [row for row in templates if row.trained == "none" or row.form == "topic"]
    return {"known": data.fact_groups(facts), "new": data.fact_groups(facts, new)}


def firsts_of(scorer: Scorer, groups: dict[str, list[FactGroup]]) -> dict:
    """Whether the answer is first, float `[groups]` by wordings and candidates."""
    found = {}
    for wordings, some in groups.items():
        alone, among = [], []
        for group in some:
            scores = scorer(
                group.question, [group.answer, *(each.text for each in group.negatives)]
            )
            asks = np.array([each.hardness in QUESTIONS for each in group.negatives])
            alone.append(float(scores[0] > scores[1:][~asks].max()))
            among.append(float(scores[0] > scores[1:].max()))
        found[wordings, "answers only"] = np.array(alone)
        found[wordings, "questions among them"] = np.array(among)
    return found


def joint(without: tuple[str, ...], seed: int, steps: int) -> Scorer:
    """A cross-encoder, trained without these kinds of negatives."""
    model, settings = CrossEncoder(seed=seed), Settings(steps=steps, seed=seed)
    facts = data.split_facts(data.facts()).train
    groups = recipe.fact_groups(facts, settings.negatives, seed, without)
    for _ in recipe.steps(model, groups, settings):
        pass
    return partial(cross_encoder.score, model=model, precision="bfloat16")


def heads(echo: float, seed: int) -> Scorer:
    """Two heads on the frozen encoder, trained as in L4, with this weight of the echo term."""
    facts = data.fact_questions(seed=seed).query("side == 'train'")
    asked = torch.from_numpy(dual_encoder.embed_questions(facts.question))
    told = torch.from_numpy(dual_encoder.embed_answers(facts.answer))
    trained, settings = dual_encoder.Heads(), dual_encoder.Settings(echo=echo, seed=seed)
    dual_encoder.train(trained, asked, told, settings, wordings=2)
    return lambda question, texts: (
        trained.encode_answers(texts) @ trained.encode_questions(question)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=180)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=data.RUNS / "echo_ablation.json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    groups = held_out_groups()
    rows = [*figures("bi-encoder, untrained", None, firsts_of(comparison.zero_shot, groups))]
    for arm, without in ARMS.items():
        for seed in range(options.seeds):
            apart = firsts_of(heads(0.0 if without else 1.0, seed), groups)
            together = firsts_of(joint(without, seed, options.steps), groups)
            rows += figures(f"bi-encoder, trained {arm}", seed, apart)
            rows += figures(f"cross-encoder, trained {arm}", seed, together, over=apart)
            print(*rows[-8:], sep="\n", flush=True)
    record = {
        "command": f"python -m tools.echo_ablation --steps {options.steps} --seeds {options.seeds}",
        "date": datetime.date.today().isoformat(),
        "versions": records.versions(("torch", "transformers", "peft", "numpy")),
        "steps": options.steps,
        "groups": len(groups["known"]),
        "rows": rows,
    }
    records.write(record, options.out)


def figures(system: str, seed: int | None, found: dict, over: dict | None = None) -> Iterator[dict]:
    """How often the answer is first; and how far that is ahead of another system, paired."""
    for (wordings, candidates), values in found.items():
        row = {"system": system, "seed": seed, "wordings": wordings, "candidates": candidates}
        row["first"] = round(float(values.mean()), 4)
        if over is not None:
            gain = paired_difference(values, over[wordings, candidates], resamples=1)
            ends = {"gain": gain.mean, "low": gain.low, "high": gain.high}
            row |= {name: round(value, 4) for name, value in ends.items()}
        yield row


if __name__ == "__main__":
    main()
