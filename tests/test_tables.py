"""The authored tables: what a damaged one says, and that they keep their own rules."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise

import pytest

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


def opening(row) -> list[str]:
    """The words before the ambiguous word, in lower case."""
    return pieces(re.split(rf"\b{row.word}\b", row.sentence.lower())[0])


@pytest.fixture(scope="module")
def of_sense() -> dict[tuple[str, str], list]:
    """The rows of each sense."""
    rows = defaultdict(list)
    for row in rows_of(tables.senses()):
        rows[row.word, row.sense].append(row)
    return rows


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
