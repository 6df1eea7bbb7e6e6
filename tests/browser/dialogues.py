"""What a reader does with each explorer, by keyboard, and what must come of it.

Every explorer has its dialogue in `DIALOGUES`, under the CSS class that names it; a lesson with an
explorer that has none fails its test.
"""

from collections.abc import Callable

from tests.browser.explorer import Explorer

NASTY = "<img src=x onerror=alert(1)>"
FIRST_TEXT, SLIDER = "input[type=text] >> nth=0", "[role=slider]"


def word_in_context(explorer: Explorer) -> None:
    """Another sentence, another layer and back; no sentence; HTML for a word; all as at first."""
    texts = [explorer.value(f"input[type=text] >> nth={number}") for number in range(3)]
