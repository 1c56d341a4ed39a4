"""What a dtype says of a column."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.extensions import ExtensionArray, ExtensionDtype

from skvae.tables.bins import Floats
from skvae.tables.columns.exact import as_written, from_units, rounded

Dtype = np.dtype[Any] | ExtensionDtype
Values = NDArray[Any] | ExtensionArray


def is_number(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds real numbers (a bool is a category)."""
    return pd.api.types.is_numeric_dtype(dtype) and not is_bool(dtype) and not pd.api.types.is_complex_dtype(dtype)


def is_float(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds floats."""
    return bool(pd.api.types.is_float_dtype(dtype))


def is_whole(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds whole numbers."""
    return bool(pd.api.types.is_integer_dtype(dtype))


def is_wide(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds whole numbers of 64 bits, more than floats hold."""
    return is_whole(dtype) and integer_type(dtype).itemsize == 8


def is_decimal(dtype: Dtype) -> bool:
    """Whether a column of this dtype holds decimal numbers of Arrow."""
    return str(getattr(dtype, "pyarrow_dtype", "")).startswith("decimal")


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
        return with_gaps(values >= 0.5, np.isnan(values), dtype)
    if is_whole(dtype):
        is_gap = np.isnan(values)
        limits = np.iinfo(integer_type(dtype))
        # the next float below 2**63 is the largest that an int64 can hold
        whole = np.clip(np.rint(np.where(is_gap, 0, values)), limits.min, np.nextafter(float(limits.max) + 1, 0))
        return with_gaps(whole.astype(limits.dtype), is_gap, dtype)
    if is_decimal(dtype):
        return decimal_array([None if math.isnan(value) else as_written(value) for value in values.tolist()], dtype)
    values = np.clip(values, *float_range(dtype))
    return values.astype(dtype) if isinstance(dtype, np.dtype) else pandas_array(values, dtype)


def decimal_array(values: list[Decimal | None], dtype: Dtype) -> ExtensionArray:
    """Numbers, None for a gap, as decimals of Arrow: rounded to those of the dtype, and as far as it reaches."""
    any_dtype: Any = dtype
    scale, (lowest, highest) = scale_of(dtype), decimal_limits(dtype)
    known = [None if value is None else rounded(min(max(value, lowest), highest), scale) for value in values]
    array: ExtensionArray = pd.array(known, dtype=any_dtype)
    return array


def scale_of(dtype: Dtype) -> int:
    """How many decimals a decimal of Arrow has; of a negative scale, how many zeros it ends with."""
    any_dtype: Any = dtype
    return int(any_dtype.pyarrow_dtype.scale)


def decimal_limits(dtype: Dtype) -> tuple[Decimal, Decimal]:
    """The smallest and the largest number of a decimal of Arrow."""
    any_dtype: Any = dtype
    nines = from_units(10**any_dtype.pyarrow_dtype.precision - 1, scale_of(dtype))
    return nines.copy_negate(), nines


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
    """The smallest and the largest finite number of a dtype of floats."""
    limits = np.finfo(numpy_float(dtype))
    return float(limits.min), float(limits.max)


def integer_type(dtype: Dtype) -> np.dtype[Any]:
    """NumPy's dtype of the whole numbers of a dtype."""
    if isinstance(dtype, pd.SparseDtype):
        dtype = dtype.subtype
    if not isinstance(dtype, np.dtype):
        dtype = np.dtype(getattr(dtype, "numpy_dtype", np.int64))
    return dtype.newbyteorder("=")


def with_gaps(values: NDArray[Any], is_gap: NDArray[np.bool_], dtype: Dtype) -> Values:
    """Values in a dtype whose gaps are not NaN."""
    if isinstance(dtype, np.dtype):
        return values
    array = pandas_array(values, dtype)
    if is_gap.any():
        array[is_gap] = pd.NA
    return array
