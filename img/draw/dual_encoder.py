"""Dual-Encoder: two kinds of text, two encoders, one space."""

import math

from matplotlib.patches import Arc, Circle

from course_utils import dual_encoder
from img.draw import examples
from img.draw.canvas import Canvas
from img.draw.layout import dark, signed, wrapped
from img.draw.style import BOLD, FINE, GREY, PALE, PLAIN, ROLES, SMALL

PAIR, OTHER = "numpy.std", "matplotlib.pyplot.imshow"
SHOWN = 12  # of the 384 numbers
UPPER, LOWER = 134, 298  # the two lanes
MIDDLE, RADIUS = (574, 222), 104


def measure() -> dict:
    """A held-out question, its answer and another text's answer, seen by the shipped heads."""
    held_out = {pair.name: pair for pair in examples.held_out()}
    pair, other = held_out[PAIR], held_out[OTHER]
    heads = dual_encoder.shipped()
    q = heads.encode_questions(pair.question)
    a, wrong = heads.encode_answers([pair.answer, other.answer])
    return {
        "documentation": examples.documentation(),
        "question": pair.question,
        "answer": pair.answer.split(".")[0] + ".",
        "q": q[:SHOWN].tolist(),
        "a": a[:SHOWN].tolist(),
        "score": float(q @ a),
        "other score": float(q @ wrong),
    }


def draw(found: dict):
    art = Canvas(400, "Two encoders, one space")
    art.area(MIDDLE[0], 216, 244, 316)
    lanes = (
        (UPPER, "question", art.question, found["question"], "q"),
        (LOWER, "answer", art.answer, found["answer"], "a"),
    )
    for y, role, shape, text, letter in lanes:
        box = shape(122, y, 196, 84, wrapped(text, 26, lines=4), size=SMALL)
        art.words(122, y - 58, role, **dark(role))
        encoder = art.step(302, y, 92, 60, f"{role}\nencoder", role)
        strip = art.strip(398, y, found[letter], 16, 120, down=True, reach=0.15)
        art.words(398, y - 74, letter, **dark(role))
        art.arrow(box.right, encoder.left)
        art.arrow(encoder.right, (strip.left[0] - 3, y))
        art.arrow((strip.right[0] + 3, y), (448, y))
    art.words(398, LOWER + 76, "384 numbers", size=SMALL, colour=GREY)
    _space(art, found["score"], found["other score"])
    return art.fig


def _space(art: Canvas, score: float, other: float) -> None:
    """The circle: angles to q are those of the 384-dimensional vectors."""
    x, y = MIDDLE
    art.ax.add_artist(Circle(MIDDLE, RADIUS, facecolor="white", edgecolor=PALE, linewidth=BOLD))
    right, wrong = (math.degrees(math.acos(value)) for value in (score, other))
    q = right / 2  # so that q and a lie evenly above and below the horizontal
    for angle, colour, width in (
        (q + wrong, GREY, PLAIN),
        (q - right, ROLES["answer"], BOLD),
        (q, ROLES["question"], BOLD),
    ):
        art.arrow(MIDDLE, _at(angle, RADIUS), colour=colour, width=width)
    _arc(art, 96, q - right, q, ROLES["score"], BOLD)
    _arc(art, 56, q, q + wrong, GREY, FINE)
    art.words(*_at(q, RADIUS + 13), "q", **dark("question"))
    art.words(*_at(q - right, RADIUS + 13), "a", **dark("answer"))
    art.words(x + 76, y, signed(score), **dark("score"))
    art.words(*_at(q + wrong / 2, 50), signed(other), size=SMALL, colour=GREY)
    art.words(x - 56, y - RADIUS - 18, "another answer", size=SMALL, colour=GREY)
    art.words(x, y + RADIUS + 26, "score = q · a", **dark("score"))


def _arc(art: Canvas, size: float, start: float, end: float, colour: str, width: float) -> None:
    """Part of a circle, its angles counted against the clock; y runs downwards here."""
    look = {"edgecolor": colour, "linewidth": width}
    art.ax.add_artist(Arc(MIDDLE, size, size, theta1=-end, theta2=-start, **look))


def _at(angle: float, distance: float) -> tuple[float, float]:
    radians = math.radians(angle)
    return MIDDLE[0] + distance * math.cos(radians), MIDDLE[1] - distance * math.sin(radians)
