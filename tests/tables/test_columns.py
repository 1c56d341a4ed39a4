import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from skvae.tables.columns import (
    CategoryColumn,
    GapColumn,
    HistogramColumn,
    NumberColumn,
    TimeColumn,
    cast,
    is_category,
    is_number,
    is_time,
)

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


@pytest.mark.parametrize("index", ["int8", "int32"])
@pytest.mark.parametrize("kind", ["text", "whole"])
def test_arrow_dictionaries_come_back(kind, index):
    pa = pytest.importorskip("pyarrow")
    dtype = pd.ArrowDtype(pa.dictionary(getattr(pa, index)(), pa.string() if kind == "text" else pa.int64()))
    values = pd.Series(pd.array(["b", "a", None, "b"] if kind == "text" else [7, 5, None, 7], dtype=dtype), name="a")
    assert is_category(dtype)
    column = CategoryColumn.fit(values)
    assert column.levels.tolist() == (["a", "b"] if kind == "text" else [5, 7])
    assert_array_equal(column.encode(values), [1, 0, np.nan, 1])
    pd.testing.assert_series_equal(pd.Series(column.decode(column.encode(values)), name="a"), values)
    pd.testing.assert_series_equal(
        pd.Series(column.decode(np.array([1.0, 1.0])), name="a"), values[[0, 3]].reset_index(drop=True)
    )
    plain = pd.Series(values.tolist(), dtype="object")  # as a condition may be
    assert_array_equal(column.encode(plain), [1, 0, np.nan, 1])
    assert column.is_possible(values).tolist() == [True, True, False, True]
    few = CategoryColumn.fit(values, max_categories=1)
    pd.testing.assert_series_equal(pd.Series(few.decode(few.encode(values)), name="a"), values)


# -- gaps ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "dtype",
    [
        "object",
        "string",
        "str",
        "category",
        "boolean",
        "Int64",
        "Float64",
        "float64",
        "float32",
    ],
)
def test_gaps_of_categories_come_back(dtype):
    values = series([*CATEGORIES.get(dtype, CATEGORIES["Int64" if dtype[0] in "Ff" else "object"]), None], dtype)
    column = CategoryColumn.fit(values)
    decoded = pd.Series(column.decode(column.encode(values)), name="a", dtype=values.dtype)
    pd.testing.assert_series_equal(decoded, values)
    assert pd.isna(column.decode(np.full(2, np.nan))).all()


@pytest.mark.parametrize("dtype", ["string[pyarrow]", "bool[pyarrow]", "int64[pyarrow]"])
def test_gaps_of_arrow_categories_come_back(dtype):
    pytest.importorskip("pyarrow")
    values = series([*CATEGORIES[{"s": "string", "b": "bool", "i": "Int64"}[dtype[0]]], None], dtype)
    column = CategoryColumn.fit(values)
    decoded = pd.Series(column.decode(column.encode(values)), name="a")
    pd.testing.assert_series_equal(decoded, values)


@pytest.mark.parametrize("dtype", ["Int64", "Float64", "float64", "boolean", "int64[pyarrow]"])
def test_gaps_of_numbers_come_back(dtype):
    if dtype.endswith("[pyarrow]"):
        pytest.importorskip("pyarrow")
    values = series([1, None, 0], dtype)
    decoded = NumberColumn("a", values.dtype).decode(np.array([1.0, np.nan, 0.0]))
    pd.testing.assert_series_equal(pd.Series(decoded, name="a"), values)


def test_where_another_column_has_a_gap():
    column = GapColumn("a", np.dtype(bool))
    codes = column.encode(series([1.0, None, 2.0], "float64"))
    assert codes.tolist() == [0.0, 1.0, 0.0]
    assert column.decode(codes).tolist() == [False, True, False]
    assert column.decode(np.array([0.0, 0.999, 1.0, 1.999])).tolist() == [False, False, True, True]  # with positions
    assert len(column.edges) == 2


# -- many categories -----------------------------------------------------------------------------------------

NAMES = np.array(["common", "frequent", "usual", "rare", "rarer", "rarest"])
TIMES = [50, 40, 30, 6, 3, 1]


def names():
    return series(np.random.default_rng(0).permutation(np.repeat(NAMES, TIMES)), "object")


def test_the_rarest_categories_share_the_last_level():
    column = CategoryColumn.fit(names(), 4)
    assert (column.n_alone, len(column.edges)) == (3, 4)
    assert list(column.levels) == ["common", "frequent", "usual", "rare", "rarer", "rarest"]
    codes = column.encode(names())
    assert_array_equal(np.bincount(codes.astype(int)), [50, 40, 30, 10])
    assert list(column.decode(codes)) == list(names())
    assert_array_equal(codes[codes < 3], np.floor(codes[codes < 3]))


def test_the_last_level_is_as_wide_as_it_may_be_in_float32():
    column = CategoryColumn.fit(names(), 4)
    codes = column.encode(names()).astype(np.float32).astype(np.float64)
    assert list(column.decode(codes)) == list(names())
    assert (codes < 4).all()


def test_rare_categories_are_drawn_by_their_shares():
    column = CategoryColumn.fit(names(), 4)
    draws = column.decode(3 + 0.999 * np.random.default_rng(0).random(20_000))
    counts = pd.Series(draws).value_counts()
    assert stats.chisquare(counts[["rare", "rarer", "rarest"]], 20_000 * np.array([0.6, 0.3, 0.1])).pvalue > 1e-4
    assert set(draws) == {"rare", "rarer", "rarest"}
    assert list(column.decode(np.array([3.0, 3.999]))) == ["rare", "rarest"]


def test_log_density_of_a_rare_category_is_its_log_share():
    column = CategoryColumn.fit(names(), 4)
    values = series(list(NAMES), "object")
    assert_allclose(column.log_density(column.encode(values)), [0, 0, 0, *np.log([0.6, 0.3, 0.1])])
    assert column.log_density(np.array([np.nan, 1.0])).tolist() == [0.0, 0.0]
    counted = CategoryColumn.fit(names())  # all have levels of their own
    assert_array_equal(counted.log_density(counted.encode(values)), np.zeros(6))


@pytest.mark.parametrize(("max_categories", "n_levels"), [(1, 1), (2, 2), (5, 5), (6, 6), (7, 6)])
def test_there_are_no_more_levels_than_allowed(max_categories, n_levels):
    column = CategoryColumn.fit(names(), max_categories)
    assert len(column.edges) == n_levels
    assert list(column.decode(column.encode(names()))) == list(names())
    shares = column.log_density(column.encode(series(list(NAMES), "object")))
    alone = np.log(np.array(TIMES) / sum(TIMES[column.n_alone :])) if len(column.shares) else np.zeros(6)
    assert_allclose(shares, np.where(np.arange(6) < column.n_alone, 0.0, alone))


def test_levels_of_their_own_keep_their_order():
    values = series(np.repeat(["d", "c", "b", "a"], [9, 1, 9, 9]), "object")
    column = CategoryColumn.fit(values, 3)
    assert list(column.levels) == ["a", "b", "d", "c"]
    assert list(column.decode(column.encode(values))) == list(values)


@given(
    values=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60),
    max_categories=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_any_number_of_categories_comes_back(values, max_categories, seed):
    values = series(values, "object")
    column = CategoryColumn.fit(values, max_categories)
    codes = column.encode(values)
    assert list(column.decode(codes)) == list(values)
    assert (codes < len(column.edges)).all()
    # the probability of the level times the share in it is the relative frequency
    level = np.bincount(codes.astype(int), minlength=len(column.edges)) / len(values)
    log_prob = np.log(level)[codes.astype(int)] + column.log_density(codes)
    assert_allclose(np.exp(log_prob), values.map(values.value_counts(normalize=True)), rtol=1e-9)
    anywhere = column.decode(np.random.default_rng(seed).uniform(0, len(column.edges), 50))
    assert set(anywhere) <= set(values)


@pytest.mark.parametrize("dtype", ["object", "string", "category", "str"])
def test_an_identifier_warns(dtype):
    values = series([f"id{i}" for i in range(100)], dtype)
    sentence = r"A category should recur, but column 'a' holds 100 different values in 100 cells, as an identifier does"
    with pytest.warns(UserWarning, match=sentence):
        CategoryColumn.fit(values)


@pytest.mark.parametrize(
    "values",
    [
        [f"id{i}" for i in range(99)],  # few rows may well hold every category once
        [f"id{i % 90}" for i in range(100)],
        [f"id{i}" for i in range(99)] + [None] * 100,
        list("ab") * 60,
    ],
)
def test_no_identifier_no_warning(values):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        CategoryColumn.fit(series(values, "object"))


@pytest.mark.parametrize("max_categories", [4, 100])
def test_the_center_of_categories_is_the_most_frequent_draw(max_categories):
    column = CategoryColumn.fit(names(), max_categories)
    draws = np.array([[0.0, 2.0, 1.0], [0.0, 1.0, 3.2], [1.0, 1.0, 3.9], [2.0, 1.0, 0.0]])
    draws[:, 2] = [1.0, 3.2, 3.9, 3.5]
    assert column.center(draws).tolist() == [0.0, 1.0, 3.0]


def test_a_category_is_possible_where_it_was_seen():
    column = CategoryColumn.fit(names(), 4)
    values = series(["common", "rarest", "unheard of", None], "object")
    assert column.is_possible(values).tolist() == [True, True, False, False]
    assert column.possible == "one of ['common', 'frequent', 'usual', 'rare', 'rarer', 'rarest']"
    many = CategoryColumn.fit(series([f"c{i:02}" for i in range(12)] * 2, "object"))
    assert many.possible.endswith("'c09'] …")


# -- moments and durations -----------------------------------------------------------------------------------

DAYS = pd.to_datetime(["2021-03-28", "1969-12-31", "2024-02-29", "2021-03-29"])
MINUTES = pd.to_datetime(["2021-03-28 01:30", "1969-12-31 23:59", "2024-02-29 12:00", "2021-10-31 01:30"])
WAITS = pd.to_timedelta(["1 days", "-3 days", "20 days", "0 days"])


def arrow(values, dtype):
    pa = pytest.importorskip("pyarrow")
    kinds = {
        "date32": pa.date32(),
        "date64": pa.date64(),
        "timestamp": pa.timestamp("us"),
        "duration": pa.duration("ms"),
    }
    dtype = pd.ArrowDtype(kinds.get(dtype) or pa.timestamp("ns", tz="America/New_York"))
    if "date" in str(dtype):
        return pd.Series(pd.array([value.date() for value in values], dtype=dtype), name="a")
    return pd.Series(values, name="a").astype(dtype)


def times(kind):
    if kind in ("datetime64[s]", "datetime64[ms]", "datetime64[us]", "datetime64[ns]"):
        return pd.Series(DAYS, name="a").astype(kind)
    if kind.startswith("timedelta64"):
        return pd.Series(WAITS, name="a").astype(kind)
    if kind.startswith("period"):
        return pd.Series(DAYS, name="a").dt.to_period(kind[-2])
    if kind.startswith("arrow"):
        dtype = kind.removeprefix("arrow ")
        values = WAITS if dtype == "duration" else MINUTES.tz_localize("UTC") if dtype == "zoned" else DAYS
        return arrow(values, dtype)
    return pd.Series(MINUTES, name="a").dt.tz_localize("UTC").dt.tz_convert(kind)


DAY = 86_400
TIMES_OF = {  # kind: ticks of a step
    "datetime64[s]": DAY,
    "datetime64[ms]": DAY * 10**3,
    "datetime64[us]": DAY * 10**6,
    "datetime64[ns]": DAY * 10**9,
    "timedelta64[s]": DAY,
    "timedelta64[ns]": DAY * 10**9,
    "period[D]": 1,
    "period[M]": None,
    "period[Y]": 1,
    "Europe/Oslo": None,
    "America/New_York": None,
    "UTC": None,
    "arrow timestamp": DAY * 10**6,
    "arrow zoned": None,
    "arrow date32": DAY,
    "arrow date64": DAY,
    "arrow duration": DAY * 10**3,
}


@pytest.mark.parametrize("kind", TIMES_OF)
def test_times_come_back(kind):
    values = times(kind)
    column = TimeColumn.fit(values)
    steps = column.encode(values)
    assert steps.min() == 0.0
    assert_array_equal(steps, np.rint(steps))
    assert np.gcd.reduce(steps.astype(int)) == 1  # no larger step reaches all of them
    decoded = pd.Series(column.decode(steps), name="a")
    pd.testing.assert_series_equal(decoded, values)
    assert (np.argsort(steps, kind="stable") == np.argsort(values.to_numpy(), kind="stable")).all()


@pytest.mark.parametrize("kind", TIMES_OF)
def test_gaps_between_times_come_back(kind):
    values = times(kind)
    values[1] = None
    column = TimeColumn.fit(values)
    steps = column.encode(values)
    assert np.isnan(steps).tolist() == [False, True, False, False]
    pd.testing.assert_series_equal(pd.Series(column.decode(steps), name="a"), values)
    nothing = TimeColumn.fit(values[1:2])  # a column without any is refused by the table, in its own words
    assert np.isnan(nothing.encode(values[1:2])).all()


@pytest.mark.parametrize(("kind", "step"), [(kind, step) for kind, step in TIMES_OF.items() if step])
def test_the_step_of_days_is_a_day(kind, step):
    column = TimeColumn.fit(times(kind))
    assert column.step == step
    between = column.decode(np.array([0.49, 0.51, 10.2]))
    assert list(between) == list(column.decode(np.array([0.0, 1.0, 10.0])))


@pytest.mark.parametrize(("freq", "seconds"), [("15min", 900), ("D", DAY), ("7D", 7 * DAY), ("s", 1), ("h", 3600)])
def test_the_step_is_the_columns_own_precision(freq, seconds):
    moments = pd.Series(pd.date_range("1999-12-31 08:00", periods=500, freq=freq), name="a")
    shuffled = moments.sample(frac=1.0, random_state=0)
    column = TimeColumn.fit(shuffled.astype("datetime64[ns]"))
    assert column.step == seconds * 10**9
    assert sorted(column.encode(shuffled)) == list(range(500))
    drawn = pd.Series(column.decode(np.random.default_rng(0).uniform(0, 499, 100)))
    assert drawn.isin(moments).all()


def test_a_moment_has_the_same_steps_in_any_zone_and_unit():
    column = TimeColumn.fit(times("Europe/Oslo"))
    steps = column.encode(times("Europe/Oslo"))
    for kind in ("America/New_York", "UTC", "arrow zoned"):
        assert_array_equal(column.encode(times(kind)), steps)
    column = TimeColumn.fit(times("datetime64[ns]"))
    for kind in ("datetime64[s]", "datetime64[us]", "arrow timestamp", "arrow date32"):
        assert_array_equal(column.encode(times(kind)), column.encode(times("datetime64[ns]")))


def test_daylight_saving_neither_loses_nor_doubles_an_hour():
    moments = pd.Series(pd.date_range("2021-10-30 22:00", periods=8, freq="h", tz="UTC"), name="a")
    local = moments.dt.tz_convert("Europe/Oslo")  # 02:30 comes twice
    column = TimeColumn.fit(local)
    assert column.encode(local).tolist() == list(range(8))
    pd.testing.assert_series_equal(pd.Series(column.decode(np.arange(8.0)), name="a"), local)


def test_centuries_of_nanoseconds_come_back():
    values = series(pd.to_datetime(["1700-01-01", "1850-06-15", "2100-01-01"]), "datetime64[ns]")
    column = TimeColumn.fit(values)
    assert list(column.decode(column.encode(values))) == list(values)


def test_a_constant_moment_comes_back():
    values = series(pd.to_datetime(["2020-01-01"] * 3), "datetime64[us]")
    column = TimeColumn.fit(values)
    assert column.encode(values).tolist() == [0.0, 0.0, 0.0]
    assert list(column.decode(np.array([0.0, 0.2]))) == [pd.Timestamp("2020-01-01")] * 2


@pytest.mark.parametrize("values", [[1.0, 2.0], ["2020-01-01", "2020-01-02"], [True, False]])
def test_times_that_became_something_else_get_a_sentence(values):
    column = TimeColumn.fit(times("datetime64[us]"))
    sentence = r"Column 'a' held datetime64\[us\] at fit, but now has dtype .* Convert it with pandas.to_datetime or"
    with pytest.raises(ValueError, match=sentence):
        column.encode(series(values, None))


@pytest.mark.parametrize(
    ("fitted", "given"),
    [
        ("datetime64[us]", "timedelta64[s]"),
        ("timedelta64[s]", "datetime64[us]"),
        ("period[D]", "datetime64[us]"),
        ("period[D]", "period[M]"),
    ],
)
def test_times_of_another_kind_get_a_sentence(fitted, given):
    with pytest.raises(ValueError, match=r"Column 'a' held .* at fit, but now has dtype"):
        TimeColumn.fit(times(fitted)).encode(times(given))


def test_kinds_of_times():
    for kind in TIMES_OF:
        dtype = times(kind).dtype
        assert (is_time(dtype), is_number(dtype), is_category(dtype)) == (True, False, False)
    for dtype in ("float64", "int64", "object", "category", "string", "boolean", "complex64"):
        assert not is_time(pd.api.types.pandas_dtype(dtype))


# -- histograms ----------------------------------------------------------------------------------------------


def histogram_of(values):
    number = TimeColumn.fit(values) if is_time(values.dtype) else NumberColumn("a", values.dtype)
    return HistogramColumn.fit(number, values)


@pytest.mark.parametrize("dtype", NUMBER_DTYPES)
def test_numbers_come_back_through_their_levels(dtype):
    rng = np.random.default_rng(0)
    values = series(rng.integers(0, 100, 500), dtype)
    column = histogram_of(values)
    codes = column.encode(values)
    assert codes.dtype == np.float64
    decoded = pd.Series(column.decode(codes), name="a")
    pd.testing.assert_series_equal(decoded, values)
    draws = column.decode(rng.uniform(0, len(column.edges), 200))
    assert draws.dtype == values.dtype
    assert set(draws) <= set(range(100))


@pytest.mark.parametrize("kind", TIMES_OF)
def test_times_come_back_through_their_levels(kind):
    values = pd.concat([times(kind)] * 3, ignore_index=True)
    column = histogram_of(values)
    decoded = pd.Series(column.decode(column.encode(values)), name="a")
    pd.testing.assert_series_equal(decoded, values)
    draws = pd.Series(column.decode(np.random.default_rng(0).uniform(0, len(column.edges), 50)))
    assert draws.dtype == values.dtype
    assert draws.between(values.min(), values.max()).all()


def test_gaps_of_a_histogram_come_back():
    values = series([1.5, None, 0.25] * 20, "Float64")
    column = histogram_of(values)
    pd.testing.assert_series_equal(pd.Series(column.decode(column.encode(values)), name="a"), values)
    assert column.log_density(column.encode(values))[1] == 0.0


def test_log_density_of_a_histogram_is_minus_the_log_width():
    values = series(np.concatenate([np.random.default_rng(0).uniform(0, 10, 400), np.full(50, 3.0)]), "float64")
    column = histogram_of(values)
    density, _ = np.histogram(values[:400], np.linspace(0, 10, 11), density=True)
    assert column.log_density(column.encode(series([3.0], "float64"))).tolist() == [0.0]  # an atom is not spread
    begin, end = column.edges[column.encode(values[:400]).astype(int)].T
    assert_allclose(column.log_density(column.encode(values[:400])), -np.log(end - begin))
    assert density.std() < 0.05


def test_an_infinity_in_a_histogram_gets_a_sentence():
    column = histogram_of(series(np.arange(50.0), "float64"))
    for call in (column.encode, lambda values: histogram_of(values)):
        with pytest.raises(ValueError, match=r"column 'a' holds inf in row 1. Replace infinities by NaN"):
            call(series([1.0, np.inf], "float64"))


def test_the_center_of_a_histogram_is_the_mean_of_the_draws():
    values = series(np.random.default_rng(0).gamma(1.0, 50.0, 900), "float64")
    column = histogram_of(values)
    draws = values.to_numpy().reshape(30, 30)
    center = column.center(np.apply_along_axis(lambda row: column.encode(pd.Series(row)), 1, draws))
    # a mean between two bins is the end of one
    assert_allclose(column.decode(center), draws.mean(axis=0), atol=1.0)
    assert np.isclose(column.decode(center), draws.mean(axis=0), rtol=1e-9).mean() > 0.8


def test_the_center_of_numbers_is_the_mean_of_the_draws():
    draws = np.random.default_rng(0).normal(size=(7, 5))
    assert_allclose(NumberColumn("a", np.dtype(float)).center(draws), draws.mean(axis=0))


def test_values_of_a_histogram_are_possible_in_its_bins_and_at_its_atoms():
    values = np.concatenate([np.linspace(0, 1, 100), np.linspace(5, 6, 100), np.full(90, 3.0)])
    column = histogram_of(series(values, "float64"))
    probes = {0.0: True, 0.37: True, 3.0: True, 3.5: False, 4.9: False, 6.0: True, 6.1: False, -0.1: False, 5.5: True}
    assert dict(zip(probes, column.is_possible(series(list(probes), "float64")).tolist(), strict=True)) == probes
    assert column.is_possible(series(values, "float64")).all()
    assert column.possible == "a value from 0 to 6"


def test_values_of_atoms_are_possible_and_nothing_between():
    column = histogram_of(series([1, 2, 4] * 30, "int64"))
    assert column.is_possible(series([1, 2, 3, 4, 5], "int64")).tolist() == [True, True, False, True, False]
    assert column.possible == "a value from 1 to 4, one of 3 values"


def test_what_the_precision_of_a_column_excludes_is_not_possible():
    column = histogram_of(series(np.arange(1000) % 500, "int64"))
    assert column.is_possible(series([7.0, 7.5], "float64")).tolist() == [True, False]


def test_moments_of_a_histogram_are_possible_between_the_first_and_the_last():
    column = histogram_of(series(pd.date_range("2020-01-01", periods=40), "datetime64[s]"))
    probes = series(pd.to_datetime(["2019-12-31", "2020-01-01", "2020-01-20", "2020-02-09", "2020-02-10"]), None)
    assert column.is_possible(probes).tolist() == [False, True, True, True, False]
    assert column.possible == "a value from 2020-01-01 00:00:00 to 2020-02-09 00:00:00"


def test_any_number_is_possible_where_there_are_no_levels():
    column = NumberColumn("a", np.dtype(float))
    assert column.is_possible(series([-1e30, 0.0], "float64")).all()
    assert column.edges.shape == (0, 2)
    assert column.log_density(np.array([1.0, np.nan])).tolist() == [0.0, 0.0]
