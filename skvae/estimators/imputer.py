"""Gaps filled, as a step of a pipeline."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.impute import MissingIndicator
from sklearn.utils.validation import check_is_fitted

from skvae.estimators._compat import fit_context
from skvae.estimators.inner import inner_estimator, take_names
from skvae.estimators.input import read_rows
from skvae.estimators.transformer import VAETransformer


class VAEImputer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Fill the gaps of an array or of a DataFrame with mixed columns.

    A drop-in for scikit-learn's ``IterativeImputer`` that also reads text, categories and dates. A gap is filled
    with the mean of 200 draws from p(missing cells | observed cells) of its row, or the most frequent for categories;
    observed cells are never touched.

    Parameters
    ----------
    estimator : VAETransformer, optional
        The model; a copy is fitted. None: ``VAETransformer(decoder="autoregressive")``, in which columns see one
        another.
    add_indicator : bool, default=False
        Whether to append a column for each column that had gaps in ``fit``, which says where they were.
    random_state : int, RandomState instance or None, default=None
        Of training and of the draws; None takes the estimator's own. Once fitted, ``transform`` is deterministic.

    Attributes
    ----------
    estimator_ : VAETransformer
        The fitted model. ``estimator_.impute(X, n_draws=5)`` gives five completed tables, for multiple imputation.
    indicator_ : sklearn.impute.MissingIndicator or None
        Which columns had gaps; None without ``add_indicator``.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Column names, where all are strings.

    See Also
    --------
    VAETransformer.impute : The method that does the work, and that also draws several completed tables.
    sklearn.impute.IterativeImputer : Chained regressions, one for each column, of numbers only.

    References
    ----------
    Mattei and Frellsen (2019), MIWAE: Deep Generative Modelling and Imputation of Incomplete Data Sets.

    Examples
    --------
    >>> import numpy as np
    >>> from skvae import VAEImputer, VAETransformer
    >>> X = np.arange(40.0).reshape(20, 2)
    >>> X[3, 1] = np.nan
    >>> full = VAEImputer(VAETransformer(1, max_iter=2), random_state=0).fit_transform(X)
    >>> bool(np.isnan(full).any()), bool((full[4:] == X[4:]).all())
    (False, True)
    """

    estimator_: VAETransformer
    indicator_: MissingIndicator | None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [VAETransformer, None],
        "add_indicator": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: VAETransformer | None = None,
        *,
        add_indicator: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.add_indicator = add_indicator
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Train the model on the observed cells.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows; NaN, None and pandas.NA mark missing cells. Each column needs an observed one.
        y : ignored
            Present for API consistency.

        Returns
        -------
        self

        Raises
        ------
        ValueError, TypeError
            Where X or a parameter does not fit, before training starts; the imputer is then as it was.
        """
        model = inner_estimator(self.estimator, self.random_state, decoder="autoregressive").fit(X)
        self.estimator_, self.indicator_ = model, None
        take_names(self, model)
        if self.add_indicator:
            rows = read_rows(self, X, model.table_)
            self.indicator_ = MissingIndicator(error_on_new=False).fit(_marked(rows))
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Fill the gaps.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.

        Returns
        -------
        ndarray or DataFrame of shape (n_rows, n_columns + n_indicators)
            X with its gaps filled, in the container that fit saw, and then the indicators.
        """
        check_is_fitted(self)
        X = read_rows(self, X, self.estimator_.table_)
        filled = self.estimator_.impute(X)
        if self.indicator_ is None:
            return filled
        return _append(filled, self.indicator_.transform(_marked(X)), self._indicator_names(X))

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[Any]:
        """Names of the columns of ``transform``.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the columns of X; None takes those of fit.

        Returns
        -------
        ndarray of str
            Those of the columns, and ``missingindicator_`` before those of the columns that had gaps.
        """
        check_is_fitted(self)
        names = super().get_feature_names_out(input_features)
        if self.indicator_ is None:
            return np.asarray(names)
        return np.concatenate([names, self.indicator_.get_feature_names_out(names)])

    def _indicator_names(self, X: Any) -> list[str]:
        assert self.indicator_ is not None, "only then there are names"
        labels = X.columns if isinstance(X, pd.DataFrame) else range(X.shape[1])
        return [f"missingindicator_{labels[j]}" for j in self.indicator_.features_]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _marked(X: Any) -> NDArray[np.floating[Any]]:
    """NaN where X has a gap, 0 elsewhere: what scikit-learn's indicator reads, whatever the dtypes of X."""
    return np.where(pd.isna(X), np.nan, 0.0)


def _append(filled: Any, indicator: Any, names: list[str]) -> Any:
    """Rows with columns appended to them, in their container."""
    if isinstance(filled, np.ndarray):
        return np.hstack([filled, indicator])
    if isinstance(filled, pd.DataFrame):
        return pd.concat([filled, pd.DataFrame(indicator, index=filled.index, columns=names)], axis=1)
    import narwhals as nw

    frame = nw.from_native(filled)
    columns = [
        nw.new_series(name, values.tolist(), nw.Boolean, backend=frame.implementation)
        for name, values in zip(names, indicator.T, strict=True)
    ]
    return frame.with_columns(*columns).to_native()
