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
from skvae.models.completing import Completer, completer, hidden
from skvae.models.kl import kl_by_nodes
from skvae.models.obeying import (
    Mask,
    Positions,
    Redraw,
    check_condition,
    obey,
    refuse_beyond,
    refuse_broken,
    with_known,
)
from skvae.networks import VAE
from skvae.objectives import Bound, Shown, elbo, importance_weighted_bound, mean_log_likelihood, normal_nodes
from skvae.tables import (
    NewIdentifiers,
    Rows,
    Rulebook,
    Table,
    draw_copies,
    fill_gaps,
    gaps_of,
    keep_given,
    log_prob_of_copies,
    release,
    rows_at,
    slices,
)

N_NODES, N_NODES_OF_FEW = 32, 8  # fixed posterior draws of a score; where little depends on z, and each is dear
N_FILLINGS = 3  # of gaps, each by the one before
N_DRAWS = 100  # of an importance-weighted bound
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
    rules : Rulebook or None
        What holds in every row; None for nothing.
    """

    table: Table
    vae: VAE
    rules: Rulebook | None = None

    @property
    def n_components(self) -> int:
        """Dimension K of z."""
        return self.vae.n_components

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

        return self._decode(self._by_row(X, rows)[0], index, self._new(generator))

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
        tables = [by.table.decode(rows, new=self._new(generator, beside=X)) for rows in completed]
        if len(x) and (self.rules is not None or (self.has_copies and n_draws is not None)):
            some = rows_at(X, where)
            tables = [
                self._completed(rows, by, x, some, ~gaps_of(some), generator, are_means=n_draws is None)
                for rows in tables
            ]
        return [self.table.present(fill_gaps(X, where, rows)) for rows in tables]

    @FEWER_ROWS
    @torch.no_grad()
    def infer(self, X: Rows, j: int, generator: torch.Generator) -> Any:
        """The mean of column j of the data given the other cells of each row, or its mode. Shape: (N, D) -> (N,)."""
        by = completer(self.table, self.vae)
        x = self._known(by, by.table.encode(X))
        x = hidden(x, len(by.table.indicated) + j, by.table)
        rows = by.table.decode(by.mean(x, generator), index_of(X))
        if self.rules is not None:
            known = ~gaps_of(X)
            known[:, self.table.positions[j]] = False
            rows = self._completed(rows, by, x, X, known, generator, are_means=True)
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
    def sample(self, n_samples: int, generator: torch.Generator, *, gaps: bool | None) -> Any:
        """Draws from p(x), with gaps as the rows of training have them, or without if False. Shape: (n_samples, D)."""
        has_gaps = gaps is not False
        rows = self._draws(n_samples, generator, gaps=has_gaps, are_named=True)
        chance = self._chance_of_copies(n_samples, generator)
        rows = self._copied(rows, chance)
        if self.rules is not None:

            def draw(at: Positions) -> Rows:
                return self._draws(len(at), generator, gaps=has_gaps)

            rows, broken = self._obeying(rows, draw, generator, chance)
            refuse_broken(self.rules, rows, broken)
        return self.table.present(rows)

    @FEWER_ROWS
    @torch.no_grad()
    def sample_given(
        self, given: pd.DataFrame, n_samples: int | None, generator: torch.Generator, *, gaps: bool | None
    ) -> Any:
        """Draws from p(x | given): each row of ``given`` completed, or its only row so many times. Shape: (M, D)."""
        by = completer(self.table, self.vae)
        gaps = n_samples is not None if gaps is None else gaps  # rows that are completed have none
        x = self._known(by, by.table.encode_condition(given, gaps=n_samples is not None))
        drawn = by.sample(x, n_samples, generator, gaps=gaps)
        new = self._new(generator, gaps=gaps)
        if n_samples is None:
            rows = by.table.decode(drawn, given.index, new)
        else:
            rows = by.table.decode(drawn, new=new)
            given = given.iloc[[0] * n_samples]
        known = self._is_given(given)
        chance = self._chance_of_copies(len(rows), generator)
        rows = self._copied(keep_given(rows, given, self.table), chance, known)
        if self.rules is not None:
            check_condition(self.rules, rows, known)

            def draw(at: Positions) -> Rows:
                some, n = (x[at], None) if n_samples is None else (x, len(at))
                again: Rows = by.table.decode(by.sample(some, n, generator, gaps=gaps))
                return again

            rows, broken = self._obeying(rows, draw, generator, chance, known)
            refuse_broken(self.rules, rows, broken, known)
            refuse_beyond(self.rules, rows, known)
        return self.table.present(rows)

    def _draws(self, n_samples: int, generator: torch.Generator, *, gaps: bool, are_named: bool = False) -> Rows:
        """Draws from p(x), whatever the rules, with new identifiers or always the same. Shape: (n_samples, D)."""
        vae, size = self._module(torch.float32), self._chunk_size()
        table = self.table if vae.chain is None else self.table.of_columns
        like = torch.empty(0, dtype=torch.float32, device=self.device)
        x = torch.empty((n_samples, len(table.columns)), dtype=torch.float32)
        for first in range(0, n_samples, size):
            x[first : first + size] = vae.sample(min(size, n_samples - first), like, generator, gaps=gaps)[0]
        rows: Rows = table.decode(x, new=self._new(generator, gaps=gaps) if are_named else None)
        return rows

    def _completed(
        self, rows: Rows, by: Completer, x: Tensor, X: Rows, known: Mask, generator: torch.Generator, *, are_means: bool
    ) -> Rows:
        """Completed rows, with the known cells of X, made to keep the rules as far as these let them."""
        chance = None if are_means else self._chance_of_copies(len(rows), generator)
        rows = self._copied(with_known(rows, X, known), chance, known)
        if self.rules is None:
            return rows

        def draw(at: Positions) -> Rows:
            again: Rows = by.table.decode(by.draws(x[at], 1, generator)[0])
            return again

        return self._obeying(rows, draw, generator, chance, known, are_means=are_means)[0]

    def _obeying(
        self,
        rows: Rows,
        draw: Redraw,
        generator: torch.Generator,
        chance: Floats | None,
        known: Mask | None = None,
        *,
        are_means: bool = False,
    ) -> tuple[Rows, Mask]:
        """Rows made to keep the rules, and which of them cannot.

        Rows are drawn again by ``draw``, but for the cells that are known and the names that identifiers have: these
        differ from all others. Chance decides on copies once for each row: of rows that are drawn again for a bound,
        which copies keep, else too many would become some. See ``obey``.
        """
        assert self.rules is not None, "there are no rules to keep"
        kept = np.zeros((len(rows), self.table.n_columns), dtype=bool) if known is None else known.copy()
        kept[:, list(self.table.identifiers)] = True

        def redraw(at: Positions) -> Rows:
            again = with_known(draw(at), rows_at(rows, at), kept[at])
            return self._copied(again, None if chance is None else chance[at], kept[at])

        is_free = None if known is None else ~known
        return obey(self.rules, rows, generator, redraw, is_free=is_free, are_means=are_means)

    @property
    def has_copies(self) -> bool:
        """Whether draws have cells that are the value of another: those of the chain, and what it completes."""
        return self.vae.chain is not None and bool(self.table.copies)

    def _chance_of_copies(self, n_rows: int, generator: torch.Generator) -> Floats | None:
        """Numbers from 0 to 1 that decide on each copy in each row; None where there are no copies. Shape: (N, C)."""
        if not self.has_copies:
            return None
        size = (n_rows, len(self.table.copies))
        return torch.rand(size, generator=generator, device=generator.device).cpu().numpy()

    def _copied(self, rows: Rows, chance: Floats | None, known: Mask | None = None) -> Rows:
        """Draws in which some of the cells that are not known are the value of another. Shape: (N, D), kept."""
        if chance is None:
            return rows
        return draw_copies(rows, self.table.copies, self.table.ranged, chance, known)

    def _log_prob_of_copies(self, X: Rows) -> Floats:
        """What copies add to the log-probability of each row. Shape: (N, D) -> (N,)."""
        parts = [log_prob_of_copies(rows, self.table.copies, self.table.ranged) for _, rows in slices(X)]
        return np.concatenate(parts)

    def _is_given(self, given: pd.DataFrame) -> Mask:
        """Which cells of rows a condition says. Shape: (M, D)."""
        known = np.zeros((len(given), self.table.n_columns), dtype=bool)
        for j, column in zip(self.table.positions, self.table.data, strict=True):
            if column.name in given.columns:
                known[:, j] = ~np.array(given[column.name].isna(), dtype=bool)
        return known

    def _log_prob(self, vae: VAE, x: Tensor) -> tuple[Tensor]:
        """Log p(x) of the chain, given which cells are gaps unless that is modelled. Shape: (1, n, D) -> (n,)."""
        chain: Any = vae.chain
        shown = self.table.with_gaps_shown(x[0])
        n_known = len(self.table.of_columns.indicated) - len(self.table.indicated)
        return (chain.log_prob(shown[None], n_known)[0] + self.table.log_jacobian(x[0]),)

    def _known(self, by: Completer, x: Tensor) -> Tensor:
        """Rows that are known in part, where and as what completes them is. Shape: kept."""
        return by.table.in_precision(x).to(self.device)

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
        n_outputs = self.vae.n_outputs
        n_levels = sum(len(column.edges) for column in self.table.columns)
        return max(1, CHUNK // max(n_outputs, n_levels, len(self.table.columns), 512))

    def _decode(self, x: Tensor, index: pd.Index | None = None, new: NewIdentifiers | None = None) -> Any:
        """Encoded rows in the container that fit saw."""
        return self.table.present(self.table.decode(x, index, new))

    def _new(
        self, generator: torch.Generator | None, *, gaps: bool = False, beside: Rows | None = None
    ) -> NewIdentifiers | None:
        """How identifiers are drawn, where there are any: without a generator always the same."""
        if generator is None or not self.table.identifiers:
            return None
        return NewIdentifiers.by(generator, gaps=gaps, beside=beside)


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
