"""Membership by a classifier that tells synthetic rows from real ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils import check_random_state

from skvae.metrics.attacks.outcome import Membership
from skvae.metrics.attacks.rows import Rows
from skvae.metrics.frames import Floats, fill_empty

N_TREES = 200
LARGEST = 1e38  # number of float32, in which trees count


def classifier_attack(
    members: pd.DataFrame,
    others: pd.DataFrame,
    synthetic: pd.DataFrame,
    reference: pd.DataFrame,
    *,
    random_state: int | np.random.RandomState | None = None,
) -> Membership:
    """Membership by a random forest that tells synthetic rows from reference rows.

    What the generator has learned by heart lies among synthetic rows, and is taken for one of them. Trees are grown
    to the last row, which finds more than boosting or larger leaves do.

    Parameters
    ----------
    members, others, synthetic, reference : DataFrame
        Rows that are attacked and rows that the attacker holds, as in ``density_attack``.
    random_state : int, RandomState or None
        Seed of the forest.

    Returns
    -------
    Membership

    References
    ----------
    van Breugel et al. (2023), Membership Inference Attacks against Synthetic Data through Overfitting Detection:
    p_synthetic / p_reference, here the odds of a classifier.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, fresh, reference = (pd.DataFrame(rng.normal(size=(100, 3))) for _ in range(3))
    >>> classifier_attack(train, fresh, train, reference, random_state=0).auc > 0.9
    True
    """
    rows = Rows.of(members, others, synthetic, reference)
    y = np.repeat([1, 0], [len(rows.synthetic), len(rows.reference)])
    X, asked = _within_float32(*fill_empty(rows.known, rows.asked))
    forest = RandomForestClassifier(N_TREES, class_weight="balanced", random_state=check_random_state(random_state))
    return rows.outcome("a classifier of synthetic rows", forest.fit(X, y).predict_proba(asked)[:, 1])


def _within_float32(*tables: Floats) -> list[Floats]:
    """Tables of numbers that trees can hold: columns beyond float32 in units of their largest number."""
    largest = np.nanmax(np.abs(np.concatenate(tables)), axis=0, initial=1.0)
    unit = np.where(largest > LARGEST, largest, 1.0)
    return [table / unit for table in tables]
