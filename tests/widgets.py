"""An explorer as a test sees it: its parts, what its view says, and what it asks of ipywidgets."""

import html
import re

import ipywidgets as widgets

from course_utils.explorers import panel
from course_utils.explorers.panel import View

PNG = b"\x89PNG\r\n\x1a\n"  # the first bytes of every PNG file

# What each class of ipywidgets 7.7.1 synchronises, read from that version (Colab has it); the
# explorer as a whole was operated under it too.
IN_7_7 = {
    "Box": "box_style children",
    "VBox": "box_style children",
    "Button": "button_style description disabled icon tooltip",
    "Dropdown": "description description_tooltip disabled index _options_labels",
    "FloatSlider": "continuous_update description description_tooltip disabled max min orientation "
    "readout readout_format step value",
    "HTML": "description description_tooltip placeholder value",
    "Image": "format height value width",
    "IntSlider": "continuous_update description description_tooltip disabled max min orientation "
    "readout readout_format step value",
    "Text": "continuous_update description description_tooltip disabled placeholder value",
    "Textarea": "continuous_update description description_tooltip disabled placeholder rows value",
}
EVERYWHERE_IN_7_7 = {"layout", "style", "_dom_classes"}
STYLES_IN_7_7 = {"description_width"}
LAYOUTS_IN_7_7 = set(
    "align_content align_items align_self border bottom display flex flex_flow grid_area "
    "grid_auto_columns grid_auto_flow grid_auto_rows grid_column grid_gap grid_row "
    "grid_template_areas grid_template_columns grid_template_rows height justify_content "
    "justify_items left margin max_height max_width min_height min_width object_fit "
    "object_position order overflow overflow_x overflow_y padding right top visibility "
    "width".split()
)


def presented_by(show, monkeypatch) -> tuple[widgets.VBox, str]:
    """The widget of an explorer and its description, caught where they would be displayed."""
    calls = []
    monkeypatch.setattr(panel, "present", lambda *given: calls.append(given))
    show()
    (given,) = calls
    return given


def said(view: View) -> str:
    """The view's HTML as a reader sees it."""
    return html.unescape(re.sub(r"<[^>]*>", "", view.html))


def parts(box):
    rows, message, picture, words = box.children
    return rows.children, message, picture, words


def everything_in(widget) -> list[widgets.Widget]:
    """The widget and all those inside it."""
    inside = [everything_in(child) for child in getattr(widget, "children", ())]
    return [widget, *(each for family in inside for each in family)]


def newer_than_7_7(box) -> list[str]:
    """What the widget and those inside it set that ipywidgets 7.7 does not have; [] if nothing."""
    found = []
    for widget in everything_in(box):
        kind = type(widget).__name__
        asked = {
            kind: _changed(widget) - EVERYWHERE_IN_7_7 - set(IN_7_7[kind].split()),
            f"layout of {kind}": _changed(widget.layout) - LAYOUTS_IN_7_7,
        }
        if hasattr(widget, "style"):
            asked[f"style of {kind}"] = _changed(widget.style) - STYLES_IN_7_7
        found += [f"{where}: {name}" for where, names in asked.items() for name in sorted(names)]
    return found


def _changed(widget) -> set[str]:
    """The names of the traits that a widget does not have as its class gives them."""
    mine, plain = widget.get_state(), type(widget)().get_state()
    return {name for name in mine if mine[name] != plain[name]}
