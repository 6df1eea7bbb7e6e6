"""The explorers without a browser: their views as pure functions, and the wiring of the widgets."""

import base64
import html
import json
import re
import sys
from dataclasses import dataclass, fields, replace

import ipywidgets as widgets
import numpy as np
import pytest

from course_utils import embed, explorers, models, similarity
from course_utils.errors import BadInput, CourseError
from course_utils.explorers import panel, word_explorer
from course_utils.explorers.panel import View
from course_utils.explorers.word_explorer import WordInContext, view
from course_utils.plots import lettering, output
from tests.pictures import faults, texts
from tests.widgets import PNG, newer_than_7_7, parts, presented_by, said

START = WordInContext()
NASTY = "<img src=x onerror=alert(1)>"


# ---------------------------------------------------------------------- the view, word in context


@pytest.mark.parametrize("layer", [0, 3, 6])
def test_the_similarity_is_that_of_the_words_two_vectors(layer):
    state = WordInContext("Tokenization is fun.", "We fear tokenization.", "tokenization", layer)
    one, two = embed.word_vectors([state.first, state.second], state.word)[:, layer]
    expected = similarity.cosine_matrix([one], [two])[0, 0]
    assert word_explorer.compare(state).path[layer] == pytest.approx(expected, abs=1e-6)
    assert f"At layer {layer} the two “tokenization” vectors" in said(view(state))
    assert f"cosine similarity of {expected:.2f}" in said(view(state))


def test_the_other_line_is_the_mean_over_two_different_tokens():
    found = word_explorer.compare(WordInContext("a bat", "bat", "bat"))
    vectors = embed.hidden_states(["a bat", "bat"]).states[:, :, 1:3]  # "a" and "bat", "bat"
    pairs = [similarity.cosine_matrix(a[:1], b[:1])[0, 0] for a, b in zip(*vectors, strict=True)]
    np.testing.assert_allclose(found.others, pairs, atol=1e-5)
    alone = WordInContext("bat", "Bat", "bat")
    assert np.isnan(word_explorer.compare(alone).others).all()
    assert "Two different tokens" not in view(alone).html


@pytest.mark.parametrize("head", [0, 5])
@pytest.mark.parametrize("word", ["bat", "Tokenization"])
def test_the_attention_is_the_models_own(head, word):
    text = f"At dusk a {word} flew out of the cave."
    states = embed.hidden_states(text, attention=True)
    at = embed.word_positions(states, text, word)
    rows = np.mean([states.attention[0, 2, :, place].numpy() for place in at], axis=0)
    row = rows[head - 1] if head else rows.mean(0)  # of layer 3
    state = WordInContext(text, text, word, 3, head)
    context = word_explorer.compare(state).contexts[0]
    before, after = row[1 : at[0]], row[at[-1] + 1 : -1]
    expected = [*before, row[at].sum(), *after]
    np.testing.assert_allclose(context.weights, expected, atol=1e-6)
    assert context.tokens[context.place] == word and context.tokens[-1] == "."
    assert context.edges + sum(context.weights) == pytest.approx(1, abs=1e-5)
    shown = said(view(state))
    assert f"{100 * context.edges:.0f} % of its attention rests on [CLS] and [SEP]" in shown
    assert (f"layer 3, head {head}" if head else "layer 3, mean of all heads") in shown


def test_layer_0_says_that_it_has_no_attention():
    assert "no token has looked at another yet" in said(view(replace(START, layer=0)))
    assert "no token has looked" not in said(view(replace(START, layer=1)))


def test_a_word_that_occurs_twice_counts_where_it_stands_first_and_blanks_do_not_count():
    twice = replace(START, first="  A bat saw \n a Bat in the cave.", word=" bat ")
    assert "The first sentence holds “bat” 2 times: the first counts." in said(view(twice))
    assert "The second sentence holds" not in said(view(twice))
    assert word_explorer.compare(twice).contexts[0].place == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first": ""}, "The first sentence is empty: type one."),
        ({"second": " \t\n"}, "The second sentence is empty: type one."),
        ({"word": "  "}, "The word is empty: type one."),
        ({"word": "cave"}, "The second sentence does not hold the word “cave”"),
        ({"word": "ba"}, "The first sentence does not hold the word “ba”"),
        ({"word": "bat.*"}, "The first sentence does not hold the word “bat.*”"),
        ({"word": "b" * 41}, "The word has 41 characters: type one of at most 40."),
        ({"second": "x" * 100_000}, "The second sentence has 100,000 characters: type one of"),
        ({"first": "a bat \ud83d"}, "The first sentence holds half a character"),
        ({"first": "\0", "second": "\0", "word": "\0"}, "The tokenizer drops the word"),
    ],
)
def test_bad_input_gets_a_sentence_that_says_what_to_do(change, message):
    with pytest.raises(BadInput, match=re.escape(message)) as refused:
        view(replace(START, **change))
    str(refused.value).encode("utf-8")  # it can be sent to the browser


def test_text_of_the_learner_is_escaped():
    shown = view(WordInContext(f"a {NASTY} b", f"{NASTY} too", NASTY))
    assert html.escape(NASTY) in shown.html and "<img" not in shown.html


# ------------------------------------------------------------------- the picture, word in context

WORDS = ("bat", "W" * 40, "pneumonoultramicroscopicsilicovolcano", "bat🦇🏏", "שלום", "$x$")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("word", WORDS)
def test_whatever_is_typed_nothing_overlaps_and_nothing_is_cut_off(word):
    found = word_explorer.compare(WordInContext(f"{word} WM" + " x" * 90, f"A {word}.", word))
    fig = word_explorer.picture(found)
    path, others, *_ = fig.axes[0].lines
    np.testing.assert_array_equal(path.get_ydata(), found.path)
    np.testing.assert_array_equal(others.get_ydata(), found.others)
    assert faults(fig) == []


def test_the_title_says_what_context_did():
    def title(path, layer) -> str:
        none = np.full(3, np.nan)
        state = replace(START, layer=layer)
        found = word_explorer.Comparison(state, "bat", np.array(path), none, [])
        return texts(word_explorer.picture(found))

    assert "Context pulls the two “bat” vectors apart: cosine 0.90 → 0.40" in title(
        [0.9, 0.5, 0.4], 2
    )
    assert "Context draws the two “bat” vectors together: cosine 0.50 → 0.90" in title(
        [0.5, 0.6, 0.9], 2
    )
    assert "Context leaves the two “bat” vectors together: cosine 0.90 → 0.88" in title(
        [0.9, 0.5, 0.88], 2
    )
    assert "At layer 0 only their places differ: cosine 0.90" in title([0.9, 0.5, 0.4], 0)


# --------------------------------------------------------------------- a learner's text, drawn


def test_a_text_that_fits_stays_and_a_longer_one_is_cut_at_its_width():
    assert lettering.shorten("bat", 100, 10) == "bat"
    wide, narrow = (lettering.shorten(letter * 40, 100, 10) for letter in "Wi")
    assert wide.endswith("…") and narrow.endswith("…") and len(narrow) > 2 * len(wide)
    for text in (wide, narrow):
        assert 80 < lettering.width(text, 10) <= 100
    assert lettering.shorten("bat", 1, 10) == "b…"  # something is always left


def test_characters_without_a_glyph_become_boxes():
    assert lettering.drawable("a🦇飛\nשלום\0") == "a□□\nשלום□"


# ------------------------------------------------------------------------- the widgets, wired


@pytest.fixture
def shown(monkeypatch):
    """What `display` was called with, newest last."""
    calls = []
    monkeypatch.setattr(output, "display", lambda *args, **more: calls.append((args, more)))
    return calls


@pytest.fixture
def box(monkeypatch):
    """The widget of `word_in_context`, not displayed."""
    return presented_by(explorers.word_in_context, monkeypatch)[0]


def test_it_opens_with_the_default_view_under_the_classes_that_a_browser_test_looks_for(box):
    controls, message, picture, words = parts(box)
    assert {"course-explorer", "explorer-word-in-context"} <= set(box._dom_classes)
    assert "explorer-message" in message._dom_classes and message.value == ""
    assert (bytes(picture.value), words.value) == (view(START).png, view(START).html)
    assert [control.value for control in controls] == [
        getattr(START, field.name) for field in fields(START)
    ]
    config = models.load(word_explorer.ROLE)[1].config
    assert (controls[3].min, controls[3].max) == (0, config.num_hidden_layers)
    assert [value for _, value in controls[4].options] == [*range(config.num_attention_heads + 1)]
    assert newer_than_7_7(box) == []


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (0, "The bat slept in the barn."),
        (1, "A bat ate the moth."),
        (2, "the"),
        (3, 2),
        (4, 7),
    ],
)
def test_every_control_changes_what_is_shown(box, number, value):
    controls, message, picture, words = parts(box)
    controls[0].value = "The bat left the cave."
    before = words.value
    controls[number].value = value
    assert words.value != before and message.value == ""


def test_after_bad_input_the_picture_stays_and_good_input_clears_the_message(box):
    controls, message, picture, words = parts(box)
    before = bytes(picture.value), words.value
    controls[2].value = NASTY
    assert "does not hold the word" in message.value and "last input that worked" in message.value
    assert html.escape(NASTY) in message.value and "<img" not in message.value
    assert (bytes(picture.value), words.value) == before
    controls[2].value = "bat"
    assert message.value == "" and (bytes(picture.value), words.value) == before


def test_one_output_holds_the_widget_the_picture_and_the_words(shown, capfd):
    explorers.word_in_context()
    ((bundle,), options), *more = shown
    assert not more and capfd.readouterr() == ("", "")
    assert set(bundle) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    live = bundle["application/vnd.jupyter.widget-view+json"]
    assert (live["version_major"], live["version_minor"]) == (2, 0) and live["model_id"]
    assert base64.b64decode(bundle["image/png"]) == view(START).png
    alt = options["metadata"]["image/png"]["alt"]
    assert bundle["text/plain"] == f"[explorer] {alt}" and not re.search(r"\d\.\d", alt)
    assert options["raw"] is True
    json.dumps(bundle)


def test_on_colab_the_widget_itself_is_shown(shown, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    explorers.word_in_context()
    ((box,), options), *more = shown
    assert isinstance(box, widgets.VBox) and not options and not more


# ------------------------------------------------------------------- the base, with a small view


@dataclass(frozen=True)
class Square:
    number: int


def square(state: Square) -> View:
    if state.number < 0:
        raise BadInput("Type a number & not a <negative> one.")
    return View(PNG + bytes([state.number]), f"{state.number**2}")


def test_a_view_that_raises_becomes_a_message_and_what_is_shown_stays():
    number = widgets.IntText(2)
    box = panel.explorer("square", Square, square, {"number": number})
    _, message, picture, words = parts(box)
    assert "explorer-square" in box._dom_classes and words.value == "4"
    number.value = -1
    assert "a number &amp; not a &lt;negative&gt; one." in message.value and words.value == "4"
    number.value = 3
    assert message.value == "" and bytes(picture.value) == PNG + b"\3"


def test_an_explorer_whose_first_state_shows_nothing_is_refused():
    with pytest.raises(CourseError, match="Type a number"):
        panel.explorer("square", Square, square, {"number": widgets.IntText(-1)})


def test_a_mistake_in_a_view_is_not_hidden():
    number = widgets.IntText(2)
    panel.explorer("square", Square, square, {"number": number})
    with pytest.raises(ValueError, match="range"):
        number.value = 256
