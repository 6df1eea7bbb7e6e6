"""Sentence-Embedding-models: two texts compared by their vectors, or read together."""

import numpy as np

from course_utils import embed
from img.draw.canvas import Canvas
from img.draw.layout import dark
from img.draw.style import GREY, PALE, SMALL

TEXTS = ("There is no milk\nin the fridge.", "There is milk\nin the fridge.")
SHOWN = 12  # of the 384 numbers
BI, CROSS = (186, (100, 272)), (534, (448, 620))
MANY = 1_000_000


def measure() -> dict:
    """The two texts as sentence embeddings, and their cosine."""
    vectors = embed.encode([text.replace("\n", " ") for text in TEXTS], precision="float32")
    return {"vectors": vectors[:, :SHOWN].tolist(), "cosine": float(vectors[0] @ vectors[1])}


def draw(found: dict):
    art = Canvas(566, "Encode apart and compare, or read together")
    art.line((360, 64), (360, 540), colour=PALE)
    for (x, _), name, counts in (
        (BI, "bi-encoder", ("now: 1 run", f"ahead: {MANY:,} runs")),
        (CROSS, "cross-encoder", (f"now: {MANY:,} runs", "ahead: nothing")),
    ):
        art.words(x, 68, name, weight="bold", size=15)
        art.words(x, 494, f"a question and {MANY:,} texts", size=SMALL, colour=GREY)
        art.words(x, 518, counts[0], weight="bold")
        art.words(x, 540, counts[1], size=SMALL)
    _apart(art, found)
    _together(art)
    return art.fig


def _apart(art: Canvas, found: dict) -> None:
    x, sides = BI
    reach = np.abs(found["vectors"]).max()
    encoder = art.step(x, 226, 316, 58, "encoder, mean of the states\nonce for each text", "vector")
    score = art.score(x, 426, 132, 34, f"cosine {found['cosine']:.2f}")
    for at, text, numbers, name in zip(sides, TEXTS, found["vectors"], "uv", strict=True):
        box = art.step(at, 130, 144, 50, text, size=SMALL)
        art.arrow(box.bottom, (at, encoder.top[1]), label="[T]", at=(at + 10, 174), align="left")
        art.arrow((at, encoder.bottom[1]), (at, 316))
        strip = art.strip(at, 332, numbers, 144, 24, reach=reach)
        art.words(at + 12, 284, f"{name} [384]", align="left", **{**dark("vector"), "size": SMALL})
        turn = (at, score.y)
        art.arrow(strip.bottom, turn, score.left if at < x else score.right)


def _together(art: Canvas) -> None:
    x, sides = CROSS
    encoder = art.step(
        x, 332, 316, 58, "encoder: every token of one\nlooks at every token of both", "vector"
    )
    score = art.score(x, 426, 150, 34, "score")
    art.token(x, 226, 316, 30, "[CLS] no milk … [SEP] milk … [SEP]")
    for at, text in zip(sides, TEXTS, strict=True):
        box = art.step(at, 130, 144, 50, text, size=SMALL)
        art.arrow(box.bottom, (at, 211))
    art.arrow((x, 241), encoder.top, label="[T]", at=(x + 10, 270), align="left")
    art.arrow(encoder.bottom, score.top, label="states → 1 number", at=(x + 10, 384), align="left")
