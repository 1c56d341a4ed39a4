"""One codec per kind of column: values of any dtype ↔ floats, with NaN for a gap."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


def is_number(dtype: Any) -> bool:
    """Whether a column of this dtype holds real numbers (a bool is a category)."""
    return (
        pd.api.types.is_numeric_dtype(dtype)
        and not pd.api.types.is_bool_dtype(dtype)
        and not pd.api.types.is_complex_dtype(dtype)
    )


def is_category(dtype: Any) -> bool:
    """Whether a column of this dtype holds categories."""
    return (
        pd.api.types.is_bool_dtype(dtype)
        or isinstance(dtype, pd.CategoricalDtype)
        or pd.api.types.is_object_dtype(dtype)
        or pd.api.types.is_string_dtype(dtype)
    )


def cast(values: Floats, dtype: Any) -> Any:
    """Floats as ``dtype``: whole numbers are rounded and stay in its range, a probability of a bool is decided."""
    if pd.api.types.is_bool_dtype(dtype):
        decided = values >= 0.5
        return decided if isinstance(dtype, np.dtype) else pd.array(decided, dtype=dtype)
    if pd.api.types.is_integer_dtype(dtype):
        range_ = np.iinfo(dtype if isinstance(dtype, np.dtype) else getattr(dtype, "numpy_dtype", "int64"))
        # the next float below 2**63 is the largest that an int64 can hold
        values = np.clip(np.rint(values), range_.min, np.nextafter(float(range_.max) + 1, 0))
        whole = values.astype(range_.dtype)
        return whole if isinstance(dtype, np.dtype) else pd.array(whole, dtype=dtype)
    return values.astype(dtype) if isinstance(dtype, np.dtype) else pd.array(values, dtype=dtype)


@dataclass(frozen=True)
class NumberColumn:
    """Numbers are themselves.

    Attributes
    ----------
    name : hashable
        Label of the column.
    dtype : numpy or pandas dtype
        What it comes back as.
    """

    name: Any
    dtype: Any

    def encode(self, values: pd.Series) -> Floats:
        """Floats, NaN for a gap."""
        try:
            return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError) as error:
            raise ValueError(
                f"Column {self.name!r} held numbers at fit, but now has dtype {values.dtype} ({error}). "
                f"Convert it to {self.dtype}."
            ) from error

    def decode(self, values: Floats) -> Any:
        """Back in the column's dtype."""
        return cast(values, self.dtype)


@dataclass(frozen=True)
class CategoryColumn:
    """A category is its position among the levels seen at fit.

    Attributes
    ----------
    name : hashable
        Label of the column.
    dtype : numpy or pandas dtype
        What it comes back as.
    levels : pandas.Index
        Distinct values, in sorted order where they have one.
    """

    name: Any
    dtype: Any
    levels: pd.Index

    @classmethod
    def fit(cls, values: pd.Series) -> CategoryColumn:
        """Learn the levels."""
        try:
            levels = pd.Index(values.dropna().unique())
        except TypeError as error:
            raise TypeError(
                f"Column {values.name!r} holds values that cannot be categories ({error}). "
                f"Convert them to strings or drop the column."
            ) from error
        if isinstance(values.dtype, pd.CategoricalDtype):
            levels = values.cat.remove_unused_categories().cat.categories
        else:
            with suppress(TypeError):  # values of several types have no order but that of appearance
                levels = levels.sort_values()
        return cls(values.name, values.dtype, levels)

    def encode(self, values: pd.Series) -> Floats:
        """Positions of the levels; a gap and a category never seen at fit are NaN, the latter with a warning."""
        codes = self.levels.get_indexer(pd.Index(values)).astype(np.float64)
        codes[codes < 0] = np.nan
        unseen = np.isnan(codes) & values.notna().to_numpy(dtype=bool)
        if unseen.any():
            warnings.warn(
                f"Column {self.name!r} holds {values[unseen].tolist()[0]!r}, which was not seen at fit; "
                f"{int(unseen.sum())} such cell(s) count as missing.",
                UserWarning,
                stacklevel=2,
            )
        return codes

    def decode(self, codes: Floats) -> Any:
        """The levels, in the column's dtype."""
        values = self.levels.take(np.rint(codes).astype(np.intp))
        if isinstance(self.dtype, np.dtype):
            return values.to_numpy(dtype=self.dtype)
        return pd.array(values, dtype=self.dtype)


Column = NumberColumn | CategoryColumn
