import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skvae.tables.columns import CategoryColumn, NumberColumn, cast, is_category, is_number

NUMBER_DTYPES = [
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint64",
    "Int8",
    "Int64",
    "Float64",
]
CATEGORIES = {
    "object": ["b", "a", "b", "c"],
    "string": ["b", "a", "b", "c"],
    "category": ["b", "a", "b", "c"],
    "bool": [True, False, True, True],
    "boolean": [True, False, True, True],
    "Int64": [3, 1, 2, 3],
    "float64": [0.5, -1.0, 0.5, 2.0],
}


def series(values, dtype):
    return pd.Series(values, name="a", dtype=dtype)


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


@pytest.mark.parametrize("dtype", ["bool", "boolean"])
def test_a_probability_of_a_bool_is_decided_at_a_half(dtype):
    decided = cast(np.array([0.0, 0.49, 0.5, 1.0]), pd.api.types.pandas_dtype(dtype))
    assert decided.dtype == dtype
    assert list(decided) == [False, False, True, True]


@pytest.mark.parametrize("dtype", CATEGORIES)
def test_categories_come_back_as_they_were(dtype):
    values = series(CATEGORIES[dtype], dtype)
    column = CategoryColumn.fit(values)
    codes = column.encode(values)
    assert sorted(set(codes.tolist())) == [float(code) for code in range(values.nunique())]
    decoded = column.decode(codes)
    assert decoded.dtype == values.dtype
    assert list(decoded) == list(values)


@pytest.mark.parametrize("dtype", CATEGORIES)
def test_levels_are_sorted_and_gaps_are_none_of_them(dtype):
    values = series([*CATEGORIES[dtype], None], "object" if dtype == "bool" else dtype)
    column = CategoryColumn.fit(values)
    assert list(column.levels) == sorted(set(CATEGORIES[dtype]))
    codes = column.encode(values)
    assert np.isnan(codes[-1])
    assert np.isfinite(codes[:-1]).all()


def test_an_ordered_category_keeps_its_order_and_its_unused_levels():
    dtype = pd.CategoricalDtype(["low", "mid", "high", "unheard of"], ordered=True)
    values = series(["high", "low", "mid", "low"], dtype)
    column = CategoryColumn.fit(values)
    assert list(column.levels) == ["low", "mid", "high"]  # what was never seen is never produced
    assert column.encode(values).tolist() == [2.0, 0.0, 1.0, 0.0]
    assert column.decode(np.array([1.0])).dtype == dtype


@pytest.mark.parametrize("dtype", ["object", "category", "string"])
def test_a_category_never_seen_at_fit_warns_and_is_missing(dtype):
    column = CategoryColumn.fit(series(["a", "b", "a"], dtype))
    with pytest.warns(UserWarning, match=r"Column 'a' holds 'z', which was not seen at fit; 2 such cell\(s\)"):
        codes = column.encode(series(["b", "z", None, "z"], dtype))
    assert codes[0] == 1.0
    assert np.isnan(codes[1:]).all()


def test_gaps_do_not_warn():
    column = CategoryColumn.fit(series(["a", None, "b"], "object"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(column.encode(series([None, np.nan], "object"))).all()


def test_values_of_several_types_are_levels_in_the_order_of_appearance():
    values = series(["x", 3, "a", 3], "object")
    column = CategoryColumn.fit(values)
    assert list(column.levels) == ["x", 3, "a"]
    assert list(column.decode(column.encode(values))) == list(values)


def test_what_cannot_be_a_category_gets_a_sentence():
    with pytest.raises(
        TypeError, match=r"Column 'a' holds values that cannot be categories .* Convert them to strings"
    ):
        CategoryColumn.fit(series([["a"], ["b"]], "object"))


@given(values=st.lists(st.one_of(st.text(max_size=3), st.none()), min_size=1, max_size=20).filter(any))
def test_any_text_comes_back(values):
    values = series(values, "object")
    column = CategoryColumn.fit(values)
    codes = column.encode(values)
    assert np.isnan(codes).tolist() == values.isna().tolist()
    assert list(column.decode(codes[~np.isnan(codes)])) == list(values.dropna())


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


def test_arrow_columns_come_back():
    pytest.importorskip("pyarrow")
    number = series([3, 1, 2], "int64[pyarrow]")
    column = NumberColumn("a", number.dtype)
    pd.testing.assert_series_equal(pd.Series(column.decode(column.encode(number)), name="a"), number)
    text = series(["b", "a", "b"], "string[pyarrow]")
    category = CategoryColumn.fit(text)
    pd.testing.assert_series_equal(pd.Series(category.decode(category.encode(text)), name="a"), text)
