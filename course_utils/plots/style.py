"""How every figure looks: colours, font, sizes, and the empty figure that has them.

The palette is Okabe and Ito's (2008), safe for colour-blind readers, with its yellow left out (too
pale on white) and three dark colours of Tol's (2021, "muted") at its end. Figures are made without
pyplot, so that none lingers in memory.
"""

from matplotlib import rcParams
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

PALETTE = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#009E73",
    "pink": "#CC79A7",
    "sky": "#56B4E9",
    "amber": "#E69F00",
    "wine": "#882255",
    "olive": "#999933",
    "indigo": "#332288",
    "ink": "#222222",
    "grey": "#6E6E6E",
    "pale": "#E4E4E4",
}  # text on white is ink, grey or blue: the others have a contrast below READABLE
SERIES = ("blue", "orange", "green", "pink", "sky", "amber", "grey", "wine", "olive", "indigo")
MARKERS = "osD^vPX*<>ph"  # never colour alone: each series has a marker too,
HATCHES = ("", "//", "..", "xx")  # or, where it is bars, a pattern
ONE, SEVERAL = 7.5, 11.0  # the width of a figure with one panel, or with more, in inches
DASHED = {"color": PALETTE["grey"], "linestyle": "--", "linewidth": 1.2}  # a chance line
DIVERGING = "RdBu_r"  # for values with a meaningful zero, such as cosines
SEQUENTIAL = "Blues"  # for weights from 0 to 1
READABLE = 4.5  # the contrast that text needs (WCAG 2.2, level AA)

STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same on every machine
    "font.size": 11,
    "axes.titlesize": 12.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.labelsize": 11,
    "axes.edgecolor": PALETTE["grey"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelcolor": PALETTE["ink"],
    "text.color": PALETTE["ink"],
    # A learner's $ is a dollar. The labels of a logarithmic axis are formulas: give it plain ones.
    "text.parse_math": False,
    "xtick.color": PALETTE["ink"],
    "ytick.color": PALETTE["ink"],
    "lines.linewidth": 2.0,
    "lines.markersize": 6,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "figure.facecolor": "white",
    "figure.dpi": 110,
    "savefig.dpi": 110,
}
rcParams.update(STYLE)


def colour(index: int) -> str:
    """The colour of series number `index`, as a hex string; repeats after ten."""
    return PALETTE[SERIES[index % len(SERIES)]]


def contrast(one, two) -> float:
    """The contrast ratio of two colours, from 1 (the same) to 21 (black and white).

    A colour is whatever matplotlib takes for one; its alpha does not count. Source: WCAG 2.2,
    "contrast ratio" and "relative luminance".
    """
    darker, lighter = sorted(_luminance(to_rgb(each)) for each in (one, two))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(rgb: tuple[float, float, float]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def figure(width: float = 8.0, height: float = 4.0) -> Figure:
    """An empty figure of this size in inches, 110 dots an inch, in the style of the course."""
    return Figure(figsize=(width, height), layout="constrained")


def axes(fig: Figure, rows: int = 1, columns: int = 1, **options):
    """The axes of a figure: one, or an array `[rows, columns]` as `Figure.subplots` gives it."""
    return fig.subplots(rows, columns, **options)
