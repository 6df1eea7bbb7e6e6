"""The map to touch: hover shows a text, a lasso lists the texts in it, a field finds one by name.

Drawn in the browser by jupyter-scatter. Where it is not installed, and where no kernel runs, the
same map stands there as a picture.
"""

import difflib
import html
from collections.abc import Mapping, Sequence

import ipywidgets as widgets
import numpy as np
import pandas as pd

from course_utils import plots
from course_utils.explorers import panel
from course_utils.plots import figures

NEAREST = 8  # texts that are listed beside one that was found
NAMED = 200  # texts up to which the picture writes their names, where there is room
LISTED = 100  # texts that a list names; of more it tells how many
HEIGHT = 480  # of the map, in pixels
EDGE = 0.03  # of its extent around it, or its outermost dots would be cut
BUTTONS = ["pan_zoom", "lasso", "full_screen", "reset"]
HELP = (
    "Point at a dot to read it. Drag to move the map, turn the wheel to zoom. Choose the lasso, "
    "the second button, and draw around dots to list them; or type a text and press Enter."
)


def touch_map(points, texts: Sequence[str], groups: Sequence[str], *, title: str, alt: str) -> None:
    """Show a map of points `[n, 2]` that answers to mouse and keyboard; each has text and group."""
    try:
        box = explorer(points, texts, groups, title)
    except ImportError:
        plots.scatter_map(points, groups, title=title, alt=alt)
        return
    labels = list(texts) if len(texts) <= NAMED else None
    fig = figures.draw_map(points, groups, labels=labels)
    plots.entitle(fig, title)
    plots.show_widget(box, f"[explorer] {alt}", plots.png(fig), alt)


def explorer(points, texts: Sequence[str], groups: Sequence[str], title: str) -> widgets.VBox:
    """The widget of `touch_map`. Raises ImportError without jupyter-scatter."""
    points, texts, groups = np.asarray(points, dtype=float), list(texts), list(groups)
    colours = {name: _colour(place) for place, name in enumerate(dict.fromkeys(groups))}
    scatter = scatter_of(points, {"text": texts, "group": groups}, colours)
    scatter.size(default=8)
    scatter.widget.toolbar_buttons = BUTTONS

    find = panel.text_field("find", "", "320px")
    message, listed = widgets.HTML(), widgets.HTML(_paragraph(HELP))
    message.add_class("explorer-message")
    found: list[int] = []  # what the field selected: its list has an order of its own

    def follow_field(_change) -> None:
        found.clear()
        message.value = ""
        if typed := find.value.strip():
            row = search(texts, typed)
            if row is None:
                message.value = panel.alert(refusal(texts, typed))
                return
            away = np.linalg.norm(points - points[row], axis=1)
            away[row] = -1  # itself first, also where another stands at the same place
            found.extend(np.argsort(away, kind="stable")[: NEAREST + 1].tolist())
        scatter.widget.selection = np.array(found, dtype="uint32")

    def follow_selection(_change) -> None:
        chosen = np.asarray(scatter.widget.selection, dtype=int).tolist()
        if found and sorted(chosen) == sorted(found):
            listed.value = neighbours(texts, groups, found)
        else:
            listed.value = listing(texts, groups, chosen)

    find.observe(follow_field, names="value")
    scatter.widget.observe(follow_selection, names="selection")
    heading = widgets.HTML(f"<b>{html.escape(title)}</b>")
    return panel.boxed("touch-map", heading, find, message, scatter.widget, listed)


def scatter_of(points: np.ndarray, told: Mapping[str, list[str]], colours: Mapping[str, str]):
    """A map of points `[n, 2]` for the browser: a `jscatter.Scatter`.

    `told` has what hover shows of each point; its last column is in the `colours` of its names.
    Raises ImportError without jupyter-scatter.
    """
    import jscatter  # here, because it takes longer to import than all other explorers

    table = pd.DataFrame({"x": points[:, 0], "y": points[:, 1], **told})
    low, high = points.min(axis=0), points.max(axis=0)
    (left, bottom), (right, top) = low - EDGE * (high - low), high + EDGE * (high - low)
    ends = {"x_scale": (left, right), "y_scale": (bottom, top)}
    scatter = jscatter.Scatter(data=table, x="x", y="y", height=HEIGHT, **ends)
    scatter.axes(axes=False).background("white").legend(True, position="top-left")
    # In the alphabet's order: jscatter 1.0.1 gives names in another one each other's colours.
    scatter.color(by=list(told)[-1], map=dict(sorted(colours.items())))
    return scatter.tooltip(True, properties=list(told), histograms=False)


def search(texts: Sequence[str], typed: str) -> int | None:
    """Which text is the typed one, or else holds it; capitals do not count."""
    lower, typed = [text.casefold() for text in texts], typed.casefold()
    if typed in lower:
        return lower.index(typed)
    return next((row for row, text in enumerate(lower) if typed in text), None)


def refusal(texts: Sequence[str], typed: str) -> str:
    """What to type instead of a text that is not on the map."""
    near = difflib.get_close_matches(typed, texts, n=3, cutoff=0.5) or list(texts[:3])
    return f"“{typed}” is not on the map. Type one that is, such as {', '.join(near)}."


def neighbours(texts: Sequence[str], groups: Sequence[str], rows: Sequence[int]) -> str:
    """HTML: the first of these texts, and the others as its nearest."""
    first, *others = (f"{html.escape(texts[row])} ({html.escape(groups[row])})" for row in rows)
    return _paragraph(f"<b>{first}</b>. Nearest on the map: {', '.join(others)}.")


def listing(texts: Sequence[str], groups: Sequence[str], rows: Sequence[int]) -> str:
    """HTML: these texts by group, the group with most of them first."""
    if not rows:
        return _paragraph(HELP)
    chosen = pd.Series([texts[row] for row in rows[:LISTED]])
    by_group = chosen.groupby([groups[row] for row in rows[:LISTED]])
    said = f"<b>{len(rows)} chosen</b>{f'; {LISTED} of them:' if len(rows) > LISTED else ''}"
    for group in by_group.size().sort_values(ascending=False, kind="stable").index:
        members = ", ".join(map(html.escape, by_group.get_group(group)))
        said += f"<br>{html.escape(group)}: {members}"
    return _paragraph(said)


def _paragraph(inside: str) -> str:
    return f'<div role="status" style="line-height:1.5">{inside}</div>'


def _colour(index: int) -> str:
    """As on the picture; a colour that markers share there is darker here the second time."""
    value = int(plots.colour(index)[1:], 16)
    parts = (value >> 16, value >> 8 & 255, value & 255)
    return "#" + "".join(f"{round(part * 0.5 ** (index // 7)):02x}" for part in parts)
