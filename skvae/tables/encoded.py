"""One column as a table encodes it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from skvae.likelihoods import Categorical, Columns, Likelihood
from skvae.tables.bins import Floats
from skvae.tables.columns import Column, GapColumn, Support
from skvae.tables.columns.cells import in_words, is_missing

REACH = {torch.float32: 1e12, torch.float64: 1e140}  # units; squares beside a noise of 1e-5 units do not overflow


@dataclass(frozen=True)
class EncodedColumn:
    """A column: floats of its codec, (float − loc) / scale, and how these are distributed.

    Attributes
    ----------
    codec : Column
        Makes floats of values.
    family : Likelihood
        Family of the floats.
    loc, scale : float
        Zero and size of the encoded unit; a scale may be negative.
    lower, upper : float
        Observed range of the floats.
    has_gaps : bool
        Whether cells were missing.
    is_indicated : bool
        Whether another encoded column says where its gaps are.
    """

    codec: Column
    family: Likelihood
    loc: float = 0.0
    scale: float = 1.0
    lower: float = 0.0
    upper: float = 1.0
    has_gaps: bool = False
    is_indicated: bool = False

    @property
    def name(self) -> Hashable:
        """Label of the column."""
        return self.codec.name

    @property
    def indicator(self) -> EncodedColumn:
        """The column that says where the gaps of this one are."""
        return EncodedColumn(GapColumn(self.name, np.dtype(bool)), Categorical())

    def reach(self, dtype: torch.dtype) -> float:
        """How many units out a cell may lie in a precision; without a scale, as far as there are numbers."""
        return float(torch.finfo(dtype).max) if self.family.scaling == "none" else REACH[dtype]

    def refuse_far(self, cell: float, row: int, dtype: torch.dtype) -> None:
        """Raise a sentence about an encoded cell that lies farther out."""
        raise ValueError(
            f"The squares of numbers must fit into a {str(dtype).removeprefix('torch.')}, but column {self.name!r} "
            f"holds {cell * self.scale + self.loc:.6g} in row {row}, farther than "
            f"{self.reach(dtype) * abs(self.scale):.3g} from what it held at fit. Replace it by a gap, or divide the "
            f"column by a large constant and fit again."
        )

    @property
    def unit_levels(self) -> Floats:
        """Edges and center of each level, in units of the range of all. Shape: (n_levels, 3)."""
        levels = np.column_stack([self.codec.edges, self.codec.centers])
        if not len(levels) or np.ptp(levels) == 0:
            return np.zeros_like(levels)
        return np.asarray((levels - levels.min()) / np.ptp(levels))

    def encode_condition(self, given: pd.Series) -> Floats:
        """Floats of values that are known, before the scaling; NaN for a gap, which is to be drawn. Shape: (N,).

        Raises
        ------
        ValueError
            Where the probability of a value is zero.
        """
        is_known = ~is_missing(given)
        cells = np.full(len(given), np.nan)
        if is_known.any():
            cells[is_known] = self.codec.encode(self._read(given[is_known]))
        return cells

    def read_condition(self, given: pd.Series) -> pd.Series:
        """Values that are known as the cells of the column that they stand for, without gaps.

        Raises
        ------
        ValueError
            Where the probability of a value is zero.
        """
        known = given[~is_missing(given)]
        return known if known.empty else self.codec.as_cells(self._read(known))

    def _read(self, given: pd.Series) -> pd.Series:
        """Known values of any dtype as the codec reads them. Shape: (N,).

        Raises
        ------
        ValueError
            Where the probability of a value is zero.
        """
        support = Support(self.family, self.lower, self.upper)
        possible = self.codec.possible_values(support)
        values = self.codec.as_kind(given, possible)
        is_impossible = ~(self.codec.accepts(values, support) | self.codec.may_hide(values))
        if is_impossible.any():
            value, reason = in_words(given[is_impossible]), self.codec.reason(values[is_impossible])
            raise ValueError(
                f"A condition needs a positive probability, but {value} has none in column {self.name!r}, "
                f"{reason}. Pass {possible}."
            )
        return values


def facts_of(columns: Sequence[EncodedColumn]) -> Columns:
    """What the family of some columns is told of them."""
    loc, scale, lower, upper = np.array([[each.loc, each.scale, each.lower, each.upper] for each in columns]).T
    ends = np.sort([(lower - loc) / scale, (upper - loc) / scale], axis=0)
    by_column = [column.unit_levels for column in columns]
    levels = torch.from_numpy(np.concatenate(by_column))
    return Columns(
        scale=torch.tensor(scale),
        n_levels=torch.tensor(list(map(len, by_column))),
        lower=torch.from_numpy(ends[0]),
        upper=torch.from_numpy(ends[1]),
        edges=levels[:, :2].contiguous(),
        centers=levels[:, 2].contiguous(),
        shares=torch.from_numpy(np.concatenate([column.codec.frequencies for column in columns])),
    )
