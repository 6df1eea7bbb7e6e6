"""Tokens drawn as boxes, one row a text, so that one sees where a text is cut and what is added."""

from collections.abc import Sequence

from matplotlib.patches import Patch, Rectangle

from course_utils.plots.style import PALETTE

# Pale fills: the tokens are written on them in ink.
FILLS = {
    "begins a word": "#CFE3F2",
    "continues it (##)": "#F7D9C4",
    "special": "#C9EBDD",
    "padding": "#F1F1F1",
}


def kind_of(token: str) -> str:
    """Which of the `FILLS` a WordPiece token belongs to."""
    if token == "[PAD]":
        return "padding"
    if token in ("[CLS]", "[SEP]", "[UNK]", "[MASK]"):
        return "special"
    return "continues it (##)" if token.startswith("##") else "begins a word"


def token_strips(
    ax, strips: Sequence[Sequence[str]], names: Sequence[str] = (), *, title: str = ""
) -> None:
    """Draw each text's tokens as a row of boxes, coloured by what they are; columns are positions.

    `names`, one a row, stand at the left. A token too long for its box is written smaller.
    """
    columns = max((len(tokens) for tokens in strips), default=1)
    ax.set_axis_off()
    ax.set_xlim(0, columns)
    ax.set_ylim(len(strips), 0)
    ax.set_title(title)
    inches = ax.figure.get_size_inches()[0] * 0.95 / columns  # of a box, about
    for row, tokens in enumerate(strips):
        if names:
            ax.text(-0.1, row + 0.5, names[row], ha="right", va="center", fontsize=10)
        for column, token in enumerate(tokens):
            fill = FILLS[kind_of(token)]
            ax.add_patch(Rectangle((column + 0.03, row + 0.12), 0.94, 0.76, color=fill))
            ink = PALETTE["grey"] if token == "[PAD]" else PALETTE["ink"]
            size = min(10.5, 108 * inches / max(len(token), 1))  # a letter is about 0.6 em wide
            ax.text(
                column + 0.5, row + 0.5, token, ha="center", va="center", size=size, color=ink
            )
    kinds = dict.fromkeys(kind_of(token) for tokens in strips for token in tokens)
    patches = [Patch(color=FILLS[kind], label=kind) for kind in FILLS if kind in kinds]
    ax.legend(handles=patches, loc="upper left", bbox_to_anchor=(0, 0), ncols=len(patches))
