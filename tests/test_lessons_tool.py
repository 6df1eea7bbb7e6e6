"""tools/lessons.py: when a new run is stored, and that a failure costs nothing."""

import base64

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from course_utils import plots
from tools import lessons

RULES = lessons.patterns()


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


def alike(old: list, new: list) -> bool:
    """Whether two runs of a cell, below one that says nothing, say the same."""
    runs = [notebook(("x = 1", []), ("show()", outputs)) for outputs in (old, new)]
    return lessons.same_run(*runs, RULES)


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
def test_jitter_is_no_change(old, new):
    assert alike([printed(old)], [printed(new)])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("queen, king", "king, queen"),
        ("34 of 40", "35 of 40"),
        ("✔ apart (0.80 vs 0.50)", "✘ apart (0.80 vs 0.50)"),
        ("cosine 0.62", "cosine 0.71"),
        ("a 0.62", "a 0.62 0.62"),
        ("torch 2.13.0", "torch 2.14.0"),
        ("cosine 0.62", "cosine 0.621"),
    ],
)
def test_a_real_change_is_one(old, new):
    assert not alike([printed(old)], [printed(new)])
    assert not alike([printed(old)], [])


def test_pictures_are_compared_as_they_look():
    old, noise = shown(picture()), shown(picture(shift=0.005))
    assert old != noise and alike([old], [noise])
    assert not alike([old], [shown(picture(title="A line that rises."))])


def store(folder, name: str, *codes: str):
    """A notebook file that was never run, as an author leaves it."""
    cells = [new_markdown_cell("# A lesson", id="title")]
    cells += [new_code_cell(code, id=f"step-{number}") for number, code in enumerate(codes)]
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    return path


def test_a_second_run_changes_nothing(tmp_path, capsys):
    """Values that differ in each run, a widget, an id: the file stays as it was."""
    path = store(
        tmp_path,
        "L9_tiny",
        "import time, os\nnoise = time.time_ns() % 1000 / 1e7\nprint(f'cosine {0.5 + noise:.6f}')",
        "import ipywidgets; ipywidgets.IntSlider()",
        "print(os.path.basename(os.getcwd()), flush=True); print('and more')",
    )
    assert lessons.main(["L9", "--check"], tmp_path) == 1
    assert lessons.main(["L9"], tmp_path) == 0
    first = path.read_bytes()
    assert lessons.main(["L9"], tmp_path) == 0
    assert path.read_bytes() == first
    assert "L9_tiny is as it was." in capsys.readouterr().out
    made = nbformat.read(path, as_version=4)
    assert [cell.id for cell in made.cells] == ["title", "step-0", "step-1", "step-2"]
    assert made.cells[3].outputs[0].text == f"{tmp_path.name}\nand more\n"
    assert lessons.WIDGET not in first.decode() and "widgets" not in made.metadata


def test_all_outputs_come_from_one_run(tmp_path):
    """One cell has something new to say, so the jitter of the others is stored with it."""
    count = tmp_path / "count"
    count.write_text("1")
    codes = (
        f"n = int(open({str(count)!r}).read())\nprint(f'{{0.5 + n / 1e5:.6f}}')",
        "print(n // 3)",
    )
    path = store(tmp_path, "L9_tiny", *codes)

    def stored(run: int) -> list[str]:
        count.write_text(str(run))
        assert lessons.main([], tmp_path) == 0
        return [cell.outputs[0].text for cell in nbformat.read(path, as_version=4).cells[1:]]

    assert stored(1) == ["0.500010\n", "0\n"]
    assert stored(2) == ["0.500010\n", "0\n"]
    assert stored(3) == ["0.500030\n", "1\n"]


def test_optional_notebooks_run_in_their_folder_and_are_named_by_it(tmp_path, capsys):
    (tmp_path / "deeper").mkdir()
    code = "import os\nprint(os.path.basename(os.getcwd()))"
    lesson, optional = (store(tmp_path, name, code) for name in ("L9_tiny", "deeper/L9_more"))
    before = lesson.read_bytes()
    assert lessons.main(["deeper/L9"], tmp_path) == 0
    assert lesson.read_bytes() == before and "deeper\\n" in optional.read_text()
    assert lessons.chosen(["L9"], tmp_path) == [lesson]
    assert lessons.chosen([], tmp_path) == [lesson, optional]


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
