"""The visual language of the course: one palette, one font, one line weight, for every figure.

Importing this package sets the style for all of matplotlib. `figures` has the calls of the lessons:
each makes a figure, draws it and shows it, with words for readers who cannot see it. `style` says
how all looks, `lettering` fits text into it, `output` puts figures and widgets on the page.
"""

from course_utils.plots.figures import bars, dots, heatmap, lines, scatter_map, words
from course_utils.plots.output import png, show, show_widget, tokens_strip
from course_utils.plots.style import (
    DIVERGING,
    MARKERS,
    PALETTE,
    SEQUENTIAL,
    STYLE,
    axes,
    colour,
    contrast,
    figure,
)

__all__ = [
    "DIVERGING",
    "MARKERS",
    "PALETTE",
    "SEQUENTIAL",
    "STYLE",
    "axes",
    "bars",
    "colour",
    "contrast",
    "dots",
    "figure",
    "heatmap",
    "lines",
    "png",
    "scatter_map",
    "show",
    "show_widget",
    "tokens_strip",
    "words",
]
