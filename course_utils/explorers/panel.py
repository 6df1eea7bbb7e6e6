"""What every explorer is made of: a view, controls, and the wires between them."""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ipywidgets as widgets

from course_utils import plots
from course_utils.errors import CourseError

WIDTH = "880px"  # of a picture of 8 inches; less where the window is narrower


@dataclass(frozen=True)
class View:
    """What an explorer shows: a picture as PNG, and below it HTML, in which all text is escaped."""

    png: bytes
    html: str = ""


def explorer(
    name: str,
    state: Callable[..., object],
    view: Callable[..., View],
    controls: Mapping[str, widgets.Widget],
    button: str = "",
) -> widgets.VBox:
    """Build an explorer: controls, a message, the picture of `view(state(**values))`, its HTML.

    `controls` maps the fields of the state to widgets with a `value`; they and the `button` work as
    in `follow`. A view raises a CourseError where a state gives no picture.
    """
    picture, words = widgets.Image(format="png"), widgets.HTML()
    picture.layout.width, picture.layout.max_width = "100%", WIDTH
    picture.layout.margin = "0"  # or it would be wider than its box in a narrow window

    def look(**values) -> None:
        seen = view(state(**values))
        picture.value, words.value = seen.png, seen.html

    return boxed(name, *follow(controls, look, button), picture, words)


def follow(
    controls: Mapping[str, widgets.Widget], look: Callable[..., None], button: str = ""
) -> tuple[widgets.Box, widgets.HTML]:
    """Call `look` with the controls' values, now and whenever one of them changes; the two widgets
    are the controls in rows that wrap, and a message.

    Where there is a `button` (its label), `look` is called when it is pressed instead: for what
    takes seconds. The words of a CourseError become the message, and what is shown stays; the first
    call's is raised: an explorer opens with something to see.
    """
    message = widgets.HTML()
    message.add_class("explorer-message")

    def values() -> dict[str, object]:
        return {name: control.value for name, control in controls.items()}

    def again(_change) -> None:
        try:
            look(**values())
            message.value = ""
        except CourseError as error:
            message.value = alert(f"{error} What stands below is the last input that worked.")

    look(**values())
    operated = list(controls.values())
    if button:
        operated.append(press := widgets.Button(description=button))
        press.on_click(again)
    else:
        for control in operated:
            control.observe(again, names="value")
    rows = widgets.Box(operated)
    rows.layout.flex_flow, rows.layout.align_items = "row wrap", "center"
    rows.layout.max_width = WIDTH
    return rows, message


def boxed(name: str, *inside: widgets.Widget) -> widgets.VBox:
    """An explorer's widgets below each other, with the classes by which a browser test finds it."""
    box = widgets.VBox(inside)
    box.layout.max_width = WIDTH
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


def alert(message: str) -> str:
    """A message as HTML that a screen reader reads out when it appears."""
    return (
        f'<div role="alert" style="border-left:4px solid {plots.PALETTE["orange"]};'
        f'padding:2px 8px">{html.escape(message)}</div>'
    )
