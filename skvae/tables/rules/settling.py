"""Rows made to keep rules: exact ones are solved for a free cell, bounds limit free cells, in an order that settles."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skvae.tables.columns.base import Mask
from skvae.tables.rules.constraints import Equation, Function
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.order import Exact, Order
from skvae.tables.rules.quantities import Numbers, Quantity
from skvae.tables.rules.repairs import repair_inputs, repair_terms

N_PASSES = 10  # of rows that break a rule: where equations hang together in a circle, they come nearer with each


class Solver(NamedTuple):
    """A rule that is solved for one of its columns, in some rows: a mask of shape (N,)."""

    rule: Exact
    name: str
    where: Mask

    @property
    def others(self) -> list[str]:
        """Columns that are known before."""
        return [name for name in self.rule.names if name != self.name]


class Settling:
    """One draft that is made to keep rules.

    Parameters
    ----------
    order : Order
        The rules.
    table : list of str
        Names of all columns.
    draft : Draft
        Rows, whose free cells are changed.
    rng : numpy.random.Generator
        Source of choices.
    by_force : bool
        Whether free cells are moved so far that rules hold. Else only what follows from other cells is changed, and
        rows that then break a rule, or are unlike any row that was seen, are left to be drawn again.
    mirrors : bool
        Whether what lies beyond a bound is mirrored there, as draws are, or set to the bound.
    turn : int
        0 solves an equation for what follows from the others, if it is free; 1, 2, … for any of its free cells.
    """

    def __init__(
        self,
        order: Order,
        table: list[str],
        draft: Draft,
        rng: np.random.Generator,
        *,
        by_force: bool,
        mirrors: bool = True,
        turn: int = 0,
    ) -> None:
        self.turn = turn
        self.order, self.table, self.draft, self.rng = order, table, draft, rng
        self.by_force, self.mirrors = by_force, mirrors
        self.free = {name: draft.free(name) for name in order.names}
        self.settled = dict[str, Mask]()
        self.taken = {name: self._nowhere() for name in order.names}
        self.is_odd = self._nowhere()
        self.solvers = [solver for rule in order.exact for solver in self._solvers_of(rule)]

    def run(self) -> Mask:
        """Settle the rows, and answer which of them are to be drawn again. Shape: (N,)."""
        self._pass()
        for _ in range(N_PASSES if self.by_force else 0):
            before = self._numbers()
            if not (self._repair() | self._any_broken()).any():
                break
            self._pass()
            if all(map(np.array_equal, before, self._numbers())):
                break
        left = self.is_odd if self.by_force else self.is_odd | self._unlike_any()
        return left | self._any_broken()

    def _unlike_any(self) -> Mask:
        """Where a function says nothing of cells that are free. Shape: (N,)."""
        unlike = self._nowhere()
        for rule in self.order.exact:
            if isinstance(rule, Function):
                unlike |= rule.unknown(self.draft) & np.logical_or.reduce([self.free[name] for name in rule.inputs])
        return unlike

    def _numbers(self) -> list[Numbers]:
        """All quantities of the rules as they are now. Shape: (N,) each."""
        return [self.draft.numbers(name) for name in self.order.names if name in self.draft.quantities]

    def _nowhere(self) -> Mask:
        return np.zeros(len(self.draft), dtype=bool)

    def _solvers_of(self, rule: Exact) -> list[Solver]:
        """For which of its free cells a rule is solved in each row: what follows from the others, or else the last."""
        open_, solvers = self.draft.observed(rule.names), list[Solver]()
        target = rule.target(self.table)
        others = [name for name in reversed(self.order.names) if name in rule.names and name != target]
        if isinstance(rule, Function) or rule.part is not None:
            others = []
        candidates = [target, *others]
        turn = self.rng.integers(len(candidates)) if self.turn else 0
        for name in candidates[turn:] + candidates[:turn]:
            mask = open_ & self.free[name] & ~self.taken[name]
            if mask.any():
                solvers.append(Solver(rule, name, mask))
                self.taken[name] |= mask
                open_ = open_ & ~mask
        return solvers

    def _pass(self) -> None:
        """Solve what follows from known cells, visit the columns one by one, and then what had to wait."""
        self.settled = {name: ~free for name, free in self.free.items()}
        for _ in self.order.exact:
            for solver in self.solvers:
                self._solve(solver, self._are_settled(solver.others))
        for name in self.order.names:
            for solver in self.solvers:
                if solver.name == name:
                    self._solve(solver, self._are_settled(solver.others))
            alone = self.free[name] & ~self.taken[name]
            if self.by_force:
                self._limit(name, alone)
            self.settled[name] |= alone
        for solver in self.solvers:
            self._solve(solver, ~self._nowhere())

    def _are_settled(self, names: list[str]) -> Mask:
        mask = ~self._nowhere()
        for name in names:
            mask &= self.settled[name]
        return mask

    def _solve(self, solver: Solver, is_ready: Mask) -> None:
        """Compute a column by a rule, where that is not done already."""
        rule, name, draft = solver.rule, solver.name, self.draft
        where = solver.where & is_ready & ~self.settled[name]
        if not where.any():
            return
        self.settled[name] |= where
        if isinstance(rule, Function):
            entries = rule.entries(draft)
            where = where & (entries >= 0)
            draft.put_labels(name, where, rule.values.take(entries[where]))
            return
        numbers = rule.solved(draft, name)
        where = where & np.isfinite(numbers)
        draft.put(name, where, numbers[where])
        n_free = sum(self.free[other].astype(int) for other in rule.names)
        is_far = where & (n_free > 1) & ~draft.quantities[name].is_inside(numbers)
        if self.by_force:
            self._spread(rule, name, is_far)
        else:
            self.is_odd |= is_far

    def _spread(self, rule: Equation, name: str, where: Mask) -> None:
        """Where a solution lies beyond the range that was seen, go to its end, and solve for others."""
        for other in [name, *(column for column in reversed(self.order.names) if column in rule.names)]:
            rows = where & self.free[other] & (~self.taken[other] | (other == name))
            if rows.any():
                quantity = self.draft.quantities[other]
                numbers = rule.solved(self.draft, other)
                rows &= np.isfinite(numbers)
                self.draft.put(other, rows, np.clip(numbers, quantity.lower, quantity.upper)[rows])
                where = where & rule.broken(self.draft)

    def _limit(self, name: str, where: Mask) -> None:
        """Move a column within its bounds, as far as the others of these are settled."""
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
        """The smallest and the largest number that bounds leave a column in each row. Shape: (N,) twice."""
        draft = self.draft
        numbers = draft.numbers(name)
        lowest, highest = _ends(numbers)
        lower, upper = np.full_like(numbers, lowest), np.full_like(numbers, highest)
        for bound in self.order.bounds:
            if name in bound.names:
                low, high = bound.limit(name, draft)
                holds = where & draft.observed(bound.names)
                if self.turn == 0:
                    holds &= self._are_settled([other for other in bound.names if other != name])
                if low is not None:
                    np.maximum(lower, low, out=lower, where=holds)
                if high is not None:
                    np.minimum(upper, high, out=upper, where=holds)
        return lower, upper

    def _moved(self, numbers: Numbers, lower: Numbers, upper: Numbers, quantity: Quantity) -> Numbers:
        """Numbers beyond their limits mirrored there, inside of the range that was seen, and within the limits."""
        ends = np.where(numbers < lower, lower, upper)
        if self.mirrors:
            ends = quantity.snapped(ends + (ends - numbers))
            ends = np.clip(ends, quantity.lower, quantity.upper)
        return np.minimum(np.maximum(ends, lower), upper)

    def _repair(self) -> Mask:
        """Move what columns follow from, where these are known or not in any row that was seen. Shape: (N,)."""
        free = {name: mask & ~self._is_forced(name) for name, mask in self.free.items()}
        is_moved = self._nowhere()
        for name in reversed(self.order.names):  # what is moved is known to what it follows from
            alone = [rule for rule in self.order.exact if _is_of(rule, name)]
            if alone:
                moved = repair_inputs(self.draft, name, [*alone, *self._composed(name, alone)], free, self.rng)
                free[name] &= ~moved
                is_moved |= moved
        for rule in self.order.exact:
            if isinstance(rule, Function) and len(rule.inputs) > 1:
                is_moved |= repair_terms(self.draft, rule, free, self.rng)
        return is_moved

    def _composed(self, name: str, alone: list[Exact]) -> list[Exact]:
        """Functions of two columns that follow from one alone, or are that one: open = f(weekday(day), holiday)."""
        known = {name, *(rule.name for rule in alone if isinstance(rule, Function))}
        return [
            rule
            for rule in self.order.exact
            if isinstance(rule, Function) and len(rule.inputs) > 1 and set(rule.inputs) <= known
        ]

    def _is_forced(self, name: str) -> Mask:
        """Where a column follows from known cells alone. Shape: (N,)."""
        forced = self._nowhere()
        for solver in self.solvers:
            if solver.name == name:
                forced |= solver.where & ~np.logical_or.reduce([self.free[other] for other in solver.others])
        return forced

    def _any_broken(self) -> Mask:
        broken = self._nowhere()
        for rule in self.order.rules:
            broken |= rule.broken(self.draft)
        return broken


def _is_of(rule: Exact, name: str) -> bool:
    """Whether a rule gives another column from this one alone, as a function or a part of the calendar."""
    if isinstance(rule, Function):
        return rule.inputs == [name]
    return rule.part is not None and rule.part[0] == name and rule.sides[0].column is not None


def _ends(numbers: Numbers) -> tuple[float, float]:
    """The smallest and the largest number of a dtype."""
    if numbers.dtype.kind == "f":
        return -np.inf, np.inf
    limits = np.iinfo(numbers.dtype)
    return limits.min, limits.max
