"""Each rule of hygiene.py passes a good notebook and fires on one that breaks it."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tests.notebooks import hygiene
from tools.lessons import WIDGET
from tools.saving import NOTEBOOK_METADATA

ALT = "A line that rises from left to right."
PICTURE = {"image/png": "QQ==", "text/plain": f"[figure] {ALT}"}
PRINTED = "cosine 0.6213, loss -1.250, p 1.5e-03\n✔ it holds"


def stream(text: str, name: str = "stdout"):
    return new_output("stream", name=name, text=text)


def picture(alt: str = ALT):
    return new_output("display_data", data=PICTURE, metadata={"image/png": {"alt": alt}})


def good():
    """A notebook that keeps every rule."""
    text = (
        "# A lesson\n\nAbout 0.62 and 0.621, and $x = -1.25$, on Python 3.11.\n\n"
        "The paper reports 0.82 ([source](https://example.org)).\n\n![A line](line.svg)"
    )
    call = "from course_utils import plots\n\nprint(plots.colour(0))"
    cells = [
        new_markdown_cell(text, id="title"),
        new_code_cell(call, id="look", execution_count=1, outputs=[stream(PRINTED)]),
        new_code_cell("%matplotlib inline\nx = 1", id="quiet", execution_count=2),
        new_code_cell("show(x)", id="show-it", execution_count=3, outputs=[picture()]),
    ]
    return nbformat.from_dict(
        {"cells": cells, "metadata": NOTEBOOK_METADATA, "nbformat": 4, "nbformat_minor": 5}
    )


def edit(number: int, **fields):
    """A change of one cell."""

    def change(notebook):
        notebook.cells[number].update(nbformat.from_dict(fields))

    return change


def drop(number: int, field: str):
    """A change that takes a field from a cell."""
    return lambda notebook: notebook.cells[number].pop(field)


def metadata(**fields):
    """A change of the notebook's metadata."""
    return lambda notebook: notebook.metadata.update(nbformat.from_dict(fields))


def prose(text: str):
    return edit(0, source=text)


def result(number: int, *outputs):
    return edit(number, outputs=list(outputs))


BAD = [
    (hygiene.is_valid, lambda notebook: notebook.update(nbformat_minor=4)),
    (hygiene.ran_from_the_top, edit(2, execution_count=None)),
    (hygiene.speaks, result(1)),
    (hygiene.speaks, edit(2, source="for i in range(3):\n    claims.claim('so', i < 3)")),
    (hygiene.has_no_error, result(1, new_output("error", ename="E", evalue="e", traceback=[]))),
    (hygiene.has_no_error, result(1, stream("FutureWarning: soon", "stderr"))),
    (hygiene.keeps_its_claims, result(1, stream("✘ it does not"))),
    (hygiene.keeps_its_claims, result(1, new_output("display_data", {"text/html": "<b>✘</b>"}))),
    (hygiene.has_minimal_metadata, metadata(widgets={"state": {}})),
    (
        hygiene.has_no_widget_view,
        result(1, new_output("display_data", {WIDGET: {"model_id": "a"}, "text/plain": "w"})),
    ),
    (hygiene.has_no_empty_cell, prose(" \n")),
    (hygiene.silences_nothing, edit(2, source="warnings.filterwarnings('ignore')")),
    (hygiene.silences_nothing, edit(2, source="with suppress(ValueError):\n    f()")),
    (hygiene.silences_nothing, edit(2, source="try:\n    f()\nexcept ValueError:\n    pass")),
    (hygiene.is_compared, edit(2, source="# NBVAL_IGNORE_OUTPUT\nf()")),
    (hygiene.is_compared, edit(2, metadata={"tags": ["nbval-skip"]})),
    (hygiene.has_stable_ids, drop(1, "id")),
    (hygiene.has_stable_ids, edit(1, id="title")),
    (hygiene.has_stable_ids, edit(1, id="3f9ac01b")),
    (hygiene.describes_its_pictures, result(3, picture(alt=""))),
    (hygiene.describes_its_pictures, prose("![](line.svg)")),
    (hygiene.describes_its_pictures, prose('<img src="line.svg" width="50">')),
    (hygiene.has_short_cells, edit(2, source="x = 1\n" * 16)),
    (hygiene.uses_public_names, edit(2, source="from course_utils.plots import _secret")),
    (hygiene.uses_public_names, edit(2, source="plots._secret()")),
    (hygiene.sources_its_decimals, prose("The cosine is 0.63.")),
    (hygiene.sources_its_decimals, prose("The cosine is 0.62135.")),
    (hygiene.sources_its_decimals, prose("- 0.7 here\n- a [link](https://example.org) there")),
    (hygiene.sources_its_decimals, prose("It is 0.7, as [below](#end) says.")),
]


@pytest.mark.parametrize("rule", hygiene.RULES, ids=lambda rule: rule.__name__)
def test_a_good_notebook_passes(rule):
    assert list(rule(good())) == []


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        pytest.param(rule, change, id=f"{rule.__name__}-{number}")
        for number, (rule, change) in enumerate(BAD)
    ],
)
def test_a_rule_fires(rule, change):
    notebook = good()
    change(notebook)
    assert list(rule(notebook)), f"{rule.__name__} let it pass"


def test_every_rule_has_a_bad_notebook():
    assert {rule for rule, _ in BAD} == set(hygiene.RULES)


@pytest.mark.parametrize(
    "text",
    [
        "Python 3.11, torch 2.13 and version 2.13.0, under CC BY 4.0 or Apache-2.0; GPT-4.1.",
        "See section 3.3 of the paper.",
        "About 0.6, near 1.3.",  # 0.6213 and 1.250, rounded; the sign may be said in words
        "See [the figure](plot-0.75.svg).",
        "Reported as 0.75 by <https://example.org>.",
    ],
)
def test_decimals_that_need_no_cell(text):
    notebook = good()
    notebook.cells[0].source = text
    assert list(hygiene.sources_its_decimals(notebook)) == []


def test_reading_repairs_nothing(tmp_path):
    """nbformat.read would add the missing id, and nobody would notice."""
    notebook = good()
    del notebook.cells[1]["id"]
    path = tmp_path / "bad.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    assert list(hygiene.has_stable_ids(hygiene.read(path)))
