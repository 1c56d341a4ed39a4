"""All figures of a synthetic table at once, as a table and as a picture."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from skvae.metrics.detection import score_of, two_sample_auc
from skvae.metrics.fidelity import column_shapes, mean_trend, pair_trends
from skvae.metrics.frames import align, kind_of
from skvae.metrics.privacy import distance_to_closest_record, exact_copies
from skvae.metrics.utility import downstream_score

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

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


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """How good a synthetic table is; print it, show it in a notebook, or ``plot`` it.

    Attributes
    ----------
    table : DataFrame
        One row a figure, by name: ``value``; ``ideal``; ``real``, what the real test rows reach in the place of the
        synthetic ones (NaN without test rows, and where they have no such figure); ``meaning``.
    shapes : Series of length D
        Errors of columns, see ``column_shapes``.
    trends : DataFrame of shape (D, D)
        Errors of pairs of columns, see ``pair_trends``.
    train, synthetic : DataFrame
        What was compared.
    test : DataFrame or None
        The real rows beside, if there were any.
    target : label or None
        The column that was predicted, if any.
    """

    table: pd.DataFrame
    shapes: pd.Series
    trends: pd.DataFrame
    train: pd.DataFrame
    synthetic: pd.DataFrame
    test: pd.DataFrame | None = None
    target: Any = None

    def plot(self, *, figure: Figure | SubFigure | None = None, max_columns: int = 9) -> Figure | SubFigure:
        """Draw the worst columns, real and synthetic, beside the errors of all pairs.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, or None
            Where to draw; None makes a new one with pyplot.
        max_columns : int
            Columns shown at most, those with the largest errors first.

        Returns
        -------
        matplotlib Figure or SubFigure

        Raises
        ------
        ImportError
            Without matplotlib.
        """
        from skvae.metrics.picture import draw

        return draw(self.train, self.synthetic, self.shapes, self.trends, figure=figure, max_columns=max_columns)

    def to_html(self, *, title: str = "Synthetic rows", notes: str = "") -> str:
        """One web page for a reader who did not make the rows: sentences beside the figures, pictures inside.

        Parameters
        ----------
        title : str
            Of the page, such as the name of the data.
        notes : str
            How the rows were made: a sentence or two at the end.

        Returns
        -------
        str
            A complete HTML document, which loads nothing from elsewhere. Write it with encoding="utf-8".

        Raises
        ------
        ImportError
            Without matplotlib.
        """
        from skvae.metrics.page import write_page

        return write_page(self, title=title, notes=notes)

    def __str__(self) -> str:
        table = self._formatted()
        table["meaning"] = table["meaning"].str.ljust(table["meaning"].str.len().max())
        lines = table.rename(columns={"meaning": ""}).to_string().splitlines()
        return "\n".join([self._title(), "", *(line.rstrip() for line in lines), "", self._worst()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        title, worst = escape(self._title()), escape(self._worst())
        return f"<div><p><strong>{title}</strong></p>{self._formatted().to_html()}<p>{worst}</p></div>"

    def _title(self) -> str:
        return f"{len(self.synthetic):,} synthetic rows of {len(self.shapes)} columns, from {len(self.train):,} rows"

    def _worst(self) -> str:
        largest = self.shapes.sort_values(ascending=False, kind="stable")[:3]
        return "Largest shape errors: " + ", ".join(f"{label} {error:.4f}" for label, error in largest.items())

    def _formatted(self) -> pd.DataFrame:
        table = self.table.copy().rename_axis(None)
        for column, pattern in {"value": "{:.4f}", "ideal": "{:g}", "real": "{:.4f}"}.items():
            table[column] = ["–" if pd.isna(value) else pattern.format(value) for value in self.table[column]]
        return table if self.table["real"].notna().any() else table.drop(columns="real")


def report(
    train: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    test: pd.DataFrame | None = None,
    target: Any = None,
    random_state: int | None = None,
) -> Report:
    """Judge a synthetic table by all the figures that the given tables allow.

    Parameters
    ----------
    train : DataFrame of shape (N, D)
        Real rows that the generator has seen.
    synthetic : DataFrame of shape (M, D)
        Rows of the generator.
    test : DataFrame of shape (N', D) or None
        Real rows that it has not seen. They add an honest two-sample score, the share of rows that lean on training
        rows, and a column with what real rows reach.
    target : label or None
        A column to predict in ``test`` from what the synthetic rows teach: adds a downstream figure.
    random_state : int or None
        Draws row samples and folds.

    Returns
    -------
    Report

    See Also
    --------
    column_shapes, pair_trends, two_sample_score, downstream_score, distance_to_closest_record, exact_copies

    Examples
    --------
    >>> train = pd.DataFrame({"x": range(100), "word": ["a", "b"] * 50})
    >>> report(train, train.iloc[::-1], random_state=0).table["value"].round(2)[["Shape error", "Exact copies"]]
    figure
    Shape error     0.0
    Exact copies    1.0
    Name: value, dtype: float64
    """
    if target is not None and test is None:
        raise ValueError(
            f"A downstream figure needs real rows that the generator has not seen, but target={target!r} came without "
            f"test. Pass test, or leave target out."
        )
    train, synthetic = align(train=train, synthetic=synthetic)
    shapes, trends = column_shapes(train, synthetic), pair_trends(train, synthetic)
    value = _against_train(train, synthetic, shapes, trends, random_state)
    real: dict[str, float] = {}
    if test is not None:
        train, test = align(train=train, test=test)
        real = _against_train(train, test, column_shapes(train, test), pair_trends(train, test), random_state)
        real |= {name.replace("train", "test"): figure for name, figure in real.items()}  # either way
        value |= _two_sample(test, synthetic, "test", random_state)
        value["Closer to train"] = distance_to_closest_record(
            train, test, synthetic, max_rows=MAX_ROWS, random_state=random_state
        )
        if target is not None:
            value |= _downstream(synthetic, test, target, random_state)
            real |= _downstream(train, test, target, random_state)
    rows = {
        name: (value[name], ideal, real.get(name), meaning)
        for name, (ideal, meaning) in FIGURES.items()
        if name in value
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "ideal", "real", "meaning"])
    table = table.astype({"value": float, "ideal": float, "real": float}).rename_axis("figure")
    return Report(table, shapes, trends, train, synthetic, test, target)


def _against_train(
    train: pd.DataFrame, rows: pd.DataFrame, shapes: pd.Series, trends: pd.DataFrame, random_state: int | None
) -> dict[str, float]:
    return {
        "Shape error": float(shapes.mean()),
        "Trend error": mean_trend(trends),
        **_two_sample(train, rows, "train", random_state),
        "Exact copies": exact_copies(train, rows),
    }


def _two_sample(reference: pd.DataFrame, rows: pd.DataFrame, name: str, random_state: int | None) -> dict[str, float]:
    auc = two_sample_auc(reference, rows, random_state=random_state)
    return {f"Two-sample score, {name}": score_of(auc), f"Two-sample AUC, {name}": float(auc.mean())}


def _downstream(rows: pd.DataFrame, test: pd.DataFrame, target: Any, random_state: int | None) -> dict[str, float]:
    score = downstream_score(rows, test, target, random_state=random_state)
    return {f"Downstream {'ROC AUC' if kind_of(test[target].dtype) == 'categories' else 'RMSE'}": score}
