"""What a fitted model says of rows: a table and a VAE together, from rows to rows."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from skvae.messages import memory_remedy
from skvae.models.gaps import N_PARTICLES, PARTICLES_PER_DRAW, draw_gaps, draw_under_condition
from skvae.models.kl import kl_by_nodes
from skvae.networks import VAE
from skvae.objectives import Bound, elbo, importance_weighted_bound, mean_log_likelihood, normal_nodes
from skvae.tables import Rows, Table, fill_gaps, keep_given, release, slices

N_NODES, N_NODES_OF_FEW = 32, 8  # fixed posterior draws of a score; where little depends on z, and each is dear
FEW_ROWS = 256  # that are decoded with several draws at once: for fewer, a step costs more than what it computes
CHUNK = 4_000_000  # cells held in memory at once, in every layer

Floats = NDArray[np.floating[Any]]
ByRow = Callable[[VAE, Tensor], tuple[Tensor, ...]]
State = tuple[tuple[int, int], ...]

FEWER_ROWS = memory_remedy("Ask for fewer rows at a time.")

_COPIES: WeakKeyDictionary[VAE, tuple[State, VAE]] = WeakKeyDictionary()  # in double precision, beside the modules


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
        return self.vae.encoder.n_components

    @property
    def device(self) -> torch.device:
        """Where the module is."""
        return next(self.vae.parameters()).device

    # -- of given rows -----------------------------------------------------------------------------------------

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
    def log_likelihood(self, X: Rows, n_draws: int, seed: int) -> Floats:
        """Importance-weighted bound on log p(x), by draws that all rows share. Shape: (N, D) -> (N,)."""

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

        return self._decode(self._by_row(X, rows)[0], index)

    @FEWER_ROWS
    @torch.no_grad()
    def impute(self, X: Rows, n_draws: int | None, generator: torch.Generator) -> list[Any]:
        """Completed tables: so many with draws in the gaps, or one with the mean of 200 draws. Shape: (N, D) each."""
        table = self.table
        x = table.in_precision(table.encode(X)).to(self.device)
        has_gap = x.isnan().any(dim=1)
        x[:, : len(table.indicated)] = 0.0  # as if it had been observed
        if n_draws is None:
            draws = draw_gaps(self.vae, x[has_gap], N_PARTICLES, N_PARTICLES, generator)
            completed = table.center(draws)[None]
        else:
            n_particles = max(N_PARTICLES, PARTICLES_PER_DRAW * n_draws)
            completed = draw_gaps(self.vae, x[has_gap], n_draws, n_particles, generator)
        where = has_gap.cpu().numpy()
        return [table.present(fill_gaps(X, where, table.decode(rows))) for rows in completed]

    # -- of z, and of nothing ----------------------------------------------------------------------------------

    @FEWER_ROWS
    @torch.no_grad()
    def decode(self, Z: NDArray[Any], index: pd.Index | None) -> Any:
        """E[x | z], the mode for categories. Shape: (N, K) -> (N, D)."""
        z = torch.tensor(Z, device=self.device)
        vae, size = self._module(z.dtype), self._chunk_size()
        x = torch.empty((len(z), len(self.table.columns)), dtype=z.dtype)
        for first in range(0, len(z), size):
            x[first : first + size] = vae.generate(z[None, first : first + size], None, gaps=False)[0]
        return self._decode(x, index)

    @FEWER_ROWS
    @torch.no_grad()
    def sample(self, n_samples: int, generator: torch.Generator) -> Any:
        """Draws from p(x). Shape: (n_samples, D)."""
        vae, size = self._module(torch.float32), self._chunk_size()
        like = torch.empty(0, dtype=torch.float32, device=self.device)
        x = torch.empty((n_samples, len(self.table.columns)), dtype=torch.float32)
        for first in range(0, n_samples, size):
            x[first : first + size] = vae.sample(min(size, n_samples - first), like, generator)[0]
        return self._decode(x)

    @FEWER_ROWS
    @torch.no_grad()
    def sample_given(self, given: pd.DataFrame, n_samples: int | None, generator: torch.Generator) -> Any:
        """Draws from p(x | given): each row of ``given`` completed, or its only row so many times. Shape: (M, D)."""
        table = self.table
        x = table.in_precision(table.encode_condition(given, gaps=n_samples is not None)).to(self.device)
        if n_samples is None:
            drawn = table.decode(draw_gaps(self.vae, x, 1, N_PARTICLES, generator)[0], given.index)
        else:
            drawn = table.decode(draw_under_condition(self.vae, x[0], n_samples, generator))
            given = given.iloc[[0] * n_samples]
        return table.present(keep_given(drawn, given, table))

    # -- inside ------------------------------------------------------------------------------------------------

    def _by_row(self, X: Rows, function: ByRow) -> list[Tensor]:
        """What a function says of each row, a part of the rows at a time.

        The function is called with the module in the precision of X and encoded rows, (1, n, D), and gives tensors of
        n rows, which are put where there is room for all N: small results between large ones would tear memory apart.
        """
        results, n, vae = list[Tensor](), 0, self.vae
        for first, rows in slices(X):
            with counting_from(first):
                x = self.table.encode(rows).to(self.device)
            release(X)
            if first == 0:
                vae = self._module(x.dtype)
            for part in torch.split(x, self._chunk_size()):
                values = function(vae, part[None])
                if not results:
                    results = [value.new_empty((len(X), *value.shape[1:]), device="cpu") for value in values]
                for result, value in zip(results, values, strict=True):
                    result[n : n + len(part)] = value
                n += len(part)
        return results

    def _module(self, dtype: torch.dtype) -> VAE:
        """The module in another precision; itself in its own."""
        if dtype == torch.float32:
            return self.vae
        state = _state_of(self.vae)
        kept = _COPIES.get(self.vae)
        if kept is None or kept[0] != state or next(kept[1].parameters()).dtype != dtype:
            kept = state, copy.deepcopy(self.vae).to(dtype)
            _COPIES[self.vae] = kept
        return kept[1]

    def _chunk_size(self) -> int:
        """Rows whose widest layer, or all of whose levels, fit into memory."""
        n_outputs = self.vae.decoder.bias.shape[-1]
        n_levels = sum(len(column.edges) for column in self.table.columns)
        return max(1, CHUNK // max(n_outputs, n_levels, len(self.table.columns), 512))

    def _decode(self, x: Tensor, index: pd.Index | None = None) -> Any:
        """Encoded rows in the container that fit saw."""
        return self.table.present(self.table.decode(x, index))


def _state_of(vae: VAE) -> State:
    """What differs once a weight or a mode of the module has been changed, in place or not."""
    tensors = (*vae.parameters(), *vae.buffers())
    return ((int(vae.training), 0), *((tensor.data_ptr(), tensor._version) for tensor in tensors))


def index_of(rows: object) -> pd.Index | None:
    """The index of a DataFrame; None for what has none."""
    if isinstance(rows, pd.DataFrame):
        return rows.index
    return None


@contextmanager
def counting_from(first: int) -> Iterator[None]:
    """Say from where an error counts its rows, if not from the first."""
    try:
        yield
    except ValueError as error:
        if not first or type(error) is not ValueError:
            raise
        raise ValueError(f"{error} (Rows count from row {first} here.)") from error
