"""What a kind of column is: how its cells become floats, how that is learned, and what it accepts."""

from __future__ import annotations

import decimal
from abc import ABC, abstractmethod
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from skvae.likelihoods import Likelihood
from skvae.likelihoods.ruler import N_POINTS, Ruler
from skvae.tables.bins import Floats, Numbers, mean_of_draws
from skvae.tables.columns.cells import in_words, is_missing
from skvae.tables.columns.dtypes import Dtype, Values, is_bool, is_decimal

Mask = NDArray[np.bool_]

UNREADABLE = (TypeError, ValueError, OverflowError, NotImplementedError)  # what pandas and Arrow raise of a value


Protect = Literal["auto"] | int | None

PROTECTED_ROWS = 3  # that hold a value, from which on it is nobody's own
ROWS_FOR_EACH = 50  # of a table for each of these: of few rows, groups would be a large part


def least_rows(protect: Protect, n_rows: int) -> int:
    """How many of so many rows a value needs to be learned as itself; 1 where nothing is protected.

    Examples
    --------
    >>> [least_rows("auto", n) for n in (99, 100, 200, 10_000)], least_rows(None, 10_000), least_rows(20, 30)
    ([1, 2, 3, 3], 1, 20)
    """
    if protect == "auto":
        return int(np.clip(n_rows // ROWS_FOR_EACH, 1, PROTECTED_ROWS))
    return protect or 1


class Support(NamedTuple):
    """The floats of a column that have a probability: those of its family, and whole numbers as far as seen.

    Attributes
    ----------
    family : Likelihood
        Family of the column.
    lower, upper : float
        Smallest and largest float at fit.
    """

    family: Likelihood
    lower: float
    upper: float

    def covers(self, cells: Floats) -> Mask:
        """Whether each float has a probability; NaN may be either. Shape: kept."""
        is_covered: Mask = self.family.is_valid(torch.tensor(cells)).numpy()
        if self.family.is_whole:
            is_covered &= (cells >= self.lower) & (cells <= self.upper)
        return is_covered

    def in_words(self) -> str:
        """The floats that have a probability."""
        if self.family.is_whole:
            return f"a whole number from {self.lower:.15g} to {self.upper:.15g}"
        return f"one of the {self.family.support}"


@dataclass(frozen=True)
class Column(ABC):
    """A codec: values of a column ↔ floats, with NaN for a gap.

    A new kind of column is one file, with a subclass and its survey, and one row of ``KINDS``.

    Attributes
    ----------
    name : hashable
        Label of the column.
    dtype : numpy or pandas dtype
        What it comes back as.
    """

    name: Hashable
    dtype: Dtype

    is_identity: ClassVar[bool] = False  # floats are the values themselves: columns of an array are read all at once
    is_indicator: ClassVar[bool] = False  # says something of another column, and is none of the data
    needs_double: ClassVar[bool] = False  # float32 has too few digits for the codes
    has_density: ClassVar[bool] = False  # log_density is not 0 everywhere
    reads_nearest: ClassVar[bool] = False  # rows may hold what is not possible, and it is read as what is next to it
    warns_of_unseen: ClassVar[bool] = False  # encode says where a value was not seen at fit

    # -- which columns are of this kind ---------------------------------------------------------------------------

    @classmethod
    def owns(cls, dtype: Dtype) -> bool:
        """Whether columns of this dtype are of this kind, so that it chooses their families."""
        return False

    @classmethod
    def auto_family(cls, dtype: Dtype, *, histograms: bool) -> Likelihood:
        """The "auto" family of a column of a DataFrame of a dtype that this kind owns."""
        raise NotImplementedError(f"{cls.__name__} owns no dtype")

    @classmethod
    def covers(cls, family: Likelihood, dtype: Dtype) -> bool:
        """Whether a family can hold a column of a dtype that this kind owns."""
        return True

    @classmethod
    def reads(cls, dtype: Dtype, family: Likelihood) -> bool:
        """Whether this kind makes floats of columns of this dtype for this family."""
        return False

    @classmethod
    def survey(cls, name: Hashable, dtype: Dtype, family: Likelihood) -> ColumnSurvey:
        """What learns a column of this kind; by default there is nothing to learn."""
        return SettledSurvey(cls(name, dtype))

    # -- cells ----------------------------------------------------------------------------------------------------

    @property
    def edges(self) -> Floats:
        """Range of each level, where the floats are codes of levels. Shape: (n_levels, 2)."""
        return np.empty((0, 2))

    @property
    def centers(self) -> Floats:
        """Mean of the values of each level. Shape: (n_levels,)."""
        return np.asarray(self.edges.mean(axis=1))

    @property
    def level_labels(self) -> pd.Index | None:
        """What the levels are, in the values of the column, where there are any."""
        return None

    def ruler(self, position: int, n_points: int = N_POINTS) -> Ruler | None:
        """Its levels in a unit that other columns may share, where they are ranges of a number."""
        return None

    @property
    def frequencies(self) -> Floats:
        """Share of the training rows in each level. Shape: (n_levels,)."""
        return np.ones(len(self.edges)) / max(len(self.edges), 1)

    @abstractmethod
    def encode(self, values: pd.Series) -> Floats:
        """Floats, NaN for a gap."""

    def read(self, values: pd.Series) -> Floats:
        """Floats of the cells of rows, NaN for a gap and for nothing else.

        Raises
        ------
        ValueError
            Where the kind cannot hold a value.
        """
        if not self.reads_nearest:
            self._refuse(values, ~self.is_possible(values))
        cells = self.encode(values)
        self._refuse(values, np.isnan(cells) | (np.isinf(cells) & (not self.reads_nearest)))
        return cells

    def _refuse(self, values: pd.Series, is_lost: Mask) -> None:
        """Raise a sentence about the first of some values that is not missing."""
        if not is_lost.any():
            return
        is_lost = is_lost & ~is_missing(values)
        if is_lost.any():
            raise ValueError(
                f"Rows may hold what their columns can, but column {self.name!r} holds {in_words(values[is_lost])} in "
                f"row {int(np.flatnonzero(is_lost)[0])}, which this column of {self.dtype} cannot. Replace it by a "
                f"gap, or correct it."
            )

    @abstractmethod
    def decode(self, cells: Floats) -> Values:
        """Back in the column's dtype."""

    def amounts(self, cells: Floats) -> Floats:
        """Floats in the unit of the values, from wherever they are counted; not of categories. Shape: kept."""
        return cells

    def center(self, cells: Floats) -> Floats:
        """The mean of several draws of each cell. Shape: (M, N) -> (N,)."""
        return mean_of_draws(cells)

    def log_density(self, cells: Floats) -> Floats:
        """What values add to the log-probability of their floats or levels. Shape: (N,), 0 for a gap."""
        return np.zeros(len(cells))

    # -- conditions -----------------------------------------------------------------------------------------------

    def is_possible(self, values: pd.Series) -> Mask:
        """Whether each value has a probability, as far as the codec alone can tell; a gap may or not. Shape: (N,)."""
        return np.ones(len(values), dtype=bool)

    def accepts(self, values: pd.Series, support: Support) -> Mask:
        """Whether each value has a probability, so that rows can be drawn under it. Shape: (N,)."""
        return self.is_possible(values)

    def may_hide(self, values: pd.Series) -> Mask:
        """Whether values without a probability may be some that rows of fit held all the same. Shape: (N,)."""
        return np.zeros(len(values), dtype=bool)

    @abstractmethod
    def possible_values(self, support: Support) -> str:
        """The values that have a probability, in words."""

    def reason(self, values: pd.Series) -> str:
        """Why the first of some values has no probability: the end of "in column …, "."""
        return "which held nothing like it at fit"

    def as_kind(self, values: pd.Series, possible: str) -> pd.Series:
        """Values of a condition, of whatever dtype, as ``encode`` reads them.

        Raises
        ------
        ValueError
            Where they are of another kind; ``possible`` says what could be passed.
        """
        return as_flags(values) if is_bool(self.dtype) else values

    def as_cells(self, values: pd.Series) -> pd.Series:
        """Values that ``as_kind`` gave and that have a probability, as the cells of the column that they stand for."""
        any_dtype: Any = self.dtype
        try:
            if is_decimal(self.dtype):  # Arrow makes none of integers, which could have more digits
                return values.map(lambda value: decimal.Decimal(str(value))).astype(any_dtype)
            return values.astype(any_dtype)
        except UNREADABLE as error:  # a decimal of Arrow with more digits than its column has, say
            raise ValueError(
                f"A condition is a value that its column can hold, but column {self.name!r} holds {self.dtype}, and "
                f"{in_words(values)} is none ({error}). Pass one that is."
            ) from error

    # -- graphs ---------------------------------------------------------------------------------------------------

    @property
    def holds_numbers(self) -> bool:
        """Whether its values are numbers or booleans, so that a graph of tensors can read and write them."""
        return False

    def encode_tensor(self, values: Tensor) -> Tensor:
        """``encode``, of values as numbers. Shape: (N, 1), kept."""
        raise NotImplementedError(f"{type(self).__name__} has no tensor form")

    def decode_tensor(self, cells: Tensor) -> Tensor:
        """Values of floats, as numbers. Shape: (N, 1), kept."""
        raise NotImplementedError(f"{type(self).__name__} has no tensor form")


class Learned(NamedTuple):
    """What a survey has come to.

    Attributes
    ----------
    codec : Column
        The codec.
    origin, unit : float
        Zero and size of the codec's unit, in the units of the floats that the survey gave.
    ends : pair of floats or None
        The smallest and the largest code, where a float is one.
    """

    codec: Column
    origin: float = 0.0
    unit: float = 1.0
    ends: tuple[float, float] | None = None


class ColumnSurvey(ABC):
    """What is known of one column so far."""

    is_identity: bool = False  # floats are the values themselves
    least_rows: int = 1  # how many rows a value that is learned as itself needs

    @abstractmethod
    def add(self, values: pd.Series) -> Floats:
        """Take note of more cells, and give them as floats in units of the survey's own; NaN is a gap."""

    @abstractmethod
    def learned(self) -> Learned:
        """The codec, and how its floats follow from those of the survey."""

    @property
    def is_settled(self) -> bool:
        """Whether the floats so far are numbers, in the very units that the codec has so far."""
        return False


class CountedSurvey(ColumnSurvey):
    """What is known of a column of numbers, of which the distinct ones can be counted."""

    @abstractmethod
    def countable(self, values: pd.Series, cells: Floats) -> Numbers:
        """Cells that ``add`` made floats of, in a form that is exact; a gap is anything."""

    @abstractmethod
    def cells_of(self, counted: Numbers) -> Floats:
        """The codec's floats of what ``countable`` gave."""

    def decimals(self, of_counted: int | None) -> int | None:
        """What the codec's floats are rounded to, given it of the counted form; None where nothing has all of them."""
        return of_counted


class SettledSurvey(ColumnSurvey):
    """A codec that knows all it needs from the start.

    Parameters
    ----------
    column : Column
        The codec.
    """

    is_settled = True

    def __init__(self, column: Column) -> None:
        self.column = column
        self.is_identity = column.is_identity

    def add(self, values: pd.Series) -> Floats:  # noqa: D102
        return self.column.read(values)

    def learned(self) -> Learned:  # noqa: D102
        return Learned(self.column)


def check_finite(cells: Floats, name: Hashable) -> Floats:
    """Refuse infinities, which no likelihood covers."""
    if np.isinf(cells).any():
        row = int(np.flatnonzero(np.isinf(cells))[0])
        raise ValueError(
            f"Cells must be finite or missing, but column {name!r} holds {cells[row]} in row {row}. "
            f"Replace infinities by NaN."
        )
    return cells


def as_flags(values: pd.Series) -> pd.Series:
    """False and True for 0 and 1 of any dtype; other values as they are."""
    if is_bool(values.dtype):
        return values
    flags = values.astype(object)
    return flags.mask(flags.isin([0, 1]), flags == 1)


def converted(values: pd.Series, dtype: Dtype | str, column: Column, possible: str) -> pd.Series:
    """Values of a condition in a dtype that the codec of their column reads.

    Raises
    ------
    ValueError
        Where one of them is of another kind.
    """
    any_dtype: Any = dtype
    try:
        if pd.api.types.is_complex_dtype(values.dtype):  # of which pandas would drop a part
            raise TypeError("a complex number")
        return values.astype(any_dtype)
    except UNREADABLE as error:
        raise ValueError(
            f"Column {column.name!r} holds {column.dtype}, but the condition is {_at_fault(values, any_dtype)} "
            f"({error}). Pass {possible}."
        ) from error


def _at_fault(values: pd.Series, dtype: Any) -> str:
    """The first value that does not convert, which is the last if each one does alone."""
    known = values.dropna()
    for i in range(len(known)):
        try:
            known[i : i + 1].infer_objects().astype(dtype)
        except UNREADABLE:
            return in_words(known[i : i + 1])
    return in_words(known[-1:])
