"""Rows in their container: arrays and DataFrames of pandas, read alike."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.tables.bins import Floats
from skvae.tables.columns.base import check_finite
from skvae.tables.columns.cells import is_missing
from skvae.tables.columns.dtypes import Dtype, is_unordered, is_wide, united
from skvae.tables.columns.exact import EXACT
from skvae.tables.columns.number import warn_of_rounding

Rows = pd.DataFrame | NDArray[Any]

CELLS = 4_000_000  # turned into floats at once


def is_frame(X: Rows) -> bool:
    """Whether rows are a DataFrame."""
    return isinstance(X, pd.DataFrame)


def slices(X: Rows) -> Iterator[tuple[int, Rows]]:
    """Rows of an array or a DataFrame, some million cells at a time, and the position of the first."""
    size = max(1, CELLS // max(1, X.shape[1]))
    rows: Any = X.iloc if isinstance(X, pd.DataFrame) else X
    for first in range(0, len(X), size):
        yield first, rows[first : first + size]


def names_and_dtypes(X: Rows) -> tuple[list[Hashable], list[Dtype]]:
    """Names and dtypes of the columns of an array or a DataFrame; the names of an array's are their positions."""
    if isinstance(X, pd.DataFrame):
        return list(X.columns), list(X.dtypes)
    return list(range(X.shape[1])), [X.dtype] * X.shape[1]


def rows_at(X: Rows, at: NDArray[np.integer[Any]] | NDArray[np.bool_]) -> Rows:
    """Some rows of an array or a DataFrame, by position or by a mask."""
    return X.iloc[at] if isinstance(X, pd.DataFrame) else X[at]


def column_of(X: Rows, j: int) -> pd.Series:
    """Column j of an array or a DataFrame."""
    return X.iloc[:, j] if isinstance(X, pd.DataFrame) else pd.Series(X[:, j], name=j)


def cells_of(X: Rows, read: Callable[[int, pd.Series], Floats], is_identity: NDArray[np.bool_]) -> Floats:
    """Cells as floats. Shape: (N, D).

    Parameters
    ----------
    X : ndarray or DataFrame
        Rows.
    read : callable
        Position and values of a column → floats.
    is_identity : ndarray of shape (D,)
        Which columns stay as they are, so that those of an array are read at once.

    Raises
    ------
    ValueError
        Where a cell is infinite.
    """
    if isinstance(X, pd.DataFrame):
        cells = np.column_stack([read(j, column_of(X, j)) for j in range(X.shape[1])])
    else:
        cells = np.array(X, dtype=np.float64)
        for j in np.flatnonzero(~is_identity).tolist():
            cells[:, j] = read(j, column_of(X, j))
        if is_wide(X.dtype):
            is_large = (np.abs(cells) >= EXACT).any(axis=0)
            for j in np.flatnonzero(is_identity & is_large).tolist():
                warn_of_rounding(column_of(X, j), cells[:, j])
    names, _ = names_and_dtypes(X)
    for j in np.flatnonzero(np.isinf(cells).any(axis=0)).tolist():
        check_finite(cells[:, j], names[j])
    return cells


def gaps_of(X: Rows) -> NDArray[np.bool_]:
    """Which cells are missing. Shape: (N, D)."""
    return np.column_stack([is_missing(column_of(X, j)) for j in range(X.shape[1])])


def without_cells(X: Rows, is_hidden: NDArray[np.bool_]) -> Rows:
    """X with gaps where cells are to be hidden; whole numbers of a DataFrame stay exact. Shape: (N, D) twice."""
    if not isinstance(X, pd.DataFrame):
        return np.where(is_hidden, np.nan, X)
    nullable = {np.dtype(np.int64): "Int64", np.dtype(np.uint64): "UInt64"}
    return X.astype({name: nullable[dtype] for name, dtype in X.dtypes.items() if dtype in nullable}).mask(is_hidden)


def without_columns(X: Rows, positions: Collection[int]) -> Rows:
    """X without the columns at some positions; X itself where there are none."""
    if not positions:
        return X
    kept = [j for j in range(X.shape[1]) if j not in positions]
    return X.iloc[:, kept] if isinstance(X, pd.DataFrame) else X[:, kept]


def with_rows(frame: pd.DataFrame, at: NDArray[np.integer[Any]], new: pd.DataFrame) -> pd.DataFrame:
    """A DataFrame with other rows at some positions."""
    frame, where = frame.copy(), np.zeros(len(frame), dtype=bool)
    where[at] = True
    for j in range(frame.shape[1]):
        cells: Any = with_cells(frame.iloc[:, j], where, new.iloc[:, j])
        frame.isetitem(j, cells)
    return frame


def with_cells(column: pd.Series, where: NDArray[np.bool_], values: pd.Series) -> pd.Series:
    """A copy of a column with some of its cells replaced."""
    array: Any = column.array.copy()
    if isinstance(column.dtype, pd.SparseDtype):
        array = array.to_dense()
    if isinstance(array, pd.Categorical):
        values = values.astype(object)
        array = array.add_categories([value for value in values.dropna().unique() if value not in array.categories])
        array[where] = values.tolist()
    else:
        array[where] = values.astype(array.dtype).array
    dtype = column.dtype if isinstance(column.dtype, pd.SparseDtype) else array.dtype
    return pd.Series(array, index=column.index, dtype=dtype)


def concatenate(chunks: list[Any]) -> Any:
    """Chunks of one kind as one; categories without an order are united."""
    if not is_frame(chunks[0]):
        return np.concatenate(chunks)
    for j, dtype in enumerate(chunks[0].dtypes):
        dtypes = [chunk.dtypes.iloc[j] for chunk in chunks]
        if isinstance(dtype, pd.CategoricalDtype) and dtypes != [dtype] * len(dtypes):
            for chunk in chunks:
                chunk.isetitem(j, chunk.iloc[:, j].astype(united(dtypes)))
    return pd.concat(chunks, ignore_index=True)


def with_gaps_of(X: Rows, like: Rows) -> Rows:
    """A chunk whose columns of gaps alone, which say nothing of a dtype, have those of the first, where it has gaps."""
    if not isinstance(X, pd.DataFrame) or not isinstance(like, pd.DataFrame) or not X.columns.equals(like.columns):
        return X
    has_gaps = [not isinstance(dtype, np.dtype) or dtype.kind not in "biu" for dtype in like.dtypes]
    other = [j for j in np.flatnonzero(has_gaps).tolist() if X.dtypes.iloc[j] != like.dtypes.iloc[j]]
    unknown = [j for j in other if is_missing(X.iloc[:, j]).all()]
    X = X.copy(deep=False) if unknown else X
    for j in unknown:
        gaps: Any = pd.Series([None] * len(X), index=X.index, dtype=like.dtypes.iloc[j])
        X.isetitem(j, gaps)
    return X


def check_alike(X: Rows, like: Rows) -> None:
    """Refuse a chunk that differs from the first in its kind, columns or dtypes."""
    if is_frame(X) != is_frame(like):
        raise TypeError(
            f"All chunks must be of one kind, but the first is of type {type(like).__name__} and this one of type "
            f"{type(X).__name__}. Convert them."
        )
    names, dtypes = names_and_dtypes(X)
    expected_names, expected_dtypes = names_and_dtypes(like)
    check_names(names, expected_names)
    for name, dtype, expected in zip(names, dtypes, expected_dtypes, strict=True):
        if dtype != expected and not (is_unordered(dtype) and is_unordered(expected)):
            which = f"the first holds {expected} and this one {dtype}"
            if is_frame(X):
                which = f"column {name!r} is {expected} in the first and {dtype}"
            raise ValueError(
                f"All chunks must have the dtypes of the first, but {which} here. Convert the chunks with astype, or "
                f"read them with dtypes given, as in pandas.read_csv(dtype=…)."
            )


def check_names(names: list[Hashable], expected: list[Hashable]) -> None:
    """Refuse a chunk with other columns than the first."""
    if names == expected:
        return
    added = [name for name in names if name not in expected][:10]
    absent = [name for name in expected if name not in names][:10]
    difference = f"{added} are new and {absent} are absent here"
    if not (added or absent):
        difference = "their order differs here"
    raise ValueError(f"All chunks must have the columns of the first, but {difference}. Select the same columns.")
