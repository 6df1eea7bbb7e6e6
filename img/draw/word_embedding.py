"""word-Embedding: a map of GloVe's vectors, and the step from man to woman taken from king."""

import numpy as np

from course_utils import data, similarity
from course_utils.embed import static_table
from img.draw.canvas import Canvas
from img.draw.layout import Box, dark, text_width
from img.draw.style import BOLD, GREY, INK, MARGIN, PLAIN, ROLES, SMALL

SIDES = {"man": 1, "woman": 1, "king": 1, "queen": -1}  # where their names stand: right, left
FOUR = tuple(SIDES)
MIDDLE, SCALE = (304, 250), 520  # pixels for a difference of 1
ROOM = 4  # pixels around each label


def measure() -> dict:
    """Unit vectors of the words of the gender analogies, on the plane that fits the four best."""
    words, table = static_table()
    row = {word: index for index, word in enumerate(words)}
    found = similarity.analogy("man", "woman", "king", table, words)
    rows = [q for q in data.analogies().itertuples() if q.kind == "gender"]
    shown = dict.fromkeys([*FOUR, *(word for word, _ in found)])
    shown |= dict.fromkeys(word for q in rows for word in (q.a, q.b, q.c, q.d))
    vectors = dict(zip(shown, similarity.unit(table[[row[word] for word in shown]]), strict=True))
    four = np.array([vectors[word] for word in FOUR])
    middle = four.mean(0)
    _, sizes, directions = np.linalg.svd(four - middle, full_matrices=False)
    # A direction has no sign of its own: king shall be to the right, man above.
    plane = directions[:2].T * np.sign((vectors["king"] - middle) @ directions[:2].T)
    end = vectors["king"] - vectors["man"] + vectors["woman"]
    return {
        "points": {word: ((vector - middle) @ plane).tolist() for word, vector in vectors.items()},
        "end": ((end - middle) @ plane).tolist(),
        "kept": float((sizes[:2] ** 2).sum() / (sizes**2).sum()),
        "nearest": found[0][0],
        "cosine": found[0][1],
        "words": len(words),
    }


def draw(found: dict):
    art = Canvas(588, "king − man + woman: of all other words, queen is nearest")
    places = {word: _place(point) for word, point in found["points"].items()}
    man, woman, king, nearest = (places[word] for word in (*FOUR[:3], found["nearest"]))
    end = _place(found["end"])
    art.arrow(man, woman, colour=ROLES["vector"], width=BOLD)
    art.arrow(king, end, colour=ROLES["vector"], width=BOLD, dashed=True)
    middle = (man[0] + woman[0]) / 2, (man[1] + woman[1]) / 2
    art.words(middle[0] - 24, middle[1], "− man + woman", turned=True, **dark("vector"))
    art.words(end[0] + 16, end[1] - 70, "the same step", align="left", size=SMALL, colour=GREY)
    art.words(end[0] - 14, end[1], "king − man + woman", align="right", weight="bold")
    art.ax.plot(*end, "D", ms=6, mfc="white", mec=INK, mew=PLAIN)
    label = f"nearest of {found['words'] - 3:,}\ncosine {found['cosine']:.2f}"
    art.words(nearest[0] + 26, nearest[1], label, align="left", **{**dark("score"), "size": SMALL})
    art.ax.plot(*nearest, "o", ms=11, mfc="none", mec=ROLES["score"], mew=BOLD)
    taken = [
        Box(*end, 24, 24),
        Box((king[0] + end[0]) / 2, (king[1] + end[1]) / 2, 32, end[1] - king[1]),
    ]
    for word, side in SIDES.items():
        taken += _label(art, word, places.pop(word), side, 14, INK, size=15, weight="bold")
    for word, (x, y) in places.items():  # a word in a crowd is left out
        for side in (1, -1):
            boxes = _around(word, (x, y), side, 9, SMALL)
            if not any(_overlap(box, other) for box in boxes for other in taken):
                taken += _label(art, word, (x, y), side, 9, GREY, size=SMALL)
                break
    note = (
        f"The plane fits the four words best; it keeps {found['kept']:.0%} of their differences.\n"
        "The words in grey lie off it: they look nearer here than they are."
    )
    art.words(MARGIN, 552, note, size=SMALL, colour=GREY, align="left")
    return art.fig


def _place(point) -> tuple[float, float]:
    return MIDDLE[0] + SCALE * point[0], MIDDLE[1] - SCALE * point[1]


def _around(word: str, place, side: int, away: float, size: float, weight="normal") -> list[Box]:
    """The room of a point, and of its word to the right (1) or to the left (-1) of it."""
    wide = text_width(word, size, weight)
    return [Box(*place, 8, 8), Box(place[0] + side * (away + wide / 2), place[1], wide, size)]


def _label(art: Canvas, word: str, place, side: int, away: float, colour: str, **look) -> list[Box]:
    boxes = _around(word, place, side, away, **look)
    art.words(boxes[1].x, boxes[1].y, word, colour=colour, **look)
    art.ax.plot(*place, "o", ms=3 if colour == GREY else 5, color=colour)
    return boxes


def _overlap(one: Box, two: Box) -> bool:
    across = abs(one.x - two.x) < (one.width + two.width) / 2 + ROOM
    return across and abs(one.y - two.y) < (one.height + two.height) / 2 + ROOM
