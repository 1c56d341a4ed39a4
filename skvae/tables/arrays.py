"""Arrays that hold more than numbers of one dtype, as arrays that do: objects, and masks."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from contextlib import suppress
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse
from torch import Tensor, bfloat16

from skvae.messages import warn_user
from skvae.tables.columns.base import Mask
from skvae.tables.columns.exact import EXACT

COARSE = ("Y", "M", "W", "D", "h", "m")  # NumPy's units of time that pandas has not


def with_nan(X: Any) -> Any:
    """An array, or what will be one, with NaN where a cell is masked or an object that is a gap; X otherwise.

    Whole numbers are kept exactly where an array of integers holds them.

    Raises
    ------
    ValueError
        Where X is no table: a Series, a dict, None.
    """
    _check_has_rows(X)
    X = of_tensor(X)
    if isinstance(X, np.ma.MaskedArray):
        is_gap, X = X.mask, X.data
        if is_gap is np.ma.nomask:  # a mask without a gap counts: the next chunk may have one
            return X
        if X.dtype.kind in "iu":
            warn_of_rounding(X, ~is_gap & ((X >= EXACT) | (X <= -EXACT)))
        return np.where(is_gap, np.nan, X if X.dtype.kind in "fO" else X.astype(np.float64))
    if isinstance(X, list | tuple):
        _check_are_of_one_length(X)
        with suppress(TypeError, ValueError):  # no table at all: scikit-learn says so
            array = np.asarray(X)
            X = array if array.dtype == object else X
    if isinstance(X, np.ndarray) and X.dtype.kind in "mM":
        return _in_seconds(X)
    if isinstance(X, np.ndarray) and X.dtype == object:
        return _without_objects(X, np.asarray(pd.isna(X)))
    return X


def _check_has_rows(X: Any) -> None:
    """Refuse what has no rows and columns, of which scikit-learn would say that it is a scalar array."""
    if isinstance(X, pd.Series):
        raise ValueError(
            "Expected a 2-dimensional container, but X is a Series. Pass X.to_frame() if it is a column, or "
            "X.to_frame().T if it is a row."
        )
    is_dict = isinstance(X, Mapping) and not issparse(X)  # which may be a dict, and scikit-learn refuses them
    if is_dict or (isinstance(X, list | tuple) and len(X) and isinstance(X[0], Mapping)):
        what = "a dict" if is_dict else "a list of dicts"
        raise ValueError(f"Rows come in an array or a DataFrame, but X is {what}. Pass pandas.DataFrame(X).")
    if isinstance(X, np.ndarray) and X.dtype.names is not None:
        raise ValueError(
            f"An array has one dtype for all columns, but X is a structured array of {list(X.dtype.names[:10])}. Pass "
            f"pandas.DataFrame(X)."
        )
    if X is None or np.isscalar(X) or isinstance(X, set | frozenset):
        what = "None" if X is None else f"one {type(X).__name__}"
        raise ValueError(f"Rows come in an array or a DataFrame, but X is {what}. Pass rows and columns.")


def _check_are_of_one_length(X: list[Any] | tuple[Any, ...]) -> None:
    """Refuse rows of which one has more cells than the first, and NumPy would make no array."""
    lengths = [len(row) if isinstance(row, Sized) and not isinstance(row, str | bytes) else -1 for row in X]
    row = next((i for i, length in enumerate(lengths) if length != lengths[0]), None)
    if row is not None and min(lengths[0], lengths[row]) >= 0:
        raise ValueError(
            f"Rows must have a cell for each column, but row 0 has {lengths[0]} and row {row} has {lengths[row]}. Fill "
            f"what lacks with NaN."
        )


def of_tensor(X: Any) -> Any:
    """A tensor as an array, wherever it is and whatever it is differentiated by; anything else as it is."""
    if not isinstance(X, Tensor):
        return X
    values = X.detach().cpu()
    return (values.float() if values.dtype == bfloat16 else values).numpy()  # NumPy has no bfloat16


def _in_seconds(X: NDArray[Any]) -> NDArray[Any]:
    """Moments and durations in a unit that pandas has: seconds for days, say. Shape: kept."""
    unit = np.datetime_data(X.dtype)[0]
    of_any_length = ("Y", "M") if X.dtype.kind == "m" else ()
    return X.astype(f"{X.dtype.kind}8[s]") if unit in COARSE and unit not in of_any_length else X


def _without_objects(X: NDArray[np.object_], is_gap: Mask) -> NDArray[Any]:
    """Objects with NaN for a gap, or integers where there are whole numbers that floats may not hold. Shape: kept."""
    if X.ndim != 2:  # no table: scikit-learn says so
        return np.where(is_gap, np.nan, X)
    is_large = np.reshape(
        [isinstance(it, int | np.integer | Decimal) and it == it and abs(it) > EXACT for it in X.flat],  # no NaN
        X.shape,
    )
    if is_large.any() and not is_gap.any():
        whole = np.array(X.tolist())
        if whole.dtype.kind in "iu":
            return whole
    warn_of_rounding(X, is_large)
    return np.where(is_gap, np.nan, X) if is_gap.any() else X


def warn_of_rounding(X: NDArray[Any], is_large: Mask) -> None:
    """Warn of whole numbers that floats do not hold."""
    lost = [(row, j) for row, j in np.argwhere(is_large).tolist() if not _is_float(X[row, j])]
    if lost:
        row, j = lost[0]
        warn_user(
            f"An array with gaps or fractions holds floats, and of whole numbers beyond 2**53 only some, but X holds "
            f"{X[row, j]} in column {j}; {len(lost)} such cell(s) are rounded. Pass a DataFrame, with dtype Int64 "
            f"where there are gaps, or convert codes to strings."
        )


def _is_float(value: int | Decimal) -> bool:
    """Whether a float holds a whole number.

    Raises
    ------
    ValueError
        Where it is larger than all floats.
    """
    try:
        return int(float(value)) == value
    except OverflowError as error:
        raise ValueError(
            f"Numbers must fit into a float64, but X holds one of {len(str(value))} digits. Divide the column by a "
            f"large constant, or convert codes to strings."
        ) from error
