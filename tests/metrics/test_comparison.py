import dataclasses

import pandas as pd
import pytest

from skvae.metrics import Report
from skvae.metrics.comparison import Comparison

ROWS = pd.DataFrame({"a": [1], "b": [2], "c": [3]})
TABLE = pd.DataFrame({"value": [0.1]}, index=["Shape error"])
SHAPES = pd.Series({"a": 0.1, "b": 0.3, "c": 0.1})


@pytest.fixture
def comparison():
    return Comparison(TABLE, SHAPES, pd.DataFrame(), ROWS, ROWS)


def test_a_report_is_a_comparison_with_test_rows_or_without(comparison):
    assert issubclass(Report, Comparison)
    assert comparison.test is None and comparison.target is None and comparison.sparse == []
    with pytest.raises(dataclasses.FrozenInstanceError):
        comparison.test = ROWS
    assert dataclasses.replace(Report(TABLE, SHAPES, pd.DataFrame(), ROWS, ROWS), target="a").target == "a"
