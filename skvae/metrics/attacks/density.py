"""Membership by how much denser synthetic rows lie than real ones."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import pairwise_distances_chunked
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer

from skvae.metrics.attacks.outcome import Membership
from skvae.metrics.attacks.rows import Rows
from skvae.metrics.frames import Floats

N_QUANTILES = 200  # of a number
N_LEVELS = 50  # of a category that have a coordinate of their own
N_ASKED = 1000  # rows whose closest neighbors say how close rows lie
LEVEL = 0.5  # length of a level's coordinate, beside numbers from 0 to 1
BANDWIDTH = 0.3  # times the distance of a reference row to the closest other one
REACH = 0.5  # times that distance: farther from every row the densities are equal


def density_attack(
    members: pd.DataFrame, others: pd.DataFrame, synthetic: pd.DataFrame, reference: pd.DataFrame
) -> Membership:
    r"""Membership by the density of synthetic rows, relative to that of reference rows.

    .. math:: \log \hat p_\mathrm{synthetic}(x) - \log \hat p_\mathrm{reference}(x)

    by Gaussian kernels on quantiles of numbers and indicators of categories. Their bandwidth is .3 of the median
    distance of a reference row to the closest other one. Both densities are held above what a row at half that distance
    adds, or the ratio would be largest where there are no rows at all.

    Parameters
    ----------
    members, others : DataFrame of shape (m, D) and (n, D)
        Rows that the generator has seen, and rows of the same distribution that it has not.
    synthetic : DataFrame of shape (M, D)
        Rows that it has drawn.
    reference : DataFrame of shape (N, D)
        Real rows of the same distribution that are none of the others: what the attacker knows of the population.

    Returns
    -------
    Membership

    References
    ----------
    van Breugel et al. (2023), Membership Inference Attacks against Synthetic Data through Overfitting Detection
    (DOMIAS), with a kernel density.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, fresh, reference = (pd.DataFrame(rng.normal(size=(100, 3))) for _ in range(3))
    >>> density_attack(train, fresh, train, reference).auc > 0.9
    True
    """
    rows = Rows.of(members, others, synthetic, reference)
    coding = _coding(rows.is_number, len(rows.known)).fit(rows.known)
    asked, drawn, real = (coding.transform(table) for table in (rows.asked, rows.synthetic, rows.reference))
    distance = _spacing(real)
    widths = BANDWIDTH * distance, REACH * distance
    scores = _log_density(asked, drawn, *widths) - _log_density(asked, real, *widths)
    return rows.outcome("the density of synthetic rows", scores)


def _coding(is_number: NDArray[np.bool_], n_rows: int) -> ColumnTransformer:
    """Quantiles of numbers, and indicators of levels and of gaps."""
    quantiles = QuantileTransformer(n_quantiles=min(N_QUANTILES, n_rows), subsample=None)
    numbers = make_pipeline(quantiles, SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True))
    levels = OneHotEncoder(max_categories=N_LEVELS, handle_unknown="infrequent_if_exist", sparse_output=False)
    return ColumnTransformer(
        [("numbers", numbers, np.flatnonzero(is_number)), ("levels", levels, np.flatnonzero(~is_number))],
        transformer_weights={"levels": LEVEL},
    )


def _spacing(sample: Floats) -> float:
    """Median distance of a row to the closest that differs from it; 1 where none does. Shape: (N, P)."""
    asked = np.unique(sample, axis=0)
    if len(asked) < 2:
        return 1.0
    distances, _ = NearestNeighbors(n_neighbors=2).fit(asked).kneighbors(asked[:: math.ceil(len(asked) / N_ASKED)])
    return float(np.median(distances[:, 1]))


def _log_density(rows: Floats, sample: Floats, bandwidth: float, reach: float) -> Floats:
    """Log of the mean kernel, without its constant, and not below one row at this distance. (m, P), (N, P) -> (m,)."""
    precision = 0.5 / bandwidth**2
    blocks = pairwise_distances_chunked(rows, sample, metric="sqeuclidean", n_jobs=1)
    logs = np.concatenate([logsumexp(-precision * block, axis=1) for block in blocks])
    return np.asarray(np.logaddexp(logs, -precision * reach**2) - math.log(len(sample)))
