import numpy as np
import pandas as pd
import pytest

from skvae.tables.columns.dtypes import cast, is_category, is_number, is_time


@pytest.mark.parametrize(
    "dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "Int8", "UInt64"]
)
def test_whole_numbers_are_rounded_and_stay_in_their_range(dtype):
    dtype = pd.api.types.pandas_dtype(dtype)
    info = np.iinfo(getattr(dtype, "numpy_dtype", dtype))
    whole = cast(np.array([0.6, 1.4, -1e30, 1e30]), dtype)
    assert whole.dtype == dtype
    assert [int(value) for value in whole[:3]] == [1, 1, info.min]
    assert info.max - 2048 <= int(whole[3]) <= info.max
    assert int(whole[3]) == info.max or info.bits == 64


@pytest.mark.parametrize(("precision", "scale"), [(5, 2), (38, 0), (38, 20), (20, 2), (3, 5), (5, -2)])
def test_decimals_stay_in_their_range(precision, scale):
    pa = pytest.importorskip("pyarrow")
    dtype = pd.ArrowDtype(pa.decimal128(precision, scale))
    lowest, zero, largest = cast(np.array([-1e99, 0.0, 1e99]), dtype)
    assert zero == 0 and float(lowest) == -float(largest)
    assert float(largest) == pytest.approx(10.0 ** (precision - scale), rel=2 * 10.0**-precision + 1e-15)


@pytest.mark.parametrize("dtype", ["bool", "boolean"])
def test_a_probability_of_a_bool_is_decided_at_a_half(dtype):
    decided = cast(np.array([0.0, 0.49, 0.5, 1.0]), pd.api.types.pandas_dtype(dtype))
    assert decided.dtype == dtype
    assert list(decided) == [False, False, True, True]


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        ("float32", "number"),
        ("uint8", "number"),
        ("Int16", "number"),
        ("bool", "category"),
        ("boolean", "category"),
        ("object", "category"),
        ("string", "category"),
        ("category", "category"),
        ("datetime64[ns]", "neither"),
        ("timedelta64[ns]", "neither"),
        ("complex64", "neither"),
    ],
)
def test_kinds_of_columns(dtype, kind):
    dtype = pd.api.types.pandas_dtype(dtype)
    assert (is_number(dtype), is_category(dtype)) == (kind == "number", kind == "category")


def test_kinds_of_times(kind, times):
    dtype = times(kind).dtype
    assert (is_time(dtype), is_number(dtype), is_category(dtype)) == (True, False, False)


def test_what_is_no_time():
    for dtype in ("float64", "int64", "object", "category", "string", "boolean", "complex64"):
        assert not is_time(pd.api.types.pandas_dtype(dtype))


@pytest.mark.parametrize(("precision", "scale"), [(5, 2), (20, 2), (38, 0), (3, 3)])
def test_decimals_stay_within_their_digits(precision, scale):
    pa = pytest.importorskip("pyarrow")
    dtype = pd.ArrowDtype(pa.decimal128(precision, scale))
    low, high, middle = cast(np.array([-1e300, 1e300, 0.0]), dtype)
    assert (low.copy_negate(), middle) == (high, 0)
    assert float(high) == pytest.approx(10.0 ** (precision - scale) - 10.0**-scale)
