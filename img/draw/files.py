"""The files of a picture: what was measured for it, and the SVG and PNG that come of it."""

import importlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

FOLDER = Path(__file__).resolve().parent.parent
DATA = Path(__file__).resolve().parent / "data"
DIGITS = 4  # of a measured number: what more would say depends on the machine
TOLERANCE = 5e-4


def module(name: str) -> ModuleType:
    """The module that draws a picture: `Dual-Encoder` is drawn by `img.draw.dual_encoder`."""
    return importlib.import_module(f"img.draw.{name.replace('-', '_').lower()}")


def measured(name: str) -> dict:
    """What was measured for a picture."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def measure(name: str) -> dict | None:
    """What the picture shows of the model, measured anew; None where it shows nothing of it."""
    made: Callable[[], dict] | None = getattr(module(name), "measure", None)
    return _rounded(made()) if made else None


def figure(name: str) -> Figure:
    """The picture, drawn anew from what was measured."""
    drawing = module(name)
    return drawing.draw(measured(name)) if hasattr(drawing, "measure") else drawing.draw()


def svg_bytes(fig: Figure) -> bytes:
    """The figure as an SVG file: letters as outlines, no date, so equal figures are equal bytes."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "course"}):
        fig.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def png_bytes(fig: Figure) -> bytes:
    """The figure as a PNG file of 256 colours: a third of the size, for lessons that hold it."""
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())
    buffer = io.BytesIO()
    few = image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def write(name: str, folder: Path = FOLDER) -> None:
    """Draw a picture and write both its files."""
    fig = figure(name)
    (folder / f"{name}.svg").write_bytes(svg_bytes(fig))
    (folder / f"{name}.png").write_bytes(png_bytes(fig))


def remember(name: str) -> None:
    """Measure what a picture shows; what differs by rounding alone is left as it is."""
    found, path = measure(name), DATA / f"{name}.json"
    if found is not None and not (path.exists() and alike(found, measured(name))):
        text = json.dumps(found, indent=1, ensure_ascii=False)
        text = re.sub(r"\[[^\[\]{}]*\]", lambda row: " ".join(row[0].split()), text) + "\n"
        path.write_text(text, encoding="utf-8")


def alike(one, two) -> bool:
    """Whether two measurements say the same, but for what CPUs and threads round differently."""
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(alike(one[key], two[key]) for key in one)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(alike, one, two))
    if isinstance(one, float) and isinstance(two, float):
        return abs(one - two) <= TOLERANCE
    return one == two


def _rounded(value):
    """The same with every number rounded; + 0.0 turns -0 into 0."""
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return round(value, DIGITS) + 0.0 if isinstance(value, float) else value
