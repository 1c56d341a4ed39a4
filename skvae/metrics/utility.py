"""What a model learns from a table, judged on real rows."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import roc_auc_score, root_mean_squared_error
from sklearn.utils import check_random_state

from skvae.metrics.frames import Category, Encoding, Floats, align, fill_empty


def downstream_score(
    train: pd.DataFrame,
    test: pd.DataFrame,
    target: Hashable,
    *,
    random_state: int | np.random.RandomState | None = None,
) -> float:
    """Train a model on one table, test it on another: ROC AUC for a category, root mean squared error for a number.

    Trained on synthetic rows and tested on real ones, compare with the same figure trained on real rows. The model is
    scikit-learn's histogram gradient boosting with its default parameters, without early stopping. A category that
    training lacks is a missing cell; rows without a target are left out.

    Parameters
    ----------
    train : DataFrame of shape (N, D)
        Rows to learn from, synthetic or real.
    test : DataFrame of shape (M, D)
        Real rows with the same columns, in any order.
    target : label
        Column to predict. By its dtype a number (also an instant or a duration, in seconds) or a category;
        convert whole numbers that name classes to category.
    random_state : int, RandomState or None
        Seed of the model, which draws rows to choose its bins where there are more than 200,000.

    Returns
    -------
    float
        For a category the ROC AUC of each class against the rest, averaged over the classes of ``test``: larger is
        better, .5 is chance, also for a class that training lacks. For a number the root mean squared error in its
        units: smaller is better.

    References
    ----------
    Esteban, Hyland and Rätsch (2017), Real-valued (Medical) Time Series Generation, section 4.2: "TSTR".

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame({"x": rng.normal(size=1000)})
    >>> table["is_large"] = table["x"] > 0
    >>> round(downstream_score(table[:500], table[500:], "is_large", random_state=0), 2)
    1.0
    """
    train, test = align(train=train, test=test)
    if target not in train.columns:
        raise ValueError(
            f"target must be a column, but {target!r} is none of {list(train.columns[:10])}. Name one of these."
        )
    if train.shape[1] < 2:
        raise ValueError(
            f"A target needs other columns to predict it from, but {target!r} is alone. Pass more columns."
        )
    train, test = _with_target("train", train, target), _with_target("test", test, target)
    features = Encoding.fit(train.drop(columns=target))
    X, X_test = fill_empty(features.encode(train), features.encode(test))
    y = Encoding.fit(test[[target]], train[[target]]).columns[target]
    is_category = isinstance(y, Category)
    if is_category and test[target].nunique() < 2:
        raise ValueError(
            f"ROC AUC needs two classes, but every row of test has {target!r} = {test[target].tolist()[0]!r}. "
            f"Pass more rows or another target."
        )
    score = _roc_auc if is_category else _rmse
    return score(X, y.encode(train[target]), X_test, y.encode(test[target]), check_random_state(random_state))


def _with_target(name: str, table: pd.DataFrame, target: Hashable) -> pd.DataFrame:
    rows: pd.DataFrame = table.loc[table[target].notna()]
    if not len(rows):
        raise ValueError(
            f"Rows need a target, but all {len(table)} cells of {target!r} in {name} are missing. Pass more."
        )
    return rows


def _rmse(X: Floats, y: Floats, X_test: Floats, y_test: Floats, rng: np.random.RandomState) -> float:
    model = HistGradientBoostingRegressor(early_stopping=False, random_state=rng).fit(X, y)
    return float(root_mean_squared_error(y_test, model.predict(X_test)))


def _roc_auc(X: Floats, y: Floats, X_test: Floats, y_test: Floats, rng: np.random.RandomState) -> float:
    """Mean over the classes of test of one class against the rest."""
    classes = np.unique(y)
    if len(classes) < 2:  # nothing to learn: one score for all rows
        return 0.5
    model = HistGradientBoostingClassifier(early_stopping=False, random_state=rng).fit(X, y)
    scores = dict(zip(classes, model.predict_proba(X_test).T, strict=True))
    constant = np.zeros(len(y_test))  # the score of a class that training lacks
    auc = [roc_auc_score(y_test == level, scores.get(level, constant)) for level in np.unique(y_test)]
    return float(np.mean(auc))
