"""A handful of entries about Python, written for the tests of the answerers."""

from course_utils.data import Entry

TEXTS = {
    "tools.sort_rows": """Sort the rows of a table by one column.

The rows of equal value stay in their order. Missing values come last.

Parameters
----------
table : Table
    The table whose rows are to be sorted by a column.
column : str
    The name of the column.
""",
    "tools.shuffle_rows": """Put the rows of a table in random order.

Every order has the same chance. Give a seed to get the same order again.
""",
    "tools.split_rows": """Split a table into two parts at random.

One part is for training, the other for testing. No row is in both.
""",
    "files.copy_tree": """Copy a folder with everything in it to another place.

Links are followed. A file that is there already is not replaced.
""",
    "files.temporary": """Make a file that is deleted when it is closed.

The file has no name on some systems.
""",
    "web.fetch": """Load a page from an address and give its text.

The request ends after ten seconds. A page that is not there raises an error.
""",
    "dates.weekday": """Give the day of the week of a date.

Monday is 0 and Sunday is 6.
""",
    "text.wrap": """Break a text into lines of a given width.

Words are not cut. Blanks at the ends of lines are removed.
""",
}
QUESTION = "How do I sort the rows of a table?"
UNRELATED = "Which birds sleep in the air?"


def entry(name: str, text: str) -> Entry:
    return Entry(name, text.split("\n")[0], text, name.split(".")[0], "function")


def entries(**more: str) -> list[Entry]:
    """The entries, and others given as `name=text`; "__" in a name stands for a dot."""
    texts = {**TEXTS, **{name.replace("__", "."): text for name, text in more.items()}}
    return [entry(name, text) for name, text in texts.items()]
