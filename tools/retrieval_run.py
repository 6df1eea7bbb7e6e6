"""`make retrieval`: the two stored runs of L5, `rag` and `retrieval`.

    python -m tools.retrieval_run            both
    python -m tools.retrieval_run rag        a language model and what searches hand it, on facts
    python -m tools.retrieval_run retrieval  every system on the questions about the documentation

Settings are chosen on the validation facts and on the tune questions; the held-out facts and the
test questions choose nothing. `rag` takes about half an hour on two cores, nearly all of it the
language model's; its answers are kept in the cache folder, so that a stopped run goes on.
"""

import argparse
import datetime
import json
from collections.abc import Callable, Sequence

import numpy as np
import torch

from course_utils import (
    bm25,
    cache,
    cross_encoder,
    data,
    dual_encoder,
    embed,
    evaluate,
    rag,
)
from course_utils.retrieval import hybrid, index, pipeline
from tools import records

PACKAGES = ("torch", "transformers", "numpy", "bm25s", "scipy", "scikit-learn", "matplotlib")
NEAR = (
    0.7,
    0.75,
    0.8,
    0.85,
    0.9,
    0.95,
    0.999,
)  # cosines from which a text is a copy of the question
DEPTH = 10  # candidates that the cross-encoder reads
DEPTHS = (5, 10, 20)
SHARES = (0.0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0)
KEPT = 0.9  # of the questions with a right first entry, those that are still answered
# Ways to ask, tried on the validation facts: what stands in `rag.prompt` is the best of them.
WORDINGS: dict[str, tuple[str, str]] = {
    "as in rag.prompt": (
        "Source: {source}\n\nQuestion: {question}\n\nAnswer in a few words, taken from the source.",
        "Question: {question}\n\nAnswer in a few words.",
    ),
    "one short sentence": (
        "Use the source to answer the question in one short sentence.\n\nSource: {source}\n\n"
        "Question: {question}\nAnswer:",
        "Answer the question in one short sentence.\n\nQuestion: {question}\nAnswer:",
    ),
    "a few words": (
        "Answer the question with a few words from the source.\n\nSource: {source}\n\n"
        "Question: {question}\nAnswer:",
        "Answer the question with a few words.\n\nQuestion: {question}\nAnswer:",
    ),
    "bare": ("{source}\n{question}", "{question}"),
    "from the source": (
        "Answer the question from the source.\nSource: {source}\nQuestion: {question}",
        "Answer the question.\nQuestion: {question}",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("runs", nargs="*", choices=[[], "rag", "retrieval"])
    parser.add_argument("--few", type=int, help="only so many questions, and nothing is written")
    options = parser.parse_args(arguments)
    for name, run in (("retrieval", retrieval_run), ("rag", rag_run)):
        if not options.runs or name in options.runs:
            record = {
                "command": "make retrieval",
                "date": datetime.date.today().isoformat(),
                "versions": records.versions(PACKAGES),
                **run(options.few),
            }
            if options.few:
                print(json.dumps(record)[:2000])
            else:
                records.write(record, data.runs.RUNS / f"{name}.json")
                print(f"Written: {name}.json", flush=True)
    return 0


# ---- The language model, and what searches hand it -------------------------------------------


def rag_run(few: int | None) -> dict:
    facts = data.fact_questions()
    validation = _some(facts, "validation", "known", few)
    known, new = (_some(facts, "held out", wording, few) for wording in ("known", "new"))
    half = validation.iloc[::2].reset_index(drop=True)
    prompts = {name: _tried(half, *both) for name, both in WORDINGS.items()}
    near = _near_threshold(validation)
    return {
        "questions": len(known),
        "entities": known.entity.tolist(),
        "prompts_on_validation": prompts,
        "near_copies_from": near,
        "wordings": {
            "known": _ladder(known, near),
            "new": _ladder(new, near),
        },
        "reworded": {
            "known": _firsts(known, new.question.tolist(), near),
            "new": _firsts(new, known.question.tolist(), near),
        },
        "sources": _three_sources(known),
    }


def _some(facts, side: str, wording: str, few: int | None):
    return facts[(facts.side == side) & (facts.wording == wording)].reset_index(drop=True)[:few]


def _tried(facts, with_source: str, without: str) -> dict[str, float]:
    """The share of right answers with the right passage, and without any."""
    given = [
        with_source.format(source=source, question=question)
        for source, question in zip(facts.answer, facts.question, strict=True)
    ]
    alone = [without.format(question=question) for question in facts.question]
    told = {"right passage": _right(facts, _answered(given))}
    told["closed book"] = _right(facts, _answered(alone))
    return {name: round(float(np.mean(values)), 3) for name, values in told.items()}


def _near_threshold(facts) -> float:
    """From which cosine on a text is taken for a copy of the question: the best on validation."""
    scores, _ = _encoders(facts, facts.question.tolist())
    right = {
        limit: np.mean(_without_copies(scores, limit).argmax(1) == np.arange(len(facts)))
        for limit in NEAR
    }
    print("right first, copies dropped from:", {k: round(v, 3) for k, v in right.items()})
    return max(right, key=right.get)


def _without_copies(scores: np.ndarray, limit: float) -> np.ndarray:
    return np.where(scores >= limit, -1.0, scores)


def _encoders(facts, stored: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """The single and the dual encoder's scores of the answers and the stored questions."""
    heads = dual_encoder.shipped("facts")
    texts = facts.answer.tolist() + stored
    questions = torch.from_numpy(dual_encoder.embed_questions(facts.question.tolist()))
    passages = torch.from_numpy(dual_encoder.embed_answers(texts))
    with torch.inference_mode():
        dual = heads.questions(questions) @ heads.answers(passages).T
    return (questions @ passages.T).numpy(), dual.numpy()


def _found(facts, stored: list[str], near: float) -> dict[str, np.ndarray]:
    """For each system the row of the passage that it puts first: the answers, then `stored`."""
    texts = facts.answer.tolist() + stored
    single, dual = _encoders(facts, stored)
    words = bm25.BM25(texts).scores(facts.question.tolist())
    return {
        "BM25": words.argmax(1),
        "single encoder": single.argmax(1),
        "single encoder, near copies dropped": _without_copies(single, near).argmax(1),
        "single encoder, answers alone": single[:, : len(facts)].argmax(1),
        "dual encoder": dual.argmax(1),
        "single encoder + cross-encoder": _read_again(facts, texts, single),
        "dual encoder + cross-encoder": _read_again(facts, texts, dual),
        "the right passage": np.arange(len(facts)),
    }


def _read_again(facts, texts: list[str], scores: np.ndarray) -> np.ndarray:
    """The row that the cross-encoder puts first among the first `DEPTH`."""
    found = []
    for question, of in zip(facts.question, scores, strict=True):
        rows = np.argsort(-of, kind="stable")[:DEPTH]
        found.append(rows[cross_encoder.score(question, [texts[row] for row in rows]).argmax()])
    return np.array(found)


def _ladder(facts, near: float) -> dict:
    """For each system: was the right passage first, and did the language model answer right?

    The flags are strings of 0 and 1, a sign a question.
    """
    texts = facts.answer.tolist() + facts.question.tolist()
    closed = _answered([rag.prompt(question) for question in facts.question])
    told = {"closed book": {"says": _flags(_right(facts, closed)), "answers": closed}}
    for name, rows in _found(facts, facts.question.tolist(), near).items():
        asked = [
            rag.prompt(question, [texts[row]])
            for question, row in zip(facts.question, rows, strict=True)
        ]
        answers = _answered(asked)
        told[name] = {
            "first": _flags(rows == np.arange(len(facts))),
            "holds": _flags(_right(facts, [texts[row] for row in rows])),
            "says": _flags(_right(facts, answers)),
        }
        if name in ("dual encoder", "the right passage"):
            told[name]["answers"] = answers
        print(f"{name:40}", *(f"{key} {_mean(told[name], key):.3f}" for key in ("first", "says")))
    return told


def _mean(told: dict, key: str) -> float:
    return np.mean([flag == "1" for flag in told[key]])


def _firsts(facts, stored: list[str], near: float) -> dict[str, str]:
    """Was the right passage first, where the stored questions are worded otherwise?"""
    found = _found(facts, stored, near)
    return {name: _flags(rows == np.arange(len(facts))) for name, rows in found.items()}


def _three_sources(facts) -> dict:
    """What the model says with the right passage among three, and with a wrong one alone.

    The two others are the dual encoder's next best about the same relation, with another value.
    Every third question.
    """
    _, dual = _encoders(facts, [])
    rows = range(0, len(facts), 3)
    others = [_hard(facts, dual, row) for row in rows]
    some = facts.iloc[list(rows)].reset_index(drop=True)
    told = {"questions": len(some)}
    for place in range(3):
        asked = []
        for row, pair in zip(rows, others, strict=True):
            sources = [facts.answer[other] for other in pair]
            sources.insert(place, facts.answer[row])
            asked.append(rag.prompt(facts.question[row], sources))
        told[f"right one at {place + 1}"] = _flags(_right(some, _answered(asked)))
    wrong = some.assign(value=[facts.value[first] for first, _ in others])
    asked = [
        rag.prompt(facts.question[row], [facts.answer[first]])
        for row, (first, _) in zip(rows, others, strict=True)
    ]
    answers = _answered(asked)
    told["a wrong one alone"] = _flags(_right(some, answers))
    told["says the wrong one's value"] = _flags(_right(wrong, answers))
    print({name: round(_mean(told, name), 3) for name in told if name != "questions"})
    return told


def _hard(facts, scores: np.ndarray, row: int) -> tuple[int, int]:
    """The two best other passages with another value, those about the same relation first."""
    order = [other for other in np.argsort(-scores[row]) if facts.value[other] != facts.value[row]]
    order.sort(key=lambda other: facts.relation[other] != facts.relation[row])  # stable
    return order[0], order[1]


def _answered(prompts: list[str]) -> list[str]:
    """The language model's answers; those of an earlier start are in the cache folder."""
    found, missing = {}, []
    for text in dict.fromkeys(prompts):
        stored = cache.read("rag", cache.key(text, rag.NEW_TOKENS))
        if stored is None:
            missing.append(text)
        else:
            found[text] = stored.decode()
    for start in range(0, len(missing), 8 * rag.BATCH):
        part = missing[start : start + 8 * rag.BATCH]
        for text, answer in zip(part, rag.generate(part), strict=True):
            cache.write("rag", cache.key(text, rag.NEW_TOKENS), answer.encode())
            found[text] = answer
        print(f"  {start + len(part)}/{len(missing)} answers", flush=True)
    return [found[text] for text in prompts]


def _right(facts, answers: list[str]) -> np.ndarray:
    pairs = zip(answers, facts.value, strict=True)
    return np.array([rag.says(answer, value) for answer, value in pairs])


def _flags(values: Sequence[bool]) -> str:
    return "".join("1" if value else "0" for value in values)


# ---- The questions about the documentation ---------------------------------------------------


def retrieval_run(few: int | None) -> dict:
    about = index.documentation_index()
    questions = data.questions()
    splits = {
        split: [each for each in questions if each.split == split][:few]
        for split in ("tune", "test")
    }
    tune = _asked(about, splits["tune"])
    choice = _chosen(about, splits["tune"])
    return {
        "entries": len(about),
        "share_of_words": pipeline.WORDS,
        "choice": choice,
        "threshold": _threshold(tune),
        "tune": tune,
        "test": _asked(about, splits["test"]),
    }


def _chosen(about: index.Index, questions) -> dict:
    """What the tune questions say of each setting: the MRR."""
    some = [each for each in questions if each.answers]
    right = evaluate.acceptable([each.answers for each in some], about.names)
    asked = [about.vocabulary.corrected(pipeline.cleaned(each.question)) for each in some]
    parts = [pipeline.scores(about, text) for text in asked]

    def mrr(scored: Callable[[str, dict], np.ndarray]) -> float:
        of = [scored(text, part) for text, part in zip(asked, parts, strict=True)]
        ranks = [evaluate.best_rank(*each) for each in zip(of, right, strict=True)]
        return round(float(np.mean(evaluate.reciprocal_rank(ranks))), 4)

    told = {
        "share of words": {
            share: mrr(lambda _, p, s=share: hybrid(p["BM25"], p["encoder"], s)) for share in SHARES
        },
        "reranked, depth": {
            depth: mrr(lambda text, p, d=depth: pipeline.reranked(about, text, p["hybrid"], d))
            for depth in DEPTHS
        },
    }
    print(told)
    return told


def _asked(about: index.Index, questions) -> dict:
    """The rank of the first right entry by each system, and how well the first is supported.

    `rank` is 0 where nothing answers the question.
    """
    heads = dual_encoder.shipped("documentation")
    with torch.inference_mode():
        passages = heads.answers(torch.from_numpy(about.vectors)).numpy()
    row_of = {name: row for row, name in enumerate(about.names)}
    told = {"question": [], "style": [], "support": [], "ranks": {}}
    for each in questions:
        typed = pipeline.cleaned(each.question)
        asked = about.vocabulary.corrected(typed)
        parts = pipeline.scores(about, asked, pipeline.RERANKED)
        vector = embed.encode(asked, max_tokens=pipeline.QUESTION_TOKENS)
        with torch.inference_mode():
            head = heads.questions(torch.from_numpy(vector)).numpy()
        parts["dual encoder"] = passages @ head
        parts["hybrid with the dual encoder"] = hybrid(parts["BM25"], parts["dual encoder"])
        parts["rank fusion"] = _rank_fusion(parts["BM25"], parts["encoder"])
        parts["hybrid, as typed"] = pipeline.scores(about, typed)["hybrid"]
        told["question"].append(each.question)
        told["style"].append(each.style)
        told["support"].append(round(float(parts["encoder"][parts["hybrid"].argmax()]), 4))
        right = [row_of[name] for name in each.answers if name in row_of]
        for name, of in parts.items():
            rank = evaluate.best_rank(of, right) if right else 0
            told["ranks"].setdefault(name, []).append(rank)
    answered = np.array(told["ranks"]["hybrid"]) > 0
    for name, ranks in told["ranks"].items():
        values = evaluate.reciprocal_rank(np.array(ranks)[answered])
        print(f"{name:30} MRR {evaluate.summary(values)}", flush=True)
    return told


def _rank_fusion(*scores: np.ndarray) -> np.ndarray:
    """Reciprocal rank fusion, constant 60 (Cormack, Clarke and Büttcher 2009), as scores `[n]`."""
    ranks = [1 + np.argsort(np.argsort(-of, kind="stable")) for of in scores]
    return sum(1 / (60 + rank) for rank in ranks)


def _threshold(tune: dict) -> float:
    """The highest support that keeps nine in ten of the questions with a right first entry."""
    right = np.array(tune["ranks"]["hybrid"]) == 1
    supports = np.sort(np.array(tune["support"])[right])
    return float(supports[int(np.floor((1 - KEPT) * len(supports)))])


if __name__ == "__main__":
    raise SystemExit(main())
