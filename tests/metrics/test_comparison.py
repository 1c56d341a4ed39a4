import dataclasses

import numpy as np
import pandas as pd
import pytest

from skvae.metrics import Report
from skvae.metrics.comparison import Comparison

ROWS = pd.DataFrame({"a": [1], "b": [2], "c": [3]})
TABLE = pd.DataFrame({"value": [0.1, 0.2], "real": [np.nan, 0.3]}, index=["Shape error", "Exact copies"])
SHAPES = pd.Series({"a": 0.1, "b": 0.3, "c": 0.1})


@pytest.fixture
def comparison():
    return Comparison(TABLE, SHAPES, pd.DataFrame(), ROWS, ROWS)


def test_columns_with_the_largest_errors_come_first(comparison):
    assert list(comparison.worst_first.index) == ["b", "a", "c"]  # equal ones in their order


def test_figures_are_found_by_name(comparison):
    assert comparison.figure("Exact copies") == (0.2, 0.3)
    value, real = comparison.figure("Shape error")
    assert value == 0.1 and np.isnan(real)


def test_a_report_is_a_comparison_with_test_rows_or_without(comparison):
    assert issubclass(Report, Comparison)
    assert comparison.test is None and comparison.target is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        comparison.test = ROWS
    assert dataclasses.replace(Report(TABLE, SHAPES, pd.DataFrame(), ROWS, ROWS), target="a").target == "a"
