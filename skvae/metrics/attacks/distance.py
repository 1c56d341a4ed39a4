"""Membership by the distance to the closest synthetic row over subsets of columns."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skvae.metrics.association import associations
from skvae.metrics.attacks.outcome import Membership
from skvae.metrics.attacks.rows import Rows
from skvae.metrics.frames import Floats
from skvae.metrics.gower import TIE, closest, on_gowers_scale

SUBSETS = ("all", "random", "correlated")
MIN_COLUMNS, MAX_COLUMNS = 2, 6  # of a subset
ALL = slice(None)

Columns = list[NDArray[np.intp]]


def distance_attack(
    members: pd.DataFrame,
    others: pd.DataFrame,
    synthetic: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    subsets: Literal["all", "random", "correlated"] = "random",
    n_subsets: int = 40,
    random_state: int | np.random.RandomState | None = None,
) -> Membership:
    r"""Membership by whether a row lies closer to the synthetic than to the reference rows.

    For each subset of columns Gower's distances to the closest rows are compared, a tie counting one half, and a row's
    score is the share of subsets in which the closest row is synthetic. Over all columns the closest row is far, and
    says little; over a few, copied parts of rows come to light.

    Parameters
    ----------
    members, others, synthetic, reference : DataFrame
        Rows that are attacked and rows that the attacker holds, as in ``density_attack``.
    subsets : {"all", "random", "correlated"}
        All columns at once, where the score is the difference of the distances itself; two to six columns drawn at
        random; or two to six, one drawn at random and those that hang together with it most (``associations`` of the
        reference rows).
    n_subsets : int
        Number of subsets.
    random_state : int, RandomState or None
        Seed of the subsets.

    Returns
    -------
    Membership

    See Also
    --------
    distance_to_closest_record : the other way round: whether synthetic rows lean on training rows.

    References
    ----------
    Yao et al. (2025), The DCR Delusion: Measuring the Privacy Risk of Synthetic Data, arXiv:2505.01524, and On Privacy
    Leakage in Tabular Diffusion Models (2026), arXiv:2605.06835: tables that pass a test of distances over all columns
    leak membership.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, fresh, reference = (pd.DataFrame(rng.normal(size=(100, 3))) for _ in range(3))
    >>> distance_attack(train, fresh, train, reference, random_state=0).auc > 0.9
    True
    """
    if subsets not in SUBSETS:
        raise ValueError(f"subsets must be one of {', '.join(SUBSETS)}, but is {subsets!r}. Pass one of these.")
    if n_subsets < 1:
        raise ValueError(f"n_subsets must be at least 1, but is {n_subsets}. Pass 40, say.")
    rows = Rows.of(members, others, synthetic, reference)
    if subsets == "all":
        attack, scores = "distances over all columns", _gain(rows)
    else:
        rng = check_random_state(random_state)
        chosen = _random(len(rows.is_number), n_subsets, rng)
        if subsets == "correlated":
            chosen = _correlated(reference[list(members.columns)], chosen)
        attack = f"distances over {subsets} subsets of columns"
        scores = np.mean([_votes(_gain(rows, columns)) for columns in chosen], axis=0)
    return rows.outcome(attack, scores)


def _gain(rows: Rows, columns: NDArray[np.intp] | slice = ALL) -> Floats:
    """How much closer members and others lie to synthetic than to reference rows. Shape: (m + n,)."""
    tables = [table[:, columns] for table in (rows.synthetic, rows.reference, rows.asked)]
    drawn, real, asked = on_gowers_scale(tables, rows.is_number[columns])
    return (closest(asked, real)[0] - closest(asked, drawn)[0]).astype(np.float64)


def _votes(gain: Floats) -> Floats:
    """1 where the closest row is synthetic, 0 where it is real, one half for a tie. Shape: (m,)."""
    return np.where(np.abs(gain) <= TIE, 0.5, (gain > 0).astype(np.float64))


def _random(n_columns: int, n_subsets: int, rng: np.random.RandomState) -> Columns:
    most = min(MAX_COLUMNS, n_columns)
    sizes = rng.randint(min(MIN_COLUMNS, most), most + 1, size=n_subsets)
    return [rng.permutation(n_columns)[:size] for size in sizes]


def _correlated(reference: pd.DataFrame, subsets: Columns) -> Columns:
    """The first column of each subset, and as many others as it has that hang together with it most."""
    strength = np.abs(np.nan_to_num(associations(reference).to_numpy()))
    np.fill_diagonal(strength, np.inf)  # a column goes first
    order = np.argsort(-strength, axis=1, kind="stable")
    return [order[subset[0], : len(subset)] for subset in subsets]
