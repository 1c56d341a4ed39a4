"""All figures of a synthetic table at once, as a table and as a picture."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from skvae.metrics.answers import answers_of
from skvae.metrics.chance import Chance
from skvae.metrics.comparison import Comparison
from skvae.metrics.document import document_of
from skvae.metrics.fidelity import column_shapes, pair_trends, worst_first
from skvae.metrics.figures import Real, against_test, against_train, of_real_rows, standard_errors, tabulate
from skvae.metrics.frames import align
from skvae.metrics.identifiers import find_identifiers, judge_identifiers
from skvae.metrics.leaks import Attack, attacks_on_membership
from skvae.metrics.page import write_page
from skvae.metrics.picture import draw
from skvae.metrics.rules import in_percent, rules_held
from skvae.metrics.score import judge
from skvae.metrics.validity import tabulate_checks

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
        synthetic ones (NaN without test rows, and where they have no such figure); ``standard_error`` of figures that
        may be a leak; ``meaning``.
    verdicts : DataFrame
        One row a question, by its figure: ``verdict``, "good", "fair" or "poor"; ``points``; ``leaks``, whether it
        proves a leak; ``sentence``.
    leaks : list of str
        What proves that real rows come back, in sentences; the page says the same.
    score : int
        Points from 0 to 100 of all answers together: 80 or more is good. At most 79 where an answer is fair or, without
        ``test``, nobody could ask for leaks; at most 49 where one is poor.
    shapes : Series of length D
        Errors of columns, see ``column_shapes``. Identifiers are not among them.
    trends : DataFrame of shape (D, D)
        Errors of pairs of columns, see ``pair_trends``.
    identifiers : DataFrame
        Columns that name their rows, by name: ``copied``, the share of synthetic rows with a value of ``train``; the
        same ``by real rows``; ``repeated``, the share of values that an earlier row has; the same ``in train``.
    checks : DataFrame
        One row for each rule that holds in ``train``: ``column``, ``rule``, and the shares of rows that break it.
    attacks : list
        Attempts to tell training rows from others, the worst first; none without ``test``.
    sparse : list of labels
        Categories with so many values that even real rows differ by chance: they are left out of the two means.
    train, synthetic : DataFrame
        Tables that were compared.
    test : DataFrame or None
        Real rows that the generator has not seen, if there were any.
    target : label or None
        Column that was predicted, if any.
    rules : DataFrame or None
        Shares of rows that keep rules, see ``rules_held``, if there were any.
    """

    @property
    def verdicts(self) -> pd.DataFrame:
        """The answers to all questions, as the page gives them."""
        answers, score = judge(self)
        rows = {}
        for answer, points in zip(answers, score.parts, strict=True):
            rows[answer.question.figure] = (answer.verdict, points, answer.leaks, answer.sentence)
        table = pd.DataFrame.from_dict(rows, orient="index", columns=["verdict", "points", "leaks", "sentence"])
        return table.rename_axis("figure")

    @property
    def leaks(self) -> list[str]:
        """What proves that real rows come back."""
        return [answer.sentence for answer in answers_of(self) if answer.leaks]

    @property
    def score(self) -> int:
        """All answers as one figure."""
        return judge(self)[1].points

    def to_dict(self) -> dict[str, Any]:
        """All figures and verdicts, as plain numbers, texts, lists and dicts: what JSON takes.

        Returns
        -------
        dict
            ``score``, ``verdict``, ``answers``, ``leaks``, ``not_asked``, ``figures``, ``columns``, ``pairs``,
            ``sparse``, ``identifiers``, ``checks``, ``types``, ``attacks``, ``constraints`` and ``rows``. No value of a
            cell is in it.

        Examples
        --------
        >>> train = pd.DataFrame({"x": [1.5, 2.0, 3.5] * 10, "word": ["a", "b"] * 15})
        >>> report(train, train, random_state=0).to_dict()["figures"]["Exact copies"]["value"]
        1.0
        """
        return document_of(self)

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
        said = [*self._notes(), self._worst(), self._score()]
        rules = [] if self.rules is None else ["", "Rules", self.rules.map(in_percent).rename_axis(None).to_string()]
        return "\n".join([self._title(), "", *(line.rstrip() for line in lines), "", *said, *rules])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        said = "<br>".join(escape(line) for line in [*self._notes(), self._worst(), self._score()])
        return f"<div><p><strong>{escape(self._title())}</strong></p>{self._formatted().to_html()}<p>{said}</p></div>"

    def _title(self) -> str:
        n_columns = self.train.shape[1]
        return f"{len(self.synthetic):,} synthetic rows of {n_columns} columns, from {len(self.train):,} rows"

    def _notes(self) -> list[str]:
        """What is judged apart, and every leak."""
        apart = []
        if len(self.identifiers):
            apart.append(f"Identifiers, judged apart: {', '.join(map(str, self.identifiers.index))}")
        if self.sparse:
            apart.append(f"Too many values to be judged on these rows: {', '.join(map(str, self.sparse))}")
        return apart + self.leaks

    def _score(self) -> str:
        poor = [name for name, verdict in self.verdicts["verdict"].items() if verdict == "poor"]
        return f"Score: {self.score} of 100" + (f"; poor: {', '.join(map(str, poor))}" if poor else "")

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
        return table.drop(columns="standard_error")


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
    >>> train = pd.DataFrame({"x": [1.0, 2.0, 3.5, 4.0] * 25, "word": ["a", "b"] * 50})
    >>> report(train, train.iloc[::-1], random_state=0).table["value"].round(2)[["Shape error", "Exact copies"]]
    figure
    Shape error     0.0
    Exact copies    1.0
    Name: value, dtype: float64
    """
    train, synthetic = align(train=train, synthetic=synthetic)
    if test is not None:
        train, test = align(train=train, test=test)
    _check_tables(train, synthetic, test, target)
    real = _real_rows(train, synthetic, test, target, random_state)
    judged, drawn = real.judged(train), real.judged(synthetic)
    shapes, trends = column_shapes(judged, drawn), pair_trends(judged, drawn)
    values, of_real, attacks = against_train(real, synthetic, shapes, trends), dict[str, float](), list[Attack]()
    if test is not None:
        attacks = attacks_on_membership(judged, real.judged(test), drawn, random_state)
        of_real = of_real_rows(real, test, target)
        values |= against_test(real, test, synthetic, target, attacks)
    errors = standard_errors(values, of_real, len(synthetic), 0 if test is None else len(test), attacks)
    return Report(
        tabulate(values, of_real, errors),
        shapes,
        trends,
        train,
        synthetic,
        test,
        target,
        identifiers=judge_identifiers(train, synthetic, real.identifiers, test),
        checks=tabulate_checks(real.checks(synthetic), None if test is None else real.checks(test)),
        attacks=attacks,
        chance=real.chance,
        rules=rules_held(train, synthetic, constraints) if len(constraints) else None,
    )


def _check_tables(
    train: pd.DataFrame, synthetic: pd.DataFrame, test: pd.DataFrame | None, target: Hashable | None
) -> None:
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


def _real_rows(
    train: pd.DataFrame,
    synthetic: pd.DataFrame,
    test: pd.DataFrame | None,
    target: Hashable | None,
    random_state: int | None,
) -> Real:
    """The real rows, with the columns that are judged apart, and how much rows differ by chance."""
    tables = [train] if test is None else [train, test]
    identifiers = [label for label in find_identifiers(*tables) if label != target]
    if len(identifiers) == train.shape[1]:
        raise ValueError(
            f"A report compares columns that say something of their rows, but each of {identifiers[:5]} only names "
            f"them: all values differ. Pass a column that is no identifier."
        )
    judged, drawn, *others = (table.drop(columns=identifiers) for table in (train, synthetic, *tables[1:]))
    chance = Chance.of(judged, others[0] if others else None, drawn, random_state)
    return Real(train, chance, identifiers, random_state)
