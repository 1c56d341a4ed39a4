"""Categories, which are positions among the levels that were seen."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from skvae.likelihoods import Categorical, Likelihood, Ordinal
from skvae.likelihoods.categorical import POSITION_MAX
from skvae.messages import warn_user
from skvae.tables.bins import Floats, Integers
from skvae.tables.columns.base import Column, ColumnSurvey, Learned, Mask, Support, as_flags
from skvae.tables.columns.cells import identity, in_words, is_missing
from skvae.tables.columns.dtypes import (
    Dtype,
    Values,
    is_arrow_dictionary,
    is_bool,
    is_category,
    is_number_or_bool,
    pandas_array,
    united,
)
from skvae.tables.counts import Categories

IDENTIFIER = 0.9  # distinct categories a row, from which on a column looks like the name of its row
IDENTIFIER_ROWS = 100  # below, a table may well hold every category once
MANY_RARE = 0.2  # share of the cells, from which on protected categories are missed
RARE = "(rare)"
UNLIMITED = 2**31  # levels of their own


@dataclass(frozen=True)
class CategoryColumn(Column):
    """A category is its position among the levels seen at fit; the rarest share the last, or are next to another one.

    Attributes
    ----------
    levels : pandas.Index
        Distinct values: those with a level of their own, in sorted order where they have one, and then those that
        share the last level, the most frequent first; last the protected ones, which too few rows hold.
    shares : ndarray
        Cumulative share of each value of the shared level among the rows there; empty where no level is shared.
    n_protected : int
        How many values are protected: they are read as others are, and never drawn.
    drawn : ndarray
        Cumulative share of each other value among the rows of these, of which one is drawn instead of a protected one;
        empty where there is none of these.
    neighbors : ndarray of int
        Level that each protected value of an ordered column counts as: these share none.
    """

    levels: pd.Index
    shares: Floats
    n_protected: int = 0
    drawn: Floats = field(default_factory=lambda: np.empty(0))
    neighbors: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    has_density: ClassVar[bool] = True
    warns_of_unseen: ClassVar[bool] = True

    @classmethod
    def owns(cls, dtype: Dtype) -> bool:  # noqa: D102
        return is_category(dtype)

    @classmethod
    def auto_family(cls, dtype: Dtype, *, histograms: bool) -> Likelihood:
        """Ordinal where the categories have an order."""
        return Ordinal() if isinstance(dtype, pd.CategoricalDtype) and dtype.ordered else Categorical()

    @classmethod
    def covers(cls, family: Likelihood, dtype: Dtype) -> bool:
        """Families of categories do; of booleans, those of bits, too."""
        return family.cells == "categories" or (family.cells == "bits" and is_bool(dtype))

    @classmethod
    def reads(cls, dtype: Dtype, family: Likelihood) -> bool:  # noqa: D102
        return family.cells == "categories"

    @classmethod
    def survey(cls, name: Hashable, dtype: Dtype, family: Likelihood) -> CategorySurvey:  # noqa: D102
        most = getattr(family, "max_categories", UNLIMITED)
        return CategorySurvey(name, dtype, most, is_ordered=family.levels == "ordered")

    @classmethod
    def of_counts(
        cls,
        distinct: pd.Series,
        counts: list[int],
        max_categories: int,
        *,
        least_rows: int = 1,
        is_ordered: bool = False,
    ) -> CategoryColumn:
        """Learn the levels from the distinct values and how often each occurs; those of fewer rows are protected."""
        levels = pd.Index(distinct)
        if isinstance(distinct.dtype, pd.CategoricalDtype):
            levels = pd.Index(distinct.cat.remove_unused_categories().cat.categories)
        else:
            with suppress(TypeError):  # values of several types have no order but that of appearance
                levels = levels.sort_values()
        times = np.bincount(positions(levels, pd.Index(distinct)), counts, minlength=len(levels))
        name, dtype, is_protected = distinct.name, distinct.dtype, times < least_rows
        n_frequent = int((~is_protected).sum())
        if len(levels) <= max_categories and n_frequent == len(levels):
            return cls(name, dtype, levels, np.empty(0))
        ranked = np.argsort(-times, kind="stable")
        if is_ordered:
            alone, rare = np.flatnonzero(~is_protected), np.flatnonzero(is_protected)
            neighbors = np.abs(rare[:, None] - alone).argmin(axis=1)
            ordered = levels.take(np.concatenate([alone, rare]))
            return cls(name, dtype, ordered, np.empty(0), len(rare), neighbors=neighbors)
        n_alone = n_frequent if n_frequent < max_categories else max_categories - 1
        alone, rare = np.sort(ranked[:n_alone]), ranked[n_alone:]
        shares, order = times[rare].cumsum() / times[rare].sum(), np.concatenate([alone, rare])
        drawn = times[order[:n_frequent]].cumsum() / times[order[:n_frequent]].sum()
        n_protected = len(levels) - n_frequent
        return cls(name, dtype, levels.take(order), shares, n_protected, drawn if n_protected else np.empty(0))

    def __post_init__(self) -> None:
        n_instead = self.n_drawn if self.n_protected and not len(self.neighbors) else 0
        is_whole = 0 <= self.n_protected < max(len(self.levels), 1) and len(self.drawn) == n_instead
        is_ordered = len(self.neighbors) in (0, self.n_protected) and self.n_alone >= 0
        if not (is_whole and is_ordered and ((self.neighbors >= 0) & (self.neighbors < self.n_alone)).all()):
            raise ValueError("protected categories count as others that there are")

    @property
    def n_alone(self) -> int:
        """Number of values with a level of their own."""
        return len(self.levels) - len(self.shares) - len(self.neighbors)

    @property
    def n_drawn(self) -> int:
        """Number of values that are not protected."""
        return len(self.levels) - self.n_protected

    @property
    def edges(self) -> Floats:  # noqa: D102
        codes = np.arange(self.n_alone + (len(self.shares) > 0), dtype=float)
        return np.column_stack([codes, codes])

    def encode(self, values: pd.Series) -> Floats:
        """Positions of the levels; a gap and a category never seen at fit are NaN, the latter with a warning."""
        is_gap, codes = is_missing(values), self._positions(values).astype(np.float64)
        codes[is_gap | (codes < 0)] = np.nan
        unseen = np.isnan(codes) & ~is_gap
        if unseen.any():
            warn_user(
                f"Column {self.name!r} holds {in_words(values[unseen])}, which was not seen at fit; "
                f"{int(unseen.sum())} such cell(s) count as missing.",
            )
        is_rare = codes >= self.n_alone  # a comparison with NaN is false
        if is_rare.any() and len(self.neighbors):
            codes[is_rare] = self.neighbors[codes[is_rare].astype(int) - self.n_alone]
        elif is_rare.any():
            center = self.shares - np.diff(self.shares, prepend=0.0) / 2
            position = center[codes[is_rare].astype(int) - self.n_alone]
            codes[is_rare] = self.n_alone + POSITION_MAX * position
        return codes

    def read(self, values: pd.Series) -> Floats:
        """The same as ``encode``: a category never seen is a gap, too."""
        return self.encode(values)

    def _positions(self, values: pd.Series) -> Integers:
        """Position of the level that each value stands for; −1 for none."""
        are_flags = is_bool(self.levels.dtype) or pd.api.types.infer_dtype(self.levels) == "boolean"
        values = as_flags(values) if are_flags else plain(values)
        return positions(self.levels, pd.Index(values))

    def decode(self, cells: Floats) -> Values:
        """The levels, in the column's dtype."""
        is_gap = np.isnan(cells)
        code = np.where(is_gap, 0, cells)
        position = code.astype(np.intp)
        if len(self.shares):
            position = np.where(position >= self.n_alone, self.n_alone + self._which_rare(code), position)
        if len(self.drawn):
            is_protected = position >= self.n_drawn
            position[is_protected] = self._instead(code[is_protected])
        values = self.levels.take(position)
        if is_gap.any():
            values = values.astype(object).where(~is_gap, _gap_of(self.dtype))
        if isinstance(self.dtype, np.dtype):
            return np.asarray(values.to_numpy(dtype=self.dtype))
        return pandas_array(values, self.dtype)

    def _which_rare(self, codes: Floats) -> Integers:
        """Which of the values of the shared level each position there stands for."""
        position = np.clip((codes - self.n_alone) / POSITION_MAX, 0, 1)
        return np.asarray(np.minimum(np.searchsorted(self.shares, position), len(self.shares) - 1))

    def _instead(self, codes: Floats) -> Integers:
        """Positions of values that are drawn instead of protected ones: by what is random in the code, or the mode."""
        which = self._which_rare(codes)
        begin, end = np.append(0.0, self.shares)[which], self.shares[which]
        rest = ((codes - self.n_alone) / POSITION_MAX - begin) / (end - begin)
        drawn = np.searchsorted(self.drawn, np.clip(rest, 0, 1), side="right")
        mode = int(np.diff(self.drawn, prepend=0.0).argmax())
        return np.where(codes == self.n_alone, mode, np.minimum(drawn, len(self.drawn) - 1))

    @property
    def level_labels(self) -> pd.Index:
        """The values, and "(rare)" for a level that is only shared by protected ones."""
        if self.n_alone < self.n_drawn or not len(self.shares):
            return self.levels[: len(self.edges)]
        return self.levels[: self.n_alone].astype(object).append(pd.Index([RARE], dtype=object))

    def center(self, cells: Floats) -> Floats:
        """The most frequent of several draws. Shape: (M, N) -> (N,)."""
        n_rows, n_levels = cells.shape[1], len(self.edges)
        places = np.floor(cells).astype(int) + n_levels * np.arange(n_rows)
        counts = np.bincount(places.ravel(), minlength=n_rows * n_levels).reshape(n_rows, n_levels)
        return np.asarray(counts.argmax(axis=1), dtype=float)

    def log_density(self, cells: Floats) -> Floats:
        """Log-share of a rare category in the level that it shares; 0 otherwise. Shape: (N,)."""
        result = np.zeros(len(cells))
        is_rare = cells >= self.n_alone
        if len(self.shares) and is_rare.any():
            share = np.diff(self.shares, prepend=0.0)
            result[is_rare] = np.log(share[self._which_rare(cells[is_rare])])
        return result

    def is_possible(self, values: pd.Series) -> Mask:
        """Whether each value was seen at fit. Shape: (N,)."""
        try:
            return self._positions(values) >= 0
        except TypeError:  # a list, say
            return np.zeros(len(values), dtype=bool)

    def possible_values(self, support: Support) -> str:
        """The first ten of the values that are drawn."""
        more = " …" if self.n_drawn > 10 else ""
        return f"one of {self.levels[: min(self.n_drawn, 10)].tolist()}{more}"

    def as_cells(self, values: pd.Series) -> pd.Series:
        """The levels that values stand for: that of an interval is the interval."""
        at = self._positions(values)
        cells = self.levels.take(at)
        dtype: Any = plain(pd.Series(dtype=self.dtype)).dtype
        return pd.Series(cells, index=values.index, dtype=dtype if is_bool(dtype) else None).where(at >= 0)

    @property
    def holds_numbers(self) -> bool:  # noqa: D102
        return is_number_or_bool(self.levels.dtype)

    def encode_tensor(self, values: Tensor) -> Tensor:
        """Codes of numbers; of values that are no level, NaN. Shape: (N, 1), kept."""
        is_level = values == torch.from_numpy(self.levels.to_numpy(dtype=np.float64))
        codes = np.minimum(np.arange(len(self.levels)), self.n_alone)
        if len(self.neighbors):
            codes[self.n_alone :] = self.neighbors
        code = torch.from_numpy(codes)[is_level.double().argmax(dim=1, keepdim=True)]
        return code.double().masked_fill(~is_level.any(dim=1, keepdim=True), torch.nan)

    def decode_tensor(self, cells: Tensor) -> Tensor:  # noqa: D102
        levels = self.decode(np.arange(len(self.edges), dtype=np.float64))
        return torch.from_numpy(np.asarray(levels, dtype=np.float64))[cells.long()]


class CategorySurvey(ColumnSurvey):
    """Categories are counted.

    Parameters
    ----------
    name : hashable
        Label of the column.
    dtype : numpy or pandas dtype
        What it comes back as.
    max_categories : int
        Largest number of levels; the rarest categories share the last.
    is_ordered : bool
        Whether levels follow one another, so that none is shared.
    """

    def __init__(self, name: Hashable, dtype: Dtype, max_categories: int, *, is_ordered: bool = False) -> None:
        self.name, self.dtype = name, dtype
        self.max_categories, self.is_ordered = max_categories, is_ordered
        self.counts = Categories(name)

    def add(self, values: pd.Series) -> Floats:  # noqa: D102
        dtype, known = values.dtype, self.dtype
        if isinstance(dtype, pd.CategoricalDtype) and isinstance(known, pd.CategoricalDtype) and dtype != known:
            self.dtype = united([known, dtype])
        is_gap = is_missing(values)
        try:
            self.counts.add(plain(values[~is_gap] if is_gap.any() else values))
        except OverflowError as error:  # a moment of Arrow after the year 9999
            raise ValueError(
                f"A category is a value that Python can hold, but column {self.name!r} of dtype {dtype} holds others "
                f"({error}). Use likelihood='histogram' for it."
            ) from error
        return np.where(is_gap, np.nan, 0.0)

    def learned(self) -> Learned:  # noqa: D102
        distinct, counts = self.counts.distinct, list(self.counts.counts.values())
        check_recurring(self.name, len(distinct), sum(counts))
        dtype = plain(pd.Series(dtype=self.dtype)).dtype
        levels = pd.Series(distinct, name=self.name, dtype=dtype)
        column = CategoryColumn.of_counts(
            levels, counts, self.max_categories, least_rows=self._protected_below(counts), is_ordered=self.is_ordered
        )
        column = replace(column, dtype=self.dtype)
        first, last = column.encode(pd.Series(column.levels[[0, -1]])).tolist()
        if len(column.neighbors):
            last = float(column.n_alone - 1)
        return Learned(column, ends=(first, last))

    def _protected_below(self, counts: list[int]) -> int:
        """How many rows a category needs to be learned as itself, with a warning where that is much or impossible."""
        least_rows, n_cells = self.least_rows, sum(counts)
        n_rare = sum(n for n in counts if n < least_rows)
        if least_rows == 1 or n_rare <= MANY_RARE * n_cells or is_bool(self.dtype):
            return 1 if is_bool(self.dtype) else least_rows  # everybody knows what a boolean may be
        coarsen = (
            "Convert numbers and dates by astype(float) or pandas.to_datetime, merge categories, drop the column, or "
            "pass protect=None to learn each as it is."
        )
        if n_rare == n_cells:
            warn_user(
                f"A category that fewer than {least_rows} rows hold is drawn as a more frequent one, but column "
                f"{self.name!r} has none: its categories are learned and drawn as they are. {coarsen}"
            )
            return 1
        warn_user(
            f"A category that fewer than {least_rows} rows hold is drawn as a more frequent one, and column "
            f"{self.name!r} holds such categories in {n_rare} of {n_cells} cells. {coarsen}"
        )
        return least_rows


def positions(levels: pd.Index, values: pd.Index) -> Integers:
    """Position of each value among the levels, −1 for none; where levels are equal for Python, types tell them apart.

    Examples
    --------
    >>> levels = pd.Index([True, 1, "no"], dtype=object)
    >>> positions(levels, pd.Index(["no", 1, True, 2], dtype=object)).tolist()
    [2, 1, 0, -1]
    """
    if levels.is_unique:
        if levels.dtype == object:  # else pandas looks among dates as if they were moments, and says that it will not
            values = values.astype(object)
        return np.asarray(levels.get_indexer(values))
    exact, equal = dict[Hashable, int](), dict[Hashable, int]()
    for i, level in enumerate(levels.tolist()):
        exact[identity(level)] = i
        if not isinstance(level, bool | np.bool_):  # 1.0 is rather 1 than True
            equal.setdefault(level, i)
    found = [exact.get(identity(value), equal.get(value, -1)) for value in values.tolist()]
    return np.array(found, dtype=np.intp)


def check_recurring(name: Hashable, n_categories: int, n_observed: int) -> None:
    """Warn of categories that hardly ever recur."""
    if n_observed >= IDENTIFIER_ROWS and n_categories > IDENTIFIER * n_observed:
        warn_user(
            f"A category should recur, but column {name!r} holds {n_categories} different values in "
            f"{n_observed} cells, as an identifier does. Drop it, or convert it: to numbers or dates, or to text "
            f"without a family of its own, for which new values are drawn.",
        )


def plain(values: pd.Series) -> pd.Series:
    """Values as pandas can sort and look them up: dense, unpacked categories of Arrow, wide floats, bytes in order."""
    dtype: Any = values.dtype
    if isinstance(dtype, pd.SparseDtype):  # pandas compares no sparse booleans
        return plain(pd.Series(np.asarray(values.array), index=values.index, name=values.name))
    if isinstance(dtype, np.dtype) and (dtype.str[1:] == "f2" or not dtype.isnative):
        wide = np.dtype(np.float32) if dtype.str[1:] == "f2" else dtype.newbyteorder("=")
        return pd.Series(values.to_numpy().astype(wide), index=values.index, name=values.name)
    if not is_arrow_dictionary(dtype):
        return values
    return values.astype(pd.ArrowDtype(dtype.pyarrow_dtype.value_type))


def _gap_of(dtype: Dtype) -> object:
    """What stands for a gap in a column of objects that is to be of a dtype."""
    kind = dtype.kind if isinstance(dtype, np.dtype) else ""
    return {"O": None, "f": np.nan}.get(kind, pd.NA)
