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
        ("= b", "no formula"),
    ],
)
def test_what_is_no_rule_is_refused(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_rules(text)


def test_signs_inside_of_names_are_part_of_them():
    assert split("`a <= b` >= c = d") == (["`a <= b`", "c", "d"], [">=", "="])


def test_rules_are_text():
    with pytest.raises(TypeError, match="A rule is text"):
        read_all([3], ["a"])
