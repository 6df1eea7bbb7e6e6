"""The visual language of the course: one palette, one font, one line weight, for every figure.

Importing this package sets the style for all of matplotlib. `figures` has the calls of the lessons:
each makes a figure, draws it and shows it, with words for readers who cannot see it. `style` says
how all looks, `charts` draws on axes, `output` puts figures, widgets and tables on the page.
"""

from course_utils.plots import charts
from course_utils.plots.figures import bars, dots, heatmap, lines, scatter_map, words
from course_utils.plots.measures import intervals
from course_utils.plots.output import png, show, show_widget, table, tokens_strip
from course_utils.plots.style import (
    DIVERGING,
    DPI,
    MARKERS,
    PALETTE,
    SEQUENTIAL,
    SERIES,
    STYLE,
    axes,
    colour,
    contrast,
    figure,
)

__all__ = [
    "DIVERGING",
    "DPI",
    "MARKERS",
    "PALETTE",
    "SEQUENTIAL",
    "SERIES",
    "STYLE",
    "axes",
    "bars",
    "charts",
    "colour",
    "contrast",
    "dots",
    "figure",
    "heatmap",
    "intervals",
    "lines",
    "png",
    "scatter_map",
    "show",
    "show_widget",
    "table",
    "tokens_strip",
    "words",
]
