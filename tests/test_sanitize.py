"""tests/sanitize.cfg: what nbval forgives, and what it must not."""

import pytest

from tools.lessons import patterns, sanitise

RULES = patterns()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("score -0.01 |", "score  0.01 |"),
        ("score 9.99", "score 10.00"),
        ("a=-0.00", "a=0.00"),
        ("tensor([ 0.1234, -0.5000])", "tensor([-0.1234,  0.5])"),
        ("[0.5 1. ]", "[0.5 0.9999]"),
        ("p = 1e-05", "p = 0.0003"),
        ("12.5 % of them", "7.25 % of them"),
        ("in 3 s", "in 1.25 s"),
        ("done in 12.3s", "done in 840 ms"),
        ("weights: 90.9 MB", "weights: 1.2 GiB"),
        ("1,234.5 words", "987.1 words"),
        ('<td style="width:10.5px">0.97</td>', '<td style="width:9.5px">0.12</td>'),
        ('src="data:image/png;base64,AAAA+/="', 'src="data:image/png;base64,BBBB"'),
        ("0.78–0.88", "0.79–0.91"),
        ("┃ The capital is Rome.\nnext", "┃ Rome, in Italy.\nnext"),
        (
            "add:   0%|          | 0/9 [00:00<?, ?it/s]",
            "add:   0%|          | 0/12 [00:00<?, ?it/s]",
        ),
    ],
)
def test_forgiven(one, other):
    assert one != other
    assert sanitise(one, RULES) == sanitise(other, RULES)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("✔ the senses drift apart", "✘ the senses drift apart"),
        ("queen, king", "king, queen"),
        ("1. queen\n2. king", "1. king\n2. queen"),
        ("rank 1", "rank 2"),
        ("┃ Rome\n3 found", "┃ Rome\n4 found"),
        ("34 of 40 right", "35 of 40 right"),
        ("87 % of them", "86 % of them"),
        ("We look at layer 6. It is the last.", "We look at layer 5. It is the last."),
        ("torch 2.13.0", "torch 2.12.0"),
        ("shape (3, 384)", "shape (3, 385)"),
        ("0.5, 0.6", "0.5, 0.6, 0.7"),
        ("10 sentences", "12 sentences"),
        ("value nan", "value 0.5"),
        ("L2.5", "L3.5"),
    ],
)
def test_not_forgiven(one, other):
    assert sanitise(one, RULES) != sanitise(other, RULES)


def test_every_rule_of_the_file_is_read():
    assert [replacement for _, replacement in RULES] == [
        "┃",
        "<picture>",
        "| <progress>",
        "<duration>",
        "<size>",
        "<number>",
        "<number>",
    ]
