"""The estimator."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skvae.estimators._compat import Documented
from skvae.estimators.draws import DrawsMixin
from skvae.estimators.filing import FilesMixin
from skvae.estimators.fits import FitsMixin
from skvae.estimators.input import check_flag, read_coordinates, read_rows
from skvae.estimators.matching import MatchingMixin
from skvae.estimators.nested import NestedMixin
from skvae.estimators.parameters import CONSTRAINTS
from skvae.estimators.scores import ScoresMixin
from skvae.likelihoods import Likelihood
from skvae.models import Model, Network, index_of, seed_of
from skvae.priors import PriorFamily
from skvae.training import BetaSchedule

Floats = NDArray[np.floating[Any]]


class VAETransformer(
    Documented,
    FitsMixin,
    ScoresMixin,
    DrawsMixin,
    NestedMixin,
    MatchingMixin,
    FilesMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    BaseEstimator,
):
    r"""Variational autoencoder for dimensionality reduction, density estimation, synthetic rows and missing cells.

    Trains an encoder q(z | x) and a decoder p(x | z) to maximise the evidence lower bound

    .. math:: \log p(x) \ge E_{q(z|x)}[\log p(x \mid z)] - KL(q(z \mid x) \,\|\, p(z)),

    on an array or a DataFrame with columns of several kinds and missing cells. Training of columns with a location
    (Gaussian, Student-t, normal scores) starts at the linear model that they generalise, probabilistic PCA or factor
    analysis, and the best weights on held-out rows are kept.

    For a DataFrame two models without z are trained beside it, in which columns see one another: a chain, each column
    given the earlier ones, for ``sample`` and ``log_likelihood``; and a reader, each cell given any others, for
    ``impute``, ``infer``, ``infer_proba`` and, with the chain, ``sample(given=...)``. For an array all go through z.

    Parameters
    ----------
    n_components : int, default=10
        Dimension of the latent space. May exceed the number of columns.
    ordered : bool, default=False
        Whether the first k components are trained to be a model themselves, for every k: ``explained_variance_ratio_``
        adds up, ``cut(k)`` is the model of the first k, and nonlinear factors are counted and told apart better than by
        a plain fit, which keeps PCA's axes. Takes twice the passes; where there are no such factors, the whole model
        may score a little lower. For ``prior="normal"``, networks of ours and columns that are independent given z.
    likelihood : "auto", str, Likelihood or dict, default="auto"
        Family of each column given z: ``"gaussian"``, ``"student_t"``, ``"gamma"``, ``"histogram"``,
        ``"normal_scores"``, ``"discretized_logistic"``, ``"poisson"``, ``"negative_binomial"``, ``"bernoulli"``,
        ``"categorical"``, ``"ordinal"``, an object such as ``Gaussian(scale="column")`` or
        ``Categorical(max_categories=50)``, or a dict of these by column, the rest being "auto"; one for all leaves the
        text, categories and booleans of a DataFrame as under "auto". Columns of a DataFrame that look like identifiers
        are left out of the model and drawn anew, unless they have a family of their own in a dict. "auto" means for a
        numeric array one Gaussian scale for all columns, for a boolean array Bernoulli; for a DataFrame normal scores
        for numbers, dates and durations, or where columns see one another a histogram of the same levels; ordinal for
        ordered categories, categorical for booleans, text and other categories.
    prior : {"normal", "laplace", "mixture", "vamp", "flow"} or PriorFamily, default="normal"
        Distribution of z: N(0, I), or one that is learned, such as independent Laplace components (a sparse code), a
        mixture of normal distributions (``skvae.priors.Mixture(n_modes=100)``), of posteriors of learned pseudo-inputs,
        or a normalizing flow.
    constraints : "auto", None or list of str, default="auto"
        Rules that every row of ``sample``, ``impute`` and ``infer`` keeps, such as ``"end >= start"``,
        ``"total = price * quantity"``, ``"currency = f(country)"`` or ``"grade = step(marks)"``: see the user guide.
        "auto" finds those of a DataFrame; the columns of an array are named x0, x1, … in a list. None: no rules. Scores
        know nothing of them.
    add_indicator : bool, default=False
        Whether z says, too, which cells are missing. The encoder then sees the pattern of gaps, and ``score`` and
        ``log_likelihood`` include its log-probability. The models of a DataFrame in which columns see one another
        have the pattern always; under other decoders samples have gaps only with it.
    protect : "auto", int or None, default="auto"
        How many rows a value needs to be learned as itself. Categories that fewer rows hold share a level, as which
        they are scored, and frequent ones are drawn in their place; one of an ordered column counts as its neighbour. A
        number or date with a level of its own counts as the next one that is frequent enough, and the smallest and
        largest that are drawn are those which so many rows reach; beyond them cells count as the end. None learns each
        value, also that of a single row. "auto": 3 for a DataFrame, 2 below 150 rows, None below 100 and for arrays.
    hidden_layer_sizes : "auto" or tuple of int, default="auto"
        Widths of the encoder's hidden layers; the decoder has them in reverse, the chain and the reader as they are.
        "auto": two layers of 64 below 1,000 rows, of 512 from 20,000 rows and 200 columns up, of 128 otherwise; where
        columns see one another, of 256 from 5,000 rows up.
    activation : {"silu", "gelu", "relu", "tanh", "logistic"}, default="silu"
        Activation between layers.
    dropout : float in [0, 1), default=0.0
        Share of hidden units silenced in training.
    encoder : "mlp" or callable (n_in, n_out) -> torch.nn.Module, default="mlp"
        The network, a multilayer perceptron or your own, mapping (rows, n_in) to (rows, n_out), where n_in is the
        number of columns of a complete numeric array.
    decoder : {"auto", "conditional", "factorized", "autoregressive"} or callable, default="auto"
        "factorized": columns are independent given z, which holds all that they share. "conditional": the same, with
        the chain and the reader beside it; a fit takes three to six times as long, beyond a hundred columns up to
        twenty-five times. "auto": "conditional" for a DataFrame of up to 200 columns, else "factorized".
        "autoregressive": each column sees z and the earlier columns, in the order of the table, so that z holds little.
        Or your own network of a factorized decoder, a callable (n_in, n_out) -> torch.nn.Module whose n_out is the
        number of columns times the parameters of each cell.
    init : {"auto", "linear", "random"}, default="auto"
        Start at the linear model of columns with a location and of categories, the latter by correspondence analysis,
        or at random weights, which escape its basin and can separate classes better at 2 components. "auto": at the
        linear model of columns with a location, so that training can only improve on it and two seeds find the same
        components; where half of the columns or more are categories at random, but from 2,000 rows on at that of both
        where three quarters are. "linear" is refused where no column can start at a linear model.
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
        Nats that each component may use before the KL term counts in training. "auto": 0.05 under
        ``decoder="autoregressive"``, which would otherwise leave z idle; 0 otherwise.
    input_dropout : "auto" or float in [0, 1), default="auto"
        Share of cells hidden from the encoder in training, as in a denoising autoencoder. "auto": 0.2 where all columns
        share one Gaussian scale, from 1,000 rows, 50 columns and 4 columns a component up; 0 otherwise.
    input_noise : float, default=0.0
        Standard deviation of the Gaussian noise on the numbers that the encoder sees in training, beside
        ``input_dropout`` the other corruption of a denoising autoencoder. In units of each column: its standard
        deviation, or that of its normal scores, the largest of all columns where one scale is shared, and 1 for bits
        and grey levels, or for the logarithms of counts and of gamma's numbers. Categories have none.
    learning_rate : "auto" or float, default="auto"
        Peak learning rate of AdamW; a number holds for the models beside the VAE, too, as for the next three. "auto":
        2e-3 below 250 rows, 4e-3 below 1,000, 6e-3 below 2,000 for numbers with four columns a component, 2e-3 above;
        with more columns than the hidden layers are wide 1e-3 below 1,000 rows, 2e-3 above; 5e-3 for binary rows; for
        the chain and under ``decoder="autoregressive"`` 4e-3 below 12,000 rows, 8e-3 above, but 4e-3 for the chain of
        20 columns or more; for the reader 3e-3, or 1.5e-3 in batches of 32.
    weight_decay : "auto" or float, default="auto"
        Weight decay of AdamW. "auto": 1.0 below 1,000 rows, or 0.5 where 250 rows or more are learned at 4e-3; 0.01
        above, 0 for binary rows.
    batch_size : "auto" or int, default="auto"
        Number of rows in a step. "auto": a power of two near n / 16 from 32 to 512, or to 256 where columns see one
        another; near n / 4, and 128 at least, where 250 to 1,000 rows are learned at 4e-3; for the reader near n / 8.
    max_iter : "auto" or int, default="auto"
        Number of passes over the training rows. "auto": 100, but about 1,500 steps at least (1,000 below 250 rows and
        300 below 1,000 where the rate is higher; seven a row, if these are fewer) and 20,000 at most; for the chain and
        under ``decoder="autoregressive"`` 14, fewer beyond 30,000 rows, but about 400 steps at least; for the reader as
        many as 1.5 million rows make, from 25 to 200, below 2,000 rows to 100.
    early_stopping : "auto" or bool, default="auto"
        Whether held-out rows choose the best weights. "auto": below 2,000 rows up to five folds, two from 500 rows on,
        and all rows are trained side by side, and the model of all rows is taken where the folds are best; above, and
        with True, a share of the rows (5,000 at most) is held out. False: all rows train, and the last weights are
        kept, or the first if better.
    validation_fraction : float in (0, 1), default=0.1
        Share of rows held out.
    n_iter_no_change : int, default=10
        Number of held-out evaluations without improvement after which training stops, counted from the end of the
        warm-up; a full fit has 20 to 40 of them. Half as many are enough where each is worse than the one before and
        none was better than the start.
    tol : float, default=0.0
        Nats by which the held-out objective must grow to count as an improvement.
    warm_start : bool, default=False
        Whether ``fit`` continues from the last fit, with the columns, the weights and the memory of the optimiser as
        they were then. The learning rate warms up once, and falls to zero in each fit; many short fits are much as one
        long one. All rows train with ``early_stopping="auto"``; what is kept is the better of before and after, and
        training goes on from its last step. ``X_val`` chooses the best weights.
    device : str or torch.device, default="auto"
        Device of the model, in the words of torch. "auto" takes the first GPU if there is one.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Precision of matrix products in training; "auto" takes bfloat16 where it is faster. Answers have that of X.
    random_state : int, RandomState instance or None, default=None
        Seed of everything random in fit, and of ``sample`` where it gets none of its own.
    verbose : int, default=0
        1 prints a line for each held-out evaluation, or as many without; ``set_callbacks`` takes a progress bar. 0 is
        silent, but for one line after ten seconds at a prompt or in a notebook.
    checkpoint_dir : path-like, default=None
        Directory that keeps ``fit`` and ``fit_chunks``: their state every ten seconds or more, and the fit in the end.
        The same fit to the same rows goes on where it was killed, and is not done again once it has ended; so do those
        of a search. Needs ``skvae[save]`` and a ``random_state``.

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
    history_beside_ : dict of str -> dict of lists
        The same for "chain" and "reader", where they were trained: "elbo" is the log-probability that they maximise.
    components_ : ndarray of shape (n_components, ``n_features_in_``)
        Effect of one standard deviation of each component on each column, in its unit (dates: days), averaged over
        training rows; of a category, on the probability of the level that moves most. Components are in the order of
        the variance that they explain, or of their training with ``ordered=True``; the largest effect of each is
        positive (in standard deviations, where columns have units of their own). A flow and networks of your own leave
        them as training does.
    strength_ : ndarray of shape (n_components, ``n_features_in_``)
        Standard deviation of what each component does to each column: effects with two directions count, too.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        Share of the variance of all columns that reconstructions would no longer explain if the component stood at its
        mean; with ``ordered=True``, that it adds to what those before it explain.
    explained_variance_by_column_ : ndarray of shape (n_components, ``n_features_in_``)
        What each column has of it.
    kl_per_component_ : ndarray of shape (n_components,)
        Mean KL(q(z_k | x) ‖ p(z_k)) over up to 10,000 training rows, nats. Under a learned prior, KL to the normal
        distribution with the moments of the aggregate posterior.
    active_components_ : ndarray of bool of shape (n_components,)
        Components with a KL above 0.01 nats.
    noise_variance_ : float or ndarray of shape (``n_features_in_``,)
        Noise variance in the units of X, where one Gaussian family without row factors covers all columns.
    constraints_ : list of str
        The rules that rows keep, as ``constraints`` takes them.
    device_ : torch.device
        Where the model is.
    vae_ : skvae.networks.VAE
        The fitted module; its ``chain`` and ``reader`` are None where there are none.
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
    Burda, Grosse and Salakhutdinov (2016), Importance Weighted Autoencoders, eq. (8), for ``log_likelihood`` through z;
    Mattei and Frellsen (2019), MIWAE, for ``impute`` through z.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAETransformer
    >>> X = load_iris(as_frame=True).data
    >>> vae = VAETransformer(n_components=2, max_iter=20, random_state=0).fit(X)
    >>> vae.transform(X).shape, vae.sample(5, random_state=0).shape
    ((150, 2), (5, 4))
    """

    noise_variance_: float | Floats

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS

    def __init__(
        self,
        n_components: int = 10,
        *,
        ordered: bool = False,
        likelihood: str | Likelihood | Mapping[Any, str | Likelihood] = "auto",
        prior: str | PriorFamily = "normal",
        constraints: str | Sequence[str] | None = "auto",
        add_indicator: bool = False,
        protect: str | int | None = "auto",
        hidden_layer_sizes: str | Sequence[int] = "auto",
        activation: str = "silu",
        dropout: float = 0.0,
        encoder: Network = "mlp",
        decoder: Network = "auto",
        init: str = "auto",
        objective: str = "elbo",
        n_draws: int = 1,
        beta: float | BetaSchedule = 1.0,
        free_bits: str | float = "auto",
        input_dropout: str | float = "auto",
        input_noise: float = 0.0,
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
        checkpoint_dir: str | os.PathLike[str] | None = None,
    ) -> None:
        self.n_components = n_components
        self.ordered = ordered
        self.likelihood = likelihood
        self.prior = prior
        self.constraints = constraints
        self.add_indicator = add_indicator
        self.protect = protect
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
        self.input_noise = input_noise
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
        self.checkpoint_dir = checkpoint_dir

    # -- coordinates -------------------------------------------------------------------------------------------

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
        return self._model().posterior(self._rows(X))[0]

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
        return self._model().posterior(self._rows(X))

    def reconstruct(
        self, X: ArrayLike, *, stochastic: bool = False, random_state: int | np.random.RandomState | None = None
    ) -> Any:
        """Rows through the posterior of z and back.

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
            In the container and dtypes that fit saw; a DataFrame keeps the index of X. Identifiers are new ones: z does
            not know them.
        """
        generator = self._generator(random_state) if check_flag("stochastic", stochastic) else None
        return self._model().reconstruct(self._rows(X), index_of(X), generator)

    def inverse_transform(self, Z: ArrayLike) -> Any:
        """Latent coordinates back to rows.

        Parameters
        ----------
        Z : array-like of shape (n_rows, n_components)
            Latent coordinates; after a fit with ``ordered=True``, the first of them will do.

        Returns
        -------
        ndarray or DataFrame of shape (n_rows, n_columns)
            E[x | z] for numbers, the mode for categories, new identifiers, in the container and dtypes that fit saw.
        """
        model = self._model()
        coordinates = read_coordinates(Z, model.n_components, first_alone=hasattr(self, "_levels"))
        if coordinates.shape[1] < model.n_components:
            return self._decode_first(coordinates, index_of(Z))
        return model.decode(coordinates, index_of(Z))

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

    # -- inside ------------------------------------------------------------------------------------------------

    def _model(self) -> Model:
        check_is_fitted(self)
        return Model(self.table_, self.vae_)

    def _rows(self, X: ArrayLike) -> Any:
        """X as an array or a DataFrame with the columns of fit."""
        return read_rows(self, X, self.table_)

    def _generator(self, random_state: int | np.random.RandomState | None) -> torch.Generator:
        """A source of draws on the device of the model; None takes the estimator's own seed."""
        seed = seed_of(self.random_state if random_state is None else random_state)
        return torch.Generator(self._model().device).manual_seed(seed)
