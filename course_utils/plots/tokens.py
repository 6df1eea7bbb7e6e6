"""Tokens drawn as boxes, one strip a text, so that one sees where a text is cut and what is added.

All lengths are points. The tokens at the same place of all strips stand below each other: the
strips of a padded batch are the matrix that the model reads.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from matplotlib.patches import FancyBboxPatch

from course_utils.errors import BadInput
from course_utils.plots import lettering
from course_utils.plots.style import PALETTE

# Pale fills: the tokens are written on them in ink, padding in grey.
FILLS = {
    "begins a word": "#CFE3F2",
    "continues it (##)": "#F7D9C4",
    "special": "#C9EBDD",
    "padding": "#F4F4F4",
}
SIZES = (10.5, 10.0, 9.0)  # of tokens: the first that needs no second line, or the last
SMALL = 10.0  # the size of names and of the key
HINTED = 1.06  # what drawing may widen a text by, because letters begin at whole pixels
LINE = 19.0  # from one line to the next
BOX = 15.0  # the height of a box
INSIDE = 7.0  # what a box is wider than its token
BETWEEN = 3.0  # from one box to the next
APART = 8.0  # what keeps strips, names and the key apart
TOKEN_ROOM = 130.0  # a token that is wider is cut
NAME_SHARE = 0.3  # of the width: a name that takes more is cut
NARROWEST = 72.0  # what the boxes of a line need


@dataclass(frozen=True)
class _Column:
    """Where the tokens of one place go: a line of each strip, and a part of that line."""

    line: int
    left: float
    width: float


@dataclass(frozen=True)
class _Box:
    """A token, or a sample in the key, in a line whose upper edge is `top`.

    `kind` is one of `FILLS`, or "" for the sample of an outline.
    """

    left: float
    top: float
    width: float
    text: str
    kind: str
    outlined: bool


@dataclass(frozen=True)
class _Plan:
    """What is drawn where. `words` are names and labels of the key, each with its left and top."""

    size: float
    boxes: list[_Box]
    words: list[tuple[float, float, str]]
    height: float


def kind_of(token: str) -> str:
    """Which of the `FILLS` a WordPiece token belongs to."""
    if token == "[PAD]":
        return "padding"
    if token in ("[CLS]", "[SEP]", "[UNK]", "[MASK]"):
        return "special"
    return "continues it (##)" if token.startswith("##") else "begins a word"


def token_strips(
    ax,
    strips: Sequence[Sequence[str]],
    names: Sequence[str] = (),
    *,
    title: str = "",
    marked: Sequence[Collection[int]] = (),
    mark: str = "",
) -> None:
    """Draw each text's tokens as a strip of boxes, coloured by what they are, with a key below.

    `names`, one a strip, stand at the left. `marked` holds, for each strip, the numbers of the
    tokens that have an outline; `mark` says in the key what it means. Strips that are too long for
    a line go on in the next, all at the same place; a very long token or name is cut. Comes after
    everything that changes the place of the axes, because it measures them.

    Raises BadInput where there is no token, a strip is a string, names or marks are not one a
    strip, a mark is no token's number, or the axes are too small (see `strips_height`).
    """
    strips, names, marked = _checked(strips, names, marked)
    ax.set_axis_off()
    ax.set_title(title)
    width, height = _measured(ax)
    plan = _plan(strips, names, marked, mark, width)
    if plan.height > height + 1:
        raise BadInput(
            f"These strips need axes {plan.height / 72:.2f} inches high, and there are "
            f"{height / 72:.2f}: make the figure higher or wider, or draw fewer tokens."
        )
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    for box in plan.boxes:
        _draw(ax, box, plan.size)
    for left, top, text in plan.words:
        ax.text(left, _baseline(top, SMALL), text, fontsize=SMALL)


def strips_height(
    strips: Sequence[Sequence[str]], names: Sequence[str] = (), *, width: float, mark: str = ""
) -> float:
    """The height that `token_strips` needs in axes of this width, both in inches.

    A title comes on top: with one, a figure needs about half an inch more than its axes. Raises
    BadInput as `token_strips` does.
    """
    strips, names, marked = _checked(strips, names, ())
    return _plan(strips, names, marked, mark, 72 * width).height / 72


def _checked(strips, names, marked) -> tuple[list[list[str]], list[str], list[set[int]]]:
    """The three lists, a mark set for each strip, once they are known to fit together."""
    strips = [strips] if isinstance(strips, str) else list(strips)
    for number, tokens in enumerate(strips):
        if isinstance(tokens, str):
            raise BadInput(f"Strip {number} is the string {tokens!r}: give the list of its tokens.")
    strips = [list(tokens) for tokens in strips]
    if not any(strips):
        raise BadInput("There is no token to draw.")
    for token in (token for tokens in strips for token in tokens):
        if not isinstance(token, str):
            raise BadInput(f"{token!r} is {type(token).__name__}: a token is a string.")
    for what, given in (("names", names), ("sets of marks", marked)):
        if len(given) not in (0, len(strips)):
            raise BadInput(
                f"There must be equally many: {len(strips)} strips, {len(given)} {what}."
            )
    marked = [set(numbers) for numbers in marked] or [set() for _ in strips]
    for tokens, numbers in zip(strips, marked, strict=True):
        if wrong := numbers - set(range(len(tokens))):
            raise BadInput(f"There is no token number {min(wrong)} in a strip of {len(tokens)}.")
    return strips, list(names), marked


def _measured(ax) -> tuple[float, float]:
    """The width and the height of the axes, once the figure is laid out."""
    fig = ax.get_figure(root=True)
    if engine := fig.get_layout_engine():
        engine.execute(fig)
    box = ax.get_window_extent()
    return box.width * 72 / fig.dpi, box.height * 72 / fig.dpi


def _plan(
    strips: list[list[str]], names: list[str], marked: list[set[int]], mark: str, width: float
) -> _Plan:
    names = [_cut(name, NAME_SHARE * width, SMALL) for name in names]
    indent = max((_width(name, SMALL) + APART for name in names), default=0.0)
    room = width - indent
    if room < NARROWEST:
        raise BadInput(f"Axes {width / 72:.2f} inches wide are too narrow for strips of tokens.")
    each = {token for tokens in strips for token in tokens}
    texts = {token: _cut(token, min(TOKEN_ROOM, room - INSIDE), SIZES[0]) for token in each}
    size, columns = _columns(strips, texts, room)
    apart = APART if columns[-1].line else 0.0  # strips of one line are told apart without it
    boxes, words, top = [], [], 0.0
    for row, (tokens, numbers) in enumerate(zip(strips, marked, strict=True)):
        if names:
            words.append((0.0, top, names[row]))
        lines = 1
        for number, (token, column) in enumerate(zip(tokens, columns, strict=False)):
            place = (indent + column.left, top + column.line * LINE, column.width)
            boxes.append(_Box(*place, texts[token], kind_of(token), number in numbers))
            lines = column.line + 1
        top += lines * LINE + apart
    top += APART - apart
    kinds = {box.kind for box in boxes}
    key = [(kind, kind) for kind in FILLS if kind in kinds] + ([("", mark)] if mark else [])
    labels = [_cut(label, width - BOX - BETWEEN, SMALL) for _, label in key]
    entries = _flow([BOX + BETWEEN + _width(label, SMALL) for label in labels], width, 2 * APART)
    for (kind, _), label, entry in zip(key, labels, entries, strict=True):
        place = (entry.left, top + entry.line * LINE)
        boxes.append(_Box(*place, BOX, "", kind, outlined=not kind))
        words.append((entry.left + BOX + BETWEEN, place[1], label))
    return _Plan(size, boxes, words, top + (entries[-1].line + 1) * LINE)


def _columns(
    strips: list[list[str]], texts: dict[str, str], room: float
) -> tuple[float, list[_Column]]:
    """The size of the letters, and a column for each place: as wide as its widest token."""
    wide = {token: _width(text, SIZES[0]) for token, text in texts.items()}
    widest = [0.0] * max(map(len, strips))
    for tokens in strips:
        for place, token in enumerate(tokens):
            widest[place] = max(widest[place], wide[token])
    for size in SIZES:
        columns = _flow([INSIDE + each * size / SIZES[0] for each in widest], room, BETWEEN)
        if not columns[-1].line:
            break
    return size, columns


def _flow(widths: list[float], room: float, between: float) -> list[_Column]:
    """Places for boxes of these widths, side by side; one that does not fit begins a new line."""
    columns, line, left = [], 0, 0.0
    for width in widths:
        if left and left + width > room:
            line, left = line + 1, 0.0
        columns.append(_Column(line, left, width))
        left += width + between
    return columns


def _cut(text: str, room: float, size: float) -> str:
    """The text on one line, as it can be drawn in this room."""
    return lettering.shorten(text.replace("\n", "↵"), room / HINTED, size)


def _width(text: str, size: float) -> float:
    return HINTED * lettering.width(text, size)


def _draw(ax, box: _Box, size: float) -> None:
    shape = FancyBboxPatch(
        (box.left, box.top + (LINE - BOX) / 2),
        box.width,
        BOX,
        boxstyle="round,pad=0,rounding_size=2.5",
        facecolor=FILLS.get(box.kind, "white"),
        edgecolor=PALETTE["ink"] if box.outlined else "none",
        linewidth=1.2,
    )
    ax.add_artist(shape)  # add_patch would work out anew what the axes have to show, each time
    middle, ink = box.left + box.width / 2, "grey" if box.kind == "padding" else "ink"
    look = {"ha": "center", "fontsize": size, "color": PALETTE[ink]}
    ax.text(middle, _baseline(box.top, size), box.text, **look)


def _baseline(top: float, size: float) -> float:
    """Where letters of this size stand so that their capitals are in the middle of their line."""
    return top + LINE / 2 + 0.36 * size
