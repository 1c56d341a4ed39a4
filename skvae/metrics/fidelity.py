"""Whether columns, and pairs of columns, are distributed as in the real table."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import ks_2samp

from skvae.metrics.frames import Codes, Encoding, Floats, align, bin_edges

N_BINS = 10  # of a number beside a category


def column_shapes(real: pd.DataFrame, synthetic: pd.DataFrame) -> pd.Series:
    r"""Error of each column's distribution; its mean is the "Shape" error of a table.

    For a category, a missing cell being one more level, the total variation distance

    .. math:: \tfrac12 \sum_a |p_a - q_a|

    and for a number the larger of the Kolmogorov–Smirnov distance of the observed cells and the difference of the
    shares of missing cells

    .. math:: \max\left(\sup_x |F(x) - G(x)|, \; |m_F - m_G|\right)

    Parameters
    ----------
    real : DataFrame of shape (N, D)
        Rows of any dtype; numbers, instants, periods and durations count as numbers, everything else as categories.
    synthetic : DataFrame of shape (M, D)
        Rows with the same columns, in any order.

    Returns
    -------
    Series of length D
        Errors by column, from 0 (the same distribution) to 1 (nothing in common).

    See Also
    --------
    pair_trends : errors of pairs of columns.

    References
    ----------
    SDMetrics, "Column Shapes": the complements of its KSComplement and TVComplement, which leave missing cells out.

    Examples
    --------
    >>> real = pd.DataFrame({"age": [20, 30, 40, 50], "sex": ["f", "m", "f", "m"]})
    >>> synthetic = pd.DataFrame({"age": [20, 30, 40, 40], "sex": ["f", "f", "f", None]})
    >>> column_shapes(real, synthetic)
    age    0.25
    sex    0.50
    Name: shape, dtype: float64
    """
    real, synthetic = align(real=real, synthetic=synthetic)
    encoding = Encoding.fit(real, synthetic)
    errors = []
    for x, y, is_number in zip(encoding.encode(real).T, encoding.encode(synthetic).T, encoding.is_number, strict=True):
        distance = _number_shape if is_number else _category_shape
        errors.append(distance(x, y))
    return pd.Series(errors, index=real.columns, name="shape", dtype=np.float64)


def pair_trends(real: pd.DataFrame, synthetic: pd.DataFrame) -> pd.DataFrame:
    r"""Error of the dependence in each pair of columns; ``mean_trend`` of it is the "Trend" error of a table.

    For two numbers half the difference of Pearson's correlations over rows that have both,

    .. math:: \tfrac12 |\rho - \rho'|

    where a constant column correlates with nothing; for any pair with a category the total variation distance of the
    two contingency tables, a number being cut into ten bins of equal width over its real range, with one level for
    what lies below, one for what lies above, and, as in a category, one for missing cells.

    Parameters
    ----------
    real : DataFrame of shape (N, D)
        Rows of any dtype.
    synthetic : DataFrame of shape (M, D)
        Rows with the same columns, in any order.

    Returns
    -------
    DataFrame of shape (D, D)
        Symmetric; from 0 (the same dependence) to 1; NaN on the diagonal.

    See Also
    --------
    column_shapes : errors of single columns.

    References
    ----------
    SDMetrics, "Column Pair Trends": the complements of its CorrelationSimilarity and ContingencySimilarity.

    Examples
    --------
    >>> real = pd.DataFrame({"sex": ["f", "m", "f", "m"], "tall": [False, True, False, True]})
    >>> synthetic = pd.DataFrame({"sex": ["f", "m", "f", "m"], "tall": [False, True, True, False]})
    >>> pair_trends(real, synthetic)
          sex  tall
    sex   NaN   0.5
    tall  0.5   NaN
    >>> mean_trend(pair_trends(real, synthetic))
    0.5
    """
    real, synthetic = align(real=real, synthetic=synthetic)
    encoding = Encoding.fit(real, synthetic)
    is_number, x, y = encoding.is_number, encoding.encode(real), encoding.encode(synthetic)
    codes = [_both_codes(*columns) for columns in zip(x.T, y.T, is_number, strict=True)]
    errors = np.full((len(codes), len(codes)), np.nan)
    errors[np.ix_(is_number, is_number)] = np.abs(_correlations(x[:, is_number]) - _correlations(y[:, is_number])) / 2
    for i, j in combinations(range(len(codes)), 2):
        if not (is_number[i] and is_number[j]):
            errors[i, j] = errors[j, i] = _contingency_distance(codes[i], codes[j])
    np.fill_diagonal(errors, np.nan)
    return pd.DataFrame(errors, index=real.columns, columns=real.columns)


def worst_first(shapes: pd.Series) -> pd.Series:
    """Errors of columns, the largest first; equal ones in the order of the columns."""
    return shapes.sort_values(ascending=False, kind="stable")


def mean_trend(trends: pd.DataFrame) -> float:
    """Mean error of the pairs of columns: the "Trend" error of a table.

    Parameters
    ----------
    trends : DataFrame of shape (D, D)
        Errors of pairs, from ``pair_trends``.

    Returns
    -------
    float
        Mean error from 0 to 1; NaN for a single column, which has no pair.

    Examples
    --------
    >>> mean_trend(pd.DataFrame([[np.nan, 0.1, 0.2], [0.1, np.nan, 0.6], [0.2, 0.6, np.nan]]))
    0.3
    """
    pairs = pairs_of(trends)
    return float(pairs.mean()) if len(pairs) else float("nan")


def pairs_of(trends: pd.DataFrame) -> Floats:
    """Errors of pairs of columns, each pair once. Shape: (D, D) -> (D (D - 1) / 2,)."""
    return trends.to_numpy(dtype=float)[np.triu_indices(len(trends), k=1)]


def _number_shape(real: Floats, synthetic: Floats) -> float:
    gaps, synthetic_gaps = np.isnan(real), np.isnan(synthetic)
    difference = abs(gaps.mean() - synthetic_gaps.mean())
    return float(max(difference, _kolmogorov_smirnov(real[~gaps], synthetic[~synthetic_gaps])))


def _category_shape(real: Floats, synthetic: Floats) -> float:
    return _total_variation(_levels(real), _levels(synthetic))


def _kolmogorov_smirnov(real: Floats, synthetic: Floats) -> float:
    """Largest distance of two empirical distribution functions; 0 where one has no cell."""
    if not len(real) or not len(synthetic):
        return 0.0
    with np.errstate(divide="ignore"):  # of the p-value of very few cells, which is not asked for
        return float(ks_2samp(real, synthetic, method="asymp").statistic)


def _total_variation(real: Codes, synthetic: Codes) -> float:
    """Half the summed difference of the shares of each code."""
    codes, levels = pd.factorize(np.concatenate([real, synthetic]))
    p = np.bincount(codes[: len(real)], minlength=len(levels)) / len(real)
    q = np.bincount(codes[len(real) :], minlength=len(levels)) / len(synthetic)
    return float(np.abs(p - q).sum() / 2)


def _both_codes(real: Floats, synthetic: Floats, is_number: bool) -> tuple[Codes, Codes]:
    """A column of both tables as codes from 0 on: bins of the real range, or levels."""
    if is_number:
        return _bins(real, real), _bins(synthetic, real)
    return _levels(real), _levels(synthetic)


def _contingency_distance(one: tuple[Codes, Codes], other: tuple[Codes, Codes]) -> float:
    """Total variation of the joint counts of two columns, each as its codes in the real and the synthetic table."""
    width = 1 + max(codes.max() for codes in other)
    real, synthetic = (a * width + b for a, b in zip(one, other, strict=True))
    return _total_variation(real, synthetic)


def _correlations(x: Floats) -> Floats:
    """Pearson's correlations, each over the rows that have both numbers; 0 with a constant. Shape: (N, D) -> (D, D)."""
    seen = ~np.isnan(x)
    lower = np.min(x, axis=0, where=seen, initial=np.inf)
    upper = np.max(x, axis=0, where=seen, initial=-np.inf)
    width = np.where(upper > lower, upper - lower, np.inf)
    unit = np.where(seen, (x - lower) / width, 0.0)  # a constant is exactly 0
    unit = np.where(seen, unit - unit.sum(axis=0) / np.maximum(seen.sum(axis=0), 1), 0.0)
    n = np.maximum(seen.T.astype(float) @ seen, 1)
    total, square = unit.T @ seen, unit.T**2 @ seen  # of column i over the rows that have column j
    variance = square - total**2 / n
    variance = np.where(variance > 1e-12 * square, variance, 0.0)  # what rounding leaves is none
    scale = np.sqrt(variance * variance.T)
    covariance = unit.T @ unit - total * total.T / n
    return np.asarray(np.divide(covariance, scale, out=np.zeros_like(scale), where=scale > 0)).clip(-1, 1)


def _levels(codes: Floats) -> Codes:
    """Codes from 1 on; 0 is a missing cell."""
    return np.where(np.isnan(codes), 0, codes + 1).astype(np.int64)


def _bins(values: Floats, real: Floats) -> Codes:
    """Ten bins of the real range from 2 on; 1 lies below, one more than the last above, 0 is a missing cell."""
    observed = real[~np.isnan(real)]
    edges = bin_edges(observed, N_BINS)
    bins = np.searchsorted(edges, values, side="right") + 1
    # DIFFERS from SDMetrics: the largest real number belongs to the last bin, there it shares one with all above.
    bins[values == edges[-1]] = len(edges)
    return np.where(np.isnan(values), 0, bins).astype(np.int64)
