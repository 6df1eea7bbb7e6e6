"""Prints constraints that pin what the lessons need to the oldest admitted versions."""

import re
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements.txt"


def minimum(text: str) -> list[str]:
    """`name==oldest` for each range `name>=oldest` of the section [lessons]."""
    lessons = text.partition("# [lessons]")[2].partition("# [")[0]
    return [
        f"{name}=={oldest}" for name, oldest in re.findall(r"^([\w-]+)>=([\d.]+)", lessons, re.M)
    ]


if __name__ == "__main__":
    print("\n".join(minimum(REQUIREMENTS.read_text(encoding="utf-8"))))
