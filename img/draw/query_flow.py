"""Query-flow: from a question to ranked passages."""

import numpy as np

from img.draw import examples
from img.draw.canvas import Canvas
from img.draw.layout import dark, wrapped
from img.draw.style import GREY, SMALL

Y = 172
K = 3
PAGES, SCORES = 534, 670


def measure() -> dict:
    """What a dual encoder finds for a question among the held-out documentation."""
    question, passages = examples.search_vectors()
    found = passages @ question
    best = np.argsort(-found, kind="stable")[:K]
    return {
        "documentation": examples.documentation(),
        "names": [examples.held_out()[row].name for row in best],
        "scores": found[best].tolist(),
        "question": question[: examples.SHOWN].tolist(),
    }


def draw(found: dict):
    art = Canvas(316, "Query: the question is encoded, the nearest passages come back")
    question = wrapped(examples.QUESTION, 16, lines=4)
    pill = art.question(82, Y, 116, 92, question, size=SMALL)
    encoder = art.step(200, Y, 80, 60, "question\nencoder", "question")
    strip = art.strip(272, Y, found["question"], 16, 120, down=True, reach=0.15)
    art.words(272, Y - 76, "q", **dark("question"))
    art.words(272, Y + 78, "[384]", size=SMALL, colour=GREY)
    store = art.store(348, Y, 84, 130, "vector\nstore")
    art.arrow(pill.right, encoder.left)
    art.arrow(encoder.right, (strip.left[0] - 2, Y))
    art.arrow((strip.right[0] + 2, Y), store.left)
    for number, (name, score) in enumerate(zip(found["names"], found["scores"], strict=True)):
        y = Y + 66 * (number - 1)
        package, _, own = name.rpartition(".")
        page = art.answer(PAGES, y, 210, 52, "")
        art.words(PAGES, y - 9, own, size=SMALL)
        art.words(PAGES, y + 11, package, size=SMALL, colour=GREY)
        art.score(SCORES, y, 52, 28, f"{score:.2f}")
        corners = [] if y == Y else [(402, Y), (402, y)]
        art.arrow(store.right, *corners, page.left)
    art.words(PAGES, Y + 116, "the nearest passages", size=SMALL, colour=GREY)
    art.words(SCORES, Y + 116, "score", size=SMALL, colour=GREY)
    return art.fig
