"""Rows that are known in part, completed: by particles of z, or directly by the model that reads any visible cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from skvae.models.gaps import N_PARTICLES, PARTICLES_PER_DRAW, draw_gaps, draw_under_condition
from skvae.networks import VAE, Chain, Reader
from skvae.tables import Table

N_QUANTILES = 50  # of the distribution of a gap: its mean is theirs
N_PROPOSALS = 4  # of the reader for each row of the chain under a condition
N_PILOT = 512  # rows of the chain that show how many of them meet a condition
MIN_ACCEPTED = 1 / 40  # of the rows of the chain: for fewer the reader proposes
MIN_SHARING = 128  # rows of a table with one condition: for fewer the pilot is too dear
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


class Accepted:
    """Proposals that are accepted with probability w / sup w. The largest weight so far stands for the supremum.

    As it only grows, what was rejected stays so, and only accepted rows are kept.

    Parameters
    ----------
    like : Tensor of shape (n, D)
        Rows as the proposals are.

    Attributes
    ----------
    rows : Tensor of shape (N, D)
        What is accepted so far.

    References
    ----------
    Caffo, Booth and Davis (2002), Empirical supremum rejection sampling.
    """

    def __init__(self, like: Tensor) -> None:
        self.rows, self._log_ratio = like[:0], like.new_empty(0)
        self._largest, self._log_sum, self._n_proposed = like.new_tensor(-math.inf), like.new_tensor(-math.inf), 0

    @property
    def share(self) -> float:
        """Share of the proposals that is expected to be accepted; NaN where none can be."""
        return float((self._log_sum - self._largest).exp()) / self._n_proposed

    def propose(self, rows: Tensor, log_weights: Tensor, log_u: Tensor) -> None:
        """Accept or reject more rows, by uniform numbers u. Shape: (n, D), (n,), (n,)."""
        self._n_proposed += len(rows)
        self._largest = self._largest.maximum(log_weights.max())
        self._log_sum = torch.logaddexp(self._log_sum, log_weights.logsumexp(dim=0))
        log_ratio = torch.cat([self._log_ratio, log_weights - log_u])
        is_accepted = log_ratio > self._largest
        self.rows, self._log_ratio = torch.cat([self.rows, rows])[is_accepted], log_ratio[is_accepted]


@dataclass(frozen=True)
class ByReader:
    """Missing cells given those that are known, one column after another.

    Draws that replace gaps are the reader's. Samples are the chain's: of one condition that its own rows often meet, by
    rejection of the others; else by sampling importance resampling, where the reader proposes what lies before the last
    known column, and the chain draws the rest.

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
        drawn, is_left = rows.clone(), torch.ones(len(rows), dtype=torch.bool, device=x.device)
        for at in who_share_a_condition(rows, MIN_SHARING if n_samples is None else 1):
            accepted = self._accept(rows[at[:1]], len(at), self.chain, generator, gaps=gaps)
            if accepted is not None:
                drawn[at], is_left[at] = accepted, False
        if is_left.any():
            for at in torch.split(is_left.nonzero().squeeze(-1), max(1, self._n_rows_of(self.chain) // N_PROPOSALS)):
                drawn[at] = self._resample(rows[at], self.chain, generator, gaps=gaps)
        return drawn

    def shares(self, x: Tensor, j: int, generator: torch.Generator) -> Tensor:  # noqa: D102
        x = self._unsaid(hidden(x, j, self.table))
        return torch.cat([self.reader.log_shares(rows[None], j)[0].exp() for rows in torch.split(x, self._n_rows(1))])

    def _accept(
        self, x: Tensor, n_samples: int, chain: Chain, generator: torch.Generator, *, gaps: bool
    ) -> Tensor | None:
        """Rows of the chain, accepted by how likely they make the cells that are known; None if too few are.

        Shape: (1, D) -> (n_samples, D).
        """
        n, n_more, accepted = after_last_known(x), N_PILOT, Accepted(x)
        while len(accepted.rows) < n_samples:
            for part in torch.split(x.expand(n_more, -1), self._n_rows_of(chain)):
                proposals, log_prob = chain.propose(part[None], n, generator, gaps=gaps)
                u = torch.rand(len(part), generator=generator, dtype=x.dtype, device=x.device)
                accepted.propose(proposals[0], log_prob[0], u.log())
            if not accepted.share >= MIN_ACCEPTED:  # nor where no row can meet it
                return None
            n_more = math.ceil((n_samples - len(accepted.rows)) / accepted.share)
        return self._finish(accepted.rows[:n_samples], chain, generator, gaps=gaps)

    def _resample(self, x: Tensor, chain: Chain, generator: torch.Generator, *, gaps: bool) -> Tensor:
        """Draws of the chain given cells of the first n columns; p(x_≤n) / q(missing | known) weighs a proposal."""
        n = after_last_known(x)
        proposals, log_q = self.reader.propose(x.repeat_interleave(N_PROPOSALS, 0)[None], n, generator, gaps=gaps)
        log_weights = chain.propose(proposals, n, generator, gaps=gaps)[1] - log_q
        weights = log_weights.view(-1, N_PROPOSALS).softmax(dim=-1)
        chosen = torch.multinomial(weights, 1, generator=generator).squeeze(-1)
        rows = proposals[0].view(-1, N_PROPOSALS, x.shape[1])[torch.arange(len(x), device=x.device), chosen]
        return self._finish(rows, chain, generator, gaps=gaps)

    def _finish(self, x: Tensor, chain: Chain, generator: torch.Generator, *, gaps: bool) -> Tensor:
        """The gaps of rows drawn by the chain. Shape: (B, D), kept."""
        parts = torch.split(x, self._n_rows_of(chain))
        return torch.cat([chain.complete(part[None], generator, gaps=gaps)[0] for part in parts])

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

    def _n_rows_of(self, chain: Chain) -> int:
        """Rows that the chain and the reader complete at once."""
        return max(1, CELLS // max(self._width(1), chain.n_outputs, 128 * len(self.table.columns)))

    def _width(self, n_copies: int) -> int:
        """Numbers for each row in the widest layer."""
        table, reader = self.table, self.reader
        return max(reader.n_features, reader.n_outputs, table.n_levels, n_copies * len(table.columns))


def after_last_known(x: Tensor) -> int:
    """How many columns there are up to the last that any row knows. Shape: (N, D)."""
    known = (~x.isnan()).any(dim=0).nonzero()
    return int(known.max()) + 1 if len(known) else 0


def who_share_a_condition(x: Tensor, least: int) -> list[Tensor]:
    """Positions of the rows with the same known cells, where they are so many at least. Shape: (N, D) -> (n,) each."""
    known = x.nan_to_num(nan=torch.inf).cpu().numpy()
    _, group, counts = np.unique(known, axis=0, return_inverse=True, return_counts=True)
    shared = [np.flatnonzero(group.ravel() == g) for g in np.flatnonzero(counts >= least)]
    return [torch.from_numpy(at).to(x.device) for at in shared]


def hidden(x: Tensor, j: int, table: Table) -> Tensor:
    """Rows whose cells of column j are gaps. Shape: (N, D), kept."""
    x, of_data = x.clone(), j - len(table.indicated)
    x[:, j] = torch.nan
    if of_data in table.indicated:
        x[:, table.indicated.index(of_data)] = 1.0
    return x
