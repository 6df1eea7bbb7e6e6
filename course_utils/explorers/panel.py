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


def answered(view: Callable[..., View], *given) -> View:
    """What a view shows; for a CourseError, a View with the error's words as its message."""
    try:
        return view(*given)
    except CourseError as error:
        return View(message=str(error))


def answering(view: Callable[..., View]) -> Callable[..., View]:
    """A view that answers every CourseError, as `answered` does."""

    @functools.wraps(view)
    def answer(state) -> View:
        return answered(view, state)

    return answer


def explorer(
    name: str,
    state: Callable[..., object],
    view: Callable[..., View],
    controls: Mapping[str, widgets.Widget],
    button: str = "",
) -> widgets.VBox:
    """Build an explorer: controls, a message, the picture of `view(state(**values))`, its HTML.

    `controls` maps the fields of the state to widgets with a `value`. They stand in rows that wrap;
    one of width "100%" has a row for itself. The view follows them; where there is a `button` (its
    label), it follows that alone: for what takes seconds. Raises CourseError where the first values
    give no picture: an explorer opens with something to see.
    """

    def look():
        return state(**{field: control.value for field, control in controls.items()})

    first = answered(view, look())
    if first.png is None:
        raise CourseError(f"The explorer {name!r} has nothing to show at first: {first.message}")
    message = widgets.HTML(value=_message(first))
    message.add_class("explorer-message")
    picture = widgets.Image(value=first.png, format="png")
    picture.layout.width, picture.layout.max_width = "100%", WIDTH
    picture.layout.margin = "0"  # or it would be wider than its box in a narrow window
    words = widgets.HTML(value=first.html)

    def follow(_change) -> None:
        seen = answered(view, look())
        message.value = _message(seen)
        if seen.png is not None:
            picture.value, words.value = seen.png, seen.html

    operated = list(controls.values())
    if button:
        operated.append(press := widgets.Button(description=button))
        press.on_click(follow)
    else:
        for control in operated:
            control.observe(follow, names="value")
    rows = widgets.Box(operated)
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


def fine_slider(
    label: str, value: float, low: float, high: float, step: float, width: str = "280px"
) -> widgets.FloatSlider:
    """A slider from `low` to `high` in steps, two decimals read out; the arrow keys move it."""
    moved = {"min": low, "max": high, "step": step, "description": label}
    return _laid_out(widgets.FloatSlider(value, **moved), width)


def dropdown(
    label: str,
    options: Sequence[tuple[str, object]],
    width: str = "220px",
    value: object = None,
) -> widgets.Dropdown:
    """A choice of one of `(what is read, value)`, at first `value`, or the first."""
    value = options[0][1] if value is None else value
    return _laid_out(widgets.Dropdown(options=options, value=value, description=label), width)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """HTML: a table of figures; the first cell of each row names it. All text is escaped."""
    style = 'style="padding:1px 14px 1px 0;text-align:{}"'.format

    def line(scope: str, tag: str, cells: Sequence[str]) -> str:
        name, *figures = map(html.escape, cells)
        rest = "".join(f"<{tag} {style('right')}>{figure}</{tag}>" for figure in figures)
        return f'<tr><th scope="{scope}" {style("left")}>{name}</th>{rest}</tr>'

    body = "".join(line("row", "td", row) for row in rows)
    return f"<table><thead>{line('col', 'th', headings)}</thead><tbody>{body}</tbody></table>"


def _laid_out(control, width: str):
    control.style.description_width = "initial"  # a label is never cut
    control.layout.width = width
    control.layout.margin = "2px 16px 2px 0"
    return control


def _message(view: View) -> str:
    """The message of a view as HTML; "" for none."""
    if not view.message:
        return ""
    stays = "" if view.png else " What stands below is the last input that worked."
    return alert(view.message + stays)


def alert(message: str) -> str:
    """A message as HTML that a screen reader reads out when it appears."""
    return (
        f'<div role="alert" style="border-left:4px solid {plots.PALETTE["orange"]};'
        f'padding:2px 8px">{html.escape(message)}</div>'
    )
