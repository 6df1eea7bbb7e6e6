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
    explorer.reads("layer 6, head 1")
    explorer.choose("ArrowUp")
    explorer.reads("layer 6, mean of all heads")

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
    """Other sentences, an emoji in one; pooling, layer; too few sentences; HTML for sentences."""
    area, start = "one sentence a line, then Tab", explorer.picture()
    text = explorer.value(area)

    explorer.focus(area)
    explorer.retype("Birds sing 🐦.\nFish swim.\nBirds swim.", "Tab")
    three = explorer.changed(start)
    explorer.reads("Nearest")
    explorer.reads("1 [UNK]")
    explorer.photograph("other-sentences")

    explorer.choose("ArrowDown")  # Tab has led to the dropdown
    cls = explorer.changed(three)
    explorer.reads("Each vector is that of [CLS] at layer 6")
    explorer.tab_to("layer")
    explorer.press("Home")
    explorer.changed(cls)
    explorer.reads("choose a higher layer")
    explorer.press("End")
    explorer.shows(cls)
    explorer.tab_to("pooling", backwards=True)
    explorer.choose("ArrowUp")
    explorer.shows(three)

    explorer.tab_to(area, backwards=True)
    explorer.retype("Alone.", "Tab")
    explorer.says("Type 2 to 8 sentences, a line each, not 1.")
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


def loss_machine(explorer: Explorer) -> None:
    """Another temperature; a matrix that is none, and HTML for one; equal scores."""
    scores = "cosines, a row a question, then Tab"
    matrix, start = explorer.value(scores), explorer.picture()

    explorer.focus("temperature")
    explorer.press("ArrowRight")
    explorer.changed(start)
    explorer.reads("Temperature 0.11 is scale 9.09")
    explorer.press("ArrowLeft")
    explorer.shows(start)

    explorer.tab_to(scores, backwards=True)
    explorer.retype("0.5 0.1\n0.2", "Tab")
    explorer.says("Numbers in row 2: 1. There are 2 rows")
    explorer.shows(start)
    explorer.tab_to(scores, backwards=True)
    explorer.retype(f"{NASTY.replace(' ', '_')} 0\n0 0", "Tab")
    explorer.says("which is no cosine: type numbers from -1 to 1")
    explorer.has_one_picture()
    explorer.shows(start)
    explorer.photograph("html-for-a-matrix")

    explorer.tab_to(scores, backwards=True)
    explorer.retype("0.5 0.5\n0.5 0.5", "Tab")
    explorer.reads("Loss 0.69; chance is ln 2 = 0.69.")
    explorer.is_silent()
    explorer.photograph("equal-scores")
    explorer.tab_to(scores, backwards=True)
    explorer.retype(matrix, "Tab")
    explorer.shows(start)
    assert explorer.value(scores) == matrix


def train_the_heads(explorer: Explorer) -> None:
    """One shared head, then two without the echo term; the runs stay, and so do the controls.

    The history cannot be put back: that it keeps the runs is what it is for.
    """
    start, fields = explorer.picture(), ("echo term", "heads", "temperature", "batch size")
    values = {field: explorer.value(field) for field in fields}
    explorer.reads("this run − untrained")

    explorer.focus("heads")
    explorer.choose("ArrowDown")
    explorer.shows(start)  # only the button trains
    explorer.tab_to("Train")
    explorer.press("Enter")
    explorer.reads("this run − 1 before")
    explorer.reads("0.00 → 0.00, new wordings 0.00")
    shared = explorer.changed(start)
    explorer.photograph("one-shared-head")

    explorer.tab_to("heads", backwards=True)
    explorer.choose("ArrowUp")
    explorer.tab_to("echo term", backwards=True)
    explorer.choose("ArrowDown")
    explorer.tab_to("Train")
    explorer.press("Enter")
    explorer.reads("2 before")
    explorer.changed(shared)
    explorer.is_silent()
    explorer.has_one_picture()
    explorer.photograph("no-echo-term")

    explorer.tab_to("echo term", backwards=True)
    explorer.choose("ArrowUp")
    assert {field: explorer.value(field) for field in fields} == values


def search_desk(explorer: Explorer) -> None:
    """The mouse on a dot; a misspelt question; each control; no question; HTML for one."""
    entries, share, again = controls = (
        "entries a list",
        "share of BM25 in the hybrid",
        "cross-encoder reads ten again",
    )
    values = {label: explorer.value(label) for label in ("question", *controls)}
    start = explorer.matches(r".+ is first in \d of 3 lists")[0]
    explorer.point_at_a_dot()
    explorer.matches(r"Name\n(.+)\nPackage\n(.+)\n")
    explorer.photograph("mouse-on-a-dot")

    explorer.focus("question")
    explorer.retype("jsno encoder")
    explorer.reads("Searched for: “json encoder”")
    explorer.reads("Extensible JSON <https://json.org> encoder")  # as a document has it
    explorer.is_silent()
    explorer.photograph("other-question")

    explorer.tab_to(entries)
    explorer.press("End")
    explorer.reads("0.00")  # the tenth entry
    explorer.press("Home")
    while explorer.value(entries) != values[entries]:
        explorer.press("ArrowRight")

    explorer.tab_to(share)
    explorer.press("End")
    explorer.matches(r"is first in [23] of 3 lists")  # the hybrid is BM25 alone
    explorer.press("Home")
    while explorer.value(share) != values[share]:
        explorer.press("ArrowRight")

    explorer.tab_to(again)
    explorer.choose("ArrowDown")
    explorer.reads("of 4 lists")
    explorer.photograph("read-again")
    explorer.choose("ArrowUp")
    explorer.reads("of 3 lists")

    explorer.tab_to("question", backwards=True)
    explorer.retype(" ")
    explorer.says("There is nothing to search for: type a question")
    explorer.reads("Searched for: “json encoder”")
    explorer.photograph("no-question")
    explorer.retype(NASTY)
    explorer.reads(f"Searched for: “{NASTY}”")
    explorer.is_silent()
    explorer.has_pictures(0)
    explorer.photograph("html-for-a-question")

    explorer.retype(values["question"])
    explorer.reads(start)
    assert {label: explorer.value(label) for label in values} == values


def touch_map(explorer: Explorer) -> None:
    """The mouse on a dot; its text typed, then one that is not there; a lasso; nothing typed."""
    start = explorer.value("find")
    explorer.point_at_a_dot()
    word, group = explorer.matches(r"Text\n(.+)\nGroup\n(.+)\n").groups()
    explorer.photograph("mouse-on-a-dot")

    explorer.focus("find")
    explorer.retype(word.upper())
    explorer.reads(f"{word} ({group}). Nearest on the map: ")
    explorer.is_silent()
    explorer.photograph("word-and-neighbours")

    explorer.retype(NASTY)
    explorer.says(f"“{NASTY}” is not on the map. Type one that is, such as ")
    explorer.has_pictures(0)
    explorer.reads(f"{word} ({group}). Nearest on the map: ")

    explorer.draw_around_the_map()
    explorer.matches(r"\d+ chosen")
    explorer.photograph("lasso")

    explorer.focus("find")
    explorer.retype(start)
    explorer.reads("Point at a dot to read it.")
    explorer.is_silent()


DIALOGUES: dict[str, Callable[[Explorer], None]] = {
    "explorer-word-in-context": word_in_context,
    "explorer-sentences-to-vectors": sentences_to_vectors,
    "explorer-loss-machine": loss_machine,
    "explorer-train-the-heads": train_the_heads,
    "explorer-search-desk": search_desk,
    "explorer-touch-map": touch_map,
}
