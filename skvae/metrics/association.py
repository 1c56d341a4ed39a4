"""How much columns have to do with one another."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from skvae.metrics.frames import Codes, Encoding, Floats, align

N_BINS = 10  # of a number, equally many rows each


def associations(table: pd.DataFrame, *, reference: pd.DataFrame | None = None) -> pd.DataFrame:
    r"""Strength of the dependence in each pair of columns, on one scale for numbers and categories.

    Cramér's V with Bergsma's correction for what chance adds. With the shares :math:`p_{ab}` of the cells of a
    contingency table of r × c levels over n rows,

    .. math:: \phi^2 = \sum_{ab} \frac{p_{ab}^2}{p_a p_b} - 1, \qquad
              V^2 = \frac{\max\left(0, \phi^2 - \frac{(r - 1)(c - 1)}{n - 1}\right)}{\min(\tilde r, \tilde c) - 1},
              \qquad \tilde r = r - \frac{(r - 1)^2}{n - 1}

    Numbers are cut at their deciles, so that bent dependences count, too; a missing cell is one more level.

    Parameters
    ----------
    table : DataFrame of shape (N, D)
        Rows of any dtype.
    reference : DataFrame of shape (M, D) or None
        Whose deciles to use, such as the real rows where ``table`` is synthetic; None for those of the table.

    Returns
    -------
    DataFrame of shape (D, D)
        Symmetric; from 0 (independent) to 1 (one determines the other); NaN on the diagonal.

    See Also
    --------
    pair_trends : how far the dependences of two tables are apart.

    References
    ----------
    Bergsma (2013), A bias-correction for Cramér's V and Tschuprow's T.

    Examples
    --------
    >>> table = pd.DataFrame({"sex": ["f", "m"] * 50, "tall": [False, True] * 50, "coin": [0, 0, 1, 1] * 25})
    >>> associations(table)
          sex  tall  coin
    sex   NaN   1.0   0.0
    tall  1.0   NaN   0.0
    coin  0.0   0.0   NaN
    """
    table, reference = align(table=table, reference=table if reference is None else reference)
    encoding = Encoding.fit(reference, table)
    levels = [
        _deciles(cells, known) if is_number else _codes(cells)
        for cells, known, is_number in zip(
            encoding.encode(table).T, encoding.encode(reference).T, encoding.is_number, strict=True
        )
    ]
    strength = np.full((len(levels), len(levels)), np.nan)
    for i, j in combinations(range(len(levels)), 2):
        strength[i, j] = strength[j, i] = _cramers_v(levels[i], levels[j])
    return pd.DataFrame(strength, index=table.columns, columns=table.columns)


def _cramers_v(a: Codes, b: Codes) -> float:
    """Corrected for chance; 0 where a column has a single level."""
    n, (r, c) = len(a), (code.max() + 1 for code in (a, b))
    if min(r, c) < 2 or n < 2:
        return 0.0
    cells, counts = np.unique(a * c + b, return_counts=True)
    p_a, p_b = np.bincount(a) / n, np.bincount(b) / n
    phi2 = float(((counts / n) ** 2 / (p_a[cells // c] * p_b[cells % c])).sum()) - 1
    least = min(levels - (levels - 1) ** 2 / (n - 1) for levels in (r, c)) - 1
    excess = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    return float(np.sqrt(min(1.0, excess / least))) if least > 0 else 0.0


def _codes(cells: Floats) -> Codes:
    """Levels that occur, from 0 on; a missing cell is one of them."""
    return np.unique(cells, return_inverse=True, equal_nan=True)[1].astype(np.int64)


def _deciles(cells: Floats, reference: Floats) -> Codes:
    """Ten bins of equally many reference rows, fewer where values repeat; a missing cell is one more."""
    known = reference[~np.isnan(reference)]
    if not len(known):
        return _codes(cells)
    edges = np.unique(np.quantile(known, np.arange(1, N_BINS) / N_BINS))
    # a value that is an edge belongs above it, but a mass at the smallest value keeps a bin of its own
    bins = np.searchsorted(edges, cells, side="right" if edges[0] > known.min() else "left").astype(np.float64)
    return _codes(np.where(np.isnan(cells), np.nan, bins))
