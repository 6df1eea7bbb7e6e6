"""How every picture looks: what a colour means, the sizes of letters and lines.

Palette, font and line weights are those of `course_utils.plots`. A colour has one meaning in all
pictures, and never carries it alone: a question is a pill, an answer is a page with a folded
corner, a vector is a strip of cells, what is frozen has a snowflake, what is trained a heavy edge.
"""

from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb

from course_utils.plots import PALETTE, STYLE

WIDTH = 720  # pixels at which a picture is shown; the unit of everything here
SHARPNESS = 2  # pixels of the PNG file for one of these
PIXEL = 0.72  # points: an inch of the figure is 100 of these
MARGIN = 24

ROLES = {
    "question": PALETTE["blue"],
    "answer": PALETTE["orange"],
    "token": PALETTE["green"],
    "vector": PALETTE["sky"],
    "score": PALETTE["pink"],
    "trained": PALETTE["amber"],
    "frozen": PALETTE["grey"],
}
INK, GREY, PALE = PALETTE["ink"], PALETTE["grey"], PALETTE["pale"]

FONT = STYLE["font.family"]
MONO = "DejaVu Sans Mono"  # comes with matplotlib as well
TITLE, BODY, SMALL = 18, 13.5, 12  # pixels
FINE, PLAIN, BOLD = STYLE["axes.linewidth"], 1.2, STYLE["lines.linewidth"]  # points


def tint(role: str, strength: float = 0.2) -> str:
    """The pale colour of a role, to write on in ink."""
    return _mixed(ROLES[role], "white", strength)


def shade(role: str) -> str:
    """The dark colour of a role, to write in on white."""
    return _mixed(ROLES[role], "black", 0.65)


def ramp(role: str) -> LinearSegmentedColormap:
    """From white to the dark colour of a role, for values from 0 to 1."""
    return LinearSegmentedColormap.from_list(role, ["white", ROLES[role], shade(role)])


def _mixed(colour: str, other: str, share: float) -> str:
    pairs = zip(to_rgb(colour), to_rgb(other), strict=True)
    return to_hex([share * one + (1 - share) * two for one, two in pairs])
