import datetime
import decimal

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.metrics.frames import Encoding, align, bin_edges, kind_of

pa = pytest.importorskip("pyarrow")

DAY = datetime.date(1970, 1, 2)
NOON = pd.Timestamp("1970-01-02 12:00")
GAPS = [None, np.nan, pd.NA, pd.NaT]
COLUMNS = {  # two values and a gap: what floats they are
    "float32": (pd.Series([1.5, 2.0, None], dtype="float32"), "numbers", [1.5, 2, np.nan]),
    "Int64": (pd.Series([1, 2, None], dtype="Int64"), "numbers", [1, 2, np.nan]),
    "Float64": (pd.Series([1.5, 2.0, None], dtype="Float64"), "numbers", [1.5, 2, np.nan]),
    "Sparse": (pd.Series(pd.arrays.SparseArray([1.5, 2.0, np.nan])), "numbers", [1.5, 2, np.nan]),
    "uint8[pyarrow]": (pd.Series([1, 2, None], dtype="uint8[pyarrow]"), "numbers", [1, 2, np.nan]),
    "double[pyarrow]": (pd.Series([1.5, 2.0, None], dtype="double[pyarrow]"), "numbers", [1.5, 2, np.nan]),
    "decimal[pyarrow]": (
        pd.Series([decimal.Decimal("1.5"), decimal.Decimal("2"), None], dtype=pd.ArrowDtype(pa.decimal128(5, 2))),
        "numbers",
        [1.5, 2, np.nan],
    ),
    "datetime64": (pd.Series([NOON, NOON, None], dtype="datetime64[ns]"), "instants", [129600, 129600, np.nan]),
    "Zurich": (
        pd.Series([NOON, NOON, None], dtype="datetime64[ns]").dt.tz_localize("Etc/GMT-1"),
        "instants",
        [126000, 126000, np.nan],
    ),
    "timestamp[pyarrow]": (
        pd.Series([NOON, NOON, None], dtype=pd.ArrowDtype(pa.timestamp("ms"))),
        "instants",
        [129600, 129600, np.nan],
    ),
    "date[pyarrow]": (
        pd.Series([DAY, DAY, None], dtype=pd.ArrowDtype(pa.date32())),
        "instants",
        [86400, 86400, np.nan],
    ),
    "timedelta64": (pd.Series(pd.to_timedelta([1500, 2000, None], unit="ms")), "durations", [1.5, 2, np.nan]),
    "duration[pyarrow]": (
        pd.Series([pd.Timedelta("1.5s"), pd.Timedelta("2s"), None], dtype=pd.ArrowDtype(pa.duration("ms"))),
        "durations",
        [1.5, 2, np.nan],
    ),
    "bool": (pd.Series([True, False, None], dtype=object), "categories", [1, 0, np.nan]),
    "boolean": (pd.Series([True, False, None], dtype="boolean"), "categories", [1, 0, np.nan]),
    "bool[pyarrow]": (pd.Series([True, False, None], dtype="bool[pyarrow]"), "categories", [1, 0, np.nan]),
    "object": (pd.Series(["b", "a", None], dtype=object), "categories", [1, 0, np.nan]),
    "string": (pd.Series(["b", "a", None], dtype="string"), "categories", [1, 0, np.nan]),
    "string[pyarrow]": (
        pd.Series(["b", "a", None], dtype=pd.ArrowDtype(pa.string())),
        "categories",
        [1, 0, np.nan],
    ),
    "dictionary[pyarrow]": (
        pd.Series(["b", "a", None], dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))),
        "categories",
        [1, 0, np.nan],
    ),
    "category": (pd.Series(pd.Categorical(["b", "a", None], ["c", "b", "a"])), "categories", [1, 2, np.nan]),
    "mixed": (pd.Series(["b", 1, None], dtype=object), "categories", [0, 1, np.nan]),
    "period": (pd.Series(pd.PeriodIndex(["1971", "1970", None], freq="Y")), "instants", [365 * 86400, 0, np.nan]),
    "period of ms": (pd.Series(pd.PeriodIndex.from_ordinals([1500, 0], freq="ms")), "instants", [1.5, 0]),
    "far instants": (pd.Series(np.array([-(2**62), 2**62], dtype="datetime64[s]")), "instants", [-(2**62), 2**62]),
    "far durations": (pd.Series(np.array([-(2**62), 0], dtype="timedelta64[ms]")), "durations", [-(2**62) / 1000, 0]),
    "interval": (
        pd.Series([pd.Interval(1, 2), pd.Interval(0, 1), None], dtype="interval"),
        "categories",
        [1, 0, np.nan],
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_every_dtype_becomes_floats(name):
    column, kind, expected = COLUMNS[name]
    table = pd.DataFrame({"x": column})
    assert kind_of(column.dtype) == kind
    assert_array_equal(Encoding.fit(table).encode(table)[:, 0], expected)


@pytest.mark.parametrize("dtype", ["int64", "uint64", "Int64", "int64[pyarrow]"])
@pytest.mark.parametrize("start", [2**53, 2**60 + 1, 2**63 - 1000])
def test_whole_numbers_that_floats_would_merge_count_from_the_smallest(start, dtype):
    steps = [3, 0, 1, 999]
    first = pd.DataFrame({"x": pd.Series([start + step for step in steps[:2]], dtype=dtype)})
    second = pd.DataFrame({"x": pd.Series([start + step for step in steps[2:]], dtype=dtype)})
    encoding = Encoding.fit(first, second)
    assert [*encoding.encode(first)[:, 0], *encoding.encode(second)[:, 0]] == steps
    beside = pd.DataFrame({"x": [float(start), np.nan]})
    assert_array_equal(encoding.encode(beside)[:, 0], [int(float(start)) - start, np.nan])


def test_decimals_that_floats_would_merge_count_from_the_smallest():
    dtype = pd.ArrowDtype(pa.decimal128(38, 3))
    values = [decimal.Decimal(f"{10**30 + 7 + whole}.{part}") for whole, part in ((3, 125), (0, 0), (1, 0), (999, 0))]
    table = pd.DataFrame({"x": pd.Series(values, dtype=dtype)})
    first, second = table[:2], table[2:]
    encoding = Encoding.fit(first, second)
    assert [*encoding.encode(first)[:, 0], *encoding.encode(second)[:, 0]] == [3.125, 0, 1, 999]
    beside = pd.DataFrame({"x": [1e30, np.nan]})
    assert_array_equal(encoding.encode(beside)[:, 0], [int(1e30) - 10**30 - 7, np.nan])


def test_other_whole_numbers_are_themselves():
    for values in ([-(2**53), 0], [1, 2**53], [0, 2**62]):
        table = pd.DataFrame({"x": values})
        assert Encoding.fit(table).encode(table)[:, 0].tolist() == values


@pytest.mark.parametrize("gap", GAPS, ids=repr)
def test_a_gap_is_a_gap_of_whatever_kind(gap):
    table = pd.DataFrame({"x": pd.Series(["a", gap, None, np.nan], dtype=object)})
    assert_array_equal(Encoding.fit(table).encode(table)[:, 0], [0, np.nan, np.nan, np.nan])


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_of_gaps_agrees_with_any_column(name):
    table, empty = pd.DataFrame({"x": COLUMNS[name][0]}), pd.DataFrame({"x": [None, None]}, dtype=object)
    for tables in ((table, empty), (empty, table)):
        encoding = Encoding.fit(*align(a=tables[0], b=tables[1]))
        assert_array_equal(encoding.encode(table)[:, 0], COLUMNS[name][2])
        assert np.isnan(encoding.encode(empty)).all()


def test_levels_are_those_of_all_tables():
    one = pd.DataFrame({"x": pd.Categorical(["b", "a"], ["b", "a"])})
    two = pd.DataFrame({"x": ["a", "z"]})
    assert_array_equal(Encoding.fit(one, two).encode(two)[:, 0], [1, 2])
    assert_array_equal(Encoding.fit(one).encode(two)[:, 0], [1, np.nan])  # a level that was not learned is a gap


def test_columns_are_matched_by_name():
    one, two = align(one=pd.DataFrame({"a": [1], "b": [2]}), two=pd.DataFrame({"b": [2], "a": [1]}))
    assert list(two.columns) == ["a", "b"]
    pd.testing.assert_frame_equal(one, two)


def test_periods_are_the_instants_at_which_they_begin():
    days = pd.DataFrame({"day": pd.date_range("2020-01-31", periods=3, freq="ME"), "n": [1, 2, 3]})
    months = days.assign(day=days["day"].dt.to_period("M"))
    starts, expected = align(real=months, synthetic=days.assign(day=days["day"].dt.to_period("M").dt.to_timestamp()))
    assert_array_equal(Encoding.fit(starts, expected).encode(starts), Encoding.fit(expected).encode(expected))


@pytest.mark.parametrize("values", [np.arange(9.0), np.ones(3), np.array([0.1, 0.7, -3.0])])
def test_bins_are_those_of_numpy(values):
    assert_array_equal(bin_edges(values, 10), np.histogram_bin_edges(values, 10))


@pytest.mark.parametrize("values", [[1e17], [-1e300], [1e17, np.nextafter(1e17, 2e17)], [-1.7e308, 1.7e308]])
def test_bins_are_fewer_where_no_number_lies_between(values):
    edges = bin_edges(np.array(values), 10)
    assert np.isfinite(edges).all() and (np.diff(edges) > 0).all()
    assert edges[0] <= min(values) and max(values) <= edges[-1]


def test_tables_of_polars_and_arrow_are_those_of_pandas():
    pl = pytest.importorskip("polars")
    table = pd.DataFrame({"x": [1.5, None], "day": pd.to_datetime(["2020", "2021"]), "word": ["b", "a"]})
    cells = Encoding.fit(table).encode(table)
    for other in (pl.from_pandas(table), pa.Table.from_pandas(table)):
        one, two = align(one=other, two=table)
        assert_array_equal(Encoding.fit(one, two).encode(one), cells)
    with pytest.raises(TypeError, match=r"a LazyFrame are still to be read. Pass X.collect\(\)"):
        align(one=pl.from_pandas(table).lazy())


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        ([[1, 2]], TypeError, "synthetic must be a DataFrame, but is a list. Wrap it"),
        (pd.DataFrame({"a": [1]}), ValueError, r"synthetic lacks \['b'\] and adds \[\]. Drop or rename"),
        (pd.DataFrame({"a": [1], "b": ["x"], "c": [1]}), ValueError, r"lacks \[\] and adds \['c'\]"),
        (pd.DataFrame({"a": [], "b": []}), ValueError, r"at least one row and one column, but its shape is \(0, 2\)"),
        (pd.DataFrame([[1, "x"]], columns=["a", "a"]), ValueError, "synthetic has 'a' more than once. Rename"),
        (
            pd.DataFrame({"a": ["1"], "b": ["x"]}),
            ValueError,
            "'a' holds numbers in real .* and categories in synthetic .*astype",
        ),
        (
            pd.DataFrame({"a": [NOON], "b": ["x"]}),
            ValueError,
            "'a' holds numbers in real .* and instants in synthetic .*astype",
        ),
    ],
)
def test_tables_that_differ_get_a_sentence(bad, error, message):
    with pytest.raises(error, match=message):
        align(real=pd.DataFrame({"a": [1], "b": ["x"]}), synthetic=bad)


@pytest.mark.parametrize(
    ("cells", "error", "message"),
    [
        ([1.0, np.inf], ValueError, "must be finite, but column 'x' holds inf. Replace"),
        ([[1], [2]], TypeError, "Column 'x' holds values that cannot be compared as categories .*Convert"),
    ],
)
def test_cells_that_cannot_be_read_get_a_sentence(cells, error, message):
    table = pd.DataFrame({"x": cells})
    with pytest.raises(error, match=message):
        Encoding.fit(table).encode(table)
