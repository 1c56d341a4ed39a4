"""Rows that the model finds improbable."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OutlierMixin, clone
from sklearn.linear_model import Ridge
from sklearn.utils.validation import check_is_fitted

from skvae.estimators._compat import Documented, Interval, fit_context, one_of
from skvae.estimators.inner import column_scales, inner_estimator, read_first, take_names
from skvae.estimators.input import read_rows, unchanged_on_error
from skvae.estimators.ranks import Ranks
from skvae.estimators.sharp import BLUNT_JITTER, defaults_for, fit_to_copies, held_out_bounds, score_of, sharpen
from skvae.estimators.transformer import VAETransformer
from skvae.tables import Rows, Table, column_of, rows_at, slices, without_cells
from skvae.tables.schema import find_identifiers

FENCE = 1.5  # interquartile ranges below the first quartile, from which on a score is an outlier's
SUPPORT = 0.9  # share of the rows that a user's model is trained on, where contamination asks for no less
N_LOOKS = 3  # short fits that find these rows: outliers that hide others go first
WORTH_ROWS = 1000  # that say what a cell is worth

Floats = NDArray[np.floating[Any]]
Score = Callable[[Any], Floats]  # rows -> the bound of each


class VAEOutlierDetector(Documented, OutlierMixin, BaseEstimator):
    r"""Outliers: rows that a variational autoencoder finds improbable.

    A row is as normal as its evidence lower bound on log p(x) is high, in nats. It is an outlier where this lies below
    ``offset_``, which the training rows set. By default numbers are replaced by normal scores, half by their ranks
    among the training rows and half by their distances, so that neither the unit nor a long tail of a column says what
    is far, and the prior gets as many modes as the rows bear. The model can be trained on the most normal rows alone,
    which short fits find, so that it does not learn to explain outliers: several that are alike would otherwise get a
    component of their own.

    Parameters
    ----------
    estimator : VAETransformer, optional
        The model; a copy is fitted to the rows as they are. None: a short fit to normal scores, of a Student-t
        likelihood with a scale of 0.1, to copies of the rows with as much noise on each number; then a mixture takes
        the place of the prior, one mode for eight rows and 200 at most, which match the posteriors of three
        rows or more: one or two rows far from all others are outliers, more that are alike may hide one another. Where
        ``contamination`` is a number, scales are learned, with noise of 0.3, and the prior stays. Without columns of
        numbers ``VAETransformer(decoder="factorized")``. Rows are scored by z alone: for a DataFrame
        ``decoder="factorized"`` saves time. Identifiers, which name rows, make none an outlier.
    contamination : "auto" or float in (0, 0.5], default="auto"
        Share of outliers in the training rows. "auto": those below Tukey's fence, the first quartile of the scores less
        1.5 interquartile ranges. For the default model these are scores by ranks and a prior of other rows, if that
        fence is lower: as fresh rows would have them. A number is better where outliers are among the training rows.
    support_fraction : "auto" or float in (0, 1], default="auto"
        Share of the training rows, the most normal ones, that the model is trained on. "auto": what ``contamination``
        leaves, and all where it is "auto"; for an estimator of yours 0.9 at most. 1.0 trains on all, for rows that are
        known to be normal.
    random_state : int, RandomState instance or None, default=None
        Seed of training; None takes the estimator's own. Once fitted, scores are deterministic.

    Attributes
    ----------
    estimator_ : VAETransformer
        The fitted model; by default it knows numbers as normal scores, and its prior is the mixture.
    offset_ : float
        Score below which a row is an outlier, nats.
    worth_ : ndarray of shape (``n_features_in_``,)
        What an observed cell of each column adds to the score on average, nats. A missing cell counts as much, so that
        no row is an outlier for having gaps, or safe because of them.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (``n_features_in_``,)
        Column names, where all are strings.

    See Also
    --------
    VAETransformer.score_samples : The bound itself, over observed cells.
    sklearn.ensemble.IsolationForest : Rows that few random cuts isolate; faster, and no density.
    sklearn.covariance.EllipticEnvelope : One Gaussian of the most normal rows, for numbers only.

    Notes
    -----
    A model knows its training rows better than fresh ones, the more so the fewer rows there are for each column. With
    ``contamination="auto"`` the default allows for that (fresh rows flagged: 1 % after 89 rows of 64 pixels, 2 % after
    178 rows of 30 columns, 6 % after 221 of 10); with ``contamination=0.1``, which is the share of the training rows,
    47 %, 15 % and 18 % are. Where there are normal rows to spare, let them set the threshold:
    ``detector.offset_ = numpy.quantile(detector.score_samples(X_spare), 0.05)``.

    References
    ----------
    An and Cho (2015), Variational Autoencoder based Anomaly Detection using Reconstruction Probability. DIFFERS: the
    score is the bound and not its first term alone, so that a row far from all others in z is an outlier, too.

    Rousseeuw and Van Driessen (1999), A Fast Algorithm for the Minimum Covariance Determinant Estimator: the most
    normal rows are found as there, by fits and rankings in turn.

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
    worth_: Floats
    _surprise: float
    _ranks: Ranks
    _is_sharp: bool

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [VAETransformer, None],
        "contamination": [one_of("auto"), Interval(Real, 0, 0.5, closed="right")],
        "support_fraction": [one_of("auto"), Interval(Real, 0, 1, closed="right")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: VAETransformer | None = None,
        *,
        contamination: str | float = "auto",
        support_fraction: str | float = "auto",
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.contamination = contamination
        self.support_fraction = support_fraction
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Train the model on the most normal rows, and find the score that divides all of them.

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
        rows, named = read_first(self, X), list[int]()
        if self.estimator is None:  # which finds them itself, where there is one
            named = find_identifiers(rows, {})
            X = rows = of_one_value(rows, named)
        ranks = Ranks.of(rows) if self.estimator is None else Ranks({})
        is_sharp = bool(ranks.of_columns) and isinstance(self.contamination, str)
        model, weights, unseen = self._trained(X, rows, ranks, is_sharp=is_sharp)
        rows, score = ranks(rows), score_of(model, is_sharp=is_sharp)
        worth, surprise = worth_of_cells(score, rows, weights), math.log(len(rows) + 1)
        scores = normality(score, model.table_, rows, worth, surprise)
        if not isinstance(self.contamination, str):
            offset = float(np.quantile(scores, self.contamination))
        else:
            offset = fence(scores)
            if unseen is not None:
                offset = min(offset, fence(normality(lambda _: unseen, model.table_, rows, worth, surprise)))
        with unchanged_on_error(self):
            self.estimator_, self.offset_, self.worth_, self._surprise = model, offset, worth, surprise
            self._named, self._ranks, self._is_sharp = named, ranks, is_sharp
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
            A lower bound on log p(x), nats, by default of the normal scores; the lower, the more abnormal. A missing
            cell counts as an average one of its column; a category or date that training did not know as one in
            n_rows + 1.
        """
        check_is_fitted(self)
        rows = self._ranks(of_one_value(read_rows(self, X, self.estimator_.table_), self._named))
        score = score_of(self.estimator_, is_sharp=self._is_sharp)
        return normality(score, self.estimator_.table_, rows, self.worth_, self._surprise)

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

    def _trained(
        self, X: Any, rows: Rows, ranks: Ranks, *, is_sharp: bool
    ) -> tuple[VAETransformer, Floats | None, Floats | None]:
        """The model, weights of its rows (None for all alike), and what they score unseen, for a fence of its own."""
        model = inner_estimator(self.estimator, self.random_state, **defaults_for(rows, ranks, is_sharp=is_sharp))
        ranked, fraction, weights = ranks(rows), self._support_fraction(), None
        if fraction < 1:
            quick = model
            if is_sharp:  # scales that are learned tell more of rows that a model has not been trained for
                quick = clone(model).set_params(likelihood=column_scales(rows))
            weights = find_most_normal(quick, ranked if ranks.of_columns else X, ranked, fraction)
        if not ranks.of_columns:
            model.fit(X, sample_weight=weights)
            return model, weights, None
        if not is_sharp:
            fit_to_copies(model, ranked, ranks, weights, jitter=BLUNT_JITTER)
            return model, weights, None
        fit_to_copies(model, ranked, ranks, weights)
        unseen = held_out_bounds(model, rows, weights)
        sharpen(model, ranked, weights)
        return model, weights, unseen

    def _support_fraction(self) -> float:
        """Share of the rows that the model is trained on."""
        if not isinstance(self.support_fraction, str):
            return self.support_fraction
        most = 1.0 if self.estimator is None else SUPPORT
        return most if isinstance(self.contamination, str) else min(most, 1 - self.contamination)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def of_one_value(X: Rows, positions: list[int]) -> Rows:
    """The same rows with columns that say nothing. Shape: (N, D), kept."""
    if not positions or not isinstance(X, pd.DataFrame):
        return X
    X = X.copy(deep=False)
    for j in positions:
        X.isetitem(j, "")
    return X


def fence(scores: Floats) -> float:
    """Tukey's lower fence."""
    first, third = np.quantile(scores, [0.25, 0.75])
    return float(first - FENCE * (third - first))


def find_most_normal(model: VAETransformer, X: ArrayLike, rows: Rows, fraction: float) -> Floats:
    """Weights of the rows, 1 for the most normal ones, by short fits in turn with rankings. Shape: (N, D) -> (N,).

    X is what the user passed, and ``rows`` are the same as an array or a DataFrame.
    """
    quick = clone(model).set_params(max_iter=1, early_stopping=False, warm_start=False, verbose=0)
    quick.decoder = "factorized" if quick.decoder in ("auto", "conditional") else quick.decoder  # with the same scores
    weights, surprise = None, math.log(len(rows) + 1)
    has_gaps = bool(np.asarray(pd.isna(rows)).any())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the fit that counts warns, too
        for _ in range(N_LOOKS):
            quick.fit(X, sample_weight=weights)
            worth = worth_of_cells(quick.score_samples, rows, weights) if has_gaps else np.zeros(rows.shape[1])
            scores = normality(quick.score_samples, quick.table_, rows, worth, surprise)
            weights = most_normal(scores, rows, fraction)
    return np.ones(len(rows)) if weights is None else weights


def most_normal(scores: Floats, X: Rows, fraction: float) -> Floats:
    """1 for this share of the rows with the highest scores, and for all that know a column that these do not."""
    scores = np.nan_to_num(scores, nan=-np.inf)
    n_kept = max(2, math.ceil(fraction * len(scores)))
    kept = scores >= np.sort(scores)[-n_kept]
    for j in range(X.shape[1]):
        is_observed = ~np.asarray(pd.isna(column_of(X, j)))
        if not is_observed[kept].any():
            kept |= is_observed
    return np.asarray(kept, dtype=float)


def normality(score: Score, table: Table, X: Rows, worth: Floats, surprise: float) -> Floats:
    """The bound of each row, with its gaps and impossible cells made up for. Shape: (N, D), (D,) -> (N,)."""
    scores = score(X)
    for first, rows in slices(X):
        part = scores[first : first + len(rows)]
        part += np.asarray(pd.isna(rows), dtype=float) @ worth
        part -= table.n_impossible(rows) * surprise
    return scores


def worth_of_cells(score: Score, X: Rows, weights: Floats | None) -> Floats:
    """What an observed cell of each column adds to the bound on average, nats. Shape: (N, D) -> (D,).

    Random cells of some rows are hidden, and what the bound loses is divided among the columns.
    """
    rng = np.random.default_rng(0)
    chosen = rng.permutation(len(X) if weights is None else np.flatnonzero(weights))[:WORTH_ROWS]
    rows = rows_at(X, chosen)
    hidden = (rng.random(rows.shape) < rng.random((len(rows), 1))) & ~np.asarray(pd.isna(rows))
    lost = score(rows) - score(without_cells(rows, hidden))
    mean = lost.sum() / max(hidden.sum(), 1)
    rest = lost - hidden.sum(axis=1) * mean
    return np.asarray(mean + Ridge(fit_intercept=False).fit(hidden.astype(float), rest).coef_)
