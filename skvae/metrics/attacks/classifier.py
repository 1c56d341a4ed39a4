"""Membership by a classifier that tells synthetic rows from real ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.utils import check_random_state

from skvae.metrics.attacks.outcome import Membership
from skvae.metrics.attacks.rows import Rows
from skvae.metrics.frames import fill_empty

N_TREES = 200


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
    members, others : DataFrame of shape (m, D) and (n, D)
        Rows that the generator has seen, and rows of the same distribution that it has not.
    synthetic : DataFrame of shape (M, D)
        Rows that it has drawn.
    reference : DataFrame of shape (N, D)
        Real rows of the same distribution that are none of the others: what the attacker knows of the population.
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
    X = np.concatenate([rows.synthetic, rows.reference])
    y = np.repeat([1, 0], [len(rows.synthetic), len(rows.reference)])
    X, asked = fill_empty(X, np.concatenate([rows.members, rows.others]))
    forest = RandomForestClassifier(N_TREES, class_weight="balanced", random_state=check_random_state(random_state))
    scores = forest.fit(X, y).predict_proba(asked)[:, 1]
    return Membership.of("a classifier of synthetic rows", "rows", scores[: len(members)], scores[len(members) :])
