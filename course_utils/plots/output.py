"""What reaches the page: figures, widgets and strips of tokens.

Nothing is shown without words that stand for it, and all text is escaped: some of it is the
learner's.
"""

import base64
import html
import io
import sys
from collections.abc import Sequence

import numpy as np
from IPython.display import display
from matplotlib import colormaps
from matplotlib.figure import Figure

from course_utils.errors import BadInput
from course_utils.plots import lettering
from course_utils.plots.style import PALETTE, SEQUENTIAL

WIDGET = "application/vnd.jupyter.widget-view+json"
DARKEST = 0.6  # of the colour scale: text on it still has a contrast of 4.5


def png(fig: Figure, **options) -> bytes:
    """The figure as the bytes of a PNG file; no date in it, so equal figures are equal bytes."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", metadata={"Software": None}, **options)
    return buffer.getvalue()


def entitle(fig: Figure, title: str) -> None:
    """Write the title over the whole figure, in as many lines as it needs."""
    width = 72 * fig.get_figwidth()
    text = lettering.wrapped(title, width - 20, 12.5, "bold")
    fig.suptitle(text, x=4 / width, ha="left", fontsize=12.5, weight="bold")


def show(fig: Figure, alt: str, title: str = "") -> None:
    """Show a figure in a notebook together with its description, cut to what is drawn.

    `alt` says in a sentence or two what a reader sees. It is kept as the picture's alternative
    text, as the text form of the output, and can be unfolded below the picture, where any reader
    finds it. Raises BadInput where it is empty.
    """
    _described(alt)
    if title:
        entitle(fig, title)
    picture = base64.b64encode(png(fig, bbox_inches="tight", pad_inches=0.08)).decode()
    bundle = {"image/png": picture, "text/plain": f"[figure] {alt}"}
    display(bundle, metadata={"image/png": {"alt": alt}}, raw=True)
    described = (
        f'<details style="color:{PALETTE["grey"]};font-size:90%"><summary>Describe this figure'
        f"</summary>{html.escape(alt)}</details>"
    )
    display({"text/html": described, "text/plain": "[description above]"}, raw=True)


def show_widget(widget, words: str, picture: bytes | None = None, alt: str = "") -> None:
    """Show a widget of ipywidgets where a kernel runs; elsewhere a PNG picture, or only `words`.

    One output holds all forms, so that a reader on GitHub sees the picture. `alt` describes it;
    raises BadInput where there is a picture and no description.
    """
    if "google.colab" in sys.modules:  # it shows one form of an output, and not surely the widget
        display(widget)
        return
    view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
    bundle, metadata = {"text/plain": words, WIDGET: view}, {}
    if picture is not None:
        _described(alt)
        bundle["image/png"] = base64.b64encode(picture).decode()
        metadata["image/png"] = {"alt": alt}
    display(bundle, metadata=metadata, raw=True)


def tokens_strip(
    tokens: Sequence[str], weights: Sequence[float], mark: int | Sequence[int] | None = None
) -> str:
    """HTML: the tokens in a row, each shaded by its weight, those with the numbers `mark` outlined.

    The largest weight has the darkest shade, 0 has the lightest.
    """
    weights = np.asarray(weights, dtype=float)
    marked = set() if mark is None else set(np.atleast_1d(mark).tolist())
    shades = DARKEST * weights / max(weights.max(initial=0), 1e-12)
    colours = colormaps[SEQUENTIAL](shades, bytes=True)
    cells = []
    for index, (token, rgba) in enumerate(zip(tokens, colours, strict=True)):
        red, green, blue, _ = rgba
        outline = f"outline:2px solid {PALETTE['orange']};" if index in marked else ""
        cells.append(
            f'<span style="background:rgb({red},{green},{blue});color:{PALETTE["ink"]};{outline}'
            f'padding:1px 4px;margin:1px;border-radius:3px;display:inline-block">'
            f"{html.escape(token)}</span>"
        )
    return f'<div style="line-height:1.9">{"".join(cells)}</div>'


def _described(alt: str) -> None:
    if not alt.strip():
        raise BadInput("Every figure needs a description: say in a sentence what one sees.")
