import decimal

import numpy as np
import pandas as pd
import pytest

from skvae.likelihoods import DiscretizedLogistic, Gaussian, Poisson
from skvae.tables import Table
from skvae.tables.columns import Column, GapColumn, NumberColumn, Support, check_finite
from skvae.tables.columns.base import converted, least_rows

FLOAT = np.dtype(float)


def test_whole_numbers_are_possible_as_far_as_seen():
    cells = np.array([2.0, 3.0, 3.5, 9.0, 10.0])
    seen = Support(DiscretizedLogistic(), 3.0, 9.0)
    assert seen.covers(cells).tolist() == [False, True, False, True, False]
    assert seen.in_words() == "a whole number from 3 to 9"
    assert Support(Gaussian(), 3.0, 9.0).covers(cells).all()
    assert Support(Poisson(), 3.0, 9.0).covers(np.array([-1.0, 0.0, 100.0, 0.5])).tolist() == [False, True, True, False]
    assert Support(Poisson(), 3.0, 9.0).in_words() == "one of the non-negative whole numbers up to 4e8"


def test_an_infinity_gets_a_sentence():
    cells = np.array([1.0, np.nan, -np.inf])
    with pytest.raises(ValueError, match=r"column 'a' holds -inf in row 2. Replace infinities by NaN"):
        check_finite(cells, "a")
    assert check_finite(cells[:2], "a") is not None


def test_what_does_not_convert_is_named():
    column = NumberColumn("a", FLOAT)
    with pytest.raises(
        ValueError, match=r"Column 'a' holds float64, but the condition is 'tall' \(.*\). Pass anything"
    ):
        converted(pd.Series([1, "tall", "small"], dtype=object), "Float64", column, "anything")
    assert converted(pd.Series(["1", None], dtype=object), "Float64", column, "anything").tolist() == [1.0, pd.NA]


def test_a_kind_of_nothing_owns_and_reads_nothing():
    assert not GapColumn.owns(FLOAT) and not GapColumn.reads(FLOAT, Gaussian())
    for ask in (
        lambda: GapColumn.auto_family(FLOAT, histograms=False),
        lambda: GapColumn("a", FLOAT).encode_tensor(None),
        lambda: GapColumn("a", FLOAT).decode_tensor(None),
    ):
        with pytest.raises(NotImplementedError, match="GapColumn"):
            ask()
    assert not GapColumn("a", FLOAT).holds_numbers
    with pytest.raises(TypeError, match="abstract"):
        Column("a", FLOAT)


def test_a_value_that_the_dtype_cannot_hold_gets_a_sentence():
    pa = pytest.importorskip("pyarrow")
    prices = pd.DataFrame({"a": pd.array([1, 2, 3] * 4, dtype=pd.ArrowDtype(pa.decimal128(5, 2)))})
    column = Table.fit(prices, "gaussian").data[0]
    with pytest.raises(ValueError, match=r"100000 has none in column 'a'.*Pass one of the finite numbers"):
        column.read_condition(pd.Series([100_000]))
    for value in (2, 2.5, np.int8(2), decimal.Decimal("2.25")):
        assert column.read_condition(pd.Series([value])).tolist() == [decimal.Decimal(str(value))]


@pytest.mark.parametrize("dtype", ["datetime64[s]", "timedelta64[ns]", "float64", "int64"])
def test_complex_numbers_are_none(dtype):
    column = Table.fit(pd.DataFrame({"a": np.arange(9).astype(dtype)})).data[0]
    with pytest.raises(ValueError, match=r"Column 'a' holds .* is 1j.*Pass"):
        column.encode_condition(pd.Series([1j]))


@pytest.mark.parametrize(
    ("protect", "n_rows", "expected"),
    [
        ("auto", 99, 1),
        ("auto", 100, 2),
        ("auto", 149, 2),
        ("auto", 150, 3),
        ("auto", 10**6, 3),
        (None, 10**6, 1),
        (20, 10, 20),
    ],
)
def test_of_few_rows_fewer_make_a_group(protect, n_rows, expected):
    assert least_rows(protect, n_rows) == expected
