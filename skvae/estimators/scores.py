"""How likely rows are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skvae.estimators.input import check_count
from skvae.models import Model, seed_of

Floats = NDArray[np.floating[Any]]


class ScoresMixin:
    """Adds ``score_samples``, ``score`` and ``log_likelihood`` to a fitted model of rows."""

    cut: Callable[[int], Any]
    _model: Callable[[], Model]
    _rows: Callable[[ArrayLike], Any]

    def score_samples(self, X: ArrayLike) -> Floats:
        """Evidence lower bound on log p(x) of each row, of the model of z.

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
        return self._model().elbo(self._rows(X))

    def score(self, X: ArrayLike, y: object = None, n_components: int | None = None) -> float:
        """Mean evidence lower bound, comparable with the score of PCA, FactorAnalysis and GaussianMixture.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.
        y : ignored
            Present for API consistency.
        n_components : int, optional
            How many of the first components the model has, after a fit with ``ordered=True``; all by default.

        Returns
        -------
        float
            Nats per row, in the units of X.
        """
        if n_components is not None:
            return float(self.cut(n_components).score(X))
        return float(self.score_samples(X).mean())

    def log_likelihood(self, X: ArrayLike, *, n_draws: int | None = None, random_state: int = 0) -> Floats:
        """Log p(x) of each row: exact where there is a chain, or a bound that is tighter than the score.

        For a DataFrame it is that of the chain, which ``sample`` draws from before rows are made to keep
        ``constraints_``, over the observed cells and given which these are. With ``n_draws``, and without a chain, it
        is the importance-weighted bound of the model of z.

        Where cells are equal to an earlier one in a part of the rows, such a cell has the probability of that instead
        of a density: the dominating measure has the points of the earlier values beside length. Models that know of
        other copies, or of none, do not compare.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.
        n_draws : int, optional
            Posterior draws of the bound, which reaches log p(x) as they grow; 100 without a chain.
        random_state : int, default=0
            Seed of the draws, which all rows share.

        Returns
        -------
        ndarray of shape (n_rows,)
            Nats, in the units of X.
        """
        n_draws = None if n_draws is None else check_count("n_draws", n_draws)
        return self._model().log_likelihood(self._rows(X), n_draws, seed_of(random_state))
