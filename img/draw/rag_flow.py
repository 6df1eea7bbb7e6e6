"""RAG-flow: an answer that is made of what was found, and says so."""

from img.draw import examples
from img.draw.canvas import Canvas
from img.draw.layout import fitted, wrapped
from img.draw.style import GREY, SMALL

K = 3
PAGES = 562


def measure() -> dict:
    """What a dual encoder finds for a question among the held-out documentation."""
    return examples.search(K)


def draw(found: dict):
    art = Canvas(566, "RAG: answer from what was found, or say that it is not there")
    text = wrapped(examples.QUESTION, 20, lines=3)
    question = art.question(116, 128, 184, 76, text, size=SMALL)
    search = art.step(304, 128, 84, 44, "search", "vector")
    art.area(PAGES, 128, 268, 148)
    for number, name in enumerate(found["names"]):
        own = fitted(name.rpartition(".")[2], 190, SMALL)
        art.answer(PAGES, 82 + 46 * number, 244, 36, f"[{number + 1}]  {own}", size=SMALL)
    art.arrow(question.right, search.left)
    art.arrow(search.right, (PAGES - 134, 128))
    _prompt(art)
    answerer = art.step(
        360, 394, 260, 56, "answerer: a language model,\nor the best sentences found"
    )
    art.arrow((360, 334), answerer.top)
    answer = art.answer(180, 502, 264, 60, "an answer in which each\nstatement has its source [1]")
    nothing = art.step(
        540, 502, 264, 60, "“I do not find that\nin the documentation.”", dashed=True
    )
    for side, box, label in (
        (answerer.left, answer, "enough support"),
        (answerer.right, nothing, "too little support"),
    ):
        art.arrow(side, (box.x, side[1]), box.top)
        away, align = (-12, "right") if box is answer else (12, "left")
        art.words(box.x + away, 440, label, size=SMALL, colour=GREY, align=align)
    return art.fig


def _prompt(art: Canvas) -> None:
    """What the answerer reads: the question and the sources, numbered, up to a limit."""
    y = 290
    art.step(360, y, 672, 88, "")
    art.words(360, y - 28, "prompt", weight="bold")
    art.question(116, y + 8, 130, 34, "question", size=SMALL)
    for number in range(K):
        art.answer(PAGES + 84 * (number - 1), y + 8, 72, 34, f"[{number + 1}] …", size=SMALL)
    art.words(322, y + 8, "at most so\nmany tokens", size=SMALL, colour=GREY)
    art.arrow((116, 166), (116, y - 12))
    art.arrow((PAGES, 202), (PAGES, y - 12))
