"""A container of rows ↔ one tensor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from skvae.likelihoods import Block, Categorical, Columns, Joint, Likelihood
from skvae.tables.columns import CategoryColumn, Column, Floats, NumberColumn, cast
from skvae.tables.schema import Choice, choose_families

CONSTANT = 1e-13  # a column whose standard deviation is this part of its mean or less is constant but for rounding


@dataclass(frozen=True)
class Table:
    """What fit learns of the columns: enough to encode rows as a tensor and to bring them back as they came.

    A number is encoded as (value − loc) / scale, a category as its code, a gap as NaN.

    Attributes
    ----------
    columns : list of NumberColumn or CategoryColumn
        Codecs, in the order of the data.
    families : list of Likelihood
        The family of each column.
    loc, scale : ndarray of shape (D,)
        Of the encoding; a scale may be negative.
    lower, upper : ndarray of shape (D,)
        Observed range, in the units of the data.
    gaps : ndarray of shape (D,)
        Whether the column had missing cells.
    labels : pandas.Index or None
        Column labels of a DataFrame; None for an array.
    dtype : numpy dtype or None
        Of an array; None for a DataFrame.
    """

    columns: list[Column]
    families: list[Likelihood]
    loc: Floats
    scale: Floats
    lower: Floats
    upper: Floats
    gaps: Any
    labels: pd.Index | None
    dtype: Any

    @classmethod
    def fit(cls, X: Any, likelihood: Choice | Mapping[Any, Choice]) -> Table:
        """Choose families, learn levels, ranges and scales.

        Parameters
        ----------
        X : ndarray or DataFrame of shape (N, D)
            Rows.
        likelihood : str, Likelihood or dict
            See ``choose_families``.

        Raises
        ------
        ValueError
            Where a column is empty, infinite, or outside the support of its family.
        """
        is_frame = isinstance(X, pd.DataFrame)
        names = list(X.columns) if is_frame else list(range(X.shape[1]))
        dtypes = list(X.dtypes) if is_frame else [X.dtype] * X.shape[1]
        families = choose_families(names, dtypes, likelihood, is_frame=is_frame)
        columns: list[Column] = [
            CategoryColumn.fit(_column(X, j)) if isinstance(family, Categorical) else NumberColumn(name, dtype)
            for j, (name, dtype, family) in enumerate(zip(names, dtypes, families, strict=True))
        ]
        raw = _read(X, columns)
        gaps = np.isnan(raw)
        if gaps.all(axis=0).any():
            name = names[int(np.flatnonzero(gaps.all(axis=0))[0])]
            raise ValueError(
                f"Every column needs an observed cell, but all {len(raw)} cells of column {name!r} are missing. "
                f"Drop the column."
            )
        _check_support(raw, columns, families)
        loc, scale = _standardization(raw, families, names)
        return cls(
            columns,
            families,
            loc,
            scale,
            np.nanmin(raw, axis=0),
            np.nanmax(raw, axis=0),
            gaps.any(axis=0),
            X.columns if is_frame else None,
            None if is_frame else X.dtype,
        )

    @property
    def is_frame(self) -> bool:
        """Whether rows come and go as a DataFrame."""
        return self.labels is not None

    def encode(self, X: Any) -> Tensor:
        """Rows as a tensor, in their own precision. Shape: (N, D)."""
        raw = _read(X, self.columns)
        _check_support(raw, self.columns, self.families)
        return torch.from_numpy(((raw - self.loc) / self.scale).astype(_precision(X), copy=False))

    def decode(self, x: Tensor, index: pd.Index | None = None) -> Any:
        """Rows in the container and dtypes that fit saw. Shape: (N, D)."""
        raw = x.cpu().double().numpy() * self.scale + self.loc
        whole = np.array([family.is_whole for family in self.families])
        raw[:, whole] = np.clip(np.rint(raw[:, whole]), self.lower[whole], self.upper[whole])
        if self.labels is not None:
            cells = {
                j: pd.Series(column.decode(raw[:, j]), index=index, dtype=column.dtype)
                for j, column in enumerate(self.columns)
            }
            return pd.DataFrame(cells).set_axis(self.labels, axis=1)
        values = cast(raw, self.dtype)
        for j, column in enumerate(self.columns):
            if isinstance(column, CategoryColumn):
                values[:, j] = column.decode(raw[:, j])
        return values

    def log_jacobian(self, x: Tensor) -> Tensor:
        """What to add to an encoded log-density: −Σ log|scale| over observed cells. Shape: (N, D) -> (N,)."""
        is_density = np.array([family.is_density for family in self.families])
        log_scale = torch.from_numpy(np.where(is_density, np.log(np.abs(self.scale)), 0.0)).to(x)
        return -((~x.isnan()).to(x.dtype) @ log_scale)

    def joint(self) -> Joint:
        """The likelihood of a row: one block for each distinct family."""
        n_levels = [len(c.levels) if isinstance(c, CategoryColumn) else 0 for c in self.columns]
        ends = np.sort([(self.lower - self.loc) / self.scale, (self.upper - self.loc) / self.scale], axis=0)
        blocks = []
        for family in dict.fromkeys(self.families):
            index = [j for j, other in enumerate(self.families) if other == family]
            facts = Columns(
                scale=torch.from_numpy(self.scale[index]),
                n_levels=torch.tensor([n_levels[j] for j in index]),
                lower=torch.from_numpy(ends[0][index]),
                upper=torch.from_numpy(ends[1][index]),
            )
            blocks.append(Block(family, index, facts))
        return Joint(blocks)


def _column(X: Any, j: int) -> pd.Series:
    """Column j of an array or a DataFrame."""
    return X.iloc[:, j] if isinstance(X, pd.DataFrame) else pd.Series(X[:, j], name=j)


def _read(X: Any, columns: list[Column]) -> Floats:
    """Cells as floats, categories as codes. Shape: (N, D)."""
    if isinstance(X, pd.DataFrame):
        raw = np.column_stack([column.encode(_column(X, j)) for j, column in enumerate(columns)])
    else:
        raw = X.astype(np.float64)
        for j, column in enumerate(columns):
            if isinstance(column, CategoryColumn):
                raw[:, j] = column.encode(_column(X, j))
    if np.isinf(raw).any():
        row, j = np.argwhere(np.isinf(raw))[0]
        raise ValueError(
            f"Cells must be finite or missing, but column {columns[j].name!r} holds {raw[row, j]} in row {row}. "
            f"Replace infinities by NaN."
        )
    return raw


def _precision(X: Any) -> Any:
    """float32 where all numbers are, float64 otherwise."""
    dtypes = set(X.dtypes) if isinstance(X, pd.DataFrame) else {X.dtype}
    return np.float32 if dtypes == {np.dtype(np.float32)} else np.float64


def _check_support(raw: Floats, columns: list[Column], families: list[Likelihood]) -> None:
    """Refuse cells outside the support of their family."""
    for family in dict.fromkeys(families):
        index = [j for j, other in enumerate(families) if other == family]
        cells = raw[:, index]
        bad = ~family.is_valid(torch.from_numpy(cells)).numpy() & ~np.isnan(cells)
        if bad.any():
            row, j = np.argwhere(bad)[0]
            name = columns[index[j]].name
            raise ValueError(
                f"Column {name!r} uses the {family.name!r} likelihood, which needs {family.support}, "
                f"but row {row} holds {cells[row, j]:g}. Use likelihood={{{name!r}: 'gaussian'}} or fix the column."
            )


def _standardization(raw: Floats, families: list[Likelihood], names: list[Any]) -> tuple[Floats, Floats]:
    """Location and signed scale of each column, by the wish of its family."""
    scaling = np.array([family.scaling for family in families])
    with np.errstate(over="ignore", invalid="ignore"):
        mean, std = np.nanmean(raw, axis=0), np.nanstd(raw, axis=0)
    overflow = (scaling != "none") & ~(np.isfinite(mean) & np.isfinite(std))
    if overflow.any():
        name = names[int(np.flatnonzero(overflow)[0])]
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
    # The longer tail points up, so that -X is the same data as X: a column's sign is no information.
    with np.errstate(over="ignore", invalid="ignore"):
        tail = np.nanmean(((raw - mean) / scale) ** 3, axis=0)
    scale = np.where(tail < 0, -scale, scale)
    return np.where(scaling == "none", 0.0, mean), np.where(scaling == "none", 1.0, scale)
