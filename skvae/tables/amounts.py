"""Encoded rows as amounts: numbers in the units of their columns, and shares of categories."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from skvae.tables.bins import Floats
from skvae.tables.table import Table


@dataclass(frozen=True)
class Amounts:
    """What can be averaged and compared of a row: W numbers, one for a number and one for each level of a category.

    Attributes
    ----------
    table : Table
        The columns; those of the data alone count.
    """

    table: Table

    @cached_property
    def _is_category(self) -> list[bool]:
        return [family.cells == "categories" for family in self.table.data_families]

    @cached_property
    def widths(self) -> list[int]:
        """How many amounts each column has."""
        levels = [len(column.edges) for column in self.table.data_columns]
        return [n if is_category else 1 for n, is_category in zip(levels, self._is_category, strict=True)]

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """Where the amounts of each column begin. Shape: (D,)."""
        return np.cumsum([0, *self.widths[:-1]])

    def of(self, x: Tensor) -> Floats:
        """Amounts of encoded rows: a category is 1 at its level. NaN stays NaN. Shape: (N, D) -> (N, W)."""
        table, n_indicators = self.table, len(self.table.indicated)
        raw = (
            x[:, n_indicators:].detach().cpu().double().numpy() * table.scale[n_indicators:] + table.loc[n_indicators:]
        )
        amounts = np.zeros((len(raw), sum(self.widths)))
        for j, codec in enumerate(table.data_columns):
            place = slice(self.first[j], self.first[j] + self.widths[j])
            cells = raw[:, j : j + 1]
            if self._is_category[j]:
                is_gap, levels = np.isnan(cells), np.arange(self.widths[j])
                amounts[:, place] = np.where(is_gap, np.nan, np.floor(cells) == levels)
            else:
                amounts[:, place] = codec.amounts(cells)
        return amounts

    def put_probabilities(self, amounts: Floats, columns: list[int], probabilities: Tensor) -> None:
        """Probabilities of all levels of some encoded columns in the place of shares. Shape: (N, W), (N, T)."""
        first = 0
        for column in columns:
            j = column - len(self.table.indicated)
            part = slice(first, first + self.widths[j])
            first = part.stop
            amounts[:, self.first[j] : self.first[j] + self.widths[j]] = probabilities[:, part].cpu().double().numpy()

    def largest(self, values: Floats) -> Floats:
        """The value of largest size in each column, with its sign; of two levels the second. Shape: (W,) -> (D,)."""
        parts = np.split(values, self.first[1:])
        return np.array([part[1] if len(part) == 2 else part[np.abs(part).argmax()] for part in parts])

    def most_moved(self, values: Floats, j: int) -> Floats:
        """Of column j, the amount that changes most from row to row; of two levels the second. (N, W) -> (N,)."""
        part = values[:, self.first[j] : self.first[j] + self.widths[j]]
        return part[:, 1] if part.shape[1] == 2 else part[:, np.ptp(part, axis=0).argmax()]

    def total(self, values: Floats) -> Floats:
        """The sum over each column. Shape: (W,) -> (D,)."""
        return np.asarray(np.add.reduceat(values, self.first))


def center_and_reach(amounts: Floats) -> tuple[Floats, Floats]:
    """Middle of each amount's range and how far that reaches; 1 where it does not. Shape: (N, W) -> (W,), (W,)."""
    known = np.where(np.isnan(amounts).all(axis=0), 0.0, amounts)
    low, high = np.nanmin(known, axis=0), np.nanmax(known, axis=0)
    reach = high / 2 - low / 2  # which does not overflow
    return low / 2 + high / 2, np.where(reach > 0, reach, 1.0)


def variance_of(amounts: Floats, weights: Floats) -> Floats:
    """Weighted variance of each amount over the rows that have it. Shape: (N, W), (N,) -> (W,)."""
    shares = np.where(np.isnan(amounts), 0.0, weights[:, None])
    shares = shares / np.maximum(shares.sum(axis=0), np.finfo(float).tiny)
    known = np.nan_to_num(amounts, nan=0.0)
    deviation = known - (shares * known).sum(axis=0)
    return np.asarray((shares * deviation**2).sum(axis=0))
