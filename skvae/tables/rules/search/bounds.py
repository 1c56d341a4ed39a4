"""Columns of one kind of which one is never larger than another, where chance and dependence would break it."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr

from skvae.tables.bins import Floats
from skvae.tables.columns.base import Mask
from skvae.tables.rules.quantities import MOMENT
from skvae.tables.rules.search.evidence import FIRST, SECOND, Evidence, is_enough

FEWEST = 500  # rows: a bound that all of fewer keep is false in one of ten, in some rows of a thousand


def find_bounds(evidence: Evidence) -> list[tuple[str, str]]:
    """Pairs of columns (low, high) with low <= high in all rows, without those that follow from others."""
    names = list(evidence.quantities)
    numbers = evidence.numbers
    if len(names) < 2 or len(numbers) < FEWEST:
        return []
    kinds = np.array([quantity.kind for quantity in evidence.quantities.values()])
    holds = (kinds[:, None] == kinds) & ~np.eye(len(names), dtype=bool)
    for j in range(len(names)):
        with np.errstate(invalid="ignore"):
            holds[j] &= ~(numbers[:FIRST, [j]] > numbers[:FIRST]).any(axis=0)
    n_tried = float(len(names)) ** 2
    for j, k in np.argwhere(holds):
        low, high = numbers[:, j], numbers[:, k]
        are_moments = kinds[j] == MOMENT  # whose order means something, however far they are apart
        holds[j, k] = _is_bound(low, high, n_tried) and (are_moments or not _are_apart(low, high, n_tried))
    return [(names[j], names[k]) for j, k in np.argwhere(_reduced(holds))]


def _is_bound(low: Floats, high: Floats, n_tried: float) -> bool:
    """Whether one number is never larger than another, and often would be if rows were shuffled."""
    for rows in (slice(SECOND), slice(None)):
        if (low[rows] > high[rows]).any():
            return False
    known = ~np.isnan(low + high)
    if known.sum() < FEWEST:
        return False
    low, high = low[known], np.sort(high[known])
    share = float(np.searchsorted(high, low, "left").mean() / len(high))  # of shuffled pairs that break it
    return bool(is_enough(-len(low) * np.log1p(-min(share, 1 - 1e-9)), n_tried))


def _are_apart(low: Floats, high: Floats, n_tried: float) -> bool:
    """Whether numbers that depend on one another would keep a bound without any.

    Sizes of an animal grow together, so that a smaller one is below a larger one though nothing forces it. Differences
    must say that there is a bound, and so must ratios of positive numbers that are never equal: what was paid in all is
    more than the number of months, but in another unit.
    """
    known = ~np.isnan(low + high)
    low, high = low[known], high[known]
    nats = _nats_of_an_end_at_zero(high - low)
    is_positive = low > 0
    if low.min() >= 0 and (low < high)[is_positive].all():
        nats = min(nats, _nats_of_an_end_at_zero(np.log(high[is_positive] / low[is_positive])))
    return not is_enough(nats, n_tried)


def _nats_of_an_end_at_zero(distances: Floats) -> float:
    """Nats that distances, none of them negative, say for an end of their distribution at zero. Shape: (n,).

    Either some of as many normal distances would be negative, or they are rather log-normal, which ends there.
    """
    spread, some = distances.std(), distances[distances > 0]
    if not spread > 0 or len(some) < 2:
        return 0.0
    logarithms = np.log(some)
    of_sign = -len(distances) * log_ndtr(distances.mean() / spread)
    with np.errstate(divide="ignore", invalid="ignore"):  # of distances that are all equal
        of_shape = len(some) * (np.log(some.std()) - np.log(logarithms.std()) - logarithms.mean())
    return float(max(of_sign, of_shape))


def _reduced(holds: Mask) -> Mask:
    """Bounds without those that follow from two others; of columns that are equal, either way is kept. Shape: kept."""
    if not holds.any():
        return holds
    one_way = holds & ~holds.T
    follows = (one_way.astype(float) @ one_way.astype(float)) > 0
    return np.asarray(one_way & ~follows)
