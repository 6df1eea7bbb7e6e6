"""Dual-Encoder: two kinds of text, two encoders, one space, in which a question is no answer."""

import math

from matplotlib.patches import Arc, Circle

from course_utils import dual_encoder
from course_utils.dual_encoder import Heads
from img.draw import examples
from img.draw.canvas import Canvas
from img.draw.layout import dark, signed, wrapped
from img.draw.style import BOLD, FINE, GREY, PALE, PLAIN, ROLES, SMALL

LANES = {
    "question": (116, "q", "question"),
    "answer": (272, "a", "its answer"),
    "echo": (388, "e", "the question as an answer"),
}
MIDDLE, RADIUS = (574, 234), 104


def measure() -> dict:
    """A held-out question, its answer, and the question read as an answer, by both heads."""
    fact = examples.facts(1).iloc[0]
    read = {}
    for name, heads in {"one": Heads(), "two": dual_encoder.shipped()}.items():
        q = heads.encode_questions(fact.question)
        a, echo = heads.encode_answers([fact.answer, fact.question])
        read[name] = {"question": q, "answer": a, "echo": echo}
    numbers = {name: vector[: examples.SHOWN].tolist() for name, vector in read["two"].items()}
    scores = {
        name: [float(of["question"] @ of[other]) for other in ("answer", "echo")]
        for name, of in read.items()
    }
    texts = {"question": fact.question, "answer": fact.answer, "echo": fact.question}
    return {"texts": texts, "numbers": numbers, "scores": scores}


def draw(found: dict):
    art = Canvas(460, "Two encoders: the answer is nearer than the question")
    art.area(MIDDLE[0], 252, 244, 376)
    asked = art.step(302, LANES["question"][0], 92, 60, "question\nencoder", "question")
    answered = art.step(302, 330, 92, 176, "answer\nencoder", "answer")
    for name, (y, letter, words) in LANES.items():
        shape, encoder = (art.question, asked) if name == "question" else (art.answer, answered)
        box = shape(122, y, 196, 84, wrapped(found["texts"][name], 26, lines=4), size=SMALL)
        strip = art.strip(398, y, found["numbers"][name], 16, 92, down=True, reach=0.15)
        art.words(122, y - 57, words, size=SMALL, colour=GREY)
        art.words(398, y - 57, letter, **_look(name))
        art.arrow(box.right, (encoder.left[0], y))
        art.arrow((encoder.right[0], y), (strip.left[0] - 3, y))
        art.arrow((strip.right[0] + 3, y), (448, y))
    art.words(398, 446, "384 numbers", size=SMALL, colour=GREY)
    _space(art, *found["scores"]["two"])
    one = " and ".join(f"{score:.2f}" for score in found["scores"]["one"])
    art.words(MIDDLE[0], 382, "scores: q · a and q · e", **dark("score"))
    art.words(MIDDLE[0], 412, f"of a single encoder: {one}", size=SMALL, colour=GREY)
    return art.fig


def _look(name: str) -> dict[str, str]:
    return dark(name) if name in ROLES else {"colour": GREY, "weight": "bold"}


def _space(art: Canvas, answer: float, echo: float) -> None:
    """The circle: angles to q are those of the 384-dimensional vectors."""
    art.ax.add_artist(Circle(MIDDLE, RADIUS, facecolor="white", edgecolor=PALE, linewidth=BOLD))
    right, other = (math.degrees(math.acos(value)) for value in (answer, echo))
    q = right / 2  # so that q and a lie evenly above and below the horizontal
    for angle, name in ((q + other, "echo"), (q - right, "answer"), (q, "question")):
        width = BOLD if name in ROLES else PLAIN
        art.arrow(MIDDLE, _at(angle, RADIUS), colour=ROLES.get(name, GREY), width=width)
        art.words(*_at(angle, RADIUS + 13), LANES[name][1], **_look(name))
    _arc(art, 110, q - right, q, ROLES["score"], BOLD)
    _arc(art, 64, q, q + other, GREY, FINE)
    art.words(MIDDLE[0] + 78, MIDDLE[1], signed(answer), **dark("score"))
    art.words(*_at(q + other / 2, 54), signed(echo), size=SMALL, colour=GREY)


def _arc(art: Canvas, size: float, start: float, end: float, colour: str, width: float) -> None:
    """Part of a circle, its angles counted against the clock; y runs downwards here."""
    look = {"edgecolor": colour, "linewidth": width}
    art.ax.add_artist(Arc(MIDDLE, size, size, theta1=-end, theta2=-start, **look))


def _at(angle: float, distance: float) -> tuple[float, float]:
    radians = math.radians(angle)
    return MIDDLE[0] + distance * math.cos(radians), MIDDLE[1] - distance * math.sin(radians)
