"""The rules of a table: read, checked against rows, and held by others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd

from skvae.tables.columns.base import Mask
from skvae.tables.rows import with_rows
from skvae.tables.rules.draft import Draft, names_of
from skvae.tables.rules.kinds import Rule
from skvae.tables.rules.moving import Moving, Way
from skvae.tables.rules.order import Order
from skvae.tables.rules.quantities import MOMENT, Quantity
from skvae.tables.rules.reading import check_names, read_all
from skvae.tables.rules.repairs import repair_input
from skvae.tables.rules.search.search import find_rules
from skvae.tables.rules.settling import Settling

N_TURNS = 5  # of rows that break rules still: each solves equations for another cell
NEAR = 0.02  # share of the range of moments: a model knows no better where in it one lies


@dataclass(frozen=True)
class Rulebook:
    """The rules of a table.

    Attributes
    ----------
    rules : list of Rules
        The rules.
    quantities : dict of Quantities
        Columns of rules that can be compared and added, by name.
    names : list of str
        All columns, as rules name them.
    is_given : bool
        Whether a user has stated the rules, so that rows which break them are an error, or they were found.
    """

    rules: list[Rule]
    quantities: dict[str, Quantity]
    names: list[str]
    is_given: bool = False

    def __post_init__(self) -> None:
        check_names(self.rules, self.names)  # of a file, say

    @classmethod
    def found(cls, rows: pd.DataFrame, identifiers: Collection[int] = ()) -> Self:
        """The rules that hold in all rows of a table, and not by chance; columns at some positions have none."""
        rules = find_rules(rows.iloc[:, [j for j in range(rows.shape[1]) if j not in identifiers]])
        return cls([], quantities_of(rows, rules), names_of(rows)).with_rules(rules, rows)

    @classmethod
    def given(cls, texts: Sequence[str], rows: pd.DataFrame) -> Self:
        """The rules that a user states.

        Raises
        ------
        ValueError, TypeError
            Where one cannot be read, names no column, or is broken by a row.
        """
        rules = read_all(texts, names_of(rows))
        return cls([], quantities_of(rows, rules), names_of(rows), is_given=True).with_rules(rules, rows)

    @classmethod
    def stated(cls, texts: Sequence[str], rows: pd.DataFrame) -> Self:
        """Rules of which rows say only what functions are; they may break them."""
        rules = read_all(texts, names_of(rows))
        draft = Draft(rows, quantities_of(rows, rules))
        return cls([_applied(rule, draft)[0] for rule in rules], dict(draft.quantities), names_of(rows), is_given=True)

    def with_rules(self, rules: Iterable[Rule], rows: pd.DataFrame) -> Self:
        """More rules, as far as rows keep them: functions are learned of these."""
        draft = Draft(rows, self.quantities)
        return replace(self, rules=self.rules + self._kept(rules, draft))

    def after(self, rows: pd.DataFrame) -> Self:
        """The rules that more rows keep, too.

        Raises
        ------
        ValueError
            Where a row breaks one that was given.
        """
        if not self.rules:
            return self
        new = quantities_of(rows, self.rules)
        quantities = {name: q.joined(new[name]) if name in new else q for name, q in self.quantities.items()}
        book = replace(self, quantities=quantities)
        return replace(book, rules=book._kept(self.rules, Draft(rows, quantities)))

    def _kept(self, rules: Iterable[Rule], draft: Draft) -> list[Rule]:
        """Rules with what rows say of them, if these keep them; that is an error where they do not, but were given."""
        kept = list[Rule]()
        for rule in rules:
            if self.is_given:
                rule, broken = _applied(rule, draft)
                _check_kept(rule, broken, draft)
                kept.append(rule)
                continue
            with suppress(ValueError):  # of columns that are not of one kind
                rule = rule.learned(draft)
                if not rule.broken(draft).any():
                    kept.append(rule)
        return kept

    @property
    def unrounded(self) -> Self:
        """The same rules of columns whose draws have more decimals than the values seen, as those of an array have."""
        exact = {name: replace(quantity, decimals=None) for name, quantity in self.quantities.items()}
        return replace(self, quantities=exact)

    @property
    def texts(self) -> list[str]:
        """The rules as text that can be read again."""
        return list(map(str, self.rules))

    @cached_property
    def order(self) -> Order:
        """In which order they are settled."""
        return Order.of(self.rules, self.names)

    def held(self, rows: pd.DataFrame) -> dict[str, float]:
        """The share of rows that keep each rule, among those where none of its cells is missing; 1 where none is."""
        draft = Draft(rows, self.quantities)
        shares = {}
        for rule in self.rules:
            n_rows = int(draft.observed(rule.names).sum())
            shares[str(rule)] = 1.0 - float(rule.broken(draft).sum()) / max(n_rows, 1)
        return shares

    def contradicted(self, rows: pd.DataFrame, is_known: Mask) -> list[tuple[Rule, Mask]]:
        """Rules that are broken by known cells alone, and in which rows. Shape: (N, D) twice -> (N,) each."""
        draft, found = Draft(rows, self.quantities, ~is_known), list[tuple[Rule, Mask]]()
        for rule in self.order.rules:
            broken = rule.broken(draft)
            for name in rule.names:
                broken = broken & ~draft.free(name)
            if broken.any():
                found.append((rule, broken))
        return found

    def impossible(self, rows: pd.DataFrame, is_free: Mask | None) -> Mask:
        """Rows that break a rule by more than the decimals of free cells leave room for. (N, D) twice -> (N,)."""
        draft = Draft(rows, self.quantities, is_free)
        return np.asarray(np.any([rule.impossible(draft) for rule in self.rules], axis=0))

    def beyond(self, rows: pd.DataFrame, is_free: Mask) -> tuple[str | None, Mask]:
        """Rows in which a free cell lies outside of what its column had, and the first such column. Shape: (N, D)."""
        draft, is_beyond, first = Draft(rows, self.quantities, is_free), np.zeros(len(rows), dtype=bool), None
        for name, quantity in self.quantities.items():
            is_out = draft.free(name) & ~quantity.is_inside(draft.numbers(name))
            if is_out.any() and first is None:
                first = name
            is_beyond |= is_out
        return first, is_beyond

    def aligned(self, rows: pd.DataFrame, is_free: Mask | None, rng: np.random.Generator) -> pd.DataFrame:
        """Rows whose moments lie on the nearest day from which all follows that stands beside them, if one is near.

        A weekday says more of a row than which day of a fortnight it was: of both, the day is moved. Moments that are
        bound to others stay. Steps are computed of it: the nearest day that has a known age is the end of a year.
        """
        draft, stay = Draft(rows, self.quantities, is_free), np.zeros(len(rows), dtype=bool)
        for name, quantity in self.quantities.items():
            rules, own = self.order.rules_from(name, by_steps=False), self.order.rules_from(name)
            is_bound = any(name in rule.names and not any(rule is one for one in own) for rule in self.rules)
            if quantity.kind == MOMENT and rules and not is_bound:
                targets, before = list(map(self.order.target, rules)), draft.numbers(name)
                free = dict.fromkeys(targets, stay) | {name: draft.free(name)}
                repair_input(draft, name, rules, targets, free, rng)
                is_far = np.abs(draft.numbers(name) - before) > NEAR * (quantity.upper - quantity.lower)
                draft.put(name, is_far, before[is_far])
        return draft.frame()

    def solve(self, rows: pd.DataFrame, is_free: Mask | None) -> tuple[pd.DataFrame, Mask]:
        """Rows in which what follows from other cells is computed, and which of them are to be drawn again.

        These break a rule, or are unlike any row that was seen.
        """
        draft = Draft(rows, self.quantities, is_free)
        is_broken = Settling(self.order, draft).run()
        return draft.frame(), is_broken

    def move(
        self, rows: pd.DataFrame, is_free: Mask | None, rng: np.random.Generator, *, mirrors: bool = True
    ) -> tuple[pd.DataFrame, Mask]:
        """Rows whose free cells are moved until they keep the rules, and which of them cannot. See ``Moving``."""
        moved, is_broken = rows, np.ones(len(rows), dtype=bool)
        at_random = [Way(at_random=True)] * N_TURNS + [Way(at_random=True, spreads=True)] * N_TURNS
        for way in [Way(mirrors=mirrors), Way(mirrors=mirrors, backward=True), *at_random]:
            at = np.flatnonzero(is_broken)
            if not len(at):
                break
            begin = moved if way.at_random else rows
            draft = Draft(begin.iloc[at], self.quantities, None if is_free is None else is_free[at])
            is_broken[at] = Moving(self.order, draft, rng, way).run()
            is_taken = ~is_broken[at] | (not way.backward)  # else it goes on from where the first way ended
            moved = with_rows(moved, at[is_taken], draft.frame()[is_taken])
        return moved, is_broken


def quantities_of(rows: pd.DataFrame, rules: Iterable[Rule]) -> dict[str, Quantity]:
    """The quantities among the columns of some rules."""
    names, found = names_of(rows), dict[str, Quantity]()
    for name in dict.fromkeys(name for rule in rules for name in rule.names):
        quantity = Quantity.of(rows.iloc[:, names.index(name)])
        if quantity is not None:
            found[name] = quantity
    return found


def _applied(rule: Rule, draft: Draft) -> tuple[Rule, Mask]:
    """A rule that a user states with what it learns of some rows, and which of them break it.

    Raises
    ------
    ValueError
        Where it asks of columns what they are not.
    """
    try:
        learned = rule.learned(draft)
        return learned, learned.broken(draft)
    except ValueError as error:
        raise ValueError(f"The rule {str(rule)!r} cannot be asked of these columns. {error}") from error


def _check_kept(rule: Rule, broken: Mask, draft: Draft) -> None:
    """Refuse a rule that rows break."""
    if broken.any():
        row = int(np.flatnonzero(broken)[0])
        cells = ", ".join(f"{name} = {draft.column(name).iloc[row]}" for name in rule.names)
        raise ValueError(
            f"A rule holds in all rows that the model learns from, but {broken.mean():.3%} of them break "
            f"{str(rule)!r}, the first of them row {row}: {cells}. Correct the rows, or leave the rule out."
        )
