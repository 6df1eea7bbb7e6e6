"""Tokenization: a text on its way to the numbers that the model reads."""

from course_utils import models
from img.draw.canvas import Canvas
from img.draw.layout import Box, text_width
from img.draw.style import GREY, MARGIN, SMALL

TEXT = "Unglamorous: bats hang upside down!"
PADDING = 1  # as in a batch with a longer text
ROWS = {"text": 92, "words": 172, "tokens": 262, "ids": 344, "mask": 404}
STEPS = {"words": "① lower case,\nsplit", "tokens": "② cut into the\nlongest pieces"}
STEPS |= {"ids": "③ look up\nrow numbers"}
GAP, LEAST = 5, 38
QUIET = {"size": SMALL, "colour": GREY}


def measure() -> dict:
    """The words, tokens, numbers and mask of the text, by the model's own tokenizer."""
    tokenizer, _ = models.load()
    rules = tokenizer.backend_tokenizer
    words = rules.pre_tokenizer.pre_tokenize_str(rules.normalizer.normalize_str(TEXT))
    length = len(tokenizer(TEXT)["input_ids"]) + PADDING
    batch = tokenizer(TEXT, padding="max_length", max_length=length)
    return {
        "words": [word for word, _ in words],
        "pieces": [tokenizer.tokenize(word) for word, _ in words],
        "tokens": tokenizer.convert_ids_to_tokens(batch["input_ids"]),
        "ids": batch["input_ids"],
        "mask": batch["attention_mask"],
    }


def draw(found: dict):
    art = Canvas(436, "A text becomes numbers in three steps")
    for name, y in ROWS.items():
        art.words(MARGIN, y - 28, name, weight="bold", align="left", size=SMALL)
    for (_, y), (name, step) in zip(ROWS.items(), STEPS.items(), strict=False):
        art.words(598, (y + ROWS[name]) / 2, step, align="left", **QUIET)
    art.words(64, ROWS["mask"] - 28, "1: a token, 0: padding", align="left", **QUIET)
    columns = _columns(found["tokens"])
    pieces = columns[1 : 1 + sum(map(len, found["pieces"]))]  # without [CLS] and [SEP]
    left, right = pieces[0].left[0], pieces[-1].right[0]
    art.step((left + right) / 2, ROWS["text"], right - left, 34, TEXT)
    for word, parts in zip(found["words"], found["pieces"], strict=True):
        own, pieces = pieces[: len(parts)], pieces[len(parts) :]
        start, end = own[0].left[0], own[-1].right[0]
        box = art.step((start + end) / 2, ROWS["words"], end - start, 30, word)
        for column in own:
            art.line((column.x, box.bottom[1]), (column.x, ROWS["tokens"] - 14))
    for column, token, number, real in zip(
        columns, found["tokens"], found["ids"], found["mask"], strict=True
    ):
        if token.startswith("["):
            art.special(column.x, ROWS["tokens"], column.width, 28, token)
        else:
            art.token(column.x, ROWS["tokens"], column.width, 28, token)
        look = {} if real else {"colour": GREY}
        art.words(column.x, ROWS["ids"], str(number), size=SMALL, **look)
        art.words(column.x, ROWS["mask"], str(real), size=SMALL, **look)
    return art.fig


def _columns(tokens: list[str]) -> list[Box]:
    """A column for each token, as wide as it needs, all together in the middle."""
    widths = [max(LEAST, text_width(token, SMALL) + 12) for token in tokens]
    x = 360 - (sum(widths) + GAP * (len(widths) - 1)) / 2
    columns = []
    for wide in widths:
        columns.append(Box(x + wide / 2, 0, wide, 0))
        x += wide + GAP
    return columns
