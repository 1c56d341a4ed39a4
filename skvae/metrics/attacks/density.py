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
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, QuantileTransformer

from skvae.metrics.attacks.outcome import Membership
from skvae.metrics.attacks.rows import Rows
from skvae.metrics.frames import Floats

N_QUANTILES = 200  # of a number
N_LEVELS = 50  # of a category that have a coordinate of their own
LEVEL = 0.5  # length of a level's coordinate, beside numbers from 0 to 1
BANDWIDTH = 0.08  # by column: squared distances are sums over columns


def density_attack(
    members: pd.DataFrame, others: pd.DataFrame, synthetic: pd.DataFrame, reference: pd.DataFrame
) -> Membership:
    r"""Membership by the density of synthetic rows, relative to that of reference rows.

    .. math:: \log \hat p_\mathrm{synthetic}(x) - \log \hat p_\mathrm{reference}(x)

    by Gaussian kernels on quantiles of numbers and indicators of categories, of bandwidth .08 √D.

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
    >>> density_attack(train, fresh, train, reference).auc > 0.99
    True
    """
    rows = Rows.of(members, others, synthetic, reference)
    coding = _coding(rows.is_number).fit(np.concatenate([rows.synthetic, rows.reference]))
    drawn, real = coding.transform(rows.synthetic), coding.transform(rows.reference)
    bandwidth = BANDWIDTH * math.sqrt(len(rows.is_number))
    asked = coding.transform(np.concatenate([rows.members, rows.others]))
    scores = _log_density(asked, drawn, bandwidth) - _log_density(asked, real, bandwidth)
    return Membership.of("the density of synthetic rows", "rows", scores[: len(members)], scores[len(members) :])


def _coding(is_number: NDArray[np.bool_]) -> ColumnTransformer:
    """Quantiles of numbers, and indicators of levels and of gaps."""
    quantiles = QuantileTransformer(n_quantiles=N_QUANTILES, subsample=None)
    numbers = make_pipeline(quantiles, SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True))
    levels = OneHotEncoder(max_categories=N_LEVELS, handle_unknown="infrequent_if_exist", sparse_output=False)
    return ColumnTransformer(
        [("numbers", numbers, np.flatnonzero(is_number)), ("levels", levels, np.flatnonzero(~is_number))],
        transformer_weights={"levels": LEVEL},
    )


def _log_density(rows: Floats, sample: Floats, bandwidth: float) -> Floats:
    """Log of the mean kernel, without its constant. Shapes: (m, P), (N, P) -> (m,)."""
    exponents = -0.5 / bandwidth**2
    blocks = pairwise_distances_chunked(rows, sample, metric="sqeuclidean", n_jobs=1)
    return np.concatenate([logsumexp(exponents * block, axis=1) for block in blocks]) - math.log(len(sample))
