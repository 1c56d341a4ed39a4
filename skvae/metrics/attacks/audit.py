"""Every attack that some tables, and a model, allow."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state

from skvae.metrics.attacks.classifier import classifier_attack
from skvae.metrics.attacks.density import density_attack
from skvae.metrics.attacks.distance import distance_attack
from skvae.metrics.attacks.inference import inference
from skvae.metrics.attacks.intervals import CONFIDENCE
from skvae.metrics.attacks.likelihood import Density, likelihood_attack, scoring_methods
from skvae.metrics.attacks.linkability import linkability
from skvae.metrics.attacks.outcome import Outcome
from skvae.metrics.attacks.rows import MIN_ROWS
from skvae.metrics.attacks.singling_out import singling_out
from skvae.metrics.frames import align

N_COLUMNS = (1, 3, 6)  # of a condition that singles out
N_NEIGHBORS = 10  # of either half of a row that is linked

Needs = Literal["rows", "model"]


@dataclass(frozen=True, eq=False, repr=False)
class Audit:
    """What attacks find; print it, or show it in a notebook.

    Attributes
    ----------
    outcomes : tuple of Outcome
        What each attack achieves: a ``Membership`` or ``Guesses``.
    """

    outcomes: tuple[Outcome, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row an attack, by name.

        ``needs``, what the attacker holds: "rows" or "model"; ``value``, an AUC or a difference of rates, with the
        ends of its 95 % interval, ``lower`` and ``upper``; ``chance``, what an attack that knows nothing has;
        ``advantage``, the share of the way from chance to certainty; for membership ``tpr_at_1_percent_fpr`` and
        ``epsilon``; for guesses the ``rate`` about training rows and that of the ``control``.
        """
        figures = [outcome.to_dict() for outcome in self.outcomes]
        return pd.DataFrame(figures).set_index("attack").drop(columns=["n_members", "n_others", "n_guesses"])

    @property
    def worst(self) -> Outcome:
        """The attack of which most is proved: whose advantage is largest at the lower end of its interval."""
        return self.worst_of("rows", "model")

    def worst_of(self, *needs: Needs) -> Outcome:
        """The worst of the attacks that get by with this: "rows", "model" or both.

        Raises
        ------
        ValueError
            Where there is no such attack.
        """
        found = [outcome for outcome in self.outcomes if outcome.needs in needs]
        if not found:
            raise ValueError(f"No attack here needs {' or '.join(needs)}. Pass model= to audit for attacks on a model.")
        return max(found, key=Outcome.lowest_advantage)

    @property
    def leaks(self) -> bool:
        """Whether the worst attack is beyond chance, at 95 % for all of them together (Bonferroni)."""
        confidence = 1 - (1 - CONFIDENCE) / len(self.outcomes)
        return any(outcome.lowest_advantage(confidence) > 0 for outcome in self.outcomes)

    def sentence(self) -> str:
        """What to tell somebody who asks whether the rows can be handed out."""
        if self.leaks:
            return self.worst.sentence()
        return (
            f"None of {len(self.outcomes)} attacks is beyond chance; that is no proof that no attack is. "
            f"The best of them: {self.worst.sentence()}"
        )

    def to_dict(self) -> dict[str, object]:
        """All figures by name, such as JSON takes."""
        return {
            "leaks": self.leaks,
            "sentence": self.sentence(),
            "worst": self.worst.attack,
            "attacks": [outcome.to_dict() for outcome in self.outcomes],
        }

    def __str__(self) -> str:
        table = self.table.rename_axis(None).map(lambda value: value if isinstance(value, str) else f"{value:.3f}")
        return f"{self.sentence()}\n\n{table.replace('nan', '–').to_string()}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f"<div><p>{self.sentence()}</p>{self.table.rename_axis(None).round(3).to_html(na_rep='–')}</div>"


def audit(
    train: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame,
    *,
    reference: pd.DataFrame | None = None,
    model: Density | None = None,
    reference_model: Density | Literal["auto"] | None = "auto",
    columns: Sequence[Hashable] | None = None,
    sensitive: Sequence[Hashable] | None = None,
    max_rows: int = 2000,
    random_state: int | None = None,
) -> Audit:
    """Attack synthetic rows, and the model that drew them, in every way that these tables allow.

    Membership by the density of synthetic rows, by a classifier, by distances over all columns and over subsets, and
    by the model's likelihood, raw and relative to a model of other rows; singling out by one and by several columns;
    linking halves of rows; inference of each sensitive column.

    Parameters
    ----------
    train : DataFrame of shape (N, D)
        Rows that the generator has seen.
    synthetic : DataFrame of shape (M, D)
        Rows that it has drawn.
    holdout : DataFrame of shape (N', D)
        Real rows of the same distribution that it has not seen.
    reference : DataFrame of shape (R, D) or None
        More such rows, for what the attacker knows of the population; None takes every second row of ``holdout``.
    model : object or None
        The fitted generator, with ``score_samples`` or ``log_likelihood``: adds what somebody can do who holds it.
    reference_model : object, "auto" or None
        A model of the same kind that was fitted on reference rows. "auto" fits a clone of ``model`` on ``reference``,
        where it is an estimator, which takes as long as a fit; None for the raw likelihood alone.
    columns : list of labels or None
        Columns that take part, without identifiers and whatever else is not handed out; None for all. The model
        always sees all.
    sensitive : list of labels or None
        Columns to infer; None for all that take part.
    max_rows : int
        Number of rows that are attacked at most, a sample of train and of holdout, half of either.
    random_state : int or None
        Seed of samples, subsets of columns, conditions and trees.

    Returns
    -------
    Audit

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> train, fresh = (pd.DataFrame({"x": rng.normal(size=200), "y": rng.normal(size=200)}) for _ in range(2))
    >>> audit(train, train, fresh, random_state=0).leaks
    True
    """
    train, synthetic, holdout, reference = _tables(train, synthetic, holdout, reference, max_rows)
    columns = _named("columns", columns, list(train.columns))
    asked = _named("sensitive", sensitive, columns)
    rng = check_random_state(random_state)
    members, others = (_sample(table, max_rows // 2, rng) for table in (train, holdout))
    attackers = _Attackers(members, others, synthetic, reference, columns, rng)
    outcomes = [*attackers.of_membership()]
    if model is not None:
        known = _reference_model(model, reference_model, reference)
        outcomes += attackers.of_model(model, known)
    outcomes += attackers.of_guesses(train, holdout, asked)
    return Audit(tuple(outcomes))


def _tables(
    train: pd.DataFrame,
    synthetic: pd.DataFrame,
    holdout: pd.DataFrame,
    reference: pd.DataFrame | None,
    max_rows: int,
) -> list[pd.DataFrame]:
    """The four tables, checked."""
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    if reference is not None:
        given["reference"] = reference
    tables = dict(zip(given, align(**given), strict=True))
    if reference is None:
        tables["holdout"], tables["reference"] = tables["holdout"].iloc[::2], tables["holdout"].iloc[1::2]
    for name, table in tables.items():
        if len(table) < MIN_ROWS:
            raise ValueError(
                f"Attacks need at least {MIN_ROWS} rows of each table, but {name} has {len(table)}; without reference, "
                f"half of holdout is taken for it. Pass more rows."
            )
    if max_rows < 2 * MIN_ROWS:
        raise ValueError(f"max_rows must be at least {2 * MIN_ROWS}, but is {max_rows}. Pass 2000, say.")
    return list(tables.values())


def _named(name: str, asked: Sequence[Hashable] | None, known: Sequence[Hashable]) -> Sequence[Hashable]:
    """The columns that a parameter names, checked; all that are known where it is None."""
    if asked is None:
        return known
    unknown = [label for label in asked if label not in known]
    if unknown or not len(asked):
        raise ValueError(
            f"{name} must name columns that take part, but {list(asked)[:10]} has {unknown[:10]}, which do not. "
            f"Name some of {list(known)[:10]}, or pass None for all."
        )
    return asked


def _sample(table: pd.DataFrame, n_rows: int, rng: np.random.RandomState) -> pd.DataFrame:
    """So many rows, in random order."""
    return table.iloc[rng.permutation(len(table))[:n_rows]]


def _reference_model(
    model: Density, reference_model: Density | Literal["auto"] | None, reference: pd.DataFrame
) -> Density | None:
    if not isinstance(reference_model, str):
        return reference_model
    return clone(model).fit(reference) if isinstance(model, BaseEstimator) else None


@dataclass(frozen=True)
class _Attackers:
    """What attackers hold.

    Attributes
    ----------
    members, others, synthetic, reference : DataFrame
        Rows that are attacked, and what is known, with all columns.
    columns : list of labels
        Columns that take part.
    rng : RandomState
        Source of chance.
    """

    members: pd.DataFrame
    others: pd.DataFrame
    synthetic: pd.DataFrame
    reference: pd.DataFrame
    columns: Sequence[Hashable]
    rng: np.random.RandomState

    def _seen(self, *tables: pd.DataFrame) -> list[pd.DataFrame]:
        return [table[list(self.columns)] for table in tables]

    def of_membership(self) -> Iterator[Outcome]:
        """Membership by rows that were released."""
        tables = self._seen(self.members, self.others, self.synthetic, self.reference)
        yield density_attack(*tables)
        yield classifier_attack(*tables, random_state=self.rng)
        yield distance_attack(*tables, subsets="all")
        if len(self.columns) > 1:
            yield distance_attack(*tables, subsets="random", random_state=self.rng)
            yield distance_attack(*tables, subsets="correlated", random_state=self.rng)

    def of_model(self, model: Density, reference_model: Density | None) -> Iterator[Outcome]:
        """Membership by the likelihood of the model."""
        for method in scoring_methods(model):
            yield likelihood_attack(model, self.members, self.others, method=method)
            if reference_model is not None:
                yield likelihood_attack(
                    model, self.members, self.others, reference_model=reference_model, method=method
                )

    def of_guesses(
        self, train: pd.DataFrame, holdout: pd.DataFrame, sensitive: Sequence[Hashable]
    ) -> Iterator[Outcome]:
        """Singling out, linkability and inference."""
        n_rows = min(len(train), len(holdout))
        whole = self._seen(*(_sample(table, n_rows, self.rng) for table in (train, holdout)), self.synthetic)
        tables = members, others, synthetic = self._seen(self.members, self.others, self.synthetic)
        for n_columns in N_COLUMNS:
            if n_columns <= len(self.columns):
                yield singling_out(*whole, n_columns=n_columns, random_state=self.rng)
        if len(self.columns) < 2:
            return
        yield linkability(*tables, n_neighbors=min(N_NEIGHBORS, len(self.synthetic)), random_state=self.rng)
        for column in sensitive:
            if not any(table[column].isna().all() for table in tables):  # nothing to guess
                yield inference(members, others, synthetic, column)
