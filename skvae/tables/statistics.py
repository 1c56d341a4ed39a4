"""What is learned of columns: families, levels, ranges, gaps and scales."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from skvae.likelihoods import Likelihood
from skvae.tables.bins import Floats
from skvae.tables.columns import ColumnSurvey, Dtype, IdentifierColumn, IdentifierSurvey, reader_of
from skvae.tables.columns.base import Protect, least_rows
from skvae.tables.columns.cells import in_short
from skvae.tables.counts import Moments
from skvae.tables.encoded import REACH, EncodedColumn
from skvae.tables.rows import Rows, cells_of, column_of, is_frame, names_and_dtypes, without_columns
from skvae.tables.sample import RowSample
from skvae.tables.schema import Choice, choose_families, find_identifiers

WILD = 10  # times the size of the bulk of its cells, from which on a standard deviation says nothing of most of them
BULK_ROWS = 10_000  # that say where the bulk is
CONSTANT = 1e-13  # a column whose standard deviation is this part of its mean or less is constant but for rounding


class Statistics:
    """What is known so far of the columns of some rows.

    Parameters
    ----------
    like : ndarray or DataFrame
        Rows with the names and dtypes of all, which show what columns are identifiers.
    likelihood : str, Likelihood or dict
        See ``choose_families``.
    add_indicator : bool
        Whether gaps are encoded as columns of their own.
    histograms : bool
        See ``choose_families``.
    protect : "auto", int or None
        How many rows a level needs to be learned as itself; "auto" protects the columns of a DataFrame.

    Attributes
    ----------
    names : list of D hashables
        Labels of the columns that a model learns: all but the identifiers.
    families : list of D Likelihoods
        Family of each column.
    moments : Moments
        Means, ranges and the like of the floats that the surveys of the columns give, in units of their own.
    n_rows : int
        Number of rows that were read.
    """

    def __init__(
        self,
        like: Rows,
        likelihood: Choice | Mapping[Hashable, Choice] = "auto",
        *,
        add_indicator: bool = False,
        histograms: bool = False,
        protect: Protect = None,
    ) -> None:
        names, dtypes = names_and_dtypes(like)
        families = choose_families(names, dtypes, likelihood, is_frame=is_frame(like), histograms=histograms)
        positions = find_identifiers(like, likelihood)
        self.identifiers = {j: IdentifierSurvey(names[j], dtypes[j]) for j in positions}
        kept = [j for j in range(len(names)) if j not in self.identifiers]
        self.names, dtypes = [names[j] for j in kept], [dtypes[j] for j in kept]
        self.families = [families[j] for j in kept]
        self.add_indicator = add_indicator
        self.surveys = list(map(_survey_of, self.names, dtypes, self.families))
        self.protect = None if protect == "auto" and not is_frame(like) else protect
        self._is_identity = np.array([survey.is_identity for survey in self.surveys])
        self.moments = Moments(len(self.names), self._sizes)
        self.n_rows = 0
        self.is_robust = np.array([family.is_robust for family in self.families])
        self.some = RowSample(BULK_ROWS, seed=0)

    def read(self, X: Rows) -> Floats:
        """Take note of rows, and give those of their cells that a model learns as floats. Shape: (N, D).

        Raises
        ------
        ValueError, TypeError
            Where a cell is infinite or cannot be read.
        """
        for j, survey in self.identifiers.items():
            survey.add(column_of(X, j))
        X = without_columns(X, self.identifiers)
        cells = cells_of(X, lambda j, values: self.surveys[j].add(values), self._is_identity)
        self.moments.add(cells)
        if self.is_robust.any():
            self.some.add(cells[:, self.is_robust])
        self.n_rows += len(cells)
        return cells

    def _sizes(self, mean: Floats, std: Floats) -> Floats:
        return sizes(mean, std, self.families)

    def check_support(self, cells: Floats, X: Rows) -> None:
        """Refuse floats of rows that were just read where they lie outside the support of their family."""
        settled = [j for j, survey in enumerate(self.surveys) if survey.is_settled]
        check_support(cells, without_columns(X, self.identifiers), self.families, among=settled)

    def check_observed(self) -> None:
        """Refuse columns without a cell."""
        is_empty = self.moments.n == 0
        if is_empty.any():
            columns = "column" if is_empty.sum() == 1 else "columns"
            names = ", ".join(repr(self.names[j]) for j in np.flatnonzero(is_empty)[:10])
            raise ValueError(
                f"Every column needs an observed cell, but all cells of {columns} {names}"
                f"{' …' if is_empty.sum() > 10 else ''} are missing. Drop the {columns}."
            )

    @property
    def gaps(self) -> list[bool]:
        """Whether a cell of each column is missing."""
        return list(map(bool, self.moments.n < self.n_rows))

    def identifier_columns(self) -> dict[int, IdentifierColumn]:
        """The identifiers by their position among all columns, as far as they are known."""
        return {j: survey.learned() for j, survey in self.identifiers.items()}

    def columns(self) -> list[EncodedColumn]:
        """The columns that a model learns, as far as they are known."""
        for survey in self.surveys:
            survey.least_rows = least_rows(self.protect, self.n_rows)
        moments, learned = self.moments, [survey.learned() for survey in self.surveys]
        origin, unit = np.array([(of.origin, of.unit) for of in learned]).T
        mean, std = self._center_and_size()
        mean, std = (mean - origin) / unit, std / unit
        lower, upper = (moments.lower - origin) / unit, (moments.upper - origin) / unit
        loc, scale = signed(mean, scales(mean, std, self.names, self.families), moments.tail, self.families)
        columns = []
        for j, (of, has_gaps) in enumerate(zip(learned, self.gaps, strict=True)):
            ends = of.ends or (float(lower[j]), float(upper[j]))
            columns.append(
                EncodedColumn(
                    of.codec,
                    self.families[j],
                    float(loc[j]),
                    float(scale[j]),
                    *ends,
                    has_gaps=has_gaps,
                    is_indicated=self.add_indicator and has_gaps,
                )
            )
        return columns

    def _center_and_size(self) -> tuple[Floats, Floats]:
        """Mean and standard deviation of each column, or those of the bulk of its cells. Shape: (D,) twice."""
        center, size = self.moments.mean.copy(), self.moments.std
        for j, cells in zip(np.flatnonzero(self.is_robust).tolist(), self._columns_of_some(), strict=False):
            middle, width = bulk(cells[~np.isnan(cells)])
            farthest = max(float(self.moments.upper[j]) - middle, middle - float(self.moments.lower[j]))
            is_wild = width > 0 and not size[j] <= WILD * width  # an overflow is NaN
            if is_wild and farthest / width < REACH[torch.float32]:
                center[j], size[j] = middle, width
        return center, size

    def _columns_of_some(self) -> Floats:
        """Cells of some rows, of the columns of families that are robust. Shape: (d, n)."""
        if not self.is_robust.any() or not self.some.n_rows:
            return np.empty((0, 0))
        _, cells = self.some.rows()
        return np.asarray(cells).T


def bulk(cells: Floats) -> tuple[float, float]:
    """Median, and the standard deviation of a normal distribution with the same quartiles, or with the same tenth.

    Examples
    --------
    >>> bulk(np.array([0.0, 1, 2, 3, 999999]))
    (2.0, 1.4825796886582654)
    """
    if not len(cells):
        return 0.0, 0.0
    with np.errstate(over="ignore", invalid="ignore"):  # an infinite size is found later
        fifth, first, median, third, last = np.quantile(cells, [0.05, 0.25, 0.5, 0.75, 0.95])
        return float(median), float((third - first) / 1.349 or (last - fifth) / 3.29)


def _survey_of(name: Hashable, dtype: Dtype, family: Likelihood) -> ColumnSurvey:
    return reader_of(dtype, family).survey(name, dtype, family)


def by_family(families: Sequence[Likelihood], among: Iterable[int] | None = None) -> dict[Likelihood, list[int]]:
    """Positions of the columns of each family, or of some of them."""
    positions: dict[Likelihood, list[int]] = {}
    for j in range(len(families)) if among is None else among:
        positions.setdefault(families[j], []).append(j)
    return positions


def check_support(cells: Floats, X: Rows, families: Sequence[Likelihood], among: Iterable[int] | None = None) -> None:
    """Refuse rows whose cells lie outside the support of their family; of some columns only, if these are given."""
    for family, index in by_family(families, among).items():
        of_family = cells if len(index) == cells.shape[1] else cells[:, index]
        is_bad = ~family.is_valid(torch.from_numpy(of_family)).numpy()
        if not is_bad.any():
            continue
        is_bad &= ~np.isnan(of_family)
        if is_bad.any():
            row, j = np.argwhere(is_bad)[0]
            values = column_of(X, index[j])
            name, value = values.name, in_short(values.iloc[row])
            raise ValueError(
                f"Column {name!r} uses the {family.name!r} likelihood, which needs {family.support}, "
                f"but row {row} holds {value}. Use likelihood={{{name!r}: 'gaussian'}} or fix the column."
            )


def sizes(mean: Floats, std: Floats, families: Sequence[Likelihood]) -> Floats:
    """Size of the deviations of each column, by the wish of its family; 0 for what is constant. Shape: (D,)."""
    size = np.where(std > CONSTANT * np.abs(mean), std, 0.0)
    for family, index in by_family(families).items():
        if family.scaling == "shared":
            size[index] = size[index].max()
    return size


def scales(mean: Floats, std: Floats, names: Sequence[Hashable], families: Sequence[Likelihood]) -> Floats:
    """Size of the encoded unit of each column. Shape: (D,)."""
    is_raw = _is_raw(families)
    overflow = ~is_raw & ~(np.isfinite(mean) & np.isfinite(std))
    if overflow.any():
        name = names[int(np.flatnonzero(overflow)[0])]
        raise ValueError(
            f"The variance of each column must fit into a float64, but that of column {name!r} overflows. "
            f"Divide the column by a large constant."
        )
    size = sizes(mean, std, families)
    return np.where(is_raw | (size == 0), 1.0, size)


def signed(mean: Floats, scale: Floats, tail: Floats, families: Sequence[Likelihood]) -> tuple[Floats, Floats]:
    """Location and scale: the longer tail points up, so that -X is the same data as X: a sign is no information."""
    is_raw = _is_raw(families)
    return np.where(is_raw, 0.0, mean), np.where(~is_raw & (tail < 0), -scale, scale)


def _is_raw(families: Sequence[Likelihood]) -> NDArray[np.bool_]:
    """Which columns are encoded without a location and a scale."""
    return np.array([family.scaling == "none" for family in families])
