"""Numbers as levels: quantile bins, and atoms for values that many rows hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skvae.likelihoods.categorical import POSITION_MAX

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]
Numbers = NDArray[np.number[Any]]

BIN_ROWS = 5  # rows a bin, on average, at least
ATOM_ROWS = 10  # rows, at least, that hold the same value
KNOT_ROWS = 10  # rows between two values that are kept as they are: draws between neighbours would give rows away
MAX_KNOTS = 10_001  # order statistics that are kept
MAX_DECIMALS = 10
HUGE = 1e290  # from here on, sums of many numbers may overflow
CLEAR = 4  # times the distance of neighbouring floats, from which decimals of a narrow width are no chance


@dataclass(frozen=True)
class Bins:
    """A number is the level that it falls into plus its position there, from 0 to 1.

    A position is a share of the training values inside the bin, so that uniform positions give the empirical
    distribution, interpolated between every tenth value: no single one can be read from what is drawn.

    Attributes
    ----------
    knots : ndarray of shape (m,)
        Sorted training values that are no atoms, 10,001 quantiles of them at most; between every tenth of a level
        they are evenly spaced.
    first, last : ndarrays of int of shape (T,)
        Positions among the knots where a level begins and ends; −1 for an atom.
    edges : ndarray of shape (T, 2)
        Range of each level, in increasing order; equal for an atom.
    decimals : int or None
        What values are rounded to, where that reproduces all of them.
    shares : ndarray of shape (T,)
        Share of the training values in each level, with half a value added to each; empty in files of earlier releases.
    hides_ends : bool
        Whether some training values lie beyond the ends, and count as these.
    """

    knots: Floats
    first: Integers
    last: Integers
    edges: Floats
    decimals: int | None
    shares: Floats = field(default_factory=lambda: np.empty(0))
    hides_ends: bool = False

    @classmethod
    def fit(cls, values: Floats, max_bins: int = 100) -> Bins:
        """Learn the levels of a column.

        Parameters
        ----------
        values : ndarray of shape (n,)
            Training values, finite, at least one.
        max_bins : int
            Largest number of bins.
        """
        return cls.from_counts(*np.unique(values, return_counts=True), common_decimals(values), max_bins)

    @classmethod
    def from_counts(
        cls, distinct: Floats, counts: Integers, decimals: int | None, max_bins: int = 100, *, least_rows: int = 1
    ) -> Bins:
        """Learn the levels from the distinct values, in increasing order, and how often each occurs.

        Both ends are such that ``least_rows`` values reach them, and no fewer hold an atom.
        """
        ends = distinct[[0, -1]]
        if least_rows > 1:
            distinct, counts = _shared(distinct, counts, max_bins, least_rows)
        bins = cls._levels(distinct, counts, decimals, max_bins)
        level = bins.encode(distinct).astype(int)
        n_rows = np.bincount(level, counts, minlength=len(bins.edges)) + 0.5
        knots = _evened(bins.knots, bins.first, bins.last, int(counts.sum()))
        hides_ends = bool((distinct[[0, -1]] != ends).any())
        return replace(bins, knots=knots, shares=n_rows / n_rows.sum(), hides_ends=hides_ends)

    @classmethod
    def _levels(cls, distinct: Floats, counts: Integers, decimals: int | None, max_bins: int) -> Bins:
        """The levels alone."""
        is_atom = _atoms_among(distinct, counts, max_bins)
        atoms, knots = distinct[is_atom], _quantiles(distinct[~is_atom], counts[~is_atom])
        no_knot = np.full(len(atoms), -1)
        if not len(knots):
            return cls(knots, no_knot, no_knot.copy(), np.column_stack([atoms, atoms]), decimals)
        n_bins = int(np.clip(counts.sum() / BIN_ROWS, 1, max_bins))
        begins, ends = _spans(knots, atoms, n_bins)
        first = np.searchsorted(knots, begins)
        last = np.append(first[1:], len(knots)) - 1
        edges = np.concatenate([np.column_stack([begins, ends]), np.column_stack([atoms, atoms])])
        order = np.lexsort((edges[:, 1], edges[:, 0]))
        return cls(
            knots,
            np.concatenate([first, no_knot])[order],
            np.concatenate([last, no_knot])[order],
            edges[order],
            decimals,
        )

    @property
    def log_width(self) -> Floats:
        """Logarithm of the width of each level; that of an atom is what was rounded to it, or 1. Shape: (T,)."""
        width = self.edges[:, 1] - self.edges[:, 0]
        return np.log(np.where(width > 0, width, 10.0 ** -(self.decimals or 0)))

    @property
    def centers(self) -> Floats:
        """Mean of the training values of each level. Shape: (T,)."""
        knots = self.knots.astype(np.float64, copy=False)  # a file may hold narrow ones
        size = 2.0**64 if np.abs(knots).max(initial=0.0) > HUGE else 1.0
        total = np.append(0.0, np.cumsum(knots / size))
        n_knots = np.maximum(self.last - self.first + 1, 1)
        means = (total[self.last + 1] - total[self.first]) / n_knots * size
        return np.where(self.first >= 0, means, self.edges[:, 0])

    @property
    def maximum(self) -> float:
        """The largest value."""
        return float(np.append(self.knots, self.edges[-1, 0]).max())

    def covers(self, values: Floats) -> NDArray[np.bool_]:
        """Whether each value lies inside a bin and has the column's precision."""
        return self.range_of(values) >= 0

    def range_of(self, values: Floats) -> Integers:
        """The level of the bin in which each value lies; −1 where there is none, or it has another precision."""
        levels = np.flatnonzero(self.first >= 0)
        at = np.searchsorted(self.edges[levels, 0], values, side="right") - 1  # −1 below the first bin
        ends, levels = np.append(self.edges[levels, 1], -np.inf)[at], np.append(levels, -1)[at]
        is_inside = (values < ends) & (values <= self.maximum) & (self._rounded(values) == values)
        return np.where(is_inside, levels, -1)

    def may_hide(self, values: Floats) -> NDArray[np.bool_]:
        """Whether values beyond the ends may be some that count as these: no farther out than the ends are apart."""
        lower, upper = self.edges[0, 0], self.maximum
        is_beyond, width = (values < lower) | (values > upper), upper - lower
        is_near = (values >= lower - width) & (values <= upper + width)
        return np.asarray(self.hides_ends & is_beyond & is_near & (self._rounded(values) == values))

    def _rounded(self, values: Floats) -> Floats:
        """Values to the column's precision."""
        return values if self.decimals is None else np.round(values, self.decimals)

    def encode(self, values: Floats) -> Floats:
        """Level plus position; a value outside all levels counts as in the nearest. NaN stays NaN."""
        level = self._nearest(values, np.arange(len(self.edges)))
        bins = np.flatnonzero(self.first >= 0)
        if len(bins):  # between two levels, a value that is no atom is one of the spread values
            is_inside = (values > self.edges[0, 0]) & (values < self.edges[-1, 1])
            is_atom = (self.first[level] < 0) & (self.edges[level, 0] == values)
            level = np.where(is_inside & ~is_atom, self._nearest(values, bins), level)
        position = np.zeros(len(values))
        if len(self.knots):
            first, last = self.first[level], self.last[level]
            at = np.interp(values, *steps_of(self.knots))
            position = np.where(last > first, (at - first) / np.maximum(last - first, 1), 0.0)
        return np.where(np.isnan(values), np.nan, level + POSITION_MAX * np.clip(position, 0.0, 1.0))

    def _nearest(self, values: Floats, among: Integers) -> Integers:
        """The level of each value among some of them."""
        lower, upper = self.edges[among].T
        below = np.clip(np.searchsorted(lower, values, side="right") - 1, 0, len(lower) - 1)
        above = np.minimum(below + 1, len(lower) - 1)
        return among[np.where(lower[above] - values < values - upper[below], above, below)]

    def decode(self, codes: Floats) -> Floats:
        """Values of levels and positions, to the column's precision. NaN stays NaN."""
        return self._values(codes, self._rounded)

    def amounts(self, codes: Floats) -> Floats:
        """Values of levels and positions, of which some may be means: in full precision. NaN stays NaN."""
        return self._values(codes, np.asarray)

    def _values(self, codes: Floats, rounded: Callable[[Floats], Floats]) -> Floats:
        is_gap = np.isnan(codes)
        codes = np.where(is_gap, 0.0, codes)
        level = np.clip(codes.astype(int), 0, len(self.edges) - 1)
        values = self.edges[level, 0]
        if len(self.knots):
            first, last = self.first[level], self.last[level]
            position = np.clip((codes - level) / POSITION_MAX, 0.0, 1.0)
            at = np.maximum(first + (last - first) * position, 0)
            below = at.astype(int)
            above = np.minimum(below + 1, len(self.knots) - 1)
            between = self.knots[below] + (at - below) * (self.knots[above] - self.knots[below])
            values = np.where(first >= 0, rounded(between), values)
        return np.where(is_gap, np.nan, values)


def mean_of_draws(draws: Floats) -> Floats:
    """The mean along the first axis, also of numbers whose sum no float holds. Shape: (M, ...) -> (...)."""
    if np.abs(draws).max(initial=0.0) > HUGE:
        return np.asarray((draws / len(draws)).sum(axis=0))
    return np.asarray(draws.mean(axis=0))


def _shared(distinct: Floats, counts: Integers, max_bins: int, least_rows: int) -> tuple[Floats, Integers]:
    """Counts in which so many values reach the ends, and have each atom: others are what is next to them.

    Examples
    --------
    >>> _shared(np.arange(6.0), np.array([1, 1, 30, 2, 20, 9]), 100, 3)
    (array([2., 4., 5.]), array([34, 20,  9]))
    """
    least_rows = min(least_rows, int(counts.sum()) // 2)
    below, above = counts.cumsum() >= least_rows, counts[::-1].cumsum()[::-1] >= least_rows
    first, last = int(below.argmax()), len(counts) - 1 - int(above[::-1].argmax())
    distinct, kept = distinct[first : last + 1], counts[first : last + 1].copy()
    kept += _mirrored(kept, int(counts[:first].sum())) + _mirrored(kept[::-1], int(counts[last + 1 :].sum()))[::-1]
    while len(kept) > 1:
        n_rows = np.where(_atoms_among(distinct, kept, max_bins), kept, least_rows)
        rarest = int(n_rows.argmin())
        if n_rows[rarest] >= least_rows:
            break
        distance = np.abs(distinct - distinct[rarest])
        distance[rarest] = np.inf
        kept[int(distance.argmin())] += kept[rarest]
        distinct, kept = np.delete(distinct, rarest), np.delete(kept, rarest)
    return distinct, kept


def _mirrored(counts: Integers, n_beyond: int) -> Integers:
    """So many values from beyond the first, each as one inside: at the end itself they would be an atom. Shape: kept.

    Examples
    --------
    >>> _mirrored(np.array([1, 1, 2, 9]), 3)
    array([1, 1, 1, 0])
    """
    inside = np.clip(n_beyond - (counts.cumsum() - counts), 0, counts)
    inside[0] += n_beyond - inside.sum()
    return np.asarray(inside)


def _atoms_among(distinct: Floats, counts: Integers, max_bins: int) -> NDArray[np.bool_]:
    """Which of the distinct values, in increasing order, are a level of their own."""
    n_values = int(counts.sum())
    is_atom = (counts > max(n_values / max_bins, ATOM_ROWS)) | _sentinels(distinct, counts)
    if is_atom[-2:-1].any():
        is_atom[-1] = True  # one value beyond the last atom has no neighbour to share a bin with
    if len(counts) <= min(max_bins, n_values / ATOM_ROWS) or (~is_atom).sum() < 2:
        is_atom[:] = True
    return np.asarray(is_atom)


def _sentinels(distinct: Floats, counts: Integers) -> NDArray[np.bool_]:
    """Which ends recur, and lie farther from all others than these from one another: 999999 among ages."""
    is_sentinel = np.zeros(len(distinct), dtype=bool)
    if len(distinct) > 2:
        with np.errstate(over="ignore"):
            span = distinct[-1] - distinct[0]
            is_far = distinct[[1, -1]] - distinct[[0, -2]] > span / 2
        is_sentinel[[0, -1]] = is_far & (counts[[0, -1]] > 1)
    return is_sentinel


def _quantiles(distinct: Floats, counts: Integers) -> Floats:
    """Values in increasing order, as often as they occur, or as many quantiles of them as are kept."""
    if not len(distinct):
        return distinct
    last_of = counts.cumsum() - 1  # position among the sorted values
    n_knots = min(int(last_of[-1]) + 1, MAX_KNOTS)
    return distinct[np.searchsorted(last_of, np.linspace(0, last_of[-1], n_knots).astype(int))]


def _evened(knots: Floats, first: Integers, last: Integers, n_rows: int) -> Floats:
    """Knots of which every tenth of a level and those beside wide gaps are training values, the others even."""
    step = KNOT_ROWS * min(1.0, MAX_KNOTS / n_rows)  # quantiles stand for several rows each
    begins, ends = first[first >= 0], last[first >= 0]
    n_kept = np.maximum(np.rint((ends - begins) / step).astype(int) + 1, 2)
    kept = [np.empty(0, dtype=int)]
    for n in np.unique(n_kept):  # most levels are of one size
        kept.append(np.linspace(begins[n_kept == n], ends[n_kept == n], n).astype(int).ravel())
    at = np.unique(np.concatenate(kept))
    if len(at) < 2:
        return knots
    while len(beside := np.setdiff1d(_beside_gaps(knots, at), at)):
        at = np.union1d(at, beside)
    return np.asarray(np.interp(np.arange(len(knots)), at, knots[at]))


def _beside_gaps(knots: Floats, at: Integers) -> Integers:
    """Both ends of gaps that are wider than half the way from one kept knot to the next: nothing lies there."""
    between = np.arange(at[0], at[-1])
    piece = np.searchsorted(at, between, side="right") - 1
    with np.errstate(over="ignore"):
        wide = between[np.diff(knots)[between] > (knots[at[piece + 1]] - knots[at[piece]]) / 2]
    return np.concatenate([wide, wide + 1])


def _spans(knots: Floats, atoms: Floats, n_bins: int) -> tuple[Floats, Floats]:
    """Where bins begin and end: they begin at quantiles and after each atom, and end before the next atom."""
    begins = knots[np.linspace(0, len(knots), n_bins, endpoint=False).astype(int)]
    after = np.searchsorted(knots, atoms)
    begins = np.unique(np.concatenate([begins, knots[after[after < len(knots)]]]))
    end = knots[-1] + np.diff(np.unique(knots)).min()  # just above the largest value
    if (atoms > knots[-1]).any():
        end = np.inf
    elif len(begins) > 1 and begins[-1] == knots[-1]:
        begins = begins[:-1]  # the last bin holds two values at least
    next_atom = np.append(atoms, np.inf)[np.searchsorted(atoms, begins)]
    return begins, np.minimum(np.append(begins[1:], end), next_atom)


def common_decimals(values: Numbers) -> int | None:
    """What values are rounded to; None where nothing reproduces all of them, in their own width.

    In float32, 0.1 is the float next to 0.1: decimals are common where they are several times as far apart as floats.
    """
    if values.dtype.kind != "f":  # whole numbers, of Python's any size, too
        return 0
    with np.errstate(over="ignore"):  # beyond 1e298 rounding overflows: no decimals in common
        wide = values.astype(np.float64, copy=False)
        exact = next((d for d in range(MAX_DECIMALS + 1) if np.array_equal(np.round(wide, d), wide)), None)
        if exact is not None or values.dtype.itemsize >= 8 or not len(values):
            return exact
        most = -np.log10(CLEAR * float(np.spacing(np.abs(values).max())))
        return next(
            (d for d in range(int(max(most, -1)) + 1) if np.array_equal(nearest(wide, d, values.dtype), wide)), None
        )


def nearest(values: Floats, decimals: int, dtype: np.dtype[Any]) -> Floats:
    """The floats of a width that are next to values with so many decimals, as doubles."""
    return np.round(values, decimals).astype(dtype).astype(np.float64)


def as_decimals(values: Floats, decimals: int | None, dtype: np.dtype[Any]) -> Floats:
    """Values of a narrow width as the decimals that they stand for; others, and those of a double, as they are."""
    if decimals is None or dtype.itemsize >= 8:
        return values
    with np.errstate(over="ignore", invalid="ignore"):
        own = values.astype(dtype).astype(np.float64)
        return np.where(nearest(values, decimals, dtype) == own, np.round(values, decimals), values)


def steps_of(knots: Floats) -> tuple[Floats, Floats]:
    """Each distinct knot and the middle of its positions."""
    distinct, first, counts = np.unique(knots, return_index=True, return_counts=True)
    return distinct, first + (counts - 1) / 2
