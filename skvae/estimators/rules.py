"""What ``constraints`` says of rows: the rules that these keep."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd

from skvae.tables import Rows, Rulebook


def rules_of(
    rows: Rows, constraints: str | Sequence[str] | None, before: Rulebook | None, identifiers: Collection[int] = ()
) -> Rulebook | None:
    """The rules of a table.

    Parameters
    ----------
    rows : ndarray or DataFrame of shape (N, D)
        Rows; the columns of an array are named x0, x1, …
    constraints : "auto", None or sequence of str
        The rules, or "auto" to find those of a DataFrame.
    before : Rulebook or None
        Rules that earlier rows keep, where there were such.
    identifiers : collection of int
        Positions of the columns that are identifiers, of which no rules are looked for.

    Returns
    -------
    Rulebook or None
        None where there are no rules.

    Raises
    ------
    ValueError, TypeError
        Where a rule cannot be read, or a row breaks it.
    """
    if constraints is None or (constraints == "auto" and not isinstance(rows, pd.DataFrame)):
        return None
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows, columns=_names(rows.shape[1]))
    if before is not None:
        book = before.after(frame)
    elif constraints == "auto":
        book = Rulebook.found(frame, identifiers)
    else:
        book = Rulebook.given(list(constraints), frame)
    if not isinstance(rows, pd.DataFrame):
        book = book.unrounded
    return book if book.rules else None


def _names(n: int) -> list[str]:
    """What scikit-learn calls the columns of an array."""
    return [f"x{j}" for j in range(n)]
