"""The one rule of what is a leak: the page, the table of figures and the user guide ask here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from skvae.metrics.privacy import leaning

ERRORS = 2.0  # standard errors beyond chance from which on a figure is a leak
SMALL = 0.03  # a leak that helps an attacker in fewer than three more of a hundred cases is a small one
VISIBLE = 0.05  # a leak of this size must be two standard errors, or an absence of leaks is not proven
MAX_ROWS = 10_000  # synthetic rows whose closest records are sought: a standard error of .005
CLOSEST = "The closest real row is taken for one of them"

Leak = Literal["none", "unclear", "small", "leak"]


def is_leak(value: float, expected: float, standard_error: float) -> bool:
    """Whether a figure is larger than the rows' ignorance of training explains: by more than two standard errors.

    Parameters
    ----------
    value : float
        Figure of the synthetic rows, such as "Closer to train" or "Exact copies".
    expected : float
        What it is where nothing was learned by heart: .5, or the share of copies among held-out rows.
    standard_error : float
        Standard error of their difference.

    Examples
    --------
    >>> is_leak(0.544, 0.5, 0.009), is_leak(0.514, 0.5, 0.009)
    (True, False)
    """
    return bool(value - expected > ERRORS * standard_error)


@dataclass(frozen=True)
class Attack:
    """An attempt to tell, from synthetic rows, who was among the rows that the generator has learned from.

    Attributes
    ----------
    attack : str
        What is done, as the subject of a sentence.
    value : float
        Share of right answers: .5 is guessing, 1 knows all.
    standard_error : float
        Standard error of the share.
    chance : float
        What guessing reaches.
    """

    attack: str
    value: float
    standard_error: float
    chance: float = 0.5

    @property
    def lowest(self) -> float:
        """What the attack reaches at least, two standard errors below the share."""
        return self.value - ERRORS * self.standard_error

    @property
    def finding(self) -> Leak:
        """What it proves: a leak, a small one, none, or nothing, where rows are too few to see one."""
        if is_leak(self.value, self.chance, self.standard_error):
            return "small" if self.value <= self.chance + SMALL else "leak"
        return "none" if ERRORS * self.standard_error <= VISIBLE else "unclear"

    def sentence(self) -> str:
        """What it finds, for a reader who does not know the attack."""
        beside = f"{self.attack}: right in {self.value:.1%} of cases, ± {self.standard_error:.1%}; guessing is 50%."
        return f"{SENTENCES[self.finding]} {beside}"

    def to_dict(self) -> dict[str, str | float]:
        """Figures by name, such as JSON takes."""
        return {
            "attack": self.attack,
            "value": self.value,
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
    """Every attack that needs rows alone, the worst first.

    Parameters
    ----------
    train, test : DataFrame
        Real rows that the generator has seen, and that it has not.
    synthetic : DataFrame
        Rows that it has drawn.
    random_state : int or None
        Seed of samples of rows.
    """
    attacks = [Attack(CLOSEST, *leaning(train, test, synthetic, max_rows=MAX_ROWS, random_state=random_state))]
    return sorted(attacks, key=lambda attack: -attack.lowest)


def error_of_difference(share: float, of_real: float, n_rows: int, n_real: int) -> float:
    """Standard error of the difference of two shares of rows, were both the same.

    Examples
    --------
    >>> round(error_of_difference(0.02, 0.02, 1000, 1000), 4)
    0.0063
    """
    pooled = (share * n_rows + of_real * n_real) / (n_rows + n_real)
    return float(np.sqrt(pooled * (1 - pooled) * (1 / n_rows + 1 / n_real)))
