"""Ingest-flow: from documents to vectors in a store, once, ahead of all questions."""

from course_utils import dual_encoder, models
from img.draw import examples
from img.draw.canvas import Canvas
from img.draw.style import GREY, SMALL

DOCUMENTS, CHUNKS = 3, 2  # that are shown
LENGTH, OVERLAP = 96, 16  # tokens
Y, APART = 160, 60
CAPTIONS = {
    84: "documents",
    200: "chunks: by tokens,\nwith overlap",
    470: "vectors [n, 384],\none a chunk",
    632: "on disk",
}


def measure() -> dict:
    """The vectors of the first chunks of three documents, by the answer head for documentation."""
    batch = examples.documents(DOCUMENTS + 1)[1:]
    chunks = [_chunk(pair.answer, number) for pair in batch for number in range(CHUNKS)]
    vectors = dual_encoder.shipped("documentation").encode_answers(chunks)[:, : examples.SHOWN]
    return {
        "documentation": examples.documentation(),
        "names": [pair.name for pair in batch],
        "vectors": vectors.reshape(DOCUMENTS, CHUNKS, examples.SHOWN).tolist(),
    }


def _chunk(text: str, number: int) -> str:
    tokenizer, _ = models.load()
    options = {"return_offsets_mapping": True, "add_special_tokens": False, "truncation": True}
    spans = tokenizer(text, max_length=2 * LENGTH, **options)["offset_mapping"]
    start = number * (LENGTH - OVERLAP)
    inside = spans[start : start + LENGTH]
    return text[inside[0][0] : inside[-1][1]]


def draw(found: dict):
    art = Canvas(316, "Ingest: every document is encoded once, ahead of all questions")
    encoder = art.step(320, Y, 100, 170, "answer\nencoder", "answer")
    store = art.store(632, Y, 120, 170, "vector\nstore")
    for row, (name, vectors) in enumerate(zip(found["names"], found["vectors"], strict=True)):
        y = Y + (row - 1) * APART
        page = art.answer(84, y, 120, 44, name.rpartition(".")[2], size=SMALL)
        for number, vector in enumerate(vectors):
            chunk = art.answer(196 + 7 * number, y - 7 + 14 * number, 52, 22, "")
            strip = art.strip(470, y - 9 + 18 * number, vector, 124, 15, reach=0.15)
        art.arrow(page.right, (166, y))
        art.arrow((chunk.right[0] + 4, y), (encoder.left[0] - 2, y))
        art.arrow((encoder.right[0] + 6, y), (strip.left[0] - 4, y))
        art.arrow((strip.right[0] + 4, y), (store.left[0] - 4, y))
    for x, text in CAPTIONS.items():
        art.words(x, 282, text, size=SMALL, colour=GREY)
    return art.fig
