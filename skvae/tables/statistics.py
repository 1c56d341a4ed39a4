"""What is learned of columns: families, levels, ranges, gaps and scales."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import torch

from skvae.likelihoods import Likelihood
from skvae.tables.bins import Floats
from skvae.tables.columns import reader_of
from skvae.tables.counts import Moments
from skvae.tables.encoded import EncodedColumn
from skvae.tables.rows import Rows, cells_of, is_frame, names_and_dtypes
from skvae.tables.schema import Choice, choose_families

CONSTANT = 1e-13  # a column whose standard deviation is this part of its mean or less is constant but for rounding


class Statistics:
    """What is known so far of the columns of some rows.

    Parameters
    ----------
    like : ndarray or DataFrame
        Rows with the names and dtypes of all.
    likelihood : str, Likelihood or dict
        See ``choose_families``.
    add_indicator : bool
        Whether gaps are encoded as columns of their own.
    histograms : bool
        See ``choose_families``.

    Attributes
    ----------
    names : list of D hashables
        Labels of the columns.
    families : list of D Likelihoods
        Family of each column.
    moments : Moments
        Of the floats that the surveys of the columns give, in units of their own.
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
    ) -> None:
        self.names, dtypes = names_and_dtypes(like)
        self.families = choose_families(self.names, dtypes, likelihood, is_frame=is_frame(like), histograms=histograms)
        self.add_indicator = add_indicator
        self.surveys = [
            reader_of(dtype, family).survey(name, dtype, family)
            for name, dtype, family in zip(self.names, dtypes, self.families, strict=True)
        ]
        self.moments = Moments(len(self.names), self._sizes)
        self.n_rows = 0

    def read(self, X: Rows) -> Floats:
        """Take note of rows, and give them as floats. Shape: (N, D).

        Raises
        ------
        ValueError, TypeError
            Where a cell is infinite or cannot be read.
        """
        add = [survey.add for survey in self.surveys]
        cells = cells_of(X, add, [survey.is_identity for survey in self.surveys])
        self.moments.add(cells)
        self.n_rows += len(cells)
        return cells

    def _sizes(self, mean: Floats, std: Floats) -> Floats:
        return sizes(mean, std, self.families)

    def check_support(self, cells: Floats) -> None:
        """Refuse floats of rows that were just read where they lie outside the support of their family."""
        settled = [j for j, survey in enumerate(self.surveys) if survey.is_settled]
        names, families = [self.names[j] for j in settled], [self.families[j] for j in settled]
        check_support(cells if len(settled) == cells.shape[1] else cells[:, settled], names, families)

    def check_observed(self) -> None:
        """Refuse columns without a cell."""
        is_empty = self.moments.n == 0
        if is_empty.any():
            raise ValueError(
                f"Every column needs an observed cell, but all {self.n_rows} cells of column "
                f"{self.names[int(np.flatnonzero(is_empty)[0])]!r} are missing. Drop the column."
            )

    @property
    def gaps(self) -> list[bool]:
        """Whether a cell of each column is missing."""
        has_gaps: list[bool] = (self.moments.n < self.n_rows).tolist()
        return has_gaps

    def columns(self) -> list[EncodedColumn]:
        """The columns of the data, as far as they are known."""
        learned = [survey.learned() for survey in self.surveys]
        origin, unit = np.array([[of.origin, of.unit] for of in learned]).T
        mean, std = (self.moments.mean - origin) / unit, self.moments.std / unit
        lower, upper = (self.moments.lower - origin) / unit, (self.moments.upper - origin) / unit
        for j, of in enumerate(learned):
            lower[j], upper[j] = of.ends or (lower[j], upper[j])
        scale = scales(mean, std, self.names, self.families)
        loc, scale = signed(mean, scale, self.moments.tail, self.families)
        gaps = self.gaps
        return [
            EncodedColumn(
                learned[j].codec,
                self.families[j],
                float(loc[j]),
                float(scale[j]),
                float(lower[j]),
                float(upper[j]),
                has_gaps=gaps[j],
                is_indicated=self.add_indicator and gaps[j],
            )
            for j in range(len(learned))
        ]


def check_support(cells: Floats, names: Sequence[Hashable], families: Sequence[Likelihood]) -> None:
    """Refuse cells outside the support of their family."""
    for family in dict.fromkeys(families):
        index = [j for j, other in enumerate(families) if other == family]
        of_family = cells if len(index) == cells.shape[1] else cells[:, index]
        is_bad = ~family.is_valid(torch.from_numpy(of_family)).numpy()
        if not is_bad.any():
            continue
        is_bad &= ~np.isnan(of_family)
        if is_bad.any():
            row, j = np.argwhere(is_bad)[0]
            name = names[index[j]]
            raise ValueError(
                f"Column {name!r} uses the {family.name!r} likelihood, which needs {family.support}, "
                f"but row {row} holds {of_family[row, j]:g}. Use likelihood={{{name!r}: 'gaussian'}} or fix the column."
            )


def sizes(mean: Floats, std: Floats, families: Sequence[Likelihood]) -> Floats:
    """Size of the deviations of each column, by the wish of its family; 0 for what is constant. Shape: (D,)."""
    size = np.where(std > CONSTANT * np.abs(mean), std, 0.0)
    for family in dict.fromkeys(families):
        if family.scaling == "shared":
            block = [j for j, other in enumerate(families) if other == family]
            size[block] = size[block].max()
    return size


def scales(mean: Floats, std: Floats, names: Sequence[Hashable], families: Sequence[Likelihood]) -> Floats:
    """Size of the encoded unit of each column. Shape: (D,)."""
    is_raw = np.array([family.scaling == "none" for family in families])
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
    is_raw = np.array([family.scaling == "none" for family in families])
    return np.where(is_raw, 0.0, mean), np.where(~is_raw & (tail < 0), -scale, scale)
