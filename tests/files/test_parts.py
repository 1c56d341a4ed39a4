"""Values, dtypes and indexes go into plain parts and come back as they were."""

import datetime
import decimal
import uuid

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from skvae.files.parts import PARTS, part_of

ZONE = "Europe/Oslo"


def there_and_back(value):
    name = part_of(value)
    return PARTS[name].put(PARTS[name].take(value))


@pytest.mark.parametrize(
    "value",
    [
        float("inf"),
        np.float32(0.1),
        np.int64(-3),
        np.bool_(True),
        np.str_("a"),
        np.datetime64("2020-01-02T03:04:05.678", "ms"),
        np.timedelta64(7, "D"),
        pd.NA,
        b"\x00\xff",
        pd.Timestamp("2020-01-02 03:04:05.123456789"),
        pd.Timestamp("2020-10-25 01:30", tz="UTC").tz_convert(ZONE),
        pd.Timestamp("0001-01-01").as_unit("s"),
        pd.Timedelta("-3 days 04:05:06.000000007"),
        pd.Period("2020-03", freq="M"),
        pd.Period("2020Q3", freq="Q-NOV"),
        pd.Interval(0.5, 1.5, closed="left"),
        datetime.datetime(2020, 1, 2, 3, 4, 5, 6),
        datetime.date(2020, 1, 2),
        datetime.time(3, 4, 5, 6),
        decimal.Decimal("1.230"),
        decimal.Decimal("-1E+9000"),
        decimal.Decimal("Infinity"),
        uuid.UUID(int=5),
    ],
    ids=repr,
)
def test_a_value(value):
    again = there_and_back(value)
    assert type(again) is type(value)
    assert again is value or again == value
    assert getattr(again, "unit", None) == getattr(value, "unit", None)
    assert getattr(again, "dtype", None) == getattr(value, "dtype", None)


@pytest.mark.parametrize("value", [float("nan"), np.float64("nan"), pd.NaT], ids=repr)
def test_a_gap(value):
    again = there_and_back(value)
    assert type(again) is type(value)
    assert pd.isna(again)


DTYPES = [
    *map(np.dtype, ["float16", "float32", "float64", "int8", "uint64", "bool", "object", "M8[s]", "M8[ns]", "m8[us]"]),
    *map(pd.api.types.pandas_dtype, ["Int8", "UInt64", "Float32", "Float64", "boolean"]),
    pd.StringDtype("python"),
    pd.StringDtype("pyarrow"),
    pd.Series(["a"]).dtype,
    pd.DatetimeTZDtype("us", ZONE),
    pd.DatetimeTZDtype("ns", datetime.timezone(datetime.timedelta(hours=2))),
    pd.DatetimeTZDtype("ns", "UTC"),
    *(pd.PeriodDtype(freq) for freq in ("D", "M", "Q-NOV", "Y", "h")),
    pd.IntervalDtype("int64", "both"),
    pd.CategoricalDtype(["b", "a"], ordered=True),
    pd.CategoricalDtype([3, 2.5, "x", True]),
    pd.CategoricalDtype(pd.interval_range(0, 3)),
    *(pd.SparseDtype("float64"), pd.SparseDtype("int32", 7), pd.SparseDtype(bool), pd.SparseDtype("float32", -0.0)),
    *map(
        pd.ArrowDtype,
        [
            *(pa.int64(), pa.float32(), pa.bool_(), pa.string(), pa.large_string(), pa.date32(), pa.date64()),
            *(pa.timestamp("us"), pa.timestamp("ns", ZONE), pa.duration("ms"), pa.decimal128(10, 2)),
            *(
                pa.decimal256(60, 2),
                *(getattr(pa, name)(5, 2) for name in ("decimal32", "decimal64") if hasattr(pa, name)),
            ),
            *(pa.dictionary(pa.int32(), pa.string()), pa.dictionary(pa.int8(), pa.int64(), ordered=True)),
        ],
    ),
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_dtype(dtype):
    again = there_and_back(dtype)
    assert again == dtype
    assert type(again) is type(dtype)
    assert str(again) == str(dtype)
    assert getattr(again, "ordered", None) == getattr(dtype, "ordered", None)


@pytest.mark.parametrize("dtype", [pd.ArrowDtype(pa.list_(pa.int8())), np.dtype("c16")], ids=str)
def test_a_dtype_that_no_file_holds(dtype):
    with pytest.raises(ValueError, match="the dtype"):
        there_and_back(dtype)


INDEXES = [
    pd.RangeIndex(2, 10, 3, name="row"),
    pd.Index([1, 2, 3], dtype="uint8"),
    pd.Index([0.1, -0.0, np.inf]),
    pd.Index([True, False]),
    pd.Index(["a", "", "\N{SNOWMAN}", "\ud800"], dtype=object),
    pd.Index(["a", "b"], name=("a", 1)),
    pd.Index(["a", 1, 1.5, None, False, pd.Timestamp("2020"), (1, "b")], dtype=object, tupleize_cols=False),
    pd.Index(pd.array([1, None], dtype="Int64")),
    pd.Index(pd.array(["a", None], dtype=pd.ArrowDtype(pa.string()))),
    pd.DatetimeIndex(["2020-01-01", "NaT"]).as_unit("s"),
    pd.date_range("2020-10-24", periods=3, tz=ZONE),
    pd.to_timedelta([1, 2], unit="D"),
    pd.period_range("2020-01", periods=3, freq="M"),
    pd.interval_range(0, 3, closed="both"),
    pd.CategoricalIndex(["a", "b", "a"], categories=["b", "a"], ordered=True),
    pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["letter", None]),
]


@pytest.mark.parametrize("index", INDEXES, ids=lambda index: f"{type(index).__name__}-{index.dtype}")
def test_an_index(index):
    again = there_and_back(index)
    pd.testing.assert_index_equal(again, index, exact=True)
    assert [type(value) for value in again] == [type(value) for value in index]


@pytest.mark.parametrize("text", ["1E+10001", "1E-10001", "0E+10001", "1E+999999999"])
def test_a_decimal_of_which_no_whole_number_should_be_made(text):
    for ask in (lambda: PARTS["decimal"].take(decimal.Decimal(text)), lambda: PARTS["decimal"].put(text)):
        with pytest.raises(ValueError, match="10,000 digits"):
            ask()


@pytest.mark.parametrize("n", [100, 101, 10**6])
def test_long_ranges_of_categories_are_kept_as_values(n):
    dtype, labels = pd.CategoricalDtype(range(n), ordered=True), pd.MultiIndex([range(n), ["a"]], [[5, 7], [0, 0]])
    assert ("range" in PARTS["index"].take(PARTS["dtype"].take(dtype)[1])) == (n == 100)
    assert there_and_back(dtype) == dtype
    assert ("range" in PARTS["index"].take(PARTS["index"].take(labels)["levels"][0])) == (n == 100)
    pd.testing.assert_index_equal(there_and_back(labels), labels)
    assert type(there_and_back(pd.RangeIndex(n))) is pd.RangeIndex  # of labels, of which a table has as many columns


def test_what_nothing_takes_apart():
    class Colour:
        pass

    with pytest.raises(ValueError, match="Colour"):
        part_of(Colour())
    with pytest.raises(ValueError, match="time zone"):
        there_and_back(datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC))


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("dtype", "V8"),
        ("dtype", "os.system"),
        ("dtype", ["masked", "Sparse[int]"]),
        ("dtype", ["moment", "ns", "../../etc/passwd"]),
        ("dtype", ["moment", "ns", "dateutil//etc/passwd"]),
        ("dtype", ["arrow", "list<item: int8>"]),
        ("native", {"backend": "polars", "schema": [["a", "from_native", {}]]}),
        ("missing", "None"),
        ("scalar", ["<i8", decimal.Decimal("1E+9000")]),
        ("scalar", ["<i8", pd.RangeIndex(10)]),
        ("scalar", ["<i8", "9" * 4000]),
    ],
)
def test_parts_that_somebody_wrote(name, parts):
    with pytest.raises((ValueError, KeyError, TypeError)):
        PARTS[name].put(parts)
