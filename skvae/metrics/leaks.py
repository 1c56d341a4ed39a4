"""The one rule of what is a leak: the page, the table of figures and the user guide ask here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.utils import check_random_state

from skvae.metrics.attacks import Membership, classifier_attack, density_attack, distance_attack
from skvae.metrics.attacks.intervals import error_by_chance
from skvae.metrics.attacks.rows import MIN_ROWS
from skvae.metrics.privacy import leaning

ERRORS = 2.0  # standard errors beyond chance from which on a figure is a leak
SMALL = 0.03  # a leak that helps an attacker in fewer than three more of a hundred cases is a small one
VISIBLE = 0.05  # a leak of this size must be two standard errors, or an absence of leaks is not proven
MAX_ROWS = 10_000  # synthetic rows that attackers hold: the closest records of so many have a standard error of .005
MAX_ATTACKED = 1000  # rows of either kind that are attacked: a standard error of .013
MAX_REFERENCE = 2500  # real rows that attackers hold: more cost time and find no more
CLOSEST = "the closest real row"

Leak = Literal["none", "unclear", "small", "leak"]


def is_leak(value: float, expected: float, standard_error: float, n_attacks: int = 1) -> bool:
    """Whether a figure is larger than the rows' ignorance of training explains: by more than two standard errors.

    The worst of several attacks must be as rare as that by chance among as many (Bonferroni): of four, it lies beyond
    2.5 standard errors.

    Parameters
    ----------
    value : float
        Figure of the synthetic rows, such as "Closer to train" or "Exact copies".
    expected : float
        What it is where nothing was learned by heart: .5, or the share of copies among held-out rows.
    standard_error : float
        Standard error of their difference.
    n_attacks : int
        Number of attacks of which this figure is the worst.

    Examples
    --------
    >>> is_leak(0.544, 0.5, 0.009), is_leak(0.514, 0.5, 0.009)
    (True, False)
    >>> is_leak(0.52, 0.5, 0.009), is_leak(0.52, 0.5, 0.009, n_attacks=4)
    (True, False)
    """
    return bool(value - expected > errors_beyond_chance(n_attacks) * standard_error)


def errors_beyond_chance(n_attacks: int) -> float:
    """Standard errors beyond which the worst of some attacks is a leak."""
    return float(norm.isf(norm.sf(ERRORS) / n_attacks))


@dataclass(frozen=True)
class Attack:
    """An attempt to tell, from synthetic rows, who was among the rows that the generator has learned from.

    Attributes
    ----------
    attack : str
        By what it tells them.
    value : float
        Share of right answers: .5 is guessing, 1 knows all.
    standard_error : float
        Standard error of the share of an attack that knows nothing.
    n_attacks : int
        Number of attacks that were tried on these rows: the more, the farther one must lie beyond guessing.
    chance : float
        What guessing reaches.
    """

    attack: str
    value: float
    standard_error: float
    n_attacks: int = 1
    chance: float = 0.5

    @property
    def interval(self) -> tuple[float, float]:
        """Ends between which the share lies: guessing is below the lower one where this is a leak."""
        half = errors_beyond_chance(self.n_attacks) * self.standard_error
        return max(0.0, self.value - half), min(1.0, self.value + half)

    @property
    def finding(self) -> Leak:
        """What it proves: a leak, a small one, none, or nothing, where rows are too few to see one."""
        if is_leak(self.value, self.chance, self.standard_error, self.n_attacks):
            return "small" if self.value <= self.chance + SMALL else "leak"
        return "none" if ERRORS * self.standard_error <= VISIBLE else "unclear"

    def sentence(self) -> str:
        """What it finds, for a reader who does not know the attack."""
        lower, upper = self.interval
        tried = "The attack" if self.n_attacks == 1 else f"The best of {self.n_attacks} attacks"
        return (
            f"{SENTENCES[self.finding]} {tried}, by {self.attack}, is right in {self.value:.1%} of cases (interval "
            f"{lower:.1%} to {upper:.1%}); guessing is 50%."
        )

    def to_dict(self) -> dict[str, str | float]:
        """Figures by name, such as JSON takes."""
        lower, upper = self.interval
        return {
            "attack": self.attack,
            "value": self.value,
            "lower": lower,
            "upper": upper,
            "standard_error": self.standard_error,
            "chance": self.chance,
            "finding": self.finding,
        }


SENTENCES: dict[Leak, str] = {
    "none": "No attack of ours tells rows that were learned from others.",
    "unclear": "Whether rows that were learned from can be told from others is open: these rows prove neither.",
    "small": "There is a small leak: an attack tells rows that were learned from others a little better than a coin.",
    "leak": "There is a leak: an attack tells rows that were learned from others. Do not hand them out.",
}


def attacks_on_membership(
    train: pd.DataFrame, test: pd.DataFrame, synthetic: pd.DataFrame, random_state: int | None
) -> list[Attack]:
    """Every attack that needs rows alone and takes seconds, the worst first.

    Parameters
    ----------
    train, test : DataFrame
        Real rows that the generator has seen, and that it has not. Half of the latter are what the attacker knows of
        the population. With fewer than 40 of them, or 20 of another table, the closest row is the only attack.
    synthetic : DataFrame
        Rows that it has drawn.
    random_state : int or None
        Seed of samples of rows, subsets of columns and trees.
    """
    share, error = leaning(train, test, synthetic, max_rows=MAX_ROWS, random_state=random_state)
    found = {CLOSEST: (share, error)}
    if min(len(train), len(test) // 2, len(synthetic)) >= MIN_ROWS:
        for outcome in _memberships(train, test, synthetic, random_state):
            found[outcome.attack] = outcome.auc, error_by_chance(outcome.n_members, outcome.n_others)
    attacks = [Attack(name, *figures, n_attacks=len(found)) for name, figures in found.items()]
    return sorted(attacks, key=lambda attack: -attack.interval[0])


def _memberships(
    train: pd.DataFrame, test: pd.DataFrame, synthetic: pd.DataFrame, random_state: int | None
) -> Iterator[Membership]:
    """The attacks of ``skvae.metrics.attacks`` that find most, on samples of rows."""
    rng = check_random_state(random_state)
    train, test, synthetic = (table.iloc[rng.permutation(len(table))] for table in (train, test, synthetic))
    n_others = min(len(test) // 2, MAX_ATTACKED)
    members, others = train[:MAX_ATTACKED], test[:n_others]
    tables = members, others, synthetic[:MAX_ROWS], test[n_others : n_others + MAX_REFERENCE]
    yield density_attack(*tables)
    yield classifier_attack(*tables, random_state=rng)
    if train.shape[1] > 1:
        yield distance_attack(*tables, subsets="random", random_state=rng)


def error_of_difference(share: float, of_real: float, n_rows: int, n_real: int) -> float:
    """Standard error of the difference of two shares of rows, were both the same.

    Examples
    --------
    >>> round(error_of_difference(0.02, 0.02, 1000, 1000), 4)
    0.0063
    """
    pooled = (share * n_rows + of_real * n_real) / (n_rows + n_real)
    return float(np.sqrt(pooled * (1 - pooled) * (1 / n_rows + 1 / n_real)))
