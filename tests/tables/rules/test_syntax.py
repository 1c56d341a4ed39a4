import pandas as pd
import pytest

from skvae.tables.rules.draft import Draft
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.quantities import Quantity
from skvae.tables.rules.syntax import Term, quoted

ROWS = pd.DataFrame({"a": [1, 2], "day": pd.to_datetime(["2020-01-31", "2021-12-01"])})
DRAFT = Draft(ROWS, {name: Quantity.of(ROWS[name]) for name in ROWS})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a.real", "made of columns"),
        ("a ** 2", "made of columns"),
        ("a if a else 1", "made of columns"),
        ("'a'", "made of columns"),
        ("open(a)", "calls 'open'"),
        ("abs(a, 2)", "calls 'abs' of 2"),
        ("month(a + 1)", "one column"),
        ("f(a + 1)", "function of columns"),
        ("a +", "no formula"),
        ("(" * 400 + "a" + ")" * 400, "no formula|cannot be read"),
        ("-" * 300 + "a", "cannot be read|no formula"),
        ("a" * 300_000, "Shorten it"),
    ],
)
def test_other_code_is_refused(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        Formula(text)


@pytest.mark.parametrize("name", ["a", "b c", "class", "größe", "µ", "1st", "a<b"])
def test_quoted_names_are_read_again(name):
    assert Formula(quoted(name)).column == name


def test_terms_of_functions():
    assert Formula("f(month(`b c`), a)").terms == [Term("b c", "month"), Term("a")]
    assert str(Term("b c", "month")) == "month(`b c`)"
    assert Formula("a + 1").terms is None


def test_terms_of_labels_are_those_of_rows():
    assert DRAFT.labels_of(Term("day", "month")).tolist() == [1, 12]
    assert Term("day", "month").of(DRAFT.labels("day")).tolist() == [1, 12]
    assert Term("a").of(DRAFT.labels("a")).tolist() == [1, 2]
    known = DRAFT.labels("day").astype(object).where([True, False], None)
    assert Term("day", "year").of(known)[0] == 2020
    assert Term("day", "year").of(known).isna().tolist() == [False, True]
    with pytest.raises(ValueError, match="no part of the calendar"):
        Term("day", "century")
