import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds import Bound
from skvae.tables.rules.reading import read_rules
from tests.tables.rules.ruled import draft_of


@pytest.mark.parametrize(("sign", "limits"), [("<=", (None, 2)), ("<", (None, 1)), (">=", (2, None)), (">", (3, None))])
def test_limits_of_bounds(sign, limits):
    X = pd.DataFrame({"a": [5, 0], "b": [2, 2]})
    rule = Bound(Formula("a"), sign, Formula("b"))
    for found, expected in zip(rule.limit("a", draft_of(X, rule)), limits, strict=True):
        assert found is None if expected is None else (found == expected).all()
    assert rule.limit("b", draft_of(X, rule))[0 if limits[0] is None else 1] is not None


def test_limits_are_values_that_the_column_has():
    X = pd.DataFrame({"whole": [1, 2], "exact": [1.25, 2.5]})
    (rule,) = read_rules("whole >= exact")
    draft = draft_of(X, rule)
    assert_array_equal(rule.limit("whole", draft)[0], [2, 3])
    assert_allclose(rule.limit("exact", draft)[1], [1, 2])
    (strict,) = read_rules("exact < whole")
    assert_allclose(strict.limit("exact", draft)[1], [0.99, 1.99])


@pytest.mark.parametrize(("text", "columns"), [("a < `b c`", ("a", "b c")), ("a >= b", ("b", "a")), ("a < 3", None)])
def test_bounds_between_columns_know_the_smaller_one(text, columns):
    (rule,) = read_rules(text)
    assert rule.columns == columns


def test_a_bound_has_a_sign():
    with pytest.raises(ValueError, match="no sign"):
        Bound(Formula("a"), "!", Formula("b"))
