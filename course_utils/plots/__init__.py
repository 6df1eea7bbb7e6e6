"""The visual language of the course: one palette, one font, one line weight, for every figure.

Importing this package sets the style for all of matplotlib. `figures` and `charts` have the calls
of the lessons: each makes a figure, draws it and shows it, with words for readers who cannot see
it. `style` says how all looks, `lettering` fits text into it, `output` puts it on the page.
"""

from course_utils.plots.charts import bars, dots, lines, words
from course_utils.plots.figures import heatmap, scatter_map
from course_utils.plots.output import entitle, png, show, show_widget, tokens_strip
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
    "entitle",
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
