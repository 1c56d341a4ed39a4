"""Linkability: whether synthetic rows tell which two halves of records belong together."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skvae.metrics.attacks.outcome import Guesses
from skvae.metrics.attacks.rows import Rows
from skvae.metrics.gower import Cells, neighbors, on_gowers_scale


def linkability(
    members: pd.DataFrame,
    others: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    columns: tuple[Sequence[Hashable], Sequence[Hashable]] | None = None,
    n_neighbors: int = 10,
    random_state: int | np.random.RandomState | None = None,
) -> Guesses:
    """How often the two halves of a training row find the same synthetic row.

    An attacker knows some columns of a person from one source and other columns from a second. Each part is looked up
    among the synthetic rows, by Gower's distance over its columns; where both find the same row they are linked. The
    control does the same with rows that the generator has not seen.

    Parameters
    ----------
    members, others : DataFrame of shape (m, D) and (n, D)
        Rows that the generator has seen, and rows of the same distribution that it has not.
    synthetic : DataFrame of shape (M, D)
        Rows that it has drawn.
    columns : tuple of two lists of labels, or None
        What either source knows; None is a random half of the columns each.
    n_neighbors : int
        Number of closest rows of either part among which a common one is sought.
    random_state : int, RandomState or None
        Seed of the halves.

    Returns
    -------
    Guesses

    References
    ----------
    Giomi et al. (2023), A Unified Framework for Quantifying Privacy Risk in Synthetic Data (Anonymeter), section 4.2.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, fresh = (pd.DataFrame(rng.normal(size=(200, 4))) for _ in range(2))
    >>> copied = linkability(train, fresh, train, n_neighbors=1, random_state=0)
    >>> copied.rate, copied.control < 0.1
    (1.0, True)
    """
    rows = Rows.of(members, others, synthetic)
    if len(rows.is_number) < 2:
        raise ValueError("Linking needs two columns, but there is one. Pass more columns.")
    if not 1 <= n_neighbors <= len(synthetic):
        raise ValueError(
            f"n_neighbors must lie between 1 and the number of synthetic rows, {len(synthetic)}, but is {n_neighbors}. "
            f"Pass another number."
        )
    parts = _parts(members, columns, check_random_state(random_state))
    train, fresh, drawn = on_gowers_scale([rows.members, rows.others, rows.synthetic], rows.is_number)
    hits, control_hits = _links(train, drawn, parts, n_neighbors), _links(fresh, drawn, parts, n_neighbors)
    return Guesses("linking two halves of a row", "rows", hits, len(train), control_hits, len(fresh))


def _parts(
    table: pd.DataFrame, columns: tuple[Sequence[Hashable], Sequence[Hashable]] | None, rng: np.random.RandomState
) -> list[NDArray[np.intp]]:
    """Positions of the columns of both sources."""
    if columns is None:
        order = rng.permutation(table.shape[1])
        return [order[::2], order[1::2]]
    for part in columns:
        unknown = [label for label in part if label not in table.columns]
        if unknown or not len(part):
            raise ValueError(
                f"Each source must know at least one column of the table, but one knows {list(part)}, of which "
                f"{unknown} are none of {list(table.columns[:10])}. Name columns of the table."
            )
    common = set(columns[0]) & set(columns[1])
    if common:
        raise ValueError(
            f"Sources that share a column are linked by it, but both know {sorted(map(str, common))}. "
            f"Leave it out of one of them."
        )
    return [table.columns.get_indexer(pd.Index(list(part))) for part in columns]


def _links(rows: Cells, drawn: Cells, parts: list[NDArray[np.intp]], n_neighbors: int) -> int:
    """Number of rows whose two parts have a common drawn row among their neighbors. Shapes: (m, D), (M, D)."""
    first, second = (neighbors(rows[:, part], drawn[:, part], n_neighbors) for part in parts)
    is_linked = (first[:, :, None] == second[:, None, :]).any(axis=(1, 2))
    return int(is_linked.sum())
