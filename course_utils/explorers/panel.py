"""What every explorer is made of: a view, controls, and the wires between them."""

import functools
import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ipywidgets as widgets

from course_utils import plots
from course_utils.errors import CourseError

WIDTH = "880px"  # of a picture of 8 inches; less where the window is narrower


@dataclass(frozen=True)
class View:
    """What an explorer shows: a picture, HTML below it, and a message.

    `png` is None where the state gives no picture; the last one then stays, and `message` says what
    to type. The view escapes what it puts into `html`; `message` is plain text.
    """

    png: bytes | None = None
    html: str = ""
    message: str = ""


def answering(view: Callable[..., View]) -> Callable[..., View]:
    """A view that turns every CourseError into a View with the error's words as its message."""

    @functools.wraps(view)
    def answer(state) -> View:
        try:
            return view(state)
        except CourseError as error:
            return View(message=str(error))

    return answer


def explorer(
    name: str,
    state: Callable[..., object],
    view: Callable[..., View],
    controls: Mapping[str, widgets.Widget],
) -> widgets.VBox:
    """Build an explorer: controls, a message, the picture of `view(state(**values))`, its HTML.

    `controls` maps the fields of the state to widgets with a `value`. They stand in rows that wrap;
    one of width "100%" has a row for itself. Raises CourseError where the first values give no
    picture: an explorer opens with something to see.
    """
    answer = answering(view)

    def look() -> View:
        return answer(state(**{field: control.value for field, control in controls.items()}))

    first = look()
    if first.png is None:
        raise CourseError(f"The explorer {name!r} has nothing to show at first: {first.message}")
    message = widgets.HTML(value=_message(first))
    message.add_class("explorer-message")
    picture = widgets.Image(value=first.png, format="png")
    picture.layout.width, picture.layout.max_width = "100%", WIDTH
    picture.layout.margin = "0"  # or it would be wider than its box in a narrow window
    words = widgets.HTML(value=first.html)

    def follow(_change) -> None:
        seen = look()
        message.value = _message(seen)
        if seen.png is not None:
            picture.value, words.value = seen.png, seen.html

    for control in controls.values():
        control.observe(follow, names="value")
    rows = widgets.Box(list(controls.values()))
    rows.layout.flex_flow, rows.layout.align_items = "row wrap", "center"
    rows.layout.max_width = WIDTH
    box = widgets.VBox([rows, message, picture, words])
    box.add_class("course-explorer")
    box.add_class(f"explorer-{name}")
    return box


def present(box: widgets.VBox, alt: str) -> None:
    """Show an explorer in a notebook: the widget where a kernel runs, its first picture elsewhere.

    `alt` describes the picture in words that hold on every machine.
    """
    picture = next(child for child in box.children if isinstance(child, widgets.Image))
    plots.show_widget(box, f"[explorer] {alt}", picture.value, alt)


def text_field(label: str, value: str, width: str = "100%") -> widgets.Text:
    """A text field that hands its text over on Enter, or when the reader leaves it."""
    return _laid_out(widgets.Text(value, description=label, continuous_update=False), width)


def text_area(label: str, value: str, rows: int, width: str = "100%") -> widgets.Textarea:
    """A field of several lines that hands its text over when the reader leaves it, say with Tab."""
    area = widgets.Textarea(value, description=label, rows=rows, continuous_update=False)
    return _laid_out(area, width)


def slider(label: str, value: int, low: int, high: int, width: str = "280px") -> widgets.IntSlider:
    """A slider over the whole numbers from `low` to `high`; the arrow keys move it."""
    return _laid_out(widgets.IntSlider(value, low, high, description=label), width)


def dropdown(
    label: str, options: Sequence[tuple[str, object]], width: str = "220px"
) -> widgets.Dropdown:
    """A choice of one of `(what is read, value)`, at first the first."""
    return _laid_out(widgets.Dropdown(options=options, description=label), width)


def _laid_out(control, width: str):
    control.style.description_width = "initial"  # a label is never cut
    control.layout.width = width
    control.layout.margin = "2px 16px 2px 0"
    return control


def _message(view: View) -> str:
    """The message as HTML that a screen reader reads out when it appears; "" for no message."""
    if not view.message:
        return ""
    stays = "" if view.png else " What stands below is the last input that worked."
    return (
        f'<div role="alert" style="border-left:4px solid {plots.PALETTE["orange"]};'
        f'padding:2px 8px">{html.escape(view.message + stays)}</div>'
    )
