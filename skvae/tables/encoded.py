"""One column as a table encodes it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from skvae.likelihoods import Categorical, Likelihood
from skvae.tables.bins import Floats
from skvae.tables.columns import Column, GapColumn, Support


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
        support = Support(self.family, self.lower, self.upper)
        possible = self.codec.possible_values(support)
        values = self.codec.as_kind(given, possible)
        is_known = values.notna().to_numpy(dtype=bool)
        is_impossible = is_known & ~self.codec.accepts(values, support)
        if is_impossible.any():
            value = given[is_impossible].tolist()[0]
            raise ValueError(
                f"A condition needs a positive probability, but {value!r} has none in column {self.name!r}, "
                f"which held nothing like it at fit. Pass {possible}."
            )
        return np.where(is_known, self.codec.encode(values), np.nan)
