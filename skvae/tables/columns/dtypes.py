"""What a dtype says of a column."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray, ExtensionDtype

from skvae.tables.bins import Floats

Dtype = np.dtype[Any] | ExtensionDtype
Values = NDArray[Any] | ExtensionArray


def is_number(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds real numbers (a bool is a category)."""
    return pd.api.types.is_numeric_dtype(dtype) and not is_bool(dtype) and not pd.api.types.is_complex_dtype(dtype)


def is_float(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds floats."""
    return bool(pd.api.types.is_float_dtype(dtype))


def is_bool(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds booleans."""
    return bool(pd.api.types.is_bool_dtype(dtype))


def is_number_or_bool(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds real numbers or booleans."""
    return is_number(dtype) or is_bool(dtype)


def is_time(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds moments, days, periods or durations."""
    return (
        getattr(dtype, "kind", "") in ("m", "M")
        or isinstance(dtype, pd.PeriodDtype)
        or getattr(dtype, "type", None) is datetime.date
    )


def is_category(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds categories."""
    return (
        is_bool(dtype)
        or isinstance(dtype, pd.CategoricalDtype)
        or pd.api.types.is_object_dtype(dtype)
        or pd.api.types.is_string_dtype(dtype)
        or is_arrow_dictionary(dtype)
    )


def is_arrow_dictionary(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds categories of Arrow; an ordered one would lose its order on the way back."""
    arrow = getattr(dtype, "pyarrow_dtype", None)
    return arrow is not None and str(arrow).startswith("dictionary") and not arrow.ordered


def is_decimal(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds decimals of Arrow, which have so many digits and no more."""
    return str(getattr(dtype, "pyarrow_dtype", "")).startswith("decimal")


def is_unordered(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds categories of pandas without an order."""
    return isinstance(dtype, pd.CategoricalDtype) and not dtype.ordered


def united(dtypes: list[pd.CategoricalDtype]) -> pd.CategoricalDtype:
    """The dtype of all categories that any of some dtypes has, in the order of appearance."""
    categories = dtypes[0].categories
    for dtype in dtypes[1:]:
        categories = categories.append(dtype.categories.difference(categories, sort=False))
    return pd.CategoricalDtype(categories)


def cast(values: Floats, dtype: Dtype) -> Values:
    """Floats as ``dtype``: whole numbers are rounded and stay in its range, a probability of a bool is decided."""
    if is_bool(dtype):
        return _with_gaps(values >= 0.5, np.isnan(values), dtype)
    if pd.api.types.is_integer_dtype(dtype):
        is_gap = np.isnan(values)
        limits = _limits(dtype)
        # the next float below 2**63 is the largest that an int64 can hold
        whole = np.clip(np.rint(np.where(is_gap, 0, values)), limits.min, np.nextafter(float(limits.max) + 1, 0))
        return _with_gaps(whole.astype(limits.dtype), is_gap, dtype)
    values = np.clip(values, *float_range(dtype))
    return values.astype(dtype) if isinstance(dtype, np.dtype) else pandas_array(values, dtype)


def pandas_array(values: NDArray[Any] | pd.Index, dtype: ExtensionDtype) -> ExtensionArray:
    """Values in a dtype of pandas."""
    any_dtype: Any = dtype
    array: ExtensionArray = pd.array(values, dtype=any_dtype)
    return array


def numpy_float(dtype: Dtype) -> np.dtype[Any]:
    """NumPy's float of the width of a dtype."""
    if isinstance(dtype, pd.SparseDtype):
        dtype = dtype.subtype
    if not is_float(dtype):
        return np.dtype(np.float64)
    if isinstance(dtype, np.dtype):
        return dtype
    own: np.dtype[Any] = np.dtype(getattr(dtype, "numpy_dtype", np.float64))
    return own


def float_range(dtype: Dtype) -> tuple[float, float]:
    """The smallest and the largest finite number of a dtype of floats or decimals."""
    if is_decimal(dtype):
        arrow: Any = getattr(dtype, "pyarrow_dtype", None)
        end = 10.0 ** (arrow.precision - arrow.scale)
        largest = min(end - 10.0**-arrow.scale, float(np.nextafter(end, 0)))
        return -largest, largest
    limits = np.finfo(numpy_float(dtype))
    return float(limits.min), float(limits.max)


def _limits(dtype: Dtype) -> Any:
    """The range of a dtype of whole numbers."""
    if isinstance(dtype, np.dtype):
        return np.iinfo(dtype)
    return np.iinfo(getattr(dtype, "numpy_dtype", "int64"))


def _with_gaps(values: NDArray[Any], is_gap: NDArray[np.bool_], dtype: Dtype) -> Values:
    """Values in a dtype whose gaps are not NaN."""
    if isinstance(dtype, np.dtype):
        return values
    array = pandas_array(values, dtype)
    if is_gap.any():
        array[is_gap] = pd.NA
    return array
