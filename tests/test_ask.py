"""The command `ask`: the pipeline's order from an index on disk, and packages of every temper."""

import argparse
import inspect
import json
import os
import subprocess
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from course_utils import bm25, cache, data
from course_utils.data import Entry, docstrings, gather
from course_utils.errors import BadInput
from course_utils.rag.abstention import Rule
from course_utils.retrieval import ask, index, kept, packages, part, pipeline
from course_utils.retrieval.packages import PackageError

ROOT = Path(__file__).parent.parent
MODULES = {
    "stdlib": "builtins collections itertools functools shutil tempfile json csv random re",
    "numpy": "numpy",
}
ALWAYS, NEVER = Rule("single encoder", -1.0), Rule("single encoder", 2.0)
QUESTIONS = 20


@pytest.fixture(scope="module")
def rows():
    return gather.gather(MODULES)


@pytest.fixture(scope="module")
def questions(rows):
    """The first 20 questions of the course whose answers are among the entries."""
    names = {row[0] for row in rows}
    answerable = [each for each in data.questions() if set(each.answers) & names]
    return answerable[:QUESTIONS]


@pytest.fixture(scope="module")
def entries(rows, questions):
    """Entries of the standard library and numpy: every twentieth, and those that answer."""
    wanted = {name for each in questions for name in each.answers}
    wanted |= {"shutil.copytree", "numpy.argsort", "json.dump"}
    chosen = [row for at, row in enumerate(rows) if at % 20 == 0 or row[0] in wanted]
    found = [Entry(row[0], docstrings.summary(row[3]), row[3], row[2], row[1]) for row in chosen]
    return [each for each in found if each.summary]


@pytest.fixture(scope="module")
def made(entries):
    return part.made(packages.with_signatures(entries), progress=False)


@pytest.fixture(scope="module")
def whole(entries):
    """The index of `retrieval.search` of the same entries."""
    return index.build(entries, progress=False)


@pytest.fixture(scope="module")
def small(made):
    """What the command searches, once it has been on disk."""
    return kept.Kept([part.unpacked(part.packed(made))])


def test_the_order_is_that_of_search(small, whole, questions):
    assert len(questions) == QUESTIONS
    for each in questions:
        ours = ask.answer(small, each.question, 10, rule=ALWAYS)
        theirs = pipeline.search(each.question, 10, index=whole)
        names = [name for one in ours.found for name in (one.name, *one.also)]
        folded = [one.name for one in theirs if one.name in names]
        assert [name for name in names if name in folded] == folded
        assert ours.found[0].name == theirs[0].name
        assert ours.asked == theirs[0].asked


def test_the_counted_words_give_the_scores_of_bm25(small, whole, questions):
    asked = [each.question for each in questions] + ["xyzzy", "the the the"]
    np.testing.assert_allclose(small.bm25.scores(asked), whole.bm25.scores(asked), atol=1e-4)


def test_several_parts_count_as_one(entries, made, small):
    half = len(entries) // 2
    documented = packages.with_signatures(entries)
    parts = [part.made(some, progress=False) for some in (documented[:half], documented[half:])]
    two = kept.Kept(parts)
    assert [each.name for each in two.entries] == [each.name for each in small.entries]
    for question in ("copy a folder", "sort the numbers of an array", "xyzzy"):
        one = ask.answer(small, question, rule=ALWAYS)
        other = ask.answer(two, question, rule=ALWAYS)
        assert [each.name for each in other.found] == [each.name for each in one.found]
        np.testing.assert_allclose(
            two.bm25.scores([question]), small.bm25.scores([question]), atol=1e-4
        )
    assert two.vocabulary.counts == small.vocabulary.counts


def test_an_answer_says_how_to_call_it_and_what_it_does(small):
    found = ask.answer(small, "copy a whole folder with everything in it", 3, rule=ALWAYS)
    first = found.found[0]
    assert first.name == "shutil.copytree"
    assert first.signature.startswith("(src, dst, symlinks=False")
    assert first.summary.startswith("Recursively copy a directory tree")
    assert (first.rank, first.share) == (1, 1.0)
    assert [each.rank for each in found.found] == [1, 2, 3]
    assert all(0 <= each.share <= 1 for each in found.found)


@pytest.mark.parametrize("width", [20, 60, 100, 500])
def test_no_line_is_wider_than_the_terminal(small, width):
    found = ask.answer(small, "sort an array, give its order", 8, rule=ALWAYS)
    text = ask.as_text(found, 8, width)
    names = [each.name for each in found.found]
    for line in text.split("\n"):
        assert len(line) <= max(40, min(width, 110)) or any(name in line for name in names)
    assert "\x1b" not in text  # standard output is no terminal here
    assert "numpy.argsort" in text and "100%" in text


def test_what_does_not_fit_is_said_to_be_so(small):
    found = ask.answer(small, "how do I bake bread", 5, rule=NEVER)
    text = ask.as_text(found)
    assert not found.fits
    assert "I find nothing that fits in the documentation of Python, numpy" in text
    assert "%" not in text
    assert f" {ask.NEAREST}. " in text and f" {ask.NEAREST + 1}. " not in text


def test_corrected_spelling_is_said(small):
    assert "Searched for: copy a directory" in ask.as_text(
        ask.answer(small, "copy a direktory", rule=ALWAYS)
    )
    assert "Searched for" not in ask.as_text(ask.answer(small, "Copy a directory", rule=ALWAYS))


@pytest.mark.parametrize(
    "question",
    ["x" * 10_000, "как отсортировать массив", "配列を並べ替える", "np.sort(a)[::-1]", "{'a': 1}"]
    + [
        "<script>alert(1)</script> sort",
        "<b>",
        "\x1b[2J sort",
        "--",
        "a\nb\tc",
        "🙂 sort",
        "\udcff x",
    ],
)
def test_odd_questions_get_an_answer_or_a_clear_message(small, question):
    try:
        found = ask.answer(small, question, 3, rule=ALWAYS)
    except BadInput as error:
        assert len(str(error)) > 20
        return
    assert len(found.found) == 3
    assert "\x1b" not in ask.as_text(found)
    assert len(json.loads(ask.as_json(found))["results"]) == 3


def test_copies_of_one_entry_share_a_place(made):
    first = next(each for each in made.documented if each.entry.name == "shutil.copytree")
    twin = replace(first, entry=replace(first.entry, name="shutil.more.copytree"))
    documented = [*made.documented[:40], first, twin, made.documented[-1]]
    unique = list({each.entry.name: each for each in documented}.values())
    found = ask.answer(
        kept.Kept([part.made(unique, progress=False)]), "copytree", 3, rule=ALWAYS
    ).found
    assert {found[0].name, *found[0].also} == {"shutil.copytree", "shutil.more.copytree"}
    assert len({each.name for each in found}) == 3


@pytest.mark.parametrize(
    "question, name, summary, text, sentence",
    [
        (
            "split train test",
            "KFold",
            "A validator.",
            "One.\nIt has a train set.",
            "It has a train set.",
        ),
        ("train", "train_it", "Does so.", "It has a train set.", ""),
        ("train", "fit", "Train it.", "Train more.", ""),
        ("train", "fit", "Does.", "Nothing here.", ""),
        ("train", "fit", "Does.", "train " * 99, ""),
        ("train", "fit", "Does.", "", ""),
        ("how do I", "fit", "Does.", "How do I.", ""),
    ],
)
def test_a_sentence_is_added_where_it_says_more(question, name, summary, text, sentence):
    assert ask.best_sentence(question, name, summary, text) == sentence


# --- kept on disk -------------------------------------------------------------------------------


def documented(made, texts: int = 3) -> list[packages.Documented]:
    return made.documented[:texts]


def test_a_part_is_made_once_and_again_where_it_is_asked_for_or_damaged(made, cache_folder):
    calls, said = [], []

    def collected():
        calls.append(1)
        return documented(made)

    def get(key="key", again=False):
        return kept.kept("few", collected, key, again, said.append)

    first = get()
    assert (len(calls), len(said)) == (1, 1) and "few" in said[0]
    second = get()
    assert len(calls) == 1
    assert second.documented == first.documented
    np.testing.assert_array_equal(second.plain, first.plain)
    (file,) = (cache_folder / "ask").iterdir()
    whole = file.read_bytes()
    for number, damaged in enumerate([whole[:-100], b"", whole[:50] + b"?" + whole[51:]], start=2):
        file.write_bytes(damaged)
        assert get().documented == first.documented
        assert len(calls) == number
    assert file.read_bytes() == whole
    get(again=True)
    for key in ("another key", "a third", "a fourth"):
        get(key)
    assert len(calls) == 8
    assert len(list((cache_folder / "ask").iterdir())) == 2  # the newest, and the one before it


def test_the_key_changes_with_a_version(monkeypatch):
    before = kept.course_key()
    assert kept.course_key() == before
    monkeypatch.setattr(kept.importlib.metadata, "version", lambda name: "99")
    assert kept.course_key() != before


def test_added_packages_are_remembered(cache_folder):
    assert kept.added() == []
    kept.remember(["yaml", "requests"])
    assert kept.added() == ["yaml", "requests"]
    cache.path_of("ask", "packages.json").write_bytes(b"damaged")
    assert kept.added() == []


# --- packages -----------------------------------------------------------------------------------

PACKAGES = {
    "tinypkg": '''
        """Boxes."""
        print("hello from tinypkg")
        import sys
        sys.stdout.write("more")
        from json import dumps
        class Box:
            """A box that holds coloured marbles."""
            def open(self, how="slowly"):
                """Lift the lid of the box and look inside."""
            def _hidden(self):
                """This should never be shown to anybody."""
        def paint(box: Box, colour: str = "red", *, by=print) -> None:
            """Give the box another colour.

            It dries in the sun within an hour.
            """
        def old(box):
            """Open the box with a hammer.

            .. deprecated:: 2.0
            """
    ''',
    "exits": "import sys; sys.exit('bye from exits')",
    "crashes": "import os; os._exit(7)",
    "raises": "raise RuntimeError('no licence')",
    "sleeps": "import time\nwhile True: time.sleep(60)",
    "silent": "def f(): pass",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with packages of every temper."""
    made = tmp_path_factory.mktemp("packages")
    for name, text in PACKAGES.items():
        (made / name).mkdir()
        (made / name / "__init__.py").write_text(textwrap.dedent(text), encoding="utf-8")
    (made / "tinypkg" / "broken.py").write_text("import nothing_of_that_name")
    (made / "tinypkg" / "lids.py").write_text('def close():\n    """Put the lid on the box."""\n')
    (made / "tinypkg" / "tests.py").write_text("raise SystemExit")
    return made


@pytest.fixture
def installed(folder, monkeypatch):
    """That folder where Python looks for packages."""
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", f"{folder}{os.pathsep}{os.environ['PYTHONPATH']}")


def test_a_package_is_read_in_another_process(installed, capfd):
    found = {each.entry.name: each for each in packages.read("tinypkg")}
    assert set(found) == {
        *("tinypkg.Box", "tinypkg.Box.open", "tinypkg.paint", "tinypkg.old", "tinypkg.lids.close")
    }
    paint = found["tinypkg.paint"]
    assert paint.signature == "(box, colour='red', *, by=print)"
    assert paint.entry.summary == "Give the box another colour."
    assert [name for name, each in found.items() if each.deprecated] == ["tinypkg.old"]
    assert "tinypkg" not in sys.modules
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name, message",
    [
        ("exits", "bye from exits"),
        ("crashes", "ended with status 7"),
        ("raises", "no licence"),
        ("silent", "nothing.* to search|is nothing to search"),
    ],
)
def test_a_package_that_cannot_be_read_is_named_with_the_reason(installed, name, message):
    with pytest.raises(PackageError, match=message) as error:
        packages.read(name)
    assert name in str(error.value)


def test_a_package_that_never_comes_back_is_stopped(installed):
    with pytest.raises(PackageError, match="took more than 1 seconds and was stopped"):
        packages.read("sleeps", seconds=1)


@pytest.mark.parametrize(
    "name, module",
    [
        ("tinypkg", "tinypkg"),
        ("numpy", "numpy"),
        ("scikit-learn", "sklearn"),
        ("Scikit_Learn", "sklearn"),
    ],
)
def test_packages_go_by_the_name_of_their_module_or_distribution(installed, name, module):
    assert packages.module_of(name) == module


@pytest.mark.parametrize(
    "name, hint",
    [("scikit-lern", "scikit-learn"), ("nunpy", "numpy"), ("os.path", "whole of it: os")]
    + [("qqqqqqqq", "pip list"), ("../x", "pip list"), ("__main__", "pip list"), ("", "pip list")],
)
def test_what_is_not_installed_gets_the_nearest_name(name, hint):
    with pytest.raises(PackageError, match=hint):
        packages.module_of(name)


@pytest.mark.parametrize(
    "text, said",
    [
        ("g(x, y=(1, 2)) -> int\n\nDoes it.", "(x, y=(1, 2))"),
        ("out = g(x,\n      y)\n\nDoes it.", "(x, y)"),
        ("m.g(x [, y])\n\nDoes it.", "(x [, y])"),
        ("other(x)\n\nDoes it.", ""),
        ("Does it with g(x).", ""),
        ("g(x", ""),
    ],
)
def test_the_docstring_of_a_c_function_says_how_to_call_it(text, said):
    entry = Entry("builtins.g", "Does it.", text, "stdlib", "function")
    assert packages._documented(entry, "").signature == said
    assert packages._documented(entry, "(a)").signature == "(a)"


# --- the command --------------------------------------------------------------------------------


def command(*arguments: str) -> subprocess.CompletedProcess:
    """The real command, in a process of its own."""
    line = [sys.executable, "-m", "course_utils", "ask", *arguments]
    return subprocess.run(line, capture_output=True, text=True, encoding="utf-8", cwd=ROOT)


@pytest.fixture
def ready(made, cache_folder, installed):
    """A cache folder in which the small part stands for the course's packages."""
    cache.write("ask", f"course-{kept.course_key()[:32]}.safetensors", part.packed(made))


def test_the_command_answers_without_torch(ready):
    code = (
        "import sys; from course_utils.__main__ import main; status = main(sys.argv[1:]); "
        "print([name for name in ('torch', 'sklearn', 'numba') if name in sys.modules]); "
        "sys.exit(status)"
    )
    asked = [sys.executable, "-c", code, "ask", "copy", "a", "whole", "folder", "-k", "2"]
    done = subprocess.run(asked, capture_output=True, text=True, cwd=ROOT)
    assert done.stderr == ""
    assert done.returncode == 0
    first, *_, loaded = done.stdout.splitlines()
    assert "1. shutil.copytree" in first
    assert loaded == "[]"


def test_json_and_a_package_that_is_added_and_forgotten(ready):
    done = command("--packages", "tinypkg,numpy", "--json", "give the box another colour")
    assert "Building the index of tinypkg" in done.stderr
    assert "numpy is in the index already" in done.stderr
    found = json.loads(done.stdout)
    assert found["results"][0]["name"] == "tinypkg.paint"
    assert found["results"][0]["signature"] == "(box, colour='red', *, by=print)"
    assert (found["fits"], found["packages"], done.returncode) == (True, ["tinypkg"], 0)
    again = command("--json", "give the box another colour")
    assert json.loads(again.stdout) == found and again.stderr == ""
    without = command("--packages", "none", "--json", "give the box another colour")
    assert json.loads(without.stdout)["packages"] == []


@pytest.mark.parametrize(
    "arguments, status, message",
    [
        ((), 2, "nothing to search for"),
        (("",), 2, "nothing to search for"),
        (("?!",), 2, "nothing to search for"),
        (("sort", "-k", "0"), 2, "1 or more"),
        (("sort", "--packages", "no-such-thing-at-all"), 2, "no package"),
        (("sort", "--packages", "raises"), 2, "no licence"),
    ],
)
def test_bad_input_gets_a_message_and_status_two(ready, capsys, arguments, status, message):
    parser = argparse.ArgumentParser()
    ask.add_arguments(parser)
    assert ask.run(parser.parse_args(arguments)) == status
    out, err = capsys.readouterr()
    assert out == "" and message in err and "Traceback" not in err
    assert kept.added() == []


def test_a_remembered_package_that_is_gone_or_broken_is_passed_over_with_a_note(ready, capsys):
    kept.remember(["raises", "no_such_thing_at_all"])
    parser = argparse.ArgumentParser()
    ask.add_arguments(parser)
    assert ask.run(parser.parse_args(["copy a whole folder", "-k", "1"])) == 0
    out, err = capsys.readouterr()
    assert "shutil.copytree" in out
    assert "no licence" in err and "not installed any more" in err
    assert kept.added() == ["raises", "no_such_thing_at_all"]
    assert ask.run(parser.parse_args(["--packages", "none"])) == 0
    assert "The index is ready" in capsys.readouterr().err
    assert kept.added() == []


def test_what_nothing_answers_ends_with_status_one(ready, capsys):
    parser = argparse.ArgumentParser()
    ask.add_arguments(parser)
    assert ask.run(parser.parse_args(["what is the capital of France"])) == 1
    assert "I find nothing that fits" in capsys.readouterr().out


def test_the_words_of_bm25_are_set_as_there():
    defaults = inspect.signature(bm25.BM25).parameters
    assert (kept.K1, kept.B) == (defaults["k1"].default, defaults["b"].default)
