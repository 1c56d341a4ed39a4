"""Names of rows, of which a model learns nothing: new ones are drawn in their form."""

from __future__ import annotations

import uuid
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch

from skvae.identifiers import Keys, Seen, TextForm, digests
from skvae.tables.columns.cells import is_missing
from skvae.tables.columns.dtypes import Dtype, integer_type, is_whole, pandas_array, with_gaps

EXAMPLES = 10_000  # values that the form is learned from


@dataclass(frozen=True)
class IdentifierColumn:
    """A column that names its rows: it has no float in an encoded row, and its values are drawn anew.

    It holds the form of the values and one bit of hash for each eight places, never a value: see ``Seen``.

    Attributes
    ----------
    name : hashable
        Label of the column.
    dtype : numpy or pandas dtype
        What it comes back as.
    form : TextForm or Keys
        What new values look like.
    seen : Seen
        What they must differ from.
    share_of_gaps : float
        Share of the rows in which it is missing.
    is_uuid : bool
        Whether values are ``uuid.UUID``.
    """

    name: Hashable
    dtype: Dtype
    form: TextForm | Keys
    seen: Seen
    share_of_gaps: float = 0.0
    is_uuid: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.share_of_gaps < 1:
            raise ValueError(f"a share of gaps cannot be {self.share_of_gaps}")
        if isinstance(self.form, Keys) != is_whole(self.dtype):
            raise ValueError(f"a {type(self.form).__name__} cannot be {self.dtype}")
        if isinstance(self.form, Keys):
            limits = np.iinfo(integer_type(self.dtype))
            if not limits.min <= self.form.lower <= self.form.upper <= limits.max:
                raise ValueError(f"{self.dtype} does not hold {self.form.lower} to {self.form.upper}")

    def draw(self, n: int, rng: np.random.Generator, *, gaps: bool = True, beside: pd.Series | None = None) -> Any:
        """Draw values that differ from one another and from all that were seen, in the dtype of the column.

        Parameters
        ----------
        n : int
            How many.
        rng : numpy.random.Generator
            Source of the draws.
        gaps : bool
            Whether as many of them are missing as were at fit.
        beside : Series, optional
            More values that must not recur.

        Raises
        ------
        ValueError
            Where the dtype has no room for so many.
        """
        is_gap = np.zeros(n, dtype=bool)
        if gaps and self.share_of_gaps:
            is_gap = rng.random(n) < self.share_of_gaps
        taken = frozenset[Any]() if beside is None else frozenset(beside[~is_missing(beside)].tolist())
        n_new = int((~is_gap).sum())
        if isinstance(self.form, Keys):
            whole = np.zeros(n, dtype=integer_type(self.dtype))
            whole[~is_gap] = self.form.new(n_new, rng, self.seen, taken, most=int(np.iinfo(whole.dtype).max))
            return with_gaps(whole, is_gap, self.dtype)
        values = np.full(n, None if isinstance(self.dtype, np.dtype) else pd.NA, dtype=object)
        texts = self.form.new(n_new, rng, self.seen, frozenset(map(str, taken)))
        values[~is_gap] = list(map(uuid.UUID, texts)) if self.is_uuid else texts
        return values if isinstance(self.dtype, np.dtype) else pandas_array(values, self.dtype)


@dataclass(frozen=True)
class NewIdentifiers:
    """How identifiers of decoded rows are drawn.

    Attributes
    ----------
    seed : int
        Seed of the draws.
    gaps : bool
        Whether they are missing as often as at fit.
    beside : DataFrame, optional
        Rows whose identifiers must not recur.
    """

    seed: int = 0
    gaps: bool = False
    beside: pd.DataFrame | None = None

    @classmethod
    def by(cls, generator: torch.Generator, *, gaps: bool = False, beside: Any = None) -> NewIdentifiers:
        """Those that follow from a source of draws."""
        seed = int(torch.randint(2**31, (), generator=generator, device=generator.device))
        return cls(seed, gaps, beside)

    def of(self, column: IdentifierColumn, j: int, n_rows: int, index: pd.Index | None) -> pd.Series:
        """New values of column j."""
        beside = None if self.beside is None else self.beside.iloc[:, j]
        rng = np.random.default_rng((self.seed, j))
        values = column.draw(n_rows, rng, gaps=self.gaps, beside=beside)
        any_dtype: Any = column.dtype
        drawn: pd.Series = pd.Series(values, index=index, dtype=any_dtype)
        return drawn


class IdentifierSurvey:
    """What is known of an identifier so far: its form is that of the first rows.

    Parameters
    ----------
    name : hashable
        Label of the column.
    dtype : numpy or pandas dtype
        What it comes back as.
    """

    def __init__(self, name: Hashable, dtype: Dtype) -> None:
        self.name, self.dtype = name, dtype
        self.n_rows = self.n_known = 0
        self.examples: list[Any] = []
        self.ends: tuple[int, int] | None = None
        self.digests: list[Any] = []

    def add(self, values: pd.Series) -> None:
        """Take note of more cells."""
        known = values[~is_missing(values)].tolist()
        self.n_rows, self.n_known = self.n_rows + len(values), self.n_known + len(known)
        if not known:
            return
        self.digests.append(digests(map(str, known)))
        self.examples += known[: max(0, EXAMPLES - len(self.examples))]
        if is_whole(self.dtype):
            lower, upper = self.ends or (known[0], known[0])
            self.ends = min(lower, *known), max(upper, *known)

    def learned(self) -> IdentifierColumn:
        """The column."""
        share_of_gaps = 1 - self.n_known / self.n_rows
        seen = Seen.of(np.concatenate(self.digests))
        if self.ends is not None:
            most = int(np.iinfo(integer_type(self.dtype)).max)
            form = Keys.of(self.examples, *self.ends, self.n_known, most=most)
            return IdentifierColumn(self.name, self.dtype, form, seen, share_of_gaps)
        is_uuid = isinstance(self.examples[0], uuid.UUID)
        of_text = TextForm.of(list(map(str, self.examples)))
        return IdentifierColumn(self.name, self.dtype, of_text, seen, share_of_gaps, is_uuid)
