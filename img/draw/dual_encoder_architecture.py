"""Dual-Encoder-Architecture: every step from tokens to score, with its shape."""

from course_utils.dual_encoder.heads import ANSWER_TOKENS, DIMENSION, QUESTION_TOKENS
from img.draw.canvas import Canvas
from img.draw.layout import dark
from img.draw.style import GREY, MARGIN, SMALL, WIDTH

LEFT, RIGHT, MIDDLE = 196, 524, 360
LANE = 236
MEAN = "mean of the states where mask = 1\nunit length"
HEAD = f"Linear {DIMENSION} × {DIMENSION}, no bias\nstarts as the identity"


def draw():
    art = Canvas(680, "One frozen encoder, two trained heads")
    encoder = art.frozen(MIDDLE, 226, RIGHT - LEFT + LANE, 74, "")
    art.words(MIDDLE, 215, "encoder: MiniLM, 6 layers", weight="bold")
    art.words(MIDDLE, 238, "22.7 M weights, frozen, the same for both sides", size=SMALL)
    score = art.score(MIDDLE, 630, 184, 46, "score = q · a\nthe cosine of the two", size=SMALL)
    sides = (
        (LEFT, "question", art.question, QUESTION_TOKENS, "q", score.left),
        (RIGHT, "answer", art.answer, ANSWER_TOKENS, "a", score.right),
    )
    for x, role, shape, longest, letter, side in sides:
        text = shape(x, 78, LANE, 40, role, weight="bold")
        tokens = _tokens(art, x, 145)
        mean = art.step(x, 330, LANE, 48, MEAN, size=SMALL)
        head = art.trained(x, 450, LANE, 78, "")
        art.words(x, 428, f"{role} head", weight="bold")
        art.words(x, 459, HEAD, size=SMALL)
        unit = art.step(x, 540, LANE, 30, "unit length", size=SMALL)
        for start, end, shape_of in (
            (text.bottom, (x, tokens - 14), f"tokenizer, T ≤ {longest}"),
            ((x, tokens + 14), (x, encoder.top[1]), "ids [T], mask [T]"),
            ((x, encoder.bottom[1]), mean.top, f"states [T, {DIMENSION}]"),
            (mean.bottom, head.top, f"[{DIMENSION}]"),
            (head.bottom, unit.top, f"[{DIMENSION}]"),
        ):
            at = (x + 10, (start[1] + end[1]) / 2)
            art.arrow(start, end, label=shape_of, at=at, align="left")
        art.arrow(unit.bottom, (x, score.y), side)
        away, align = (10, "left") if x < MIDDLE else (-10, "right")
        art.words(x + away, 585, f"{letter} [{DIMENSION}]", align=align, **dark(role))
    _divide(art)
    return art.fig


def _tokens(art: Canvas, x: float, y: float) -> float:
    """A row of T tokens."""
    for number, name in enumerate(("1", "2", "3", "…", "T")):
        at = x + (number - 2) * 46
        if name == "…":
            art.words(at, y, name, colour=GREY)
        else:
            art.token(at, y, 38, 24, name)
    return y


def _divide(art: Canvas) -> None:
    """The line at which training stops."""
    y = 383
    art.line((MARGIN, y), (LEFT - 14, y), dashed=True)
    art.line((LEFT + 64, y), (RIGHT - 14, y), dashed=True)
    art.line((RIGHT + 64, y), (WIDTH - MARGIN, y), dashed=True)
    art.words(MIDDLE, y - 10, "frozen: computed once", size=SMALL, colour=GREY)
    weights = f"trained: {2 * DIMENSION**2:,} weights"
    art.words(MIDDLE, y + 11, weights, **{**dark("trained"), "size": SMALL})
