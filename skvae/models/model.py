"""What a fitted model says of rows: a table and a VAE together, from rows to rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from skvae.models.kl import kl_by_nodes
from skvae.models.passes import FEWER_ROWS, ByRow, by_row, device_of, in_precision, rows_at_once
from skvae.networks import VAE
from skvae.objectives import Bound, Shown, elbo, importance_weighted_bound, mean_log_likelihood, normal_nodes
from skvae.tables import Copies, NewIdentifiers, Rows, Table, slices

N_NODES, N_NODES_OF_FEW = 32, 8  # fixed posterior draws of a score; where little depends on z, and each is dear
N_FILLINGS = 3  # of gaps, each by the one before
N_DRAWS = 100  # of an importance-weighted bound
FEW_ROWS = 256  # that are decoded with several draws at once: for fewer, a step costs more than what it computes

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Model:
    """A fitted model, which reads and gives rows as the table has them. Rows are checked already.

    Attributes
    ----------
    table : Table
        The columns.
    vae : VAE
        The trained module, a stack of one.
    """

    table: Table
    vae: VAE

    @property
    def n_components(self) -> int:
        """Dimension K of z."""
        return self.vae.n_components

    @property
    def device(self) -> torch.device:
        """Where the module is."""
        return device_of(self.vae)

    @FEWER_ROWS
    @torch.no_grad()
    def posterior(self, X: Rows) -> tuple[Floats, Floats]:
        """Mean and standard deviation of q(z | x). Shape: (N, D) -> (N, K) both."""

        def moments(vae: VAE, x: Tensor) -> tuple[Tensor, Tensor]:
            q = vae.posterior(x)
            return q.loc[0], q.scale[0]

        mean, std = self._by_row(X, moments)
        return mean.numpy(), std.numpy()

    @FEWER_ROWS
    @torch.no_grad()
    def elbo(self, X: Rows) -> Floats:
        """Evidence lower bound on log p(x), nats, in the units of the data. Shape: (N, D) -> (N,)."""
        n_nodes = N_NODES_OF_FEW if self.vae.decoder.sees_columns else N_NODES

        def bounds(vae: VAE, x: Tensor) -> tuple[Tensor]:
            noise = normal_nodes(n_nodes, self.n_components).to(x)[:, None, None]
            n_together = max(1, FEW_ROWS // x.shape[1])
            if vae.prior.has_closed_form_kl:
                bound = elbo(vae, x, noise, n_together=n_together)
            else:  # more nodes, which need no decoder
                draws = list(map(vae.posterior(x).at, noise))
                bound = Bound(mean_log_likelihood(vae, draws, x, n_together), kl_by_nodes(vae, x))
            return (bound.elbo[0] + self.table.log_jacobian(x[0]),)

        return self._by_row(X, bounds)[0].numpy()

    @FEWER_ROWS
    @torch.no_grad()
    def elbo_by_draws(self, X: Rows, n_draws: int) -> Floats:
        """The bound by so many fixed draws, an even number, whatever the prior. Shape: (N, D) -> (N,).

        The encoder is shown what is expected in the place of gaps, as every q gives a bound: beside a sharp likelihood
        that of a row with gaps, whose components are independent, is far below log p(x).
        """
        nodes = normal_nodes(n_draws, self.n_components)

        def bounds(vae: VAE, x: Tensor) -> tuple[Tensor]:
            noise = nodes.to(x)[:, None, None]
            bound = elbo(vae, x, noise, seen=Shown(expected(vae, x)), n_together=max(1, FEW_ROWS // x.shape[1]))
            return (bound.elbo[0] + self.table.log_jacobian(x[0]),)

        return self._by_row(X, bounds)[0].numpy()

    @FEWER_ROWS
    @torch.no_grad()
    def log_likelihood(self, X: Rows, n_draws: int | None, seed: int) -> Floats:
        """Log p(x) of the chain, or an importance-weighted bound by so many draws that all rows share. (N, D) -> (N,).

        Without a chain, no number of draws means 100.
        """
        if self.vae.chain is not None and n_draws is None:
            log_prob = self._by_row(X, self._log_prob)[0].numpy()
            return log_prob + self._log_prob_of_copies(X) if self.table.copies else log_prob
        n_draws = N_DRAWS if n_draws is None else n_draws

        def bounds(vae: VAE, x: Tensor) -> tuple[Tensor]:
            size = (n_draws, 1, 1, self.n_components)
            noise = torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(x)
            return (importance_weighted_bound(vae, x, noise)[0] + self.table.log_jacobian(x[0]),)

        return self._by_row(X, bounds)[0].numpy()

    @FEWER_ROWS
    @torch.no_grad()
    def reconstruct(self, X: Rows, index: pd.Index | None, generator: torch.Generator | None) -> Any:
        """Rows through the posterior mean and back, or drawn at a draw of the posterior. Shape: (N, D), kept."""

        def rows(vae: VAE, x: Tensor) -> tuple[Tensor]:
            q = vae.posterior(x)
            z = q.loc
            if generator is not None:
                z = q.at(torch.randn(z.shape, generator=generator, dtype=x.dtype, device=x.device))
            return (vae.generate(z, generator, gaps=False)[0],)

        return self._decode(self._by_row(X, rows)[0], index, new_identifiers(self.table, generator))

    @FEWER_ROWS
    @torch.no_grad()
    def decode(self, Z: NDArray[Any], index: pd.Index | None) -> Any:
        """E[x | z], the mode for categories. Shape: (N, K) -> (N, D)."""
        z = torch.tensor(Z, device=self.device)
        vae, size = in_precision(self.vae, z.dtype), rows_at_once(self.table, self.vae)
        x = torch.empty((len(z), len(self.table.columns)), dtype=z.dtype)
        for first in range(0, len(z), size):
            x[first : first + size] = vae.generate(z[None, first : first + size], None, gaps=False)[0]
        return self._decode(x, index)

    def _log_prob(self, vae: VAE, x: Tensor) -> tuple[Tensor]:
        """Log p(x) of the chain, given which cells are gaps unless that is modelled. Shape: (1, n, D) -> (n,)."""
        chain: Any = vae.chain
        shown = self.table.with_gaps_shown(x[0])
        n_known = len(self.table.of_columns.indicated) - len(self.table.indicated)
        return (chain.log_prob(shown[None], n_known)[0] + self.table.log_jacobian(x[0]),)

    def _log_prob_of_copies(self, X: Rows) -> Floats:
        """What copies add to the log-probability of each row. Shape: (N, D) -> (N,)."""
        copies = Copies(self.table.copies, self.table.ranged)
        return np.concatenate([copies.log_prob(rows) for _, rows in slices(X)])

    def _decode(self, x: Tensor, index: pd.Index | None = None, new: NewIdentifiers | None = None) -> Any:
        """Encoded rows in the container that fit saw."""
        return self.table.present(self.table.decode(x, index, new))

    def _by_row(self, X: Rows, function: ByRow) -> list[Tensor]:
        """What a function says of each row: see ``by_row``."""
        return by_row(self.table, self.vae, X, function)


def expected(vae: VAE, x: Tensor) -> Tensor:
    """Rows with expected values in their gaps, but for rows without any cell. Shape: (1, B, D), kept."""
    is_gap = x.isnan()
    is_gap &= ~is_gap.all(dim=-1, keepdim=True)
    if not bool(is_gap.any()):
        return x
    filled = x
    for _ in range(N_FILLINGS):
        filled = torch.where(is_gap, vae.generate(vae.posterior(filled).loc, None, gaps=False), x)
    return filled


def index_of(rows: object) -> pd.Index | None:
    """The index of a DataFrame; None for what has none."""
    if isinstance(rows, pd.DataFrame):
        return rows.index
    return None


def new_identifiers(
    table: Table, generator: torch.Generator | None, *, gaps: bool = False, beside: Rows | None = None
) -> NewIdentifiers | None:
    """How identifiers are drawn, where there are any: without a generator always the same."""
    if generator is None or not table.identifiers:
        return None
    return NewIdentifiers.by(generator, gaps=gaps, beside=beside)
