"""The figures of a report: which there are, what they say, and how they are computed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import pandas as pd

from skvae.metrics.detection import score_of, two_sample_auc
from skvae.metrics.fidelity import column_shapes, mean_trend, pair_trends
from skvae.metrics.frames import kind_of
from skvae.metrics.privacy import distance_to_closest_record, exact_copies
from skvae.metrics.utility import downstream_score

MAX_ROWS = 10_000  # synthetic rows whose closest records are sought: a standard error of .005

FIGURES = {  # by name: the ideal, and what it says
    "Shape error": (0.0, "mean distance of a column's distribution from that of train"),
    "Trend error": (0.0, "mean distance of a pair of columns' dependence from that of train"),
    "Two-sample score, train": (1.0, "1: a classifier finds no difference from train; 0: it knows every row"),
    "Two-sample AUC, train": (0.5, "the same, not clipped: below .5 where rows are copies"),
    "Two-sample score, test": (1.0, "1: a classifier finds no difference from test; 0: it knows every row"),
    "Two-sample AUC, test": (0.5, "the same, not clipped"),
    "Downstream ROC AUC": (1.0, "of the target in test, learned from these rows; aim at the real column"),
    "Downstream RMSE": (0.0, "of the target in test, learned from these rows; aim at the real column"),
    "Closer to train": (0.5, "share closer to train than to test; above .5: leans on training rows"),
    "Exact copies": (0.0, "share of rows that occur in train; not above the real column"),
}


def against_train(
    train: pd.DataFrame, rows: pd.DataFrame, shapes: pd.Series, trends: pd.DataFrame, random_state: int | None
) -> dict[str, float]:
    """Figures that need no other rows than those the generator has seen.

    Parameters
    ----------
    train, rows : DataFrame
        Rows that the generator has seen, and rows to judge.
    shapes, trends : Series and DataFrame
        ``column_shapes`` and ``pair_trends`` of these two tables.
    random_state : int or None
        Seed of row samples and folds.
    """
    return {
        "Shape error": float(shapes.mean()),
        "Trend error": mean_trend(trends),
        **_two_sample(train, rows, "train", random_state),
        "Exact copies": exact_copies(train, rows),
    }


def against_test(
    train: pd.DataFrame,
    test: pd.DataFrame,
    synthetic: pd.DataFrame,
    target: Hashable | None,
    random_state: int | None,
) -> dict[str, float]:
    """Figures of synthetic rows that need real rows which the generator has not seen."""
    figures = _two_sample(test, synthetic, "test", random_state)
    figures["Closer to train"] = distance_to_closest_record(
        train, test, synthetic, max_rows=MAX_ROWS, random_state=random_state
    )
    if target is not None:
        figures |= _downstream(synthetic, test, target, random_state)
    return figures


def of_real_rows(
    train: pd.DataFrame, test: pd.DataFrame, target: Hashable | None, random_state: int | None
) -> dict[str, float]:
    """Figures of the test rows in the place of the synthetic ones."""
    figures = against_train(train, test, column_shapes(train, test), pair_trends(train, test), random_state)
    figures |= {name.replace("train", "test"): figure for name, figure in figures.items()}  # either way
    if target is not None:
        figures |= _downstream(train, test, target, random_state)
    return figures


def tabulate(values: Mapping[str, float], real: Mapping[str, float]) -> pd.DataFrame:
    """The table of a report: one row a figure, in the order of ``FIGURES``.

    Parameters
    ----------
    values, real : mapping of name to figure
        Figures of the synthetic rows, and of real rows in their place.
    """
    rows = {}
    for name, (ideal, meaning) in FIGURES.items():
        if name in values:
            rows[name] = (values[name], ideal, real.get(name), meaning)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "ideal", "real", "meaning"])
    return table.astype({"value": float, "ideal": float, "real": float}).rename_axis("figure")


def _two_sample(reference: pd.DataFrame, rows: pd.DataFrame, name: str, random_state: int | None) -> dict[str, float]:
    auc = two_sample_auc(reference, rows, random_state=random_state)
    return {f"Two-sample score, {name}": score_of(auc), f"Two-sample AUC, {name}": float(auc.mean())}


def _downstream(rows: pd.DataFrame, test: pd.DataFrame, target: Hashable, random_state: int | None) -> dict[str, float]:
    score = downstream_score(rows, test, target, random_state=random_state)
    is_category = kind_of(test[target].dtype) == "categories"
    return {"Downstream ROC AUC" if is_category else "Downstream RMSE": score}
