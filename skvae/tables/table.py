"""A container of rows ↔ one tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from skvae.likelihoods import Block, Categorical, Columns, Histogram, Joint, Likelihood, Ordinal
from skvae.tables.bins import Floats
from skvae.tables.columns import (
    CategoryColumn,
    Column,
    GapColumn,
    HistogramColumn,
    NumberColumn,
    TimeColumn,
    cast,
    check_finite,
    check_zone,
    is_time,
)
from skvae.tables.frames import Native
from skvae.tables.schema import Choice, choose_families

CELLS = 4_000_000  # turned into floats at once
CONSTANT = 1e-13  # a column whose standard deviation is this part of its mean or less is constant but for rounding


@dataclass(frozen=True, repr=False)
class Table:
    """What fit learns of the columns: enough to encode rows as a tensor and to bring them back as they came.

    A number is encoded as (value − loc) / scale, a category or a binned number as its code, a gap as NaN. With
    indicators, the encoded rows begin with one column for each column with gaps that says where they are.

    Attributes
    ----------
    columns : list of Column
        Codecs of the encoded columns: the indicators, then the columns of the data.
    families : list of Likelihood
        The family of each encoded column.
    loc, scale : ndarray of shape (D,)
        Of the encoding; a scale may be negative.
    lower, upper : ndarray of shape (D,)
        Observed range, before the scaling.
    gaps : ndarray of shape (D,)
        Whether the column had missing cells.
    indicated : list of int
        Positions, among the columns of the data, of those with an indicator.
    labels : pandas.Index or None
        Column labels of a DataFrame; None for an array.
    dtype : numpy dtype or None
        Of an array; None for a DataFrame.
    native : Native or None
        The library and dtypes of a DataFrame that is not one of pandas.
    """

    columns: list[Column]
    families: list[Likelihood]
    loc: Floats
    scale: Floats
    lower: Floats
    upper: Floats
    gaps: Any
    indicated: list[int]
    labels: pd.Index | None
    dtype: Any
    native: Native | None = None

    @classmethod
    def fit(
        cls,
        X: Any,
        likelihood: Choice | Mapping[Any, Choice] = "auto",
        *,
        add_indicator: bool = False,
        histograms: bool = False,
        native: Native | None = None,
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
        native : Native, optional
            Where the rows come from, if not from pandas.

        Raises
        ------
        ValueError
            Where a column is empty, infinite, or outside the support of its family.
        """
        is_frame = isinstance(X, pd.DataFrame)
        names, dtypes = names_and_dtypes(X)
        families = choose_families(names, dtypes, likelihood, is_frame=is_frame, histograms=histograms)
        columns = [_fit_column(column_of(X, j), family) for j, family in enumerate(families)]
        raw = _read(X, columns)
        gaps = np.isnan(raw)
        check_observed(gaps.all(axis=0), names, len(raw))
        check_support(raw, columns, families)
        indicated = np.flatnonzero(gaps.any(axis=0)).tolist() if add_indicator else []
        raw = _beside(gaps[:, indicated], raw)
        families = [Categorical()] * len(indicated) + families
        columns = [GapColumn(columns[j].name, np.dtype(bool)) for j in indicated] + columns
        loc, scale = _standardization(raw, families, columns)
        return cls(
            columns,
            families,
            loc,
            scale,
            np.nanmin(raw, axis=0),
            np.nanmax(raw, axis=0),
            np.isnan(raw).any(axis=0),
            indicated,
            X.columns if is_frame else None,
            None if is_frame else X.dtype,
            native,
        )

    def __repr__(self) -> str:
        return f"<Table of {len(self.data_columns)} column(s)>"

    @property
    def data_columns(self) -> list[Column]:
        """Codecs of the columns of the data."""
        return self.columns[len(self.indicated) :]

    @property
    def is_frame(self) -> bool:
        """Whether rows come and go as a DataFrame."""
        return self.labels is not None

    def encode(self, X: Any) -> Tensor:
        """Rows as a tensor, in their own precision. Shape: (N, D)."""
        raw = _read(X, self.data_columns)
        check_support(raw, self.data_columns, self.data_families)
        raw = _beside(np.isnan(raw[:, self.indicated]), raw)
        is_binned = any(isinstance(column, HistogramColumn) for column in self.columns)  # a code and a position
        dtype = np.float64 if is_binned else _precision(X)
        if self.loc.any() or (self.scale != 1).any():
            raw = (raw - self.loc) / self.scale
        return torch.from_numpy(raw.astype(dtype, copy=False))

    def decode(self, x: Tensor, index: pd.Index | None = None) -> Any:
        """Rows in the container and dtypes that fit saw; a gap where an indicator says so. Shape: (N, D)."""
        if self.labels is not None:
            n_indicators = len(self.indicated)
            series = {}
            for j, column in enumerate(self.data_columns):  # one at a time: no second table of floats
                cells = self._cells(x, slice(n_indicators + j, n_indicators + j + 1))[:, 0]
                if j in self.indicated:
                    i = self.indicated.index(j)
                    cells[self._cells(x, slice(i, i + 1))[:, 0] >= 1] = np.nan
                series[j] = pd.Series(column.decode(cells), index=index, dtype=column.dtype)
            return pd.DataFrame(series, index=index).set_axis(self.labels, axis=1)
        values = np.empty((len(x), len(self.data_columns)), dtype=self.dtype)
        size = max(1, CELLS // x.shape[1])
        for first in range(0, len(x), size):
            values[first : first + size] = self._decode_array(x[first : first + size])
        return values

    def _decode_array(self, x: Tensor) -> Any:
        """Rows as an array. Shape: (N, D)."""
        raw, n_indicators = self._cells(x, slice(None)), len(self.indicated)
        is_gap, raw = raw[:, :n_indicators] >= 1, raw[:, n_indicators:]
        raw[:, self.indicated] = np.where(is_gap, np.nan, raw[:, self.indicated])
        values = cast(raw, self.dtype)
        for j, column in enumerate(self.data_columns):
            if not isinstance(column, NumberColumn):
                values[:, j] = column.decode(raw[:, j])
        return values

    def _cells(self, x: Tensor, columns: slice) -> Floats:
        """Some encoded columns before the scaling, whole numbers whole and in their range. Shape: (N, d)."""
        raw = x[:, columns].cpu().double().numpy() * self.scale[columns] + self.loc[columns]
        whole = np.array([family.is_whole for family in self.families[columns]])
        raw[:, whole] = np.clip(np.rint(raw[:, whole]), self.lower[columns][whole], self.upper[columns][whole])
        return np.asarray(raw)

    @property
    def data_families(self) -> list[Likelihood]:
        """Families of the columns of the data."""
        return self.families[len(self.indicated) :]

    def present(self, rows: Any) -> Any:
        """Decoded rows in the library that they came from."""
        return rows if self.native is None else self.native.present(rows)

    def encode_condition(self, given: pd.DataFrame) -> Tensor:
        """Cells that are known of a row, in some of the columns; NaN where one is to be drawn. Shape: (N, D).

        Raises
        ------
        ValueError
            Where the probability of a value is zero.
        """
        raw = np.full((len(given), len(self.columns)), np.nan)
        for j, column in enumerate(self.columns):
            if isinstance(column, GapColumn) or column.name not in given.columns:
                continue
            possible = _possible(column, self.families[j], self.lower[j], self.upper[j])
            values = _as_kind(given[column.name], column, possible)
            is_known = values.notna().to_numpy(dtype=bool)
            is_possible = column.is_possible(values)
            if not isinstance(column, CategoryColumn | HistogramColumn):
                cells = check_finite(column.encode(values), column.name)
                is_possible = self.families[j].is_valid(torch.from_numpy(cells)).numpy()
                if self.families[j].is_whole:
                    is_possible &= (cells >= self.lower[j]) & (cells <= self.upper[j])
            if (is_known & ~is_possible).any():
                value = given[column.name][is_known & ~is_possible].tolist()[0]
                raise ValueError(
                    f"A condition needs a positive probability, but {value!r} has none in column {column.name!r}, "
                    f"which held nothing like it at fit. Pass {possible}."
                )
            raw[:, j] = np.where(is_known, column.encode(values), np.nan)
        n_indicators = len(self.indicated)
        is_known = ~np.isnan(raw[:, n_indicators:][:, self.indicated])
        raw[:, :n_indicators] = np.where(is_known, 0.0, np.nan)  # what is given is no gap
        return torch.from_numpy((raw - self.loc) / self.scale)

    def center(self, x: Tensor) -> Tensor:
        """The mean of several draws of each row, the mode for categories. Shape: (M, N, D) -> (N, D)."""
        raw = x.cpu().double().numpy() * self.scale + self.loc
        centers = [column.center(raw[:, :, j]) for j, column in enumerate(self.columns)]
        return torch.from_numpy((np.column_stack(centers) - self.loc) / self.scale)

    def log_jacobian(self, x: Tensor) -> Tensor:
        """What to add to an encoded log-probability to have it in the units of the data. Shape: (N, D) -> (N,)."""
        is_density = np.array([family.is_density for family in self.families])
        log_scale = torch.from_numpy(np.where(is_density, np.log(np.abs(self.scale)), 0.0)).to(x)
        inside = np.zeros(len(x))
        for j, column in enumerate(self.columns):
            if len(column.edges):  # a number has no inside
                inside += column.log_density(x[:, j].cpu().double().numpy())
        units = (~x.isnan()).to(x.dtype) @ log_scale if log_scale.any() else 0.0
        return torch.from_numpy(inside).to(x) - units

    def n_impossible(self, X: Any) -> Floats:
        """Cells of each row that have no probability: unseen categories, values in no bin. Shape: (N, D) -> (N,)."""
        total = np.zeros(len(X))
        for j, column in enumerate(self.data_columns):
            values = column_of(X, j)
            total += ~(column.is_possible(values) | values.isna().to_numpy(dtype=bool))
        return total

    def joint(self) -> Joint:
        """The likelihood of a row: one block for each distinct family."""
        edges = [_unit_range(np.column_stack([column.edges, column.centers])) for column in self.columns]
        ends = np.sort([(self.lower - self.loc) / self.scale, (self.upper - self.loc) / self.scale], axis=0)
        blocks = []
        for family in dict.fromkeys(self.families):
            index = [j for j, other in enumerate(self.families) if other == family]
            facts = Columns(
                scale=torch.from_numpy(self.scale[index]),
                n_levels=torch.tensor([len(edges[j]) for j in index]),
                lower=torch.from_numpy(ends[0][index]),
                upper=torch.from_numpy(ends[1][index]),
                edges=torch.from_numpy(np.concatenate([edges[j][:, :2] for j in index])),
                centers=torch.from_numpy(np.concatenate([edges[j][:, 2] for j in index])),
            )
            blocks.append(Block(family, index, facts))
        return Joint(blocks, {len(self.indicated) + j: i for i, j in enumerate(self.indicated)})


def _fit_column(values: pd.Series, family: Likelihood) -> Column:
    """The codec of a column, by its family and its dtype."""
    if isinstance(family, Categorical | Ordinal):
        return CategoryColumn.fit(values, family.max_categories if isinstance(family, Categorical) else len(values))
    number = TimeColumn.fit(values) if is_time(values.dtype) else NumberColumn(values.name, values.dtype)
    if isinstance(family, Histogram) and values.notna().any():
        return HistogramColumn.fit(number, values, family.n_bins)
    return number


def slices(X: Any) -> Iterator[tuple[int, Any]]:
    """Rows of an array or a DataFrame, some million cells at a time, and the position of the first."""
    size = max(1, CELLS // max(1, X.shape[1]))
    for first in range(0, len(X), size):
        yield first, X.iloc[first : first + size] if isinstance(X, pd.DataFrame) else X[first : first + size]


def names_and_dtypes(X: Any) -> tuple[list[Any], list[Any]]:
    """Of the columns of an array or a DataFrame; the names of an array's columns are their positions."""
    if isinstance(X, pd.DataFrame):
        return list(X.columns), list(X.dtypes)
    return list(range(X.shape[1])), [X.dtype] * X.shape[1]


def check_observed(is_empty: Any, names: list[Any], n_rows: int) -> None:
    """Refuse columns without a cell."""
    if is_empty.any():
        raise ValueError(
            f"Every column needs an observed cell, but all {n_rows} cells of column "
            f"{names[int(np.flatnonzero(is_empty)[0])]!r} are missing. Drop the column."
        )


def _unit_range(edges: Floats) -> Floats:
    """Edges and centers of levels, from 0 to 1."""
    size = float(np.ptp(edges)) if len(edges) else 0.0
    return (edges - edges.min()) / size if size > 0 else np.zeros_like(edges)


def _possible(column: Column, family: Likelihood, lower: float, upper: float) -> str:
    """The values that have a probability in a column, in words."""
    if isinstance(column, CategoryColumn | HistogramColumn):
        return column.possible
    if isinstance(column, TimeColumn):
        first, last = column.decode(np.array([lower, upper]))
        return f"a value from {first} to {last}"
    if pd.api.types.is_bool_dtype(column.dtype):
        return "True or False"
    if family.is_whole:
        return f"a whole number from {lower:.15g} to {upper:.15g}"
    return f"one of the {family.support}"


def _as_kind(values: pd.Series, column: Column, possible: str) -> pd.Series:
    """Values as their column can read them: moments, numbers, or categories as they are."""
    if pd.api.types.is_bool_dtype(column.dtype):
        return values.mask(values.isin([0, 1]), values == 1)
    if isinstance(column, CategoryColumn):
        return values
    dtype: Any = "Float64"
    if is_time(column.dtype):
        dtype = column.dtype
        check_zone(values, column.name, dtype)
    try:
        return values.astype(dtype)
    except (TypeError, ValueError) as error:
        value = values.tolist()[0]
        for value in values.dropna().tolist():
            try:
                pd.Series([value]).astype(dtype)
            except (TypeError, ValueError):
                break
        raise ValueError(
            f"Column {column.name!r} holds {column.dtype}, but the condition is {value!r} ({error}). Pass {possible}."
        ) from error


def column_of(X: Any, j: int) -> pd.Series:
    """Column j of an array or a DataFrame."""
    return X.iloc[:, j] if isinstance(X, pd.DataFrame) else pd.Series(X[:, j], name=j)


def _read(X: Any, columns: list[Column]) -> Floats:
    """Cells as floats, categories as codes. Shape: (N, D)."""
    if isinstance(X, pd.DataFrame):
        raw = np.column_stack([column.encode(column_of(X, j)) for j, column in enumerate(columns)])
    else:
        raw = X.astype(np.float64)
        for j, column in enumerate(columns):
            if not isinstance(column, NumberColumn):
                raw[:, j] = column.encode(column_of(X, j))
    for j in np.flatnonzero(np.isinf(raw).any(axis=0)).tolist():
        check_finite(raw[:, j], columns[j].name)
    return raw


def _precision(X: Any) -> Any:
    """float32 where all numbers are, float64 otherwise."""
    dtypes = set(X.dtypes) if isinstance(X, pd.DataFrame) else {X.dtype}
    return np.float32 if dtypes == {np.dtype(np.float32)} else np.float64


def check_support(raw: Floats, columns: list[Column], families: list[Likelihood]) -> None:
    """Refuse cells outside the support of their family."""
    for family in dict.fromkeys(families):
        index = [j for j, other in enumerate(families) if other == family]
        cells = raw if len(index) == raw.shape[1] else raw[:, index]
        bad = ~family.is_valid(torch.from_numpy(cells)).numpy()
        if bad.any() and (bad := bad & ~np.isnan(cells)).any():
            row, j = np.argwhere(bad)[0]
            name = columns[index[j]].name
            raise ValueError(
                f"Column {name!r} uses the {family.name!r} likelihood, which needs {family.support}, "
                f"but row {row} holds {cells[row, j]:g}. Use likelihood={{{name!r}: 'gaussian'}} or fix the column."
            )


def _beside(left: Floats, right: Floats) -> Floats:
    """Columns side by side."""
    return np.concatenate([left, right], axis=1) if left.shape[1] else right


def _standardization(raw: Floats, families: list[Likelihood], columns: list[Column]) -> tuple[Floats, Floats]:
    """Location and signed scale of each column, by the wish of its family."""
    if all(family.scaling == "none" for family in families):
        return np.zeros(len(families)), np.ones(len(families))
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = np.nanmean(raw, axis=0), np.nanstd(raw, axis=0)
    scale = scales(mean, std, families, columns)
    with np.errstate(over="ignore", invalid="ignore"):
        standard = (raw - mean) / scale
        tail = np.nanmean(standard * standard * standard, axis=0)
    return signed(mean, scale, tail, families)


def scales(mean: Floats, std: Floats, families: list[Likelihood], columns: list[Column]) -> Floats:
    """Size of the encoded unit of each column, by the wish of its family."""
    scaling = np.array([family.scaling for family in families])
    overflow = (scaling != "none") & ~(np.isfinite(mean) & np.isfinite(std))
    if overflow.any():
        name = columns[int(np.flatnonzero(overflow)[0])].name
        raise ValueError(
            f"The variance of each column must fit into a float64, but that of column {name!r} overflows. "
            f"Divide the column by a large constant."
        )
    std = np.where(std > CONSTANT * np.abs(mean), std, 0.0)
    scale = np.where(std > 0, std, 1.0)
    for family in dict.fromkeys(families):
        if family.scaling == "shared":
            block = [j for j, other in enumerate(families) if other == family]
            scale[block] = std[block].max() or 1.0
    return scale


def signed(mean: Floats, scale: Floats, tail: Floats, families: list[Likelihood]) -> tuple[Floats, Floats]:
    """Location and scale: the longer tail points up, so that -X is the same data as X: a sign is no information."""
    is_raw = np.array([family.scaling == "none" for family in families])
    return np.where(is_raw, 0.0, mean), np.where(is_raw, 1.0, np.where(tail < 0, -scale, scale))
