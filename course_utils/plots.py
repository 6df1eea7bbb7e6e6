"""The visual language of the course: one palette, one font, one line weight, for every figure.

The palette is Okabe and Ito's (2008), safe for colour-blind readers, with its yellow left out (too pale
on white). Importing this module sets the style for all of matplotlib. Figures are made without pyplot,
so that no figure lingers in memory, and shown with `show`, which attaches a description for readers
who cannot see them.
"""

import base64
import html
import io
from collections.abc import Mapping, Sequence

import numpy as np
from IPython.display import display
from matplotlib import colormaps, rcParams
from matplotlib.figure import Figure

from course_utils.evaluate import wilson_interval

PALETTE = {
    "blue": "#0072B2",
    "orange": "#D55E00",
    "green": "#009E73",
    "pink": "#CC79A7",
    "sky": "#56B4E9",
    "amber": "#E69F00",
    "ink": "#222222",
    "grey": "#6E6E6E",
    "pale": "#E4E4E4",
}
SERIES = ("blue", "orange", "green", "pink", "sky", "amber", "grey")
MARKERS = "osD^vPX*<>ph"  # never colour alone: each series has a marker too
DIVERGING = "RdBu_r"  # for values with a meaningful zero, such as cosines
SEQUENTIAL = "Blues"  # for weights from 0 to 1
DPI = 110

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
    "xtick.color": PALETTE["ink"],
    "ytick.color": PALETTE["ink"],
    "lines.linewidth": 2.0,
    "lines.markersize": 6,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "figure.facecolor": "white",
    "figure.dpi": DPI,
    "savefig.dpi": DPI,
}
rcParams.update(STYLE)


def colour(index: int) -> str:
    """The colour of series number `index`, as a hex string; repeats after seven."""
    return PALETTE[SERIES[index % len(SERIES)]]


def figure(width: float = 8.0, height: float = 4.0) -> Figure:
    """An empty figure of this size in inches, 110 dots an inch, in the style of the course."""
    return Figure(figsize=(width, height), layout="constrained")


def axes(fig: Figure, rows: int = 1, columns: int = 1, **options):
    """The axes of a figure: one, or an array as `Figure.subplots` gives."""
    return fig.subplots(rows, columns, **options)


def png(fig: Figure) -> bytes:
    """The figure as the bytes of a PNG file; without dates, so that equal figures are equal bytes."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def show(fig: Figure, alt: str) -> None:
    """Show a figure in a notebook together with its description.

    `alt` says in a sentence or two what a reader sees. It is kept as the picture's alternative text,
    as the text form of the output, and can be unfolded below the picture, where any reader finds it.
    """
    if not alt.strip():
        raise ValueError("Every figure needs a description: say in a sentence what one sees.")
    bundle = {"image/png": base64.b64encode(png(fig)).decode(), "text/plain": f"[figure] {alt}"}
    display(bundle, metadata={"image/png": {"alt": alt}}, raw=True)
    described = (
        f'<details style="color:{PALETTE["grey"]};font-size:90%"><summary>Describe this figure'
        f"</summary>{html.escape(alt)}</details>"
    )
    display({"text/html": described, "text/plain": "[description above]"}, raw=True)


def heatmap(
    ax,
    matrix,
    rows: Sequence[str],
    columns: Sequence[str] | None = None,
    *,
    title: str = "",
    low: float = -1.0,
    high: float = 1.0,
    numbers: bool | None = None,
    bar: str | None = "cosine similarity",
    breaks: Sequence[int] = (),
):
    """Draw a matrix `[n, m]` with its row and column names; one colour scale from `low` to `high`.

    `numbers` writes each value into its cell (by default where there are at most 150 cells).
    `breaks` are the row numbers before which a thin line separates two groups. Returns the image.
    """
    matrix = np.asarray(matrix)
    columns = rows if columns is None else columns
    signed = low < 0
    image = ax.imshow(
        matrix,
        cmap=DIVERGING if signed else SEQUENTIAL,
        vmin=max(abs(low), abs(high)) * -1 if signed else low,
        vmax=max(abs(low), abs(high)) if signed else high,
        aspect="equal" if matrix.shape[0] == matrix.shape[1] else "auto",
    )
    small = 11 if len(rows) <= 14 else 9.5
    ax.set_xticks(range(len(columns)), columns, rotation=90, fontsize=small)
    ax.set_yticks(range(len(rows)), rows, fontsize=small)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    ax.set_title(title)
    for edge in breaks:
        ax.axhline(edge - 0.5, color="white", linewidth=2)
        if matrix.shape[0] == matrix.shape[1]:
            ax.axvline(edge - 0.5, color="white", linewidth=2)
    if numbers if numbers is not None else matrix.size <= 150:
        _write_numbers(ax, image, matrix)
    if bar:
        side = ax.figure.colorbar(image, ax=ax, shrink=0.8, label=bar)
        side.outline.set_visible(False)
        if signed:  # show only the part of the scale that can occur
            side.ax.set_ylim(low, high)
    return image


def _write_numbers(ax, image, matrix) -> None:
    for (row, column), value in np.ndenumerate(matrix):
        red, green, blue, _ = image.cmap(image.norm(value))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.55
        text = f"{value:.2f}".replace("0.", ".").replace("1.00", "1")  # .97, -.05, 1
        ink = "white" if dark else PALETTE["ink"]
        ax.text(column, row, text, ha="center", va="center", color=ink, fontsize=8.5)


def scatter_map(
    ax,
    points,
    groups: Sequence[str],
    labels: Sequence[str] | None = None,
    *,
    title: str = "",
    note: str = "",
    legend: bool | str = True,
) -> None:
    """Draw a 2-D map `[n, 2]`, one colour and marker a group, with `note` (its honesty) below it.

    The axes of a map have no unit and no meaning of their own, so they carry no ticks. `legend` is
    True (to the right), False, or "above" (inside, in a strip kept free of points).
    """
    points = np.asarray(points)
    for index, group in enumerate(dict.fromkeys(groups)):
        rows = [row for row, name in enumerate(groups) if name == group]
        ax.scatter(
            *points[rows].T,
            s=34 if MARKERS[index % len(MARKERS)] not in "*+" else 70,
            color=colour(index),
            marker=MARKERS[index % len(MARKERS)],
            edgecolors="white",
            linewidths=0.5,
            label=group,
        )
    if labels is not None:
        for (x, y), text in zip(points, labels, strict=True):
            ax.annotate(text, (x, y), (3, 3), textcoords="offset points", fontsize=7)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(True)
    ax.spines[:].set_color(PALETTE["pale"])
    ax.set_title(title)
    ax.set_xlabel(note.replace(" · ", "\n"), fontsize=9.5, color=PALETTE["grey"])
    if legend == "above":
        ax.margins(0.08, 0.28)
        ax.legend(loc="upper center", ncols=2, handletextpad=0.2, columnspacing=1.0)
    elif legend:
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handletextpad=0.2)


def lines(
    ax,
    x,
    series: Mapping[str, Sequence[float]],
    *,
    title: str = "",
    xlabel: str = "",
    ylabel: str = "",
    bands: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
    chance: float | None = None,
    chance_label: str = "chance",
) -> None:
    """Draw one line a series over `x`, with 95 % bands where given, and a dashed chance line."""
    for index, (name, values) in enumerate(series.items()):
        ax.plot(x, values, color=colour(index), marker=MARKERS[index], label=name)
        if bands and name in bands:
            ax.fill_between(x, *bands[name], color=colour(index), alpha=0.15, linewidth=0)
    if chance is not None:
        ax.axhline(chance, color=PALETTE["grey"], linestyle="--", linewidth=1.2, label=chance_label)
    ax.set_title(title)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.legend()


def tokens_strip(tokens: Sequence[str], weights: Sequence[float], mark: int | None = None) -> str:
    """HTML: the tokens in a row, each shaded by its weight (0 to 1), number `mark` outlined.

    Tokens are escaped. Used by the explorers, where text comes from the learner.
    """
    top = max(max(weights, default=0.0), 1e-12)
    cells = []
    for index, (token, weight) in enumerate(zip(tokens, weights, strict=True)):
        red, green, blue, _ = colormaps[SEQUENTIAL](0.75 * weight / top, bytes=True)
        outline = f"outline:2px solid {PALETTE['orange']};" if index == mark else ""
        cells.append(
            f'<span style="background:rgb({red},{green},{blue});color:{PALETTE["ink"]};{outline}'
            f'padding:1px 4px;margin:1px;border-radius:3px;display:inline-block">'
            f"{html.escape(token)}</span>"
        )
    return f'<div style="line-height:1.9">{"".join(cells)}</div>'


def word_grid(ax, rows: Sequence[str], columns: Sequence[str], cells, *, title: str = "") -> None:
    """Draw a table of words: one row a name of `rows`, one column a heading of `columns`.

    `cells[row][column]` is a list of words. Drawn, not printed, because words that training found
    differ a little from machine to machine.
    """
    ax.set_axis_off()
    ax.set_title(title)
    ax.set_xlim(0, 1)
    ax.set_ylim(len(rows), -1)
    starts = np.linspace(0.16, 1.0, len(columns) + 1)[:-1]
    for start, heading in zip(starts, columns, strict=True):
        ax.text(start, -0.5, heading, va="center", color=PALETTE["grey"], fontsize=10)
    for row, name in enumerate(rows):
        ax.axhline(row, color=PALETTE["pale"], linewidth=0.8)
        ax.text(0.0, row + 0.5, name, va="center", weight="bold", color=PALETTE["blue"])
        for column, start in enumerate(starts):
            last = column == len(columns) - 1
            ink = PALETTE["ink"] if last else PALETTE["grey"]
            ax.text(start, row + 0.5, "  ".join(cells[row][column]), va="center", color=ink)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]], folded: str = "") -> None:
    """Show an HTML table, every cell escaped; `folded` puts it behind a line that unfolds it."""

    def line(cells: Sequence[str], tag: str) -> str:
        style = "text-align:left;padding:2px 12px 2px 0"
        inside = (f'<{tag} style="{style}">{html.escape(str(cell))}</{tag}>' for cell in cells)
        return "<tr>" + "".join(inside) + "</tr>"

    body = "".join(line(row, "td") for row in rows)
    shown = f"<table><thead>{line(headings, 'th')}</thead><tbody>{body}</tbody></table>"
    if folded:
        shown = f"<details><summary>{html.escape(folded)}</summary>{shown}</details>"
    plain = "\n".join("\t".join(map(str, row)) for row in [headings, *rows])
    display({"text/html": shown, "text/plain": plain}, raw=True)


def proportions(
    ax,
    names: Sequence[str],
    counts: Sequence[tuple[int, int]],
    index: int = 0,
    of: int = 1,
    label: str = "",
) -> None:
    """Draw bars for `counts`, pairs (hits, total), each with its 95 % Wilson interval.

    `index` of `of` places this series beside the others of the same axes.
    """
    width = 0.8 / of
    at = np.arange(len(names)) + (index - (of - 1) / 2) * width
    shares = np.array([hits / total for hits, total in counts])
    limits = np.array([wilson_interval(hits, total) for hits, total in counts])
    errors = np.abs(limits.T - shares)
    look = {"color": colour(index), "hatch": ("", "//", "..", "xx")[index % 4], "edgecolor": "white"}
    ax.bar(at, shares, width * 0.92, label=label, **look)
    ax.errorbar(at, shares, errors, fmt="none", ecolor=PALETTE["ink"], capsize=3, linewidth=1.2)
    ax.set_xticks(np.arange(len(names)), names)
