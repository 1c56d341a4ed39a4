"""Real and synthetic rows, and every figure of how much they differ."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

import pandas as pd

from skvae.metrics.chance import Chance
from skvae.metrics.leaks import Attack


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Tables, and figures of how they differ: the content of a report, its page and its picture.

    Attributes
    ----------
    table : DataFrame
        One row a figure, by name: ``value``, ``ideal``, ``real``, ``standard_error`` and ``meaning``.
    shapes : Series of length D
        Errors of columns that are no identifiers, see ``column_shapes``.
    trends : DataFrame of shape (D, D)
        Errors of pairs of such columns, see ``pair_trends``.
    train, synthetic : DataFrame
        Rows that the generator has seen, and rows that it has drawn.
    test : DataFrame or None
        Real rows that it has not seen, if there are any.
    target : label or None
        Column that was predicted, if any.
    identifiers : DataFrame of shape (I, 4)
        Columns that name their rows, judged apart, see ``judge_identifiers``.
    checks : DataFrame
        Rules that hold in the real rows, and the share of rows that break them, see ``tabulate_checks``.
    attacks : list of Attack
        Attempts to tell training rows from others, the worst first; none without ``test``.
    chance : Chance or None
        Errors of real rows beside other real rows.
    rules : DataFrame or None
        Shares of rows that keep rules, see ``rules_held``, if there are any.
    """

    table: pd.DataFrame
    shapes: pd.Series
    trends: pd.DataFrame
    train: pd.DataFrame
    synthetic: pd.DataFrame
    test: pd.DataFrame | None = None
    target: Hashable | None = None
    identifiers: pd.DataFrame = field(default_factory=pd.DataFrame)
    checks: pd.DataFrame = field(default_factory=pd.DataFrame)
    attacks: list[Attack] = field(default_factory=list)
    chance: Chance | None = None
    rules: pd.DataFrame | None = None

    @property
    def sparse(self) -> list[Hashable]:
        """Categories with too many values to be judged on these rows."""
        return [] if self.chance is None else list(self.chance.sparse)
