"""One pass over rows in chunks: what ``Table.fit`` learns of all rows at once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from skvae.likelihoods import Categorical, Histogram, Likelihood, Ordinal
from skvae.tables.bins import Bins, Floats
from skvae.tables.columns import (
    CategoryColumn,
    Column,
    GapColumn,
    HistogramColumn,
    NumberColumn,
    TimeColumn,
    check_finite,
    is_time,
    plain,
)
from skvae.tables.counts import Categories, Counts, Moments
from skvae.tables.frames import Native
from skvae.tables.schema import Choice, choose_families
from skvae.tables.table import (
    Table,
    check_observed,
    check_support,
    column_of,
    names_and_dtypes,
    scales,
    signed,
    slices,
)


def concatenate(chunks: list[Any]) -> Any:
    """Chunks of one kind as one; categories without an order are united."""
    if not isinstance(chunks[0], pd.DataFrame):
        return np.concatenate(chunks)
    united = {}
    for j, dtype in enumerate(chunks[0].dtypes):
        if isinstance(dtype, pd.CategoricalDtype) and any(chunk.dtypes.iloc[j] != dtype for chunk in chunks):
            united[j] = _united([chunk.dtypes.iloc[j] for chunk in chunks])
    for chunk in chunks if united else []:
        for j, dtype in united.items():
            chunk.isetitem(j, chunk.iloc[:, j].astype(dtype))
    return pd.concat(chunks, ignore_index=True)


def _united(dtypes: list[Any]) -> pd.CategoricalDtype:
    categories = dtypes[0].categories
    for dtype in dtypes[1:]:
        categories = categories.append(dtype.categories.difference(categories, sort=False))
    return pd.CategoricalDtype(categories)


class ColumnSurvey(ABC):
    """What is known of one column so far."""

    @abstractmethod
    def add(self, values: pd.Series) -> Floats:
        """Take note of more cells, and give them as floats in units of the survey's own; NaN is a gap."""

    @abstractmethod
    def column(self) -> Column:
        """The codec."""

    def units(self, column: Any) -> tuple[float, float]:
        """Origin and size of the codec's unit in those of the survey."""
        return 0.0, 1.0

    def range_of_codes(self, column: Any) -> Any:
        """The smallest and the largest code, where a cell is one; None otherwise."""
        return None


class NumberSurvey(ColumnSurvey):
    """Numbers are themselves."""

    def __init__(self, name: Any, dtype: Any) -> None:
        self.number = NumberColumn(name, dtype)

    def add(self, values: pd.Series) -> Floats:  # noqa: D102
        return check_finite(self.number.encode(values), self.number.name)

    def column(self) -> Column:  # noqa: D102
        return self.number


class TimeSurvey(ColumnSurvey):
    """Times are ticks, from the first that was seen."""

    def __init__(self, name: Any, dtype: Any) -> None:
        self.time = TimeColumn.of_ticks(name, dtype)
        self.reference: int | None = None
        self.lattice = np.empty(0, dtype=np.int64)  # the origin, and one step further

    def add(self, values: pd.Series) -> Floats:  # noqa: D102
        ticks, is_gap = self.time.ticks(values)
        known = ticks[~is_gap]
        if not len(known):
            return np.full(len(values), np.nan)
        if self.reference is None:
            self.reference = int(known[0])
        spanned = self.time.spanning(np.concatenate([self.lattice, known]))
        is_single = len(self.lattice) < 2 and (known == spanned.origin).all()
        self.lattice = np.array([spanned.origin, spanned.origin + spanned.step][: 1 if is_single else 2])
        return np.where(is_gap, np.nan, (ticks - self.reference).astype(float))

    def column(self) -> TimeColumn:  # noqa: D102
        return self.time.spanning(self.lattice)

    def units(self, column: TimeColumn) -> tuple[float, float]:  # noqa: D102
        return float(column.origin - (self.reference or 0)), float(column.step)


class HistogramSurvey(ColumnSurvey):
    """Numbers and times are counted."""

    def __init__(self, number: NumberSurvey | TimeSurvey, max_bins: int) -> None:
        self.number = number
        self.max_bins = max_bins
        self.counts = Counts()

    def add(self, values: pd.Series) -> Floats:  # noqa: D102
        cells = self.number.add(values)
        known = cells
        if isinstance(self.number, TimeSurvey):
            known, _ = self.number.time.ticks(values)  # whole, where floats would round nanoseconds
        self.counts.add(known[~np.isnan(cells)])
        return cells

    def column(self) -> HistogramColumn:  # noqa: D102
        number = self.number.column()
        assert isinstance(number, NumberColumn | TimeColumn), "nothing else is counted"
        distinct, decimals = self.counts.values, self.counts.decimals
        if isinstance(number, TimeColumn):
            distinct, decimals = number.steps(distinct), 0
        bins = Bins.from_counts(distinct, self.counts.counts, decimals, self.max_bins)
        return HistogramColumn(number.name, number.dtype, number, bins)

    def range_of_codes(self, column: HistogramColumn) -> Any:  # noqa: D102
        ends = self.counts.values[[0, -1]]
        return column.bins.encode(column.number.steps(ends) if isinstance(column.number, TimeColumn) else ends)


class CategorySurvey(ColumnSurvey):
    """Categories are counted."""

    def __init__(self, name: Any, dtype: Any, max_categories: int) -> None:
        self.name, self.dtype = name, dtype
        self.max_categories = max_categories
        self.counts = Categories(name)

    def add(self, values: pd.Series) -> Floats:  # noqa: D102
        if isinstance(values.dtype, pd.CategoricalDtype) and values.dtype != self.dtype:
            self.dtype = _united([self.dtype, values.dtype])
        self.counts.add(plain(values))
        return np.where(values.isna(), np.nan, 0.0)

    def column(self) -> CategoryColumn:  # noqa: D102
        dtype = plain(pd.Series(dtype=self.dtype)).dtype
        values = pd.Series(list(self.counts.counts), name=self.name, dtype=dtype)
        column = CategoryColumn.fit(values, self.max_categories, list(self.counts.counts.values()))
        return replace(column, dtype=self.dtype)

    def range_of_codes(self, column: CategoryColumn) -> Any:  # noqa: D102
        codes = column.encode(pd.Series(list(self.counts.counts), dtype=column.levels.dtype))
        return np.array([codes.min(), codes.max()])


def _survey_of(name: Any, dtype: Any, family: Likelihood) -> ColumnSurvey:
    """By the family and the dtype."""
    if isinstance(family, Categorical | Ordinal):
        return CategorySurvey(name, dtype, family.max_categories if isinstance(family, Categorical) else 2**31)
    number = TimeSurvey(name, dtype) if is_time(dtype) else NumberSurvey(name, dtype)
    return HistogramSurvey(number, family.n_bins) if isinstance(family, Histogram) else number


class Survey:
    """A ``Table`` from chunks of rows.

    Means, scales, ranges, steps of time and categories are those of all rows at once, and so are the bins of columns
    of up to 200,000 distinct numbers; beyond, their quantiles are off by some 1e-5 of the rows.

    Parameters
    ----------
    like : ndarray or DataFrame
        The first chunk, whose names and dtypes all others share.
    likelihood, add_indicator, histograms, native
        See ``Table.fit``.

    Examples
    --------
    >>> X = pd.DataFrame({"size": [1.0, 2.0, 4.0, 8.0], "kind": ["b", "b", "a", "c"]})
    >>> survey = Survey(X)
    >>> for first in (0, 2):
    ...     survey.add(X[first : first + 2])
    >>> survey.table().loc.tolist(), survey.table().columns[1].levels.tolist()
    ([3.75, 0.0], ['a', 'b', 'c'])
    """

    def __init__(
        self,
        like: Any,
        likelihood: Choice | Mapping[Any, Choice] = "auto",
        *,
        add_indicator: bool = False,
        histograms: bool = False,
        native: Native | None = None,
    ) -> None:
        self.like = like[:0]
        self.names, self.dtypes = names_and_dtypes(like)
        is_frame = isinstance(like, pd.DataFrame)
        self.families = choose_families(self.names, self.dtypes, likelihood, is_frame=is_frame, histograms=histograms)
        self.add_indicator, self.native = add_indicator, native
        self.surveys = [_survey_of(*of) for of in zip(self.names, self.dtypes, self.families, strict=True)]
        self.numbers = [j for j, survey in enumerate(self.surveys) if isinstance(survey, NumberSurvey)]
        self.moments = Moments(len(self.names))
        self.n_rows = 0

    def add(self, X: Any) -> None:
        """Take note of a chunk, an array or a DataFrame.

        Raises
        ------
        ValueError, TypeError
            Where it is not like the first one, or a cell is infinite or outside the support of its family.
        """
        check_alike(X, self.like)
        for _, rows in slices(X):
            cells = self._read(rows)
            families = [self.families[j] for j in self.numbers]
            columns = [self.surveys[j].column() for j in self.numbers]
            check_support(cells if len(columns) == cells.shape[1] else cells[:, self.numbers], columns, families)
            self.moments.add(cells)
        self.n_rows += len(X)

    def _read(self, X: Any) -> Floats:
        """Cells as floats. Shape: (N, D)."""
        if isinstance(X, pd.DataFrame) or len(self.numbers) < len(self.surveys):
            return np.column_stack([survey.add(column_of(X, j)) for j, survey in enumerate(self.surveys)])
        cells = np.asarray(X, dtype=np.float64)
        for j in np.flatnonzero(np.isinf(cells).any(axis=0)).tolist():
            check_finite(cells[:, j], self.names[j])
        return cells

    @property
    def has_gaps(self) -> bool:
        """Whether a cell is missing anywhere."""
        return bool((self.moments.n < self.n_rows).any())

    def table(self) -> Table:
        """What is known of all rows."""
        n, moments = len(self.names), self.moments
        check_observed(moments.n == 0, self.names, self.n_rows)
        columns = [survey.column() for survey in self.surveys]
        of_columns = list(zip(self.surveys, columns, strict=True))
        origin, unit = np.array([survey.units(column) for survey, column in of_columns]).T
        mean, std = (moments.mean - origin) / unit, moments.std / unit
        lower, upper = (moments.lower - origin) / unit, (moments.upper - origin) / unit
        for j, (survey, column) in enumerate(of_columns):
            codes = survey.range_of_codes(column)
            if codes is not None:
                lower[j], upper[j] = codes
        loc, scale = signed(mean, scales(mean, std, self.families, columns), moments.third, self.families)
        gaps = moments.n < self.n_rows
        indicated = np.flatnonzero(gaps).tolist() if self.add_indicator else []
        n, is_frame = len(indicated), isinstance(self.like, pd.DataFrame)
        return Table(
            [*(GapColumn(self.names[j], np.dtype(bool)) for j in indicated), *columns],
            [Categorical()] * n + self.families,
            np.append(np.zeros(n), loc),
            np.append(np.ones(n), scale),
            np.append(np.zeros(n), lower),
            np.append(np.ones(n), upper),
            np.append(np.zeros(n, dtype=bool), gaps),
            indicated,
            self.like.columns if is_frame else None,
            None if is_frame else self.like.dtype,
            self.native,
        )


def check_alike(X: Any, like: Any) -> None:
    """Refuse a chunk that differs from the first in its kind, columns or dtypes."""
    if isinstance(X, pd.DataFrame) != isinstance(like, pd.DataFrame):
        raise TypeError(
            f"All chunks must be of one kind, but the first is of type {type(like).__name__} and this one of type "
            f"{type(X).__name__}. Convert them."
        )
    names, dtypes = names_and_dtypes(X)
    expected_names, expected_dtypes = names_and_dtypes(like)
    if names != expected_names:
        added, absent = (
            [name for name in some if name not in others][:10]
            for some, others in ((names, expected_names), (expected_names, names))
        )
        difference = f"{added} are new and {absent} are absent here" if added or absent else "their order differs here"
        raise ValueError(f"All chunks must have the columns of the first, but {difference}. Select the same columns.")
    for name, dtype, expected in zip(names, dtypes, expected_dtypes, strict=True):
        if dtype != expected and not (_is_unordered(dtype) and _is_unordered(expected)):
            which = f"column {name!r} is {expected} in the first and {dtype}"
            if not isinstance(X, pd.DataFrame):
                which = f"the first holds {expected} and this one {dtype}"
            raise ValueError(
                f"All chunks must have the dtypes of the first, but {which} here. Convert the chunks with astype, or "
                f"read them with dtypes given, as in pandas.read_csv(dtype=…)."
            )
        if not isinstance(X, pd.DataFrame):
            break


def _is_unordered(dtype: Any) -> bool:
    return isinstance(dtype, pd.CategoricalDtype) and not dtype.ordered
