"""A cell is read in one way and written in one way, whatever it comes as."""

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal

from skvae.tables import Table, fill_gaps, keep_given
from skvae.tables.columns.cells import in_words, is_missing

FLAGS = np.arange(40) % 3 == 0


@pytest.mark.parametrize("dtype", ["float64", "float32", "Float64", "Float32", "double[pyarrow]", "float[pyarrow]"])
def test_nan_is_missing_and_filled_in_every_dtype(dtype):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    whole = pd.DataFrame({"x": pd.Series(np.arange(8.0), dtype=dtype)})
    X = whole.copy()
    zero = X["x"] - X["x"]
    X["x"] = (zero / X["x"]) + X["x"]  # 0 / 0 is NaN, which some dtypes tell from NA
    assert_array_equal(is_missing(X["x"]), np.arange(8) == 0)
    table = Table.fit(whole)
    is_gap = table.encode(X).isnan().numpy()[:, 0]
    assert_array_equal(is_gap, np.arange(8) == 0)
    pd.testing.assert_frame_equal(fill_gaps(X, is_gap, whole[:1]), whole)
    assert table.n_impossible(X).tolist() == [0] * 8
    assert table.encode_condition(X).isnan().numpy()[:, 0].tolist() == [True] + [False] * 7
    levels = Table.fit(pd.concat([X, X]), "categorical").columns[0].levels
    assert levels.tolist() == list(range(1, 8))


@pytest.mark.parametrize("fitted", ["bool", "boolean", "bool[pyarrow]", "object"])
@pytest.mark.parametrize("dtype", ["int64", "uint8", "float64", "Int64", "Float64", "object", "int64[pyarrow]"])
def test_flags_may_come_as_numbers(fitted, dtype):
    if "pyarrow" in fitted + dtype:
        pytest.importorskip("pyarrow")
    X = pd.DataFrame({"flag": pd.Series(FLAGS, dtype=fitted)})
    table, numbers = Table.fit(X), pd.DataFrame({"flag": pd.Series(FLAGS.astype(int)).astype(dtype)})
    assert_array_equal(table.encode(numbers), table.encode(X))
    assert table.n_impossible(numbers).sum() == 0
    assert_array_equal(table.encode_condition(numbers), table.encode(X))
    pd.testing.assert_frame_equal(keep_given(X.copy(), numbers, table), X)


def test_a_flag_of_another_number_was_not_seen():
    table = Table.fit(pd.DataFrame({"flag": FLAGS}))
    with pytest.warns(UserWarning, match=r"holds 2, which was not seen at fit; 1 such cell"):
        x = table.encode(pd.DataFrame({"flag": [0, 1, 2]}))
    assert_array_equal(x[:, 0], [0, 1, np.nan])


def test_what_lies_in_an_interval_is_written_as_the_interval():
    band = pd.cut(pd.Series(np.linspace(0.05, 2.95, 60)), [0.0, 1.0, 2.0, 3.0])
    for column in (band, band.astype(object), band.astype(pd.IntervalDtype("float64", "right")).astype("category")):
        X = pd.DataFrame({"band": column})
        table = Table.fit(X)
        given = pd.DataFrame({"band": [pd.Interval(1.0, 2.0), None]})
        kept = keep_given(X[-2:].copy(), given, table)
        assert kept["band"].tolist() == [pd.Interval(1.0, 2.0), pd.Interval(2.0, 3.0)]
        assert kept["band"].dtype == column.dtype
    X = pd.DataFrame({"band": band})
    kept = keep_given(X[-2:].copy(), pd.DataFrame({"band": [0.5, 1.5]}), Table.fit(X))
    assert kept["band"].tolist() == [pd.Interval(0.0, 1.0), pd.Interval(1.0, 2.0)]
    assert kept["band"].dtype == band.dtype
    with pytest.raises(ValueError, match=r"7.5 has none in column 'band', which held nothing like it at fit. Pass one"):
        Table.fit(X).encode_condition(pd.DataFrame({"band": [7.5]}))


@pytest.mark.parametrize(
    ("dtype", "given"), [("int64", "5.0"), ("Int64", 5.0), ("int8", 5), ("float32", "5"), ("float64", True)]
)
def test_a_number_given_as_another_type_is_written_in_the_dtype_of_the_column(dtype, given):
    X = pd.DataFrame({"a": pd.Series(np.arange(40), dtype=dtype)})
    kept = keep_given(X[:1].copy(), pd.DataFrame({"a": [given]}), Table.fit(X, histograms=True))
    assert kept["a"].tolist() == [float(given)]
    assert kept["a"].dtype == dtype


@pytest.mark.parametrize(
    ("values", "given", "reason"),
    [
        (np.arange(1, 400) * 0.25, 12.345, "12.345 has none in column 'a', which has two decimals. Pass a value from"),
        (np.arange(1, 400) * 0.5, 12.345, "which has one decimal"),
        (np.arange(1, 400) // 2, 12.5, "which has whole numbers"),
        (pd.date_range("2020-01-01", periods=400), "2020-01-09 12:00", "which has values in steps of 1 days"),
        (np.arange(1, 400) * 0.25, 112.25, "which held nothing like it at fit"),
    ],
)
def test_the_sentence_names_the_precision_where_that_is_the_reason(values, given, reason):
    table = Table.fit(pd.DataFrame({"a": values}), histograms=True)
    with pytest.raises(ValueError, match=reason):
        table.encode_condition(pd.DataFrame({"a": [given]}))


@pytest.mark.parametrize(
    "kinds", [(True, 1, "no"), (1, 1.0, "no"), (False, 0.0, "no"), ((1, 2), (True, 2), "no")], ids=str
)
def test_equal_objects_of_other_types_are_other_categories(kinds):
    values = [*kinds[:2], kinds[2], kinds[0]] * 10
    column = np.empty(40, dtype=object)
    column[:] = values
    X = pd.DataFrame({"a": column, "x": np.arange(40.0)})
    table = Table.fit(X)
    assert len(table.columns[0].levels) == 3
    back = table.decode(table.encode(X))["a"].tolist()
    assert [(type(value), value) for value in back] == [(type(value), value) for value in values]
    assert len(set(table.encode(X)[:3, 0].tolist())) == 3
    given = pd.DataFrame({"a": X["a"][:3]})
    kept = keep_given(X[1:4].copy(), given, table)["a"].tolist()
    assert list(map(type, kept)) == list(map(type, values[:3]))


@pytest.mark.parametrize("likelihood", ["histogram", "gaussian"])
def test_arrow_moments_after_the_year_9999_get_sentences(likelihood):
    pa = pytest.importorskip("pyarrow")
    for dtype in (pa.timestamp("s"), pa.timestamp("s", "UTC")):
        seconds = pd.array(np.arange(40) * 86_400 + 316_000_000_000, dtype="int64[pyarrow]")
        X = pd.DataFrame({"when": seconds.astype(pd.ArrowDtype(dtype))})
        table = Table.fit(X, {"when": likelihood})
        late = pd.DataFrame({"when": pd.array([400_000_000_000], "int64[pyarrow]").astype(pd.ArrowDtype(dtype))})
        assert in_words(late["when"]).startswith("14645-")
        if likelihood == "histogram":
            with pytest.raises(
                ValueError, match=r"but 14645-.* has none in column 'when', .* Pass a value from 11983-"
            ):
                table.encode_condition(late)
        pd.testing.assert_frame_equal(keep_given(X[1:2].copy(), X[:1], table).reset_index(drop=True), X[:1])


def test_a_condition_after_the_year_9999_that_does_not_convert_gets_a_sentence():
    pa = pytest.importorskip("pyarrow")
    dtype = pd.ArrowDtype(pa.timestamp("s"))
    late = pd.DataFrame({"when": pd.array([400_000_000_000], "int64[pyarrow]").astype(dtype)})
    X = pd.DataFrame({"when": pd.date_range("2020-01-01", periods=40).astype("datetime64[ns]")})
    with pytest.raises(ValueError, match=r"14645-.* Pass a value from 2020-01-01"):
        Table.fit(X).encode_condition(late)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_decoded_floats_stay_inside_the_range_of_their_dtype(dtype):
    top = np.finfo(dtype).max / 4
    X = (np.random.default_rng(0).normal(size=(40, 2)).clip(-3, 3) * float(top) / 4).astype(dtype)
    if dtype == "float64":
        X = X / 1e160  # whose variance fits
    for rows in (X, pd.DataFrame(X)):
        table = Table.fit(rows)
        x = table.encode(rows)
        for factor in (1e3, -1e3, 1e30):
            with np.errstate(all="ignore"):
                back = np.asarray(table.decode(x * factor))
            assert back.dtype == dtype
            assert np.isfinite(back).all()


@pytest.mark.parametrize("dtype", ["float32", "Float32", "float[pyarrow]", "float16"])
@pytest.mark.parametrize("n_levels", [8, 250])
def test_decimals_are_those_of_the_width_of_the_column(dtype, n_levels):
    if "pyarrow" in dtype:
        pytest.importorskip("pyarrow")
    rng = np.random.default_rng(0)
    own = np.float16 if dtype == "float16" else np.float32
    prices = (rng.integers(1, n_levels, size=1000) / 10).astype(own)
    X = pd.DataFrame({"price": pd.Series(prices).astype(dtype)})
    table = Table.fit(X, histograms=True)
    assert table.columns[0].bins.decimals == 1
    assert_array_equal(np.asarray(table.decode(table.encode(X))["price"], dtype=own), prices)
    spread = table.encode(X).numpy().astype(int) + rng.random((1000, 1)) * 0.99
    drawn = np.asarray(table.decode(torch.from_numpy(spread))["price"], dtype=own)
    assert_array_equal(drawn, np.round(drawn.astype(float), 1).astype(own))
    for given in (0.3, np.float32(0.3), own(0.3)):
        kept = keep_given(X[:1].copy(), pd.DataFrame({"price": [given]}), table)
        assert own(kept["price"].iloc[0]) == own(0.3)
    with pytest.raises(ValueError, match=r"has one decimal|held nothing like it"):
        table.encode_condition(pd.DataFrame({"price": [0.34]}))
    assert table.n_impossible(X).sum() == 0


def test_a_narrow_column_of_measurements_has_no_decimals():
    for dtype in (np.float32, np.float16):
        x = np.random.default_rng(0).gamma(1.0, 100.0, size=500).astype(dtype)
        assert Table.fit(pd.DataFrame({"x": x}), histograms=True).columns[0].bins.decimals is None
