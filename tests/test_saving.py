"""tools/saving.py: what JupyterLab's server stores, asked of the server's own contents manager.

tests/browser/test_lessons.py saves each notebook of the course in a real browser.
"""

import asyncio
import json
from types import SimpleNamespace

import nbformat
import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat.v4 import new_code_cell, new_notebook, new_output

from tools import saving

STORED = "notebooks/deeper/L9.ipynb"


@pytest.fixture
def contents(tmp_path, monkeypatch):
    """The contents manager of a server with a course of one notebook, extension loaded."""
    monkeypatch.setattr(saving, "NOTEBOOKS", tmp_path / "notebooks")
    (tmp_path / "notebooks/deeper").mkdir(parents=True)
    cells = [new_code_cell("print(1)\n2", id="two", execution_count=1, metadata={"tags": ["x"]})]
    cells[0].outputs = [new_output("stream", text="1\n"), new_output("execute_result")]
    notebook = new_notebook(cells=cells, metadata=saving.NOTEBOOK_METADATA)
    for name in (STORED, "L9.ipynb"):
        nbformat.write(notebook, tmp_path / name)
    manager = AsyncLargeFileManager(root_dir=str(tmp_path))
    saving._load_jupyter_server_extension(SimpleNamespace(contents_manager=manager))
    return manager


def opened(contents, path: str) -> dict:
    """What a page gets of a notebook, and what it makes of it before anybody types."""
    model = json.loads(json.dumps(asyncio.run(contents.get(path)), default=str))
    cell = model["content"]["cells"][0]
    cell["metadata"] |= {"scrolled": True, "trusted": True}
    start, end = {**cell["outputs"][0], "text": ["1"]}, {**cell["outputs"][0], "text": "\n"}
    cell["outputs"][:1] = [start, end]  # as a kernel may have sent them
    return {"type": "notebook", "content": model["content"]}


def saved(contents, path: str, model: dict) -> str:
    asyncio.run(contents.save(model, path))
    with open(f"{contents.root_dir}/{path}", encoding="utf-8") as file:
        return file.read()


def test_what_a_page_adds_is_not_stored(contents, tmp_path):
    before = (tmp_path / STORED).read_text()
    assert saved(contents, STORED, opened(contents, STORED)) == before


def test_the_page_gets_what_it_would_write_itself(contents):
    told = {path: opened(contents, path)["content"]["metadata"] for path in (STORED, "L9.ipynb")}
    assert "version" in told[STORED]["language_info"]
    assert told["L9.ipynb"] == saving.NOTEBOOK_METADATA


def test_an_edit_is_stored(contents):
    model = opened(contents, STORED)
    model["content"]["cells"][0]["source"] = "3"
    text = saved(contents, STORED, model)
    assert '"3"' in text and "scrolled" not in text


def test_other_notebooks_and_other_kernels_are_left_alone(contents):
    assert "scrolled" in saved(contents, "L9.ipynb", opened(contents, "L9.ipynb"))
    model = opened(contents, STORED)
    model["content"]["metadata"]["kernelspec"] = {"name": "mine", "display_name": "Mine"}
    text = saved(contents, STORED, model)
    assert "scrolled" in text and '"mine"' in text


def test_where_the_form_fails_all_that_was_sent_is_saved(contents, monkeypatch, caplog):
    def spoil(notebook):
        notebook.cells.clear()
        raise ValueError("half done")

    monkeypatch.setattr(saving, "normalise", spoil)
    text = saved(contents, STORED, opened(contents, STORED))
    assert "print(1)" in text and "scrolled" in text
    assert "half done" in caplog.text
