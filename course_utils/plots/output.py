"""What reaches the page: figures, widgets, tables and strips of tokens.

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
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from course_utils.errors import BadInput
from course_utils.plots.style import PALETTE, SEQUENTIAL

WIDGET = "application/vnd.jupyter.widget-view+json"
DARKEST = 0.6  # of the colour scale: text on it still has a contrast of 4.5


def png(fig: Figure) -> bytes:
    """The figure as the bytes of a PNG file; no date in it, so equal figures are equal bytes."""
    buffer = io.BytesIO()
    # Figure.savefig gives the same bytes, and lays everything out twice.
    FigureCanvasAgg(fig).print_png(buffer, metadata={"Software": None})
    return buffer.getvalue()


def show(fig: Figure, alt: str) -> None:
    """Show a figure in a notebook together with its description.

    `alt` says in a sentence or two what a reader sees. It is kept as the picture's alternative
    text, as the text form of the output, and can be unfolded below the picture, where any reader
    finds it. Raises BadInput where it is empty.
    """
    _described(alt)
    bundle = {"image/png": base64.b64encode(png(fig)).decode(), "text/plain": f"[figure] {alt}"}
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


def table(headings: Sequence[str], rows: Sequence[Sequence[object]], folded: str = "") -> None:
    """Show an HTML table, every cell escaped; `folded` puts it behind a line that unfolds it.

    Raises BadInput where there is no heading, or a row has more or fewer cells than headings.
    """
    if not len(headings):
        raise BadInput("A table needs at least one heading.")
    for number, row in enumerate(rows):
        if len(row) != len(headings):
            raise BadInput(
                f"Row {number} of the table has {len(row)} cells for {len(headings)} headings."
            )

    def line(cells: Sequence[object], tag: str) -> str:
        style = "text-align:left;padding:2px 12px 2px 0"
        inside = (f'<{tag} style="{style}">{html.escape(str(cell))}</{tag}>' for cell in cells)
        return "<tr>" + "".join(inside) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    shown = f"<table><thead>{line(headings, 'th')}</thead><tbody>{body}</tbody></table>"
    if folded:
        shown = f"<details><summary>{html.escape(folded)}</summary>{shown}</details>"
    plain = "\n".join("\t".join(map(str, row)) for row in [headings, *rows])
    display({"text/html": shown, "text/plain": plain}, raw=True)


def tokens_strip(
    tokens: Sequence[str], weights: Sequence[float], mark: int | Sequence[int] | None = None
) -> str:
    """HTML: the tokens in a row, each shaded by its weight, those with the numbers `mark` outlined.

    The largest weight has the darkest shade, 0 has the lightest. Raises BadInput where there is not
    one weight a token, a weight is negative or no number, or a mark is no token's number.
    """
    weights = np.asarray(weights, dtype=float)
    if weights.shape != (len(tokens),):
        raise BadInput(f"There are {len(tokens)} tokens and weights of shape {weights.shape}.")
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise BadInput("A weight of a token is 0 or more.")
    marked = set() if mark is None else set(np.atleast_1d(mark).tolist())
    if wrong := marked - set(range(len(tokens))):
        raise BadInput(f"There is no token number {min(wrong)}: there are {len(tokens)}, from 0.")
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
