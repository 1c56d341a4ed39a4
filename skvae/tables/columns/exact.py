"""Numbers of more digits than floats hold: exact arithmetic, which knows no columns."""

from __future__ import annotations

from decimal import Context, Decimal
from typing import Any

import numpy as np

EXACT = 2.0**53  # up to which floats hold every whole number, and beyond which they may stand for another
DIGITS = 15  # of a decimal number, up to which a float tells it from all others

CONTEXT = Context(prec=400)  # for sums and quotients of the 76 digits that Arrow's have at most, and of floats'


def as_decimal(value: Any) -> Decimal:
    """A decimal number of any type, or its text; of a float, the digits that it is sure of.

    Examples
    --------
    >>> as_decimal("1.50"), as_decimal(0.1 + 0.2), as_decimal(np.int8(3))
    (Decimal('1.50'), Decimal('0.3'), Decimal('3'))
    """
    if isinstance(value, float | np.floating):
        return Decimal(f"{value:.15g}")
    return Decimal(value if isinstance(value, str | Decimal) else int(value))


def as_written(value: float) -> Decimal:
    """The number of fewest digits that is read as a float.

    Examples
    --------
    >>> as_written(0.1), as_written(0.1 + 0.2)
    (Decimal('0.1'), Decimal('0.30000000000000004'))
    """
    return Decimal(repr(value))


def exactly(value: Any) -> int | Decimal:
    """A number of any type, or its text, as an int if it is whole; of a float, all digits.

    Examples
    --------
    >>> exactly("1152921504606846979"), exactly(2.0**60), exactly("2.50")
    (1152921504606846979, 1152921504606846976, Decimal('2.50'))
    """
    if isinstance(value, int | np.integer):
        return int(value)
    number = Decimal(value if isinstance(value, str | Decimal) else float(value))
    is_int = number.is_finite() and number == number.to_integral_value()
    return int(number) if is_int else number


def distance(value: Decimal, origin: Decimal) -> float:
    """The float next to what a number lies above another."""
    return float(CONTEXT.subtract(value, origin))


def is_on_step(value: Decimal, origin: Decimal, step: Decimal) -> bool:
    """Whether a number lies whole steps from an origin."""
    return value.is_finite() and not CONTEXT.remainder(CONTEXT.subtract(value, origin), step)


def nearest_step(above: float, origin: Decimal, step: Decimal) -> Decimal:
    """The step that is next to a float above an origin."""
    steps = CONTEXT.divide(as_written(above), step).to_integral_value(context=CONTEXT)
    return CONTEXT.fma(steps, step, origin)


def rounded(value: Decimal, scale: int) -> Decimal:
    """A number with so many decimals, exactly that many."""
    return CONTEXT.quantize(value, Decimal(1).scaleb(-scale))


def to_units(value: Decimal, scale: int) -> int:
    """A number of so many decimals at most, in units of the last of them.

    Examples
    --------
    >>> to_units(Decimal("12.5"), 2), from_units(1250, 2), to_units(Decimal("7E+3"), -3)
    (1250, Decimal('12.50'), 7)
    """
    return int(CONTEXT.scaleb(value, scale))


def from_units(units: int, scale: int) -> Decimal:
    """The number of so many units of its last decimal."""
    return CONTEXT.scaleb(Decimal(units), -scale)


def n_zeros(value: int) -> int:
    """How many zeros a whole number ends with; 0 of 0.

    Examples
    --------
    >>> n_zeros(-1200), n_zeros(10**40 + 1), n_zeros(0)
    (2, 0, 0)
    """
    digits = str(abs(value))
    return len(digits) - len(digits.rstrip("0")) if value else 0
