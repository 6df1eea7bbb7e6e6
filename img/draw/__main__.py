"""`python -m img.draw [NAME ...]`: measure and redraw the pictures of these names, or all."""

import sys

from course_utils import pictures
from img.draw import files


def main(names: list[str]) -> None:
    for name in names or pictures.NAMES:
        pictures.picture(name)  # says which names there are
        files.remember(name)
        files.write(name)
        print(f"img/{name}.svg, img/{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
