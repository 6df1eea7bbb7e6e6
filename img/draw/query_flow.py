"""Query-flow: from a question to ranked passages."""

from img.draw import examples
from img.draw.canvas import Canvas
from img.draw.layout import dark, fitted, wrapped
from img.draw.style import BODY, GREY, SMALL

Y = 172
K = 3


def measure() -> dict:
    """What a dual encoder finds for a question among the held-out documentation."""
    return examples.search(K)


def draw(found: dict):
    art = Canvas(316, "Query: the question is encoded, the nearest passages come back")
    question = wrapped(examples.QUESTION, 18, lines=4)
    pill = art.question(94, Y, 140, 92, question, size=SMALL)
    encoder = art.step(228, Y, 84, 60, "question\nencoder", "question")
    strip = art.strip(306, Y, found["question"], 16, 120, down=True, reach=0.15)
    art.words(306, Y - 76, "q", **dark("question"))
    art.words(306, Y + 78, "[384]", size=SMALL, colour=GREY)
    store = art.store(396, Y, 92, 130, "vector\nstore")
    art.arrow(pill.right, encoder.left)
    art.arrow(encoder.right, (strip.left[0] - 2, Y))
    art.arrow((strip.right[0] + 2, Y), store.left)
    for number, (name, score) in enumerate(zip(found["names"], found["scores"], strict=True)):
        y = Y + 66 * (number - 1)
        package, _, own = name.rpartition(".")
        page = art.answer(556, y, 152, 52, "")
        art.words(556, y - 9, fitted(own, 132, BODY))
        art.words(556, y + 11, package, size=SMALL, colour=GREY)
        art.score(668, y, 56, 28, f"{score:.2f}")
        corners = [] if y == Y else [(460, Y), (460, y)]
        art.arrow(store.right, *corners, page.left)
    art.words(556, Y + 116, "ranked passages", size=SMALL, colour=GREY)
    art.words(668, Y + 116, "score", size=SMALL, colour=GREY)
    return art.fig
