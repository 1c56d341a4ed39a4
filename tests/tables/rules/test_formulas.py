import copy
import pickle

import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skvae.tables.rules.draft import Draft
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.quantities import Quantity
from skvae.tables.rules.syntax import Term

ROWS = pd.DataFrame({"a": [1, 2], "b c": [0.5, -4.0]})
DRAFT = Draft(ROWS, {name: Quantity.of(ROWS[name]) for name in ROWS})


def test_names_come_in_order_without_backticks():
    formula = Formula("`b c` + a * a - month(day)")
    assert formula.names == ["b c", "a", "day"]
    assert Formula("`b c`").column == "b c"
    assert formula.column is None
    assert Formula("month(`b c`)").part == Term("b c", "month")
    assert formula.part is None


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


def test_what_all_of_a_formula_is():
    assert [Formula(text).stepped for text in ("step(a)", "step(`b c`)", "a", "f(a)")] == ["a", "b c", None, None]
    texts = ["max(a, b)", "min(a, `b c`)", "max(a, 1)", "max(a, b) + 1", "abs(a)"]
    assert [Formula(text).extreme for text in texts] == ["max", "min", None, None, None]
    assert str(Formula.of_extreme("max", ["a", "b c"])) == "max(a, `b c`)"
