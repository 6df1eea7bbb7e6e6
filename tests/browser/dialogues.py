"""What a reader does with each explorer, by keyboard, and what must come of it.

Every explorer has its dialogue in `DIALOGUES`, under the CSS class that names it; a lesson with an
explorer that has none fails its test. A dialogue leaves its explorer as it found it.
"""

from collections.abc import Callable

from tests.browser.explorer import Explorer

NASTY = "<img src=x onerror=alert(1)>"  # as HTML a second picture, a failed request and a dialog


def word_in_context(explorer: Explorer) -> None:
    """Another sentence, layer and head; no sentence; HTML for a word, then in the sentences too."""
    first, second, word = fields = ("first sentence", "second sentence", "word")
    texts, start = {field: explorer.value(field) for field in fields}, explorer.picture()

    explorer.focus(first)
    explorer.retype("A small bat slept upside down in the barn.")
    barn = explorer.changed(start)
    explorer.reads("barn")
    explorer.photograph("other-sentence")

    explorer.tab_to("layer")
    explorer.press("ArrowLeft")
    explorer.changed(barn)
    explorer.reads("At layer 5 the two “bat” vectors")
    explorer.press("ArrowRight")
    explorer.shows(barn)

    explorer.tab_to("head")
    explorer.choose("ArrowDown")
    explorer.changed(barn)
    explorer.reads("layer 6, head 1")
    explorer.choose("ArrowUp")
    explorer.shows(barn)

    explorer.tab_to(first, backwards=True)
    explorer.retype("")
    explorer.says("The first sentence is empty: type one.")
    explorer.shows(barn)
    explorer.photograph("no-sentence")
    explorer.retype(texts[first])
    explorer.is_silent()
    explorer.shows(start)

    explorer.tab_to(word)
    explorer.retype(NASTY)
    explorer.says(f"The first sentence does not hold the word “{NASTY}”")
    explorer.has_one_picture()
    explorer.shows(start)
    explorer.photograph("html-for-a-word")
    for field in (second, first):
        explorer.tab_to(field, backwards=True)
        explorer.retype(f"Here {NASTY} stands.")
    explorer.reads(f"the two “{NASTY}” vectors")
    explorer.is_silent()
    explorer.has_one_picture()
    explorer.photograph("html-in-all-fields")

    for field in fields:
        explorer.tab_to(field)
        explorer.retype(texts[field])
    explorer.shows(start)
    explorer.is_silent()
    assert {field: explorer.value(field) for field in fields} == texts


def sentences_to_vectors(explorer: Explorer) -> None:
    """Other sentences, pooling and layer; too few sentences; HTML for sentences."""
    area, start = "one sentence a line, then Tab", explorer.picture()
    text = explorer.value(area)

    explorer.focus(area)
    explorer.retype("Birds sing.\nFish swim.\nBirds swim.", "Tab")
    three = explorer.changed(start)
    explorer.reads("Nearest")
    explorer.photograph("other-sentences")

    explorer.choose("ArrowDown")  # Tab has led to the dropdown
    cls = explorer.changed(three)
    explorer.reads("Each vector is that of [CLS] at layer 6")
    explorer.tab_to("layer")
    explorer.press("Home")
    explorer.changed(cls)
    explorer.reads("it is the same in every sentence")
    explorer.press("End")
    explorer.shows(cls)
    explorer.tab_to("pooling", backwards=True)
    explorer.choose("ArrowUp")
    explorer.shows(three)

    explorer.tab_to(area, backwards=True)
    explorer.retype("Alone.", "Tab")
    explorer.says("There is only one sentence: type 2 to 8")
    explorer.shows(three)
    explorer.photograph("one-sentence")

    explorer.tab_to(area, backwards=True)
    explorer.retype(f"{NASTY}\n{NASTY} too", "Tab")
    explorer.changed(three)
    explorer.is_silent()
    explorer.reads(NASTY)
    explorer.has_one_picture()
    explorer.photograph("html-in-sentences")

    explorer.tab_to(area, backwards=True)
    explorer.retype(text, "Tab")
    explorer.shows(start)
    assert explorer.value(area) == text


DIALOGUES: dict[str, Callable[[Explorer], None]] = {
    "explorer-word-in-context": word_in_context,
    "explorer-sentences-to-vectors": sentences_to_vectors,
}
