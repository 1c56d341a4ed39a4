import numpy as np
import pandas as pd

from skvae.tables.rules.search.evidence import Evidence, complete_rows, is_enough, surprise_of
from tests.tables.rules.ruled import stays


def test_columns_that_a_rule_cannot_name_are_left_out():
    X = pd.DataFrame([[1, 2, 3, 4]], columns=["a", "`", "1", 1])
    assert Evidence(X).names == ["a"]


def test_constants_are_no_quantities():
    evidence = Evidence(pd.DataFrame({"a": [1, 1, 1], "b": [1, 2, 3], "c": ["x", "y", None]}))
    assert list(evidence.quantities) == ["b"]
    assert evidence.n_levels("c") == 2
    assert evidence.gaps("c").sum() == 1


def test_surprise_is_that_of_the_most_frequent_value():
    np.testing.assert_allclose(surprise_of(np.array([0, 0, 0, 1, np.nan])), -np.log(0.75))
    assert surprise_of(np.array([np.nan])) == surprise_of(np.ones(3)) == 0


def test_times_keep_their_order_as_floats():
    X = stays(50)
    evidence = Evidence(X)
    starts = evidence.numbers[:, list(evidence.quantities).index("start")]
    assert (np.argsort(starts) == np.argsort(evidence.rows["start"].to_numpy())).all()


def test_columns_with_most_gaps_are_left_out_first():
    numbers = np.array([[1.0, np.nan, 1.0], [1.0, np.nan, np.nan], [1.0, 1.0, 1.0]])
    rows, columns = complete_rows(numbers, 2)
    assert rows.tolist() == [True, False, True]
    assert columns.tolist() == [0, 2]
    assert not len(complete_rows(numbers, 4)[1])


def test_more_rules_need_more_evidence():
    assert is_enough(20.0, 10)
    assert not is_enough(20.0, 10_000)
