import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from skvae.tables import rows
from skvae.tables.rows import (
    cells_of,
    check_alike,
    column_of,
    concatenate,
    is_frame,
    names_and_dtypes,
    slices,
    with_cells,
)

FRAME = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "x"]})
ARRAY = np.arange(6.0).reshape(3, 2)


def test_containers_are_read_alike():
    assert is_frame(FRAME) and not is_frame(ARRAY)
    assert names_and_dtypes(FRAME) == (["a", "b"], list(FRAME.dtypes))
    assert names_and_dtypes(ARRAY) == ([0, 1], [np.dtype(float)] * 2)
    assert column_of(FRAME, 1).tolist() == ["x", "y", "x"]
    assert (column_of(ARRAY, 1).tolist(), column_of(ARRAY, 1).name) == ([1.0, 3.0, 5.0], 1)


@pytest.mark.parametrize("X", [FRAME, ARRAY], ids=["frame", "array"])
def test_slices_are_all_rows_in_order(X, monkeypatch):
    monkeypatch.setattr(rows, "CELLS", 5)
    first, parts = zip(*slices(X), strict=True)
    assert first == (0, 2)
    together = concatenate([part.copy() for part in parts])
    assert_array_equal(together, X)


def test_only_columns_that_change_are_read_from_an_array():
    read = []

    def twice(j, values):
        read.append(j)
        return 2 * values.to_numpy()

    cells = cells_of(ARRAY, twice, np.array([True, False]))
    assert read == [1]
    assert_array_equal(cells, ARRAY * [1, 2])
    assert not np.shares_memory(cells, ARRAY)
    assert_array_equal(cells_of(pd.DataFrame(ARRAY), twice, np.array([True, False])), 2 * ARRAY)


def test_an_infinity_gets_a_sentence():
    X = pd.DataFrame(ARRAY, columns=["a", "b"])
    X.loc[1, "b"] = -np.inf
    with pytest.raises(ValueError, match=r"column 'b' holds -inf in row 1. Replace infinities by NaN"):
        cells_of(X, lambda j, values: values.to_numpy(), np.array([True, True]))


def test_chunks_of_one_kind_are_alike():
    check_alike(FRAME, FRAME[:1])
    check_alike(ARRAY, ARRAY[:1])
    with pytest.raises(TypeError, match="All chunks must be of one kind"):
        check_alike(FRAME, ARRAY)
    with pytest.raises(ValueError, match=r"\['c'\] are new and \['b'\] are absent here"):
        check_alike(FRAME.rename(columns={"b": "c"}), FRAME)
    with pytest.raises(ValueError, match=r"column 'a' is float64 in the first and int64 here"):
        check_alike(FRAME.astype({"a": "int64"}), FRAME)


@pytest.mark.parametrize("dtype", ["float64", "Int64", "category", "string", "Sparse[float64]"])
def test_cells_of_a_column_change_and_its_dtype_does_not(dtype):
    values = list("abc") if dtype in ("category", "string") else [1, 2, 3]
    column = pd.Series(values, dtype=dtype)
    changed = with_cells(column, np.array([False, True, False]), column[2:])
    assert changed.tolist() == [values[0], values[2], values[2]]
    assert changed.dtype == column.dtype
    assert column.tolist() == values


def test_a_category_may_be_new():
    column = pd.Series(["a", "b"], dtype="category")
    assert with_cells(column, np.array([True, False]), pd.Series(["z"])).tolist() == ["z", "b"]
