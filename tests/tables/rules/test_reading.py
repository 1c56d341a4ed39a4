import re

import pytest

from skvae.tables.rules.reading import read_all, read_rules, split


@pytest.mark.parametrize(
    "text",
    ["a = b + c", "a <= b", "a > `b c`", "`a b` = f(month(d), e)", "a + b = 1", "n = days(end - start)"],
)
def test_rules_are_written_as_they_are_read(text):
    (rule,) = read_rules(text)
    assert str(rule) == text
    assert list(map(str, read_rules(str(rule)))) == [text]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a + b", "has none"),
        ("a ~ b", "claims nothing"),
        ("1 <= 2", "names none"),
        ("a + 1 = f(b)", "gives one column"),
        ("a = f(a)", "gives one column"),
        ("= b", "a sign with nothing on one side"),
        *(
            (f"a {sign} b", f"'a {sign} b' has a sign with nothing on one side")
            for sign in ("><", "<>", "=>", "=<", ">>")
        ),
        ("a != b", "The rule 'a != b' cannot be read. 'a !' is no formula"),
        ("a >= (b", "The rule .* cannot be read. .*never closed"),
        ("`a > b", "a backtick is open"),
        ("a > b; b > c", "'b; b' is no formula"),
        ("a = b ** 2", "The rule 'a = b .* cannot be read. A rule is made of columns"),
        ("a = sin(b)", "The rule .* cannot be read. A rule knows abs"),
        ("", "'' has none"),
    ],
)
def test_what_is_no_rule_is_refused(text, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        read_rules(text)
    assert repr(text) in str(caught.value)
    assert re.search("'total = a \\+ b'|'a = f\\(b\\)'", str(caught.value))  # an example of a right one


def test_signs_inside_of_names_are_part_of_them():
    assert split("`a <= b` >= c = d") == (["`a <= b`", "c", "d"], [">=", "="])


def test_rules_are_text():
    with pytest.raises(TypeError, match="A rule is text"):
        read_all([3], ["a"])
