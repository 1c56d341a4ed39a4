"""A container of rows ↔ one tensor."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from skvae.likelihoods import Block, Joint, Likelihood
from skvae.likelihoods.ruler import N_POINTS, N_POINTS_OF_COPIES, Ruler
from skvae.messages import warn_user
from skvae.tables.bins import Floats
from skvae.tables.columns import Column, Dtype, HistogramColumn, IdentifierColumn, NewIdentifiers, Support
from skvae.tables.columns.base import PROTECTED_ROWS, ROWS_FOR_EACH, Protect, least_rows
from skvae.tables.columns.cells import in_words, is_missing
from skvae.tables.columns.dtypes import cast
from skvae.tables.copies import Copy, ranged_of
from skvae.tables.copy_search import find_copies
from skvae.tables.encoded import REACH, EncodedColumn, facts_of
from skvae.tables.frames import Native
from skvae.tables.rows import CELLS, Rows, cells_of, column_of, names_and_dtypes, without_columns
from skvae.tables.schema import Choice
from skvae.tables.statistics import Statistics, by_family, check_support


@dataclass(frozen=True, repr=False)
class Table:
    """What fit learns of the columns: enough to encode rows as a tensor and to bring them back as they came.

    A number is encoded as (value − loc) / scale, a category or a binned number as its code, a gap as NaN. With
    indicators, the encoded rows begin with one column for each column with gaps that says where they are.

    Attributes
    ----------
    data : list of EncodedColumn
        The columns of the data, but for identifiers.
    labels : pandas.Index or None
        Labels of all columns of a DataFrame; None for an array.
    dtype : numpy dtype or None
        Dtype of an array; None for a DataFrame.
    native : Native or None
        The library and dtypes of a DataFrame that is not one of pandas.
    identifiers : dict of int to IdentifierColumn
        Columns that are not encoded, by position among all.
    copies : tuple of Copies
        Columns whose cells may be the value of an earlier one.
    """

    data: list[EncodedColumn]
    labels: pd.Index | None
    dtype: np.dtype[Any] | None
    native: Native | None = None
    identifiers: dict[int, IdentifierColumn] = field(default_factory=dict)
    copies: tuple[Copy, ...] = ()

    @classmethod
    def fit(
        cls,
        X: Rows,
        likelihood: Choice | Mapping[Hashable, Choice] = "auto",
        *,
        add_indicator: bool = False,
        histograms: bool = False,
        protect: Protect = None,
        native: Native | None = None,
        copies: bool = True,
    ) -> Table:
        """Choose families, learn levels, ranges and scales.

        Parameters
        ----------
        X : ndarray or DataFrame of shape (N, D)
            Rows.
        likelihood : str, Likelihood or dict
            See ``choose_families``.
        add_indicator : bool
            Whether to encode where the gaps are.
        histograms : bool
            See ``choose_families``.
        protect : "auto", int or None
            How many rows a category or another level needs to be learned as itself; "auto" is 3 for the columns of a
            DataFrame, 2 below 150 rows, and None below 100.
        native : Native, optional
            Where the rows come from, if not from pandas.
        copies : bool
            Whether to look for columns that copy earlier ones: what a chain draws, and nothing else reads.

        Returns
        -------
        Table
            What ``Survey`` learns of one chunk, and the copies.

        Raises
        ------
        ValueError
            Where a column is empty, infinite, or outside the support of its family.
        """
        statistics = Statistics(X, likelihood, add_indicator=add_indicator, histograms=histograms, protect=protect)
        cells = statistics.read(X)
        statistics.check_observed()
        statistics.check_support(cells, X)
        table = cls.of(statistics, X, native)
        return table.with_copies_of(X) if copies else table

    @classmethod
    def of(cls, statistics: Statistics, like: Rows, native: Native | None) -> Table:
        """The table of what is known of columns, whose rows come back in the container of some others."""
        data = statistics.columns()
        if isinstance(like, pd.DataFrame):
            return cls(data, like.columns, None, native, statistics.identifier_columns())
        return cls(data, None, like.dtype, native)

    def with_copies_of(self, X: Rows) -> Table:
        """The table, and which columns copy earlier ones in some rows; itself where none does."""
        copies = find_copies(X, self.ranged)
        return replace(self, copies=copies) if copies else self

    def __repr__(self) -> str:
        return f"<Table of {self.n_columns} column(s)>"

    # -- columns --------------------------------------------------------------------------------------------------

    @cached_property
    def encoded(self) -> list[EncodedColumn]:
        """The encoded columns: the indicators, then the columns of the data."""
        return [column.indicator for column in self.data if column.is_indicated] + self.data

    @cached_property
    def indicated(self) -> list[int]:
        """Positions, among the columns of the data, of those with an indicator."""
        return [j for j, column in enumerate(self.data) if column.is_indicated]

    @cached_property
    def columns(self) -> list[Column]:
        """Codecs of the encoded columns."""
        return self._each("codec")

    @cached_property
    def families(self) -> list[Likelihood]:
        """The family of each encoded column."""
        return self._each("family")

    @cached_property
    def loc(self) -> Floats:
        """Zero of each encoded column. Shape: (D,)."""
        return np.array(self._each("loc"))

    @cached_property
    def scale(self) -> Floats:
        """Unit of each encoded column; it may be negative. Shape: (D,)."""
        return np.array(self._each("scale"))

    @cached_property
    def lower(self) -> Floats:
        """Smallest observed value of each encoded column, before the scaling. Shape: (D,)."""
        return np.array(self._each("lower"))

    @cached_property
    def upper(self) -> Floats:
        """Largest observed value of each encoded column, before the scaling. Shape: (D,)."""
        return np.array(self._each("upper"))

    @cached_property
    def gaps(self) -> NDArray[np.bool_]:
        """Whether each encoded column had missing cells. Shape: (D,)."""
        return np.array(self._each("has_gaps"))

    def _each(self, attribute: str) -> list[Any]:
        """An attribute of the encoded columns."""
        return list(map(attrgetter(attribute), self.encoded))

    @property
    def data_columns(self) -> list[Column]:
        """Codecs of the columns of the data."""
        return self.columns[len(self.indicated) :]

    @property
    def data_families(self) -> list[Likelihood]:
        """Families of the columns of the data."""
        return self.families[len(self.indicated) :]

    @cached_property
    def of_columns(self) -> Table:
        """The table of models whose columns see one another: they are told where all gaps are."""
        data = [
            replace(column, family=column.family.among_columns, is_indicated=column.has_gaps) for column in self.data
        ]
        return replace(self, data=data)

    def with_gaps_shown(self, x: Tensor) -> Tensor:
        """Encoded rows as ``of_columns`` encodes them. Shape: (N, D) -> (N, D')."""
        cells = x[:, len(self.indicated) :]
        return torch.cat([cells[:, self.of_columns.indicated].isnan().to(x.dtype), cells], dim=1)

    @property
    def n_columns(self) -> int:
        """Number of columns of rows, identifiers among them."""
        return len(self.data) + len(self.identifiers)

    @property
    def positions(self) -> list[int]:
        """Position among all columns of each that is encoded."""
        return [j for j in range(self.n_columns) if j not in self.identifiers]

    @property
    def n_levels(self) -> int:
        """Number of levels of all columns: categories, and ranges and values of numbers."""
        return sum(len(column.edges) for column in self.columns)

    @property
    def copied(self) -> list[tuple[int, int]]:
        """Columns that copy an earlier one, and that one, by their positions among the encoded columns."""
        place = {j: len(self.indicated) + i for i, j in enumerate(self.positions)}
        return [(place[copy.column], place[copy.reference]) for copy in self.copies]

    @cached_property
    def ranged(self) -> dict[int, HistogramColumn]:
        """Columns some of whose levels are ranges of numbers, by position among all."""
        return ranged_of(zip(self.positions, self.data_columns, strict=True))

    @property
    def dtypes(self) -> dict[Hashable, Dtype]:
        """Dtype of each column by name, identifiers among them, in the order of the rows."""
        encoded = iter(self.data_columns)
        columns = [self.identifiers.get(j) or next(encoded) for j in range(self.n_columns)]
        return {column.name: column.dtype for column in columns}

    @property
    def is_frame(self) -> bool:
        """Whether rows come and go as a DataFrame."""
        return self.labels is not None

    # -- rows -----------------------------------------------------------------------------------------------------

    def encode(self, X: Rows) -> Tensor:
        """Rows as a tensor, in their own precision. Shape: (N, D)."""
        X, columns = self.encodable(X), self.data_columns
        is_identity = np.array(self._each("codec.is_identity")[len(self.indicated) :])
        raw = cells_of(X, lambda j, values: columns[j].read(values), is_identity)
        check_support(raw, X, self.data_families)
        if self.indicated:
            raw = np.concatenate([np.isnan(raw[:, self.indicated]), raw], axis=1)
        if self.loc.any() or (self.scale != 1).any():
            raw = (raw - self.loc) / self.scale
        return self.in_precision(torch.from_numpy(raw), self._precision(X))

    def encodable(self, X: Rows) -> Rows:
        """Rows without the identifiers."""
        return without_columns(X, self.identifiers)

    def _precision(self, X: Rows) -> torch.dtype:
        """float32 where all numbers are, and no column needs more; float64 otherwise."""
        dtypes = set(names_and_dtypes(X)[1])
        if dtypes != {np.dtype(np.float32)} or any(self._each("codec.needs_double")):
            return torch.float64
        return torch.float32

    def in_precision(self, x: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Encoded rows in the precision that a module computes in, by default that of training. Shape: kept.

        Raises
        ------
        ValueError
            Where a cell lies so far out that its square would overflow there.
        """
        distance = x.abs().nan_to_num(nan=0.0)
        is_far = distance > REACH[dtype]
        if is_far.any():  # which is soon told of most
            reach = torch.tensor([column.reach(dtype) for column in self.encoded], dtype=torch.float64)
            is_far &= distance > reach.to(x)
        if is_far.any():
            row, j = is_far.nonzero()[0].tolist()
            self.encoded[j].refuse_far(float(x[row, j]), row, dtype)
        return x.to(dtype)

    def decode(self, x: Tensor, index: pd.Index | None = None, new: NewIdentifiers | None = None) -> Any:
        """Rows in the container and dtypes that fit saw; a gap where an indicator says so. Shape: (N, D).

        Identifiers are not encoded: ``new`` says how they are drawn, by default always the same.
        """
        if self.labels is not None:
            new = new or NewIdentifiers()
            named = {j: new.of(column, j, len(x), index) for j, column in self.identifiers.items()}
            encoded = {at: self._decode_series(x, j, index) for j, at in enumerate(self.positions)}
            return pd.DataFrame(dict(sorted((named | encoded).items())), index=index).set_axis(self.labels, axis=1)
        values = np.empty((len(x), len(self.data)), dtype=self.dtype)
        size = max(1, CELLS // x.shape[1])
        for first in range(0, len(x), size):
            values[first : first + size] = self._decode_array(x[first : first + size])
        return values

    def _decode_series(self, x: Tensor, j: int, index: pd.Index | None) -> pd.Series:
        """Column j of the data: one at a time makes no second table of floats."""
        place = len(self.indicated) + j
        codec, cells = self.columns[place], self._cells(x, slice(place, place + 1))[:, 0]
        if j in self.indicated:
            i = self.indicated.index(j)
            cells[self._cells(x, slice(i, i + 1))[:, 0] >= 1] = np.nan
        return pd.Series(codec.decode(cells), index=index, dtype=codec.dtype)

    def _decode_array(self, x: Tensor) -> NDArray[Any]:
        """Rows as an array. Shape: (N, D)."""
        assert self.dtype is not None, "rows of a DataFrame are decoded by column"
        raw, n_indicators = self._cells(x, slice(None)), len(self.indicated)
        is_gap, raw = raw[:, :n_indicators] >= 1, raw[:, n_indicators:]
        raw[:, self.indicated] = np.where(is_gap, np.nan, raw[:, self.indicated])
        values = np.asarray(cast(raw, self.dtype))
        for j, column in enumerate(self.data_columns):
            if not column.is_identity:
                values[:, j] = column.decode(raw[:, j])
        return values

    def _cells(self, x: Tensor, columns: slice) -> Floats:
        """Some encoded columns before the scaling, what is bounded in its range and whole numbers whole. (N, d)."""
        raw = x[:, columns].cpu().double().numpy() * self.scale[columns] + self.loc[columns]
        whole, bounded = np.array(self._each("family.is_whole")[columns]), self.is_bounded[columns]
        raw[:, whole] = np.rint(raw[:, whole])
        raw[:, bounded] = np.clip(raw[:, bounded], self.lower[columns][bounded], self.upper[columns][bounded])
        return np.asarray(raw)

    @cached_property
    def is_bounded(self) -> NDArray[np.bool_]:
        """Which encoded columns stay in their range: whole numbers, and constants with a scale of their own. (D,)."""
        has_own = np.array([family.scaling == "column" for family in self.families])
        is_whole = np.array(self._each("family.is_whole"))
        return np.asarray(is_whole | (has_own & (self.lower == self.upper)))

    def present(self, rows: Any) -> Any:
        """Decoded rows in the library that they came from."""
        return rows if self.native is None else self.native.present(rows)

    def encode_condition(self, given: pd.DataFrame, *, gaps: bool = False) -> Tensor:
        """Cells that are known of a row, in some of the columns; NaN where one is to be drawn. Shape: (N, D).

        Parameters
        ----------
        given : DataFrame
            Values of some columns.
        gaps : bool
            Whether NaN, NaT or NA ask for rows with a gap, where an indicator can tell; else the cell is to be drawn.

        Raises
        ------
        ValueError
            Where the probability of a value is zero.
        """
        n_indicators = len(self.indicated)
        raw = np.full((len(given), len(self.encoded)), np.nan)
        for j, column in enumerate(self.data):
            if column.name in given.columns:
                raw[:, n_indicators + j] = column.encode_condition(given[column.name])
        is_known = ~np.isnan(raw[:, n_indicators:][:, self.indicated])
        raw[:, :n_indicators] = np.where(is_known, 0.0, np.nan)  # what is given is no gap
        for i, j in enumerate(self.indicated):
            name = self.data[j].name
            if gaps and name in given.columns:
                is_said = [value is not None for value in given[name].astype(object)]  # None says nothing
                raw[is_missing(given[name]) & is_said, i] = 1.0
        with np.errstate(over="ignore"):
            x = torch.from_numpy((raw - self.loc) / self.scale)
        self.in_precision(x)  # which refuses what lies too far out
        return x

    def center(self, x: Tensor) -> Tensor:
        """The mean of several draws of each row, the mode for categories. Shape: (M, N, D) -> (N, D)."""
        raw = x.cpu().double().numpy() * self.scale + self.loc
        centers = [column.center(raw[:, :, j]) for j, column in enumerate(self.columns)]
        return torch.from_numpy((np.column_stack(centers) - self.loc) / self.scale)

    # -- what the likelihood is told ------------------------------------------------------------------------------

    def log_jacobian(self, x: Tensor) -> Tensor:
        """What to add to an encoded log-probability to have it in the units of the data. Shape: (N, D) -> (N,)."""
        is_density = self._each("family.is_density")
        log_scale = torch.from_numpy(np.where(is_density, np.log(np.abs(self.scale)), 0.0)).to(x)
        inside = np.zeros(len(x))
        for j, column in enumerate(self.columns):
            if column.has_density:
                cells = x[:, j].cpu().double().numpy() * self.scale[j] + self.loc[j]
                inside += column.log_density(cells)
        units = (~x.isnan()).to(x.dtype) @ log_scale if log_scale.any() else 0.0
        return torch.from_numpy(inside).to(x) - units

    def n_impossible(self, X: Rows) -> Floats:
        """Cells of each row that have no probability: unseen categories, values in no bin. Shape: (N, D) -> (N,)."""
        total, X = np.zeros(len(X)), self.encodable(X)
        for j, column in enumerate(self.data_columns):
            values = column_of(X, j)
            total += ~(column.is_possible(values) | is_missing(values))
        return total

    def warn_beyond(self, X: Rows, protect: Protect = None) -> None:
        """Say of which columns values have no probability, where encoding them does not say so. Shape: (N, D).

        A few cells a little beyond the ends are no news: ``protect`` keeps as many of the first rows behind these.
        """
        X, n_hidden = self.encodable(X), 2 * (least_rows(protect, PROTECTED_ROWS * ROWS_FOR_EACH) - 1)
        for j, column in enumerate(self.data):
            if column.codec.warns_of_unseen:
                continue
            values = column_of(X, j)
            support = Support(column.family, column.lower, column.upper)
            is_beyond = ~(column.codec.accepts(values, support) | is_missing(values))
            is_far = is_beyond & ~column.codec.may_hide(values)
            if is_far.any() or is_beyond.sum() > n_hidden:
                warn_user(
                    f"Column {column.name!r} holds {in_words(values[is_beyond])}, outside of the range that was "
                    f"learned of the first rows; {int(is_beyond.sum())} such cell(s) count as its end, and none is "
                    f"drawn. Begin with more rows, or pass table=Table.fit(rows) in the first call."
                )

    def joint(self, *, given_others: bool = False) -> Joint:
        """The likelihood of a row, or of its cells where any others may be known: a block for each family."""
        families = [family.given_others for family in self.families] if given_others else self.families
        blocks = [
            Block(family, index, facts_of([self.encoded[j] for j in index]))
            for family, index in by_family(families).items()
        ]
        return Joint(blocks, {len(self.indicated) + j: i for i, j in enumerate(self.indicated)})

    def rulers(self) -> list[Ruler]:
        """The levels of numbers whose values can be compared with those of other columns."""
        n_points = N_POINTS_OF_COPIES if self.copies else N_POINTS
        rulers = [column.ruler(j, n_points) for j, column in enumerate(self.columns)]
        return [ruler for ruler in rulers if ruler is not None]


def check_is_table(table: object) -> None:
    """Refuse what is no table."""
    if table is not None and not isinstance(table, Table):
        raise TypeError(
            f"table must be a Table, got {type(table).__name__}. Pass table_ of another estimator, or "
            f"skvae.tables.Table.fit(rows)."
        )
