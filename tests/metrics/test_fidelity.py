import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import ks_2samp

from skvae.metrics import column_shapes, mean_trend, pair_trends
from skvae.metrics.fidelity import worst_first

NUMBERS = st.lists(st.integers(-5, 5) | st.floats(-1e6, 1e6), min_size=1, max_size=30)


def shape(real, synthetic):
    return column_shapes(pd.DataFrame({"x": real}), pd.DataFrame({"x": synthetic}))["x"]


def trend(real, synthetic):
    return mean_trend(pair_trends(pd.DataFrame(real), pd.DataFrame(synthetic)))


@pytest.mark.filterwarnings("ignore:ks_2samp")  # of its p-value
@settings(max_examples=50, deadline=None)
@given(NUMBERS, NUMBERS)
def test_shape_of_numbers_is_the_kolmogorov_smirnov_statistic(real, synthetic):
    real, synthetic = np.array(real, dtype=float), np.array(synthetic, dtype=float)
    assert_allclose(shape(real, synthetic), ks_2samp(real, synthetic).statistic, atol=1e-12)


def test_shape_of_categories_is_the_total_variation():
    real, synthetic = list("aaaabbbc"), list("aabbbbdd")
    # a: 4/8 - 2/8, b: 4/8 - 3/8, c: 1/8, d: 2/8
    assert shape(real, synthetic) == (2 + 1 + 1 + 2) / 8 / 2


def test_shape_of_a_category_counts_missing_cells_as_a_level():
    assert shape(["a", "a", "b", None], ["a", "b", np.nan, pd.NA]) == 0.25


def test_shape_of_a_number_is_the_worse_of_observed_and_missing():
    real = [1.0, 2.0, 3.0, 4.0]
    assert shape(real, [1.0, 2.0, np.nan, np.nan]) == 0.5  # both: F(2) = 1/2 against 1; 0 against 1/2 missing
    assert shape(real, [*real, np.nan]) == 0.2
    assert shape([1.0, np.nan], [2.0, np.nan]) == 1
    assert shape([np.nan, np.nan], [2.0, np.nan]) == 0.5
    assert shape([np.nan], [np.nan]) == 0


def test_a_table_equals_itself_in_any_order_and_dtype(mixed):
    other = mixed.sample(frac=1, random_state=0)[mixed.columns[::-1]]
    other["kind"] = other["kind"].astype("category")
    other["visits"] = other["visits"].astype("Float64")
    other["color"] = other["color"].where(other["color"].notna(), pd.NA)
    shapes, trends = column_shapes(mixed, other), pair_trends(mixed, other)
    assert list(shapes.index) == list(trends.index) == list(trends.columns) == list(mixed.columns)
    assert_allclose(shapes, 0, atol=1e-12)
    assert_allclose(mean_trend(trends), 0, atol=1e-12)


def test_disjoint_tables_have_all_errors(mixed):
    other = pd.DataFrame({"number": [10, 11], "word": ["c", "d"], "when": pd.to_datetime(["2021", "2022"])})
    real = pd.DataFrame({"number": [0, 1], "word": ["a", None], "when": pd.to_datetime(["2019", "2020"])})
    assert (column_shapes(real, other) == 1).all()
    trends = pair_trends(real, other)
    assert trends.loc["word", "number"] == trends.loc["word", "when"] == 1
    assert_allclose(trends.loc["number", "when"], 0, atol=1e-12)  # both rise together in both tables


def test_trends_are_symmetric_without_a_diagonal(mixed):
    trends = pair_trends(mixed, mixed.sample(frac=0.5, random_state=0)).to_numpy()
    assert_allclose(trends, trends.T)
    assert np.isnan(np.diag(trends)).all()
    off = trends[~np.eye(len(trends), dtype=bool)]
    assert (off >= 0).all() and (off <= 1).all() and off.mean() > 0.05


def test_trend_of_numbers_is_half_the_difference_of_correlations():
    rng = np.random.default_rng(0)
    tables = [pd.DataFrame(rng.normal(size=(200, 4)) @ rng.normal(size=(4, 4)) * 1e6 + 1e9) for _ in range(2)]
    for table in tables:
        table[0] = table[0].where(rng.random(200) < 0.8)  # each pair over the rows that have both
        table[3] = table[3].where(rng.random(200) < 0.6)
    expected = (tables[0].corr() - tables[1].corr()).abs() / 2
    assert_allclose(pair_trends(*tables), expected.mask(np.eye(4, dtype=bool)), atol=1e-9)


@pytest.mark.parametrize("constant", [0.1, 1e9 + 0.1])
def test_a_constant_number_correlates_with_nothing(constant):
    rising = np.arange(7) * 0.3
    assert_allclose(trend({"a": rising, "b": rising}, {"a": rising, "b": np.full(7, constant)}), 0.5)
    assert trend({"a": rising, "b": np.full(7, constant)}, {"a": -rising, "b": np.full(7, 2.0)}) == 0
    few = np.array([1.0, constant, constant, constant])  # constant where both are observed
    gaps = np.array([np.nan, 1.0, 2.0, 4.0])
    assert trend({"a": few, "b": gaps}, {"a": few, "b": np.full(4, np.nan)}) == 0


def test_trend_with_a_category_is_the_total_variation_of_the_contingency_table():
    # age in 10 bins of [0, 100]: 0-10 and 90-100
    real = {"age": [0, 5, 95, 100], "sex": ["f", "m", "f", "m"]}
    assert trend(real, {"age": [9, 1, 91, 92], "sex": ["f", "m", "f", "m"]}) == 0
    assert trend(real, {"age": [0, 5, 95, 100], "sex": ["m", "m", "f", "m"]}) == 0.25
    assert trend(real, {"age": [0, 15, 95, 100], "sex": ["f", "m", "f", "m"]}) == 0.25
    assert trend(real, {"age": [-1, 5, 95, 101], "sex": ["f", "m", "f", "m"]}) == 0.5  # outside is not the last bin
    assert trend(real, {"age": [0, 5, 95, np.nan], "sex": ["f", "m", "f", "m"]}) == 0.25


def test_trend_of_two_categories_counts_missing_cells_as_a_level():
    real = {"a": ["x", "x", None, None], "b": [True, None, True, None]}
    assert trend(real, {"a": ["x", "x", pd.NA, np.nan], "b": [None, True, None, True]}) == 0
    assert trend(real, {"a": ["x", "x", "x", None], "b": [True, None, True, None]}) == 0.25


def test_a_single_column_has_no_trend():
    assert np.isnan(trend({"a": [1, 2]}, {"a": [1, 2]}))


@pytest.mark.skipif("SKVAE_DATA" not in os.environ, reason="SKVAE_DATA names no folder of real tables")
def test_fresh_rows_of_a_census_have_the_errors_of_sampling():
    table = pd.read_csv(Path(os.environ["SKVAE_DATA"]) / "adult" / "adult.csv.gz")
    part = table.pop("split")
    train, test = table[part == part.iloc[0]], table[part != part.iloc[0]]
    assert_allclose(column_shapes(train, test).mean(), 0.0063, atol=0.0001)
    assert_allclose(mean_trend(pair_trends(train, test)), 0.0157, atol=0.0001)


def test_columns_with_the_largest_errors_come_first():
    errors = pd.Series({"a": 0.1, "b": 0.3, "c": 0.1})
    assert list(worst_first(errors).index) == ["b", "a", "c"]  # equal ones in their order
