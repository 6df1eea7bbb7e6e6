"""Which docstrings are gathered under which name, and what they say in one line."""

import sys
import types

import pytest

from course_utils.data import gather
from course_utils.data.docstrings import summary


def module(monkeypatch, name: str, **members) -> None:
    made = types.ModuleType(name)
    vars(made).update(members)
    monkeypatch.setitem(sys.modules, name, made)


def function(name: str, text: str | None, owner: str):
    made = types.FunctionType((lambda: None).__code__, {}, name)
    made.__doc__, made.__module__ = text, owner
    return made


def names(modules: str) -> list[str]:
    return [row[0] for row in gather.gather({"made": modules})]


def test_named_after_the_first_module_and_its_own_name(monkeypatch):
    one = function("one", "Does one thing.", "inner")
    module(monkeypatch, "made_a", __all__=["alias", "one", "b"], alias=one, one=one, b=3)
    module(monkeypatch, "made_b", __all__=["one"], one=one)
    assert names("made_a made_b") == ["made_a.one"]
    assert names("made_b made_a") == ["made_b.one"]


def test_the_name_that_the_docstring_uses(monkeypatch):
    old, new = (function(name, "As in new(x).", "inner") for name in ("old", "new"))
    module(monkeypatch, "made_a", __all__=["old", "new"], old=old, new=new)
    assert names("made_a") == ["made_a.new"]


def test_without_a_list_only_what_the_module_defines(monkeypatch):
    own = function("own", "Defined here.", "made_a")
    below = function("below", "Defined in a part of it.", "made_a._part")
    other = function("other", "Imported from elsewhere.", "made_b")
    hidden = function("_hidden", "Not for everybody.", "made_a")
    module(monkeypatch, "made_a", own=own, below=below, other=other, _hidden=hidden)
    assert names("made_a") == ["made_a.below", "made_a.own"]


def test_no_inherited_docstrings(monkeypatch):
    base = type("Base", (), {"__doc__": "A base class.", "__module__": "made_a"})
    bare = type("Bare", (base,), {"__module__": "made_a"})
    start = function("__init__", "Starts a thing.", "made_a")
    built = type("Built", (base,), {"__module__": "made_a", "__init__": start})
    module(monkeypatch, "made_a", Base=base, Bare=bare, Built=built)
    rows = gather.gather({"made": "made_a"})
    assert [(row[0], row[1], row[3]) for row in rows] == [
        ("made_a.Base", "class", "A base class."),
        ("made_a.Built", "class", "Starts a thing."),
    ]


def test_only_a_marked_module_may_be_missing():
    assert names("made_missing? made_missing.part?") == []
    with pytest.raises(ModuleNotFoundError, match="made_missing"):
        names("made_missing")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Return the sum.\n\nMore of it.", "Return the sum."),
        ("Return the\n    sum of it. Then\nmore.", "Return the sum of it."),
        ("stack(tensors, dim=0, *, out=None) -> Tensor\n\nStack them.", "Stack them."),
        ("abs(x, /, out=None, *, c='K')\n\nabs(x)\n\nAbsolute value.", "Absolute value."),
        ("f(a,\n  b=(1, 2),\n  c=3)\n    -> list of (a, b)\n\nDo it now.", "Do it now."),
        ("int([x]) -> integer\nint(x, base=10) -> integer\n\nMake a number.", "Make a number."),
        ("dict() -> new empty dictionary\ndict(x) -> new one", "new empty dictionary"),
        ("zip(*a) --> Yield some tuples.\n\n   >>> zip()\n\nThe zip object.", "Yield some tuples."),
        ("f(*args) - new function with\nsome arguments.", "new function with some arguments."),
        ("async anext(i[, default])\n\nReturn the next.", "Return the next."),
        ("dtype(a)\n--\n\ndtype(a, [b])\n\nCreate a type.", "Create a type."),
        ("sum(x) is what this computes.", "sum(x) is what this computes."),
        ("cos(x) - 1 near zero.", "cos(x) - 1 near zero."),
        (".. note::\n    Not this.\n\nThis one.", "This one."),
        ("Title\n=====\n\nWhat it does.", "What it does."),
        ("Covariance\n\nReturn the covariance.", "Return the covariance."),
        ("Covariance", "Covariance"),
        ("f(x) -> Tensor", ""),
        ("Point(x: int, y: int)", ""),
        ("expr = BoolOp(boolop op)\n     | Name(id)", ""),
        ("Members:\n\nSUM\n\nAVG", ""),
        ("f(x)\n\nParameters\n----------\nx : int\n    The input.", ""),
        ("Use one of:\n- this\n- that", "Use one of"),
        ("Do it, e.g. with a file. And more.", "Do it, e.g. with a file."),
        ("Return v1, v2, ... in a list. More.", "Return v1, v2, ... in a list."),
        ("Fill `x`. ``y`` stays.", "Fill x."),
        ("See :func:`torch.add`, :class:`~a.b.C` here.", "See torch.add, C here."),
        ("A :ref:`long title <label>` and `a link <x>`_.", "A long title and a link."),
        ("A `.Line2D`\\s and `~.Axes.plot`.", "A Line2Ds and plot."),
        ("Set *x* and **y** to *args and **kwargs.", "Set x and y to *args and **kwargs."),
        ("A method [1]_ of \\*args.", "A method of *args."),
        (":math:`\\text{GELU}(x) \\leq \\frac{1}{2}` holds.", "GELU(x) ≤ (1) / (2) holds."),
        ("", ""),
    ],
)
def test_summary(text, expected):
    assert summary(text) == expected
