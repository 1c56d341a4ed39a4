"""Components that are turned until each column follows few of them."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import torch
from sklearn.base import BaseEstimator

from skvae.estimators.attributes import of_all_columns
from skvae.estimators.input import read_rows
from skvae.inspection.canvas import Floats
from skvae.inspection.fitted import Rows, find_vae
from skvae.models.kl import posterior_of_rows
from skvae.models.loadings import loadings_of
from skvae.models.ordering import Turn
from skvae.objectives import DiagonalNormal

LEAST_SHARE = 0.01  # of the explained variance that a component needs to be turned with the others
MAX_SWEEPS, TOLERANCE = 100, 1e-9  # over pairs of axes; radians of the largest turn


class Factors(NamedTuple):
    """Coordinates of z after a rotation, and what they do.

    Attributes
    ----------
    rotation : ndarray of shape (n_components, n_factors)
        ``transform(X) @ rotation`` are the factors of rows, and ``inverse_transform(F @ rotation.T)`` takes them back.
    components : ndarray of shape (n_factors, n_columns)
        Effect of one standard deviation of each factor on each column, as ``components_`` of the estimator.
    strength : ndarray of shape (n_factors, n_columns)
        Standard deviation of what each factor does to each column, as ``strength_`` of the estimator.
    """

    rotation: Floats
    components: Floats
    strength: Floats


def rotated_factors(estimator: BaseEstimator, X: Rows) -> Factors:
    """Turn the components of a fitted estimator until each column follows few of them, as varimax does.

    The model, its score and its samples stay as they are: only the axes of z are others. Components that have less than
    a hundredth of the explained variance are left out. Best after a fit with ``ordered=True``, which leaves the others
    idle.

    Parameters
    ----------
    estimator : VAETransformer, Pipeline or search
        Fitted estimator; columns are those that the autoencoder sees.
    X : array-like or DataFrame of shape (n_rows, n_columns)
        Rows over which effects are averaged.

    Returns
    -------
    Factors
        Those that explain most of the variance first, the largest effect of each positive.

    See Also
    --------
    sklearn.decomposition.FactorAnalysis : The linear model, with ``rotation="varimax"``.
    LoadingsDisplay : The components as they are.

    References
    ----------
    Kaiser (1958), The varimax criterion for analytic rotation in factor analysis.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from skvae import VAETransformer
    >>> from skvae.inspection import rotated_factors
    >>> X = load_iris().data
    >>> vae = VAETransformer(3, ordered=True, max_iter=20, random_state=0).fit(X)
    >>> factors = rotated_factors(vae, X)
    >>> (vae.transform(X) @ factors.rotation).shape == (150, len(factors.components))
    True
    """
    found = find_vae(estimator)
    vae, table = found.vae, found.vae.table_
    x = table.encode(read_rows(vae, found.rows(X), table)).to(vae.device_)
    shares = np.maximum(vae.explained_variance_ratio_, 0.0)
    chosen = np.flatnonzero(shares >= LEAST_SHARE * shares.sum())
    axes = np.eye(len(shares))
    axes[np.ix_(chosen, chosen)] = varimax(with_unit_rows(vae.components_[chosen].T))
    q = posterior_of_rows(vae.vae_, x.to(vae.vae_.decoder.bias.dtype))
    turned = DiagonalNormal(q.loc @ torch.from_numpy(axes).to(q.loc), q.scale)
    loadings = loadings_of(vae.vae_, table, x, turned, None, axes=axes).rearranged(chosen, np.ones(len(chosen)))
    turn = Turn.of(loadings)
    rotation = axes[:, chosen[turn.order.numpy()]] * turn.signs.numpy()
    effect, strength, *_ = turn.of_loadings(loadings)
    return Factors(rotation, of_all_columns(effect, table), of_all_columns(strength, table))


def with_unit_rows(loadings: Floats) -> Floats:
    """Each column counts alike, whatever its unit, as Kaiser has it; those without effects stay at 0. Shape: (D, K)."""
    size = np.linalg.norm(loadings, axis=1, keepdims=True)
    unit: Floats = loadings / np.where(size > 0, size, 1.0)
    return unit


def varimax(loadings: Floats) -> Floats:
    r"""The rotation R after which squares of loadings vary most, :math:`\sum_k \mathrm{var}_d (L R)_{dk}^2`.

    Shape: (D, K) -> (K, K).

    Examples
    --------
    >>> diagonal = np.array([[1.0, 1.0], [2.0, 2.0], [1.0, -1.0]])
    >>> np.sort(np.abs(diagonal @ varimax(diagonal)).round(3), axis=1)
    array([[0.   , 1.414],
           [0.   , 2.828],
           [0.   , 1.414]])
    """
    rotation = np.eye(loadings.shape[1])
    for _ in range(MAX_SWEEPS):
        largest = 0.0
        for pair in combinations(range(len(rotation)), 2):
            angle = _best_angle(*(loadings @ rotation[:, pair]).T)
            cos, sin = np.cos(angle), np.sin(angle)
            rotation[:, pair] = rotation[:, pair] @ np.array([[cos, -sin], [sin, cos]])
            largest = max(largest, abs(angle))
        if largest < TOLERANCE:
            break
    return rotation


def _best_angle(a: Floats, b: Floats) -> float:
    """Of the turn of two axes after which squares vary most: Kaiser (1958), in closed form. Shape: (D,), (D,)."""
    u, v = a**2 - b**2, 2 * a * b
    sine = 2 * (u @ v - u.sum() * v.mean())
    cosine = u @ u - v @ v - (u.sum() * u.mean() - v.sum() * v.mean())
    return float(np.arctan2(sine, cosine)) / 4
