"""Numbers that count the time from one moment to another: nights = days(end - start)."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from skvae.tables.bins import Floats
from skvae.tables.rules.calendar import UNITS
from skvae.tables.rules.formulas import Formula
from skvae.tables.rules.kinds import Equation
from skvae.tables.rules.quantities import MOMENT, NUMBER, Quantity
from skvae.tables.rules.search.evidence import FIRST, Evidence, is_enough, surprise_of


def find_durations(evidence: Evidence) -> list[Equation]:
    """Equations of a number, on the left, and the time that it counts, in days, hours, minutes or seconds."""
    names = list(evidence.quantities)
    kinds = [quantity.kind for quantity in evidence.quantities.values()]
    moments = [j for j, kind in enumerate(kinds) if kind == MOMENT]
    counts = [j for j, kind in enumerate(kinds) if kind == NUMBER]
    n_tried, found = float(len(moments)) ** 2 * max(len(counts), 1) * len(UNITS), list[Equation]()
    for end, start in permutations(moments, 2):
        elapsed = evidence.numbers[:, end] - evidence.numbers[:, start]
        for j in counts:
            unit = _unit_of(elapsed, evidence.numbers[:, j], evidence.quantities[names[j]])
            if unit is None:
                continue
            known = np.isfinite(elapsed + evidence.numbers[:, j])
            if is_enough(known.sum() * surprise_of(evidence.numbers[known, j]), n_tried):
                found.append(Equation(Formula.of_column(names[j]), Formula.of_duration(unit, names[end], names[start])))
    return found


def _unit_of(elapsed: Floats, numbers: Floats, quantity: Quantity) -> str | None:
    """The unit in which times are these numbers, rounded as they are; None for no unit."""
    decimals = 9 if quantity.decimals is None else quantity.decimals
    for unit, size in UNITS.items():
        tolerance = 0.5 * 10.0**-decimals + 1e-9 * np.abs(numbers)
        for rows in (slice(FIRST), slice(None)):
            if (np.abs(elapsed[rows] / size - numbers[rows]) > tolerance[rows]).any():
                break
        else:
            return unit
    return None
