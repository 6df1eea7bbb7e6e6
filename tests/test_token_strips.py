"""Strips of tokens: every token in its box, boxes below each other, nothing cut off unseen."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.mathtext import MathTextParser

from course_utils import models, plots
from course_utils.errors import BadInput
from course_utils.plots import tokens
from course_utils.plots.style import READABLE
from tests.pictures import drawn, faults, texts

pytestmark = pytest.mark.filterwarnings("error")

POINT = plots.DPI / 72  # in pixels
PADDED = [["[CLS]", "a", "bat", "[SEP]"], ["[CLS]", "[UNK]", "[SEP]", "[PAD]"]]
PIECES = ["[CLS]", "token", "##ization", "[SEP]"]
LONG = ["[CLS]", *(f"word{number}" for number in range(60)), "[SEP]"]


def cut(*sentences: str) -> list[list[str]]:
    """The tokens that the model reads of each text, padded."""
    tokenizer, _ = models.load()
    batch = tokenizer(list(sentences), padding=True)["input_ids"]
    return [tokenizer.convert_ids_to_tokens(ids) for ids in batch]


def a_figure(strips, names=(), width: float = 8.0, **options):
    """A figure that is just high enough, drawn as a lesson does it."""
    mark = options.get("mark", "")
    height = plots.strips_height(strips, names, width=width - 0.1, mark=mark)
    fig = plots.figure(width, height + 0.5)
    plots.token_strips(plots.axes(fig), strips, names, title="Cut", **options)
    return fig


def beside_another_picture():
    fig = plots.figure(9, 3)
    left, right = plots.axes(fig, 1, 2)
    plots.charts.lines(left, [1, 2], {"one": [1, 2]}, title="Lines", xlabel="x", ylabel="y")
    plots.token_strips(right, [PIECES], ["word"], title="Tokens")
    return fig


FIGURES = {
    "a batch": lambda: a_figure(
        cut("A bat.", "Tokenization of unbelievable words", "🦇 飛 שלום مرحبا"), ["1", "2", "3"]
    ),
    "long": lambda: a_figure([LONG, PIECES], ["first", "second"], 7.0),
    "marked": lambda: a_figure(PADDED, marked=[[0], [1, 3]], mark="counts"),
    "wide letters": lambda: a_figure(
        [["WWWWW MMMMM"] * 9, ["W" * 100]], ["W" * 50, "M" * 50], 5.0, mark="W" * 90
    ),
    "long words": lambda: a_figure([["telecommunications", "##interdisciplinary"] * 5], width=6.0),
    "narrow letters": lambda: a_figure([["illi"] * 60], ["il" * 9], 4.0, mark="il " * 90),
    "signs": lambda: a_figure([["a\nb", "$x$", "\0", "\t", "", "飛"]], ["line\nbreak"], 6.0),
    "very narrow axes": lambda: a_figure([PIECES], width=1.2, mark="special"),
    "beside another": beside_another_picture,
}


@pytest.fixture(params=FIGURES.values(), ids=FIGURES.keys())
def fig(request):
    return request.param()


def boxes(fig) -> list[tuple[str, object]]:
    """Each token with its box, in the order of reading; those of the key are without text."""
    ax = fig.axes[-1]
    return list(zip((text.get_text() for text in ax.texts), ax.patches, strict=False))


def tokens_in(fig) -> list[tuple[str, object]]:
    return [(text, box) for text, box in boxes(fig) if text]


# ----------------------------------------------------------------------------- what can be read


def test_nothing_overlaps_and_nothing_is_cut_off(fig):
    assert faults(fig) == []


def test_every_token_lies_in_its_box_and_every_box_in_the_axes(fig):
    found = {id(text): box for text, box in drawn(fig)}
    ax = fig.axes[-1]
    whole = ax.get_window_extent().padded(1)
    for text, shape in zip(ax.texts, ax.patches, strict=False):
        box = shape.get_window_extent()
        assert whole.contains(*box.min) and whole.contains(*box.max)
        if id(text) in found:
            letters = found[id(text)]
            assert box.contains(*letters.min) and box.contains(*letters.max), text.get_text()
            assert min(letters.x0 - box.x0, box.x1 - letters.x1) > 2 * POINT, text.get_text()


def test_boxes_do_not_overlap(fig):
    drawn(fig)  # lays it out
    places = [box.get_window_extent() for _, box in boxes(fig)]
    for number, one in enumerate(places):
        for other in places[number + 1 :]:
            assert one.x1 < other.x0 or other.x1 < one.x0 or one.y1 < other.y0 or other.y1 < one.y0


def test_what_is_written_can_be_read_on_its_box(fig):
    inks = {text.get_text(): text.get_color() for text in fig.axes[-1].texts}
    for token, box in tokens_in(fig):
        assert plots.contrast(inks[token], box.get_facecolor()) >= READABLE, token


def test_equal_strips_are_equal_bytes():
    one, two = (plots.png(a_figure(PADDED, ["a", "b"])) for _ in range(2))
    assert one == two


# --------------------------------------------------------------------------- what is drawn where


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("bat", "begins a word"),
        ("#", "begins a word"),
        ("[", "begins a word"),
        ("##s", "continues it (##)"),
        ("[CLS]", "special"),
        ("[SEP]", "special"),
        ("[UNK]", "special"),
        ("[MASK]", "special"),
        ("[PAD]", "padding"),
    ],
)
def test_each_kind_of_token_has_its_colour_and_its_entry_in_the_key(token, kind):
    fig = a_figure([[token]])
    (text, box), (none, sample) = boxes(fig)
    assert (text, none) == (token, "") and tokens.kind_of(token) == kind
    assert to_hex(box.get_facecolor()) == to_hex(sample.get_facecolor())
    assert to_hex(box.get_facecolor()) == tokens.FILLS[kind].lower()
    assert sorted(texts(fig)) == sorted(["Cut", token, kind])


def test_the_key_names_only_what_is_drawn():
    assert set(texts(a_figure([PIECES]))) - set(PIECES) == {
        "Cut",
        "begins a word",
        "continues it (##)",
        "special",
    }


def test_tokens_at_the_same_place_stand_below_each_other_and_strips_in_their_order():
    fig = a_figure(PADDED, ["one", "two"])
    found = tokens_in(fig)
    assert [text for text, _ in found] == PADDED[0] + PADDED[1]
    first, second = ([box for _, box in found[row : row + 4]] for row in (0, 4))
    for above, below in zip(first, second, strict=True):
        assert (above.get_x(), above.get_width()) == (below.get_x(), below.get_width())
    assert first[0].get_y() < second[0].get_y()  # y grows downwards
    assert [box.get_x() for box in first] == sorted({box.get_x() for box in first})
    names = {text.get_text(): text.get_position()[1] for text in fig.axes[0].texts}
    for name, row in (("one", first), ("two", second)):
        assert 0 < names[name] - row[0].get_y() < row[0].get_height()


def test_strips_that_are_too_long_go_on_in_the_next_line_all_at_the_same_place():
    fig = a_figure([LONG, LONG[:30]], width=6.0)
    found = tokens_in(fig)
    assert [text for text, _ in found] == LONG + LONG[:30]

    def begins(some) -> list[int]:
        lefts = [box.get_x() for _, box in some]
        return [at for at, left in enumerate(lefts) if left == min(lefts)]

    first, second = begins(found[:62]), begins(found[62:])
    assert len(first) > 4 and second == [at for at in first if at < 30]
    lines = [found[at][1].get_y() for at in first] + [found[62 + at][1].get_y() for at in second]
    assert lines == sorted(set(lines))


def test_letters_become_smaller_before_a_strip_takes_a_second_line():
    def size_and_lines(count: int) -> tuple[float, int]:
        fig = a_figure([["token"] * count], width=6.0)
        ax = fig.axes[0]
        sizes = {text.get_fontsize() for text in ax.texts if text.get_text() == "token"}
        return sizes.pop(), len({box.get_y() for _, box in tokens_in(fig)})

    results = [size_and_lines(count) for count in range(5, 14)]
    assert results[0] == (tokens.SIZES[0], 1) and results[-1] == (tokens.SIZES[-1], 2)
    assert results == sorted(results, key=lambda result: (-result[0], result[1]))
    assert (tokens.SIZES[-1], 1) in results


def test_a_long_token_and_a_long_name_are_cut_and_say_so():
    fig = a_figure([["x" * 200, "short"]], ["n" * 200])
    read = texts(fig)
    assert sum(text.startswith("xxx") and text.endswith("…") for text in read) == 1
    assert sum(text.startswith("nnn") and text.endswith("…") for text in read) == 1
    assert "short" in read


def test_the_longest_token_of_the_model_is_not_cut():
    tokenizer, _ = models.load()
    longest = sorted(tokenizer.get_vocab(), key=len)[-20:]
    fig = a_figure([longest], width=10)
    assert set(longest) <= set(texts(fig))


def test_signs_are_drawn_as_signs(monkeypatch):
    monkeypatch.setattr(MathTextParser, "parse", lambda *_args, **_more: pytest.fail("a formula"))
    fig = a_figure([["$x$", "a\nb", "飛🦇", "##$"]], ["$n$"], mark="$m$")
    assert {"$x$", "a↵b", "□□", "##$", "$n$", "$m$"} <= set(texts(fig))


def test_an_empty_strip_keeps_its_row():
    fig = a_figure([["a"], [], ["b"]], ["one", "none", "two"])
    (_, first), (_, last) = tokens_in(fig)
    assert "none" in texts(fig)
    assert last.get_y() - first.get_y() == pytest.approx(2 * tokens.LINE)


def test_marked_tokens_and_only_those_have_an_outline():
    fig = a_figure(PADDED, marked=[[0, 2], np.flatnonzero([0, 1, 0, 0])], mark="counts")
    outlined = [box.get_edgecolor()[3] > 0 for _, box in tokens_in(fig)]
    assert outlined == [True, False, True, False, False, True, False, False]
    *samples, sample = [box for text, box in boxes(fig) if not text]
    assert sample.get_edgecolor()[3] == 1 and to_hex(sample.get_facecolor()) == "#ffffff"
    assert all(each.get_edgecolor()[3] == 0 for each in samples) and "counts" in texts(fig)


def test_a_mark_may_be_named_like_a_kind_and_a_cut_name_keeps_its_colour():
    fig = a_figure([PIECES], width=1.2, mark="special")
    *kinds, mark = [box for text, box in boxes(fig) if not text]
    fills = [to_hex(box.get_facecolor()).upper() for box in kinds]
    assert fills == [tokens.FILLS[kind] for kind in list(tokens.FILLS)[:3]]
    assert to_hex(mark.get_facecolor()) == "#ffffff" and "continues it (##)" not in texts(fig)


def test_without_marks_nothing_is_outlined():
    assert all(box.get_edgecolor()[3] == 0 for _, box in boxes(a_figure(PADDED)))


# ------------------------------------------------------------------------------- room and refusals


@pytest.mark.parametrize("strips", [PADDED, [LONG], [LONG, PIECES]], ids=["short", "long", "both"])
def test_the_height_asked_for_is_enough_and_less_is_refused(strips):
    def draw(height: float) -> None:
        fig = plots.figure(6, height)
        fig.set_layout_engine("none")
        plots.token_strips(fig.add_axes((0, 0, 1, 1)), strips, ["a"] * len(strips), mark="counts")

    needed = plots.strips_height(strips, ["a"] * len(strips), width=6, mark="counts")
    draw(needed)
    with pytest.raises(BadInput, match=f"need axes {needed:.2f} inches high, and there are"):
        draw(needed - 0.1)


def test_a_narrower_strip_is_higher_and_a_key_counts():
    wide, narrow = (plots.strips_height([LONG], width=width) for width in (10, 5))
    assert narrow > wide
    assert plots.strips_height([LONG], width=5, mark="W" * 30) > narrow


@pytest.mark.parametrize(
    ("strips", "options", "message"),
    [
        ([], {}, "There is no token to draw."),
        ([[], []], {}, "There is no token to draw."),
        ("bat", {}, "Strip 0 is the string 'bat': give the list of its tokens."),
        (["a", "bat"], {}, "Strip 0 is the string 'a': give the list of its tokens."),
        ([["a", 101]], {}, "101 is int: a token is a string."),
        ([["a"], ["b"]], {"names": ["one"]}, "There must be equally many: 2 strips, 1 names."),
        ([["a"]], {"names": ["one", "two"]}, "There must be equally many: 1 strips, 2 names."),
        (
            [["a"], ["b"]],
            {"marked": [[0]]},
            "There must be equally many: 2 strips, 1 sets of marks.",
        ),
        ([["a"], ["b", "c"]], {"marked": [[], [2]]}, "There is no token number 2 in a strip of 2."),
        ([["a"]], {"marked": [[-1]]}, "There is no token number -1 in a strip of 1."),
    ],
)
def test_what_cannot_be_drawn_is_refused(strips, options, message):
    with pytest.raises(BadInput) as refused:
        plots.token_strips(plots.axes(plots.figure()), strips, **options)
    assert str(refused.value) == message


def test_axes_that_are_too_narrow_are_refused():
    with pytest.raises(BadInput, match="Axes 0.50 inches wide are too narrow"):
        plots.strips_height([["a"]], width=0.5)
