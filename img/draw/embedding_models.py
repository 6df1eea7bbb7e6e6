"""Embedding-models: what one vector stands for, from the word to the whole text."""

import numpy as np

from course_utils import data, embed, similarity
from img.draw.canvas import Canvas
from img.draw.layout import wrapped
from img.draw.style import FINE, GREY, MARGIN, PALE, SMALL, WIDTH

WORD = "bat"
SHOWN = 24  # of the 50 or 384 numbers
COLUMNS, LENGTH = (302, 520), 186
ROWS = (198, 296, 394)
KINDS = (
    ("static", "word", "a row of GloVe's table,\nwhatever stands around it"),
    ("contextualized", "word", "the word's state after\n6 layers of attention"),
    ("sentence", "text", "the mean of the states\nof all its tokens"),
)


def measure() -> dict:
    """The word's static and contextual vectors, and the sentence's, in two sentences."""
    senses = [row for row in data.senses().itertuples() if row.word == WORD]
    texts = list({row.sense: row.sentence for row in reversed(senses)}.values())[::-1]
    words, table = embed.static_table()
    static = np.stack([table[words.index(WORD)]] * 2)
    contextual = embed.word_vectors(texts, WORD)[:, -1]
    sentence = embed.encode(texts, precision="float32")
    vectors = {"static": static, "contextualized": contextual, "sentence": sentence}
    return {
        "texts": texts,
        "vectors": {name: two[:, :SHOWN].tolist() for name, two in vectors.items()},
        "cosines": {
            name: float(similarity.cosine_matrix(two)[0, 1]) for name, two in vectors.items()
        },
    }


def draw(found: dict):
    art = Canvas(456, "One vector a word, one a word in its sentence, one a text")
    for x, text in zip(COLUMNS, found["texts"], strict=True):
        art.words(x, 100, wrapped(text, 26, lines=2))
    art.words(666, 100, "cosine", size=SMALL, colour=GREY)
    for y, (name, unit, how) in zip(ROWS, KINDS, strict=True):
        art.line((MARGIN, y - 52), (WIDTH - MARGIN, y - 52), colour=PALE, width=FINE)
        art.words(MARGIN, y - 22, name, weight="bold", align="left")
        art.words(MARGIN, y + 10, how, size=SMALL, colour=GREY, align="left")
        two = found["vectors"][name]
        reach = np.abs(two).max()
        for x, numbers in zip(COLUMNS, two, strict=True):
            art.strip(x, y + 6, numbers, LENGTH, 26, reach=reach)
            label = f"“{WORD}”" if unit == "word" else "the whole text"
            art.words(x - LENGTH / 2, y - 22, label, size=SMALL, align="left")
        art.score(666, y + 6, 60, 30, f"{found['cosines'][name]:.2f}")
    return art.fig
