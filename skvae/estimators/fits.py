"""How an estimator is fitted: in one go, to a stream, a chunk at a time, and further."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, Self, cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from skvae.estimators._callbacks import CallbackMixin, follow, with_callbacks
from skvae.estimators._compat import fit_context
from skvae.estimators.attributes import fitted_attributes
from skvae.estimators.input import check_not_ordered, n_rows_min, read_rows, row_weights, unchanged_on_error
from skvae.estimators.rules import rules_of
from skvae.files import fit_kept
from skvae.likelihoods import Likelihood
from skvae.messages import tell_who_waits, warn_user
from skvae.models import (
    Data,
    Fit,
    Network,
    Online,
    Parameters,
    Plan,
    Run,
    complaints_of,
    decide,
    fit,
    fit_chunk,
    seed_of,
    warn_of_few,
)
from skvae.models.shelf import from_shelf
from skvae.models.streaming import IN_MEMORY, FirstPass
from skvae.networks import VAE
from skvae.tables import Chunks, Native, Rows, Rulebook, Table, check_is_table, is_memory_map, to_pandas
from skvae.training import History, agree_on, resolve_device

WAITING = "skvae: this fit takes a while. verbose=1 prints how it goes, set_callbacks(ProgressBar()) shows it."
SHORTER = "decoder='factorized' leaves out what only rows, conditions and gaps need."


class FitsMixin(CallbackMixin):
    """Adds ``fit``, ``fit_chunks`` and ``partial_fit`` to an estimator with the parameters of ``VAETransformer``."""

    vae_: VAE
    table_: Table
    history_: dict[str, list[float]]
    likelihood: str | Likelihood | Mapping[Any, str | Likelihood]
    constraints: str | Sequence[str] | None
    add_indicator: bool
    protect: Any
    decoder: Network
    warm_start: bool
    device: str | torch.device
    random_state: int | np.random.RandomState | None
    verbose: int
    checkpoint_dir: str | os.PathLike[str] | None
    get_params: Callable[..., dict[str, Any]]
    _fitted_with: dict[str, Any]
    _online: Online | None
    _rules: Rulebook | None

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: object = None,
        *,
        sample_weight: ArrayLike | None = None,
        X_val: ArrayLike | None = None,
    ) -> Self:
        """Train the model.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows; NaN, None and pandas.NA mark missing cells.
        y : ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_rows,), optional
            Weights of the rows in the objective.
        X_val : like X, optional
            Rows that choose the best weights, instead of held-out rows of X.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            Where X or a parameter does not fit, before training starts; the estimator is then as it was.
        """
        with unchanged_on_error(self):
            start, known = self._start()
            frame, native = to_pandas(X)
            rows = read_rows(self, frame, known)
            weights = row_weights(rows, sample_weight).on_average_one()
            if is_memory_map(rows) and rows.size > IN_MEMORY:
                chunks = Chunks.of_memory_map(rows, weights.kept)
                return self._fit_stream(chunks, X_val, None, weights.of_kept)
            rows = weights.rows_of(rows)
            data = self._encoded(rows, known, native, weights.of_kept)
            data = replace(data, x_val=self._judges(X_val, data.table))
            rules = self._rules_of(rows, self._before_rules(start), data.table.identifiers)
            return self._train(rows, data, start, self._seed(), rules, (X, y))

    @fit_context(prefer_skip_nested_validation=True)
    def fit_chunks(self, chunks: Any, *, X_val: Any = None, table: Table | None = None) -> Self:
        """Train the model on rows that do not fit into memory.

        A first pass learns names, dtypes, categories, bins, scales and rules (those of the first 100,000 rows that all
        others keep) and draws a sample of 100,000 rows, which start
        the model and judge it; each pass of training reads the rows again, in memory that does not grow with them. A
        stream of up to 16 million cells is fitted as ``fit`` would fit it. Blocks (row groups of Parquet files,
        partitions, items of a list) are read in random order, and rows are shuffled in a buffer of 32 million
        cells; the rows of a plain iterable meet within that buffer only, so do not sort them.

        Parameters
        ----------
        chunks : path, list of paths, pyarrow Dataset, Dask DataFrame, list, iterable or callable
            Parquet files; partitions; or arrays or DataFrames with the same columns and dtypes. An iterable is asked
            for a new iterator in each pass, and a callable without arguments for a new iterable, as in
            ``lambda: pandas.read_csv(path, chunksize=100_000)``. Chunks without rows are skipped.
        X_val : array-like or DataFrame, optional
            Rows that choose the best weights, instead of held-out rows of the stream.
        table : Table, optional
            Columns that are known already, from ``table_`` of another estimator or from ``Table.fit`` on some rows:
            their categories, bins and scales are kept.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            Where a chunk differs from the first, or the stream can be read once only; the estimator is then as it
            was.

        Examples
        --------
        >>> import numpy as np
        >>> from skvae import VAETransformer
        >>> chunks = [np.random.default_rng(seed).normal(size=(100, 3)) for seed in range(3)]
        >>> vae = VAETransformer(2, max_iter=2, random_state=0).fit_chunks(chunks)
        >>> vae.transform(chunks[0]).shape
        (100, 2)
        """
        with unchanged_on_error(self):
            return self._fit_stream(Chunks.of(chunks), X_val, table)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: ArrayLike, y: object = None, *, sample_weight: ArrayLike | None = None, table: Table | None = None
    ) -> Self:
        """Take one pass over a chunk of rows, with the optimiser as the last call left it.

        The first call learns the columns from its rows and starts the model there; give it some thousand, a hundred at
        least, or a ``table``. Rules of these rows that later ones break are dropped, and values outside the ranges of
        these are warned of. After ``fit`` it goes on from the fitted model. The learning rate is constant after a
        warm-up, no row is held out, and the steps that end ``fit``, which match a learned prior and the frequencies of
        the chain, are left out. For a given set of rows, ``fit_chunks`` is better.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows; categories that the first call did not see count as missing.
        y : ignored
            Present for API consistency.
        sample_weight : array-like of shape (n_rows,), optional
            Weights of the rows in the objective, relative to those of all chunks so far.
        table : Table, optional
            Columns that are known already, in the first call: see ``fit_chunks``.

        Returns
        -------
        self
        """
        with unchanged_on_error(self):
            check_not_ordered(self.get_params(deep=False))
            start, known = self._start_of_chunk(table)
            frame, native = to_pandas(X)
            rows = read_rows(self, frame, known, reset=start is None)
            weights = row_weights(rows, sample_weight, n_rows_wanted=n_rows_min(known))
            if known is None:
                warn_of_few(len(rows))
            elif start is not None:
                known.warn_beyond(rows, self.protect)
            rows = weights.rows_of(rows)
            data = self._encoded(rows, known, native, weights.of_kept)
            rules, before = None, self._before_rules(start)
            if start is None or before is not None:
                rules = self._rules_of(rows, before, data.table.identifiers)
            return self._train_on_chunk(rows, data, start, rules)

    # -- inside ------------------------------------------------------------------------------------------------

    def _start(self) -> tuple[VAE | None, Table | None]:
        """The model that a warm start continues from, and its columns."""
        if not (self.warm_start and hasattr(self, "vae_")):
            return None, None
        self._check_continues()
        return self.vae_, self.table_

    def _start_of_chunk(self, table: Table | None) -> tuple[VAE | None, Table | None]:
        """The model and the columns that ``partial_fit`` continues with, as far as they are known."""
        check_is_table(table)
        if not hasattr(self, "vae_"):
            return None, table
        if table is not None and table is not self.table_:
            raise ValueError(
                "The first call fixes the columns, but this is not the first and passes another table. Leave "
                "table out, or start with a new estimator."
            )
        self._check_continues()
        return self.vae_, self.table_

    def _check_continues(self) -> None:
        """Refuse a warm start whose parameters ask for another model."""
        for name, before in self._fitted_with.items():
            if getattr(self, name) != before:
                raise ValueError(
                    f"warm_start and partial_fit continue with the model of the last fit, where {name} was "
                    f"{before!r}, but it is {getattr(self, name)!r} now. Set it back, or call fit with "
                    f"warm_start=False."
                )

    def _encoded(self, rows: Rows, known: Table | None, native: Native | None, weights: Tensor | None = None) -> Data:
        """Rows as tensors, by their table; the columns are learned of them where they are not known."""
        table = known or Table.fit(rows, **self._table_options(), native=native, copies=False)
        return Data(table, table.encode(rows), weights)

    def _fit_stream(self, chunks: Chunks, X_val: Any, table: Table | None, weights: Tensor | None = None) -> Self:
        """Fit a stream; the weights are those of its rows."""
        check_is_table(table)
        seed, (start, known) = self._seed(), self._start()
        known = known or table

        def check(rows: Any, table: Table | None, is_first: bool) -> Any:
            learns_names = is_first and start is None
            return read_rows(self, rows, table, n_rows_wanted=1, reset=learns_names)

        before = self._before_rules(start)
        first = FirstPass(check, chunks, known, self._table_options(), seed, rules_of=self._rules_of, rules=before)
        if first.is_streamed:
            data, rules = first.data(weights), first.rules
        else:
            data = self._encoded(read_rows(self, first.X, known), known, first.native, weights)
            rules = self._rules_of(first.X, before, data.table.identifiers)
        data = replace(data, x_val=self._judges(X_val, data.table))
        return self._train(first.X, data, start, seed, rules, (first.X, None))

    @with_callbacks
    def _train(
        self,
        rows: Rows,
        data: Data,
        start: VAE | None,
        seed: int,
        rules: Rulebook | None,
        passed: tuple[object, object],
    ) -> Self:
        """From rows, and the same encoded, to fitted attributes; callbacks see X and y as they were passed."""
        run = Run(resolve_device(self.device), seed, bool(self.verbose))
        plan = self._plan(data.table, data.n_rows, run, start)
        is_plain = data.weights is None and data.x_val is None and data.stream is None and start is None
        fitted = None
        if is_plain:
            fitted = from_shelf(self.get_params(deep=False), data.x)
        if fitted is None:
            data = _with_copies(rows, data, plan, start)
        self._take_columns(data.table, rules)
        follower = follow(self, *passed, lambda fitted: fitted_attributes(self, plan, fitted, run.device))
        if fitted is None:
            online = self._before(data.n_rows) if self.warm_start else None
            given = (plan, data, run, start, follower, online)
            kept = self.checkpoint_dir is not None
            message = f"{WAITING} {SHORTER}" if plan.beside else WAITING
            with nullcontext() if self.verbose or follower else tell_who_waits(message):
                fitted = fit_kept(self.get_params(deep=False), *given) if kept else fit(*given)
        self._keep(plan, fitted, run.device)
        if follower is not None:
            follower.end()
        return self

    def _train_on_chunk(self, rows: Rows, data: Data, start: VAE | None, rules: Rulebook | None) -> Self:
        """One pass over rows, which are encoded, too, and the fitted attributes after it."""
        run = Run(resolve_device(self.device), self._seed(), bool(self.verbose))
        online = self._before(len(data.x))
        history = History.of(getattr(self, "history_", {}))
        beside = {name: History.of(columns) for name, columns in getattr(self, "history_beside_", {}).items()}
        plan = self._plan(data.table, online.n_rows, run, None)
        data = _with_copies(rows, data, plan, start)
        self._take_columns(data.table, rules)
        self._keep(plan, fit_chunk(plan, data, run, start, online, history, beside), run.device)
        return self

    def _take_columns(self, table: Table, rules: Rulebook | None) -> None:
        """Set what is known of the columns."""
        self.table_, self._rules = table, rules
        self.constraints_ = [] if rules is None else rules.texts

    def _rules_of(self, rows: Rows, before: Rulebook | None, identifiers: Collection[int]) -> Rulebook | None:
        """The rules that rows keep, and earlier ones did."""
        return rules_of(rows, self.constraints, before, identifiers)

    def _before_rules(self, start: VAE | None) -> Rulebook | None:
        """The rules of the rows before, where a fit continues."""
        return None if start is None else getattr(self, "_rules", None)

    def _before(self, n_rows: int) -> Online:
        """What earlier fits and chunks left; nothing yet before the first, which has so many rows."""
        return getattr(self, "_online", None) or Online.starting_with(n_rows)

    def _plan(self, table: Table, n_rows: int, run: Run, start: VAE | None) -> Plan:
        """What the parameters come to."""
        return decide(cast(Parameters, self), table, n_rows, run.device, is_continued=start is not None)

    def _seed(self) -> int:
        return agree_on(seed_of(self.random_state))

    def _table_options(self) -> dict[str, Any]:
        """What the parameters say of the columns."""
        return {
            "likelihood": self.likelihood,
            "add_indicator": self.add_indicator,
            "histograms": self.decoder == "autoregressive",
            "protect": self.protect,
        }

    def _judges(self, X_val: Any, table: Table) -> Tensor | None:
        """Encoded rows that choose the best weights, if there are any."""
        if X_val is None:
            return None
        judges = table.encode(read_rows(self, X_val, table))
        table.in_precision(judges)  # refuses numbers that training cannot square
        return judges

    def _keep(self, plan: Plan, fitted: Fit, device: torch.device) -> None:
        """Set the fitted attributes, and say what went wrong on the way."""
        for complaint in complaints_of(fitted, self.table_, may_begin=plan.may_begin):
            warn_user(complaint, ConvergenceWarning)
        for name in ("noise_variance_", "history_beside_", "_levels"):  # of an earlier fit
            self.__dict__.pop(name, None)
        self.__dict__.update(fitted_attributes(self, plan, fitted, device))


def _with_copies(rows: Rows, data: Data, plan: Plan, start: VAE | None) -> Data:
    """The data of rows, and which columns copy earlier ones in some of these, where a new chain will draw them."""
    is_new = "chain" in plan.beside and (start is None or start.chain is None)
    if not is_new or data.table.copies:
        return data
    return replace(data, table=data.table.with_copies_of(rows))
