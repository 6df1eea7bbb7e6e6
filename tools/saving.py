"""The form in which the course's notebooks are stored, and JupyterLab's part in keeping it.

Whatever belongs to a machine or to a person's screen is left out: the version of Python, times,
scroll positions. So a notebook that is opened and saved unchanged is, byte for byte, what it was.
tools/lessons.py stores notebooks in this form; JupyterLab does, too, where the environment of the
course makes this module an extension of its server (tools/environment.py).
"""

import inspect
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4.rwbase import rejoin_lines

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
KERNEL = "python3"
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": KERNEL},
    "language_info": {"name": "python"},
}
CELL_METADATA = {"tags", "jupyter"}  # what an author sets on purpose; all else is left by tools


def normalise(notebook: NotebookNode) -> None:
    """Bring a notebook into the stored form; sources and what outputs hold stay as they are."""
    rejoin_lines(notebook)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict(
            {name: value for name, value in cell.metadata.items() if name in CELL_METADATA}
        )
        if cell.cell_type == "code":
            cell.outputs = merged(cell.outputs)


def merged(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """The outputs, with neighbouring pieces of one stream as one."""
    result: list[NotebookNode] = []
    for output in outputs:
        last = result[-1] if result else None
        if output.output_type == "stream" and last and last.get("name") == output.name:
            last.text += output.text
        else:
            result.append(output)
    return result


def before_saving(model: dict, path: str, contents_manager, **_) -> None:
    """A hook of jupyter_server: what is about to be saved takes the stored form.

    Other notebooks than those of the course stay as they are, and so do those for which somebody
    has chosen another kernel. An exception here is logged by the server, which then saves what the
    page has sent: nothing is changed before all is done.
    """
    if model.get("type") == "notebook" and ours(path, contents_manager):
        notebook = nbformat.from_dict(model["content"])
        if notebook.metadata.get("kernelspec", {}).get("name") == KERNEL:
            normalise(notebook)
            model["content"] = notebook


def ours(path: str, contents_manager) -> bool:
    """Whether a path of the server is that of a notebook of the course."""
    return (Path(contents_manager.root_dir) / path.strip("/")).resolve().is_relative_to(NOTEBOOKS)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(app) -> None:
    """Called by jupyter_server when it starts.

    JupyterLab writes into each notebook that it opens what the kernel says of its language, the
    version of Python among it, and marks the tab as changed where this is new to the file. So the
    page is sent these lines with the notebook; the hook takes them out again.
    """
    from ipykernel.ipkernel import IPythonKernel

    contents = app.contents_manager
    contents.register_pre_save_hook(before_saving)
    read = contents.get
    if not inspect.iscoroutinefunction(read):  # another contents manager than the usual one
        return

    async def get(path, *args, **options):
        model = await read(path, *args, **options)
        if model["type"] == "notebook" and model["content"] and ours(path, contents):
            metadata = model["content"]["metadata"]
            if metadata.get("language_info") == NOTEBOOK_METADATA["language_info"]:
                metadata["language_info"] = dict(IPythonKernel.language_info)
        return model

    contents.get = get
