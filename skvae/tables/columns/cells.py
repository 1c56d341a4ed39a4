"""What holds of a cell of any dtype: whether it is missing, what it is called, and which category it is."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.tables.columns.dtypes import is_float


def is_missing(values: pd.Series) -> NDArray[np.bool_]:
    """Whether each cell is missing: None, NaN, NaT or NA, and NaN also where a dtype tells it from NA. Shape: (N,)."""
    is_gap = np.array(values.isna(), dtype=bool)
    if not isinstance(values.dtype, np.dtype | pd.SparseDtype) and is_float(values.dtype):
        is_gap |= np.isnan(values.to_numpy(dtype=np.float64, na_value=np.nan))
    return is_gap


def in_words(values: pd.Series) -> str:
    """The first of some values; Arrow's moments after the year 9999 are none of Python's."""
    try:
        return repr(values.tolist()[0])
    except (OverflowError, ValueError):
        array: Any = values.array
        scalar = array.__arrow_array__().cast("int64")[0].as_py()
        return str(np.datetime64(scalar, getattr(array.dtype.pyarrow_dtype, "unit", "D")))


def in_short(value: Any) -> str:
    """A value in few letters."""
    return f"{value:g}" if isinstance(value, float | np.floating) else str(value)


def identity(value: Any) -> Hashable:
    """What tells a category from others: for Python, ``True == 1 == 1.0``."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, tuple | frozenset):
        return type(value), type(value)(map(identity, value))
    return type(value), value
