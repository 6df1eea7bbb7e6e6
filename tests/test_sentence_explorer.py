"""The explorer of L3: its numbers, tokens, picture and words as pure functions, and its wiring."""

import html
import re
from dataclasses import fields, replace

import numpy as np
import pytest

from course_utils import embed, explorers, models, plots, similarity
from course_utils.errors import BadInput
from course_utils.explorers import sentence_explorer
from course_utils.explorers.sentence_explorer import GLOVE, HOW, SentencesToVectors, view
from tests.pictures import faults, texts
from tests.widgets import PNG, newer_than_7_7, parts, presented_by, said

START = SentencesToVectors()
SENTENCES = START.sentences.splitlines()
NASTY = "<img src=x onerror=alert(1)>"


def cosines(pooling: str, layer: int = 6, sentences=SENTENCES) -> np.ndarray:
    return similarity.cosine_matrix(sentence_explorer.vectors(sentences, pooling, layer))


def shaded(state: SentencesToVectors) -> list[list[str]]:
    """The tokens of each strip that are not as pale as can be."""
    pale = re.search(r"background:[^;]*", plots.tokens_strip(["a"], [0])).group()
    strips = re.findall(r'<div style="line-height:1.9">(.*?)</div>', view(state).html)
    spans = (re.findall(r'<span style="([^"]*)">(.*?)</span>', strip) for strip in strips)
    return [[token for style, token in strip if pale not in style] for strip in spans]


# ------------------------------------------------------------------------- numbers and tokens


@pytest.mark.parametrize("layer", [0, 3, 6])
@pytest.mark.parametrize("pooling", embed.POOLINGS)
def test_the_vectors_are_pooled_from_the_states_of_the_layer(pooling, layer):
    read = embed.hidden_states(SENTENCES, sentence_explorer.ROLE)
    pooled = embed.pool(read.states[:, layer], read.mask, pooling).numpy()
    np.testing.assert_allclose(cosines(pooling, layer), similarity.cosine_matrix(pooled), atol=1e-5)


def test_glove_is_averaged_over_the_words_that_it_has():
    words, table = embed.static_table()
    rows = [words.index(word) for word in ("the", "ice", "the", "penguin")]
    (found,) = sentence_explorer.vectors(["The ice, the PENGUIN, xqzzt 🐧!"], GLOVE, 0)
    np.testing.assert_allclose(found, table[rows].mean(axis=0), atol=1e-6)


def test_both_tokenizers_cut_a_sentence_and_only_one_of_them_knows_every_sign():
    wordpiece, byte_level = sentence_explorer.word_pieces, sentence_explorer.byte_pieces
    assert wordpiece("Ice 🐧") == ["[CLS]", "ice", "[UNK]", "[SEP]"]
    assert byte_level("Ice 🐧") == ["Ice", "␣2 bytes", "1 byte", "1 byte"]
    assert byte_level("an ice, σ") == ["an", "␣ice", ",", "␣σ"]


@pytest.mark.parametrize("text", ["🐧🇬🇷 飛", "naïve Σ", "\ufffd?", "Οι πιγκουίνοι", "שלום"])
def test_the_bytes_of_a_sentence_are_all_there(text):
    sizes = []
    for piece in sentence_explorer.byte_pieces(text):
        blank, size, whole = re.fullmatch(r"(␣?)(?:(\d) bytes?|(.*))", piece).groups()
        sizes.append(len(blank) + (int(size) if size else len(whole.encode())))
    assert sum(sizes) == len(text.encode())


def test_the_first_sentences_make_their_point():
    """What the words beside the default picture say holds, with room to spare."""
    static, trained = cosines(GLOVE), cosines("mean")
    paraphrase, denial, trap = (0, 1), (0, 2), (3, 4)
    assert min(static[denial], static[trap]) > static[paraphrase] + 0.05
    assert trained[paraphrase] > trained[denial] + 0.03 > trained[trap] + 0.1
    others = {(one, two) for one in range(6) for two in range(one + 1, 6)}
    others -= {paraphrase, denial, trap, (1, 2)}
    assert max(abs(trained[pair]) for pair in others) < 0.2


# ------------------------------------------------------------------------- the words


def test_the_words_name_the_nearest_and_the_farthest_pair_and_count_the_tokens():
    found, shown = cosines("mean"), said(view(START))
    for name, pair in (("Nearest", (0, 1)), ("Farthest", divmod(int(found.argmin()), 6))):
        one, other = (SENTENCES[index] for index in sorted(pair))
        assert f"{name}: “{one}” and “{other}”, cosine {found[pair]:.2f}." in shown
    assert "WordPiece: 10 tokens, 1 [UNK]" in shown and "Byte-level BPE: 11 tokens" in shown
    two = said(view(SentencesToVectors("Hello there.\nGoodbye.")))
    assert "“Hello there.” and “Goodbye.”, cosine 0." in two and "Farthest" not in two


def test_the_tokens_that_are_pooled_are_shaded_and_no_others():
    state = SentencesToVectors("The ice, the xqzzt.\nHi!")
    pieces = ["[CLS]", "the", "ice", ",", "the", "x", "##q", "##zz", "##t", ".", "[SEP]"]
    for pooling in ("mean", "max"):
        assert shaded(replace(state, pooling=pooling))[:2] == [pieces, []]
    assert shaded(replace(state, pooling="cls"))[:2] == [["[CLS]"], []]
    assert shaded(replace(state, pooling=GLOVE))[:3] == [[], [], ["the", "ice", "the"]]
    assert "GloVe, left out: xqzzt" in said(view(replace(state, pooling=GLOVE)))


def test_at_layer_0_all_cls_vectors_are_the_same_and_the_words_say_why():
    np.testing.assert_allclose(cosines("cls", 0), 1, atol=1e-5)
    assert "choose a higher layer" in said(view(replace(START, pooling="cls", layer=0)))
    assert "choose a higher layer" not in said(view(replace(START, pooling="cls", layer=1)))


def test_every_layer_and_every_pooling_has_its_own_picture():
    states = [replace(START, layer=layer) for layer in range(7)]
    states += [replace(START, pooling=pooling) for pooling in HOW if pooling != "mean"]
    assert len({view(state).png for state in states}) == len(states) == 10
    assert view(replace(START)) == view(START)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (" \n\t\n", "Type 2 to 8 sentences, a line each, not 0."),
        ("Alone.", "Type 2 to 8 sentences, a line each, not 1."),
        ("x\n" * 100_000, "Type 2 to 8 sentences, a line each, not 100000."),
        ("Hi.\n" + "x" * 121, "The second sentence has 121 characters: type one of at most 120."),
        ("Hi.\n\0\u200d", "The tokenizer drops all of the second sentence: type another."),
        ("Hi.\nHo \ud83d", "The second sentence holds half a character, which is no text: type"),
    ],
)
def test_what_cannot_be_compared_gets_a_sentence_that_says_what_to_do(typed, message):
    with pytest.raises(BadInput, match=re.escape(message)):
        view(SentencesToVectors(typed))


def test_glove_needs_a_word_of_each_sentence():
    with pytest.raises(BadInput, match="GloVe knows no word of the second sentence"):
        view(SentencesToVectors("Hi.\n🐧 xqzzt", GLOVE))


@pytest.mark.parametrize("pooling", HOW)
def test_text_of_the_learner_is_escaped(pooling):
    shown = view(SentencesToVectors(f"{NASTY} xqz<b>zt\n{NASTY} too\n<b>No", pooling))
    assert html.escape(NASTY) in shown.html
    assert "<img" not in shown.html and "<b>No" not in shown.html and "<b>zt" not in shown.html


# ------------------------------------------------------------------------- the picture


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "sentences",
    [SENTENCES, ["W" * 119, "$x$ \\frac{1}{0}"], ["il " * 40] * 7 + ["🐧 飛 שלום \0"]],
    ids=["start", "two", "eight"],
)
def test_the_picture_shows_the_cosines_and_nothing_is_cut_off(sentences):
    found = cosines("mean", sentences=sentences)
    fig = sentence_explorer.picture(sentences, found)
    np.testing.assert_array_equal(fig.axes[0].images[0].get_array(), found)
    assert faults(fig) == []


def test_the_title_names_the_nearest_pair():
    found = np.array([[1, 0.2, -0.001], [0.2, 1, 0.9], [-0.001, 0.9, 1]])
    read = texts(sentence_explorer.picture(["a", "b", "c"], found))
    assert "Sentences 2 and 3 are nearest: cosine 0.90" in read and "a  1" in read


# ------------------------------------------------------------------------- the widgets, wired


@pytest.fixture
def presented(monkeypatch):
    """What `present` was given: the widget of `sentences_to_vectors`, and its description."""
    return presented_by(explorers.sentences_to_vectors, monkeypatch)


def test_it_opens_with_the_default_view_and_a_description_that_holds_everywhere(presented):
    box, alt = presented
    controls, message, picture, words = parts(box)
    assert {"course-explorer", "explorer-sentences-to-vectors"} <= set(box._dom_classes)
    assert (bytes(picture.value), words.value) == (view(START).png, view(START).html)
    assert view(START).png.startswith(PNG) and message.value == ""
    assert [control.value for control in controls] == [
        getattr(START, field.name) for field in fields(START)
    ]
    assert controls[2].max == models.load(sentence_explorer.ROLE)[1].config.num_hidden_layers
    assert not re.search(r"\d", alt) and newer_than_7_7(box) == []


@pytest.mark.parametrize(("number", "value"), [(0, "Birds sing.\nFish swim."), (1, "max"), (2, 2)])
def test_every_control_changes_the_picture_and_bad_input_keeps_it(presented, number, value):
    controls, message, picture, words = parts(presented[0])
    before = bytes(picture.value)
    controls[number].value = value
    after = bytes(picture.value), words.value
    assert after[0] != before and message.value == ""
    controls[0].value = "Alone."
    assert "not 1." in message.value and (bytes(picture.value), words.value) == after
