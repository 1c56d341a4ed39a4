"""Rows that a model draws, made to keep the rules of the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from skvae.tables import Rows, Rulebook, column_of, with_cells, with_rows

Positions = NDArray[np.integer[Any]]
Mask = NDArray[np.bool_]
Redraw = Callable[[Positions], Rows]

N_REDRAWS = 4  # of rows that break a rule, before their cells are moved
N_MORE = 20  # of those that then break one still
MOST_REDRAWN = 0.5  # share of rows: where more break a rule, drawing them again would only keep odd ones


def obey(
    rules: Rulebook,
    rows: Rows,
    generator: torch.Generator,
    *,
    redraw: Redraw | None = None,
    is_free: Mask | None = None,
) -> tuple[Rows, Mask]:
    """Rows that keep the rules, and which of them cannot.

    What follows from other cells is computed. Rows that then break a rule are drawn again some times; what still
    breaks one is moved to where it does not.

    Parameters
    ----------
    rules : Rulebook
        The rules.
    rows : ndarray or DataFrame of shape (N, D)
        Rows as the model draws them.
    generator : torch.Generator
        Source of choices.
    redraw : callable, optional
        Positions of rows → the same rows with their free cells drawn again. Without it they are means, which are moved.
    is_free : ndarray of bool of shape (N, D), optional
        Cells that may change; None for all.
    """
    rng = np.random.default_rng(int(torch.randint(2**62, (1,), generator=generator, device=generator.device)))

    def settle(rows: pd.DataFrame, at: Positions, *, by_force: bool) -> tuple[pd.DataFrame, Mask]:
        free = None if is_free is None else is_free[at]
        return rules.settle(rows, free, rng, by_force=by_force, mirrors=redraw is not None)

    frame, everything = as_frame(rows, rules.names), np.arange(len(rows))
    frame, broken = settle(frame, everything, by_force=redraw is None)
    if redraw is None or not broken.any():
        return _as(frame, rows), broken
    for _ in range(N_REDRAWS):
        at = np.flatnonzero(broken)
        if not len(at) or len(at) > MOST_REDRAWN * len(frame):
            break
        new, broken[at] = settle(as_frame(redraw(at), rules.names), at, by_force=False)
        frame = with_rows(frame, at, new)
    at = np.flatnonzero(broken)
    for _ in range(N_MORE):
        if not len(at):
            break
        moved, broken[at] = settle(frame.iloc[at], at, by_force=True)
        frame = with_rows(frame, at, moved)
        at = np.flatnonzero(broken)
        if len(at):
            frame = with_rows(frame, at, as_frame(redraw(at), rules.names))
    return _as(frame, rows), broken


def refuse_broken(rules: Rulebook, rows: Rows, broken: Mask, is_known: Mask | None = None) -> None:
    """Say that rows cannot be drawn so that they keep the rules.

    Raises
    ------
    ValueError
        Where some break one.
    """
    if not broken.any():
        return
    at = int(np.flatnonzero(broken)[0])
    shares = rules.held(as_frame(rows, rules.names)[at : at + 1])
    rule = next((text for text, share in shares.items() if share < 1), "; ".join(shares))
    if is_known is None:
        raise ValueError(
            f"Rows should keep the rules, but none was drawn that keeps {rule!r}. Leave that rule out with "
            f"constraints=[…], or fit to more rows."
        )
    raise ValueError(
        f"A condition must leave rows that keep the rules, but none of row {at} of given keeps {rule!r}. Give other "
        f"values, or fewer."
    )


def check_condition(rules: Rulebook, rows: Rows, is_known: Mask) -> None:
    """Refuse a condition that breaks a rule itself.

    Raises
    ------
    ValueError
        Where it does.
    """
    found = rules.contradicted(as_frame(rows, rules.names), is_known)
    if found is not None:
        rule, row = found
        raise ValueError(
            f"A condition must keep the rules of the table, but row {row} of given breaks {str(rule)!r}. Give other "
            f"values, or leave one of {rule.names} out."
        )


def with_known(rows: Rows, X: Rows, is_known: Mask) -> Rows:
    """Rows with the cells of X where these are known. Shape: (N, D) each."""
    if not isinstance(rows, pd.DataFrame):
        return np.where(is_known, X, rows)
    rows = rows.copy()
    for j in np.flatnonzero(is_known.any(axis=0)).tolist():
        known: Any = with_cells(rows.iloc[:, j], is_known[:, j], column_of(X, j)[is_known[:, j]])
        rows.isetitem(j, known)
    return rows


def rows_at(rows: Rows, at: Positions | Mask) -> Rows:
    """Some rows of an array or a DataFrame."""
    return rows.iloc[at] if isinstance(rows, pd.DataFrame) else rows[at]


def as_frame(rows: Rows, names: list[str]) -> pd.DataFrame:
    """Rows as a DataFrame: the columns of an array have the names that rules give them."""
    return rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows, columns=names)


def _as(frame: pd.DataFrame, like: Rows) -> Rows:
    """Rows in the container of some others."""
    return frame if isinstance(like, pd.DataFrame) else frame.to_numpy(dtype=like.dtype)
