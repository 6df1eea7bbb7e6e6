"""Token-Embedding: a sentence as a matrix, before and after the layers."""

import numpy as np

from course_utils import embed, models, similarity
from img.draw.canvas import Canvas
from img.draw.layout import Box
from img.draw.style import BOLD, GREY, INK, MARGIN, SMALL

SENTENCE = "They sat on the bank of the river, not in the bank."
WORD = "bank"
SHOWN = 20  # of the 384 numbers
TOP, CELL = 112, 20
WIDTH = 200
LEFTS = {"static": 112, "contextual": 424}


def measure() -> dict:
    """Each token's row of the table, and its state after the last layer."""
    tokenizer, model = models.load("sentence encoder")
    run = embed.hidden_states(SENTENCE, "sentence encoder")
    tokens = run.tokens[0]
    table = model.get_input_embeddings().weight.detach().numpy()
    rows = {
        "static": table[tokenizer.convert_tokens_to_ids(tokens)],
        "contextual": run.states[0, -1].numpy(),
    }
    one, two = (number for number, token in enumerate(tokens) if token == WORD)
    return {
        "tokens": tokens,
        "rows": {name: matrix[:, :SHOWN].tolist() for name, matrix in rows.items()},
        "cosines": {
            name: float(similarity.cosine_matrix(matrix)[one, two]) for name, matrix in rows.items()
        },
    }


def draw(found: dict):
    tokens = found["tokens"]
    size = CELL * len(tokens)
    art = Canvas(TOP + size + 60, "A sentence is a matrix: one row a token")
    for number, token in enumerate(tokens):
        y = TOP + (number + 0.5) * CELL
        shape = art.special if token.startswith("[") else art.token
        shape(66, y, 62, CELL - 3, token, weight="bold" if token == WORD else "normal")
    titles = {"static": "rows of the token table", "contextual": "states after 6 layers"}
    for name, left in LEFTS.items():
        middle = left + WIDTH / 2
        art.words(middle, TOP - 34, titles[name], weight="bold")
        art.words(middle, TOP - 14, f"[{len(tokens)}, 384]", size=SMALL, colour=GREY)
        rows = np.array(found["rows"][name])
        reach = np.percentile(np.abs(rows), 98)
        for number, row in enumerate(rows):
            art.strip(middle, TOP + (number + 0.5) * CELL, row, WIDTH, CELL - 3, reach=reach)
        same = [number for number, token in enumerate(tokens) if token == WORD]
        for number in same:
            art.frame(Box(middle, TOP + (number + 0.5) * CELL, WIDTH + 4, CELL + 1), INK, BOLD)
        first, last = (TOP + (number + 0.5) * CELL for number in same)
        right = left + WIDTH
        art.line((right + 4, first), (right + 16, first), (right + 16, last), (right + 4, last))
        art.score(right + 44, (first + last) / 2, 50, 28, f"{found['cosines'][name]:.2f}")
        art.line((right + 16, (first + last) / 2), (right + 20, (first + last) / 2))
    arrow = ((LEFTS["static"] + WIDTH + 24, TOP + 50), (LEFTS["contextual"] - 12, TOP + 50))
    art.arrow(*arrow, label="6 layers", at=(362, TOP + 36))
    note = f"Colours: the first {SHOWN} of 384 columns. Numbers: the cosine of the two rows."
    art.words(MARGIN, TOP + size + 32, note, size=SMALL, colour=GREY, align="left")
    return art.fig
