"""How strongly pairs of columns of one table hang together."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from skvae.metrics.frames import Encoding, Floats, align


def associations(table: pd.DataFrame) -> pd.DataFrame:
    r"""Association of each pair of columns, over the rows that have both.

    Two numbers have Pearson's correlation, from −1 to 1; two categories Cramér's V, and a number x and a category a
    the correlation ratio η, from 0 to 1:

    .. math:: V = \sqrt{\frac{\chi^2 / n}{\min(A, B) - 1}}, \qquad
              \eta = \sqrt{\frac{\sum_a n_a (\bar x_a - \bar x)^2}{\sum_i (x_i - \bar x)^2}}.

    Parameters
    ----------
    table : DataFrame of shape (N, D)
        Rows of any dtype; numbers, instants, periods and durations count as numbers, everything else as categories.

    Returns
    -------
    DataFrame of shape (D, D)
        Symmetric, with a diagonal of 1. A constant column hangs together with nothing; NaN where no row has both.

    See Also
    --------
    pair_trends : Errors of the dependence in a synthetic table, which are not differences of these.

    References
    ----------
    Cramér (1946), Mathematical Methods of Statistics, section 21.9. Pearson (1905), On the general theory of skew
    correlation and non-linear regression.

    Examples
    --------
    >>> table = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0], "y": [2.0, 4.0, 6.0, 8.0], "sex": ["f", "f", "m", "m"]})
    >>> associations(table).round(2)
            x     y   sex
    x    1.00  1.00  0.89
    y    1.00  1.00  0.89
    sex  0.89  0.89  1.00
    """
    (table,) = align(table=table)
    encoding = Encoding.fit(table)
    cells, is_number = encoding.encode(table), encoding.is_number
    values = np.eye(len(is_number))
    for i, j in combinations(range(len(is_number)), 2):
        pair = cells[:, [i, j]]
        x, y = pair[~np.isnan(pair).any(axis=1)].T
        values[i, j] = values[j, i] = _association(x, y, is_number[i], is_number[j])
    return pd.DataFrame(values, index=table.columns, columns=table.columns)


def _association(x: Floats, y: Floats, x_is_number: bool, y_is_number: bool) -> float:
    """The measure that fits the kinds of two columns, over rows that have both; NaN if there are none."""
    if not len(x):
        return np.nan
    if x_is_number and y_is_number:
        return _correlation(x, y)
    if x_is_number:
        return _correlation_ratio(x, y)
    if y_is_number:
        return _correlation_ratio(y, x)
    return _cramers_v(x, y)


def _correlation(x: Floats, y: Floats) -> float:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return 0.0
    return float(np.corrcoef(x / np.abs(x).max(), y / np.abs(y).max())[0, 1])  # sums of squares stay finite


def _correlation_ratio(x: Floats, levels: Floats) -> float:
    if np.ptp(x) == 0:
        return 0.0
    x = x / np.abs(x).max()
    codes = np.unique(levels, return_inverse=True)[1]
    counts = np.bincount(codes)
    means = np.bincount(codes, x) / counts
    between, total = (counts * (means - x.mean()) ** 2).sum(), ((x - x.mean()) ** 2).sum()
    if total == 0:
        return 0.0
    return float(np.sqrt(min(1.0, between / total)))


def _cramers_v(x: Floats, y: Floats) -> float:
    a, b = np.unique(x, return_inverse=True)[1], np.unique(y, return_inverse=True)[1]
    n_a, n_b = np.bincount(a), np.bincount(b)
    n_levels = min(len(n_a), len(n_b))
    if n_levels < 2:
        return 0.0
    pairs, counts = np.unique(a * len(n_b) + b, return_counts=True)  # only those that occur: levels may be many
    phi2 = (counts**2 / (n_a[pairs // len(n_b)] * n_b[pairs % len(n_b)])).sum() - 1
    return float(np.sqrt(np.clip(phi2 / (n_levels - 1), 0, 1)))
