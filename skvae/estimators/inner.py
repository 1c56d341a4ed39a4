"""The estimator inside another one."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone

from skvae.estimators.input import read_rows
from skvae.estimators.transformer import VAETransformer
from skvae.models import seed_of
from skvae.tables import Rows


def inner_estimator(
    estimator: VAETransformer | None, random_state: int | np.random.RandomState | None, **defaults: Any
) -> VAETransformer:
    """An unfitted copy of the estimator, or one with these parameters, that will do the same in every call.

    Parameters
    ----------
    estimator : VAETransformer or None
        What the user passed.
    random_state : int, RandomState instance or None
        Seed of the copy; None leaves the estimator's own.
    **defaults
        Parameters where there is no estimator.
    """
    inner: VAETransformer = VAETransformer(**defaults) if estimator is None else clone(estimator)
    state = inner.random_state if random_state is None else random_state
    if not isinstance(state, Integral):  # a seed, so that later calls draw alike, whatever was drawn before
        state = seed_of(state)
    inner.set_params(random_state=state)
    return inner


def column_scales(rows: Rows) -> str:
    """The likelihood that learns a scale for each column and bears outliers; "auto" for an array of booleans."""
    if isinstance(rows, np.ndarray) and rows.dtype == bool:
        return "auto"
    return "student_t"


def read_first(outer: BaseEstimator, X: ArrayLike) -> Any:
    """X as an array or a DataFrame, as fit reads it; the outer estimator learns nothing yet."""
    return read_rows(clone(outer), X, None)


def take_names(outer: BaseEstimator, inner: VAETransformer) -> None:
    """What scikit-learn keeps of the columns, as the inner estimator learned it."""
    outer.n_features_in_ = inner.n_features_in_
    if hasattr(inner, "feature_names_in_"):
        outer.feature_names_in_ = inner.feature_names_in_
    elif hasattr(outer, "feature_names_in_"):  # of an earlier fit
        del outer.feature_names_in_
