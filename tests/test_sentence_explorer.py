"""The explorer of L3: its numbers, its picture and words as pure functions, and its wiring."""

import html
import re
from dataclasses import fields, replace
from itertools import combinations

import ipywidgets as widgets
import numpy as np
import pytest
from matplotlib.mathtext import MathTextParser

from course_utils import embed, explorers, models, similarity
from course_utils.errors import BadInput
from course_utils.explorers import (
    SentencesToVectors,
    sentence_explorer,
    sentence_vectors,
    view_sentences_to_vectors,
)
from course_utils.explorers.sentence_vectors import POOLINGS, STATIC, Comparison
from tests.pictures import drawn, faults, texts
from tests.widgets import PNG, everything_in, newer_than_7_7, parts, presented_by, said

START = SentencesToVectors()
SENTENCES = START.sentences.splitlines()
NASTY = "<img src=x onerror=alert(1)>"


def compare(sentences: str = START.sentences, pooling: str = "mean", layer: int = 6) -> Comparison:
    state = SentencesToVectors(sentences, pooling, layer)
    return sentence_vectors.compare(state, models.identity(sentence_vectors.ROLE))


def nearest_by_hand(cosines) -> tuple[int, int]:
    return max(combinations(range(len(cosines)), 2), key=lambda pair: cosines[pair])


# ------------------------------------------------------------------------------- the numbers


@pytest.mark.parametrize("layer", [0, 3, 6])
@pytest.mark.parametrize("pooling", embed.POOLINGS)
def test_the_vectors_are_those_of_encode(pooling, layer):
    vectors = embed.encode(SENTENCES, pooling, layer=layer)
    found = compare(pooling=pooling, layer=layer)
    assert found.sentences == tuple(SENTENCES)
    np.testing.assert_allclose(found.cosines, similarity.cosine_matrix(vectors), atol=1e-5)


def test_the_static_mean_is_that_of_the_tables_rows_without_special_tokens():
    tokenizer, model = models.load()
    table = model.get_input_embeddings().weight.detach().numpy()
    means = []
    for sentence in SENTENCES:
        rows = [table[index] for index in tokenizer(sentence, add_special_tokens=False).input_ids]
        means.append(sum(rows) / len(rows))
    expected = similarity.cosine_matrix(means)
    np.testing.assert_allclose(compare(pooling=STATIC).cosines, expected, atol=1e-6)


def test_for_the_static_mean_neither_the_layer_nor_the_order_of_words_matters():
    swapped = "A dog bites a man.\nA man bites a dog."
    for layer in range(7):
        found = compare(swapped, STATIC, layer)
        assert found.cosines[0, 1] == pytest.approx(1, abs=1e-6) and found.alike
    assert not compare(swapped, "mean").alike


def test_the_strips_are_what_the_model_reads_filled_up_to_the_longest():
    found = compare("Hello there.\nTokenization is fun, is it not?\n🦇")
    assert found.strips[0] == ["[CLS]", "hello", "there", ".", "[SEP]"] + 6 * ["[PAD]"]
    assert found.strips[1][:4] == ["[CLS]", "token", "##ization", "is"]
    assert found.strips[1][-1] == "[SEP]" and "[PAD]" not in found.strips[1]
    assert found.strips[2] == ["[CLS]", "[UNK]", "[SEP]"] + 8 * ["[PAD]"]


@pytest.mark.parametrize(
    ("pooling", "counted"),
    [
        ("mean", ["[CLS]", "hello", "there", ".", "[SEP]"]),
        ("max", ["[CLS]", "hello", "there", ".", "[SEP]"]),
        ("cls", ["[CLS]"]),
        (STATIC, ["hello", "there", "."]),
    ],
)
def test_only_tokens_that_are_pooled_count_and_never_padding(pooling, counted):
    found = compare("Hello there.\nTokenization is fun, is it not?", pooling)
    assert [found.strips[0][at] for at in np.flatnonzero(found.counts[0])] == counted
    whole = {"cls": 1, STATIC: 9}.get(pooling, 11)
    assert found.counts.shape == (2, 11) and found.counts[1].sum() == whole


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_nearest_and_the_farthest_are_the_extreme_pairs(pooling):
    found = compare(pooling=pooling)
    assert found.nearest == nearest_by_hand(found.cosines)
    assert found.farthest == nearest_by_hand(-found.cosines)


def test_of_equally_near_pairs_the_first_counts_whatever_the_last_digits_say():
    later = 1e-9 * np.arange(9).reshape(3, 3)
    found = replace(compare("Birds sing.\nFish swim.\nBees hum."), cosines=0.5 + later)
    assert found.nearest == (0, 1)
    assert replace(found, cosines=0.5 - later).farthest == (0, 1)


def test_the_tokens_in_common_are_words_and_each_is_named_once():
    found = compare("The bat is a bat.\nA bat, the bat!\nFish swim.")
    assert found.common(0, 1) == ["the", "bat", "a"] and found.common(0, 2) == []


def test_the_first_sentences_make_their_point():
    """What the words beside the default picture say holds, with room to spare."""
    static, trained = (compare(pooling=pooling).cosines for pooling in (STATIC, "mean"))
    paraphrase, denial, trap = (0, 1), (0, 2), (3, 4)
    assert compare().common(*paraphrase) == []
    assert len(compare().common(*denial)) == 4 and len(compare().common(*trap)) == 5
    assert min(static[denial], static[trap]) > static[paraphrase] + 0.1
    assert trained[paraphrase] > trained[denial] + 0.03 > trained[trap] + 0.1
    others = {(one, two) for one in range(6) for two in range(one + 1, 6)}
    others -= {paraphrase, denial, trap, (1, 2)}
    assert max(abs(trained[pair]) for pair in others) < 0.2


# ---------------------------------------------------------------------------------- the words


def test_the_words_name_the_nearest_and_the_farthest_pair():
    found, view = compare(), view_sentences_to_vectors(START)
    assert view.png.startswith(PNG) and not view.message
    for name, pair in (("Nearest", found.nearest), ("Farthest", found.farthest)):
        one, other = (SENTENCES[index] for index in pair)
        assert f"{name}: “{one}” and “{other}”, cosine {found.cosines[pair]:.2f}." in said(view)
    assert "They share no token." in said(view)
    static = view_sentences_to_vectors(replace(START, pooling=STATIC))
    assert "They share: buy, cheap, airline, tickets." in said(static)


def test_two_sentences_are_one_pair():
    view = view_sentences_to_vectors(SentencesToVectors("Hello there.\nGoodbye."))
    assert "“Hello there.” and “Goodbye.”, cosine 0." in said(view)
    assert "Nearest" not in view.html and "Farthest" not in view.html


@pytest.mark.parametrize(
    ("pooling", "layer", "words"),
    [
        ("mean", 3, "Each vector is the mean of the outlined tokens at layer 3."),
        ("max", 2, "the largest that an outlined token has in that place at layer 2."),
        ("cls", 6, "Each vector is that of [CLS] at layer 6."),
        ("cls", 0, "it is the same in every sentence. Choose layer 1 or higher."),
        (STATIC, 4, "The layer does not matter here"),
    ],
)
def test_the_words_say_how_a_sentence_becomes_a_vector(pooling, layer, words):
    assert words in said(view_sentences_to_vectors(replace(START, pooling=pooling, layer=layer)))


def test_at_layer_0_all_cls_vectors_are_the_same():
    view = view_sentences_to_vectors(replace(START, pooling="cls", layer=0))
    assert "All vectors are practically the same." in said(view)
    assert "Nearest" not in view.html


def test_no_cosine_is_minus_zero():
    cosines = np.array([[1, -0.001], [-0.001, 1]])
    found = replace(compare("One.\nTwo."), cosines=cosines)
    assert "cosine 0.00" in sentence_explorer.words(found)
    assert sentence_explorer._finding(found).endswith("cosine 0.00")


# --------------------------------------------------------------------------- the view as a whole


def test_every_layer_and_every_pooling_has_its_own_picture():
    changes = [{"pooling": "mean", "layer": layer} for layer in range(7)]
    changes += [{"pooling": pooling} for pooling in ("cls", "max", STATIC)]
    views = [view_sentences_to_vectors(replace(START, **change)) for change in changes]
    assert len({view.png for view in views}) == len({view.html for view in views}) == 10


def test_the_static_mean_looks_the_same_at_every_layer():
    first, *others = (replace(START, pooling=STATIC, layer=layer) for layer in (0, 3, 6))
    for other in others:
        assert view_sentences_to_vectors(other) == view_sentences_to_vectors(first)


def test_equal_states_give_equal_bytes():
    sentence_explorer._seen.cache_clear()
    one = view_sentences_to_vectors(START)
    sentence_explorer._seen.cache_clear()
    sentence_vectors._states.cache_clear()
    assert view_sentences_to_vectors(replace(START)) == one


def test_blanks_and_lines_without_a_sentence_do_not_matter():
    loose = SentencesToVectors("\n  Birds \t sing. \r\n\n \nFish swim.\n\n")
    tidy = SentencesToVectors("Birds sing.\nFish swim.")
    assert view_sentences_to_vectors(loose) == view_sentences_to_vectors(tidy)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sentences": ""}, "There is no sentence: type 2 to 8 sentences, each on a line of its"),
        ({"sentences": " \n\t\n"}, "There is no sentence: type 2 to 8 sentences"),
        ({"sentences": "Alone."}, "There is only one sentence: type 2 to 8 sentences"),
        ({"sentences": "x\n" * 9}, "There are 9 sentences: type 2 to 8 sentences"),
        ({"sentences": "x\n" * 100_000}, "There are 100,000 sentences: type 2 to 8"),
        (
            {"sentences": "Hi.\n" + "x" * 121},
            "The second sentence has 121 characters: type one of at most 120.",
        ),
        ({"sentences": "x" * 100_000 + "\nHi."}, "The first sentence has 100,000 characters: type"),
        (
            {"sentences": "Hi.\nHo.\n" + "飛" * 39},
            "The third sentence has 41 tokens: type one of at most 40, so that",
        ),
        (
            {"sentences": "Hi.\n\0\u200d"},
            "The tokenizer drops all characters of the second sentence: type another one.",
        ),
        ({"sentences": "Hi.\nHo \ud83d"}, "The second sentence holds half a character"),
        ({"sentences": "\udc00\nHi."}, "The first sentence holds half a character"),
        ({"pooling": "median"}, "There is no pooling 'median': choose one of mean, cls, max, stat"),
        ({"layer": 7}, "There is no layer 7: choose one from 0 to 6."),
        ({"layer": -1}, "There is no layer -1"),
    ],
)
def test_bad_input_gets_a_sentence_that_says_what_to_do(change, message):
    view = view_sentences_to_vectors(replace(START, **change))
    assert view.png is None and not view.html
    assert message in view.message and view.message.endswith(".")
    view.message.encode("utf-8")  # it can be sent to the browser


def test_as_much_as_is_allowed_is_shown():
    state = SentencesToVectors("\n".join(["x " * 9 + "y" * 101 + "."] * 7 + ["飛" * 38]))
    assert len(state.sentences.splitlines()[0]) == sentence_vectors.MAX_SENTENCE
    assert compare(state.sentences).counts.sum(1).max() == sentence_vectors.MAX_TOKENS
    assert view_sentences_to_vectors(state).png.startswith(PNG)


def test_text_of_the_learner_is_escaped():
    view = view_sentences_to_vectors(SentencesToVectors(f"{NASTY}\n{NASTY} too\n<b>No"))
    assert view.png.startswith(PNG)
    assert html.escape(NASTY) in view.html and "<img" not in view.html and "<b>No" not in view.html


def test_tokens_of_the_learner_are_escaped(monkeypatch):
    monkeypatch.setattr(Comparison, "common", lambda *_pair: [NASTY])
    assert "<img" not in sentence_explorer.words(compare())


def test_changing_the_models_switch_is_not_answered_from_memory(monkeypatch):
    def other_model(*_args, **_more):
        raise BadInput("The other model was asked.")

    view_sentences_to_vectors(START)
    monkeypatch.setattr(models, "identity", lambda _role: "another model")
    monkeypatch.setattr(embed, "hidden_states", other_model)
    assert view_sentences_to_vectors(START).message == "The other model was asked."


# -------------------------------------------------------------------------------- the picture

LONG = "The old man by the river said each evening that a heron had left its nest to catch a fish."
TYPED = {
    "two": "Hello there.\nGoodbye.",
    "eight long ones": "\n".join([LONG] * 7 + ["Hi."]),
    "one letter each": "\n".join("abcdefgh"),
    "wide": "\n".join(["W" * 119, "W " * 37, "MW " * 12]),
    "narrow": "\n".join(["il" * 18, "i l " * 9, "."]),
    "long words": "telecommunications interdisciplinary\n" * 8,
    "emoji and no glyphs": "🦇🏏 飛 \0\nI ♥ \u200d 飛\n🦇",
    "right to left": "שלום עולם\nمرحبا بالعالم\nשלום bat مرحبا",
    "signs": f"$x$ \\frac{{1}}{{0}} $\n{NASTY}\n[PAD] [CLS] ##s [MASK]",
}


def picture(sentences: str = START.sentences, pooling: str = "mean", layer: int = 6):
    return sentence_explorer.picture(compare(sentences, pooling, layer))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("sentences", TYPED.values(), ids=TYPED.keys())
def test_whatever_is_typed_nothing_overlaps_and_nothing_is_cut_off(sentences):
    found = compare(sentences)
    assert "<img" not in sentence_explorer.words(found)
    fig = sentence_explorer.picture(found)
    assert faults(fig) == []
    heat = fig.axes[0].get_window_extent()
    beside = [box for text, box in drawn(fig) if text.axes is fig.axes[0] and box.x0 < heat.x0]
    assert beside and all(box.x1 < heat.x0 for box in beside)


@pytest.mark.parametrize("pooling", POOLINGS)
def test_no_pooling_makes_texts_overlap_or_the_picture_jump(pooling):
    figures = [picture(), picture(pooling=pooling, layer=0)]
    assert [faults(fig) for fig in figures] == [[], []]
    places = {
        (tuple(fig.get_size_inches()), *(ax.get_position().bounds for ax in fig.axes))
        for fig in figures
    }
    assert len(places) == 1


def test_a_dollar_sign_is_no_formula(monkeypatch):
    monkeypatch.setattr(MathTextParser, "parse", lambda *_args, **_more: pytest.fail("a formula"))
    assert {"$x$ and $y$", "$z$"} <= set(texts(picture("$x$ and $y$\n$z$")))


@pytest.mark.parametrize("pooling", POOLINGS)
def test_the_picture_shows_the_cosines_and_outlines_what_is_pooled(pooling):
    found = compare(pooling=pooling, layer=4)
    fig = sentence_explorer.picture(found)
    heat, _, strips = fig.axes
    (image,) = heat.images
    np.testing.assert_array_equal(image.get_array(), found.cosines)
    assert image.get_clim() == (-1, 1)
    cells = strips.patches[: found.counts.size]
    outlined = [box.get_edgecolor()[3] > 0 for box in cells]
    assert outlined == found.counts.ravel().tolist()
    tokens = [text.get_text() for text in strips.texts[: found.counts.size]]
    assert tokens == [token for strip in found.strips for token in strip]
    read = texts(fig)
    assert set(SENTENCES) <= set(read) and read.count("6") == 3  # a row, a column, a strip
    assert sentence_explorer._finding(found) in read
    name = {"cls": "CLS"}.get(pooling, pooling)
    assert ("pooled: static mean" if pooling == STATIC else f"pooled: {name}, layer 4") in read


def test_a_sentence_that_does_not_fit_is_cut_after_two_lines():
    read = texts(picture("\n".join([LONG] * 7 + ["Hi."])))
    cut = [text for text in read if text.startswith("The old man")]
    assert len(cut) == 7 and "Hi." in read
    assert all(text.endswith("…") and text.count("\n") == 1 for text in cut)


def test_the_title_says_what_was_found():
    def title(cosines, sentences="Birds sing.\nFish swim.\nBirds swim.") -> str:
        return sentence_explorer._finding(replace(compare(sentences), cosines=np.array(cosines)))

    near = [[1, 0.2, 0.31], [0.2, 1, 0.9], [0.31, 0.9, 1]]
    assert title(near) == "Sentences 2 and 3 are nearest: cosine 0.90, 1 token in common"
    near = [[1, 0.5, 0.31], [0.5, 1, 0.4], [0.31, 0.4, 1]]
    assert title(near) == "Sentences 1 and 2 are nearest: cosine 0.50, no tokens in common"
    same = np.full((3, 3), 0.998)
    assert title(same) == "All vectors are practically the same: cosine 1.00"
    two = "The bat.\nThe bat flew."
    assert title([[1, 0.7], [0.7, 1]], two) == "Two sentences with 2 tokens in common: cosine 0.70"


# -------------------------------------------------------------------------- the widgets, wired


@pytest.fixture
def presented(monkeypatch):
    """What `present` was given: the widget of `sentences_to_vectors`, and its description."""
    return presented_by(explorers.sentences_to_vectors, monkeypatch)


@pytest.fixture
def box(presented):
    return presented[0]


def test_it_opens_with_the_default_view_under_the_classes_that_a_browser_test_looks_for(box):
    controls, message, picture, words = parts(box)
    assert {"course-explorer", "explorer-sentences-to-vectors"} <= set(box._dom_classes)
    assert len(controls) == len(fields(SentencesToVectors)) and message.value == ""
    view = view_sentences_to_vectors(START)
    assert (bytes(picture.value), words.value) == (view.png, view.html)


def test_the_description_holds_on_every_machine(presented):
    _, alt = presented
    assert not re.search(r"\d", alt) and "six sentences" in alt and "[PAD]" in alt


@pytest.mark.parametrize(
    ("field", "value"),
    [("sentences", "Birds sing.\nFish swim."), ("pooling", "max"), ("layer", 2)],
)
def test_every_control_changes_the_picture(box, field, value):
    controls, message, picture, words = parts(box)
    before = bytes(picture.value)
    names = [each.name for each in fields(SentencesToVectors)]
    controls[names.index(field)].value = value
    view = view_sentences_to_vectors(replace(START, **{field: value}))
    assert bytes(picture.value) == view.png != before
    assert words.value == view.html and message.value == ""


def test_after_bad_input_the_picture_stays_and_good_input_clears_the_message(box):
    controls, message, picture, words = parts(box)
    before = bytes(picture.value), words.value
    controls[0].value = "Alone."
    assert "There is only one sentence" in message.value
    assert "last input that worked" in message.value
    assert (bytes(picture.value), words.value) == before
    controls[0].value = START.sentences
    assert message.value == "" and (bytes(picture.value), words.value) == before


def test_the_controls_offer_every_pooling_and_the_models_layers(box):
    (area, pooling, layer), *_ = parts(box)
    assert isinstance(area, widgets.Textarea) and area.continuous_update is False
    assert area.rows >= sentence_vectors.MOST
    assert pooling.options == (("mean", "mean"), ("CLS", "cls"), ("max", "max"), (STATIC, STATIC))
    layers = models.load(sentence_vectors.ROLE)[1].config.num_hidden_layers
    assert (layer.min, layer.max, layer.value) == (0, layers, layers)
    assert {each.style.description_width for each in (area, pooling, layer)} == {"initial"}


def test_only_what_ipywidgets_7_7_has_is_set(box):
    assert len(everything_in(box)) == 8
    assert newer_than_7_7(box) == []
