"""The autoencoder inside what a user passes."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skvae.estimators import VAETransformer


def find_vae(estimator: Any, X: Any = None) -> tuple[VAETransformer, Any]:
    """The fitted autoencoder of an estimator, pipeline or search, and the rows as it sees them.

    Parameters
    ----------
    estimator : VAETransformer, Pipeline or search
        A pipeline may have other steps before and after; of a search, ``best_estimator_`` is taken.
    X : array-like or DataFrame, optional
        Rows; the steps before the autoencoder transform them.

    Returns
    -------
    vae : VAETransformer
    X : array-like or DataFrame

    Raises
    ------
    TypeError
        Where there is no autoencoder inside.
    sklearn.exceptions.NotFittedError
        Before fit.
    """
    found = getattr(estimator, "best_estimator_", estimator)
    if isinstance(found, Pipeline):
        for place, (_, step) in enumerate(found.steps):
            if isinstance(step, VAETransformer):
                X = found[:place].transform(X) if place and X is not None else X
                found = step
                break
    if not isinstance(found, VAETransformer):
        raise TypeError(
            f"There is no VAETransformer in this {type(estimator).__name__}. Pass a fitted VAETransformer, a pipeline "
            f"with one as a step, or a fitted search over one of these."
        )
    check_is_fitted(found)
    return found, X


def two_components(vae: VAETransformer, components: Any = None) -> tuple[int, int]:
    """The components that a plane shows: those asked for, or the two of the largest KL, the larger first."""
    n_components = len(vae.kl_per_component_)
    if n_components < 2:
        raise ValueError("A plane needs two components, but the estimator has one. Fit it with n_components=2 or more.")
    if components is None:
        first, second = np.argsort(-vae.kl_per_component_, kind="stable")[:2]
        return int(first), int(second)
    chosen = tuple(components)
    if len(chosen) != 2 or len(set(chosen)) != 2 or not all(k in range(n_components) for k in chosen):
        raise ValueError(
            f"components must be two different numbers from 0 to {n_components - 1}, but is {components!r}. Leave it "
            f"out for the two most active."
        )
    return int(chosen[0]), int(chosen[1])
