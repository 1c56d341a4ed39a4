"""Rows that are known in part, completed: by particles of z, or directly by the model that reads any visible cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from skvae.models.gaps import N_PARTICLES, PARTICLES_PER_DRAW, draw_gaps, draw_under_condition
from skvae.networks import VAE, Chain, Reader
from skvae.tables import Table

N_QUANTILES = 50  # of the distribution of a gap: its mean is theirs
N_PROPOSALS = 4  # of the reader for each row of the chain under a condition
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
        return ByReader(table.of_columns, vae.reader, vae.chain)
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
    """Missing cells given those that are known, one column after another.

    Draws that replace gaps are the reader's. Samples are the chain's, by sampling importance resampling: the reader
    proposes what lies before the last known column, and the chain draws the rest.

    Attributes
    ----------
    table : Table
        The columns, with the gaps of all shown.
    reader : Reader
        A stack of one.
    chain : Chain or None
        A stack of one; without it, samples are the reader's, too.

    References
    ----------
    Rubin (1987), The calculation of posterior distributions by data augmentation: comment.
    """

    table: Table
    reader: Reader
    chain: Chain | None = None

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
        if self.chain is None:
            return self._complete(rows, generator, gaps=gaps)
        n = after_last_known(x)
        wide = max(self._width(1), self.chain.n_outputs, x.shape[1] * 128)
        parts = torch.split(rows, max(1, CELLS // (N_PROPOSALS * wide)))
        return torch.cat([self._resample(part, n, self.chain, generator, gaps=gaps) for part in parts])

    def shares(self, x: Tensor, j: int, generator: torch.Generator) -> Tensor:  # noqa: D102
        x = self._unsaid(hidden(x, j, self.table))
        return torch.cat([self.reader.log_shares(rows[None], j)[0].exp() for rows in torch.split(x, self._n_rows(1))])

    def _resample(self, x: Tensor, n: int, chain: Chain, generator: torch.Generator, *, gaps: bool) -> Tensor:
        """Draws of the chain given cells of the first n columns; p(x_≤n) / q(missing | known) weighs a proposal."""
        proposals, log_q = self.reader.propose(x.repeat_interleave(N_PROPOSALS, 0)[None], n, generator, gaps=gaps)
        if not gaps:
            proposals[..., self.reader.indicators] = 0.0
        log_weights = chain.log_prob_of_first(n, proposals) - log_q
        weights = log_weights.view(-1, N_PROPOSALS).softmax(dim=-1)
        chosen = torch.multinomial(weights, 1, generator=generator).squeeze(-1)
        rows = proposals[0].view(-1, N_PROPOSALS, x.shape[1])[torch.arange(len(x), device=x.device), chosen]
        return chain.complete(rows[None], generator)[0]

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
        return max(1, CELLS // self._width(n_copies))

    def _width(self, n_copies: int) -> int:
        """Numbers for each row in the widest layer."""
        n_levels = sum(len(column.edges) for column in self.table.columns)
        return max(self.reader.n_features, self.reader.n_outputs, n_levels, n_copies * len(self.table.columns))


def after_last_known(x: Tensor) -> int:
    """How many columns there are up to the last that any row knows. Shape: (N, D)."""
    known = (~x.isnan()).any(dim=0).nonzero()
    return int(known.max()) + 1 if len(known) else 0


def hidden(x: Tensor, j: int, table: Table) -> Tensor:
    """Rows whose cells of column j are gaps. Shape: (N, D), kept."""
    x, of_data = x.clone(), j - len(table.indicated)
    x[:, j] = torch.nan
    if of_data in table.indicated:
        x[:, table.indicated.index(of_data)] = 1.0
    return x
