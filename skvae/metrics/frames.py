"""Tables of the same columns as floats: numbers as they are, categories as codes, every kind of gap as NaN."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.tables import to_pandas
from skvae.tables.columns.decimals import fit_floats
from skvae.tables.columns.dtypes import is_decimal
from skvae.tables.columns.exact import EXACT, as_decimal, distance

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

KINDS = {"i": "numbers", "u": "numbers", "f": "numbers", "M": "instants", "m": "durations"}  # by numpy's letter


def kind_of(dtype: Any) -> str:
    """Kind of the values of a column of this dtype: "numbers", "instants", "durations", or else "categories"."""
    if is_decimal(dtype):  # whose letter is that of objects
        return "numbers"
    if isinstance(dtype, pd.PeriodDtype):
        return "instants"
    return KINDS.get(getattr(dtype, "kind", "O"), "categories")


def align(**tables: pd.DataFrame) -> list[pd.DataFrame]:
    """Tables with the columns of the first, in its order; those of polars and its like as tables of pandas.

    Parameters
    ----------
    **tables : DataFrame
        Tables, each by the name that error messages give it; the first sets the order of the columns.

    Returns
    -------
    list of DataFrame

    Raises
    ------
    TypeError
        Where something is no DataFrame.
    ValueError
        Where a table is empty, a label occurs twice, or columns differ in name or kind.
    """
    tables = {name: to_pandas(table)[0] for name, table in tables.items()}
    for name, table in tables.items():
        _check_frame(name, table)
    first, reference = next(iter(tables.items()))
    labels = list(reference.columns)
    for name, table in tables.items():
        lacks = [label for label in labels if label not in table.columns]
        adds = [label for label in table.columns if label not in reference.columns]
        if lacks or adds:
            raise ValueError(
                f"{first} and {name} must have the same columns, but {name} lacks {lacks[:5]} and adds {adds[:5]}. "
                f"Drop or rename columns until they agree."
            )
        for label in labels:
            _check_kind(label, first, reference[label], name, table[label])
    return [table[labels] for table in tables.values()]


def _check_frame(name: str, table: object) -> None:
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"{name} must be a DataFrame, but is a {type(table).__name__}. Wrap it in pandas.DataFrame.")
    if not table.columns.is_unique:
        label = table.columns[table.columns.duplicated()][0]
        raise ValueError(f"Column names must be unique, but {name} has {label!r} more than once. Rename the columns.")
    if not table.shape[0] or not table.shape[1]:
        raise ValueError(
            f"{name} must hold at least one row and one column, but its shape is {table.shape}. Pass more."
        )


def _check_kind(label: Hashable, first: str, expected: pd.Series, name: str, found: pd.Series) -> None:
    kinds = kind_of(expected.dtype), kind_of(found.dtype)
    if kinds[0] != kinds[1] and expected.notna().any() and found.notna().any():
        raise ValueError(
            f"A column must hold the same kind of values in every table, but {label!r} holds {kinds[0]} in {first} "
            f"({expected.dtype}) and {kinds[1]} in {name} ({found.dtype}). Convert one of them with astype."
        )


@dataclass(frozen=True)
class Number:
    """A number is itself; an instant, or a period's first, its seconds since 1970 in UTC, a duration its seconds.

    Attributes
    ----------
    kind : {"numbers", "instants", "durations"}
        What the cells are.
    origin : int or Decimal
        From where numbers count: where some have so many digits that floats would merge them, the smallest.
    """

    kind: str
    origin: int | Decimal = 0

    @classmethod
    def fit(cls, kind: str, *columns: pd.Series) -> Number:
        """Learn from where the cells of all columns count."""
        if any(is_decimal(column.dtype) and not fit_floats(column) for column in columns):
            return cls(kind, min(as_decimal(value) for column in columns for value in column.dropna().tolist()))
        wholes = [column.dropna() for column in columns if getattr(column.dtype, "kind", "O") in "iu"]
        ends = [int(end) for whole in wholes if len(whole) for end in (whole.min(), whole.max())]
        if not ends or max(map(abs, ends)) <= EXACT or max(ends) - min(ends) > EXACT:
            return cls(kind)
        return cls(kind, min(ends))

    def encode(self, column: pd.Series) -> Floats:
        """Floats, NaN for a gap. Shape: (N,)."""
        if column.isna().all():  # of any dtype
            return np.full(len(column), np.nan)
        if isinstance(column.dtype, pd.PeriodDtype):
            column = column.dt.to_timestamp()
        if self.kind == "instants":
            column = pd.to_datetime(column, utc=True)
            unit: Any = _unit_of(column)
            since = column.to_numpy(dtype=f"datetime64[{unit}]") - np.datetime64(0, unit)
            return np.asarray(since / np.timedelta64(1, "s"), dtype=np.float64)
        if self.kind == "durations":
            since = column.to_numpy(dtype=f"timedelta64[{_unit_of(column)}]")
            return np.asarray(since / np.timedelta64(1, "s"), dtype=np.float64)
        values = self._since_origin(column)
        if np.isinf(values).any():
            raise ValueError(
                f"Numbers must be finite, but column {column.name!r} holds {values[np.isinf(values)][0]}. "
                f"Replace it by a missing value or a bound."
            )
        return values

    def _since_origin(self, column: pd.Series) -> Floats:
        """Numbers less the origin. Shape: (N,)."""
        if self.origin and (column.dtype.kind in "iu" or is_decimal(column.dtype)):
            distances, is_known = np.full(len(column), np.nan), column.notna().to_numpy()
            distances[is_known] = list(map(self._distance, column[is_known].tolist()))
            return distances
        values = np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
        nearest = float(self.origin)  # of the numbers that floats have
        return (values - nearest) + self._distance(Decimal(nearest))

    def _distance(self, value: int | Decimal) -> float:
        """How far a number lies above the origin."""
        return distance(Decimal(value), Decimal(self.origin))


@dataclass(frozen=True)
class Category:
    """A category is its position among the levels; a level that is not among them is a gap.

    Attributes
    ----------
    levels : Index of objects
        Levels in the order of a category dtype, else sorted, else as they appear.
    """

    levels: pd.Index

    @classmethod
    def fit(cls, *columns: pd.Series) -> Category:
        """Learn the levels of all columns together."""
        try:
            observed = pd.concat([_objects(column).dropna() for column in columns])
            found = pd.Index(pd.unique(observed), dtype=object)
        except TypeError as error:
            raise TypeError(
                f"Column {columns[0].name!r} holds values that cannot be compared as categories ({error}). "
                f"Convert them to strings or drop the column."
            ) from error
        with suppress(TypeError):  # values of several types have no order but that of appearance
            found = found.sort_values()
        ordered = [column.dtype for column in columns if isinstance(column.dtype, pd.CategoricalDtype)]
        if ordered:
            known = pd.Index(ordered[0].categories, dtype=object)
            found = known.append(found.difference(known, sort=False))
        return cls(found)

    def encode(self, column: pd.Series) -> Floats:
        """Positions of the levels, NaN for a gap. Shape: (N,)."""
        codes = self.levels.get_indexer(pd.Index(_objects(column), dtype=object)).astype(np.float64)
        return np.where(codes < 0, np.nan, codes)


@dataclass(frozen=True)
class Encoding:
    """How the columns of some tables become floats.

    Attributes
    ----------
    columns : dict of label to Number or Category
        Encoding of each column, in the order of the tables.
    """

    columns: dict[Any, Number | Category]

    @classmethod
    def fit(cls, *tables: pd.DataFrame) -> Encoding:
        """Learn the kinds of the columns, and the levels of all tables together."""
        columns = {}
        for label in tables[0].columns:
            columns[label] = _fit_column([table[label] for table in tables])
        return cls(columns)

    @property
    def is_number(self) -> NDArray[np.bool_]:
        """Which columns are numbers. Shape: (D,)."""
        return np.array([isinstance(column, Number) for column in self.columns.values()])

    def encode(self, table: pd.DataFrame) -> Floats:
        """Rows as floats. Shape: (N, D)."""
        return np.column_stack([column.encode(table[label]) for label, column in self.columns.items()])


def _fit_column(columns: list[pd.Series]) -> Number | Category:
    """The encoding of a column of several tables: its kind is that of the first with an observed cell."""
    kinds = [kind_of(column.dtype) for column in columns if column.notna().any()]
    if not kinds or kinds[0] == "categories":
        return Category.fit(*columns)
    return Number.fit(kinds[0], *columns)


def bin_edges(values: Floats, n_bins: int) -> Floats:
    """Edges of bins of one width over the range of values; fewer where floats do not divide it. Shape: (N,) -> (M,)."""
    lower, upper = float(values.min()), float(values.max())
    if lower == upper:
        half = max(0.5, float(np.spacing(abs(lower))))
        lower, upper = lower - half, upper + half
    return np.unique(2 * np.linspace(lower / 2, upper / 2, n_bins + 1))  # whose difference is finite


def fill_empty(train: Floats, test: Floats) -> tuple[Floats, Floats]:
    """Both tables with 0 in columns without an observed cell in the first: boosting cannot cut these into bins."""
    is_empty = np.isnan(train).all(axis=0)
    return np.where(is_empty, 0.0, train), np.where(is_empty, 0.0, test)


def _unit_of(column: pd.Series) -> str:
    """The unit of times, of which another might not hold the farthest; microseconds for nanoseconds."""
    unit = str(column.dt.unit)
    return "us" if unit == "ns" else unit


def _objects(column: pd.Series) -> pd.Series:
    """Python objects, so that a value of one dtype equals the same value of another."""
    return column.astype(object)
