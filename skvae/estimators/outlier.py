"""Rows that the model finds improbable."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils.validation import check_is_fitted

from skvae.estimators._compat import Interval, StrOptions, fit_context
from skvae.estimators.inner import inner_estimator, take_names
from skvae.estimators.input import read_rows
from skvae.estimators.transformer import VAETransformer

FENCE = 1.5  # interquartile ranges below the first quartile, from which on a score is an outlier's

Floats = NDArray[np.floating[Any]]


class VAEOutlierDetector(OutlierMixin, BaseEstimator):
    r"""Outliers: rows with a low log-likelihood under a variational autoencoder.

    A row is as normal as its evidence lower bound on log p(x) is high, in nats, over its observed cells. It is an
    outlier where this lies below ``offset_``, which the training rows set.

    Parameters
    ----------
    estimator : VAETransformer, optional
        The model; a copy is fitted. None: ``VAETransformer(likelihood="student_t")``, whose tails keep outliers among
        the training rows from moving the rest, and which has a density outside the observed range.
    contamination : "auto" or float in (0, 0.5], default="auto"
        Share of outliers in the training rows. "auto": those below Tukey's fence, the first quartile of the scores less
        1.5 interquartile ranges.
    n_draws : int, optional
        Score by the importance-weighted bound of so many draws, which is tighter and dearer; None takes the evidence
        lower bound.
    random_state : int, RandomState instance or None, default=None
        Of training; None takes the estimator's own. Once fitted, scores are deterministic.

    Attributes
    ----------
    estimator_ : VAETransformer
        The fitted model.
    offset_ : float
        Score below which a row is an outlier, nats.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names, where all are strings.

    See Also
    --------
    VAETransformer.score_samples : The score itself.
    sklearn.ensemble.IsolationForest : Rows that few random cuts isolate; faster, and no density.

    References
    ----------
    An and Cho (2015), Variational Autoencoder based Anomaly Detection using Reconstruction Probability. DIFFERS: the
    score is the bound and not its first term alone, so that a row far from all others in z is an outlier, too.

    Examples
    --------
    >>> import numpy as np
    >>> from skvae import VAEOutlierDetector, VAETransformer
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> detector = VAEOutlierDetector(VAETransformer(1, max_iter=2), random_state=0).fit(X)
    >>> detector.predict([[0.0, 0.0], [9.0, -9.0]])
    array([ 1, -1])
    """

    estimator_: VAETransformer
    offset_: float

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [VAETransformer, None],
        "contamination": [StrOptions({"auto"}), Interval(Real, 0, 0.5, closed="right")],
        "n_draws": [Interval(Integral, 1, None, closed="left"), None],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: VAETransformer | None = None,
        *,
        contamination: str | float = "auto",
        n_draws: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.contamination = contamination
        self.n_draws = n_draws
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Train the model, and find the score that divides its rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows, outliers among them or not; NaN, None and pandas.NA mark missing cells.
        y : ignored
            Present for API consistency.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            Where X or a parameter does not fit, before training starts; the detector is then as it was.
        """
        model = inner_estimator(self.estimator, self.random_state, likelihood="student_t").fit(X)
        scores = self._scores(model, X)
        if isinstance(self.contamination, str):
            first, third = np.quantile(scores, [0.25, 0.75])
            offset = first - FENCE * (third - first)
        else:
            offset = np.quantile(scores, self.contamination)
        self.estimator_, self.offset_ = model, float(offset)
        take_names(self, model)
        return self

    def score_samples(self, X: ArrayLike) -> Floats:
        """How normal each row is.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.

        Returns
        -------
        ndarray of shape (n_rows,)
            A lower bound on log p(x), nats; the lower, the more abnormal.
        """
        check_is_fitted(self)
        return self._scores(self.estimator_, read_rows(self, X, self.estimator_.table_))

    def decision_function(self, X: ArrayLike) -> Floats:
        """How far each row is from being an outlier.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.

        Returns
        -------
        ndarray of shape (n_rows,)
            ``score_samples(X) - offset_``, nats; negative for outliers.
        """
        return np.asarray(self.score_samples(X) - self.offset_)

    def predict(self, X: ArrayLike) -> NDArray[np.integer[Any]]:
        """Which rows are outliers.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.

        Returns
        -------
        ndarray of shape (n_rows,)
            −1 for outliers, 1 for others.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _scores(self, model: VAETransformer, X: Any) -> Floats:
        """By the bound that was asked for."""
        return model.score_samples(X) if self.n_draws is None else model.log_likelihood(X, n_draws=self.n_draws)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
