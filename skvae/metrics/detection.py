"""Whether a classifier can tell synthetic rows from real ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from sklearn.utils import check_random_state

from skvae.metrics.frames import Encoding, Floats, align, fill_empty

# XGBoost's defaults, as far as scikit-learn has them; 4 rows are a Hessian of 1 where both tables are as likely.
BOOSTING = {
    "max_iter": 100,
    "learning_rate": 0.3,
    "max_depth": 6,
    "max_leaf_nodes": None,
    "min_samples_leaf": 4,
    "l2_regularization": 1.0,
    "early_stopping": False,
}


def two_sample_auc(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    n_splits: int = 3,
    random_state: int | np.random.RandomState | None = None,
) -> Floats:
    """ROC AUC, on each held-out fold, of gradient boosting that tells synthetic rows from real ones.

    As many rows of each table as the smaller one has; categories go in as numbers, missing cells as missing.

    Parameters
    ----------
    real : DataFrame of shape (N, D)
        Rows that the generator has not seen, if possible: against its training rows the test flatters a generator
        that copies their counts.
    synthetic : DataFrame of shape (M, D)
        Rows with the same columns, in any order.
    n_splits : int
        Number of folds.
    random_state : int, RandomState or None
        Seed of the samples of rows and of the folds.

    Returns
    -------
    ndarray of shape (n_splits,)
        AUC of each fold: .5 where no difference is found, 1 where every row gives itself away. Clearly below .5
        where the tables share rows: the classifier then remembers them under the other name.

    References
    ----------
    Lopez-Paz and Oquab (2017), Revisiting Classifier Two-Sample Tests.

    Examples
    --------
    >>> real = pd.DataFrame({"x": range(100)})
    >>> two_sample_auc(real, real + 100, random_state=0)
    array([1., 1., 1.])
    """
    real, synthetic = align(real=real, synthetic=synthetic)
    n_rows = min(len(real), len(synthetic))
    if not 2 <= n_splits <= n_rows:
        raise ValueError(
            f"n_splits must lie between 2 and the rows of the smaller table, {n_rows}, but is {n_splits}. "
            f"Pass more rows or another number of folds."
        )
    rng = check_random_state(random_state)
    encoding = Encoding.fit(real, synthetic)
    X = np.concatenate([encoding.encode(table)[rng.permutation(len(table))[:n_rows]] for table in (real, synthetic)])
    y = np.repeat([0, 1], n_rows)
    # A seed of their own: with that of the row sample, folds would be blocks of the tables' row order.
    folds = StratifiedKFold(n_splits, shuffle=True, random_state=rng.randint(2**31 - 1))
    classifier = HistGradientBoostingClassifier(**BOOSTING, random_state=rng.randint(2**31 - 1))
    auc = np.empty(n_splits)
    for fold, (known, asked) in enumerate(folds.split(X, y)):
        X_known, X_asked = fill_empty(X[known], X[asked])
        auc[fold] = roc_auc_score(y[asked], classifier.fit(X_known, y[known]).predict_proba(X_asked)[:, 1])
    return auc


def two_sample_score(
    real: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    n_splits: int = 3,
    random_state: int | np.random.RandomState | None = None,
) -> float:
    r"""How far synthetic rows pass for real ones.

    .. math:: 1 - \frac1F \sum_f \left(2 \max(\tfrac12, \mathrm{AUC}_f) - 1\right)

    Parameters
    ----------
    real, synthetic, n_splits, random_state
        Parameters of ``two_sample_auc``, whose folds are averaged here.

    Returns
    -------
    float
        Score from 0 (every row gives itself away) to 1 (no difference is found).

    See Also
    --------
    two_sample_auc : the AUC of each fold, not clipped at .5; at a score near 1 look at these, too.

    References
    ----------
    SDMetrics, "LogisticDetection", with boosted trees in place of the logistic regression.

    Examples
    --------
    >>> real = pd.DataFrame({"x": range(100)})
    >>> two_sample_score(real, real + 100, random_state=0)
    0.0
    """
    return score_of(two_sample_auc(real, synthetic, n_splits=n_splits, random_state=random_state))


def score_of(auc: Floats) -> float:
    """The two-sample score of the folds' AUC. Shape: (F,) -> ()."""
    return float(1 - np.mean(2 * np.maximum(0.5, auc) - 1))
