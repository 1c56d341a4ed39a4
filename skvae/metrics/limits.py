"""Up to where a figure is good, and fair: beside real rows, and never beyond an absolute limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from skvae.metrics.frames import Floats

Verdict = Literal["good", "fair", "poor"]
VERDICTS: tuple[Verdict, ...] = ("good", "fair", "poor")
NONE = (np.inf, np.inf)


@dataclass(frozen=True)
class Limits:
    r"""The largest loss that is good, and that is fair, of each pair the first and the second number.

    Beside real rows whose loss is r,

    .. math:: \min(\text{ceiling}, \max(\text{limit}, \min(\text{slack} \cdot r, r + \text{excess}))).

    Attributes
    ----------
    limits : tuple of two floats
        Losses that are good, and fair, whatever real rows have.
    slack, excess : tuple of two floats
        What more is allowed where real rows have losses themselves: a multiple of these, and at most so much on top.
    ceilings : tuple of two floats
        Losses beyond which nothing is good, or fair, whatever real rows have: a spoiled reference excuses nothing.
    """

    limits: tuple[float, float]
    slack: tuple[float, float] = (1.5, 3.0)
    excess: tuple[float, float] = NONE
    ceilings: tuple[float, float] = NONE

    def of(self, of_real: ArrayLike) -> list[Floats]:
        """The two limits beside losses of real rows of any shape."""
        known = np.asarray(of_real, dtype=float)
        found = []
        for limit, slack, excess, ceiling in zip(self.limits, self.slack, self.excess, self.ceilings, strict=True):
            allowed = np.minimum(slack * known, known + excess)
            found.append(np.minimum(ceiling, np.maximum(limit, allowed)))
        return found

    def verdict(self, loss: ArrayLike, of_real: ArrayLike = 0.0) -> Verdict:
        """The verdict on a loss, or the worst of several, each beside its own of real rows.

        Examples
        --------
        >>> limits = Limits((0.01, 0.05), ceilings=(0.06, 0.15))
        >>> limits.verdict(0.03), limits.verdict(0.03, 0.02), limits.verdict(0.29, 0.3)
        ('fair', 'good', 'poor')
        """
        for verdict, limit in zip(VERDICTS[:2], self.of(of_real), strict=True):
            if np.all(np.asarray(loss) <= limit):
                return verdict
        return "poor"


def worst_verdict(*verdicts: Verdict) -> Verdict:
    """The worst of some verdicts; good without any."""
    return max(verdicts, key=VERDICTS.index, default="good")
