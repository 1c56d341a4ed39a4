import re
import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from skvae.tables import Table
from skvae.tables.columns import NumberColumn
from tests.tables.columns.values import NUMBER_DTYPES, series


@pytest.mark.parametrize("dtype", NUMBER_DTYPES)
def test_numbers_come_back_as_they_were(dtype):
    values = series([3, 0, 100, 7], dtype)
    column = NumberColumn("a", values.dtype)
    codes = column.encode(values)
    assert codes.dtype == np.float64
    assert codes.tolist() == [3.0, 0.0, 100.0, 7.0]
    pd.testing.assert_series_equal(pd.Series(column.decode(codes), name="a"), values)


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float64"])
def test_a_missing_number_is_nan(dtype):
    values = series([3, None, 1], dtype)
    assert np.isnan(NumberColumn("a", values.dtype).encode(values)).tolist() == [False, True, False]


def test_numbers_that_became_text_get_a_sentence():
    column = NumberColumn("a", np.dtype("float64"))
    with pytest.raises(ValueError, match=r"Column 'a' held numbers at fit, but now has dtype .* Convert it to float64"):
        column.encode(series(["x", "y"], "object"))


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float64", "boolean", "int64[pyarrow]"])
def test_gaps_of_numbers_come_back(dtype):
    if dtype.endswith("[pyarrow]"):
        pytest.importorskip("pyarrow")
    values = series([1, None, 0], dtype)
    decoded = NumberColumn("a", values.dtype).decode(np.array([1.0, np.nan, 0.0]))
    pd.testing.assert_series_equal(pd.Series(decoded, name="a"), values)


def test_text_that_says_nan_is_no_gap():
    table = Table.fit(pd.DataFrame({"a": [1.0, 2.0]}))
    with pytest.raises(ValueError, match="column 'a' holds 'nan' in row 1, which this column of float64 cannot"):
        table.encode(pd.DataFrame({"a": pd.Series(["1.5", "nan", None], dtype=object)}))


def test_arrow_numbers_come_back():
    pytest.importorskip("pyarrow")
    number = series([3, 1, 2], "int64[pyarrow]")
    column = NumberColumn("a", number.dtype)
    pd.testing.assert_series_equal(pd.Series(column.decode(column.encode(number)), name="a"), number)


def test_the_center_of_numbers_is_the_mean_of_the_draws():
    draws = np.random.default_rng(0).normal(size=(7, 5))
    assert_allclose(NumberColumn("a", np.dtype(float)).center(draws), draws.mean(axis=0))


def test_any_number_is_possible_where_there_are_no_levels():
    column = NumberColumn("a", np.dtype(float))
    assert column.is_possible(series([-1e30, 0.0], "float64")).all()
    assert column.edges.shape == (0, 2)
    assert column.log_density(np.array([1.0, np.nan])).tolist() == [0.0, 0.0]


def read_condition(values, dtype, value, family):
    """What a condition on a column of these values comes to, as a cell of its own."""
    (column,) = Table.fit(pd.DataFrame({"a": pd.Series(values * 20).astype(dtype)}), family).data
    given = pd.Series([value], dtype=object) if isinstance(value, str) else pd.Series([value])
    cell = column.read_condition(given)
    assert cell.dtype == column.codec.dtype
    assert cell.astype(float).iloc[0] == pytest.approx(float(value), rel=1e-3)
    assert np.isfinite(column.encode_condition(given)).all()
    return cell.iloc[0]


@pytest.mark.parametrize("family", ["student_t", "histogram"])
@pytest.mark.parametrize(
    "value", [90, 90.0, "90", "90.00", Decimal(90), Decimal("90.000"), np.int8(90), np.float32(90), 45.5, 0.1 + 0.2]
)
def test_a_condition_on_decimals_may_be_any_number_that_they_have(value, family):
    dtype = pd.ArrowDtype(pytest.importorskip("pyarrow").decimal128(5, 2))
    values = [Decimal("90.00"), Decimal("45.50"), Decimal("0.30")]
    assert read_condition(values, dtype, value, family) in values


@pytest.mark.parametrize("family", ["student_t", "histogram"])
@pytest.mark.parametrize("value", ["90.001", Decimal("90.001"), 90.001, 12345, Decimal("12345.67"), 1e20, -1000])
def test_a_condition_that_decimals_do_not_have_gets_a_sentence(value, family):
    dtype = pd.ArrowDtype(pytest.importorskip("pyarrow").decimal128(5, 2))
    with pytest.raises(ValueError, match=r"has none in column 'a', which h.*\. Pass (one|a value)"):
        read_condition([Decimal("90.00"), Decimal("45.50")], dtype, value, family)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "Int8", "int8[pyarrow]", "float16"])
def test_a_condition_is_no_other_number_of_a_narrow_dtype(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    assert read_condition([1, 3, 5], dtype, 3, "student_t") == 3
    wrong = [1e6, 70_000] if dtype == "float16" else [300, 1e6, 2.5, 0.1, *([-1] if dtype == "uint8" else [])]
    for value in wrong:
        with pytest.raises(ValueError, match=rf"which has (values of|whole) .*numbers that {re.escape(dtype)} has"):
            read_condition([1, 3, 5], dtype, value, "student_t")


def test_rows_of_conditions_are_told_apart():
    (column,) = Table.fit(pd.DataFrame({"a": np.array([1, 3, 5], np.int8)}), "student_t").data
    with pytest.raises(ValueError, match=r"but 2\.5 has none"):
        column.read_condition(pd.Series([3, 2.5, 300]))


@pytest.mark.parametrize("dtype", ["int64", "uint64", "Int64", "int64[pyarrow]"])
def test_new_whole_numbers_that_floats_do_not_hold_are_said(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    table = Table.fit(pd.DataFrame({"a": pd.Series([1, 2, 3] * 8).astype(dtype)}))
    codes = pd.Series([2**60 + 3 * i for i in range(5)] * 8).astype(dtype)
    with pytest.warns(UserWarning, match=r"column 'a' holds 1152921504606846979; 32 such cell\(s\) are rounded. Subtr"):
        table.encode(pd.DataFrame({"a": codes}))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table.encode(pd.DataFrame({"a": pd.Series([2**60, 2**61] * 8).astype(dtype)}))


def test_new_whole_numbers_of_an_array_that_floats_do_not_hold_are_said():
    table = Table.fit(np.array([[1, 2], [3, 4]]))
    with pytest.warns(UserWarning, match=r"column 1 holds 9007199254740993; 1 such cell\(s\) are rounded"):
        table.encode(np.array([[2, 2**53 + 1]]))


TIMES = {
    "moments": pd.Series(pd.to_datetime(["2020-01-01", None, None])),
    "durations": pd.Series(pd.to_timedelta([1, None, None])),
    "numpy's moments": pd.Series([np.datetime64("2020-01-01"), None, None], dtype=object),
    "complex": pd.Series([1j, np.nan, np.nan]),
}


@pytest.mark.parametrize("values", TIMES.values(), ids=TIMES.keys())
@pytest.mark.parametrize("numbers", [[0.5, 1.5, 2.5], [1, 2, 3], [2**60, 2**60 + 3, 2**60 + 5]])
def test_times_and_complex_numbers_are_no_numbers(values, numbers):
    table = Table.fit(pd.DataFrame({"a": numbers}))
    with pytest.raises(ValueError, match=r"Column 'a' held numbers at fit, but now has dtype .* \(these are no real"):
        table.encode(pd.DataFrame({"a": values}))
    assert np.isnan(table.encode(pd.DataFrame({"a": values.mask(values.notna())}))).all()
