"""Real and synthetic rows, and every figure of how much they differ."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Tables, and figures of how they differ: the content of a report, its page and its picture.

    Attributes
    ----------
    table : DataFrame
        One row a figure, by name: ``value``, ``ideal``, ``real`` and ``meaning``.
    shapes : Series of length D
        Errors of columns, see ``column_shapes``.
    trends : DataFrame of shape (D, D)
        Errors of pairs of columns, see ``pair_trends``.
    train, synthetic : DataFrame
        Rows that the generator has seen, and rows that it has drawn.
    test : DataFrame or None
        Real rows that it has not seen, if there are any.
    target : label or None
        Column that was predicted, if any.
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
    rules: pd.DataFrame | None = None
