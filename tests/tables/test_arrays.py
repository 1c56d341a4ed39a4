import warnings
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_array_equal

from skvae.tables import with_nan

LARGE = 2**60 + 3


def test_masked_arrays_without_a_mask_keep_their_dtype():
    assert with_nan(np.ma.array(np.eye(2, dtype=np.int8))).dtype == np.int8
    counts = with_nan(np.ma.array(np.eye(2, dtype=np.int8), mask=np.eye(2)))
    assert_array_equal(counts, [[np.nan, 0], [0, np.nan]])
    assert with_nan(np.ma.array(np.eye(2, dtype=np.float32), mask=np.eye(2))).dtype == np.float32


@pytest.mark.parametrize("X", [np.array([[LARGE, 1]], dtype=object), [[LARGE, np.int64(1)]]])
def test_objects_that_are_large_whole_numbers_stay_exact(X):
    read = np.asarray(with_nan(X))
    assert read.dtype.kind in "iu"
    assert read.tolist() == [[LARGE, 1]]


@pytest.mark.parametrize(
    "X",
    [
        np.array([[LARGE, None]], dtype=object),
        np.array([[LARGE, 0.5]], dtype=object),
        np.array([[2**70 + 1, -1]], dtype=object),
        np.array([[Decimal(10**30 + 1), None]], dtype=object),
        np.array([[Decimal(2**53 + 1), Decimal("NaN")]], dtype=object),
        np.ma.array([[LARGE, 1]], mask=[[False, True]]),
    ],
)
def test_what_no_array_holds_exactly_is_said(X):
    with pytest.warns(
        UserWarning, match=rf"X holds {X[0, 0]} in column 0; 1 such cell\(s\) are rounded. Pass a DataFr"
    ):
        with_nan(X)


@pytest.mark.parametrize(
    "X", [np.array([[2**60, None]], dtype=object), np.ma.array([[2**60, LARGE]], mask=[[False, True]]), [[1, pd.NA]]]
)
def test_what_floats_hold_is_not_said(X):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_array_equal(np.isnan(with_nan(X).astype(float)), [[False, True]])


def test_whole_numbers_beyond_all_floats_get_a_sentence():
    with pytest.raises(ValueError, match=r"must fit into a float64, but X holds one of 401 digits\. Divide"):
        with_nan(np.array([[10**400, 1.5]], dtype=object))


def test_chunks_of_a_masked_array_are_alike_whether_they_have_gaps_or_not():
    X = np.ma.array(np.eye(3, dtype=bool), mask=np.eye(3)[::-1] > 0)
    assert [with_nan(X[rows]).dtype for rows in (slice(2), slice(2, 3), slice(0))] == [np.float64] * 3


@pytest.mark.parametrize("unit", ["Y", "M", "W", "D", "h", "m"])
def test_moments_are_in_a_unit_that_pandas_has(unit):
    X = np.array([[1, 2], [3, 4]]).astype(f"M8[{unit}]")
    assert with_nan(X).dtype == "M8[s]"
    assert_array_equal(with_nan(X).astype(X.dtype), X)
    assert with_nan(X.astype("M8[ms]")).dtype == "M8[ms]"


def test_durations_of_days_are_read():
    assert_array_equal(with_nan(np.array([[2]], dtype="m8[D]")), np.array([[172800]], dtype="m8[s]"))


def test_structured_arrays_and_rows_of_several_lengths_get_a_sentence():
    with pytest.raises(ValueError, match=r"for all columns, but X is a structured array of \['a', 'b'\]"):
        with_nan(np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]))
    with pytest.raises(ValueError, match=r"a cell for each column, but row 0 has 2 and row 2 has 1\. Fill"):
        with_nan([[1, 2], [3, 4], (5,)])


@pytest.mark.parametrize("tensor", [torch.eye(2, requires_grad=True), torch.eye(2, dtype=torch.bfloat16)])
def test_tensors_are_arrays(tensor):
    read = with_nan(tensor)
    assert read.dtype == np.float32
    assert_array_equal(read, np.eye(2))
