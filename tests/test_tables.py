"""The authored tables: what a damaged one says, and that they keep their own rules."""

import re
from collections import Counter
from collections.abc import Iterable

import pytest
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from course_utils import data, models
from course_utils.data import tables
from course_utils.errors import CourseError

# ---------------------------------------------------------------------------------- the reader

HEADER = "first\tsecond\tgrade\tkind\tregrade\n"
GOOD = HEADER + "A naïve one.\tSays “yes”.\t0\ttrap\t1\n"


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Writes `pairs.tsv` byte for byte where it is looked for, and returns its path."""
    monkeypatch.setattr(tables, "HERE", tmp_path)

    def write(content: str | bytes):
        path = tmp_path / "pairs.tsv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("content", [GOOD, GOOD.removesuffix("\n"), GOOD.replace("\n", "\r\n")])
def test_a_table_becomes_rows_with_types_whatever_a_checkout_does_to_its_line_ends(
    written, content
):
    written(content)
    assert data.pairs().to_dict("records") == [
        {"first": "A naïve one.", "second": "Says “yes”.", "grade": 0, "kind": "trap", "regrade": 1}
    ]
    assert data.pairs().grade.dtype.kind == "i"


@pytest.mark.parametrize(
    "content, where, why",
    [
        (GOOD.replace("grade\t", "mark\t", 1), ", line 1", "columns must be first, second, grade"),
        ("", ", line 1", "columns must be"),
        ("\ufeff" + GOOD, ", line 1", "columns must be"),
        (GOOD + "A.\tB.\t2\ttrap\n", ", line 3", "4 cells, not 5"),
        (GOOD + "A.\tB.\t2\ttrap\t2\t\n", ", line 3", "6 cells, not 5"),
        (GOOD[:-9], ", line 2", "3 cells, not 5"),
        (GOOD + "\n", ", line 3", "1 cells, not 5"),
        (GOOD + "A.\tB.\t2.5\ttrap\t2\n", ", line 3, column 'grade'", "'2.5' is no int"),
        (GOOD + "A.\tB.\t2\ttrap\t\n", ", line 3, column 'regrade'", "'' is no int"),
        (GOOD.encode() + b"\xfc\tB.\t2\ttrap\t2\n", " cannot be read (", "0xfc"),
    ],
)
def test_a_damaged_table_is_refused_and_the_place_named(written, content, where, why):
    path = written(content)
    with pytest.raises(CourseError) as error:
        data.pairs()
    assert str(error.value).startswith(f"{path}{where}") and why in str(error.value)


def test_a_table_that_is_not_there_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "HERE", tmp_path)
    with pytest.raises(CourseError, match=r"words\.tsv cannot be read \("):
        data.words()


# ------------------------------------------------------------------------- the tables themselves

README = (tables.HERE / "README.md").read_text(encoding="utf-8")
# Columns in which no two rows of a table agree.
UNIQUE = {
    "analogies": ["a", "b", "c", "d"],
    "everyday": ["text"],
    "fact_templates": ["kind", "relation", "text"],
    "facts": ["entity", "relation"],
    "failures": ["question"],
    "judged_answers": ["question"],
    "pairs": ["first", "second"],
    "questions": ["question"],
    "senses": ["sentence"],
    "themes": ["sentence"],
    "words": ["word"],
}
CHOICES = {
    ("everyday", "answers"): "yes|no",
    ("fact_templates", "form"): "question|statement|topic",
    ("fact_templates", "trained"): "all|heads|none",
    ("failures", "cause"): "other words|another meaning|ambiguous|sibling|spelling|later chunk"
    "|not written|judged strictly",
    ("judged_answers", "kind"): "fact|documentation",
    ("judged_answers", "supported"): "yes|no|nothing",
    ("judged_answers", "right"): "yes|no",
    ("pairs", "grade"): "[0-5]",
    ("pairs", "regrade"): "[0-5]",
    ("questions", "split"): "tune|test",
    ("senses", "clue"): "before|after|both",
}


def faults(text: str, unique: list[str], choices: dict[str, str]) -> list[str]:
    """What is wrong with a table: cells that no eye would find, rows that say one thing twice."""
    lines = text.removesuffix("\n").split("\n")
    columns, *rows = (line.split("\t") for line in lines)
    found = [f"{len(row)} cells: {row}" for row in rows if len(row) != len(columns)]
    if found or not rows:
        return found or ["no rows"]
    for row in rows:
        found += [
            f"untidy: {cell!r}"
            for cell in row
            if not cell or cell != " ".join(cell.split()) or not cell.isprintable()
        ]
        found += [
            f"quoted: {cell!r}"
            for cell in row
            if cell.count('"') % 2 or cell[:1] + cell[-1:] == '""'
        ]
    places = [columns.index(column) for column in unique]
    keys = Counter(tuple(row[place] for place in places) for row in rows)
    found += [f"twice: {key}" for key, times in keys.items() if times > 1]
    for column, pattern in choices.items():
        cells = {row[columns.index(column)] for row in rows}
        found += [f"{column}: {cell!r}" for cell in cells if not re.fullmatch(pattern, cell)]
    return found


@pytest.mark.parametrize("name", UNIQUE)
def test_a_shipped_table_is_tidy_and_says_nothing_twice(name):
    data_of_file = (tables.HERE / f"{name}.tsv").read_bytes()
    assert data_of_file.endswith(b"\n") and b"\r" not in data_of_file
    choices = {column: allowed for (table, column), allowed in CHOICES.items() if table == name}
    assert faults(data_of_file.decode(), UNIQUE[name], choices) == []


@pytest.mark.parametrize(
    "rows",
    ["a \t1\n", "\t1\n", "a\u200b\t1\n", '"a"\t1\n', "b\t1\n", "a\t2\n", "a\n", "a\t1\n\n"],
)
def test_the_test_above_finds_each_fault(rows):
    good = "name\tnumber\nb\t1\n"
    assert faults(good, ["name"], {"number": "1"}) == []
    assert len(faults(good + rows, ["name"], {"number": "1"})) == 1


def test_each_table_is_read_and_its_making_told():
    assert {path.stem for path in tables.HERE.glob("*.tsv")} == set(UNIQUE)
    for name in UNIQUE:
        assert hasattr(data, name), f"nothing reads {name}.tsv"
        assert f"## `{name}.tsv`" in README, f"the README does not say how {name}.tsv was made"


def pieces(sentence: str) -> list[str]:
    """The words in lower case; what stands behind an apostrophe or a hyphen belongs to them."""
    return re.findall(r"[^\W_]+(?:['’.,:-][^\W_]+)*", sentence.lower())


def content(sentence: str) -> set[str]:
    """The words that say what a sentence is about."""
    return set(pieces(sentence)) - (ENGLISH_STOP_WORDS - {"back"})  # which is a part of the body


def repeated(sentences: Iterable[str]) -> set[str]:
    """The content words that more than two of the sentences hold."""
    counts = Counter(word for sentence in sentences for word in content(sentence))
    return {word for word, times in counts.items() if times > 2}


def test_every_word_that_is_compared_is_one_token():
    words = {*data.words().word, *data.senses().word, *data.analogies()[[*"abcd"]].to_numpy().flat}
    tokenizer = models.load_tokenizer()
    assert [word for word in words if tokenizer.tokenize(word) != [word]] == []


def test_the_words_fill_ten_categories_and_keep_clear_of_the_ambiguous_ones():
    table = data.words()
    listed = re.search(r"`category` \| its field of meaning: (.+?) \|", README)[1]
    assert Counter(table.category) == dict.fromkeys(re.findall(r"\w+", listed), 15)
    assert len(listed.split()) == 10
    ambiguous = {*data.senses().word, "orange", "bass", "turkey", "java", "keyboard"}
    assert not ambiguous & set(table.word)


def test_the_analogies_of_a_kind_are_a_closed_chain_of_pairs():
    table = data.analogies()
    assert Counter(table.kind) == dict.fromkeys(["gender", "capital", "comparative", "tense"], 15)
    for kind, chain in table.groupby("kind"):
        told, following = zip(chain.c, chain.d, strict=True), zip(chain.a, chain.b, strict=True)
        (first, *others), told = following, [*told]
        assert told == [*others, first], kind
        assert len({*chain.a, *chain.b}) == 30, kind


def test_the_senses_are_balanced_in_number_and_in_where_the_clue_stands():
    listed = re.findall(r"\| (\w+) \| (\w+), (\w+) (?=\|)", README)
    groups = data.senses().groupby(["word", "sense"])
    assert set(groups.groups) == {(word, sense) for word, *pair in listed for sense in pair}
    assert len(groups) == 32
    for key, rows in groups:
        assert Counter(rows.clue) == {"after": 4, "before": 3, "both": 1}, key
        assert repeated(rows.sentence) <= {key[0]}, key


def test_the_ambiguous_word_stands_once_and_what_is_before_a_later_clue_gives_nothing_away():
    openings = []
    for row in data.senses().itertuples():
        words = pieces(row.sentence)
        assert words.count(row.word) == 1, row
        assert 6 <= len(words) <= 18, row
        if row.clue == "after":
            openings.append((row.word, *words[: words.index(row.word)]))
    assert len(set(openings)) == len(openings)  # not even two of one sense begin alike
    assert max(map(len, openings)) <= 1 + 5


def test_the_themes_are_balanced_and_each_sentence_says_something_else():
    table = data.themes()
    assert Counter(table.theme) == dict.fromkeys("cooking astronomy football gardening".split(), 8)
    for theme, sentences in table.groupby("theme").sentence:
        assert repeated(sentences) == set(), theme


def test_the_pairs_are_balanced_over_the_grades_and_graded_twice_as_the_readme_says():
    table = data.pairs()
    assert Counter(table.grade) == dict.fromkeys(range(6), 48)
    agreed, total = map(int, re.search(r"agree on (\d+) of the (\d+)\spairs", README).groups())
    differing = table[table.grade != table.regrade]
    assert (len(table), len(differing)) == (total, total - agreed)
    assert ((differing.grade - differing.regrade).abs() == 1).all()
    assert (differing.kind == "number").sum() * 2 == len(differing)


def test_every_kind_of_pair_has_the_grades_and_the_number_that_the_readme_says():
    section = README.partition("## `pairs.tsv`")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \| (\d+) \|$", section, re.MULTILINE)
    table = data.pairs()
    assert Counter(table.kind) == {kind: int(number) for kind, _, number in listed}
    for kind, grades, _ in listed:
        numbers = [int(number) for number in re.findall(r"\d", grades)]
        allowed = range(numbers[0], numbers[-1] + 1) if " to " in grades else numbers
        assert set(table.grade[table.kind == kind]) == set(allowed), kind


def test_traps_and_swapped_roles_share_words_and_paraphrases_hardly_any():
    for row in data.pairs().itertuples():
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
