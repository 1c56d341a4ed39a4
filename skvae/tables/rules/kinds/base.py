"""What every kind of rule knows of itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from typing import Self

import numpy as np
import pandas as pd

from skvae.tables.columns.base import Mask
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.quantities import Numbers, Quantity

Free = Mapping[str, Mask]  # cells that may change, by column


class Rule(ABC):
    """What holds in every row; its text is what a user reads and writes.

    A new kind of rule is one file, with a subclass, and one row of ``RULES``; one that is looked for has a file of
    ``search``, too.
    """

    @classmethod
    @abstractmethod
    def read(cls, left: Formula, sign: str, right: Formula) -> Self | None:
        """The rule that two formulas and the sign between them state; None where that is one of another kind.

        Raises
        ------
        ValueError
            Where it would be one of this kind, but for its sides.
        """

    @property
    @abstractmethod
    def names(self) -> list[str]:
        """Columns that it speaks of."""

    @abstractmethod
    def broken(self, draft: Draft) -> Mask:
        """Rows that break it, none of which has a gap in its columns. Shape: (N,)."""

    def impossible(self, draft: Draft) -> Mask:
        """Rows that break it by more than the decimals of free cells leave room for. Shape: (N,)."""
        return self.broken(draft)

    def unknown(self, draft: Draft) -> Mask:
        """Rows without a gap in its columns, of which it says nothing. Shape: (N,)."""
        return np.zeros(len(draft), dtype=bool)

    def limit(self, name: str, draft: Draft) -> tuple[Numbers | None, Numbers | None]:
        """The smallest and the largest values that it leaves a column, as it can hold them; None for no limit. (N,)."""
        return None, None

    def learned(self, draft: Draft) -> Self:
        """The rule with what rows say of it."""
        return self


class Exact(Rule):
    """A rule that gives a column from others: it is solved for a cell."""

    @property
    @abstractmethod
    def inputs(self) -> list[str]:
        """Columns that another is computed from, as the rule is written."""

    @abstractmethod
    def target(self, table: list[str]) -> str:
        """The column that follows from the others; ``table`` has all columns in their order."""

    @property
    @abstractmethod
    def unknowns(self) -> list[str]:
        """Columns that it can be solved for."""

    @abstractmethod
    def solve(self, draft: Draft, name: str, where: Mask, *, inside: bool = False) -> Mask:
        """Put the solution for a column into some rows, and say in which it lies beyond the range that was seen.

        Parameters
        ----------
        draft : Draft
            The rows.
        name : str
            One of the ``unknowns``.
        where : ndarray of bool of shape (N,)
            The rows; those without a solution stay as they are.
        inside : bool
            Whether solutions beyond the range are moved to its end.

        Returns
        -------
        ndarray of bool of shape (N,)
            Rows whose solution lies beyond the range.
        """

    # -- from the target back to what it follows from: see ``repairs`` --------------------------------------------

    @abstractmethod
    def follows_from(self, columns: Collection[str]) -> bool:
        """Whether its target can be looked up where some columns are known, without solving anything."""

    @abstractmethod
    def parts(self, name: str) -> set[str]:
        """The parts of the calendar of a column that the target follows from."""

    @abstractmethod
    def outcome(self, labels: Mapping[str, pd.Index]) -> pd.Index:
        """The target where columns have some labels; None where the rule says nothing of these. Length kept."""

    def seen(self, name: str) -> list[pd.Index]:
        """The values of a column that the rule knows, if it knows values: all others say nothing."""
        return []

    def ends(self, name: str, quantity: Quantity) -> Numbers:
        """Where intervals of a column end that the target tells apart; none where it tells apart single values."""
        return np.array([], dtype=np.int64)

    def reach(self, draft: Draft, free: Free) -> Mask:
        """Move free cells to where the rule holds, if it is none to solve for these; say in which rows. Shape: (N,)."""
        return np.zeros(len(draft), dtype=bool)

    def combinations(self) -> list[tuple[str, pd.Index]]:
        """Values that columns have together, one combination a place; none where the rule is no table of these."""
        return []


def sides_of_one_kind(rule: Rule, sides: tuple[Formula, Formula], draft: Draft) -> tuple[Numbers, Numbers]:
    """The numbers of both sides of a rule. Shape: (N,) twice.

    Raises
    ------
    ValueError
        Where one is a moment, say, and the other is none.
    """
    one, other = (side.value(draft) for side in sides)
    if one.kind != other.kind:
        raise ValueError(
            f"The sides of a rule must be of one kind, but those of {str(rule)!r} are a {one.kind} and a "
            f"{other.kind}. Count durations with days(…), hours(…), minutes(…) or seconds(…)."
        )
    return one.numbers, other.numbers


def names_of_sides(sides: tuple[Formula, Formula]) -> list[str]:
    """Columns of both sides, in the order in which they occur first."""
    return list(dict.fromkeys(sides[0].names + sides[1].names))
