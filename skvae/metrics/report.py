"""All figures of a synthetic table at once, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from skvae.metrics.comparison import Comparison
from skvae.metrics.fidelity import column_shapes, pair_trends, worst_first
from skvae.metrics.figures import against_test, against_train, of_real_rows, tabulate
from skvae.metrics.frames import align
from skvae.metrics.page import write_page
from skvae.metrics.picture import draw
from skvae.metrics.rules import in_percent, rules_held

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

PATTERNS = {"value": "{:.4f}", "ideal": "{:g}", "real": "{:.4f}"}  # of the numbers of a printed report

MIN_ROWS = 3  # of each table: the folds of two_sample_auc


class Report(Comparison):
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
        Tables that were compared.
    test : DataFrame or None
        Real rows that the generator has not seen, if there were any.
    target : label or None
        Column that was predicted, if any.
    rules : DataFrame or None
        Shares of rows that keep rules, see ``rules_held``, if there were any.
    """

    def plot(self, *, figure: Figure | SubFigure | None = None, max_columns: int = 9) -> Figure | SubFigure:
        """Draw the worst columns, real and synthetic, beside the errors of all pairs.

        Parameters
        ----------
        figure : matplotlib Figure or SubFigure, or None
            Figure to draw in; None makes a new one with pyplot.
        max_columns : int
            Number of columns shown at most, those with the largest errors first.

        Returns
        -------
        matplotlib Figure or SubFigure

        Raises
        ------
        ImportError
            Without matplotlib.
        """
        return draw(self.train, self.synthetic, self.shapes, self.trends, figure=figure, max_columns=max_columns)

    def to_html(self, *, title: str = "Synthetic rows", notes: str = "") -> str:
        """One web page for a reader who did not make the rows: sentences beside the figures, pictures inside.

        Parameters
        ----------
        title : str
            Title of the page, such as the name of the data.
        notes : str
            Sentence or two at the end: how the rows were made.

        Returns
        -------
        str
            HTML document, which loads nothing from elsewhere. Write it with encoding="utf-8".

        Raises
        ------
        ImportError
            Without matplotlib.
        """
        return write_page(self, title=title, notes=notes)

    def __str__(self) -> str:
        table = self._formatted()
        table["meaning"] = table["meaning"].str.ljust(table["meaning"].str.len().max())
        lines = table.rename(columns={"meaning": ""}).to_string().splitlines()
        rules = [] if self.rules is None else ["", "Rules", self.rules.map(in_percent).rename_axis(None).to_string()]
        return "\n".join([self._title(), "", *(line.rstrip() for line in lines), "", self._worst(), *rules])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        title, worst = escape(self._title()), escape(self._worst())
        return f"<div><p><strong>{title}</strong></p>{self._formatted().to_html()}<p>{worst}</p></div>"

    def _title(self) -> str:
        return f"{len(self.synthetic):,} synthetic rows of {len(self.shapes)} columns, from {len(self.train):,} rows"

    def _worst(self) -> str:
        largest = worst_first(self.shapes)[:3]
        return "Largest shape errors: " + ", ".join(f"{label} {error:.4f}" for label, error in largest.items())

    def _formatted(self) -> pd.DataFrame:
        table = self.table.copy().rename_axis(None)
        for column, pattern in PATTERNS.items():
            numbers = self.table[column]
            table[column] = numbers.map(pattern.format).where(numbers.notna(), "–")
        if self.table["real"].isna().all():
            table = table.drop(columns="real")
        return table


def report(
    train: pd.DataFrame,
    synthetic: pd.DataFrame,
    *,
    test: pd.DataFrame | None = None,
    target: Hashable | None = None,
    constraints: Sequence[str] = (),
    random_state: int | None = None,
) -> Report:
    """Judge a synthetic table by all the figures that these tables allow.

    Parameters
    ----------
    train : DataFrame of shape (N, D)
        Real rows that the generator has seen.
    synthetic : DataFrame of shape (M, D)
        Rows that the generator has drawn.
    test : DataFrame of shape (N', D) or None
        Real rows that the generator has not seen. They add an honest two-sample score, the share of rows that lean on
        training rows, and a column with what real rows reach.
    target : label or None
        Column to predict in ``test`` from what the synthetic rows teach: adds a downstream figure.
    constraints : sequence of str
        Rules that rows should keep, such as ``constraints_`` of the model: see ``rules_held``.
    random_state : int or None
        Seed of row samples and folds.

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
    for name, table in {"train": train, "synthetic": synthetic, "test": test}.items():
        if table is not None and len(table) < MIN_ROWS:
            raise ValueError(
                f"A report tells the rows of two tables apart on {MIN_ROWS} folds, which needs {MIN_ROWS} rows of "
                f"each, but {name} has {len(table)}. Pass more rows."
            )
    train, synthetic = align(train=train, synthetic=synthetic)
    shapes, trends = column_shapes(train, synthetic), pair_trends(train, synthetic)
    values = against_train(train, synthetic, shapes, trends, random_state)
    real: dict[str, float] = {}
    if test is not None:
        train, test = align(train=train, test=test)
        real = of_real_rows(train, test, target, random_state)
        values |= against_test(train, test, synthetic, target, random_state)
    rules = rules_held(train, synthetic, constraints) if len(constraints) else None
    return Report(tabulate(values, real), shapes, trends, train, synthetic, test, target, rules)
