"""Rows that are known in part, completed: by particles of z, or directly by the model that reads any visible cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from skvae.models.gaps import N_PARTICLES, PARTICLES_PER_DRAW, draw_gaps, draw_under_condition
from skvae.networks import VAE, Reader
from skvae.tables import Table

N_QUANTILES = 50  # of the distribution of a gap: its mean is theirs
CELLS = 20_000_000  # of rows that are completed at once, in every layer


class Completer(Protocol):
    """What completes rows. Rows are encoded by ``table``, NaN marks a cell to fill."""

    @property
    def table(self) -> Table:
        """The columns."""

    def mean(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """The mean of each gap, or its mode, as if no cell were missing. Shape: (N, D), kept."""

    def draws(self, x: Tensor, n_draws: int, generator: torch.Generator) -> Tensor:
        """Draws of the gaps together, as if no cell were missing. Shape: (N, D) -> (n_draws, N, D)."""

    def sample(self, x: Tensor, n_samples: int | None, generator: torch.Generator, *, gaps: bool) -> Tensor:
        """Each row completed, with gaps as rows have them or without, or a single one so many times. (N, D) -> (M, D).

        Shape: (N, D) -> (M, D).
        """

    def shares(self, x: Tensor, j: int, generator: torch.Generator) -> Tensor:
        """Probability of each level of column j given all others. Shape: (N, D) -> (N, n_levels)."""


def completer(table: Table, vae: VAE) -> Completer:
    """What completes the rows of a model."""
    if vae.reader is not None:
        return ByReader(table.of_columns, vae.reader)
    return ByParticles(table, vae)


@dataclass(frozen=True)
class ByParticles:
    """Sequential importance sampling over z.

    Attributes
    ----------
    table : Table
        The columns.
    vae : VAE
        A stack of one.
    """

    table: Table
    vae: VAE

    def mean(self, x: Tensor, generator: torch.Generator) -> Tensor:  # noqa: D102
        return self.table.center(draw_gaps(self.vae, self._as_if_observed(x), N_PARTICLES, N_PARTICLES, generator))

    def draws(self, x: Tensor, n_draws: int, generator: torch.Generator) -> Tensor:  # noqa: D102
        n_particles = max(N_PARTICLES, PARTICLES_PER_DRAW * n_draws)
        return draw_gaps(self.vae, self._as_if_observed(x), n_draws, n_particles, generator)

    def sample(  # noqa: D102
        self, x: Tensor, n_samples: int | None, generator: torch.Generator, *, gaps: bool
    ) -> Tensor:
        if not gaps:
            x = self._as_if_observed(x)
        if n_samples is None:
            return draw_gaps(self.vae, x, 1, N_PARTICLES, generator)[0]
        return draw_under_condition(self.vae, x[0], n_samples, generator)

    def shares(self, x: Tensor, j: int, generator: torch.Generator) -> Tensor:  # noqa: D102
        levels = self.draws(hidden(x, j, self.table), N_PARTICLES, generator)[:, :, j].long()
        counts = torch.nn.functional.one_hot(levels, len(self.table.columns[j].edges)).double()
        return counts.mean(dim=0)

    def _as_if_observed(self, x: Tensor) -> Tensor:
        x = x.clone()
        x[:, : len(self.table.indicated)] = 0.0
        return x


@dataclass(frozen=True)
class ByReader:
    """Missing cells given those that are known, one column after another: exact draws of one model.

    Attributes
    ----------
    table : Table
        The columns, with the gaps of all shown.
    reader : Reader
        A stack of one.
    """

    table: Table
    reader: Reader

    def mean(self, x: Tensor, generator: torch.Generator) -> Tensor:  # noqa: D102
        x = self._unsaid(x)
        parts = torch.split(x, self._n_rows(N_QUANTILES))
        return torch.cat([self.table.center(self.reader.expect(rows[None], N_QUANTILES)) for rows in parts])

    def draws(self, x: Tensor, n_draws: int, generator: torch.Generator) -> Tensor:  # noqa: D102
        x = self._unsaid(x)
        return torch.stack([self._complete(x, generator, gaps=False) for _ in range(n_draws)])

    def sample(  # noqa: D102
        self, x: Tensor, n_samples: int | None, generator: torch.Generator, *, gaps: bool
    ) -> Tensor:
        rows = x if n_samples is None else x.expand(n_samples, -1)
        return self._complete(rows, generator, gaps=gaps)

    def shares(self, x: Tensor, j: int, generator: torch.Generator) -> Tensor:  # noqa: D102
        x = self._unsaid(hidden(x, j, self.table))
        return torch.cat([self.reader.log_shares(rows[None], j)[0].exp() for rows in torch.split(x, self._n_rows(1))])

    def _complete(self, x: Tensor, generator: torch.Generator, *, gaps: bool) -> Tensor:
        parts = torch.split(x, self._n_rows(1))
        return torch.cat([self.reader.complete(rows[None], generator, gaps=gaps)[0] for rows in parts])

    def _unsaid(self, x: Tensor) -> Tensor:
        """Rows that do not say which of their cells are gaps: these are to be filled."""
        is_gap = torch.zeros_like(x, dtype=torch.bool)
        n_indicators = len(self.table.indicated)
        is_gap[:, :n_indicators] = x[:, n_indicators:][:, self.table.indicated].isnan()
        return x.masked_fill(is_gap, torch.nan)

    def _n_rows(self, n_copies: int) -> int:
        """Rows that are completed at once."""
        n_levels = sum(len(column.edges) for column in self.table.columns)
        width = max(self.reader.n_features, self.reader.n_outputs, n_levels, n_copies * len(self.table.columns))
        return max(1, CELLS // width)


def hidden(x: Tensor, j: int, table: Table) -> Tensor:
    """Rows whose cells of column j are gaps. Shape: (N, D), kept."""
    x, of_data = x.clone(), j - len(table.indicated)
    x[:, j] = torch.nan
    if of_data in table.indicated:
        x[:, table.indicated.index(of_data)] = 1.0
    return x
