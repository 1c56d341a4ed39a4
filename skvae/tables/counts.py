"""Statistics of columns that come a chunk at a time, in memory that does not grow with the rows."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.tables.bins import Floats, Integers, Numbers, common_decimals
from skvae.tables.columns.cells import identity

MAX_DISTINCT = 200_000  # numbers of a histogram that are counted; beyond, neighbours share a place
EXACT_SHARE = 1e-4  # of the rows, from which a value keeps a place of its own
MAX_CATEGORIES = 1_000_000  # of a column of several chunks


class Moments:
    r"""Count, mean, range, and second and third central moment of each column.

    Two sets of rows, n and m, are joined by

    .. math:: M_3 = M_3' + M_3'' + \delta^3 \frac{n m (n - m)}{(n + m)^2}
        + 3 \delta \frac{n M_2'' - m M_2'}{n + m}, \qquad M_2 = M_2' + M_2'' + \delta^2 \frac{n m}{n + m}

    with δ the difference of their means and M_p the sum of the p-th powers of deviations from the mean.

    Parameters
    ----------
    n_columns : int
        Number of columns, D.
    size_of : callable, optional
        Mean and standard deviation of each column of some rows → the size of its deviations that cubes are taken in;
        the standard deviation itself by default.

    Attributes
    ----------
    n, mean, second : ndarrays of shape (D,)
        Number of observed cells, their mean, and M_2.
    size, tail : ndarrays of shape (D,)
        A size of deviations, and M_3 in units of size³: the cube of a number that fits into a float may not.
    lower, upper : ndarrays of shape (D,)
        Observed range.

    References
    ----------
    Pébay (2008), Formulas for Robust, One-Pass Parallel Computation of Covariances, eq. (2.1).
    """

    def __init__(self, n_columns: int, size_of: Callable[[Floats, Floats], Floats] | None = None) -> None:
        self.size_of = size_of
        self.n, self.mean, self.second, self.size, self.tail = np.zeros((5, n_columns))
        self.lower, self.upper = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)

    def add(self, cells: Floats) -> None:
        """Join more rows; NaN is a gap. Shape: (B, D)."""
        is_gap = np.isnan(cells)
        known = np.where(is_gap, 0.0, cells) if is_gap.any() else cells
        m = len(cells) - is_gap.sum(axis=0, dtype=float)
        lower, upper = np.fmin.reduce(cells, axis=0), np.fmax.reduce(cells, axis=0)
        with np.errstate(over="ignore", invalid="ignore"):
            mean = known.sum(axis=0) / np.maximum(m, 1)
            mean = np.where((m > 0) & (lower == upper), lower, mean)  # that of a constant is not rounded
            deviation = cells - mean
            deviation[is_gap] = 0.0
            second = (deviation * deviation).sum(axis=0)
            size = np.sqrt(second / np.maximum(m, 1))
            if self.size_of is not None:
                size = self.size_of(mean, size)
            deviation /= np.where(size > 0, size, 1.0)
            self._join(m, mean, second, size, (deviation * deviation * deviation).sum(axis=0))
        self.lower, self.upper = np.fmin(self.lower, lower), np.fmax(self.upper, upper)

    def _join(self, m: Floats, mean: Floats, second: Floats, size: Floats, tail: Floats) -> None:
        n, total = self.n, np.maximum(self.n + m, 1)
        delta = np.where((m > 0) & (n > 0), mean - self.mean, 0.0)
        larger = np.maximum(np.maximum(self.size, size), np.abs(delta))
        unit = np.where(larger > 0, larger, 1.0)
        apart = delta / unit
        before, added = self.second / unit / unit, second / unit / unit
        self.tail = (
            self.tail * (self.size / unit) ** 3
            + tail * (size / unit) ** 3
            + apart**3 * n * m * (n - m) / total**2
            + 3 * apart * (n * added - m * before) / total
        )
        self.second = self.second + second + delta * delta * n * m / total
        self.mean = np.where(n > 0, self.mean + delta * m / total, mean)
        self.n, self.size = n + m, larger

    @property
    def third(self) -> Floats:
        """M_3. Shape: (D,)."""
        return np.asarray(self.tail * self.size**3)

    @property
    def std(self) -> Floats:
        """Standard deviation of each column. Shape: (D,)."""
        return np.asarray(np.sqrt(self.second / np.maximum(self.n, 1)))


class Counts:
    """How often each number of a column occurs: exact in one chunk, and up to 200,000 distinct numbers in several.

    Beyond, neighbours that are rare share the place of the middle one of them; quantiles are then off by some
    1e-5 of the rows.

    Attributes
    ----------
    values : ndarray of shape (n,)
        Distinct numbers in increasing order: floats, or the ticks of a time.
    counts : ndarray of int of shape (n,)
        How often each occurs.
    """

    def __init__(self) -> None:
        self.values: Numbers = np.empty(0)
        self.counts: Integers = np.empty(0, dtype=np.int64)
        self._decimals: int | None = 0

    def add(self, values: Numbers) -> None:
        """Count more values, none of them missing."""
        distinct, counts = np.unique(values, return_counts=True)
        if not len(self.values):
            self.values, self.counts = distinct, counts  # however many: they are in memory as it is
            return
        together: Numbers = np.concatenate([self.values, distinct])
        self.values, place = np.unique(together, return_inverse=True)
        self.counts = np.bincount(place, np.concatenate([self.counts, counts])).astype(np.int64)
        if len(self.values) > MAX_DISTINCT:
            self._decimals = self.decimals
            self._compress()

    @property
    def decimals(self) -> int | None:
        """What all values so far are rounded to."""
        now = common_decimals(self.values)
        return None if now is None or self._decimals is None else max(now, self._decimals)

    def _compress(self) -> None:
        """Half as many places, of equal shares of the rows; frequent values and both ends keep their own."""
        n, keep = self.counts.sum(), self.counts > EXACT_SHARE * self.counts.sum()
        keep[[0, -1]] = True
        middle = self.counts.cumsum() - self.counts / 2
        group = 2 * (middle * (MAX_DISTINCT // 2) / n).astype(np.int64)
        group += np.cumsum(keep) * 2 * MAX_DISTINCT - keep  # what is kept parts its neighbours
        first = np.flatnonzero(np.diff(group, prepend=-1))
        last = np.append(first[1:], len(group)) - 1
        self.values = self.values[(first + last) // 2]
        self.counts = np.add.reduceat(self.counts, first)


class Categories:
    """How often each category of a column occurs.

    Parameters
    ----------
    name : hashable
        Label of the column.

    Attributes
    ----------
    distinct : list
        The categories, in the order of appearance.
    counts : dict
        Number of times that each occurs, by what tells it from the others: itself, or its type, too.
    """

    def __init__(self, name: Hashable) -> None:
        self.name = name
        self.distinct: list[Hashable] = []
        self.counts: dict[Hashable, int] = {}

    def add(self, values: pd.Series) -> None:
        """Count more values; gaps do not count.

        Raises
        ------
        TypeError
            Where a value cannot be a category.
        ValueError
            Where several chunks hold more than a million categories.
        """
        try:
            codes, distinct, keys = _factorized(values)
        except TypeError as error:
            raise TypeError(
                f"Column {self.name!r} holds values that cannot be categories ({error}). "
                f"Convert them to strings or drop the column."
            ) from error
        counts = np.bincount(codes[codes >= 0], minlength=len(distinct)).tolist()
        if not self.counts:  # however many: they are in memory as it is
            self.distinct, self.counts = distinct, dict(zip(keys, counts, strict=True))
            return
        for value, key, count in zip(distinct, keys, counts, strict=True):
            if key not in self.counts:
                self.distinct.append(value)
            self.counts[key] = self.counts.get(key, 0) + count
        if len(self.counts) > MAX_CATEGORIES:
            raise ValueError(
                f"A category should recur, and a stream may hold {MAX_CATEGORIES:,} different ones in a column, but "
                f"column {self.name!r} holds more, as an identifier does. Drop it, or convert it to numbers or dates."
            )


def _factorized(values: pd.Series) -> tuple[Integers, list[Hashable], list[Hashable]]:
    """Code of each value, −1 for a gap; the distinct values and their keys, in the order of appearance."""
    if values.dtype == object:
        if pd.api.types.infer_dtype(values, skipna=True) != "string":
            return _factorized_objects(values.to_numpy())
        levels = values.value_counts(sort=False).index  # factorize of pandas 2 reads text up to a NUL only
        return levels.get_indexer(pd.Index(values)), levels.tolist(), levels.tolist()
    if isinstance(values.dtype, np.dtype) and values.dtype.kind not in "mM":
        codes, distinct = pd.factorize(values.to_numpy())
    else:
        codes, distinct = values.array.factorize()
    return codes, distinct.tolist(), distinct.tolist()


def _factorized_objects(values: NDArray[Any]) -> tuple[Integers, list[Hashable], list[Hashable]]:
    """The same for objects of any type, which are told apart by their types as well."""
    codes, first = np.full(len(values), -1), dict[Hashable, int]()
    is_known, distinct = pd.notna(values), list[Hashable]()
    for i in np.flatnonzero(is_known).tolist():
        key = identity(values[i])
        code = first.setdefault(key, len(first))
        if code == len(distinct):
            distinct.append(values[i])
        codes[i] = code
    return codes, distinct, list(first)
