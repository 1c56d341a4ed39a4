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

N_REDRAWS = 4  # of rows that break a rule, before their cells are moved, and of those that then break one still
N_AT_ONCE = 8  # draws of each row that is left, in as many rounds again: one that keeps the rules is taken
HARDLY_ANY = 0.95  # share of rows that break one still: what is near enough is let be
FEW = 20  # rows, of which a share says little
MOST_REDRAWN = 0.5  # share of rows: where more break a rule, drawing them again would only keep odd ones


def obey(
    rules: Rulebook,
    rows: Rows,
    generator: torch.Generator,
    redraw: Redraw,
    *,
    is_free: Mask | None = None,
    are_means: bool = False,
) -> tuple[Rows, Mask]:
    """Rows that keep the rules, and which of them cannot.

    What follows from other cells is computed. Draws that then break a rule are drawn again some times; what still
    breaks one is moved to where it does not. Means are moved at once.

    Parameters
    ----------
    rules : Rulebook
        The rules.
    rows : ndarray or DataFrame of shape (N, D)
        Rows as the model gives them.
    generator : torch.Generator
        Source of choices.
    redraw : callable
        Positions of rows → the same rows with their free cells drawn again.
    is_free : ndarray of bool of shape (N, D), optional
        Cells that may change; None for all.
    are_means : bool
        Whether free cells are no draws but means.
    """
    seed = int(torch.randint(2**62, (1,), generator=generator, device=generator.device))
    frame, rng = as_frame(rows, rules.names), np.random.default_rng(seed)
    if not are_means:
        frame = rules.aligned(frame, is_free, rng)
    attempt = Attempt(rules, frame, is_free, rng, mirrors=not are_means)

    def drawn_again(n_draws: int = 1) -> tuple[Positions, pd.DataFrame]:
        at = np.repeat(np.flatnonzero(attempt.broken), n_draws)
        return at, rules.aligned(as_frame(redraw(at), rules.names), attempt.free(at), rng)

    if not are_means:
        for _ in range(N_REDRAWS):
            n_broken = int(attempt.broken.sum())
            if not n_broken or n_broken > max(MOST_REDRAWN * len(attempt.broken), FEW):
                break
            attempt.solve(*drawn_again())
    attempt.move(*attempt.rows_where(attempt.broken))
    is_vain = False
    for n_draws in [1] * N_REDRAWS + [N_AT_ONCE] * N_REDRAWS:
        if is_vain and n_draws > 1:  # a ratio of whole numbers is given, say
            attempt.forgive()
        n_broken = int(attempt.broken.sum())
        if not n_broken:
            break
        attempt.move(*drawn_again(n_draws))
        is_vain = n_broken > FEW and attempt.broken.sum() > HARDLY_ANY * n_broken
    attempt.forgive()
    attempt.solve(*attempt.rows_where(attempt.broken | attempt.is_hopeless))  # these keep the exact rules that they can
    return _as(attempt.frame, rows), attempt.broken | attempt.is_hopeless


class Attempt:
    """Rows on their way to keep the rules.

    Parameters
    ----------
    rules, is_free
        See ``obey``.
    frame : DataFrame
        The rows.
    rng : numpy.random.Generator
        Source of choices.
    mirrors : bool
        Whether what lies beyond a bound is mirrored there, as draws are, or set to the bound.

    Attributes
    ----------
    broken : ndarray of bool of shape (N,)
        Which of them break a rule.
    is_hopeless : ndarray of bool of shape (N,)
        Which of them break one by cells that may not change; these are not drawn again.
    """

    def __init__(
        self, rules: Rulebook, frame: pd.DataFrame, is_free: Mask | None, rng: np.random.Generator, *, mirrors: bool
    ) -> None:
        self.rules, self.is_free, self.rng, self.mirrors = rules, is_free, rng, mirrors
        self.is_hopeless = np.zeros(len(frame), dtype=bool)
        if is_free is not None:
            for _, broken in rules.contradicted(frame, ~is_free):
                self.is_hopeless |= broken
        self.frame, broken = rules.solve(frame, is_free)
        self.broken = broken & ~self.is_hopeless

    def rows_where(self, mask: Mask) -> tuple[Positions, pd.DataFrame]:
        """Positions of some rows, and these as they are now. Shape: (N,)."""
        at = np.flatnonzero(mask)
        return at, self.frame.iloc[at]

    def solve(self, at: Positions, rows: pd.DataFrame) -> None:
        """Take rows for those at some positions, and compute what follows in them."""
        if len(at):
            self._take(at, *self.rules.solve(rows, self.free(at)))

    def move(self, at: Positions, rows: pd.DataFrame) -> None:
        """Take rows for those at some positions, and move their cells; of several rows for one, one that keeps all."""
        if len(at):
            moved, broken = self.rules.move(rows, self.free(at), self.rng, mirrors=self.mirrors)
            best = np.lexsort((broken, at))
            at, first = np.unique(at[best], return_index=True)
            self._take(at, moved.iloc[best[first]], broken[best[first]])

    def forgive(self) -> None:
        """Let rows be that keep the rules as nearly as the decimals of their free cells allow."""
        at, rows = self.rows_where(self.broken)
        if len(at):
            self.broken[at] = self.rules.impossible(rows, self.free(at))

    def free(self, at: Positions) -> Mask | None:
        """Which cells of the rows at some positions may change; None for all. Shape: (n, D)."""
        return None if self.is_free is None else self.is_free[at]

    def _take(self, at: Positions, rows: pd.DataFrame, broken: Mask) -> None:
        self.broken[at] = broken & ~self.is_hopeless[at]
        self.frame = with_rows(self.frame, at, rows)


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
    for rule, broken in rules.contradicted(as_frame(rows, rules.names), is_known):
        row = int(np.flatnonzero(broken)[0])
        raise ValueError(
            f"A condition must keep the rules of the table, but row {row} of given breaks {str(rule)!r}. Give other "
            f"values, or leave one of {rule.names} out."
        )


def refuse_beyond(rules: Rulebook, rows: Rows, is_known: Mask) -> None:
    """Say that rules and a condition leave no value that a column had.

    Raises
    ------
    ValueError
        Where a cell that was not given lies beyond all that its column had.
    """
    name, is_beyond = rules.beyond(as_frame(rows, rules.names), ~is_known)
    if is_beyond.any():
        raise ValueError(
            f"A condition must leave rows that keep the rules, but what follows for {name!r} from row "
            f"{int(np.flatnonzero(is_beyond)[0])} of given is no value of that column. Give other values, or fewer."
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


def as_frame(rows: Rows, names: list[str]) -> pd.DataFrame:
    """Rows as a DataFrame: the columns of an array have the names that rules give them."""
    return rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows, columns=names)


def _as(frame: pd.DataFrame, like: Rows) -> Rows:
    """Rows in the container of some others."""
    return frame if isinstance(like, pd.DataFrame) else frame.to_numpy(dtype=like.dtype)
