"""A figure as a reader sees it: which text is drawn, where, and what is wrong with it."""

from unittest import mock

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox

TOLERANCE = 1.0  # pixels by which boxes may overlap: they are a little larger than the letters


def drawn(fig) -> list[tuple[Text, Bbox]]:
    """Each text that is really drawn, with its box in pixels.

    Not `fig.findobj(Text)`: it also holds the labels of ticks that lie outside the axes.
    """
    found, plain = [], Text.draw

    def draw(text, renderer):
        if text.get_visible() and text.get_text().strip():
            found.append(text)
        plain(text, renderer)

    canvas = FigureCanvasAgg(fig)
    with mock.patch.object(Text, "draw", draw):
        canvas.draw()
    return [(text, text.get_window_extent(canvas.get_renderer())) for text in found]


def texts(fig) -> list[str]:
    """What can be read in a figure."""
    return [text.get_text() for text, _ in drawn(fig)]


def faults(fig) -> list[str]:
    """One sentence for each text that is cut off by the edge, and for two that overlap."""
    everything = drawn(fig)
    whole = fig.bbox.padded(TOLERANCE)
    said = [
        f"{text.get_text()!r} is cut off"
        for text, box in everything
        if not (whole.contains(*box.min) and whole.contains(*box.max))
    ]
    # All pairs at once: Bbox.intersection of thousands of them takes longer than drawing.
    if everything:
        low = np.array([box.min for _, box in everything])
        high = np.array([box.max for _, box in everything])
        sides = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
        for one, two in np.argwhere(np.triu(sides.min(axis=-1) > TOLERANCE, k=1)):
            first, second = everything[one][0].get_text(), everything[two][0].get_text()
            said.append(f"{first!r} and {second!r} overlap")
    return said
