"""What a fitted model draws: new rows, and the unknown cells of rows that are known in part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from skvae.models.bonds import Bonds
from skvae.models.completing import Completer, completer, hidden
from skvae.models.model import index_of, new_identifiers
from skvae.models.obeying import Mask, Positions, with_known
from skvae.models.passes import FEWER_ROWS, device_of, rows_at_once
from skvae.networks import VAE
from skvae.tables import Rows, Rulebook, Table, fill_gaps, gaps_of, keep_given, rows_at


@dataclass(frozen=True)
class Incomplete:
    """Rows that are known in part, and what completes them.

    Attributes
    ----------
    by : Completer
        What completes them.
    x : Tensor of shape (N, D)
        The rows, encoded by its table.
    rows : ndarray or DataFrame of shape (N, D)
        The rows.
    is_known : ndarray of bool of shape (N, D)
        Which of their cells stay.
    """

    by: Completer
    x: Tensor
    rows: Rows
    is_known: Mask

    def drawn(self, at: Positions, generator: torch.Generator) -> Rows:
        """Some of them, with draws in the cells that are unknown to what completes them. Shape: (n, D)."""
        drawn: Rows = self.by.table.decode(self.by.draws(self.x[at], 1, generator)[0])
        return drawn


@dataclass(frozen=True)
class Draws:
    """New rows of a fitted model, and rows that it completes. What it is asked is checked already.

    Attributes
    ----------
    table : Table
        The columns.
    vae : VAE
        The trained module, a stack of one, with the models beside it.
    rules : Rulebook or None
        What holds in every row; None for nothing.
    """

    table: Table
    vae: VAE
    rules: Rulebook | None = None

    @property
    def bonds(self) -> Bonds:
        """What holds between the cells of a row."""
        return Bonds.of(self.table, self.vae, self.rules)

    # -- new rows ----------------------------------------------------------------------------------------------

    @FEWER_ROWS
    @torch.no_grad()
    def sample(self, n_samples: int, generator: torch.Generator, *, gaps: bool | None) -> Any:
        """Draws from p(x), with gaps as the rows of training have them, or without if False. Shape: (n_samples, D)."""
        has_gaps = gaps is not False

        def redraw(at: Positions) -> Rows:
            return self._rows(len(at), generator, gaps=has_gaps)

        rows = self._rows(n_samples, generator, gaps=has_gaps, are_named=True)
        return self.table.present(self.bonds.enforce(rows, redraw, generator))

    @FEWER_ROWS
    @torch.no_grad()
    def sample_given(
        self, given: pd.DataFrame, n_samples: int | None, generator: torch.Generator, *, gaps: bool | None
    ) -> Any:
        """Draws from p(x | given): each row of ``given`` completed, or its only row so many times. Shape: (M, D)."""
        by = completer(self.table, self.vae)
        gaps = n_samples is not None if gaps is None else gaps  # rows that are completed have none
        x = self._known(by, by.table.encode_condition(given, gaps=n_samples is not None))

        def redraw(at: Positions) -> Rows:
            some, n = (x[at], None) if n_samples is None else (x, len(at))
            again: Rows = by.table.decode(by.sample(some, n, generator, gaps=gaps))
            return again

        drawn = by.sample(x, n_samples, generator, gaps=gaps)
        new = new_identifiers(self.table, generator, gaps=gaps)
        if n_samples is None:
            rows = by.table.decode(drawn, given.index, new)
        else:
            rows = by.table.decode(drawn, new=new)
            given = given.iloc[[0] * n_samples]
        rows = keep_given(rows, given, self.table)
        return self.table.present(self.bonds.enforce(rows, redraw, generator, self._is_given(given)))

    def _rows(self, n_samples: int, generator: torch.Generator, *, gaps: bool, are_named: bool = False) -> Rows:
        """Draws from p(x), whatever holds, with new identifiers or always the same. Shape: (n_samples, D)."""
        table = self.table if self.vae.chain is None else self.table.of_columns
        size = rows_at_once(self.table, self.vae)
        like = torch.empty(0, dtype=torch.float32, device=device_of(self.vae))
        x = torch.empty((n_samples, len(table.columns)), dtype=torch.float32)
        for first in range(0, n_samples, size):
            x[first : first + size] = self.vae.sample(min(size, n_samples - first), like, generator, gaps=gaps)[0]
        new = new_identifiers(self.table, generator, gaps=gaps) if are_named else None
        rows: Rows = table.decode(x, new=new)
        return rows

    def _is_given(self, given: pd.DataFrame) -> Mask:
        """Which cells of rows a condition says. Shape: (M, D)."""
        known = np.zeros((len(given), self.table.n_columns), dtype=bool)
        for j, column in zip(self.table.positions, self.table.data, strict=True):
            if column.name in given.columns:
                known[:, j] = ~np.array(given[column.name].isna(), dtype=bool)
        return known

    # -- rows that are known in part ---------------------------------------------------------------------------

    @FEWER_ROWS
    @torch.no_grad()
    def impute(self, X: Rows, n_draws: int | None, generator: torch.Generator) -> list[Any]:
        """Completed tables: so many with draws in the gaps, or one with the mean of each gap. Shape: (N, D) each."""
        by = completer(self.table, self.vae)
        x = self._known(by, by.table.encode(X))
        has_gap = x.isnan().any(dim=1)
        if self.table.identifiers:
            has_gap |= torch.from_numpy(gaps_of(X).any(axis=1)).to(has_gap.device)
        x, where = x[has_gap], has_gap.cpu().numpy()
        completed = by.mean(x, generator)[None] if n_draws is None else by.draws(x, n_draws, generator)
        tables = [by.table.decode(rows, new=new_identifiers(self.table, generator, beside=X)) for rows in completed]
        if len(x) and self.bonds:
            some = rows_at(X, where)
            incomplete = Incomplete(by, x, some, ~gaps_of(some))
            tables = [self._kept(rows, incomplete, generator, are_means=n_draws is None) for rows in tables]
        return [self.table.present(fill_gaps(X, where, rows)) for rows in tables]

    @FEWER_ROWS
    @torch.no_grad()
    def infer(self, X: Rows, j: int, generator: torch.Generator) -> Any:
        """The mean of column j of the data given the other cells of each row, or its mode. Shape: (N, D) -> (N,)."""
        by = completer(self.table, self.vae)
        x = self._known(by, by.table.encode(X))
        x = hidden(x, len(by.table.indicated) + j, by.table)
        rows = by.table.decode(by.mean(x, generator), index_of(X))
        if self.bonds:
            is_known = ~gaps_of(X)
            is_known[:, self.table.positions[j]] = False
            rows = self._kept(rows, Incomplete(by, x, X, is_known), generator, are_means=True)
        rows = self.table.present(rows)
        return rows[:, j] if isinstance(rows, np.ndarray) else rows[self.table.data[j].name]

    @FEWER_ROWS
    @torch.no_grad()
    def infer_proba(self, X: Rows, j: int, generator: torch.Generator) -> pd.DataFrame:
        """Probability of each level of column j given the other cells of each row. Shape: (N, D) -> (N, n_levels)."""
        by = completer(self.table, self.vae)
        x = self._known(by, by.table.encode(X))
        shares = by.shares(x, len(by.table.indicated) + j, generator).cpu().double().numpy()
        labels = self.table.data_columns[j].level_labels
        return pd.DataFrame(shares, index=index_of(X), columns=labels)

    def _kept(self, rows: Rows, incomplete: Incomplete, generator: torch.Generator, *, are_means: bool) -> Rows:
        """Completed rows, with the cells that are known, made to keep what holds as far as these let them."""
        is_known = incomplete.is_known
        rows = with_known(rows, incomplete.rows, is_known)
        redraw = partial(incomplete.drawn, generator=generator)
        return self.bonds.keep(rows, redraw, generator, is_known, are_means=are_means)[0]

    def _known(self, by: Completer, x: Tensor) -> Tensor:
        """Rows that are known in part, where and as what completes them is. Shape: kept."""
        return by.table.in_precision(x).to(device_of(self.vae))
