import numpy as np
import pandas as pd
import torch
from numpy.testing import assert_allclose, assert_array_equal

from skvae.tables import Amounts, Table, center_and_reach, variance_of


def test_numbers_are_in_units_and_categories_indicators():
    rows = pd.DataFrame({"n": [10, 20, 40, 40], "kind": ["b", "a", None, "c"], "x": [0.5, np.nan, 1.5, -2.0]})
    table = Table.fit(rows, {"n": "gaussian", "x": "gaussian"})
    amounts = Amounts(table)
    assert amounts.widths == [1, 3, 1]
    of_rows = amounts.of(table.encode(rows))
    assert_allclose(np.diff(of_rows[:, 0]), [10, 20, 0])
    assert_array_equal(of_rows[:, 1:4], [[0, 1, 0], [1, 0, 0], [np.nan] * 3, [0, 0, 1]])
    assert_allclose(of_rows[:, 4], rows["x"])


def test_levels_of_numbers_are_numbers_and_indicators_no_columns():
    rows = pd.DataFrame({"n": [1.0, 2.0, np.nan, 4.0] * 10, "day": pd.date_range("2024-01-01", periods=40)})
    table = Table.fit(rows, add_indicator=True)
    amounts = Amounts(table)
    of_rows = amounts.of(table.encode(rows))
    assert of_rows.shape == (40, 2)
    assert_allclose(of_rows[:, 0], rows["n"])
    assert_allclose(np.diff(of_rows[:, 1]), 1.0, atol=0.05)  # days


def test_columns_from_levels():
    rows = pd.DataFrame({"flag": [True, False, True], "kind": ["a", "b", "c"], "x": [1.0, 2.0, 3.0]})
    amounts = Amounts(Table.fit(rows, {"x": "gaussian"}))
    values = np.array([0.3, -0.3, 0.1, -0.4, 0.3, 7.0])
    assert_allclose(amounts.largest(values), [-0.3, -0.4, 7.0])
    assert_allclose(amounts.total(values), [0, 0, 7], atol=1e-15)
    by_row = np.array([values, 2 * values])
    assert_allclose(amounts.most_moved(by_row, 1), [-0.4, -0.8])
    probabilities = torch.tensor([[0.9, 0.1, 0.2, 0.3, 0.5]])
    into = np.zeros((1, 6))
    amounts.put_probabilities(into, [0, 1], probabilities)
    assert_allclose(into, [[0.9, 0.1, 0.2, 0.3, 0.5, 0.0]], rtol=1e-6)


def test_variance_and_reach():
    x = np.array([[1.0, np.nan, 1e308], [3.0, np.nan, -1e308], [8.0, np.nan, 0.0]])
    center, reach = center_and_reach(x)
    assert_allclose(center, [4.5, 0, 0])
    assert_allclose(reach, [3.5, 1, 1e308])
    weights = np.array([2.0, 1.0, 1.0])
    assert_allclose(variance_of(x[:, :2], weights), [np.var([1, 1, 3, 8]), 0])
