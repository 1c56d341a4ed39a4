"""Where another column has a gap."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from skvae.tables.bins import Floats
from skvae.tables.columns.base import Column, Support
from skvae.tables.columns.cells import is_missing
from skvae.tables.columns.dtypes import Values


@dataclass(frozen=True)
class GapColumn(Column):
    """Whether another column has a gap: 1 for a gap, 0 for a value."""

    is_indicator: ClassVar[bool] = True

    @property
    def edges(self) -> Floats:  # noqa: D102
        return np.array([[0.0, 0.0], [1.0, 1.0]])

    def encode(self, values: pd.Series) -> Floats:  # noqa: D102
        return np.asarray(is_missing(values), dtype=float)

    def decode(self, cells: Floats) -> Values:
        """True for a gap."""
        return np.asarray(cells >= 1)

    def possible_values(self, support: Support) -> str:  # noqa: D102
        return "True or False"
