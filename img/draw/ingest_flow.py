"""Ingest-flow: from documents to vectors in a store, once, ahead of all questions."""

import dataclasses
import tempfile
from pathlib import Path

from course_utils import dual_encoder
from course_utils.retrieval import chunks, store
from img.draw import examples
from img.draw.canvas import Canvas
from img.draw.layout import dark
from img.draw.style import GREY, SMALL

DOCUMENTS, MOST = 3, 8  # documents that are shown, and the most chunks that one may have
Y, APART = 162, 60
TABLE = 370  # where its first row stands
COLUMNS = {"encoded": 470, "left as they are": 596}


def measure() -> dict:
    """Three documents of torch.nn, by the answer head, into a Milvus folder: thrice."""
    inside = [entry for entry in examples.held_out() if entry.name.startswith("torch.nn.")]
    layers = [entry for entry in inside if entry.name.count(".") == 2]
    entries = [entry for entry in layers if len(chunks.split(entry)) <= MOST][:DOCUMENTS]
    longer = dataclasses.replace(entries[0], text=f"{entries[0].text}\nOne more sentence.")
    heads = dual_encoder.shipped("documentation")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "store.db")
        client = store.connect(path)
        client.create_collection(
            "shown", 384, "key", "string", metric_type="COSINE", max_length=200
        )
        told = [
            store.ingest(
                client,
                "shown",
                [chunk for entry in some for chunk in chunks.split(entry)],
                heads.encode_answers,
            )
            for some in (entries, entries, [longer, *entries[1:]])
        ]
        store.release(path)
    pieces = [[chunk.passage for chunk in chunks.split(entry)] for entry in entries]
    return {
        "documentation": examples.documentation(),
        "names": [entry.name for entry in entries],
        "vectors": [heads.encode_answers(each)[:, : examples.SHOWN].tolist() for each in pieces],
        "ingests": told,
    }


def draw(found: dict):
    art = Canvas(476, "Ingest: each chunk is encoded once, and again only if it changed")
    known = art.step(350, Y, 84, 170, "new or\nchanged?")
    encoder = art.step(460, Y, 84, 170, "answer\nencoder", "answer")
    drum = art.store(653, Y, 86, 170, "Milvus")
    for row, (name, vectors) in enumerate(zip(found["names"], found["vectors"], strict=True)):
        y = Y + (row - 1) * APART
        page = art.answer(84, y, 120, 44, name.rpartition(".")[2], size=SMALL)
        for number in range(len(vectors)):
            chunk = art.answer(184 + 15 * number, y, 22, 28, "")
        for number, vector in enumerate(vectors):
            at = y + (number - (len(vectors) - 1) / 2) * 6
            strip = art.strip(550, at, vector, 66, 6, reach=0.15)
        art.arrow(page.right, (170, y))
        art.arrow((chunk.right[0] + 3, y), (known.left[0] - 2, y))
        art.arrow((known.right[0] + 2, y), (encoder.left[0] - 2, y))
        art.arrow((encoder.right[0] + 2, y), (strip.left[0] - 3, y))
        art.arrow((strip.right[0] + 3, y), (drum.left[0] - 3, y))
    count = sum(map(len, found["vectors"]))
    captions = {
        84: "documents",
        220: f"chunks: cut at headings,\nthen at {chunks.MAX_TOKENS} tokens",
        350: "by its\ndigest",
        550: f"vectors\n[{count}, 384]",
        653: "a folder,\nor an address",
    }
    for x, text in captions.items():
        art.words(x, 282, text, size=SMALL, colour=GREY)
    _table(art, found, count)
    return art.fig


def _table(art: Canvas, found: dict, count: int) -> None:
    """What became of the chunks when the documents were ingested once, again, and changed."""
    art.area(360, TABLE + 26, 672, 128)
    first = found["names"][0].rpartition(".")[2]
    names = ("the first time", "the same once more", f"with a sentence more in {first}")
    for name, x in COLUMNS.items():
        art.words(x, TABLE - 20, name, size=SMALL, colour=GREY)
    art.words(48, TABLE - 20, f"ingest of these {count} chunks", weight="bold", align="left")
    for row, (name, told) in enumerate(zip(names, found["ingests"], strict=True)):
        y = TABLE + 10 + 26 * row
        art.words(48, y, name, align="left")
        values = (told["added"] + told["replaced"], told["unchanged"])
        for x, value in zip(COLUMNS.values(), values, strict=True):
            art.words(x, y, str(value), **dark("answer") if value else {})
