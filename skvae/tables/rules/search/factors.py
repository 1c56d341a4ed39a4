"""Which numbers formulas have: the simplest that lead to all cells as they are rounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linprog

from skvae.tables.bins import Floats
from skvae.tables.rules.search.evidence import SECOND

FAR = 4.0  # times as far from the nearest line as a rounded cell may be: no line is nearer to all
N_TURNS = 10  # of a line through some rows, to which those are added that it misses
SLACK = 1e-6  # of a linear program


class Span(NamedTuple):
    """What lies between two numbers, or two of each of many."""

    low: Any
    high: Any

    @property
    def has_factor(self) -> Any:
        """Whether there is a factor in it, and not 0, which tells nothing. Shape: kept."""
        with np.errstate(all="ignore"):
            is_one = np.isfinite(self.low) & np.isfinite(self.high) & (self.low <= self.high)
            return is_one & (self.low * self.high > 0)


@dataclass(frozen=True)
class Factor:
    """A factor, written as one or as what is divided by, whichever is shorter.

    Attributes
    ----------
    factor, divisor : float
        One of them is 1.
    """

    factor: float
    divisor: float

    @classmethod
    def of(cls, span: Span) -> Factor:
        """The simplest factor between two numbers of one sign.

        Examples
        --------
        >>> Factor.of(Span(0.3937, 0.3938))
        Factor(factor=1.0, divisor=2.54)
        """
        low, high = (float(np.squeeze(end)) for end in span)
        factor, divisor = simplest(low, high), simplest(1 / high, 1 / low)
        return cls(1.0, divisor) if n_digits(divisor) < n_digits(factor) else cls(factor, 1.0)

    @property
    def value(self) -> float:
        """What is multiplied by."""
        return self.factor / self.divisor

    @property
    def n_digits(self) -> int:
        """Digits of it; a factor of 1 has none."""
        return 0 if self.factor == self.divisor else n_digits(self.factor * self.divisor)


def simplest(low: float, high: float) -> float:
    """The decimal number with the fewest digits between two others.

    Examples
    --------
    >>> simplest(1.7996, 1.8003), simplest(-1, 2)
    (1.8, 0.0)
    """
    if low <= 0 <= high:
        return 0.0
    middle = (low + high) / 2
    rounded = (float(f"{middle:.{digits}e}") for digits in range(17))
    return next((value for value in rounded if low <= value <= high), middle)


def n_digits(value: float) -> int:
    """Digits of a number without zeros at its ends; none of 0.

    Examples
    --------
    >>> n_digits(2.54), n_digits(100), n_digits(0)
    (3, 1, 0)
    """
    return len(f"{abs(value):.16e}".split("e")[0].replace(".", "").rstrip("0"))


def factors_between(y: Floats, products: Floats, half: float) -> Span:
    """Between which factors of each product all cells are rounded as they are. Shape: (n,), (n, P) -> (P,) twice."""
    with np.errstate(all="ignore"):
        one, other = (y[:, None] - half) / products, (y[:, None] + half) / products
    return Span(np.minimum(one, other).max(axis=0), np.maximum(one, other).min(axis=0))


def slopes_between(x: Floats, y: Floats, half: float) -> Span | None:
    """Between which slopes a line passes through all rounded cells; None where none does. Shape: (n,) both."""
    centre, spread = x.mean(), np.ptp(x)
    if not spread > 0:
        return None
    design = np.column_stack([(x - centre) / spread, np.ones_like(x)])
    nearest = np.linalg.lstsq(design, y, rcond=None)[0]
    left = (y - design @ nearest) / half  # what a line is looked for through is within 1 of 0
    if not (np.abs(left) <= FAR).all():
        return None
    flattest, steepest = (_extreme(design, left, sign) for sign in (1, -1))
    if flattest is None or steepest is None:
        return None
    span = Span(*((nearest[0] + half * slope) / spread for slope in (flattest, steepest)))
    return span if span.has_factor else None


def _extreme(design: Floats, y: Floats, sign: int) -> float | None:
    """The smallest slope, or the largest, of lines that pass within 1 of all; None for none. Shape: (n, 2), (n,)."""
    rows = np.arange(len(y)) < SECOND
    for _ in range(N_TURNS):
        some = design[rows]
        limits = np.concatenate([1 + y[rows], 1 - y[rows]])
        found = linprog([sign, 0], np.vstack([some, -some]), limits, bounds=(None, None))
        if not found.success:
            return None
        is_missed = np.abs(y - design @ found.x) > 1 + SLACK
        if not is_missed.any():
            return float(found.x[0])
        rows |= is_missed
    return None
