"""What a learner types into an explorer: brought into one form, or refused in words that help."""

from course_utils.errors import BadInput


def spaced(text: str) -> str:
    """The text on one line, with single spaces."""
    return " ".join(text.split())


def check(name: str, text: str, most: int) -> None:
    """Raise BadInput unless `text` holds 1 to `most` characters, all whole; `name` says what it is.

    Half a character is a lone surrogate: a string can hold it, UTF-8 and the tokenizer cannot.
    """
    if not text:
        raise BadInput(f"The {name} is empty: type one.")
    if len(text) > most:
        raise BadInput(f"The {name} has {len(text):,} characters: type one of at most {most}.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise BadInput(f"The {name} holds half a character, which is no text: type it again.")
