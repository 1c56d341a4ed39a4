"""One column as a table encodes it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from skvae.likelihoods import Categorical, Likelihood
from skvae.tables.bins import Floats
from skvae.tables.columns import Column, GapColumn, Support
from skvae.tables.columns.cells import in_words, is_missing


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
