"""Gaps filled, as a step of a pipeline."""

from __future__ import annotations

from numbers import Real
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.impute import MissingIndicator
from sklearn.utils.validation import check_is_fitted

from skvae.estimators._compat import Documented, check_feature_names_in, fit_context
from skvae.estimators.inner import column_scales, inner_estimator, read_first, take_names
from skvae.estimators.input import read_rows, unchanged_on_error
from skvae.estimators.transformer import VAETransformer
from skvae.tables import Native, Rows, gaps_of, to_pandas

Positions = NDArray[np.integer[Any]]


class VAEImputer(Documented, TransformerMixin, BaseEstimator):
    """Fill the gaps of an array or of a DataFrame with mixed columns.

    A drop-in for scikit-learn's ``IterativeImputer`` and ``KNNImputer`` that also reads text, categories and dates. A
    gap is filled with its mean under p(missing cells | observed cells) of its row, or the most probable for
    categories; observed cells are never touched. In a DataFrame one network tells each cell from all that are visible;
    in an array the gap is told through z.

    Parameters
    ----------
    estimator : VAETransformer, optional
        The model; a copy is fitted. None: for a DataFrame and for booleans ``VAETransformer()``; for an array of
        numbers ``VAETransformer(likelihood="student_t")``, with a scale for each column.
    missing_values : number, str, None or pandas.NA, default=numpy.nan
        What marks a gap, besides NaN, None and pandas.NA, which always do. Columns that hold it come back as floats
        where they were whole numbers.
    sample_posterior : bool, default=False
        Fill a gap with one draw instead of the mean, so that columns keep their spread. For multiple imputation, fit
        once and take ``estimator_.impute(X, n_draws=5)``, or fit with several values of ``random_state``.
    add_indicator : bool, default=False
        Whether to append a column for each column that had gaps in ``fit``, which says where they were.
    keep_empty_features : bool, default=False
        Columns without a single observed cell in ``fit`` are dropped; True keeps them, with zeros in their gaps where
        they hold numbers, and gaps where they do not.
    random_state : int, RandomState instance or None, default=None
        Seed of training and of the draws; None takes the estimator's own. Once fitted, ``transform`` is deterministic.

    Attributes
    ----------
    estimator_ : VAETransformer
        The fitted model, of the columns that are not empty.
    indicator_ : sklearn.impute.MissingIndicator or None
        Which columns had gaps; None without ``add_indicator``.
    empty_features_ : ndarray of int
        Positions of the columns without an observed cell.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (``n_features_in_``,)
        Column names, where all are strings.

    See Also
    --------
    VAETransformer.impute : The method that does the work, and that also draws several completed tables.
    sklearn.impute.IterativeImputer : Chained regressions, one for each column, of numbers only.
    sklearn.impute.KNNImputer : Means over the nearest rows, of numbers only.

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
    empty_features_: NDArray[np.integer[Any]]
    _native: Native | None

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [VAETransformer, None],
        "missing_values": [Real, str, None, type(pd.NA)],
        "sample_posterior": ["boolean"],
        "add_indicator": ["boolean"],
        "keep_empty_features": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: VAETransformer | None = None,
        *,
        missing_values: Any = np.nan,
        sample_posterior: bool = False,
        add_indicator: bool = False,
        keep_empty_features: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.estimator = estimator
        self.missing_values = missing_values
        self.sample_posterior = sample_posterior
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Train the model on the observed cells.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.
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
        X, native = to_pandas(X)
        rows = self._marked(read_first(self, X))
        gaps = gaps_of(rows)
        empty = np.flatnonzero(gaps.all(axis=0))
        if len(empty) == gaps.shape[1]:
            raise ValueError(f"A model needs observed cells, but all {gaps.size} are missing. Pass other rows.")
        model = inner_estimator(self.estimator, self.random_state, **_defaults_for(rows)).fit(_constant(rows, empty))
        with unchanged_on_error(self):
            self.indicator_ = None
            if self.add_indicator:
                self.indicator_ = MissingIndicator(error_on_new=False).fit(_as_nan(gaps))
            self.estimator_, self.empty_features_, self._native = model, empty, native
            take_names(self, model)
        return self

    def transform(self, X: ArrayLike) -> Any:
        """Fill the gaps.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_rows, n_columns)
            Rows.

        Returns
        -------
        ndarray or DataFrame of shape (n_rows, n_features_out)
            X with its gaps filled, in the container that fit saw, and then the indicators.
        """
        check_is_fitted(self)
        model, empty = self.estimator_, self.empty_features_
        rows = self._marked(read_rows(self, X, model.table_))
        known = _constant(rows, empty)
        if self.sample_posterior:
            (filled,) = model.impute(known, n_draws=1)
        else:
            filled = model.impute(known)
        if self.keep_empty_features:
            filled = _with_zeros(filled, rows, empty)
        else:
            filled = _without(filled, empty)
        if self.indicator_ is not None:
            gaps = self.indicator_.transform(_as_nan(gaps_of(rows)))
            filled = _append(filled, gaps, [f"missingindicator_{name}" for name in _labels(rows, self.indicator_)])
        return filled if self._native is None else self._native.present(filled)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> NDArray[Any]:
        """Names of the columns of ``transform``.

        Parameters
        ----------
        input_features : array-like of str, optional
            Names of the columns of X; None takes those of fit.

        Returns
        -------
        ndarray of str
            Names of the columns, then of the indicators: ``missingindicator_`` before the name of their column.
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        kept = names
        if not self.keep_empty_features:
            kept = np.delete(names, self.empty_features_)
        if self.indicator_ is None:
            return np.asarray(kept)
        return np.concatenate([kept, self.indicator_.get_feature_names_out(names)])

    def _marked(self, rows: Any) -> Any:
        """Rows with NaN where there is a gap."""
        if pd.isna(self.missing_values):
            return rows
        if not isinstance(rows, pd.DataFrame):
            can_hold_it = _is_flag(rows.dtype.type) == _is_flag(type(self.missing_values))
            return np.where(rows == self.missing_values, np.nan, rows) if can_hold_it else rows
        rows = rows.copy()
        for j in range(rows.shape[1]):
            is_gap = _is_marked(rows.iloc[:, j], self.missing_values)
            if is_gap.any():
                rows.isetitem(j, rows.iloc[:, j].mask(is_gap))
        return rows

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _defaults_for(rows: Rows) -> dict[str, str]:
    """Parameters of the model where the user has passed none."""
    if isinstance(rows, pd.DataFrame):
        return {}
    return {"likelihood": column_scales(rows)}


def _is_marked(column: pd.Series, mark: Any) -> NDArray[np.bool_]:
    """Cells that are the mark. For Python ``False == 0``, but no number marks a truth value, nor the reverse."""
    is_mark = np.array((column == mark).fillna(False), dtype=bool)
    is_mark[is_mark] = [_is_flag(type(cell)) == _is_flag(type(mark)) for cell in column[is_mark]]
    return is_mark


def _is_flag(kind: type) -> bool:
    return issubclass(kind, bool | np.bool_)


def _labels(rows: Rows, indicator: MissingIndicator) -> list[Any]:
    """Labels of the columns with an indicator; positions in an array."""
    if isinstance(rows, pd.DataFrame):
        return list(rows.columns[indicator.features_])
    return list(indicator.features_)


def _as_nan(gaps: NDArray[np.bool_]) -> NDArray[np.floating[Any]]:
    """NaN for a gap, 0 for another cell: what scikit-learn's indicator reads, whatever the dtypes of the rows."""
    return np.where(gaps, np.nan, 0.0)


def _constant(rows: Rows, columns: Positions) -> Rows:
    """Rows with zeros in some columns, of which the model then learns nothing."""
    if not len(columns):
        return rows
    rows = rows.copy()
    for j in columns:
        if isinstance(rows, pd.DataFrame):
            rows.isetitem(j, 0.0)
        else:
            rows[:, j] = 0
    return rows


def _with_zeros(filled: Any, rows: Any, columns: Positions) -> Any:
    """Filled rows with some columns as they came, but for zeros in the gaps of numbers."""
    for j in columns:
        if not isinstance(filled, pd.DataFrame):
            filled[:, j] = np.nan_to_num(rows[:, j])
            continue
        column = rows.iloc[:, j]
        if pd.api.types.is_numeric_dtype(column):
            column = column.fillna(0)
        filled.isetitem(j, column)
    return filled


def _without(filled: Rows, columns: Positions) -> Any:
    """Rows without some columns."""
    if not isinstance(filled, pd.DataFrame):
        return np.delete(filled, columns, axis=1)
    return filled.iloc[:, np.delete(np.arange(filled.shape[1]), columns)]


def _append(filled: Rows, indicator: NDArray[np.bool_], names: list[str]) -> Any:
    """Rows with columns appended to them, in their container."""
    if isinstance(filled, np.ndarray):
        return np.hstack([filled, indicator])
    return pd.concat([filled, pd.DataFrame(indicator, index=filled.index, columns=names)], axis=1)
