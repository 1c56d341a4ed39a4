"""Columns that are the largest or the smallest of some others in each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from skvae.tables.bins import Floats, Integers
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds import Extreme
from skvae.tables.rules.search.computed import all_sources
from skvae.tables.rules.search.evidence import FIRST, Evidence, is_enough, surprise_of

MOST_PARTS = 12  # of an extreme


def find_extremes(evidence: Evidence, sources: Mapping[str, Sequence[str]]) -> list[Extreme]:
    """Columns that are the largest, or the smallest, of some others.

    Parameters
    ----------
    evidence : Evidence
        The table.
    sources : dict of str -> list of str
        What each column follows from that other rules give.
    """
    names, signed = list(evidence.quantities), {"max": evidence.numbers, "min": -evidence.numbers}
    kinds = [quantity.kind for quantity in evidence.quantities.values()]
    known, found = dict(sources), list[Extreme]()
    for y, target in enumerate(names):
        alike = [j for j, name in enumerate(names) if j != y and kinds[j] == kinds[y]]
        usable = np.array([j for j in alike if target not in all_sources([names[j]], known)], dtype=int)
        for function, X in signed.items():
            parts = usable[:0] if target in known else _parts(X[:, y], X, usable)
            if len(parts) > 1 and _says_enough(X[:, y], X[:, parts], len(names)):
                known[target] = [names[j] for j in parts]
                found.append(Extreme(Formula.of_column(target), Formula.of_extreme(function, known[target])))
    return found


def _parts(y: Floats, X: Floats, parts: Integers) -> Integers:
    """The fewest columns of which another is the largest in all rows; none for no such. Shape: (N,), (N, Q)."""
    for rows in (slice(FIRST), slice(None)):
        with np.errstate(invalid="ignore"):
            parts = parts[~(X[rows, parts] > y[rows, None]).any(axis=0)]
            reaches = X[rows, parts] == y[rows, None]
        is_complete = ~np.isnan(X[rows, parts]).any(axis=1) & ~np.isnan(y[rows])
        if len(parts) < 2 or not reaches[is_complete].any(axis=1).all():
            return parts[:0]
    for j in parts[np.argsort(reaches.sum(axis=0), kind="stable")]:  # those that are seldom the largest may go
        left = parts[parts != j]
        known = ~np.isnan(X[:, left]).any(axis=1) & ~np.isnan(y)
        if (X[known][:, left] == y[known, None]).any(axis=1).all():
            parts = left
    return parts if len(parts) <= MOST_PARTS else parts[:0]


def _says_enough(y: Floats, X: Floats, n_columns: int) -> bool:
    """Whether each is the only largest in rows enough, and would be larger in shuffled ones. (N,), (N, P)."""
    known = ~np.isnan(X).any(axis=1) & ~np.isnan(y)
    y, reaches = y[known], X[known] == y[known, None]
    alone = (reaches & (reaches.sum(axis=1, keepdims=True) == 1)).sum(axis=0)
    shares = np.array([(np.searchsorted(np.sort(y), column, "left")).mean() / len(y) for column in X[known].T])
    nats = np.minimum(alone * surprise_of(y), -len(y) * np.log1p(-np.minimum(shares, 1 - 1e-9)))
    return bool(is_enough(nats, 2 * float(n_columns) ** (1 + X.shape[1])).all())
