"""GloVe's archive: read, or refused with the file and the line named."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from course_utils import glove


def archive(folder: Path, text: str | bytes, member: str = glove.MEMBER) -> Path:
    path = folder / "glove.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(member, text)
    return path


def test_glove_reads_words_and_vectors(tmp_path):
    path = archive(tmp_path, "the 1 0\nnaïve 0.5 -2e-1\n. 3 3")
    vocabulary, table = glove.load(path)
    assert vocabulary.get_vocab() == {"the": 0, "naïve": 1, ".": 2}
    weight = table.get_input_embeddings().weight
    assert np.array_equal(weight.numpy(), np.float32([[1, 0], [0.5, -0.2], [3, 3]]))
    assert glove.load(path, limit=2)[0].get_vocab() == {"the": 0, "naïve": 1}


@pytest.mark.parametrize(
    "text, line",
    [
        ("the 1 0\nking 1\n", 2),
        ("the 1 0\nking 1 2 3\n", 2),
        ("the 1 0\na 1 1\n\nb 1 1\n", 3),
        ("the 1 0\nking one two\n", 2),
        ("the one 0\n", 1),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, line):
    path = archive(tmp_path, text)
    with pytest.raises(glove.GloveError, match=rf"glove\.zip.*line {line}\b"):
        glove.load(path)


def damaged(folder: Path) -> Path:
    """An archive whose compressed data is not what was packed."""
    path = archive(folder, "\n".join(f"word{n} {n} {n * n}" for n in range(5000)))
    data = bytearray(path.read_bytes())
    data[1000:1400] = b"\xff" * 400
    path.write_bytes(data)
    return path


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "make",
    [
        lambda folder: written(folder / "glove.zip", b"<html>not found</html>"),
        lambda folder: written(folder / "glove.zip", b""),
        lambda folder: folder / "glove.zip",
        lambda folder: archive(folder, "the 1 0\n", "other.txt"),
        lambda folder: archive(folder, b"\xff\xfe 1 0\n"),
        lambda folder: archive(folder, ""),
        damaged,
    ],
    ids=["html", "empty", "absent", "other member", "not UTF-8", "no lines", "damaged"],
)
def test_an_archive_that_is_not_gloves_is_refused(tmp_path, make):
    with pytest.raises(glove.GloveError, match=r"glove\.zip"):
        glove.load(make(tmp_path))
