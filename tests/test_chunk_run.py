"""The run that measures chunk sizes, on a handful of entries made here."""

import json

import numpy as np
import pytest

from course_utils import data, dual_encoder, models, retrieval
from course_utils.data import Entry, Question
from course_utils.errors import BadInput
from tools import chunk_run

SUBJECTS = ("lists", "files", "windows", "matrices", "threads", "images")


def made(subject: str) -> Entry:
    text = f"Work with {subject}.\n\nNotes\n-----\n" + f"More words about {subject} here. " * 25
    return Entry(f"made.{subject}", f"Work with {subject}.", text, "made", "function")


ENTRIES = [made(subject) for subject in SUBJECTS]
QUESTIONS = [
    Question("How do I work with files?", "how", "tune", ("made.files", "made.lists")),
    Question("something about images", "vague", "tune", ("made.images",)),
]


@pytest.fixture(scope="module")
def found() -> dict:
    return chunk_run.measured(ENTRIES, QUESTIONS)


def test_an_entry_scores_what_its_best_chunk_scores():
    asked = np.array([[1.0, 0.0], [0.0, 1.0]])
    passages = np.array([[0.1, 0.9], [0.8, 0.2], [0.5, 0.5], [0.3, 0.7], [-1.0, -1.0]])
    scores = chunk_run.entry_scores(asked, passages, [2, 1, 2])
    np.testing.assert_allclose(scores, [[0.8, 0.5, 0.3], [0.9, 0.5, 0.7]])


def test_each_setting_stores_the_chunks_that_it_says(found):
    sizes = {size for size, _, _ in found}
    assert sizes == set(chunk_run.SIZES) and chunk_run.BASELINE in found
    for (size, overlap, kind), values in found.items():
        chunks = retrieval.split_all(ENTRIES, size, overlap, chunk_run.PER_ENTRY[kind])
        assert values["vectors"] == len(chunks)
        assert all(values[measure].shape == (2,) for measure in chunk_run.MEASURES)
    stored = {kind: found[64, 16, kind]["vectors"] for kind in chunk_run.PER_ENTRY}
    assert (stored["first"], stored["first two"]) == (6, 12) and stored["all"] > 12
    tokens = [found[64, overlap, "all"]["tokens"] for overlap in chunk_run.overlaps(64)]
    assert tokens == sorted(tokens) and tokens[0] < tokens[-1]  # overlap costs tokens


@pytest.mark.parametrize("size, overlaps", [(64, [0, 16]), (128, [0, 16, 32]), (256, [0, 16, 64])])
def test_overlaps_are_none_the_usual_one_and_a_quarter(size, overlaps):
    assert chunk_run.overlaps(size) == overlaps


def test_a_passage_is_embedded_once_and_gets_the_encoders_vector():
    vectors = chunk_run.Vectors()
    first = vectors.of(["one text", "another", "one text"])
    again = vectors.of(["a third", "another"])
    assert len(vectors.table) == 3
    assert np.array_equal(first[0], first[2]) and np.array_equal(first[1], again[1])
    wanted = dual_encoder.embed_answers(["another", "a third"])
    np.testing.assert_allclose(again[::-1], wanted, atol=1e-5)


def test_the_baseline_is_ahead_of_itself_by_nothing_and_each_has_intervals(found):
    some = {key: found[key] for key in (chunk_run.BASELINE, (64, 0, "all"))}
    some[64, 0, "all"] = {**some[64, 0, "all"], "MRR": np.array([0.25, 0.75])}
    some[chunk_run.BASELINE] = {**some[chunk_run.BASELINE], "MRR": np.array([0.5, 0.25])}
    baseline, other = told = chunk_run.told(some)
    json.dumps(told)  # plain numbers
    for row in told:
        assert set(row["ahead"]) == set(chunk_run.MEASURES)
        mean, low, high = row["MRR"]
        assert 0 <= low < mean < high <= 1
    assert [baseline["size"], baseline["overlap"], baseline["chunks"]] == [*chunk_run.BASELINE]
    assert baseline["ahead"]["MRR"] == {"mean": 0, "low": 0, "high": 0, "p": 1}
    assert other["MRR"][0] == 0.5
    assert other["ahead"]["MRR"]["mean"] == (0.25 - 0.5 + 0.75 - 0.25) / 2


def test_the_subset_holds_all_answers_and_others_at_random():
    entries = [*ENTRIES, *(made(f"other{number}") for number in range(40))]
    some = chunk_run.subset(entries, QUESTIONS, 20)
    names = [entry.name for entry in some]
    assert len(names) == 20 and {"made.files", "made.lists", "made.images"} <= set(names)
    assert names == [entry.name for entry in entries if entry.name in names]  # in their order
    assert some == chunk_run.subset(entries, QUESTIONS, 20)
    assert some != chunk_run.subset(entries, QUESTIONS, 20, seed=1)
    assert chunk_run.subset(entries, QUESTIONS, 1000) == entries
    with pytest.raises(BadInput, match="3 entries answer a question: documents=2"):
        chunk_run.subset(entries, QUESTIONS, 2)


def test_the_script_writes_what_the_lesson_reads(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data, "documentation", lambda: ENTRIES)
    monkeypatch.setattr(data, "questions", lambda: QUESTIONS)
    monkeypatch.setattr(chunk_run, "measured", lambda *_: {chunk_run.BASELINE: _values()})
    out = tmp_path / "chunks.json"
    assert chunk_run.main(["--documents", "4", "--threads", "1", "--out", str(out)]) == 0
    stored = json.loads(out.read_text())
    assert (stored["entries"], stored["questions"]) == (4, 2)
    assert stored["command"] == "python -m tools.chunk_run --documents 4"
    (row,) = stored["settings"]
    assert stored["baseline"] == {name: row[name] for name in ("size", "overlap", "chunks")}
    assert capsys.readouterr().out.splitlines()[-1] == "Written: chunks.json"


def test_the_stored_run_has_every_setting_and_is_of_the_encoder_and_the_questions_of_now():
    stored = data.stored_run("chunks")
    tried = {(row["size"], row["overlap"], row["chunks"]) for row in stored["settings"]}
    assert tried == {key for key, _ in chunk_run.settings(ENTRIES)}
    assert stored["encoder"] == models.identity()
    tune = [each for each in data.questions() if each.answers and each.split == "tune"]
    assert stored["questions"] == len(tune)
    for row in stored["settings"]:
        if (row["size"], row["overlap"], row["chunks"]) == chunk_run.BASELINE:
            assert row["vectors"] == stored["entries"] and row["ahead"]["MRR"]["mean"] == 0
            assert tuple(stored["baseline"].values()) == chunk_run.BASELINE


def _values() -> dict:
    return {"vectors": 4, "tokens": 40, "MRR": np.ones(2), "recall@5": np.ones(2)}
