"""The pictures of the course, from `img/`: what each shows in words, and `show` for the lessons.

Captions and alternative texts stand in `img/pictures.json`: notebooks, README and tests take them
from here. `img/draw/` draws the pictures.
"""

import base64
import html
import json
from dataclasses import dataclass
from pathlib import Path

from course_utils.errors import BadInput, CourseError

FOLDER = Path(__file__).resolve().parent.parent / "img"
WIDTH = 720  # pixels on the page; the files have twice as many, for sharp screens


@dataclass(frozen=True)
class Picture:
    """A picture of the course.

    `caption` is the finding in a sentence; `alt` says in words what there is to see.
    """

    name: str
    lesson: str
    caption: str
    alt: str

    @property
    def png(self) -> Path:
        return FOLDER / f"{self.name}.png"

    @property
    def svg(self) -> Path:
        return FOLDER / f"{self.name}.svg"


_TEXTS = json.loads((FOLDER / "pictures.json").read_text(encoding="utf-8"))
*PICTURES, PHOTOGRAPH = (Picture(**texts) for texts in _TEXTS)
# No script draws PHOTOGRAPH, and there is no .svg of it: `make photograph` takes it.
NAMES = tuple(picture.name for picture in PICTURES)


def picture(name: str) -> Picture:
    """The picture of this name, such as "Dual-Encoder". Raises BadInput for another name."""
    for known in PICTURES:
        if known.name == name:
            return known
    raise BadInput(f"There is no picture {name!r}. The pictures are: {', '.join(NAMES)}.")


def show(name: str) -> None:
    """Show a picture of the course in a notebook, with its caption and its description.

    The picture is part of the output, so that it is there wherever the notebook is read. Raises
    CourseError where its file is gone.
    """
    from IPython.display import display

    shown = picture(name)
    try:
        encoded = base64.b64encode(shown.png.read_bytes()).decode()
    except OSError as error:
        raise CourseError(
            f"{shown.png} cannot be read ({error.strerror}). The pictures lie in the course's "
            "folder img: get the whole course, or draw them with `make figures`."
        ) from error
    bundle = {"image/png": encoded, "text/plain": f"[picture] {shown.alt}"}
    display(bundle, metadata={"image/png": {"alt": shown.alt, "width": WIDTH}}, raw=True)
    described = (
        f'<p style="max-width:{WIDTH}px">{html.escape(shown.caption)}</p><details><summary>'
        f"Describe this picture</summary>{html.escape(shown.alt)}</details>"
    )
    display({"text/html": described, "text/plain": shown.caption}, raw=True)
