"""What an attack achieves, beside chance."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self

import numpy as np

from skvae.metrics.attacks.intervals import (
    CONFIDENCE,
    auc_and_error,
    auc_interval,
    difference_interval,
    proven_epsilon,
    true_positives,
)
from skvae.metrics.frames import Floats


@dataclass(frozen=True)
class Outcome(ABC):
    """What an attack achieves.

    Attributes
    ----------
    attack : str
        Name of the attack.
    needs : str
        What the attacker holds: "rows" that were released, or the "model" itself.
    """

    attack: str
    needs: str

    @property
    @abstractmethod
    def value(self) -> float:
        """The figure: an AUC, or a difference of rates."""

    @property
    @abstractmethod
    def chance(self) -> float:
        """Value of an attack that knows nothing."""

    @abstractmethod
    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Ends between which the true value lies with this probability."""

    @abstractmethod
    def sentence(self) -> str:
        """The figure, for a reader who does not know the attack."""

    @property
    def advantage(self) -> float:
        """Share of the way from chance to certainty."""
        return (self.value - self.chance) / (1 - self.chance)

    def lowest_advantage(self, confidence: float = CONFIDENCE) -> float:
        """Lower end of the advantage's interval."""
        return (self.interval(confidence)[0] - self.chance) / (1 - self.chance)

    def to_dict(self) -> dict[str, str | float]:
        """Figures by name, such as JSON takes."""
        lower, upper = self.interval()
        return {
            "attack": self.attack,
            "needs": self.needs,
            "value": self.value,
            "lower": lower,
            "upper": upper,
            "chance": self.chance,
            "advantage": self.advantage,
        }


@dataclass(frozen=True)
class Membership(Outcome):
    """How well an attack tells rows that the generator has learned from others of the same kind.

    Attributes
    ----------
    attack, needs : str
        Name of the attack, and what the attacker holds.
    auc : float
        How often a member gets a higher score than another row: .5 by chance, 1 at best.
    standard_error : float
        Standard error of the AUC.
    tpr : float
        Share of members that are found where 1 % of the others are taken for members.
    epsilon : float
        Lower bound of the ε of differential privacy that these rows prove, see ``proven_epsilon``; nats.
    n_members, n_others : int
        Number of rows of either kind.
    """

    auc: float
    standard_error: float
    tpr: float
    epsilon: float
    n_members: int
    n_others: int

    @classmethod
    def of(cls, attack: str, needs: str, members: Floats, others: Floats) -> Self:
        """Judge an attack by its scores, which should be larger for members. Shapes: (m,), (n,)."""
        for name, scores in {"members": members, "others": others}.items():
            if len(scores) < 2:
                raise ValueError(
                    f"An interval needs two rows of each kind, but {name} has {len(scores)}. Pass more rows."
                )
            if np.isnan(scores).any():
                raise ValueError(
                    f"Scores of rows must be numbers, but {np.isnan(scores).sum()} of those of {name} are NaN. "
                    f"Pass a model that scores every row."
                )
        auc, error = auc_and_error(members, others)
        tpr, epsilon = true_positives(members, others), proven_epsilon(members, others)
        return cls(attack, needs, auc, error, tpr, epsilon, len(members), len(others))

    @property
    def value(self) -> float:
        """The AUC."""
        return self.auc

    @property
    def chance(self) -> float:
        """One half."""
        return 0.5

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Ends between which the true AUC lies with this probability."""
        return auc_interval(self.auc, self.standard_error, min(self.n_members, self.n_others), confidence)

    def sentence(self) -> str:
        """The figure, for a reader who does not know the attack."""
        holds = {"rows": "the synthetic rows", "model": "the model file"}[self.needs]
        lower, upper = self.interval()
        return (
            f"Shown a training row and another one, somebody who holds {holds} and real rows of the same kind names "
            f"the training row in {self.auc:.1%} of cases (interval {lower:.1%} to {upper:.1%}, a coin 50%), by "
            f"{self.attack}."
        )

    def to_dict(self) -> dict[str, str | float]:
        """Figures by name, such as JSON takes."""
        rates = {"tpr_at_1_percent_fpr": self.tpr, "epsilon": self.epsilon}
        return super().to_dict() | rates | {"n_members": self.n_members, "n_others": self.n_others}


@dataclass(frozen=True)
class Guesses(Outcome):
    """How often guesses from synthetic rows hit training rows, and how often rows that the generator has not seen.

    Attributes
    ----------
    attack, needs : str
        Name of the attack, and what the attacker holds.
    hits, n_guesses : int
        Guesses that were right, of all, about training rows: the main attack.
    control_hits, n_control : int
        The same about rows that the generator has not seen: what the population tells, and not the table.
    """

    hits: int
    n_guesses: int
    control_hits: int
    n_control: int

    @property
    def rate(self) -> float:
        """Share of right guesses about training rows."""
        return self.hits / self.n_guesses

    @property
    def control(self) -> float:
        """Share of right guesses about other rows."""
        return self.control_hits / self.n_control

    @property
    def value(self) -> float:
        """Difference of the two shares."""
        return self.rate - self.control

    @property
    def chance(self) -> float:
        """None."""
        return 0.0

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Ends between which the true difference lies with this probability."""
        return difference_interval(self.hits, self.n_guesses, self.control_hits, self.n_control, confidence)

    def sentence(self) -> str:
        """The figure, for a reader who does not know the attack."""
        lower, upper = self.interval()
        return (
            f"Guesses from the synthetic rows are right about {self.rate:.1%} of training rows and about "
            f"{self.control:.1%} of other rows (difference {self.value:.1%}, interval {lower:.1%} to {upper:.1%}), "
            f"by {self.attack}."
        )

    def to_dict(self) -> dict[str, str | float]:
        """Figures by name, such as JSON takes."""
        return super().to_dict() | {"rate": self.rate, "control": self.control, "n_guesses": self.n_guesses}
