"""The published STS benchmark: read from a file in its format, taken from the hub, or refused."""

import gzip
import json

import huggingface_hub
import pytest

from course_utils import data, models
from course_utils.data import sts
from course_utils.data.sts import StsError
from course_utils.data.tables import Pair
from course_utils.errors import CourseError

ROWS = [
    {"split": "test", "sentence1": "A girl sings.", "sentence2": "A girl is singing.", "score": 5},
    {"sentence1": "Un café.", "sentence2": "A plane lands.", "score": 0.0, "extra": None},
    {"sentence1": "A dog runs.", "sentence2": "A cat runs.", "score": 2.4},
]
PAIRS = [
    Pair("A girl sings.", "A girl is singing.", 5.0, "published"),
    Pair("Un café.", "A plane lands.", 0.0, "published"),
    Pair("A dog runs.", "A cat runs.", 2.4, "published"),
]


def lines(rows) -> str:
    """Rows as JSON lines; a string stands for itself."""
    texts = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    return "\n".join(texts) + "\n"


@pytest.fixture
def written(tmp_path):
    """Writes rows, text or bytes to `pairs.jsonl`, or gzipped to another name; gives its path."""

    def write(content, name: str = "pairs.jsonl"):
        path = tmp_path / name
        content = content if isinstance(content, str | bytes) else lines(content)
        content = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
        return path

    return write


@pytest.mark.parametrize("name", ["pairs.jsonl", "test.jsonl.gz"])
@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_file_in_the_published_format_becomes_pairs(written, name, kind):
    pairs = data.sts_b(path=kind(written(ROWS, name)))
    assert pairs == PAIRS
    assert all(type(pair.grade) is float for pair in pairs)


def test_blank_lines_and_a_missing_line_end_are_harmless(written):
    assert data.sts_b(path=written("\n" + lines(ROWS).replace("\n", "\n \n").rstrip())) == PAIRS


def changed(**fields) -> dict:
    """A good row but for these fields; None leaves a field out."""
    return {key: value for key, value in (ROWS[0] | fields).items() if value is not None}


@pytest.mark.parametrize(
    "bad, why",
    [
        (changed(score=None), "the fields sentence1, sentence2, score are needed"),
        (changed(sentence2=None, sentence_2="A cat runs."), "sentence1, sentence2, score are need"),
        ("[1, 2, 3]", "the fields sentence1, sentence2, score are needed"),
        ('"sentence1 sentence2 score"', "the fields sentence1, sentence2, score are needed"),
        ("{sentence1: A}", "not JSON (Expecting property name"),
        ('{"sentence1": "A", ', "not JSON"),
        ("A girl sings.\tA girl is singing.\t5", "not JSON"),
        (changed(sentence1=7), "sentence1 and sentence2 must be text"),
        (changed(sentence2=["A"]), "sentence1 and sentence2 must be text"),
        (changed(score=5.1), "a number from 0 to 5, but is 5.1"),
        (changed(score=-0.1), "a number from 0 to 5, but is -0.1"),
        (changed(score=100), "a number from 0 to 5, but is 100"),
        (changed(score="5"), "a number from 0 to 5, but is '5'"),
        (changed(score=True), "a number from 0 to 5, but is True"),
        (changed(score=[5]), "a number from 0 to 5"),
        (changed(score=float("nan")), "a number from 0 to 5, but is nan"),
    ],
)
@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.gz"])
def test_a_bad_line_is_named(written, bad, why, name):
    path = written([*ROWS, bad, ROWS[0]], name)
    with pytest.raises(StsError) as error:
        data.sts_b(path=path)
    assert str(error.value).startswith(f"{path}, line 4: ")
    assert why in str(error.value)
    assert isinstance(error.value, CourseError)


def test_scores_on_another_scale_are_not_taken_for_grades(written):
    path = written([changed(score=score) for score in (0, 0.2, 1.0)])
    with pytest.raises(StsError, match="all scores are at most 1.*from 0 to 5; multiply by 5"):
        data.sts_b(path=path)
    assert len(data.sts_b(path=written([changed(score=score) for score in (0, 1, 1.2)]))) == 3


@pytest.mark.parametrize("content", ["", "\n \n"])
@pytest.mark.parametrize("name", ["pairs.jsonl", "pairs.jsonl.gz"])
def test_a_file_without_pairs_is_refused(written, content, name):
    path = written(content, name)
    with pytest.raises(StsError, match=r"pairs\.jsonl.* holds no pairs"):
        data.sts_b(path=path)


def test_a_file_that_cannot_be_read_is_named(written, tmp_path):
    packed = written(ROWS, "cut.jsonl.gz").read_bytes()
    cut, plain = tmp_path / "cut.jsonl.gz", tmp_path / "plain.jsonl.gz"
    cut.write_bytes(packed[:-12])
    plain.write_text(lines(ROWS))
    bad = [tmp_path / "absent.jsonl", tmp_path / "absent.jsonl.gz", tmp_path, cut, plain]
    bad.append(written(lines(ROWS).encode("utf-16")))
    bad.append(written(lines(ROWS).encode("latin-1"), "latin.jsonl.gz"))
    for path in bad:
        with pytest.raises(StsError) as error:
            data.sts_b(path=path)
        assert str(error.value).startswith(f"{path} cannot be read ("), path


def test_a_damaged_archive_is_refused_wherever_the_damage_is(written):
    path = written(ROWS, "damaged.jsonl.gz")
    packed = path.read_bytes()
    for place in range(10, len(packed) - 4):  # after the header, before the length
        path.write_bytes(packed[:place] + bytes([packed[place] ^ 255]) + packed[place + 1 :])
        with pytest.raises(StsError, match=r"damaged\.jsonl\.gz"):
            data.sts_b(path=path)


@pytest.mark.parametrize("split", ["dev", "Test", "", None, 0])
def test_an_unknown_split_is_refused_before_anything_is_read(split):
    with pytest.raises(StsError, match="no split .*choose one of train, validation, test"):
        data.sts_b(split, path="absent.jsonl")


# ------------------------------------------------------------------------------------- the hub


@pytest.mark.parametrize("switch", [None, "embedded"])
def test_without_the_hub_a_learner_reads_what_to_do(monkeypatch, switch):
    if switch:
        monkeypatch.setenv("COURSE_MODELS", switch)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", None)  # must not be asked
    with pytest.raises(StsError) as error:
        data.sts_b()
    for advice in ("COURSE_MODELS=hub", "restart the kernel", "path of a copy", "data.pairs()"):
        assert advice in str(error.value)


class Hub:
    """Stands for `hf_hub_download` and `require_hub`, and notes in which order they are asked."""

    def __init__(self, copy=None, download=None, reachable=True):
        self.copy, self.download, self.reachable = copy, download, reachable
        self.asked, self.files = [], []

    def hf_hub_download(self, local_files_only=False, **file):
        self.asked.append("copy" if local_files_only else "download")
        self.files.append(file)
        found = self.copy if local_files_only else self.download
        if found is None:
            raise FileNotFoundError("not here")
        return str(found)

    def require_hub(self, wanted):
        self.asked.append(f"is {wanted} reachable?")
        if not self.reachable:
            raise CourseError("the hub does not answer")


@pytest.fixture
def hub(monkeypatch):
    """Puts a Hub in the place of the real one."""

    def put(**options) -> Hub:
        made = Hub(**options)
        monkeypatch.setenv("COURSE_MODELS", "hub")
        monkeypatch.setattr(huggingface_hub, "hf_hub_download", made.hf_hub_download)
        monkeypatch.setattr(models, "require_hub", made.require_hub)
        return made

    return put


REACHABLE = f"is {sts.REPOSITORY} reachable?"


@pytest.mark.parametrize("split", sts.SPLITS)
def test_a_copy_on_this_machine_needs_no_network(hub, written, split):
    made = hub(copy=written(ROWS, "local.jsonl.gz"), reachable=False)
    assert data.sts_b(split) == PAIRS
    assert made.asked == ["copy"]
    assert made.files == [
        {
            "repo_id": sts.REPOSITORY,
            "filename": f"{split}.jsonl.gz",
            "revision": sts.REVISION,
            "repo_type": "dataset",
        }
    ]


def test_without_a_copy_the_hub_is_asked_once_for_the_same_file(hub, written):
    made = hub(download=written(ROWS, "fresh.jsonl.gz"))
    assert data.sts_b() == PAIRS
    assert made.asked == ["copy", REACHABLE, "download"]
    assert made.files[0] == made.files[1]
    assert len(sts.REVISION) == 40  # a commit, not a branch that moves


def test_a_hub_that_does_not_answer_is_not_asked_again(hub):
    made = hub(reachable=False)
    with pytest.raises(CourseError):
        data.sts_b()
    assert made.asked == ["copy", REACHABLE]


def test_a_failed_download_says_what_to_do(hub):
    hub()
    with pytest.raises(StsError) as error:
        data.sts_b("validation")
    for part in ("FileNotFoundError", "validation.jsonl.gz", sts.REPOSITORY, "give its path"):
        assert part in str(error.value)


def test_a_path_wins_over_the_hub(hub, written):
    made = hub(reachable=False)
    assert data.sts_b(path=written(ROWS)) == PAIRS
    assert made.asked == []
