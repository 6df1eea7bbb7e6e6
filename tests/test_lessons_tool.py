"""tools/lessons.py: what it keeps, what it replaces, and that a failure costs nothing."""

import base64
import copy

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils import plots
from tests.helpers import commit
from tools import lessons

RULES = lessons.patterns()
ALL_NEW = None  # as for a notebook that was never committed


def picture(shift: float = 0.0, title: str = "A line that rises") -> str:
    figure = plots.figure(4, 2)
    axes = figure.subplots()
    axes.plot([0, 1, 2], np.array([0, 1, 4]) + shift)
    axes.set_ylim(0, 5)  # fixed: else the axes would follow the shift and hide it
    axes.set_title(title)
    return base64.b64encode(plots.png(figure)).decode()


def printed(text: str):
    return new_output("stream", name="stdout", text=text)


def shown(code: str):
    data = {"image/png": code, "text/plain": "[figure] a line"}
    return new_output("display_data", data=data, metadata={"image/png": {"alt": "a line"}})


def notebook(*cells: tuple[str, list]):
    """A notebook of executed cells `(source, outputs)` with the ids c0, c1, ..."""
    made = [
        new_code_cell(source, id=f"c{number}", execution_count=number + 1, outputs=outputs)
        for number, (source, outputs) in enumerate(cells)
    ]
    return new_notebook(cells=made)


def sources(of) -> dict[str, str]:
    return {cell.id: cell.source for cell in of.cells}


def settled(old, new, committed):
    """The outputs of each cell after `settle`."""
    new = copy.deepcopy(new)
    lessons.settle(old, new, committed, RULES)
    return [cell.outputs for cell in new.cells]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("cosine 0.6213", "cosine 0.6214"),
        ("x -0.01 y", "x  0.01 y"),
        ("took 3.1 s", "took 12 s"),
        ("12.5 MB used", "31 MB used"),
        ("loss 2.31", "loss 2.33"),
        ("[0.98 1.  ]", "[0.99 1.  ]"),
    ],
)
def test_jitter_keeps_the_old_bytes(old, new):
    before, after = notebook(("show()", [printed(old)])), notebook(("show()", [printed(new)]))
    assert settled(before, after, sources(before))[0][0].text == old


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("queen, king", "king, queen"),
        ("34 of 40", "35 of 40"),
        ("✔ apart (0.80 vs 0.50)", "✘ apart (0.80 vs 0.50)"),
        ("cosine 0.62", "cosine 0.71"),
        ("a 0.62", "a 0.62 0.62"),
        ("torch 2.13.0", "torch 2.14.0"),
    ],
)
def test_a_real_change_replaces_the_old_output(old, new):
    before, after = notebook(("show()", [printed(old)])), notebook(("show()", [printed(new)]))
    assert settled(before, after, sources(before))[0][0].text == new


def test_a_picture_stays_while_it_looks_the_same():
    old, noise, other = picture(), picture(shift=0.005), picture(title="Something else altogether")
    assert len({old, noise, other}) == 3
    before = notebook(("draw()", [shown(old)]))
    for new, expected in ((noise, old), (other, other)):
        after = notebook(("draw()", [shown(new)]))
        assert settled(before, after, sources(before))[0][0].data["image/png"] == expected


def test_after_an_edited_cell_everything_is_new():
    old, noise = picture(), picture(shift=0.005)
    before = notebook(("a = 1", []), ("a", [printed("0.621")]), ("draw()", [shown(old)]))
    after = notebook(("a = 2", []), ("a", [printed("0.622")]), ("draw()", [shown(noise)]))
    outputs = settled(before, after, sources(before))
    assert outputs[1][0].text == "0.622"
    assert outputs[2][0].data["image/png"] == noise
    uncommitted = settled(before, after, ALL_NEW)
    assert uncommitted[2][0].data["image/png"] == noise


def test_before_an_edited_cell_everything_stays():
    before = notebook(("a", [printed("0.621")]), ("b = 1", []))
    after = notebook(("a", [printed("0.622")]), ("b = 2", []))
    assert settled(before, after, sources(before))[0][0].text == "0.621"


def test_below_an_output_that_changed_pictures_are_new():
    old, noise = picture(), picture(shift=0.005)
    before = notebook(("rank()", [printed("bat, ball")]), ("draw()", [shown(old)]))
    after = notebook(("rank()", [printed("ball, bat")]), ("draw()", [shown(noise)]))
    assert settled(before, after, sources(before))[1][0].data["image/png"] == noise


def test_normalise_drops_what_tools_leave_behind():
    cell = new_code_cell("w", id="w", execution_count=3)
    cell.metadata = nbformat.from_dict(
        {"execution": {"shell.execute_reply": "2026"}, "scrolled": True, "tags": ["keep"]}
    )
    view = {lessons.WIDGET: {"model_id": "x"}, "image/png": "QQ==", "text/plain": "w"}
    cell.outputs = [printed("a"), printed("b"), new_output("display_data", data=view), printed("c")]
    made = new_notebook(cells=[cell])
    made.metadata = nbformat.from_dict(
        {"widgets": {}, "kernelspec": {"name": "other"}, "language_info": {"version": "3.11.7"}}
    )
    lessons.normalise(made)
    assert made.metadata == lessons.NOTEBOOK_METADATA
    assert cell.metadata == {"tags": ["keep"]}
    assert [output.get("text") for output in cell.outputs] == ["ab", None, "c"]
    assert set(cell.outputs[1].data) == {"image/png", "text/plain"}
    assert (cell.id, cell.execution_count) == ("w", 3)


def store(folder, name: str, *codes: str):
    """A notebook file that was never run, as an author leaves it."""
    cells = [new_markdown_cell("# A lesson", id="title")]
    cells += [new_code_cell(code, id=f"step-{number}") for number, code in enumerate(codes)]
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_a_second_run_changes_nothing(tmp_path, capsys):
    """Values that differ in each run, a widget, an id, and a picture: the file stays as it was."""
    path = store(
        tmp_path,
        "L9_tiny",
        "import time, os\nnoise = time.time_ns() % 1000 / 1e7\nprint(f'cosine {0.5 + noise:.6f}')",
        "import ipywidgets; ipywidgets.IntSlider()",
        "print(os.path.basename(os.getcwd()), flush=True); print('and more')",
    )
    assert lessons.main(["L9", "--check"], tmp_path) == 1
    assert lessons.main(["L9"], tmp_path) == 0
    commit(tmp_path)
    first = path.read_bytes()
    assert lessons.main(["L9"], tmp_path) == 0
    assert path.read_bytes() == first
    assert "L9_tiny is as it was." in capsys.readouterr().out
    made = nbformat.read(path, as_version=4)
    assert [cell.id for cell in made.cells] == ["title", "step-0", "step-1", "step-2"]
    assert made.cells[3].outputs[0].text == f"{tmp_path.name}\nand more\n"
    assert lessons.WIDGET not in first.decode() and "widgets" not in made.metadata


def test_a_failing_cell_leaves_the_file_alone_and_is_named(tmp_path, capsys):
    path = store(tmp_path, "L9_broken", "print('fine')", "raise ValueError('too cold')")
    other = store(tmp_path, "L8_fine", "print('fine')")
    before = path.read_bytes()
    assert lessons.main([], tmp_path) == 1
    said = capsys.readouterr()
    assert "L9_broken: cell 'step-1' failed" in said.err and "ValueError: too cold" in said.err
    assert path.read_bytes() == before
    assert "fine" in other.read_text() and "L8_fine changed." in said.out
    assert sorted(file.name for file in tmp_path.iterdir()) == [other.name, path.name]


def test_an_unknown_lesson_is_an_error(tmp_path):
    store(tmp_path, "L9_tiny", "1")
    with pytest.raises(SystemExit, match="no lesson L7"):
        lessons.main(["L7"], tmp_path)
