"""The authored tables: how they are read, what is refused, and that they keep their own rules."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import pytest

from course_utils import data, models
from course_utils.data import tables
from course_utils.data.tables import Sense, TableError, read_table
from course_utils.errors import CourseError

# ---------------------------------------------------------------------------------- the reader


@dataclass(frozen=True)
class Bird:
    name: str
    legs: int
    weight: float
    home: Literal["land", "water"]


HEADER = "name\tlegs\tweight\thome\n"
GOOD = HEADER + "ostrich\t2\t120.5\tland\nmute swan\t2\t1e1\twater\n"
BIRDS = [Bird("ostrich", 2, 120.5, "land"), Bird("mute swan", 2, 10.0, "water")]


@pytest.fixture
def written(tmp_path):
    """Writes `birds.tsv` from text or bytes, byte for byte, and returns its path."""

    def write(content: str | bytes):
        path = tmp_path / "birds.tsv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    "content",
    [GOOD, GOOD.removesuffix("\n"), GOOD.replace("\n", "\r\n")],
    ids=["as it should be", "no line end at the end", "line ends of Windows"],
)
def test_a_good_table_becomes_rows_with_types(written, content):
    rows = read_table(str(written(content)), Bird, unique=("name",))
    assert rows == BIRDS
    assert [type(value) for value in vars(rows[1]).values()] == [str, int, float, str]


@pytest.mark.parametrize("cell", ["naïve", "don't", "a “b” c", 'says "yes" and goes', "🙂", "#1"])
def test_what_a_cell_may_hold(written, cell):
    rows = read_table(written(f"word\tcategory\n{cell}\tc\n"), tables.Word)
    assert rows == [tables.Word(cell, "c")]


def line(name="emu", legs="2", weight="40", home="land") -> str:
    return GOOD + f"{name}\t{legs}\t{weight}\t{home}\n"


@pytest.mark.parametrize(
    "content, where, why",
    [
        ("name\tlegs\thome\tweight\n", "line 1", "the header must be the columns name, legs, weig"),
        ("Name\tlegs\tweight\thome\n", "line 1", "the header must be"),
        ("\ufeff" + GOOD, "line 1", "the header must be"),
        (GOOD.replace("\t", ","), "line 1", "the header must be"),
        (GOOD.replace("\n", "\r"), "line 1", "the header must be"),
        ("", "line 1", "the header must be"),
        (HEADER, "line 1", "a header and no rows"),
        (HEADER.strip(), "line 1", "a header and no rows"),
        (GOOD + "emu\t2\t40\n", "line 4", "3 cells, where the header has 4"),
        (GOOD + "emu\t2\t40\tland\t\n", "line 4", "5 cells, where the header has 4"),
        (GOOD + "emu 2 40 land\n", "line 4", "1 cells"),
        (HEADER + "\n" + "emu\t2\t40\tland\n", "line 2", "1 cells"),
        (GOOD + "\n", "line 4", "1 cells"),
        (line(name=""), "line 4, column 'name'", "the cell is empty"),
        (line(home=""), "line 4, column 'home'", "the cell is empty"),
        (line(name=" emu"), "line 4, column 'name'", "' emu' has blanks too many"),
        (line(name="emu "), "line 4, column 'name'", "blanks too many"),
        (line(name="big  emu"), "line 4, column 'name'", "blanks too many"),
        (line(name=" "), "line 4, column 'name'", "blanks too many"),
        (line(weight="40 "), "line 4, column 'weight'", "blanks too many"),
        (line(name="big\xa0emu"), "line 4, column 'name'", "blanks too many"),
        (line(name="e\x00mu"), "line 4, column 'name'", "does not print"),
        (line(name="e\u200bmu"), "line 4, column 'name'", "does not print"),
        (line(name='"emu"'), "line 4, column 'name'", "stray quotation marks"),
        (line(name='"emu'), "line 4, column 'name'", "stray quotation marks"),
        (line(name='big "emu'), "line 4, column 'name'", "stray quotation marks"),
        (line(home="air"), "line 4, column 'home'", "'air' is none of land, water"),
        (line(home="Land"), "line 4, column 'home'", "'Land' is none of"),
        (line(legs="two"), "line 4, column 'legs'", "'two' is no int"),
        (line(legs="2.0"), "line 4, column 'legs'", "'2.0' is no int"),
        (line(weight="heavy"), "line 4, column 'weight'", "'heavy' is no float"),
        (line(weight="40,5"), "line 4, column 'weight'", "'40,5' is no float"),
        (line(weight="nan"), "line 4, column 'weight'", "'nan' is not a finite number"),
        (line(weight="-inf"), "line 4, column 'weight'", "not a finite number"),
        (line(weight="1e999"), "line 4, column 'weight'", "not a finite number"),
        (line(name="ostrich"), "line 4, column 'name'", "the same as in line 2"),
        (GOOD.encode() + b"em\xfc\t2\t40\tland\n", "line 4", "not UTF-8"),
        (GOOD.encode("utf-16"), "line 1", "not UTF-8"),
        (GOOD.replace("\n", "\r\n").encode() + b"em\xfc", "line 4", "not UTF-8"),
    ],
)
def test_a_malformed_table_is_refused_and_the_place_named(written, content, where, why):
    path = written(content)
    with pytest.raises(TableError) as error:
        read_table(path, Bird, unique=("name",))
    message = str(error.value)
    assert message.startswith(f"{path}, {where}"), message
    assert why in message
    assert isinstance(error.value, CourseError) and isinstance(error.value, ValueError)


def test_rows_may_agree_in_some_of_the_columns_that_must_not_all_agree(written):
    path = written(GOOD + "ostrich\t3\t1\tland\n")
    assert len(read_table(path, Bird, unique=("name", "legs"))) == 3
    assert len(read_table(path, Bird)) == 3
    path = written(GOOD + "ostrich\t2\t1\twater\n")
    with pytest.raises(TableError, match="line 4, column 'name', 'legs': the same as in line 2"):
        read_table(path, Bird, unique=("name", "legs"))


def test_a_check_of_the_caller_names_its_column(written):
    def heavy(bird: Bird) -> str | None:
        return None if bird.weight > 50 else "too light"

    with pytest.raises(TableError, match=r"birds\.tsv, line 3, column 'weight': too light\."):
        read_table(written(GOOD), Bird, checks={"weight": heavy})


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    for path in (tmp_path / "absent.tsv", tmp_path):
        with pytest.raises(TableError) as error:
            read_table(path, Bird)
        assert str(error.value).startswith(f"{path} cannot be read (")


PAIR = "first\tsecond\tgrade\tkind\tregrade\n"
BROKEN = [
    ("words", "word\tcategory\ncat\tanimals\ncat\tfood\n", "column 'word': the same as in line 2"),
    ("analogies", "kind\ta\tb\tc\td\nk\tman\twoman\tman\tking\n", "the four words must be differ"),
    ("analogies", "kind\ta\tb\tc\td\nk\tm\tw\tk\tq\nj\tm\tw\tk\tq\n", "the same as in line 2"),
    ("senses", "word\tsense\tsentence\tclue\nbat\ta\tA bat, a Bat.\tafter\n", "'bat' 2 times"),
    ("senses", "word\tsense\tsentence\tclue\nbat\ta\tA combat.\tafter\n", "'bat' 0 times"),
    ("senses", "word\tsense\tsentence\tclue\nbat\ta\tA bat.\tbehind\n", "'behind' is none of"),
    ("pairs", f"{PAIR}A.\tB.\t2.5\ttrap\t2\n", "column 'grade': '2.5' is no int"),
    ("pairs", f"{PAIR}A.\tB.\t6\ttrap\t5\n", "column 'grade': 6 is no whole number from 0 to 5"),
    ("pairs", f"{PAIR}A.\tB.\t0\ttrap\t-1\n", "column 'regrade': -1 is no whole number"),
    ("pairs", f"{PAIR}A.\tB.\t1\tk\t1\nA.\tB.\t2\tk\t2\n", "the same as in line 2"),
    ("themes", "theme\tsentence\ncooking\tA.\nsport\tA.\n", "the same as in line 2"),
]


@pytest.mark.parametrize("name, content, why", BROKEN)
def test_each_table_is_read_with_its_own_checks(tmp_path, monkeypatch, name, content, why):
    (tmp_path / f"{name}.tsv").write_text(content)
    monkeypatch.setattr(tables, "HERE", tmp_path)
    with pytest.raises(TableError, match=why):
        getattr(tables, name)()


# ------------------------------------------------------------------------- the tables themselves

README = (tables.HERE / "README.md").read_text(encoding="utf-8")
# Words too small to be what a sentence is about.
SMALL = set(
    """
    a an the this that these those one each every any some no another other
    i you he she it we they me him her us them my your his its our their
    and or but so if as than because although when while until before after
    of to in on at by for from with into out up off over under near without about
    is are was were be been am has have had do does did will would can could may must not
    what which who there here very too only just more most
    """.split()
)


def pieces(sentence: str) -> list[str]:
    """The words as they are spelt; what stands behind an apostrophe or a hyphen belongs to them."""
    return re.findall(r"[^\W_]+(?:['’.,:-][^\W_]+)*", sentence)


def content(sentence: str) -> set[str]:
    """The words that say what a sentence is about."""
    return {word.lower() for word in pieces(sentence)} - SMALL


def repeated(sentences: Iterable[str]) -> set[str]:
    """The content words that more than two of the sentences hold."""
    counts = Counter(word for sentence in sentences for word in content(sentence))
    return {word for word, times in counts.items() if times > 2}


def rows_of(table) -> list:
    """The rows of a DataFrame, with a name for each cell."""
    return list(table.itertuples(index=False))


def plural(word: str) -> str:
    return {"mouse": "mice", "match": "matches"}.get(word, word + "s")


def opening(row: Sense) -> list[str]:
    """The words before the ambiguous word, in lower case."""
    return pieces(re.split(rf"\b{row.word}\b", row.sentence.lower())[0])


@pytest.fixture(scope="module")
def of_sense() -> dict[tuple[str, str], list[Sense]]:
    """The rows of each sense."""
    rows = defaultdict(list)
    for row in rows_of(tables.senses()):
        rows[row.word, row.sense].append(row)
    return rows


def test_the_files_are_laid_out_as_the_readme_says():
    for path in tables.HERE.glob("*.tsv"):
        text = path.read_bytes()
        assert text.endswith(b"\n") and not text.endswith(b"\n\n") and b"\r" not in text, path.name
        assert hasattr(data, path.stem), f"nothing reads {path.name}"
        assert f"## `{path.name}`" in README, f"the README does not say how {path.name} was made"


def test_every_word_that_is_compared_is_one_token():
    tokenizer, _ = models.load()
    words = [row.word for row in rows_of(tables.words())] + [
        row.word for row in rows_of(tables.senses())
    ]
    words += [word for row in rows_of(tables.analogies()) for word in (row.a, row.b, row.c, row.d)]
    assert [word for word in set(words) if tokenizer.tokenize(word) != [word]] == []


def test_the_words_fill_ten_categories_and_keep_clear_of_the_ambiguous_ones():
    rows = rows_of(tables.words())
    listed = re.search(r"`category` \| its field of meaning: (.+?) \|", README)[1]
    assert Counter(row.category for row in rows) == dict.fromkeys(re.findall(r"\w+", listed), 15)
    assert len(listed.split()) == 10
    words = {row.word for row in rows}
    assert all(re.fullmatch("[a-z]+", word) for word in words)
    assert not words & {row.word for row in rows_of(tables.senses())}
    assert not words & {"orange", "bass", "turkey", "java", "keyboard"}  # the README's examples


def test_the_analogies_of_a_kind_are_a_closed_chain_of_pairs():
    rows = rows_of(tables.analogies())
    kinds = ["gender", "capital", "comparative", "tense"]
    assert [row.kind for row in rows] == [kind for kind in kinds for _ in range(15)]
    for kind in kinds:
        chain = [row for row in rows if row.kind == kind]
        for row, following in pairwise([*chain, chain[0]]):
            assert (row.c, row.d) == (following.a, following.b), row
        words = [word for row in chain for word in (row.a, row.b)]
        assert len(set(words)) == 30 and all(re.fullmatch("[a-z]+", word) for word in words)
    regular = {row.a for row in rows if row.kind == "tense" and row.b.endswith("ed")}
    assert regular == {"walk", "ask"}
    assert all(row.b.endswith("er") for row in rows if row.kind == "comparative")


def test_the_senses_are_balanced_in_number_and_in_where_the_clue_stands(of_sense):
    listed = re.findall(r"\| (\w+) \| (\w+), (\w+) (?=\|)", README)
    assert len(listed) == 16
    assert set(of_sense) == {(word, sense) for word, *pair in listed for sense in pair}
    for key, rows in of_sense.items():
        counts = Counter(row.clue for row in rows)
        assert counts == {"after": 4, "before": 3, "both": 1}, key
    first = [(row.word, row.sense) for row in rows_of(tables.senses())[:4]]
    assert first == [("bat", "animal")] * 2 + [("bat", "baseball")] * 2


def test_the_ambiguous_word_stands_once_in_its_own_form():
    for row in rows_of(tables.senses()):
        words = pieces(row.sentence)
        assert 6 <= len(row.sentence.split()) <= 18, row
        assert [word.lower() for word in words].count(row.word) == 1, row
        assert row.word in words or words[0] == row.word.capitalize(), row
        assert plural(row.word) not in map(str.lower, words), row


def test_no_opening_before_the_clue_gives_the_sense_away():
    openings = [
        (row.word, *opening(row)) for row in rows_of(tables.senses()) if row.clue == "after"
    ]
    assert max(map(len, openings)) <= 1 + 5
    twice = [words for words, times in Counter(openings).items() if times > 1]
    assert not twice


def test_sentences_with_a_clue_on_both_sides_have_both_sides():
    for row in rows_of(tables.senses()):
        before, after = re.split(rf"\b{row.word}\b", row.sentence, flags=re.IGNORECASE)
        if row.clue in ("before", "both"):
            assert content(before), row
        if row.clue in ("after", "both"):
            assert content(after), row


def test_no_content_word_stands_in_more_than_two_sentences_of_a_sense(of_sense):
    for (word, sense), rows in of_sense.items():
        assert repeated(row.sentence for row in rows) - {word} == set(), sense


def test_every_sentence_looks_like_one():
    sentences = [row.sentence for row in [*rows_of(tables.senses()), *rows_of(tables.themes())]]
    sentences += [
        sentence for row in rows_of(tables.pairs()) for sentence in (row.first, row.second)
    ]
    assert [s for s in sentences if not (s[0].isupper() and s[-1] in ".?!")] == []


def test_the_themes_are_balanced_and_each_sentence_says_something_else():
    of_theme = defaultdict(list)
    for row in rows_of(tables.themes()):
        of_theme[row.theme].append(row.sentence)
        assert 8 <= len(row.sentence.split()) <= 13, row
    assert set(of_theme) == {"cooking", "astronomy", "football", "gardening"}
    for sentences in of_theme.values():
        assert len(sentences) == 8
        assert repeated(sentences) == set()


# --- the graded pairs

NEGATION = re.compile(r"no|not|never|none|nobody|neither|cannot|without|hardly|rarely")
NUMBER = re.compile(
    r".*\d.*|half|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|sixteen"
    r"|twenty-four|fifty|second|sixth|dozen"
)


def lower(sentence: str) -> list[str]:
    return [word.lower() for word in pieces(sentence)]


def without(pattern: re.Pattern, words: list[str]) -> list[str]:
    """The words that the pattern does not match as a whole."""
    return [word for word in words if not pattern.fullmatch(word)]


def test_the_pairs_are_balanced_over_the_grades():
    assert Counter(row.grade for row in rows_of(tables.pairs())) == {
        grade: 48 for grade in range(6)
    }


def test_a_second_reading_agrees_as_often_as_the_readme_says():
    agreed, total = map(int, re.search(r"agree on (\d+) of the (\d+)\spairs", README).groups())
    rows = rows_of(tables.pairs())
    assert len(rows) == total == 288
    differing = [row for row in rows if row.grade != row.regrade]
    assert len(differing) == total - agreed
    assert all(abs(row.grade - row.regrade) == 1 for row in differing)
    assert sum(row.kind == "number" for row in differing) * 2 == len(differing)


def test_every_kind_of_pair_has_the_grades_and_the_number_that_the_readme_says():
    section = README.partition("## `pairs.tsv`")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| (\d+) \|$", section, re.MULTILINE)
    assert len(listed) == 9
    found = defaultdict(list)
    for row in rows_of(tables.pairs()):
        found[row.kind].append(row.grade)
    assert {kind: len(grades) for kind, grades in found.items()} == {
        kind: int(number) for kind, _, number in listed
    }
    for kind, grades, _ in listed:
        numbers = [int(number) for number in re.findall(r"\d", grades)]
        allowed = range(numbers[0], numbers[-1] + 1) if " to " in grades else numbers
        assert set(found[kind]) == set(allowed), kind


def test_no_two_sentences_are_paired_twice_or_with_themselves():
    sentences = [
        [" ".join(lower(s)) for s in (row.first, row.second)] for row in rows_of(tables.pairs())
    ]
    pairs = Counter(map(frozenset, sentences))
    assert [pair for pair, times in pairs.items() if times > 1 or len(pair) == 1] == []


def test_what_can_be_told_from_the_words_is_marked_as_its_kind():
    """Pairs that differ in nothing but their order, a number or a negation are of that kind."""
    for row in rows_of(tables.pairs()):
        first, second = lower(row.first), lower(row.second)
        if sorted(first) == sorted(second):
            assert row.kind == "roles", row
        elif without(NUMBER, first) == without(NUMBER, second):
            assert row.kind == "number", row
        elif without(NEGATION, first) == without(NEGATION, second):
            assert row.kind == "negation", row
        if row.kind == "number":
            assert all(any(map(NUMBER.fullmatch, words)) for words in (first, second)), row


def test_traps_and_swapped_roles_share_words_and_paraphrases_hardly_any():
    for row in rows_of(tables.pairs()):
        first, second = content(row.first), content(row.second)
        share = len(first & second) / min(len(first), len(second))
        match row.kind:
            case "unrelated":
                assert share == 0, row
            case "trap":
                assert share > 0, row
            case "roles":
                assert share > 0.5, row
            case "paraphrase":
                assert share <= 0.5, row
