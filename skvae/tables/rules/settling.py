"""Rows in which what follows from other cells is computed: exact rules are solved, each for one free cell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from skvae.tables.columns.base import Mask
from skvae.tables.rules.draft import Draft
from skvae.tables.rules.kinds import Exact
from skvae.tables.rules.order import Order


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
    """One draft in which what follows from other cells is computed, and nothing else is changed.

    Parameters
    ----------
    order : Order
        The rules.
    draft : Draft
        Rows, whose free cells are changed.
    """

    def __init__(self, order: Order, draft: Draft) -> None:
        self.order, self.draft = order, draft
        self.free = {name: draft.free(name) for name in order.names}
        self.settled = dict[str, Mask]()
        self.taken = {name: self._nowhere() for name in order.names}
        self.is_odd = self._nowhere()
        self.solvers = self._assigned()

    def run(self) -> Mask:
        """Settle the rows, and answer which of them are to be drawn again. Shape: (N,).

        These break a rule, or are unlike any row that was seen.
        """
        self._pass()
        for rule in self.order.exact:
            is_input_free = np.logical_or.reduce([self.free[name] for name in rule.inputs])
            self.is_odd |= rule.unknown(self.draft) & is_input_free
        return self.is_odd | self._any_broken()

    # -- what cells that are moved do in another way: see ``Moving`` ------------------------------------------------

    def _unknowns(self, rule: Exact) -> list[str]:
        """Columns that a rule may be solved for: what follows from the others, or else the last."""
        target = self.order.target(rule)
        others = [name for name in reversed(self.order.names) if name != target]
        return [name for name in [target, *others] if name in rule.unknowns]

    def _in_turn(self) -> list[Exact]:
        """In which order rules choose the cells that they are solved for."""
        return self.order.exact

    def _visit(self, name: str, where: Mask) -> None:
        """Cells that follow from no others stay as they are."""

    def _beyond(self, rule: Exact, name: str, where: Mask) -> None:
        """Rows with a solution that is beyond the range that was seen are drawn again."""
        self.is_odd |= where

    # -- one pass -------------------------------------------------------------------------------------------------

    def _assigned(self) -> list[Solver]:
        """For which of its free cells each rule is solved in each row: no cell is by two."""
        solvers = {rule: list[Solver]() for rule in map(id, self.order.exact)}
        for rule in self._in_turn():
            open_ = self.draft.observed(rule.names)
            for name in self._unknowns(rule):
                mask = open_ & self.free[name] & ~self.taken[name]
                if mask.any():
                    solvers[id(rule)].append(Solver(rule, name, mask))
                    self.taken[name] |= mask
                    open_ = open_ & ~mask
        return [solver for rule in self.order.exact for solver in solvers[id(rule)]]

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
            self._visit(name, alone)
            self.settled[name] |= alone
        for solver in self.solvers:
            self._solve(solver, ~self._nowhere())

    def _solve(self, solver: Solver, is_ready: Mask) -> None:
        """Compute a column by a rule, where that is not done already."""
        rule, name = solver.rule, solver.name
        where = solver.where & is_ready & ~self.settled[name]
        if not where.any():
            return
        self.settled[name] |= where
        n_free = sum(self.free[other].astype(int) for other in rule.names)
        is_beyond = rule.solve(self.draft, name, where) & (n_free > 1)
        if is_beyond.any():
            self._beyond(rule, name, is_beyond)

    def _are_settled(self, names: list[str]) -> Mask:
        mask = ~self._nowhere()
        for name in names:
            mask &= self.settled[name]
        return mask

    def _any_broken(self) -> Mask:
        broken = self._nowhere()
        for rule in self.order.rules:
            broken |= rule.broken(self.draft)
        return broken

    def _nowhere(self) -> Mask:
        return np.zeros(len(self.draft), dtype=bool)
