"""Numbers and moments as levels: quantile bins, and atoms for values that many rows hold."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from skvae.likelihoods import Likelihood
from skvae.likelihoods.categorical import POSITION_MAX
from skvae.likelihoods.ruler import N_POINTS, Ruler
from skvae.tables.bins import Bins, Floats, Integers, as_decimals, mean_of_draws, steps_of
from skvae.tables.columns.base import Column, ColumnSurvey, CountedSurvey, Learned, Mask, Support, check_finite
from skvae.tables.columns.decimals import DecimalColumn
from skvae.tables.columns.dtypes import Dtype, Values, is_decimal, is_time, is_whole, is_wide, numpy_float
from skvae.tables.columns.number import NumberColumn
from skvae.tables.columns.time import TimeColumn
from skvae.tables.columns.whole import WholeColumn
from skvae.tables.counts import Counts


@dataclass(frozen=True)
class HistogramColumn(Column):
    """A number or a moment is a level and its position there.

    Attributes
    ----------
    number : NumberColumn or TimeColumn
        What makes it a number.
    bins : Bins
        The levels.
    """

    number: NumberColumn | TimeColumn
    bins: Bins

    needs_double: ClassVar[bool] = True  # for a level and the position there
    has_density: ClassVar[bool] = True
    reads_nearest: ClassVar[bool] = True

    @classmethod
    def reads(cls, dtype: Dtype, family: Likelihood) -> bool:  # noqa: D102
        return family.cells == "bins"

    @classmethod
    def survey(cls, name: Hashable, dtype: Dtype, family: Likelihood) -> HistogramSurvey:  # noqa: D102
        return HistogramSurvey(_number_survey(name, dtype, family), getattr(family, "n_bins", 100))

    @property
    def edges(self) -> Floats:  # noqa: D102
        return self.bins.edges

    @property
    def centers(self) -> Floats:  # noqa: D102
        return self.bins.centers

    @property
    def frequencies(self) -> Floats:  # noqa: D102
        return self.bins.shares if len(self.bins.shares) else super().frequencies

    def ruler(self, position: int, n_points: int = N_POINTS) -> Ruler:  # noqa: D102
        shares = POSITION_MAX * (np.arange(n_points) + 0.5) / n_points
        values = self.bins.decode((np.arange(len(self.edges))[:, None] + shares).ravel())
        begins, ends, points = (torch.tensor(self.number.measured(part)) for part in (*self.edges.T, values))
        return Ruler(position, self.number.shared_unit, begins, ends, points)

    @property
    def level_labels(self) -> pd.Index:
        """The range of each level, or its only value where each has one; of periods as text."""
        first = np.arange(len(self.edges), dtype=float)
        begin, end = (_index_of(self.decode(cells)) for cells in (first, first + POSITION_MAX))
        if begin.equals(end):
            return begin
        if isinstance(begin, pd.PeriodIndex):  # of which pandas has no intervals: text as ISO 8601 writes these
            return pd.Index([str(a) if a == b else f"{a}/{b}" for a, b in zip(begin, end, strict=True)])
        labels: pd.Index = pd.IntervalIndex.from_arrays(begin, end, closed="both")
        return labels

    def read(self, values: pd.Series) -> Floats:  # noqa: D102
        if is_whole(self.dtype):
            cells = self.numbers(values)
            self._refuse(values, cells != np.rint(cells))
        return super().read(values)

    def encode(self, values: pd.Series) -> Floats:  # noqa: D102
        return self.bins.encode(check_finite(self.numbers(values), self.name))

    def numbers(self, values: pd.Series) -> Floats:
        """Numbers of values: those of a float32 that is next to a decimal are the decimal."""
        return as_decimals(self.number.encode(values), self.bins.decimals, numpy_float(self.dtype))

    def decode(self, cells: Floats) -> Values:  # noqa: D102
        return self.number.decode(self.bins.decode(cells))

    def amounts(self, cells: Floats) -> Floats:
        """Those of the numbers that codes stand for; NaN stays NaN. Shape: kept."""
        return self.number.amounts(self.bins.amounts(cells))

    def center(self, cells: Floats) -> Floats:
        """The code of the mean value of several draws. Shape: (M, N) -> (N,)."""
        return self.bins.encode(mean_of_draws(self.bins.decode(cells.ravel()).reshape(cells.shape)))

    def log_density(self, cells: Floats) -> Floats:
        """Minus the log-width of the bin; a gap and an atom have none. Shape: (N,)."""
        is_gap = np.isnan(cells)
        return np.where(is_gap, 0.0, -self.bins.log_width[np.where(is_gap, 0, cells).astype(int)])

    def is_possible(self, values: pd.Series) -> Mask:
        """Whether each value lies in a bin or is an atom. Shape: (N,)."""
        cells = self.numbers(values)
        is_atom = np.isclose(self.bins.decode(self.bins.encode(cells)), cells, rtol=1e-12, atol=0.0)
        return np.asarray(is_atom | self.bins.covers(cells)) & self.number.is_possible(values)

    def may_hide(self, values: pd.Series) -> Mask:
        """Whether values may be some that protection keeps behind the ends: they count as these. Shape: (N,)."""
        return self.bins.may_hide(self.numbers(values)) & self.number.is_possible(values)

    def possible_values(self, support: Support) -> str:
        """The range of the levels; how many values there are, where all are atoms."""
        first, last = self.number.in_words(np.array([self.bins.edges[0, 0], self.bins.maximum]))
        atoms = "" if len(self.bins.knots) else f", one of {len(self.bins.edges)} values"
        return f"a value from {first} to {last}{atoms}"

    def reason(self, values: pd.Series) -> str:
        """Whether it is the precision that differs."""
        cells, decimals = self.numbers(values[:1]), self.bins.decimals
        if decimals is None or (np.round(cells, decimals) == cells and self.number.is_possible(values[:1]).all()):
            return super().reason(values)
        return f"which has {self.number.precision_in_words(decimals)}"

    def as_cells(self, values: pd.Series) -> pd.Series:  # noqa: D102
        return self.number.as_cells(values)

    def as_kind(self, values: pd.Series, possible: str) -> pd.Series:  # noqa: D102
        return self.number.as_kind(values, possible)

    @property
    def holds_numbers(self) -> bool:  # noqa: D102
        return self.number.holds_numbers

    def encode_tensor(self, values: Tensor) -> Tensor:
        """``Bins.encode``. Shape: (N, 1), kept."""
        edges, bins = self.bins.edges, np.flatnonzero(self.bins.first >= 0)
        values = self._as_decimals(values)
        code = _nearest(edges, np.arange(len(edges)), values)
        if len(bins):
            is_inside = (values > edges[0, 0]) & (values < edges[-1, 1])
            is_atom = torch.from_numpy(self.bins.first < 0)[code] & (torch.from_numpy(edges[:, 0])[code] == values)
            code = torch.where(is_inside & ~is_atom, _nearest(edges, bins, values), code)
        return (code + self._position(values, code)).masked_fill(values.isnan(), torch.nan)

    def _position(self, values: Tensor, code: Tensor) -> Tensor:
        """Where in its level each value lies, as ``Bins.encode`` has it. Shape: (N, 1), kept."""
        if not len(self.bins.knots):
            return torch.zeros_like(values, dtype=torch.float64)
        knots, steps = (torch.from_numpy(part) for part in steps_of(self.bins.knots))
        below = ((values >= knots).long().sum(dim=1, keepdim=True) - 1).clamp(0, len(knots) - 2)
        share = ((values - knots[below]) / (knots[below + 1] - knots[below])).clamp(0, 1)
        at = steps[below] + share * (steps[below + 1] - steps[below])
        first, last = (torch.from_numpy(part)[code] for part in (self.bins.first, self.bins.last))
        position = ((at - first) / (last - first).clamp(min=1)).clamp(0, 1)
        return POSITION_MAX * torch.where(last > first, position, 0.0)

    def _as_decimals(self, values: Tensor) -> Tensor:
        """The same as ``as_decimals``, for float32. Shape: kept."""
        decimals, own = self.bins.decimals, numpy_float(self.dtype)
        if decimals is None or own.itemsize != 4:
            return values
        rounded = (values.double() * 10**decimals).round() / 10**decimals
        return torch.where(rounded.float() == values.float(), rounded, values.double())

    def decode_tensor(self, cells: Tensor) -> Tensor:
        """``Bins.decode``. Shape: (N, 1), kept."""
        bins, level = self.bins, cells.long()
        values = torch.from_numpy(bins.edges[:, 0].copy())[level]
        if not len(bins.knots):
            return values
        first, last, knots = (torch.from_numpy(part) for part in (bins.first, bins.last, bins.knots))
        position = ((cells - level) / POSITION_MAX).clamp(0, 1)
        at = (first[level] + (last - first)[level] * position).clamp(min=0)
        below = at.long()
        above = (below + 1).clamp(max=len(knots) - 1)
        between = knots[below] + (at - below) * (knots[above] - knots[below])
        if bins.decimals is not None:
            between = (between * 10**bins.decimals).round() / 10**bins.decimals
        return torch.where(first[level] >= 0, between, values)


def _index_of(values: Values) -> pd.Index:
    """Values as labels, which pandas has none of float16."""
    return pd.Index(values.astype(np.float32) if values.dtype == np.float16 else values)


def _nearest(edges: Floats, among: Integers, values: Tensor) -> Tensor:
    """Which of some levels each value is nearest to. Shape: edges (T, 2), among (t,), values (N, 1) -> (N, 1)."""
    lower, upper = (torch.from_numpy(ends) for ends in edges[among].T.copy())
    below = ((values >= lower).long().sum(dim=1, keepdim=True) - 1).clamp(0, len(among) - 1)
    above = (below + 1).clamp(max=len(among) - 1)
    return torch.from_numpy(among)[torch.where(lower[above] - values < values - upper[below], above, below)]


def check_range(distinct: Floats, name: Hashable) -> None:
    """Refuse sorted values of which the last is farther from the first than a float can tell."""
    with np.errstate(over="ignore"):
        is_finite = np.isfinite(distinct[-1] - distinct[0])
    if not is_finite:
        raise ValueError(
            f"The range of each column must fit into a float64, but column {name!r} reaches from {distinct[0]:g} to "
            f"{distinct[-1]:g}. Divide the column by a large constant."
        )


def _number_survey(name: Hashable, dtype: Dtype, family: Likelihood) -> CountedSurvey:
    """What makes numbers of the values of a column."""
    if is_time(dtype):
        return TimeColumn.survey(name, dtype, family)
    if is_wide(dtype):
        return WholeColumn.survey(name, dtype, family)
    if is_decimal(dtype):
        return DecimalColumn.survey(name, dtype, family)
    return NumberColumn.survey(name, dtype, family)


class HistogramSurvey(ColumnSurvey):
    """Numbers and times are counted.

    Parameters
    ----------
    number : survey of numbers or times
        What makes numbers of them.
    max_bins : int
        Largest number of bins.
    """

    def __init__(self, number: CountedSurvey, max_bins: int) -> None:
        self.number = number
        self.max_bins = max_bins
        self.counts = Counts()

    def add(self, values: pd.Series) -> Floats:  # noqa: D102
        cells = check_finite(self.number.add(values), values.name)
        self.counts.add(self.number.countable(values, cells)[~np.isnan(cells)])
        return cells

    def learned(self) -> Learned:  # noqa: D102
        number = self.number.learned().codec
        assert isinstance(number, NumberColumn | TimeColumn), "nothing else is counted"
        decimals = self.number.decimals(self.counts.decimals)
        distinct = as_decimals(self.number.cells_of(self.counts.values), decimals, numpy_float(number.dtype))
        distinct, place = np.unique(distinct, return_inverse=True)  # neighbours may be one, as floats
        check_range(distinct, number.name)
        counts = np.bincount(place, self.counts.counts).astype(np.int64)
        bins = Bins.from_counts(distinct, counts, decimals, self.max_bins, least_rows=self.least_rows)
        first, last = bins.encode(distinct[[0, -1]]).tolist()
        return Learned(HistogramColumn(number.name, number.dtype, number, bins), ends=(first, last))
