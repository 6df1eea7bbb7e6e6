"""An index that is kept on disk is the one that was built, or it is made anew."""

import functools
from dataclasses import replace

import numpy as np
import pytest

from course_utils import data
from course_utils.retrieval import index


@pytest.fixture(scope="module")
def entries() -> list[data.Entry]:
    return data.documentation()[::600]


def assert_equal(one: index.Index, other: index.Index) -> None:
    assert (one.entries, one.passages) == (other.entries, other.passages)
    assert one.vocabulary.counts == other.vocabulary.counts
    np.testing.assert_array_equal(one.vectors, other.vectors)
    asked = [entry.summary for entry in one.entries]
    np.testing.assert_array_equal(one.bm25.scores(asked), other.bm25.scores(asked))


@pytest.fixture(scope="module")
def build():
    """`index.build` that embeds the same entries once."""
    original = index.build
    return functools.cache(lambda entries: original(entries, progress=False))


@pytest.fixture
def builds(cache_folder, monkeypatch, build) -> list[int]:
    """How many entries each build had, in an empty cache folder."""
    built = []
    monkeypatch.setattr(
        index, "build", lambda some, _: built.append(len(some)) or build(tuple(some))
    )
    return built


def test_an_index_is_built_once_and_loaded_equal(entries, builds):
    first, second = index.kept(entries), index.kept(entries)
    assert builds == [len(entries)]
    assert_equal(first, second)
    np.testing.assert_allclose(np.linalg.norm(first.vectors, axis=1), 1, atol=1e-5)


def test_whatever_file_is_damaged_or_gone_the_index_is_made_anew(entries, builds, cache_folder):
    first = index.kept(entries)
    (folder,) = (cache_folder / "index").iterdir()
    files = [path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file()]
    assert len(files) > 4
    for file in files:
        for damage in (lambda path: path.write_bytes(path.read_bytes()[:-9]),
                       lambda path: path.write_bytes(b""),
                       lambda path: path.unlink()):  # fmt: skip
            damage(folder / file)
            assert_equal(index.kept(entries), first)
    assert len(builds) == 1 + 3 * len(files)
    assert list((cache_folder / "index").iterdir()) == [folder]


def test_another_document_another_index(entries, builds):
    index.kept(entries)
    changed = [replace(entries[0], text="Another text."), *entries[1:]]
    found = index.kept(changed)
    assert len(builds) == 2
    assert found.passages[0] == f"{entries[0].name}: Another text."


def test_where_nothing_can_be_kept_an_index_is_built_all_the_same(entries, builds, cache_folder):
    cache_folder.mkdir()
    (cache_folder / "index").write_text("no folder")
    for times in (1, 2):
        assert index.kept(entries).names == [entry.name for entry in entries]
        assert len(builds) == times
