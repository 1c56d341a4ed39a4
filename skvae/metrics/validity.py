"""Whether synthetic cells could be cells of the real table at all."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from skvae.metrics.frames import Category, Number, kind_of

MARGIN = 0.1  # of the width of the real range: fresh real rows, too, lie a little beyond it


class Check(NamedTuple):
    """What holds in every real row, and which rows break it. A rule of several columns is a check like any other.

    Attributes
    ----------
    column : str
        Column, or columns, in words.
    rule : str
        What holds, in words without values.
    is_broken : ndarray of shape (M,)
        Rows that break it.
    """

    column: str
    rule: str
    is_broken: NDArray[np.bool_]


def checks_of(
    train: pd.DataFrame,
    rows: pd.DataFrame,
    *,
    identifiers: Sequence[Hashable] = (),
    sparse: Sequence[Hashable] = (),
) -> list[Check]:
    """Everything that is seen to hold in the training rows, checked in others.

    Parameters
    ----------
    train, rows : DataFrame
        Rows that the generator has seen, and rows to check, with the same columns.
    identifiers : sequence of labels
        Columns that name their rows: their values must be new, and differ where those of train do.
    sparse : sequence of labels
        Categories of so many values that real rows have new ones, too.

    Returns
    -------
    list of Check
        The same rules in the same order for the same ``train``, whatever the rows.

    Examples
    --------
    >>> real, rows = pd.DataFrame({"visits": [0, 3, 5]}), pd.DataFrame({"visits": [1.5, -1.0, 4.0]})
    >>> tabulate_checks(checks_of(real, rows))[["rule", "broken"]].round(2)
                   rule  broken
    0  within the range    0.33
    1     whole numbers    0.33
    2           no gaps    0.00
    """
    checks = []
    for label in train.columns:
        found = _checks_of_column(train[label], rows[label], label in identifiers, label in sparse)
        checks += [Check(str(label), rule, is_broken) for rule, is_broken in found]
    return checks


def is_invalid(checks: Sequence[Check], n_rows: int) -> NDArray[np.bool_]:
    """Rows that break any rule. Shape: (M,)."""
    found = np.zeros(n_rows, dtype=bool)
    for check in checks:
        found |= check.is_broken
    return found


def tabulate_checks(checks: Sequence[Check], of_real: Sequence[Check] | None = None) -> pd.DataFrame:
    """One row a rule: column, rule, and the share of rows that break it, synthetic and real; worst first."""
    table = pd.DataFrame(
        {
            "column": [check.column for check in checks],
            "rule": [check.rule for check in checks],
            "broken": np.array([check.is_broken.mean() for check in checks], dtype=float),
            "by real rows": np.nan,
        }
    )
    if of_real is not None:
        table["by real rows"] = np.array([check.is_broken.mean() for check in of_real], dtype=float)
    return table.sort_values("broken", ascending=False, kind="stable", ignore_index=True)


def changed_types(train: pd.DataFrame, rows: pd.DataFrame) -> dict[str, tuple[str, str]]:
    """Columns whose dtype is another one: that of train, and that of the rows."""
    types = {}
    for label in train.columns:
        here, there = str(train[label].dtype), str(rows[label].dtype)
        if here != there:
            types[str(label)] = here, there
    return types


def _checks_of_column(
    train: pd.Series, values: pd.Series, is_identifier: bool, is_sparse: bool
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    kind = kind_of(train.dtype) if train.notna().any() else "nothing"
    if is_identifier:
        if not train.dropna().duplicated().any():
            yield "no value twice", (values.duplicated() & values.notna()).to_numpy()
    elif kind == "categories":
        if not is_sparse:
            yield "known values", _is_unknown(train, values)
    elif kind != "nothing":
        number = Number.fit(kind, train)
        real, cells = number.encode(train), number.encode(values)
        lower, upper = _range(real, zero=-float(number.origin))
        yield "within the range", (cells < lower) | (cells > upper)
        if kind == "numbers" and _is_whole(real).all():
            yield "whole numbers", ~_is_whole(cells)
    if train.notna().all():
        yield "no gaps", values.isna().to_numpy()


def _is_unknown(train: pd.Series, values: pd.Series) -> NDArray[np.bool_]:
    return np.isnan(Category.fit(train.dropna()).encode(values)) & values.notna().to_numpy()


def _range(real: NDArray[np.float64], zero: float) -> tuple[float, float]:
    """Ends of the real numbers, with a margin, but of one sign where these are."""
    lower, upper = float(np.nanmin(real)), float(np.nanmax(real))
    margin = MARGIN * (upper - lower)
    lowest = zero if lower >= zero else -np.inf
    highest = zero if upper <= zero else np.inf
    return max(lowest, lower - margin), min(highest, upper + margin)


def _is_whole(cells: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each observed cell is a whole number; a missing one is no other."""
    return np.asarray(np.isnan(cells) | (cells == np.rint(cells)))
