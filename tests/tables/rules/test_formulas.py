import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skvae.tables.rules.draft import Draft
from skvae.tables.rules.formulas import Formula, Term, quoted
from skvae.tables.rules.quantities import Quantity

ROWS = pd.DataFrame(
    {
        "a": [1, 2],
        "b c": [0.5, -4.0],
        "day": pd.to_datetime(["2020-01-31", "2021-12-01"]),
        "end": pd.to_datetime(["2020-02-02", "2021-12-01"]),
        "word": ["x", "y"],
    }
)
DRAFT = Draft(ROWS, {name: Quantity.of(ROWS[name]) for name in ROWS if name != "word"})


@pytest.mark.parametrize(
    ("text", "expected", "kind"),
    [
        ("2 * a - `b c` / 2", [1.75, 6.0], "number"),
        ("-(a + 1)", [-2, -3], "number"),
        ("abs(`b c`)", [0.5, 4.0], "number"),
        ("round(`b c` / 3, 1)", [0.2, -1.3], "number"),
        ("days(end - day)", [2, 0], "number"),
        ("hours(end - day) / 24", [2, 0], "number"),
        ("month(day) + year(day)", [2021, 2033], "number"),
        ("(end - day) / (end - day + (end - day))", [0.5, np.nan], "number"),
        ("(end - day) * 2", [4 * 86_400e9, 0], "duration"),
    ],
)
def test_formulas_are_computed(text, expected, kind):
    value = Formula(text).value(DRAFT)
    assert_allclose(value.numbers, expected)
    assert value.kind == kind


def test_moments_stay_exact():
    numbers = Formula("day + (end - day)").value(DRAFT).numbers
    assert numbers.dtype == np.int64
    assert (numbers == DRAFT.numbers("end")).all()


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


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("day + end", "combines a moment and a moment"),
        ("day - 1", "combines a moment and a number"),
        ("days(day)", "counts a duration"),
        ("abs(day)", "passes a moment"),
        ("month(a)", "is of a date"),
        ("word + 1", "column 'word' has dtype"),
        ("1 + f(a)", "all of the right side"),
    ],
)
def test_what_cannot_be_combined_is_refused(text, sentence):
    with pytest.raises(ValueError, match=sentence):
        Formula(text).value(DRAFT)


def test_names_come_in_order_without_backticks():
    formula = Formula("`b c` + a * a - month(day)")
    assert formula.names == ["b c", "a", "day"]
    assert Formula("`b c`").column == "b c"
    assert formula.column is None
    assert Formula("month(`b c`)").part == Term("b c", "month")
    assert formula.part is None


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


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (Formula.of_column("b c"), "`b c`"),
        (Formula.of_number(-2.0), "-2"),
        (Formula.of_number(0.5), "0.5"),
        (Formula.of_part(Term("day", "hour")), "hour(day)"),
        (Formula.of_duration("days", "end", "b c"), "days(end - `b c`)"),
        (Formula.of_sum({"a": -2, "b c": 1}), "`b c` - 2 * a"),
        (Formula.of_sum({"a": -1}, -3.0), "-a - 3"),
        (Formula.of_sum({"a": 1, "b": 1}, 0.25, 2), "(a + b + 0.25) / 2"),
    ],
)
def test_formulas_of_the_search_are_written_as_a_user_would(formula, text):
    assert str(formula) == text


def test_columns_of_which_a_part_is_read():
    assert Formula("month(`b c`) + a - year(day)").dates == ["b c", "day"]
    assert Formula("f(month(day), a)").dates == ["day"]
    assert Formula("days(end - day)").dates == []


def test_sums_may_be_long():
    formula = Formula(" + ".join(["a", "`b c`"] * 1000) + " - a")
    assert formula.is_sum
    assert formula.names == ["a", "b c"]
    assert_allclose(formula.value(DRAFT).numbers, 999 * ROWS["a"] + 1000 * ROWS["b c"])
    again = pickle.loads(pickle.dumps(formula))
    assert again == formula == copy.deepcopy(formula)


@pytest.mark.parametrize(("text", "is_sum"), [("a - (b + 1) + -c", True), ("a - b * c", False), ("a - abs(b)", False)])
def test_sums_only_add_and_take_away(text, is_sum):
    assert Formula(text).is_sum == is_sum
