import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.tables.rules.kinds import Function
from skvae.tables.rules.reading import read_rules
from skvae.tables.rules.syntax import Term
from tests.tables.rules.ruled import draft_of, stays


@pytest.mark.parametrize("text", ["start <= days(end - start)", "start = days(end - start)"])
def test_sides_are_of_one_kind(text):
    (rule,) = read_rules(text)
    with pytest.raises(ValueError, match="must be of one kind"):
        rule.broken(draft_of(stays(5), rule))


def test_a_rule_says_nothing_of_gaps():
    X = pd.DataFrame({"a": [1.0, np.nan], "b": [2.0, 2.0]})
    for text in ("a = b", "a >= b", "a = f(b)"):
        (rule,) = read_rules(text)
        draft = draft_of(X, rule)
        if isinstance(rule, Function):
            rule = Function("a", [Term("b")], [pd.Index([2.0])], pd.Index([3.0]))
        assert_array_equal(rule.broken(draft), [True, False])
