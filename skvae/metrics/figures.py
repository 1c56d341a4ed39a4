"""The figures of a report: which there are, what they say, and how they are computed."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from skvae.metrics.chance import Chance, without, without_pairs
from skvae.metrics.detection import score_of, two_sample_auc
from skvae.metrics.fidelity import column_shapes, mean_trend, pair_trends
from skvae.metrics.frames import kind_of
from skvae.metrics.identifiers import has_copied_identifier
from skvae.metrics.leaks import CLOSEST, Attack, error_of_difference
from skvae.metrics.privacy import is_copy
from skvae.metrics.utility import downstream_score
from skvae.metrics.validity import Check, checks_of, is_invalid

FIGURES = {  # by name: the ideal, and what it says
    "Shape error": (0.0, "mean distance of a column's distribution from that of train"),
    "Trend error": (0.0, "mean distance of a pair of columns' dependence from that of train"),
    "Two-sample score, train": (1.0, "1: a classifier finds no difference from train; 0: it knows every row"),
    "Two-sample AUC, train": (0.5, "the same, not clipped: below .5 where rows are copies"),
    "Two-sample score, test": (1.0, "1: a classifier finds no difference from test; 0: it knows every row"),
    "Two-sample AUC, test": (0.5, "the same, not clipped"),
    "Downstream ROC AUC": (1.0, "of the target in test, learned from these rows; aim at the real column"),
    "Downstream RMSE": (0.0, "of the target in test, learned from these rows; aim at the real column"),
    "Invalid rows": (0.0, "share of rows that break a rule of train: ranges, values, gaps, keys"),
    "Closer to train": (0.5, "share closer to train than to test; above .5: leans on training rows"),
    "Worst attack": (0.5, "right guesses of the best attack on who was in train; above .5: a leak"),
    "Exact copies": (0.0, "share of rows, or their identifiers, that occur in train; not above real"),
}


@dataclass(frozen=True, eq=False)
class Real:
    """Real rows beside which others are judged.

    Attributes
    ----------
    train : DataFrame
        Rows that the generator has seen.
    chance : Chance
        Errors of real rows beside other real rows, of the columns that are no identifiers.
    identifiers : list of labels
        Columns that name their rows, which are judged apart.
    random_state : int or None
        Seed of row samples and folds.
    """

    train: pd.DataFrame
    chance: Chance
    identifiers: list[Hashable] = field(default_factory=list)
    random_state: int | None = None

    def judged(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Some rows without identifiers, which would spoil every distance."""
        return rows.drop(columns=self.identifiers)

    def checks(self, rows: pd.DataFrame) -> list[Check]:
        """What holds in train, checked in other rows."""
        return checks_of(self.train, rows, identifiers=self.identifiers, sparse=self.chance.sparse)


def against_train(real: Real, rows: pd.DataFrame, shapes: pd.Series, trends: pd.DataFrame) -> dict[str, float]:
    """Figures that need no other rows than those the generator has seen.

    Parameters
    ----------
    real : Real
        Rows that the generator has seen.
    rows : DataFrame
        Rows to judge.
    shapes, trends : Series and DataFrame
        ``column_shapes`` and ``pair_trends`` of both, without identifiers.
    """
    train, judged = real.judged(real.train), real.judged(rows)
    is_copied = is_copy(train, judged) | has_copied_identifier(real.train, rows, real.identifiers)
    return {
        "Shape error": float(without(real.chance.sparse, shapes).mean()),
        "Trend error": mean_trend(without_pairs(real.chance.sparse, trends)),
        **_two_sample(train, judged, "train", real.random_state),
        "Invalid rows": float(is_invalid(real.checks(rows), len(rows)).mean()),
        "Exact copies": float(is_copied.mean()),
    }


def against_test(
    real: Real, test: pd.DataFrame, synthetic: pd.DataFrame, target: Hashable | None, attacks: list[Attack]
) -> dict[str, float]:
    """Figures of synthetic rows that need real rows which the generator has not seen.

    Parameters
    ----------
    real : Real
        Rows that the generator has seen.
    test, synthetic : DataFrame
        Real rows that it has not seen, and rows to judge.
    target : label or None
        Column to predict, if any.
    attacks : list of Attack
        Attacks on membership, the worst first.
    """
    test, synthetic = real.judged(test), real.judged(synthetic)
    figures = _two_sample(test, synthetic, "test", real.random_state)
    figures["Closer to train"] = _closest_row(attacks).value
    figures["Worst attack"] = attacks[0].value
    if target is not None:
        figures |= _downstream(synthetic, test, target, real.random_state)
    return figures


def of_real_rows(real: Real, test: pd.DataFrame, target: Hashable | None) -> dict[str, float]:
    """Figures of the test rows in the place of the synthetic ones."""
    train, judged = real.judged(real.train), real.judged(test)
    figures = against_train(real, test, column_shapes(train, judged), pair_trends(train, judged))
    figures |= {name.replace("train", "test"): figure for name, figure in figures.items()}  # either way
    if target is not None:
        figures |= _downstream(train, judged, target, real.random_state)
    return figures


def standard_errors(
    values: Mapping[str, float], real: Mapping[str, float], n_rows: int, n_real: int, attacks: list[Attack]
) -> dict[str, float]:
    """Standard errors of the figures that may be a leak, beside what they are without one."""
    errors = {}
    if attacks:
        errors["Closer to train"] = _closest_row(attacks).standard_error
        errors["Worst attack"] = attacks[0].standard_error
    if "Exact copies" in real:
        errors["Exact copies"] = error_of_difference(values["Exact copies"], real["Exact copies"], n_rows, n_real)
    return errors


def tabulate(values: Mapping[str, float], real: Mapping[str, float], errors: Mapping[str, float]) -> pd.DataFrame:
    """The table of a report: one row a figure, in the order of ``FIGURES``.

    Parameters
    ----------
    values, real, errors : mapping of name to figure
        Figures of the synthetic rows, of real rows in their place, and standard errors of the former.
    """
    rows = {}
    for name, (ideal, meaning) in FIGURES.items():
        if name in values:
            rows[name] = (values[name], ideal, real.get(name), errors.get(name), meaning)
    columns = ["value", "ideal", "real", "standard_error", "meaning"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return table.astype(dict.fromkeys(columns[:-1], float)).rename_axis("figure")


def _closest_row(attacks: list[Attack]) -> Attack:
    return next(attack for attack in attacks if attack.attack == CLOSEST)


def _two_sample(reference: pd.DataFrame, rows: pd.DataFrame, name: str, random_state: int | None) -> dict[str, float]:
    auc = two_sample_auc(reference, rows, random_state=random_state)
    return {f"Two-sample score, {name}": score_of(auc), f"Two-sample AUC, {name}": float(auc.mean())}


def _downstream(rows: pd.DataFrame, test: pd.DataFrame, target: Hashable, random_state: int | None) -> dict[str, float]:
    score = downstream_score(rows, test, target, random_state=random_state)
    is_category = kind_of(test[target].dtype) == "categories"
    return {"Downstream ROC AUC" if is_category else "Downstream RMSE": score}
