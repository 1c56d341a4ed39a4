"""Rows whose free cells are moved until they keep the rules: the last resort, after drawing them again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skvae.tables.columns.base import Mask
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.kinds import Exact
from skvae.tables.rules.order import Order
from skvae.tables.rules.quantities import Numbers, Quantity
from skvae.tables.rules.repairs import repair_combination, repair_input
from skvae.tables.rules.settling import Settling

N_PASSES = 10  # of rows that break a rule: where equations hang together in a circle, they come nearer with each


class Way(NamedTuple):
    """How rows are moved.

    Attributes
    ----------
    mirrors : bool
        Whether what lies beyond a bound is mirrored there, as draws are, or set to the bound.
    at_random : bool
        Whether an equation is solved for any of its free cells, instead of what follows from the others, if that is
        free; and bounds count beside cells that are not settled yet, too.
    backward : bool
        Whether the last rules choose first which cells they are solved for: where a total is known, what it is a sum of
        follows from it, and what that is a product of from that.
    spreads : bool
        Whether what lies beyond a bound is set to any number within it, rather to a near one.
    """

    mirrors: bool = False
    at_random: bool = False
    backward: bool = False
    spreads: bool = False


class Moving(Settling):
    """One draft whose free cells are moved so far that the rules hold.

    Parameters
    ----------
    order : Order
        The rules.
    draft : Draft
        Rows, whose free cells are changed.
    rng : numpy.random.Generator
        Source of choices.
    way : Way
        How they are moved.
    """

    def __init__(self, order: Order, draft: Draft, rng: np.random.Generator, way: Way) -> None:
        self.rng, self.way = rng, way  # by which solvers are chosen
        super().__init__(order, draft)

    def run(self) -> Mask:
        """Move the rows, and answer which of them break a rule still. Shape: (N,)."""
        self._pass()
        for _ in range(N_PASSES):
            before = self._numbers()
            if not (self._repair() | self._any_broken()).any():
                break
            self._pass()
            if all(map(np.array_equal, before, self._numbers())):
                break
        return self._any_broken()

    def _numbers(self) -> list[Numbers]:
        """All quantities of the rules as they are now. Shape: (N,) each."""
        return [self.draft.numbers(name) for name in self.order.names if name in self.draft.quantities]

    # -- equations ------------------------------------------------------------------------------------------------

    def _unknowns(self, rule: Exact) -> list[str]:
        names = super()._unknowns(rule)
        if self.way.backward:  # what is computed from another of its columns last
            names[1:] = sorted(names[1:], key=lambda name: self.order.is_computed(name, names))
        first = self.rng.integers(len(names)) if self.way.at_random and names else 0
        return names[first:] + names[:first]

    def _in_turn(self) -> list[Exact]:
        return self.order.exact[::-1] if self.way.backward else self.order.exact

    def _beyond(self, rule: Exact, name: str, where: Mask) -> None:
        """Where a solution lies beyond the range that was seen, go to its end, and solve for others."""
        for other in [name, *(other for other in reversed(self.order.names) if other in rule.unknowns)]:
            rows = where & self.free[other] & (~self.taken[other] | (other == name))
            if rows.any():
                rule.solve(self.draft, other, rows, inside=True)
                where = where & rule.broken(self.draft)

    # -- bounds ---------------------------------------------------------------------------------------------------

    def _visit(self, name: str, where: Mask) -> None:
        """Move a column within its limits, as far as the others of these rules are settled."""
        quantity = self.draft.quantities.get(name)
        if quantity is None or not where.any():
            return
        numbers = self.draft.numbers(name)
        lower, upper = self._limits(name, where)
        is_beyond = where & ((numbers < lower) | (numbers > upper))
        if is_beyond.any():
            moved = self._moved(numbers[is_beyond], lower[is_beyond], upper[is_beyond], quantity)
            self.draft.put(name, is_beyond, moved)

    def _limits(self, name: str, where: Mask) -> tuple[Numbers, Numbers]:
        """The smallest and the largest number that rules leave a column in each row. Shape: (N,) twice."""
        draft = self.draft
        numbers = draft.numbers(name)
        lowest, highest = _ends(numbers)
        lower, upper = np.full_like(numbers, lowest), np.full_like(numbers, highest)
        for rule in self.order.rules:
            if name in rule.names:
                low, high = rule.limit(name, draft)
                holds = where & draft.observed(rule.names)
                if not self.way.at_random:
                    holds &= self._are_settled([other for other in rule.names if other != name])
                if low is not None:
                    np.maximum(lower, low, out=lower, where=holds)
                if high is not None:
                    np.minimum(upper, high, out=upper, where=holds)
        return lower, upper

    def _moved(self, numbers: Numbers, lower: Numbers, upper: Numbers, quantity: Quantity) -> Numbers:
        """Numbers beyond their limits mirrored there, inside of the range that was seen, and within the limits.

        Spread, they go farther, mostly a little: what is rounded and then computed again would leave the very end.
        """
        ends = np.where(numbers < lower, lower, upper)
        if self.way.mirrors:
            ends = quantity.snapped(ends + (ends - numbers))
            ends = np.clip(ends, quantity.lower, quantity.upper)
        if self.way.spreads:
            far = np.clip(np.where(numbers < lower, upper, lower), quantity.lower, quantity.upper)
            ends = quantity.snapped(ends + self.rng.random(len(ends)) ** 3 * (far - ends))
        return np.minimum(np.maximum(ends, lower), upper)

    # -- what columns follow from -----------------------------------------------------------------------------------

    def _repair(self) -> Mask:
        """Move what columns follow from, where these are known or not in any row that was seen. Shape: (N,)."""
        free = {name: mask & ~self._is_forced(name) for name, mask in self.free.items()}
        is_moved = self._nowhere()
        for name in reversed(self.order.names):  # what is moved is known to what it follows from
            rules = self.order.rules_from(name)
            if rules:
                targets = list(map(self.order.target, rules))
                moved = repair_input(self.draft, name, rules, targets, free, self.rng)
                free[name] &= ~moved
                is_moved |= moved
        for rule in self.order.exact:
            is_moved |= repair_combination(self.draft, rule, free, self.rng) | rule.reach(self.draft, free)
        return is_moved

    def _is_forced(self, name: str) -> Mask:
        """Where a column follows from known cells alone. Shape: (N,)."""
        forced = self._nowhere()
        for solver in self.solvers:
            if solver.name == name:
                forced |= solver.where & ~np.logical_or.reduce([self.free[other] for other in solver.others])
        return forced


def _ends(numbers: Numbers) -> tuple[float, float]:
    """The smallest and the largest number of a dtype."""
    if numbers.dtype.kind == "f":
        return -np.inf, np.inf
    limits = np.iinfo(numbers.dtype)
    return limits.min, limits.max
