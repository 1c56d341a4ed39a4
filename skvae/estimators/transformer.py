"""The estimator."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from skvae.estimators._callbacks import CallbackMixin, follow, with_callbacks
from skvae.estimators._compat import Documented, Interval, StrOptions, fit_context
from skvae.estimators.input import check_table, counting_from, read_rows, row_weights, unchanged_on_error
from skvae.estimators.outcome import fitted_attributes, warn_of
from skvae.estimators.shelf import from_shelf, shelf_key
from skvae.estimators.streaming import IN_MEMORY, FirstPass
from skvae.files.onnx import to_onnx
from skvae.files.saving import load, pickled, save, unpickled
from skvae.likelihoods import FAMILIES, Likelihood
from skvae.models.fitting import Fit, Network, fit_together, fit_vae, mean_kl_of_rows
from skvae.models.gaps import (
    N_PARTICLES,
    PARTICLES_PER_DRAW,
    draw_gaps,
    draw_under_condition,
)
from skvae.models.online import Online, fit_chunk
from skvae.networks import ACTIVATIONS, VAE, DiagonalNormal
from skvae.objectives import elbo, importance_weighted_bound, normal_nodes
from skvae.priors import PRIORS, PriorFamily, StandardNormal
from skvae.tables import (
    Chunks,
    Table,
    fill_gaps,
    is_memory_map,
    keep_given,
    read_condition,
    release,
    slices,
    to_pandas,
)
from skvae.training import BetaSchedule, History, StreamedRows, agree_on, resolve_device

N_NODES = 32  # fixed posterior draws of a score
CHUNK = 4_000_000  # cells held in memory at once, in every layer

Floats = NDArray[np.floating[Any]]


class VAETransformer(Documented, CallbackMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    r"""Variational autoencoder for dimensionality reduction, density estimation and synthetic rows.

    Trains an encoder q(z | x) and a decoder p(x | z) to maximise the evidence lower bound

    .. math:: \log p(x) \ge E_{q(z|x)}[\log p(x \mid z)] - KL(q(z \mid x) \,\|\, p(z)),

    on an array or a DataFrame with columns of several kinds and missing cells. Training of columns with a
    location (Gaussian, Student-t, discretized logistic) starts at the linear model that they generalise, probabilistic
    PCA or factor analysis, and the best weights on held-out rows are kept.

    Parameters
    ----------
    n_components : int, default=10
        Dimension of the latent space. May exceed the number of columns.

    likelihood : "auto", str, Likelihood or dict, default="auto"
        Family of each column given z: ``"gaussian"``, ``"student_t"``, ``"histogram"``, ``"discretized_logistic"``,
        ``"poisson"``, ``"negative_binomial"``, ``"bernoulli"``, ``"categorical"``, ``"ordinal"``, an object such as
        ``Gaussian(scale="column")`` or ``Categorical(max_categories=50)``, or a dict of these by column, the rest
        being "auto"; one for all leaves the text, categories and booleans of a DataFrame as under "auto". "auto" means
        for a numeric array one Gaussian scale for all columns, for a boolean array Bernoulli; for a DataFrame Student-t
        for floats and discretized logistic for integers, or a histogram for both under
        ``decoder="autoregressive"``; a histogram for dates and durations, ordinal for ordered categories, categorical
        for booleans, text and other categories.

    prior : {"normal", "mixture", "vamp", "flow"} or PriorFamily, default="normal"
        Distribution of z: N(0, I), or one that is learned, such as a mixture of normal distributions
        (``skvae.priors.Mixture(n_modes=100)``), of posteriors of learned pseudo-inputs, or a normalizing flow.

    add_indicator : bool, default=False
        Also model which cells are missing, so that samples have gaps as the data do. The score then includes the
        log-probability of the pattern of gaps.

    hidden_layer_sizes : "auto" or tuple of int, default="auto"
        Widths of the encoder's hidden layers; the decoder has them in reverse. "auto": two layers of 64 below
        1,000 rows, of 512 from 20,000 rows and 200 columns up, of 128 otherwise; under
        ``decoder="autoregressive"`` of 256 from 5,000 rows up.

    activation : {"silu", "gelu", "relu", "tanh", "logistic"}, default="silu"
        Activation between layers.

    dropout : float in [0, 1), default=0.0
        Share of hidden units silenced in training.

    encoder : "mlp" or callable (n_in, n_out) -> torch.nn.Module, default="mlp"
        The network, a multilayer perceptron or your own, mapping (rows, n_in) to (rows, n_out), where n_in is the
        number of columns of a complete numeric array.

    decoder : "factorized", "autoregressive" or callable (n_in, n_out) -> torch.nn.Module, default="factorized"
        "factorized": columns are independent given z, which therefore holds all that they share: for
        representation. "autoregressive": each column also sees the earlier ones, in the order of the table, so that z
        holds little: for synthesis, conditions and gaps. Or your own network of a factorized decoder, whose n_out is
        the number of columns times the parameters of each cell.

    init : {"auto", "linear", "random"}, default="auto"
        Start at the linear model of the columns with a location, so that training can only improve on it, or at random
        weights, which escape its basin and can separate classes better at 2 components. "auto": at random where half of
        the columns or more are categories.

    objective : {"elbo", "iwae"}, default="elbo"
        What training maximises: the evidence lower bound, or the importance-weighted bound of ``n_draws`` draws, which
        is tighter: it raises ``log_likelihood``, and lets the posterior fit worse. ``score`` is always the ELBO.

    n_draws : int, default=1
        Posterior draws for each row and training step.

    beta : float or BetaSchedule, default=1.0
        Weight of the KL term in training; ``score`` is always at 1. A number is reached after a short warm-up where
        there is no linear start; ``skvae.training.LinearBeta(1.0, end=0.3)`` or ``CyclicalBeta`` say how it grows. 0
        trains an autoencoder.

    free_bits : "auto" or float, default="auto"
        Nats that each component may use before the KL term counts in training. "auto": 0.05 where columns see one
        another, which would otherwise leave z idle; 0 otherwise.

    input_dropout : "auto" or float in [0, 1), default="auto"
        Share of cells hidden from the encoder in training, as in a denoising autoencoder. "auto": 0.2 where all
        columns share one Gaussian scale, from 1,000 rows, 50 columns and 4 columns for each component up; 0
        otherwise.

    learning_rate : "auto" or float, default="auto"
        Of AdamW. "auto": 1e-3 below 1,000 rows, 2e-3 above, 5e-3 for binary rows; 4e-3 below 12,000 rows and 8e-3 above
        under ``decoder="autoregressive"``.

    weight_decay : "auto" or float, default="auto"
        Of AdamW. "auto": 1.0 below 1,000 rows, 0.01 above, 0 for binary rows.

    batch_size : "auto" or int, default="auto"
        Rows a step. "auto": a power of two near n / 16 from 32 to 512, or to 256 under
        ``decoder="autoregressive"``.

    max_iter : "auto" or int, default="auto"
        Passes over the training rows. "auto": 100, but about 1,500 steps at least and 20,000 at most; under
        ``decoder="autoregressive"`` 14, fewer beyond 30,000 rows, but about 400 steps at least.

    early_stopping : "auto" or bool, default="auto"
        Whether held-out rows choose the best weights. "auto": below 2,000 rows five folds and all rows are
        trained side by side, and the model of all rows is taken where the folds are best; above, and with True,
        ``validation_fraction`` of the rows (5,000 at most) is held out.

    validation_fraction : float in (0, 1), default=0.1
        Share of rows held out.

    n_iter_no_change : int, default=10
        Training stops after this many held-out evaluations without improvement; a full fit has 40 or more.

    tol : float, default=0.0
        Nats by which the held-out objective must grow to count as an improvement.

    warm_start : bool, default=False
        Continue from the weights of the last fit, with the columns as they were then. All rows train with
        ``early_stopping="auto"``, since the model may have seen any of them; ``X_val`` chooses the best weights.

    device : str or torch.device, default="auto"
        "auto" takes the first GPU if there is one.

    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Of the networks' matrix products in training. "auto" takes bfloat16 where it is faster. Scores and
        transforms are computed in the precision of X.

    random_state : int, RandomState instance or None, default=None
        Seed of everything random in fit, and of ``sample`` where it gets none of its own.

    verbose : int, default=0
        1 prints a line for each held-out evaluation, or as many where no rows are held out. For a progress bar, see
        ``set_callbacks``.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (``n_features_in_``,)
        Column names, where all are strings.
    n_iter_ : int
        Epochs trained.
    best_iter_ : int
        Epoch of the weights that were kept; 0 is the start.
    history_ : dict of lists
        By epoch, from 0: ELBO of training rows and of held-out rows, log-likelihood, KL, learning rate, seconds.
        ELBO and log-likelihood are in nats per row, in the units of X.
    kl_per_component_ : ndarray of shape (n_components,)
        Mean KL(q(z_k | x) ‖ p(z_k)) over up to 10,000 training rows, nats. Under a learned prior, KL to the normal
        distribution with the moments of the aggregate posterior.
    active_components_ : ndarray of bool of shape (n_components,)
        Components with a KL above 0.01 nats.
    noise_variance_ : float or ndarray of shape (``n_features_in_``,)
        Noise variance in the units of X, where one Gaussian family without row factors covers all columns.
    device_ : torch.device
        Where the model is.
    vae_ : skvae.networks.VAE
        The fitted module.
    table_ : skvae.tables.Table
        What was learned of the columns.

    See Also
    --------
    sklearn.decomposition.PCA : The linear special case of one Gaussian scale; much faster.
    sklearn.decomposition.FactorAnalysis : The linear special case of a scale for each column.
    sklearn.mixture.GaussianMixture : Clusters instead of coordinates.

    References
    ----------
    Kingma and Welling (2014), Auto-Encoding Variational Bayes. https://arxiv.org/abs/1312.6114

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAETransformer
    >>> X = load_iris().data
    >>> vae = VAETransformer(n_components=2, max_iter=20, random_state=0).fit(X)
    >>> vae.transform(X).shape, vae.sample(5, random_state=0).shape
    ((150, 2), (5, 4))
    """

    vae_: VAE
    table_: Table
    noise_variance_: float | Floats
    _online: Online | None

    _auto: ClassVar[Any] = StrOptions({"auto"})
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "likelihood": [StrOptions({"auto", *FAMILIES}), Likelihood, Mapping],
        "prior": [StrOptions(set(PRIORS)), PriorFamily],
        "add_indicator": ["boolean"],
        "hidden_layer_sizes": [_auto, tuple, list],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "encoder": [StrOptions({"mlp"}), callable],
        "decoder": [StrOptions({"factorized", "autoregressive"}), callable],
        "init": [StrOptions({"auto", "linear", "random"})],
        "objective": [StrOptions({"elbo", "iwae"})],
        "n_draws": [Interval(Integral, 1, None, closed="left")],
        "beta": [Interval(Real, 0, None, closed="left"), BetaSchedule],
        "free_bits": [_auto, Interval(Real, 0, None, closed="left")],
        "input_dropout": [_auto, Interval(Real, 0, 1, closed="left")],
        "learning_rate": [_auto, Interval(Real, 0, None, closed="neither")],
        "weight_decay": [_auto, Interval(Real, 0, None, closed="left")],
        "batch_size": [_auto, Interval(Integral, 1, None, closed="left")],
        "max_iter": [_auto, Interval(Integral, 1, None, closed="left")],
        "early_stopping": [_auto, "boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "warm_start": ["boolean"],
        "device": [str, torch.device],
        "precision": [StrOptions({"auto", "float32", "bfloat16"})],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_components: int = 10,
        *,
        likelihood: str | Likelihood | Mapping[Any, str | Likelihood] = "auto",
        prior: str | PriorFamily = "normal",
        add_indicator: bool = False,
        hidden_layer_sizes: str | Sequence[int] = "auto",
        activation: str = "silu",
        dropout: float = 0.0,
        encoder: Network = "mlp",
        decoder: Network = "factorized",
        init: str = "auto",
        objective: str = "elbo",
        n_draws: int = 1,
        beta: float | BetaSchedule = 1.0,
        free_bits: str | float = "auto",
        input_dropout: str | float = "auto",
        learning_rate: str | float = "auto",
        weight_decay: str | float = "auto",
        batch_size: str | int = "auto",
        max_iter: str | int = "auto",
        early_stopping: str | bool = "auto",
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 0.0,
        warm_start: bool = False,
        device: str | torch.device = "auto",
        precision: str = "auto",
        random_state: int | np.random.RandomState | None = None,
        verbose: int = 0,
    ) -> None:
        self.n_components = n_components
        self.likelihood = likelihood
        self.prior = prior
        self.add_indicator = add_indicator
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.dropout = dropout
        self.encoder = encoder
        self.decoder = decoder
        self.init = init
        self.objective = objective
        self.n_draws = n_draws
        self.beta = beta
        self.free_bits = free_bits
        self.input_dropout = input_dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose

    # -- fit ---------------------------------------------------------------------------------------------------

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: Any = None,
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
            return self._fit(X, y, sample_weight, X_val)

    @fit_context(prefer_skip_nested_validation=True)
    def fit_chunks(self, chunks: Any, *, X_val: Any = None, table: Table | None = None) -> Self:
        """Train the model on rows that do not fit into memory.

        A first pass learns names, dtypes, categories, bins and scales and draws a sample of 100,000 rows, which start
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
            return self._fit_stream(Chunks.of(chunks), X_val, table=table)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: ArrayLike, y: Any = None, *, sample_weight: ArrayLike | None = None, table: Table | None = None
    ) -> Self:
        """Take one pass over a chunk of rows, with the optimiser as the last call left it.

        The first call learns the columns from its rows and starts the model there; give it some thousand, or a
        ``table``. After ``fit`` it goes on from the fitted model. The learning rate is constant after a warm-up, no
        row is held out, and the steps that end ``fit``, which match a learned prior and the frequencies of an
        autoregressive decoder, are left out. For a given set of rows, ``fit_chunks`` is better.

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
            return self._partial_fit(X, sample_weight, table)

    def _partial_fit(self, X: Any, sample_weight: Any, table: Table | None) -> Self:
        start: VAE | None = getattr(self, "vae_", None)
        check_table(table)
        if start is not None:
            if table is not None and table is not self.table_:
                raise ValueError(
                    "The first call fixes the columns, but this is not the first and passes another table. Leave "
                    "table out, or start with a new estimator."
                )
            self._check_continues()
            table = self.table_
        X, native = to_pandas(X)
        X = read_rows(self, X, table, reset=start is None)
        kept, weights = row_weights(X, sample_weight, n_rows_min=2 if table is None else 1)
        X = X if kept is None else X[kept]
        table = Table.fit(X, **self._table_options(), native=native) if table is None else table
        self.table_ = table
        device, seed = resolve_device(self.device), self._seed()
        online = getattr(self, "_online", None)
        past = getattr(self, "history_", History().as_dict())
        history = History(epochs=[dict(zip(past, row, strict=True)) for row in zip(*past.values(), strict=True)])
        x = table.encode(X)
        fitted, online = fit_chunk(
            self, table, x, weights=weights, device=device, seed=seed, start=start, online=online, history=history
        )
        self._keep(fitted, device)
        self._online = online
        return self

    def _fit_stream(self, chunks: Chunks, X_val: Any, *, table: Any = None, weights: Tensor | None = None) -> Self:
        """Fit a stream; the weights are those of its rows."""
        check_table(table)
        seed, start = self._seed(), self._start()
        table = table if start is None else self.table_
        options = self._table_options()
        first = FirstPass(self, chunks, table, options, seed, is_new=start is None)
        if not first.is_streamed:
            X = read_rows(self, first.X, table)
            table = Table.fit(X, **options, native=first.native) if table is None else table
            return self._train(table, table.encode(X), X_val, seed, start, weights=weights, given=(first.X, None))
        assert first.table is not None, "the first pass learns the columns"
        stream, x = first.rows(weights), first.encode_sample()
        of_sample = None if stream.weights is None else stream.weights[stream.sample]
        given = first.X, None
        return self._train(first.table, x, X_val, seed, start, weights=of_sample, stream=stream, given=given)

    def _fit(self, X: Any, y: Any, sample_weight: Any, X_val: Any) -> Self:
        start, given = self._start(), (X, y)
        X, native = to_pandas(X)
        X = read_rows(self, X, None if start is None else self.table_)
        kept, weights = row_weights(X, sample_weight)
        if is_memory_map(X) and X.size > IN_MEMORY:
            return self._fit_stream(Chunks.of_memory_map(X, kept), X_val, weights=weights)
        X = X if kept is None else X[kept]
        table = Table.fit(X, **self._table_options(), native=native) if start is None else self.table_
        return self._train(table, table.encode(X), X_val, self._seed(), start, weights=weights, given=given)

    def _start(self) -> VAE | None:
        """The model that a warm start continues from."""
        if not (self.warm_start and hasattr(self, "vae_")):
            return None
        self._check_continues()
        return self.vae_

    def _seed(self) -> int:
        return agree_on(int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max)))

    @with_callbacks
    def _train(
        self,
        table: Table,
        x: Tensor,
        X_val: Any,
        seed: int,
        start: VAE | None,
        *,
        weights: Tensor | None,
        stream: StreamedRows | None = None,
        given: tuple[Any, Any],
    ) -> Self:
        """From encoded rows to fitted attributes; callbacks see the rows and y as they were given."""
        device = resolve_device(self.device)
        x_val = None if X_val is None else table.encode(read_rows(self, X_val, table))
        is_plain = weights is None and x_val is None and start is None and stream is None
        fitted = from_shelf(self, x) if is_plain else None
        self.table_ = table
        followed = follow(self, *given, lambda fit: fitted_attributes(self, fit, device))
        if fitted is None:
            options: dict[str, Any] = {"device": device, "seed": seed, "start": start, "stream": stream}
            fitted = fit_vae(self, table, x, weights=weights, x_val=x_val, followed=followed, **options)
        self._keep(fitted, device)
        if followed is not None:
            followed.end()
        return self

    @staticmethod
    def _fit_together(estimators: Sequence[VAETransformer], X: Any, factor: float | None) -> dict[str, Fit]:
        """Fits of several estimators to the same rows, by their name on the shelf."""
        first = estimators[0]
        X, native = to_pandas(X)
        X = read_rows(first, X, None)
        table = Table.fit(X, **first._table_options(), native=native)
        x = table.encode(X)
        names = [shelf_key(estimator, x) for estimator in estimators]
        fits = fit_together(
            estimators, table, x, device=resolve_device(first.device), seed=first._seed(), factor=factor
        )
        return dict(zip(names, fits, strict=True))

    def _table_options(self) -> dict[str, Any]:
        """What the parameters say of the columns."""
        return {
            "likelihood": self.likelihood,
            "add_indicator": self.add_indicator,
            "histograms": self.decoder == "autoregressive",
        }

    def _check_continues(self) -> None:
        """Refuse a warm start whose parameters ask for another model."""
        for name, before in self._fitted_with.items():
            if getattr(self, name) != before:
                raise ValueError(
                    f"warm_start and partial_fit continue with the model of the last fit, where {name} was "
                    f"{before!r}, but it is {getattr(self, name)!r} now. Set it back, or call fit with "
                    f"warm_start=False."
                )

    def _keep(self, fitted: Fit, device: torch.device) -> None:
        """Set the fitted attributes, and say what went wrong on the way."""
        warn_of(fitted, self.table_)
        if hasattr(self, "noise_variance_"):  # of an earlier fit
            del self.noise_variance_
        self.__dict__.update(fitted_attributes(self, fitted, device))

    # -- what the model says of rows ---------------------------------------------------------------------------

    def transform(self, X: ArrayLike) -> Floats:
        """Posterior means: the latent coordinates.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.

        Returns
        -------
        ndarray of shape (n_rows, n_components)
            E[z | x] under q, in the precision of X. Deterministic.
        """
        return self._by_row(X, lambda vae, x: (vae.posterior(x).loc[0],))[0].numpy()

    @torch.no_grad()
    def posterior(self, X: ArrayLike) -> tuple[Floats, Floats]:
        """The approximate posterior q(z | x), a Gaussian with independent components.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.

        Returns
        -------
        mean, std : ndarrays of shape (n_rows, n_components)
            Its mean and standard deviation.
        """

        def moments(vae: VAE, x: Tensor) -> tuple[Tensor, Tensor]:
            q: DiagonalNormal = vae.posterior(x)
            return q.loc[0], q.scale[0]

        mean, std = self._by_row(X, moments)
        return mean.numpy(), std.numpy()

    @torch.no_grad()
    def score_samples(self, X: ArrayLike) -> Floats:
        """Evidence lower bound on log p(x) of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.

        Returns
        -------
        ndarray of shape (n_rows,)
            Nats, in the units of X, over observed cells; a probability for whole numbers and categories.
            Larger is better. A row has the same value alone, in a batch and in any order.
        """

        def scores(vae: VAE, x: Tensor) -> tuple[Tensor]:
            n_nodes = N_NODES if self.decoder != "autoregressive" else 8  # little depends on z, and each is dear
            noise = normal_nodes(n_nodes, vae.encoder.n_components).to(x)[:, None, None]
            bound = elbo(vae, x, noise)
            if not isinstance(vae.prior, StandardNormal):  # no closed form: more nodes, which need no decoder
                bound = bound._replace(kl=mean_kl_of_rows(vae, x))
            return (bound.elbo[0] + self.table_.log_jacobian(x[0]),)

        return self._by_row(X, scores)[0].numpy()

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """Mean evidence lower bound, comparable with the score of PCA, FactorAnalysis and GaussianMixture.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.
        y : ignored
            Present for API consistency.

        Returns
        -------
        float
            Nats per row, in the units of X.
        """
        return float(self.score_samples(X).mean())

    @torch.no_grad()
    def log_likelihood(self, X: ArrayLike, *, n_draws: int = 100, random_state: int = 0) -> Floats:
        """Importance-weighted bound on log p(x) of each row: tighter than the score, and dearer.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.
        n_draws : int, default=100
            Posterior draws; the bound reaches log p(x) as they grow.
        random_state : int, default=0
            Seed of the draws, which all rows share.

        Returns
        -------
        ndarray of shape (n_rows,)
            Nats, in the units of X.

        References
        ----------
        Burda, Grosse and Salakhutdinov (2016), Importance Weighted Autoencoders, eq. (8).
        """
        if not isinstance(n_draws, Integral) or n_draws < 1:
            raise ValueError(f"n_draws must be an integer of at least 1, got {n_draws!r}. Ask for at least one.")
        seed = check_random_state(random_state).randint(np.iinfo(np.int32).max)

        def bounds(vae: VAE, x: Tensor) -> tuple[Tensor]:
            size = (int(n_draws), 1, 1, vae.encoder.n_components)
            noise = torch.randn(size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(x)
            return (importance_weighted_bound(vae, x, noise)[0] + self.table_.log_jacobian(x[0]),)

        return self._by_row(X, bounds)[0].numpy()

    @torch.no_grad()
    def reconstruct(
        self,
        X: ArrayLike,
        *,
        stochastic: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> Any:
        """Rows through the posterior and back.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows; gaps come back filled.
        stochastic : bool, default=False
            False: the expectation of x (the mode for categories) at the posterior mean. True: z is drawn from
            q(z | x) and x from p(x | z).
        random_state : int, RandomState instance or None
            Seed of the draws.

        Returns
        -------
        ndarray or DataFrame of shape (n_rows, n_columns)
            In the container and dtypes that fit saw; a DataFrame keeps the index of X.
        """
        index = X.index if isinstance(X, pd.DataFrame) else None
        generator = self._generator(random_state) if stochastic else None

        def rows(vae: VAE, x: Tensor) -> tuple[Tensor]:
            q: DiagonalNormal = vae.posterior(x)
            z = q.loc
            if generator is not None:
                z = q.at(torch.randn(q.loc.shape, generator=generator, dtype=x.dtype, device=x.device))
            return (vae.generate(z, generator, gaps=False)[0],)

        return self._decode(self._by_row(X, rows)[0], index)

    @torch.no_grad()
    def inverse_transform(self, Z: ArrayLike) -> Any:
        """Latent coordinates back to rows.

        Parameters
        ----------
        Z : array-like of shape (n_rows, n_components)
            Latent coordinates.

        Returns
        -------
        ndarray or DataFrame of shape (n_rows, n_columns)
            E[x | z] for numbers, the mode for categories, in the container and dtypes that fit saw.
        """
        check_is_fitted(self)
        index = Z.index if isinstance(Z, pd.DataFrame) else None
        coordinates = check_array(Z, dtype=[np.float64, np.float32], input_name="Z")
        if coordinates.shape[1] != self.vae_.encoder.n_components:
            raise ValueError(
                f"Z must have one column for each of the {self.vae_.encoder.n_components} components, "
                f"got {coordinates.shape[1]}. Pass what transform returned."
            )
        z = torch.tensor(coordinates, device=self._device())
        vae = self._module(z.dtype)
        x = torch.empty((len(z), len(self.table_.columns)), dtype=z.dtype)
        for first in range(0, len(z), size := self._chunk_size()):
            x[first : first + size] = vae.generate(z[None, first : first + size], None, gaps=False)[0]
        return self._decode(x, index)

    @torch.no_grad()
    def sample(
        self,
        n_samples: int | None = None,
        *,
        given: Mapping[Any, Any] | pd.DataFrame | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> Any:
        """New rows, drawn from p(x), or from p(x | some cells).

        Parameters
        ----------
        n_samples : int, optional
            Number of rows: 1 by default, and that of ``given`` if it is a DataFrame.
        given : dict or DataFrame, optional
            Values of some columns, by name (by position for an array). A dict holds for all rows. Each row of a
            DataFrame is completed: columns that it lacks and cells that are missing are drawn, the others are kept.
        random_state : int, RandomState instance or None
            Seed of the draws; None takes the estimator's.

        Returns
        -------
        ndarray or DataFrame of shape (n_samples, n_columns)
            In the container and dtypes that fit saw. Every column is drawn from its distribution, never set to
            its most probable value. With ``add_indicator``, cells are missing as in the data.

        Raises
        ------
        ValueError
            Where the probability of a given value is zero.

        Warns
        -----
        UserWarning
            Where a condition is so rare that draws resemble one another.
        """
        check_is_fitted(self)
        if given is not None:
            return self._sample_given(n_samples, given, random_state)
        n_samples = self._check_n_samples(1 if n_samples is None else n_samples)
        generator, size = self._generator(random_state), self._chunk_size()
        vae = self._module(torch.float32)
        like = torch.empty(0, dtype=torch.float32, device=self._device())
        x = torch.empty((n_samples, len(self.table_.columns)), dtype=torch.float32)
        for first in range(0, n_samples, size):
            x[first : first + size] = vae.sample(min(size, n_samples - first), like, generator)[0]
        return self._decode(x)

    def _sample_given(self, n_samples: int | None, given: Any, random_state: Any) -> Any:
        frame = read_condition(self.table_, given)
        x = self.table_.encode_condition(frame).float().to(self._device())
        generator, vae = self._generator(random_state), self._module(torch.float32)
        if isinstance(given, Mapping):
            n_samples = self._check_n_samples(1 if n_samples is None else n_samples)
            drawn = self.table_.decode(draw_under_condition(vae, x[0], n_samples, generator))
            frame = frame.iloc[[0] * n_samples]
        elif n_samples not in (None, len(frame)):
            raise ValueError(
                f"Each row of given is completed once, so n_samples is its {len(frame)} row(s), got {n_samples!r}. "
                f"Leave n_samples out, or repeat the rows of given."
            )
        else:
            drawn = self.table_.decode(draw_gaps(vae, x, 1, N_PARTICLES, generator)[0], frame.index)
        names = [column.name for column in self.table_.data_columns]
        return self.table_.present(keep_given(drawn, frame, names))

    @torch.no_grad()
    def impute(
        self,
        X: ArrayLike,
        *,
        n_draws: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> Any:
        """X with its gaps filled.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows; NaN, None and pandas.NA mark missing cells. Observed cells are never touched.
        n_draws : int, optional
            Number of completed tables, each with draws from p(missing cells | observed cells) of its row, for
            multiple imputation.
        random_state : int, RandomState instance or None
            Seed of the draws; None takes the estimator's.

        Returns
        -------
        ndarray or DataFrame of shape (n_rows, n_columns), or list of n_draws of these
            Without ``n_draws``, the mean of 200 draws for numbers and the most frequent for categories.

        References
        ----------
        Mattei and Frellsen (2019), MIWAE: Deep Generative Modelling and Imputation of Incomplete Data Sets.
        """
        check_is_fitted(self)
        if n_draws is not None and (not isinstance(n_draws, Integral) or n_draws < 1):
            raise ValueError(f"n_draws must be an integer of at least 1, got {n_draws!r}. Ask for at least one.")
        rows = read_rows(self, X, self.table_)
        x = self.table_.encode(rows).float().to(self._device())
        has_gap = x.isnan().any(dim=1)
        x[:, : len(self.table_.indicated)] = 0.0  # as if it had been observed
        n_completed = N_PARTICLES if n_draws is None else int(n_draws)
        n_particles = N_PARTICLES if n_draws is None else max(N_PARTICLES, PARTICLES_PER_DRAW * n_completed)
        vae, generator = self._module(torch.float32), self._generator(random_state)
        draws = draw_gaps(vae, x[has_gap], n_completed, n_particles, generator)
        tables = [self.table_.center(draws)] if n_draws is None else list(draws)
        filled = [fill_gaps(rows, has_gap.cpu().numpy(), self.table_.decode(table)) for table in tables]
        filled = [self.table_.present(table) for table in filled]
        return filled[0] if n_draws is None else filled

    # -- files -------------------------------------------------------------------------------------------------

    def save(self, path: str | PathLike[str]) -> None:
        """Write the fitted model to a file that holds numbers and text, and no code.

        The file is one of safetensors, with a document in JSON: parameters, fitted attributes, what is known of the
        columns, and the weights. Unlike a pickle it can be loaded from a stranger, and with later releases. Needs
        ``python -m pip install skvae[save]``.

        Parameters
        ----------
        path : path-like
            Where to write; a file that is there is replaced once the new one is complete.

        Raises
        ------
        ValueError
            Where a file cannot hold something, such as categories of a class of your own; nothing is written then.

        See Also
        --------
        joblib.dump : Holds anything, but runs code when it is loaded.
        skops.io.dump : Holds whole pipelines; load it with trusted=["skvae.estimators.transformer.VAETransformer"].

        Examples
        --------
        >>> import os, tempfile
        >>> from sklearn.datasets import load_iris
        >>> X = load_iris().data
        >>> vae = VAETransformer(2, max_iter=2, random_state=0).fit(X)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     vae.save(os.path.join(folder, "iris.safetensors"))
        ...     again = VAETransformer.load(os.path.join(folder, "iris.safetensors"))
        >>> bool((again.transform(X) == vae.transform(X)).all())
        True
        """
        check_is_fitted(self)
        save(self, path)

    @classmethod
    def load(
        cls,
        path: str | PathLike[str],
        *,
        encoder: Network | None = None,
        decoder: Network | None = None,
        classes: Sequence[type] = (),
    ) -> Self:
        """Read a model that ``save`` wrote: no code in the file is run, and nothing that it names is imported.

        Parameters
        ----------
        path : path-like
            The file.
        encoder, decoder : callable (n_in, n_out) -> torch.nn.Module, optional
            Your own networks, where the model was fitted with such: the file has their weights only.
        classes : sequence of type
            Your own likelihoods, priors or schedules, where the model was fitted with such.

        Returns
        -------
        VAETransformer
            The fitted estimator, on the CPU, bit for bit what it was.

        Raises
        ------
        ValueError
            Where the file is no model, damaged, tampered with or of a newer format, or where something of yours is
            missing.
        """
        loaded: Self = load(cls, path, {"encoder": encoder, "decoder": decoder}, classes)
        return loaded

    def to_onnx(self, path: str | PathLike[str], part: str = "encoder") -> None:
        """Write the encoder or the decoder as an ONNX graph, which runs without Python.

        The graph reads and writes one array of numbers of any number of rows, so the model must have been fitted on an
        array, or on a DataFrame of numbers and booleans. Needs ``python -m pip install skvae[onnx]``.

        Parameters
        ----------
        path : path-like
            Where to write.
        part : {"encoder", "decoder"}, default="encoder"
            "encoder" is ``transform``: from X, float32 of shape (n_rows, n_columns) in the units of the data with NaN
            for missing cells, to Z, float32 of shape (n_rows, n_components). "decoder" is ``inverse_transform``: from
            Z to X; int64 or bool where an array of whole numbers or booleans was fitted, float32 otherwise. Not for
            ``decoder="autoregressive"``.

        Raises
        ------
        ValueError
            Where columns are text or dates, or decoded one after another.

        Examples
        --------
        Run it with ``onnxruntime.InferenceSession("encoder.onnx").run(["Z"], {"X": X.astype("float32")})``.
        """
        check_is_fitted(self)
        to_onnx(self, path, part)

    # -- scikit-learn's contract -------------------------------------------------------------------------------

    @property
    def _n_features_out(self) -> int:
        return self.vae_.encoder.n_components

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "vae_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def __getstate__(self) -> dict[str, Any]:
        return pickled(dict(super().__getstate__()))

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(unpickled(type(self).__name__, state))

    # -- inside ------------------------------------------------------------------------------------------------

    def _device(self) -> torch.device:
        return next(self.vae_.parameters()).device

    def _module(self, dtype: torch.dtype) -> VAE:
        """The fitted module in another precision; itself in its own."""
        return self.vae_ if dtype == torch.float32 else copy.deepcopy(self.vae_).to(dtype)

    def _chunk_size(self) -> int:
        """Rows whose widest layer fits into memory."""
        n_outputs = self.vae_.decoder.bias.shape[-1]
        return max(1, CHUNK // max(n_outputs, len(self.table_.columns), 512))

    def _by_row(self, X: Any, function: Callable[[VAE, Tensor], tuple[Tensor, ...]]) -> list[Tensor]:
        """What a function says of each row, a part of the rows at a time.

        The function is called with the module in the precision of X and encoded rows, (1, n, D), and gives tensors of
        n rows, which are put where there is room for all N: small results between large ones would tear memory apart.
        """
        check_is_fitted(self)
        X, results, n = read_rows(self, X, self.table_), list[Tensor](), 0
        vae = self.vae_
        for first, rows in slices(X):
            with counting_from(first):
                x = self.table_.encode(rows).to(self._device())
            release(X)
            vae = self._module(x.dtype) if first == 0 else vae
            for part in torch.split(x, self._chunk_size()):
                values = function(vae, part[None])
                if not results:
                    results = [torch.empty((len(X), *value.shape[1:]), dtype=value.dtype) for value in values]
                for result, value in zip(results, values, strict=True):
                    result[n : n + len(part)] = value
                n += len(part)
        return results

    def _decode(self, x: Tensor, index: pd.Index | None = None) -> Any:
        """Rows in the container that fit saw."""
        return self.table_.present(self.table_.decode(x, index))

    def _check_n_samples(self, n_samples: Any) -> int:
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise ValueError(f"n_samples must be an integer of at least 1, got {n_samples!r}. Ask for at least one.")
        return int(n_samples)

    def _generator(self, random_state: Any) -> torch.Generator:
        check_is_fitted(self)
        state = check_random_state(self.random_state if random_state is None else random_state)
        return torch.Generator(self._device()).manual_seed(int(state.randint(np.iinfo(np.int32).max)))
