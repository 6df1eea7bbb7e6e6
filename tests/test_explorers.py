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

from course_utils import embed, explorers, models, plots, similarity
from course_utils.errors import BadInput, CourseError
from course_utils.explorers import (
    WordInContext,
    panel,
    view_word_in_context,
    word_explorer,
    word_pair,
)
from course_utils.explorers.panel import View
from course_utils.plots import lettering, output
from tests.pictures import faults, texts
from tests.widgets import PNG, everything_in, newer_than_7_7, parts, presented_by, said

START = WordInContext()
NASTY = "<img src=x onerror=alert(1)>"


def cosine(state: WordInContext) -> float:
    one, two = embed.word_vectors([state.first, state.second], state.word)[:, state.layer]
    return similarity.cosine_matrix([one], [two])[0, 0]


# ---------------------------------------------------------------------- the view, word in context


@pytest.mark.parametrize("layer", range(7))
def test_the_similarity_is_that_of_the_words_two_vectors(layer):
    state = replace(START, layer=layer)
    view = view_word_in_context(state)
    assert view.png.startswith(PNG)
    assert f"At layer {layer} the two “bat” vectors have a cosine similarity of " in said(view)
    assert f"similarity of {cosine(state):.2f}" in said(view)


def test_a_word_of_several_pieces_is_their_mean_and_one_token_of_the_strip():
    state = WordInContext("Tokenization is fun.", "We fear tokenization most.", "tokenization")
    assert len(embed.hidden_states("tokenization").tokens[0]) > 3
    view = view_word_in_context(state)
    assert f"similarity of {cosine(state):.2f}" in said(view)
    assert ">Tokenization</span>" in view.html and "##" not in view.html
    assert view.html.count("outline:") == 2


def test_every_layer_and_every_head_has_its_own_picture():
    layers = [view_word_in_context(replace(START, layer=layer)) for layer in range(7)]
    heads = [view_word_in_context(replace(START, head=head)) for head in range(13)]
    assert len({view.png for view in layers}) == len({view.html for view in layers}) == 7
    assert len({view.png for view in heads}) == len({view.html for view in heads}) == 13


def test_equal_states_give_equal_bytes():
    word_explorer._seen.cache_clear()
    one = view_word_in_context(START)
    word_explorer._seen.cache_clear()
    word_pair._states.cache_clear()
    assert view_word_in_context(replace(START)) == one


@pytest.mark.parametrize("head", [0, 5])
def test_the_attention_is_the_models_own(head):
    states = embed.hidden_states(START.first, attention=True)
    (at,) = embed.word_positions(states, START.first, "bat")
    rows = states.attention[0, 2, :, at]  # layer 3: [heads, tokens]
    row = (rows[head - 1] if head else rows.mean(0)).numpy()
    context, _ = word_pair.compare(replace(START, layer=3, head=head), "embedded").contexts
    assert context.tokens == states.tokens[0][1:-1] and context.tokens[context.place] == "bat"
    np.testing.assert_allclose(context.weights, row[1:-1], atol=1e-6)
    assert context.edges + sum(context.weights) == pytest.approx(1, abs=1e-5)
    view = view_word_in_context(replace(START, layer=3, head=head))
    assert f"{100 * context.edges:.0f} % of its attention rests on [CLS] and [SEP]" in said(view)
    assert (f"layer 3, head {head}" if head else "layer 3, mean of all heads") in said(view)


def test_layer_0_says_that_it_has_no_attention():
    assert "Layer 0 has no attention" in said(view_word_in_context(replace(START, layer=0)))
    assert "no attention" not in said(view_word_in_context(replace(START, layer=1)))


def test_a_word_that_occurs_twice_counts_where_it_stands_first():
    state = replace(START, first="A bat saw a Bat in the cave.")
    view = view_word_in_context(state)
    assert "The first sentence holds “bat” 2 times: the first one counts." in said(view)
    assert f"similarity of {cosine(state):.2f}" in said(view)
    assert "The second sentence holds" not in said(view)


def test_spaces_around_and_between_words_do_not_matter():
    loose = WordInContext("  At dusk a bat \n flew. ", START.second, " bat ")
    tidy = WordInContext("At dusk a bat flew.", START.second, "bat")
    assert view_word_in_context(loose) == view_word_in_context(tidy)


def test_a_sentence_against_itself_is_the_same_vector():
    view = view_word_in_context(replace(START, second=START.first))
    assert "1.00: practically the same vector" in said(view)


def test_sentences_of_the_same_lone_word_have_no_two_different_tokens():
    view = view_word_in_context(WordInContext("bat", "Bat", "bat"))
    assert view.png.startswith(PNG) and "Two different tokens" not in view.html


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first": ""}, "The first sentence is empty: type one."),
        ({"second": " \t\n"}, "The second sentence is empty: type one."),
        ({"word": "  "}, "The word is empty: type one."),
        ({"word": "cave"}, "The second sentence does not hold the word “cave”"),
        ({"word": "ba"}, "The first sentence does not hold the word “ba”"),
        ({"word": "bat.*"}, "The first sentence does not hold the word “bat.*”"),
        ({"word": "?!"}, "“?!” holds no letter: type a word"),
        ({"word": "\0"}, "holds no letter"),
        ({"word": "b" * 41}, "The word has 41 characters: type one of at most 40."),
        (
            {"first": "bat " * 25_000},
            "The first sentence has 99,999 characters: type one of at most",
        ),
        ({"second": "x" * 100_000}, "The second sentence has 100,000 characters: type one of"),
        ({"first": "a bat \ud83d"}, "The first sentence holds half a character"),
        ({"word": "\udc00"}, "The word holds half a character"),
        ({"layer": 7}, "There is no layer 7: choose one from 0 to 6."),
        ({"layer": -1}, "There is no layer -1"),
        ({"head": 13}, "There is no head 13: choose one from 1 to 12, or the mean."),
    ],
)
def test_bad_input_gets_a_sentence_that_says_what_to_do(change, message):
    with pytest.raises(BadInput, match=re.escape(message)) as refused:
        view_word_in_context(replace(START, **change))
    assert str(refused.value).endswith(".")
    str(refused.value).encode("utf-8")  # it can be sent to the browser


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "text",
    [
        NASTY + " bat",
        "$x$ bat $\\frac{1}{0}$ \\",
        "bat 🦇 飛 \u200d\0",
        "שלום bat مرحبا",
        "b́at? bat!",
        "bat " * 60,
        "x" * 230 + " bat",
    ],
)
def test_any_text_that_holds_the_word_is_shown(text):
    view = view_word_in_context(WordInContext(text, text, "bat"))
    assert view.png.startswith(PNG)
    assert "<img" not in view.html


def test_text_of_the_learner_is_escaped():
    view = view_word_in_context(WordInContext(f"a {NASTY} b", f"{NASTY} too", NASTY))
    assert view.png.startswith(PNG)
    assert html.escape(NASTY) in view.html and "<img" not in view.html


def test_a_dollar_sign_is_no_formula(monkeypatch):
    from matplotlib.mathtext import MathTextParser

    monkeypatch.setattr(MathTextParser, "parse", lambda *_args, **_more: pytest.fail("a formula"))
    assert view_word_in_context(WordInContext("I pay $x$ now", "$x$ is here", "$x$")).png


def test_changing_the_models_switch_is_not_answered_from_memory(monkeypatch):
    def other_model(*_args, **_more):
        raise BadInput("The other model was asked.")

    view_word_in_context(START)
    monkeypatch.setattr(models, "identity", lambda _role: "another model")
    monkeypatch.setattr(embed, "hidden_states", other_model)
    with pytest.raises(BadInput, match="The other model was asked."):
        view_word_in_context(START)


# ------------------------------------------------------------------- the picture, word in context

LONG = "The old man who had lived by the river for forty years said that each evening a {} left."
TWO = "He hit the ball with his {}, over the fence and into the garden of a neighbour who kept it."
WORDS = {
    "short": "bat",
    "narrow": "illiilliilliilliilliilliilliilliilliilli",
    "wide": "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW",
    "several pieces": "pneumonoultramicroscopicsilicovolcano",
    "emoji": "bat🦇🏏",
    "right to left": "שלום",
    "both directions": "مرحبا",
    "dollars": "$x$",
}


def picture(state: WordInContext):
    return word_explorer.picture(word_pair.compare(state, models.identity(word_pair.ROLE)))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS.keys())
def test_whatever_is_typed_nothing_overlaps_and_nothing_is_cut_off(word):
    for first, second in ((LONG, TWO), ("x " * 90 + "{}", "{}" + " WM" * 60)):
        first, second = first.replace("{}", word), second.replace("{}", word)
        assert faults(picture(WordInContext(first, second, word))) == []


@pytest.mark.parametrize("layer", range(6))
def test_no_layer_and_no_head_makes_texts_overlap(layer):
    assert faults(picture(replace(START, layer=layer, head=2 * layer))) == []


def test_the_picture_shows_what_the_words_say():
    found = word_pair.compare(replace(START, layer=3, head=5), "embedded")
    fig = word_explorer.picture(found)
    read, (left, *right) = texts(fig), fig.axes
    path, others, *_ = left.lines
    np.testing.assert_array_equal(path.get_ydata(), found.path)
    np.testing.assert_array_equal(others.get_ydata(), found.others)
    assert f"{found.path[3]:.2f}" in read and START.first in read and START.second in read
    before, now = f"{found.path[0]:.2f}", f"{found.path[3]:.2f}"
    assert f"Context pulls the two “bat” vectors apart: cosine {before} → {now}" in read
    assert "attention (%), layer 3, head 5" in read and "static vectors: always 1" in read
    for ax, context in zip(right, found.contexts, strict=True):
        most = sorted(context.weights, reverse=True)[: word_explorer.BARS]
        np.testing.assert_allclose([bar.get_width() for bar in ax.patches], 100 * np.array(most))
        names = [label.get_text() for label in ax.get_yticklabels()]
        assert names[-1] == "[CLS], [SEP]"
        weights = [context.weights[context.tokens.index(name)] for name in names[:-1]]
        np.testing.assert_allclose(weights, most)
        assert f" {100 * context.edges:.0f}, not drawn" in read


def test_the_title_says_what_context_did():
    def title(path, layer) -> str:
        path, none = np.array(path), np.full(3, np.nan)
        return word_explorer._finding(word_pair.Comparison("bat", layer, 0, path, none, ()))

    assert title([0.9, 0.5, 0.4], 2) == (
        "Context pulls the two “bat” vectors apart: cosine 0.90 → 0.40"
    )
    assert title([0.5, 0.6, 0.9], 2).startswith("Context draws the two “bat” vectors together:")
    assert title([0.9, 0.5, 0.88], 2).startswith("The two “bat” vectors stay together:")
    assert title([0.9, 0.5, 0.4], 0) == "At layer 0 only their places differ: cosine 0.90"


@pytest.mark.parametrize(("others", "side"), [(0.1, -1), (0.55, 1), (0.9, -1), (np.nan, -1)])
def test_the_number_is_not_written_on_the_other_line(others, side):
    ax = plots.axes(plots.figure())
    path, level = np.array([1.0, 0.8, 0.7]), np.full(3, others)
    word_explorer._draw_path(ax, word_pair.Comparison("bat", 2, 0, path, level, ()))
    (number,) = ax.texts
    assert number.get_text() == "0.70" and np.sign(number.get_position()[1]) == side


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


def test_a_long_sentence_is_excerpted_around_its_word():
    text = "word " * 30 + "bat" + " word" * 12
    lines = lettering.excerpt(text, (150, 153), 200, 10).splitlines()
    assert len(lines) == 2 and "bat" in lines[0]
    assert lines[0].startswith("…\u00a0word ") and lines[1].endswith("…")
    assert all(lettering.width(line, 10) <= 200 for line in lines)


def test_a_sentence_begins_at_its_beginning_where_that_shows_the_word():
    text = "a bat " + "word " * 40
    assert lettering.excerpt(text, (2, 5), 200, 10).startswith("a bat word")
    assert lettering.excerpt("a bat", (2, 5), 200, 10) == "a bat"
    two = "word " * 10 + "bat"
    assert lettering.excerpt(two, (50, 53), 200, 10).replace("\n", " ") == two


@pytest.mark.parametrize("length", [1, 30, 60, 240])
@pytest.mark.parametrize("at", [0, 0.5, 1])
@pytest.mark.parametrize("letters", ["W", "il ", "ab cdefgh ", "שלום "])
def test_an_excerpt_always_fits_and_shows_its_word(letters, at, length):
    rest = (letters * 240)[:length].strip()
    cut = round(at * len(rest))
    text = " ".join(f"{rest[:cut]} bat {rest[cut:]}".split())
    start = text.index("bat")
    excerpt = lettering.excerpt(text, (start, start + 3), 150, 9.5)
    assert "bat" in excerpt and len(excerpt.splitlines()) <= 2
    assert all(lettering.width(line, 9.5) <= 150 for line in excerpt.splitlines())


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


def test_the_classes_that_a_browser_test_looks_for(box):
    controls, message, picture, words = parts(box)
    assert {"course-explorer", "explorer-word-in-context"} <= set(box._dom_classes)
    assert "explorer-message" in message._dom_classes and message.value == ""
    assert isinstance(picture, widgets.Image) and isinstance(words, widgets.HTML)
    assert len(controls) == len(fields(WordInContext))


def test_it_opens_with_the_default_view(box):
    _, _, picture, words = parts(box)
    view = view_word_in_context(START)
    assert (bytes(picture.value), words.value) == (view.png, view.html)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first", "The bat slept in the barn."),
        ("second", "A bat ate the moth."),
        ("word", "the"),
        ("layer", 2),
        ("head", 7),
    ],
)
def test_every_control_changes_the_picture(box, field, value):
    controls, message, picture, words = parts(box)
    start = START if field != "word" else replace(START, first="The bat left the cave.")
    controls[0].value = start.first
    before = bytes(picture.value)
    names = [each.name for each in fields(WordInContext)]
    controls[names.index(field)].value = value
    view = view_word_in_context(replace(start, **{field: value}))
    assert bytes(picture.value) == view.png != before
    assert words.value == view.html and message.value == ""


def test_after_bad_input_the_picture_stays_and_good_input_clears_the_message(box):
    controls, message, picture, words = parts(box)
    before = bytes(picture.value), words.value
    controls[2].value = NASTY
    assert "does not hold the word" in message.value and "last input that worked" in message.value
    assert html.escape(NASTY) in message.value and "<img" not in message.value
    assert (bytes(picture.value), words.value) == before
    controls[2].value = "bat"
    assert message.value == "" and (bytes(picture.value), words.value) == before


def test_text_is_handed_over_on_enter_and_labels_are_whole(box):
    controls, *_ = parts(box)
    for control in controls:
        assert control.style.description_width == "initial"
        if isinstance(control, widgets.Text):
            assert control.continuous_update is False


def test_the_layer_slider_and_the_heads_follow_the_model(box):
    controls, *_ = parts(box)
    config = models.load(word_pair.ROLE)[1].config
    assert (controls[3].min, controls[3].max) == (0, config.num_hidden_layers)
    assert [value for _, value in controls[4].options] == [*range(config.num_attention_heads + 1)]


def test_only_what_ipywidgets_7_7_has_is_set(box):
    assert len(everything_in(box)) == 10
    assert newer_than_7_7(box) == []


def test_one_output_holds_the_widget_the_picture_and_the_words(shown, capfd):
    explorers.word_in_context()
    ((bundle,), options), *more = shown
    assert not more and capfd.readouterr() == ("", "")
    assert set(bundle) == {"text/plain", "image/png", "application/vnd.jupyter.widget-view+json"}
    view = bundle["application/vnd.jupyter.widget-view+json"]
    assert (view["version_major"], view["version_minor"]) == (2, 0) and view["model_id"]
    assert base64.b64decode(bundle["image/png"]) == view_word_in_context(START).png
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
